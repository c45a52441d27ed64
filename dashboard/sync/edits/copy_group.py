"""What a new draft can take over from another group, whatever its status. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    AlreadyLaunched,
    BadAnswer,
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
)
from dashboard.exchange.shapes.groups import TargetGroupDetails
from dashboard.exchange.shapes.profiling import Profiles
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.connections import clients
from dashboard.sync.edits import draft_profiles, moves
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.base import exchange_ids, money_value
from dashboard.sync.edits.kinds.draft import Value
from dashboard.sync.edits.merge import WHOLE

SECONDS = 8.0
T = TypeVar("T")
# What a group may do without: the copy does without it too, and says so.
_LEFT_OUT = (Forbidden, NotFound, MethodNotAllowed, NotOffered, BadAnswer)


@dataclass(frozen=True, slots=True)
class Copied:
    """The settings of a group as a draft's, and what could not be read of it, in words."""

    value: Value
    missing: list[str] = field(default_factory=list)


def of_group(group: TargetGroup, *, client: ExchangeClient | None = None) -> Copied:
    """All that can be known of a group; raises ExchangeError where the exchange is away."""
    client = client or clients.client_for(group.account)
    with client.deadline(SECONDS):
        if group.status == TargetGroup.Status.DRAFT:
            try:
                held = moves.at_its_project(
                    group=group, client=client, ask=lambda of: draft.read_draft(client, of)
                )
                return Copied(_fresh(held))
            except AlreadyLaunched:
                pass
        return _launched(group, client)


def stored_copy(group: TargetGroup) -> Value | None:
    """What our tables hold of a group, for want of the exchange; nothing that goes along."""
    value = draft.stored_draft(group)
    if value is None:
        return None
    return _fresh(
        value
        | draft.passthrough(None, None)
        | {
            "pricing_model": "rate_card" if group.pricing_model == "rate_card" else "dynamic",
            "re_entry_configuration": group.re_entry,
            draft.PRICE: _price(group),
        }
    )


def _price(group: TargetGroup) -> Value | None:
    if group.cpi is None or not group.currency:
        return None
    return {"value": format(group.cpi.normalize(), "f"), "currency_code": group.currency}


def _fresh(value: Value) -> Value:
    """Without what is of one group alone: its dates, and a soft launch that has a date."""
    assistant = _without_soft_launch(value[draft.ASSISTANT])
    period = {"start_at": None, "end_at": None}
    fresh = value | {draft.ASSISTANT: assistant, draft.PERIOD: period}
    if whole := value.get(WHOLE):
        modules = _without_soft_launch(whole[draft.ASSISTANT])
        shares = {name: _new_shares(part) for name, part in whole["allocations"].items()}
        fresh[WHOLE] = whole | {draft.ASSISTANT: modules, "allocations": shares}
    return fresh


def _without_soft_launch(modules: Value) -> Value:
    return {name: module for name, module in modules.items() if name != "soft_launch"}


def _new_shares(part: Any) -> Any:
    """Suppliers' shares without the ids that they have in their group."""
    if not isinstance(part, dict) or "groups" not in part:
        return part
    groups = [{n: v for n, v in one.items() if n != "group_id"} for one in part["groups"]]
    return part | {"groups": groups}


def _launched(group: TargetGroup, client: ExchangeClient) -> Copied:
    """A group that is in the field, or was."""
    missing: list[str] = []

    def asked(what: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except _LEFT_OUT:
            missing.append(what)
            return None

    details = moves.at_its_project(
        group=group, client=client, ask=lambda of: client.get_target_group_details(**of)
    )
    of = exchange_ids(group)
    overview = asked("its price", lambda: client.get_target_group_overview(**of))
    re_entry = asked("its re-entry", lambda: client.get_re_entry_configuration(**of))
    profiles = asked("its profiles and quotas", lambda: client.list_profiles(**of))
    shares = asked(
        "its suppliers' shares", lambda: client.get_target_group_allocation_specification(**of)
    )
    modules = asked(
        "its fielding assistant", lambda: client.get_fielding_assistant_assignment(**of).value
    )
    value = _details(details) | draft.passthrough(modules, shares)
    value[draft.PROFILING] = draft_profiles.with_words(_profiling(profiles))
    value["re_entry_configuration"] = msgspec.to_builtins(re_entry) if re_entry else None
    value["exclusion"] = _exclusion(group, client)
    by_card = (overview.pricing_model if overview else group.pricing_model) == "rate_card"
    value["pricing_model"] = "rate_card" if by_card else "dynamic"
    value[draft.PRICE] = (
        money_value(overview.current_cost_per_interview) if overview else _price(group)
    )
    return Copied(_fresh(value), missing)


def _details(details: TargetGroupDetails) -> Value:
    value: Value = {name: getattr(details, name, None) for name in draft.PLAIN}
    if details.expected_incidence_rate is not None:
        value[draft.IR] = round(float(details.expected_incidence_rate), 4)
    value[draft.NOTE] = money_value(details.client_cost_per_interview_note)
    value["respondent_activity_exclusions"] = []
    return value


def _exclusion(group: TargetGroup, client: ExchangeClient) -> bool:
    """Whether it takes part in its project's exclusion, which only the list tells."""
    short = group.human_readable_id
    try:
        page = client.get_list_target_groups(
            project_id=group.project.exchange_id,
            human_readable_ids=[short] if short else None,
            name=None if short else group.name,
        )
    except ExchangeError:
        return True
    found = next((row for row in page.items if row.id == group.exchange_id), None)
    return found is None or found.exclusion_enabled is not False


def _profiling(profiles: Profiles | None) -> dict[str, Any]:
    """The profiles of a running group, their quotas in per cent of the goal."""
    if profiles is None or not profiles.profiles:
        return {}
    told = []
    for profile in profiles.profiles:
        one: dict[str, Any] = fit_json(msgspec.to_builtins(profile))
        one["object"] = one["object"] or "regular"
        for target in one["targets"]:
            target["quota"] = {
                "completes_goal_percentage": _share(target["quota"], profiles.completes_goal)
            }
        told.append({name: value for name, value in one.items() if value is not None})
    return {"profile_adjustment_type": "percentage", "profiles": told}


def _share(quota: Value | None, goal: int | None) -> float:
    """A quota in per cent, to the hundredth; rounded down, so that quotas fit into the goal."""
    if not quota:
        return 0
    if quota.get("completes_goal_percentage") is not None:
        return round(float(quota["completes_goal_percentage"]), 2)
    return int((quota.get("completes_goal") or 0) * 10_000 / goal) / 100 if goal else 0
