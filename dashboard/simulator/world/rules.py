"""The exchange's own rules, the troubles of a group, and the events planned for it."""

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import DAY, HOUR, read_stamp
from dashboard.simulator.catalogue.seeded_random import uniform_draws
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.changes import change_assistant, change_group, log_changes
from dashboard.simulator.world.group import MARKETPLACE, SYSTEM, Actor, SimulatedGroup, Trouble


class TroubleEffect(NamedTuple):
    """What a trouble does to a group, and with which reason the exchange then pauses it."""

    reason: str | None = None
    rate: float = 1.0
    loi: float = 1.0
    drop: float = 0.0
    incidence: float = 1.0
    overquota: float = 0.0


CALM = TroubleEffect()
CODES_EXHAUSTED = "live_respondent_unique_codes_exhausted"
TROUBLES: dict[str, TroubleEffect] = {
    "stall": TroubleEffect("no_completes_in_several_days", rate=0.004),
    "long_interviews": TroubleEffect("high_median_loi", loi=2.6),
    "drop_outs": TroubleEffect("high_drop_rates", drop=0.5),
    "poor_earnings": TroubleEffect("low_epc", incidence=0.12),
    "client_terminations": TroubleEffect("high_client_side_termination_rate", incidence=0.03),
    "no_conversion": TroubleEffect("no_completes_after_many_prescreens", incidence=0.0),
    "redirect_errors": TroubleEffect("excessive_redirect_errors", drop=0.7),
    "encryption_errors": TroubleEffect("excessive_encryption_errors", rate=0.3),
    "qualification_errors": TroubleEffect("excessive_qualification_setup_errors", rate=0.2),
    "codes_exhausted": TroubleEffect(CODES_EXHAUSTED, rate=0.1),
    "price_ceiling": TroubleEffect("max_cpi_limit_reached", rate=0.6),
}
# What slows a group without a pause: competitors who pay more, and quotas that are full.
SLOWDOWNS: dict[str, TroubleEffect] = {
    "dear_market": TroubleEffect(rate=0.5),
    "full_quotas": TroubleEffect(rate=0.9, overquota=0.5),
}
_EFFECTS = TROUBLES | SLOWDOWNS
_KINDS = tuple(TROUBLES)
_TROUBLED_A_DAY = 0.05
_RECONCILED_A_DAY = 0.03
_RESUMED = 0.5
_BROUGHT_BACK = 0.75
_DRY_FOR = 3 * DAY
_DRY_PRESCREENS = 250
_LAST_LINKS = 25  # left when a group's links become scarce
_SPARE_LINKS = 1.3  # what a person uploads, of what the goal should need


def trouble_effect(group: SimulatedGroup, at: int) -> TroubleEffect:
    """What the group's trouble does to it at this moment."""
    trouble = group.trouble
    return CALM if trouble is None or trouble.since > at else _EFFECTS[trouble.kind]


def remaining_completes(group: SimulatedGroup) -> int:
    """How many completes (or prescreens, by strategy) the group still takes before it stops."""
    counts = group.tally.counts
    done = counts.prescreens if group.filling_strategy == "prescreens" else counts[0]
    soft = group.assistant.get("soft_launch")
    if soft:
        return max(1, group.filling_goal * int(soft["filling_goal_percentage"]) // 100) - done
    return group.filling_goal + group.temper.overrun - done


def links_left(group: SimulatedGroup) -> int | None:
    """Survey links that nobody was sent to the survey with; None where the group has none."""
    if not group.links_total:
        return None
    return max(group.links_total - group.tally.counts.prescreens, 0)


def upload_links(group: SimulatedGroup, *, spare: float = _SPARE_LINKS) -> None:
    """Upload links for the rest of the goal, as a person does; spare: of what it should need."""
    done, temper = group.tally.counts, group.temper
    missing = max(group.filling_goal - done.completes, 0)
    if group.filling_strategy == "prescreens":
        needed = max(group.filling_goal - done.prescreens, 0)
    elif done.completes:
        needed = ceil(missing * done.prescreens / done.completes)
    else:
        needed = ceil(missing / max(temper.incidence * (0.96 - temper.drop), 0.01))
    group.links_total = done.prescreens + ceil(needed * spare) + _LAST_LINKS


def change_status(
    group: SimulatedGroup, status: str, *, at: int, by: Actor, reason: str | None = None
) -> None:
    """Change the status of a group and of its run, and log it with the reason if there is one."""
    if status == "live":
        if links_left(group) == 0:
            upload_links(group)
        group.live_since = at
        group.first_live = group.first_live or at
        if group.run is not None and group.status == "scheduled":
            group.run.start = at
    change_group(group, {"status_change": status}, at=at, by=by, reason=reason)
    run = group.run
    if run is not None and status in ("scheduled", "live", "paused", "completed"):
        run.status = status
        run.version += 1
        run.changed_at = at
        run.changed_by = by.user_id or run.changed_by


def run_due_events(group: SimulatedGroup, at: int) -> None:
    """Everything that is due for the group at this moment."""
    while group.plans and group.plans[-1].at <= at:
        plan = group.plans.pop()
        ACTS[plan.kind](group, at, plan.details)
    run = group.run
    if group.status == "scheduled" and run is not None and run.start <= at:
        change_status(group, "live", at=at, by=SYSTEM)
    if group.status == "live":
        _stop_if_due(group, at)
    if at % DAY == 0:
        _new_day(group, at)


def _stop_if_due(group: SimulatedGroup, at: int) -> None:
    run = group.run
    soft = group.assistant.get("soft_launch")
    if soft and (remaining_completes(group) <= 0 or read_stamp(soft["end_at"]) <= at):
        over = read_stamp(soft["end_at"]) <= at
        change_assistant(group, {**group.assistant, "soft_launch": None}, at=at, by=MARKETPLACE)
        reason = "past_soft_launch_end_date" if over else "total_completes_reached"
        change_status(group, "paused", at=at, by=MARKETPLACE, reason=reason)
    elif remaining_completes(group) <= 0:
        change_status(group, "completed", at=at, by=MARKETPLACE, reason="total_completes_reached")
        _colleague(group, at, {"filling_goal_change": group.filling_goal * 3 // 2})
    elif run is not None and run.end <= at:
        change_status(group, "paused", at=at, by=MARKETPLACE, reason="past_scheduled_end_date")
        _colleague(group, at, {})
    elif links_left(group) == 0:
        change_status(group, "paused", at=at, by=MARKETPLACE, reason=CODES_EXHAUSTED)
    elif at % HOUR == 0 and _dry(group, at):
        trouble = group.trouble
        no_conversion = trouble is not None and trouble.kind == "no_conversion"
        reason = (
            "no_completes_after_many_prescreens"
            if no_conversion
            else "no_completes_in_several_days"
        )
        change_status(group, "paused", at=at, by=MARKETPLACE, reason=reason)


def _colleague(group: SimulatedGroup, at: int, values: Json) -> None:
    """Now and then have a colleague relaunch a group that the client has not touched.

    Otherwise a world that runs for weeks would run out of live groups.
    """
    u = uniform_draws(group.temper.seed ^ 0xC0, at)
    if not group.temper.colleague or u[0] > _BROUGHT_BACK:
        return
    back, by = at + int((3 + 40 * u[1]) * HOUR), group.project_manager_id
    later = {**values, "fielding_period_end_date_change": back + int((5 + 10 * u[2]) * DAY)}
    group.plan(back, "person_change", values=later, by=by)
    group.plan(back, "person_status", when=group.status, status="live", by=by)


def _dry(group: SimulatedGroup, at: int) -> bool:
    tally = group.tally
    since = max(group.live_since, tally.last_complete or 0)
    barren = tally.counts.completes == 0 and tally.counts.prescreens >= _DRY_PRESCREENS
    return at - since >= _DRY_FOR or barren


def _new_day(group: SimulatedGroup, at: int) -> None:
    u = uniform_draws(group.temper.seed ^ 0xDA7, at)
    if group.tally.counts.completes >= 25 and u[0] < _RECONCILED_A_DAY:
        group.plan(at + HOUR + int(u[1] * 8 * HOUR), "reconcile", share=0.005 + 0.045 * u[2])
    if group.status != "live" or not group.temper.troubles or group.trouble is not None:
        return
    if u[3] < _TROUBLED_A_DAY:
        kind = _KINDS[int(u[4] * len(_KINDS))]
        begin = at + int(u[5] * 20 * HOUR)
        group.plan(begin, "trouble", kind=kind)
        lasting = HOUR * (4 + int(u[6] * 30)) * (3 if kind == "stall" else 1)
        group.plan(begin + lasting, "heal" if u[7] < 0.45 else "exchange_pause", kind=kind)


def _begin_trouble(group: SimulatedGroup, at: int, details: Json) -> None:
    if group.trouble is None:
        group.trouble = Trouble(details["kind"], at)
        if details["kind"] == "codes_exhausted":
            group.links_total = group.tally.counts.prescreens + _LAST_LINKS


def _heal(group: SimulatedGroup, _at: int, details: Json) -> None:
    if group.trouble is not None and group.trouble.kind == details["kind"]:
        group.trouble = None
        if details["kind"] == "codes_exhausted":
            upload_links(group)


def _exchange_pause(group: SimulatedGroup, at: int, details: Json) -> None:
    trouble = group.trouble
    if group.status == "live" and trouble is not None and trouble.kind == details["kind"]:
        reason = TROUBLES[trouble.kind].reason
        if reason == CODES_EXHAUSTED:
            group.links_total = group.tally.counts.prescreens
        change_status(group, "paused", at=at, by=MARKETPLACE, reason=reason)
        u = uniform_draws(group.temper.seed ^ 0xBAC, at)
        if group.temper.colleague and not details.get("stay") and u[0] < _RESUMED:
            back, by = at + int((2 + 20 * u[1]) * HOUR), group.project_manager_id
            group.plan(back, "heal", kind=trouble.kind)
            group.plan(back, "person_status", when="paused", status="live", by=by)


def _reconcile(group: SimulatedGroup, at: int, details: Json) -> None:
    lost = int(details.get("count") or max(1, group.tally.counts.completes * details["share"]))
    group.tally.move(-lost, at=at, cpi=group.cpi)
    group.version += 1


def _person_status(group: SimulatedGroup, at: int, details: Json) -> None:
    run = group.run
    late = details["status"] == "live" and run is not None and run.end <= at
    if group.status == details["when"] and not late:
        by = Actor("las_user", details["by"]) if details.get("by") else SYSTEM
        change_status(group, details["status"], at=at, by=by)


def _person_change(group: SimulatedGroup, at: int, details: Json) -> None:
    if group.run is not None and group.status != "archived":
        change_group(group, details["values"], at=at, by=Actor("las_user", details["by"]))
        group.run.version += 1


def _assistant(group: SimulatedGroup, at: int, details: Json) -> None:
    change_assistant(group, details["modules"], at=at, by=Actor("las_user", details["by"]))


def _limit_links(group: SimulatedGroup, at: int, details: Json) -> None:
    """Leave a live group links for so many hours at the pace that it had so far."""
    if group.status == "live" and group.first_live is not None:
        used = group.tally.counts.prescreens
        an_hour = used / max((at - group.first_live) / HOUR, 1)
        group.links_total = used + max(ceil(an_hour * details["hours"]), _LAST_LINKS)
        group.version += 1


def _log(group: SimulatedGroup, at: int, details: Json) -> None:
    log_changes(group, details["changes"], at=at, by=Actor(details["actor"], details.get("by")))


ACTS: dict[str, Callable[[SimulatedGroup, int, Json], None]] = {
    "trouble": _begin_trouble,
    "heal": _heal,
    "exchange_pause": _exchange_pause,
    "reconcile": _reconcile,
    "person_status": _person_status,
    "person_change": _person_change,
    "assistant": _assistant,
    "links": _limit_links,
    "log": _log,
}
