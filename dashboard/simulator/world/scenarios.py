"""Plots: what became, becomes and will become of a group, by its place in its project."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import DAY, HOUR, rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.seeded_random import ulid_at
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import Run, SimulatedGroup
from dashboard.simulator.world.rules import TROUBLES

SCENARIOS = (
    *("steady", "short", "draft", "overshoot", "exchange_paused", "steady", "completed"),
    *("steady", "stalling", "person_paused", "steady", "scheduled", "steady", "troubled"),
    *("steady", "exchange_paused", "short", "steady", "soft_launch", "steady", "completed"),
    *("steady", "ended", "steady", "archived", "steady", "exchange_paused", "steady"),
    *("steady", "draft", "steady", "stalling", "steady", "person_paused", "overshoot"),
)
_PACE = {"short": 0.45, "overshoot": 2.4, "completed": 4.0, "archived": 4.0, "soft_launch": 0.9}
_SOFT = 20
_FEW_LINKS = 17  # the place of a steady group whose survey links run out after the origin


class SeedOptions(NamedTuple):
    """How much of a world lies behind its origin: seed, groups a project, moment and days.

    kind: `troubled` (every trouble there is), `team` (an ordinary team's field, see `team.py`), or
    `calm` (the same without any trouble).
    """

    seed: int
    groups: int
    origin: int
    days: float
    kind: str = "troubled"


def plan_scenario(
    group: SimulatedGroup, chance: Random, options: SeedOptions, *, index: int, number: int
) -> None:
    """Plan the group's life: its run, its pace, who interferes and when."""
    plot = SCENARIOS[index % len(SCENARIOS)]
    length = chance.uniform(9, 34) * DAY
    origin, span = options.origin, max(0.2, options.days - 0.3) * DAY
    ago = span * chance.uniform(0.1, 1.0)
    if plot in ("completed", "archived", "ended", "exchange_paused"):
        ago = span * chance.uniform(0.75, 1.0)
    if plot == "ended":
        length = ago * chance.uniform(0.5, 0.95)
    if plot == "soft_launch":
        ago, length = min(ago, (1.5 if (index + number) % 2 else 5) * DAY), 20 * DAY
    start = int(origin - ago) if plot != "scheduled" else int(origin + DAY * (0.1 + 4 * index / 99))
    start -= start % 60_000
    end = start + int(length) // HOUR * HOUR
    if plot not in ("ended", "completed", "archived"):
        end = max(end, origin + int(chance.uniform(0.2, 20) * DAY))
    group.planned = (start, end)
    pace = _PACE.get(plot, 1.0) * chance.lognormvariate(0, 0.25)
    set_pace(group, pace, days=(end - start) / DAY)
    group.temper.lively = plot not in ("completed", "archived", "overshoot", "soft_launch")
    if plot == "overshoot":
        group.temper.overrun = max(2, group.filling_goal // 14)
    by = group.project_manager_id
    log_birth(group, index, number)
    if plot == "draft":
        return
    created, launch = group.created_at, min(start, origin) - 2 * HOUR
    launch = max(created + 1, min(launch, start - 1))
    group.run = Run(ulid_at(launch, "run", group.id), start, end, "scheduled", launch, by)
    group.plan(launch, "person_status", when="draft", status="scheduled", by=by)
    _interfere(group, plot, chance, origin, number * 5 + index // 3)
    if index % len(SCENARIOS) == _FEW_LINKS:
        group.plan(origin - HOUR, "links", hours=30)
    if plot in ("steady", "short", "overshoot", "stalling", "completed"):
        _edits(group, chance, index, start, min(end, origin))


def set_pace(group: SimulatedGroup, pace: float, *, days: float) -> None:
    """Have so many people come that the group reaches this share of its goal in these days."""
    temper = group.temper
    conversion = temper.qualify * (0.96 - temper.drop) * temper.incidence
    if group.filling_strategy == "prescreens":
        conversion = temper.qualify
    temper.entrants_an_hour = group.filling_goal * pace / days / 24 / conversion


def _interfere(group: SimulatedGroup, plot: str, chance: Random, origin: int, turn: int) -> None:
    """Plan what sets this plot apart from a steady life."""
    run, by = group.run, group.project_manager_id
    if run is None:
        return
    recently = int(origin - min(chance.uniform(0.1, 3) * DAY, (origin - run.start) * 0.6))
    if plot == "exchange_paused":
        kind = tuple(TROUBLES)[turn % len(TROUBLES)]
        begin = max(run.start + HOUR, recently - 30 * HOUR)
        group.plan(begin, "trouble", kind=kind)
        group.plan(max(recently, begin + HOUR), "exchange_pause", kind=kind, stay=True)
    elif plot == "person_paused":
        group.plan(recently, "person_status", when="live", status="paused", by=by)
    elif plot == "stalling":
        group.plan(int(origin - chance.uniform(0.2, 2.6) * DAY), "trouble", kind="stall")
    elif plot == "troubled":
        group.plan(recently, "trouble", kind=("long_interviews", "drop_outs")[turn % 2])
    elif plot == "archived":
        group.plan(origin - 6 * HOUR, "person_status", when="completed", status="archived", by=by)
    elif plot == "soft_launch":
        soft = {
            "end_at": rfc3339_stamp(run.start + 2 * DAY),
            "filling_goal_percentage": _SOFT,
            "demographics_strictness_percentage": 50,
        }
        group.plan(run.start - 1, "assistant", modules={"soft_launch": soft}, by=by)


def log_birth(group: SimulatedGroup, index: int, number: int) -> None:
    """Changes from the time of drafting, of kinds that a launched group no longer sees."""
    person, at = group.project_manager_id, group.created_at + 60_000
    amount = monetary_amount(group.cpi, group.currency)
    kinds: tuple[Json, ...] = (
        {"object": "locale_change", "new_value": group.locale_code, "old_value": "eng_us"},
        {"object": "currency_change", "new_value": group.currency, "old_value": "USD"},
        {"object": "business_unit_change", "new_value": str(group.business_unit_id)},
        {"object": "collects_pii_change", "new_value": False, "old_value": True},
        {"object": "study_type_change", "new_value": group.study_type_code},
        {"object": "external_name_change", "new_value": f"Survey {group.human_id}"},
        {"object": "project_id_change", "new_value": group.project_id},
        {"object": "private_exchange_cpi_change", "supplier_id": "411", "new_value": amount},
        {"object": "pricing_dynamic_unlock_max_budget_usage_change", "new_value": True},
        {
            "object": "fielding_period_start_date_change",
            "new_value": rfc3339_stamp(group.planned[0]),
        },
    )
    chosen = kinds[(index + number) % len(kinds)]
    if group.pricing_model == "rate_card":
        chosen = {"object": "pricing_rate_card_maximum_cpi_change", "new_value": amount}
    group.plan(at, "log", changes=[chosen], actor="las_user", by=person)


def _edits(group: SimulatedGroup, chance: Random, index: int, start: int, stop: int) -> None:
    """Plan a few edits by people between the start and the stop."""
    people = ACCOUNTS[group.account_id].users
    for turn, values in enumerate(_values(group, chance, index)):
        if stop - start < 3 * HOUR:
            return
        at = start + int((stop - start) * chance.uniform(0.05, 0.95))
        by = people[(index + turn) % len(people)].id
        if "modules" in values:
            group.plan(at, "assistant", modules={**group.assistant, **values["modules"]}, by=by)
        else:
            group.plan(at, "person_change", values=values, by=by)


def _values(group: SimulatedGroup, chance: Random, index: int) -> Iterator[Json]:
    factor = Decimal(str(round(chance.uniform(1.03, 1.25), 2)))
    raised = (group.cpi * factor).quantize(group.cpi)
    choices: tuple[Json, ...] = (
        {"name_change": f"{group.name} boost"},
        {"expected_incidence_rate_change": round(max(0.05, group.incidence_rate - 0.05), 2)},
        {"expected_length_of_interview_minutes_change": min(45, group.loi_minutes + 2)},
        {"filling_goal_change": group.filling_goal + 50},
        {"fielding_period_end_date_change": group.planned[1] + 2 * DAY},
        {"target_group_customer_reference_number_change": f"TG-{index:03d}-B"},
        {"cpi_note_change": raised},
        {"live_url_change": f"{group.live_url}&v=2", "test_url_change": f"{group.test_url}&v=2"},
        {"industry_lockout_code_change": "other"},
        {"project_manager_change": ACCOUNTS[group.account_id].users[index % 2].id},
        {"filling_strategy_change": "automated"},
        *({"modules": modules} for modules in _modules(group, raised)),
    )
    if group.pricing_model == "dynamic":
        yield {"cpi_change": raised}
        if chance.random() < 0.4:
            yield {"cpi_change": (raised * factor).quantize(group.cpi)}
    yield choices[index % len(choices)]
    if chance.random() < 0.5:
        yield choices[(index * 7 + 3) % len(choices)]


def _modules(group: SimulatedGroup, cpi: Decimal) -> tuple[Json, ...]:
    """Settings of the fielding assistant that people try."""
    money = monetary_amount(cpi, group.currency)
    budget = monetary_amount(cpi * group.filling_goal, group.currency)
    dynamic = {"type": "dynamic", "maximum_cpi": money, "minimum_cpi": money}
    return (
        {"pacing": {"type": "adaptive", "increment_interval": "PT12H"}},
        {"pacing": {"type": "linear", "increment_interval": "P1D"}},
        {"pacing": {"type": "gemini", "exposed_target_group_id": group.id}},
        {"quota_overlay": {"prevent_overfill": True, "balance_fill": True}},
        {"pricing": {**dynamic, "total_budget": budget}},
        {"pricing": {"type": "rate_card", "maximum_cpi": money}},
    )
