"""A simulated account with known troubles: what is true, what helps, and what would become of it.

Every group goes its own way by its own seed. So a copy of one that is left alone tells what would
have become of it, and differs from one that is acted on by that action only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from bench.forecast.simulated_group import START
from dashboard.simulator.catalogue.clock import DAY, HOUR, SimulatedClock, rfc3339_stamp
from dashboard.simulator.catalogue.seeded_random import seed_of
from dashboard.simulator.world.changes import change_group
from dashboard.simulator.world.group import Actor, SimulatedGroup
from dashboard.simulator.world.respondents import draw_next, settle_and_cut, settle_group
from dashboard.simulator.world.rules import TROUBLES
from dashboard.simulator.world.world import World, WorldOrigin

ACCOUNT, PROJECTS, GROUPS = 101, 10, 40
HISTORY_DAYS, DAYS = 10, 14
UNTIL = START + DAYS * DAY
HORIZON = START + (DAYS + 14) * DAY  # by then every group is over
TROUBLED_A_DAY = 0.03  # share of the groups in field
HEALS_ALONE = 0.2  # share of the troubles that pass before anyone notices
CLIENT_HOURS = 3  # until the client's programmer has fixed something
AGAIN_HOURS = 6  # until the exchange pauses a group again whose cause is still there
RAISE = Decimal("1.25")
HIGHEST_CPI = Decimal("1.5")  # of the first CPI: from there on no manager raises it any more
MOST_EXTENSIONS, EXTENSION = 1, 3 * DAY


@dataclass(frozen=True, slots=True)
class TroubleKind:
    """A trouble: how often it comes, within how many hours the exchange pauses, who shares it."""

    weight: float
    pause_hours: tuple[int, int] | None = None
    shared: float = 0.0  # share of the cases in which more groups of the project have it


KINDS: dict[str, TroubleKind] = {
    "encryption_errors": TroubleKind(1.0, (2, 6), shared=0.6),
    "redirect_errors": TroubleKind(1.5, (6, 18)),
    "qualification_errors": TroubleKind(1.0, (6, 18)),
    "codes_exhausted": TroubleKind(1.0, (1, 3)),
    "long_interviews": TroubleKind(1.0, (12, 30)),
    "drop_outs": TroubleKind(1.0, (12, 30)),
    "poor_earnings": TroubleKind(1.0, (12, 30)),
    "client_terminations": TroubleKind(1.0, (8, 20)),
    "price_ceiling": TroubleKind(0.7, (12, 24)),
    "stall": TroubleKind(1.0),
    "no_conversion": TroubleKind(1.0),
    "dear_market": TroubleKind(4.0, shared=0.25),
    "full_quotas": TroubleKind(2.5),
    "left_paused": TroubleKind(1.5),
    "soft_launch": TroubleKind(1.5),
    "short_plan": TroubleKind(2.0),
}
# What each remedy heals. Those that heal nothing put a group back into field or give it time.
HEALS: dict[str, frozenset[str]] = {
    "signing_key": frozenset({"encryption_errors"}),
    "redirects": frozenset({"redirect_errors", "no_conversion"}),
    "links": frozenset({"codes_exhausted"}),
    "qualifications": frozenset({"qualification_errors", "client_terminations"}),
    "loi": frozenset({"long_interviews"}),
    "drop_off": frozenset({"drop_outs"}),
    "cpi_limit": frozenset({"price_ceiling"}),
    "cpi": frozenset({"poor_earnings", "stall"}),
    "quotas": frozenset({"full_quotas"}),
    "resume": frozenset(),
    "extend": frozenset(),
    "leave": frozenset(),
}
BY_CLIENT = frozenset({"signing_key", "redirects", "qualifications", "loi", "drop_off"})
REMEDY_OF = {kind: remedy for remedy, kinds in HEALS.items() for kind in kinds} | {
    "dear_market": "cpi",
    "short_plan": "cpi",
    "left_paused": "resume",
    "soft_launch": "resume",
}


@dataclass(frozen=True, slots=True)
class TrueCause:
    """What is wrong with some groups of a project from a moment on."""

    kind: str
    began: int
    groups: tuple[str, ...]


class Field:
    """All groups of one world as they become without intervention, and what is wrong with them."""

    def __init__(self, seed: int, *, projects: int = PROJECTS, groups: int = GROUPS) -> None:
        origin = WorldOrigin(seed, projects, groups, HISTORY_DAYS, START, "calm")
        world = World(origin, SimulatedClock(lambda: 0.0, 0.0, START))
        self.groups = {
            key: group for key, group in world.groups.items() if group.account_id == ACCOUNT
        }
        chance = Random(seed_of("attention", seed))  # noqa: S311  a world, no secret
        self.causes = list(_cause_troubles(list(self.groups.values()), chance))
        self.causes_of: dict[str, list[TrueCause]] = {}
        for cause in self.causes:
            for key in cause.groups:
                self.causes_of.setdefault(key, []).append(cause)

    def settle(self, at: int) -> None:
        """Live on until a moment."""
        for group in self.groups.values():
            settle_group(group, at)


def _cause_troubles(groups: Sequence[SimulatedGroup], chance: Random) -> Iterator[TrueCause]:
    """Plan troubles in the groups' lives, at most one in each."""
    free = {group.id: group for group in groups if group.run is not None}
    names, weights = list(KINDS), [kind.weight for kind in KINDS.values()]
    for group in groups:
        if group.id not in free:
            continue
        begin, end = _span_of(group)
        if end <= begin or chance.random() >= TROUBLED_A_DAY * (end - begin) / DAY:
            continue
        name = chance.choices(names, weights)[0]
        at = int(chance.uniform(begin, end)) // HOUR * HOUR
        sharing = [group]
        if chance.random() < KINDS[name].shared:
            sharing += _siblings(group, free.values(), at, chance)
        cause = _plan_trouble(name, sharing, at, chance)
        if cause is not None:
            for member in sharing:
                del free[member.id]
            yield cause


def _span_of(group: SimulatedGroup) -> tuple[int, int]:
    """From when to when a trouble may begin."""
    start, end = group.planned
    return max(start + 6 * HOUR, START), min(end - 12 * HOUR, UNTIL - DAY)


def _siblings(
    group: SimulatedGroup, others: Iterable[SimulatedGroup], at: int, chance: Random
) -> list[SimulatedGroup]:
    """Some other groups of the project that are in field at the moment."""
    found = [
        other
        for other in others
        if other.project_id == group.project_id
        and other is not group
        and _span_of(other)[0] <= at < _span_of(other)[1]
    ]
    return chance.sample(found, min(len(found), chance.randrange(2, 6)))


def _plan_trouble(
    name: str, groups: Sequence[SimulatedGroup], at: int, chance: Random
) -> TrueCause | None:
    """Plan a trouble for all of its groups; None where it cannot come to this one any more."""
    first = groups[0]
    if name in ("soft_launch", "short_plan"):
        start = first.planned[0]
        if start <= START:
            return None
        if name == "short_plan":
            first.temper.entrants_an_hour *= chance.uniform(0.4, 0.6)
        else:
            _plan_soft_launch(first)
        return TrueCause(name, start, (first.id,))
    hours = KINDS[name].pause_hours
    pause = at + chance.randrange(*hours) * HOUR if hours else None
    heals = name not in ("dear_market", "full_quotas", "left_paused")
    heals = heals and len(groups) == 1 and chance.random() < HEALS_ALONE
    heal = at + chance.randrange(2, 9) * HOUR
    for group in groups:
        if name == "left_paused":
            by = group.project_manager_id
            group.plan(at, "person_status", when="live", status="paused", by=by)
            continue
        group.plan(at, "trouble", kind=name)
        if heals:
            group.plan(heal, "heal", kind=name)
        elif pause is not None:
            group.plan(pause, "exchange_pause", kind=name, stay=True)
        _wake(group)
    return TrueCause(name, at, tuple(group.id for group in groups))


def _plan_soft_launch(group: SimulatedGroup) -> None:
    start, by = group.planned[0], group.project_manager_id
    soft = {
        "end_at": rfc3339_stamp(start + 2 * DAY),
        "filling_goal_percentage": 10,
        "demographics_strictness_percentage": 50,
    }
    group.plan(start - 1, "assistant", modules={"soft_launch": soft}, by=by)
    _wake(group)


def _wake(group: SimulatedGroup) -> None:
    """Let what was planned decide when the group is looked at next."""
    if group.plans:
        group.until = min(group.until, group.plans[-1].at)


def clone_group(group: SimulatedGroup) -> SimulatedGroup:
    """A copy that lives on by itself."""
    tally = group.tally
    return replace(
        group,
        tally=replace(
            tally, ends=[*tally.ends], totals=[*tally.totals], stretches=[*tally.stretches]
        ),
        temper=copy(group.temper),
        run=copy(group.run),
        trouble=copy(group.trouble),
        plans=[*group.plans],
        changelog=[*group.changelog],
    )


def outcome_of(group: SimulatedGroup) -> int:
    """Completes up to the goal that a group has in the end if nobody does anything more."""
    return counted(left_alone(group))


def left_alone(group: SimulatedGroup) -> SimulatedGroup:
    """What becomes of a group if nobody does anything more."""
    copied = clone_group(group)
    settle_group(copied, HORIZON)
    return copied


def counted(group: SimulatedGroup) -> int:
    """Completes up to the goal, before any reconciliation."""
    return min(group.filling_goal, max(group.tally.totals, default=0))


def still_hours(group: SimulatedGroup, at: int) -> float:
    """Hours without a complete around a moment if nobody does anything more."""
    tally = left_alone(group).tally
    before = tally.completes_at(at)
    later = (end for end, total in zip(tally.ends, tally.totals, strict=True) if total > before)
    return (next(later, HORIZON) - (group.tally.last_complete or group.planned[0])) / HOUR


def can_do(group: SimulatedGroup, remedy: str) -> bool:
    """Whether a manager can still do this with the group."""
    run = group.run
    if run is None or group.status not in ("live", "paused"):
        return False
    if remedy == "extend":
        return run.end < group.planned[1] + MOST_EXTENSIONS * EXTENSION
    if remedy == "cpi":
        return group.cpi < _first_cpi(group) * HIGHEST_CPI
    return True


def _first_cpi(group: SimulatedGroup) -> Decimal:
    return group.cpi_note or group.cpi


def do_remedy(group: SimulatedGroup, remedy: str, at: int) -> None:
    """Do what a remedy says: it heals the cause if it is the right one, and resumes the group."""
    settle_and_cut(group, at)
    run, trouble, by = group.run, group.trouble, group.project_manager_id
    if run is not None and remedy != "leave":
        if remedy == "extend":
            end = max(run.end, at) + EXTENSION
            _change(group, {"fielding_period_end_date_change": end}, at)
        elif remedy == "cpi":
            group.cpi_note = _first_cpi(group)
            _change(group, {"cpi_change": (group.cpi * RAISE).quantize(group.cpi)}, at)
        back = at + 1 + (CLIENT_HOURS * HOUR if remedy in BY_CLIENT else 0)
        if trouble is not None and trouble.kind in HEALS[remedy]:
            group.plan(back, "heal", kind=trouble.kind)
        elif trouble is not None and group.status == "paused" and trouble.kind in TROUBLES:
            again = back + AGAIN_HOURS * HOUR
            group.plan(again, "exchange_pause", kind=trouble.kind, stay=True)
        group.plan(back, "person_status", when="paused", status="live", by=by)
    draw_next(group, at)


def _change(group: SimulatedGroup, values: dict[str, object], at: int) -> None:
    change_group(group, values, at=at, by=Actor("las_user", group.project_manager_id))
