"""Changing a group and writing it into its changelog, value by value."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dashboard.simulator.catalogue import seeded_random
from dashboard.simulator.catalogue.clock import rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import Actor, ChangelogBatch, SimulatedGroup


class ChangelogField(NamedTuple):
    """How one change type is read from a group, written to it and shown."""

    read: Callable[[SimulatedGroup], object]
    # Any: each field takes and shows the type that its own `read` returns.
    write: Callable[[SimulatedGroup, Any], None]
    show: Callable[[SimulatedGroup, Any], object]


def _plain(attribute: str) -> ChangelogField:
    return ChangelogField(
        lambda g: getattr(g, attribute),
        lambda g, value: setattr(g, attribute, value),
        lambda _g, value: value,
    )


def _money(attribute: str) -> ChangelogField:
    return _plain(attribute)._replace(show=lambda g, value: monetary_amount(value, g.currency))


def _module(module: str, key: str, *, kind: str | None = None) -> ChangelogField:
    """A value inside a module of the fielding assistant; None where the module is off."""

    def read(group: SimulatedGroup) -> object:
        settings = group.assistant.get(module) or {}
        return settings.get(key) if kind in (None, settings.get("type")) else None

    return ChangelogField(read, lambda _g, _v: None, lambda _g, value: value)


def _on(module: str) -> ChangelogField:
    return ChangelogField(
        lambda g: bool(g.assistant.get(module)), lambda _g, _v: None, lambda _g, value: value
    )


def _run(attribute: str) -> ChangelogField:
    return ChangelogField(
        lambda g: g.run and getattr(g.run, attribute),
        lambda g, value: setattr(g.run, attribute, value),
        lambda _g, value: rfc3339_stamp(value),
    )


FIELDS: dict[str, ChangelogField] = {
    "name_change": _plain("name"),
    "project_manager_change": _plain("project_manager_id")._replace(
        show=lambda _g, value: {"las_user_id": value}
    ),
    "filling_goal_change": _plain("filling_goal"),
    "filling_strategy_change": _plain("filling_strategy"),
    "expected_length_of_interview_minutes_change": _plain("loi_minutes"),
    "expected_incidence_rate_change": _plain("incidence_rate"),
    "industry_lockout_code_change": _plain("lockout_code"),
    "live_url_change": _plain("live_url"),
    "test_url_change": _plain("test_url"),
    "target_group_customer_reference_number_change": _plain("reference"),
    "status_change": _plain("status"),
    "cpi_change": _money("cpi"),
    "cpi_note_change": _money("cpi_note"),
    "fielding_period_start_date_change": _run("start"),
    "fielding_period_end_date_change": _run("end"),
}
ASSISTANT_FIELDS: dict[str, ChangelogField] = {
    "pricing_assistance_change": _module("pricing", "type", kind="dynamic"),
    "pricing_dynamic_total_budget_change": _module("pricing", "total_budget", kind="dynamic"),
    "pricing_dynamic_maximum_cpi_change": _module("pricing", "maximum_cpi", kind="dynamic"),
    "pricing_dynamic_minimum_cpi_change": _module("pricing", "minimum_cpi", kind="dynamic"),
    "pricing_rate_card_maximum_cpi_change": _module("pricing", "maximum_cpi", kind="rate_card"),
    "pacing_assistance_change": _module("pacing", "type"),
    "pacing_linear_increment_interval_change": _module(
        "pacing", "increment_interval", kind="linear"
    ),
    "pacing_adaptive_increment_interval_change": _module(
        "pacing", "increment_interval", kind="adaptive"
    ),
    "pacing_gemini_exposed_target_group_id_change": _module("pacing", "exposed_target_group_id"),
    "quota_overlay_assisted_change": _on("quota_overlay"),
    "quota_overlay_prevent_overfilling_change": _module("quota_overlay", "prevent_overfill"),
    "quota_overlay_balance_fill_change": _module("quota_overlay", "balance_fill"),
    "soft_launch_assisted_change": _on("soft_launch"),
    "soft_launch_end_date_change": _module("soft_launch", "end_at"),
    "soft_launch_filling_goal_percentage_change": _module("soft_launch", "filling_goal_percentage"),
    "soft_launch_demographics_strictness_percentage_change": _module(
        "soft_launch", "demographics_strictness_percentage"
    ),
}


def change_group(
    group: SimulatedGroup, values: Json, *, at: int, by: Actor, reason: str | None = None
) -> list[Json]:
    """Set new values by change type and log those that differ; what was logged.

    A reason belongs to the status change among them.
    """
    logged: list[Json] = []
    for kind, value in values.items():
        field = FIELDS[kind]
        old = field.read(group)
        if old == value:
            continue
        field.write(group, value)
        entry: Json = {"object": kind}
        if value is not None:
            entry["new_value"] = field.show(group, value)
        if old is not None:
            entry["old_value"] = field.show(group, old)
        if kind == "status_change" and reason is not None:
            entry["reason_code"] = reason
        logged.append(entry)
        if kind == "cpi_change" and by.type == "las_user":
            logged.append({**entry, "object": "user_requested_cpi_change"})
    log_changes(group, logged, at=at, by=by)
    return logged


def change_assistant(group: SimulatedGroup, modules: Json, *, at: int, by: Actor) -> list[Json]:
    """Replace all modules of the fielding assistant and log every value that differs."""
    before = {kind: field.read(group) for kind, field in ASSISTANT_FIELDS.items()}
    group.assistant = modules
    group.assistant_version += 1
    logged: list[Json] = []
    for kind, field in ASSISTANT_FIELDS.items():
        old, new = before[kind], field.read(group)
        if old != new:
            both = {"new_value": new, "old_value": old}
            logged.append({"object": kind} | {k: v for k, v in both.items() if v is not None})
    log_changes(group, logged, at=at, by=by)
    return logged


def log_changes(group: SimulatedGroup, changes: list[Json], *, at: int, by: Actor) -> None:
    """Write changes as one batch; nothing is written for none."""
    group.version += 1
    if not changes:
        return
    group.updated_at = max(group.updated_at, at)
    batch_id = seeded_random.ulid_at(at, group.id, len(group.changelog))
    group.changelog.append(ChangelogBatch(batch_id, at, by, changes))
