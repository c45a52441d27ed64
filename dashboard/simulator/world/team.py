"""The field of an ordinary team: most groups meet their goal, about one in fifteen is paused.

Groups start one after another, before the origin and in the days after it. A few have a trouble at
the origin, each at its place in the account, so that the same list of problems can be told of
every such world.
"""

from decimal import Decimal
from random import Random
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import DAY, HOUR, rfc3339_stamp
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.seeded_random import ulid_at
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import Run, SimulatedGroup
from dashboard.simulator.world.scenarios import SeedOptions, log_birth, set_pace

MANAGERS = 4
STARTS_AHEAD = 2.5  # days after the origin in which groups start in a team's field
CALM_STARTS_AHEAD = 11
_LENGTH = (7.0, 15.0)  # days in field
_FORGOTTEN_ENDS = 55 * HOUR  # after the origin
_SUPPLY = (1.35, 1.6)  # of the goal: who would come by the end date if all were let in


class Plot(NamedTuple):
    """What sets a group apart at the origin; kind: of its trouble, hours: since it began.

    For `few_links` the hours are those until its survey links run out.
    """

    name: str
    kind: str = ""
    hours: float = 0.0


# By the number of the group in the account, from 0, in each 400. Three groups of the first
# project share one cause, a signing key that is wrong.
_PLOTS: dict[int, Plot] = {
    5: Plot("paused", "encryption_errors", 5),
    11: Plot("paused", "encryption_errors", 5),
    23: Plot("paused", "encryption_errors", 5),
    31: Plot("slow", "dear_market", 66),
    47: Plot("ended", hours=14),
    58: Plot("left_paused", hours=30),
    83: Plot("paused", "redirect_errors", 11),
    97: Plot("slow", "full_quotas", 60),
    112: Plot("soft_launch", hours=16),
    120: Plot("few_links", hours=20),
    131: Plot("paused", "long_interviews", 26),
    149: Plot("slow", "dear_market", 90),
    163: Plot("ended", hours=37),
    178: Plot("slow", "stall", 9),
    190: Plot("paused", "codes_exhausted", 3),
    207: Plot("left_paused", hours=52),
    215: Plot("few_links", hours=36),
    225: Plot("early"),
    236: Plot("paused", "qualification_errors", 20),
    251: Plot("soft_launch", hours=40),
    263: Plot("slow", "dear_market", 50),
    282: Plot("paused", "drop_outs", 44),
    301: Plot("ended", hours=6),
    318: Plot("left_paused", hours=28),
    333: Plot("slow", "stall", 14),
    352: Plot("early"),
    371: Plot("paused", "price_ceiling", 33),
    388: Plot("slow", "full_quotas", 75),
}
_CYCLE = 400
_STEADY, _DRAFT, _ARCHIVED = Plot("steady"), Plot("draft"), Plot("archived")


def project_sizes(projects: int, groups: int) -> list[int]:
    """Sizes of projects from large to small; on average as many groups as were asked for."""
    sizes = [max(1, round(2 * groups * (projects - n - 0.5) / projects)) for n in range(projects)]
    sizes[0] += projects * groups - sum(sizes)
    return sizes


def manager_of(number: int) -> int:
    """Which manager has the project with this number, so that all have about as many groups."""
    turn, place = divmod(number, MANAGERS)
    return place if turn % 2 == 0 else MANAGERS - 1 - place


def plan_life(
    group: SimulatedGroup, chance: Random, options: SeedOptions, *, index: int, turn: int
) -> None:
    """Plan the group's life; index: its place in its project, turn: in the account."""
    is_calm = options.kind == "calm"
    plot = _STEADY if is_calm else _plot_of(turn)
    start, end = _dates(plot, chance, options)
    group.planned = (start, end)
    temper, by = group.temper, group.project_manager_id
    temper.colleague = not is_calm and chance.random() < 0.1
    temper.troubles = not is_calm and start > options.origin
    temper.paced = plot.name not in ("early", "archived")
    set_pace(group, _pace(plot, chance) / _price_lift(group), days=(end - start) / DAY)
    log_birth(group, index, turn)
    if plot is _DRAFT:
        return
    launch = max(group.created_at + 1, min(start, options.origin) - 2 * HOUR)
    launch = min(launch, start - 1)
    group.run = Run(ulid_at(launch, "run", group.id), start, end, "scheduled", launch, by)
    group.plan(launch, "person_status", when="draft", status="scheduled", by=by)
    _interfere(group, plot, options.origin)
    if plot is _STEADY and not is_calm and index % 3 == 0:
        _edit_once(group, chance, options.origin, index)


def _plot_of(turn: int) -> Plot:
    found = _PLOTS.get(turn % _CYCLE)
    if found is not None:
        return found
    return _DRAFT if turn % 20 == 9 else _ARCHIVED if turn % 25 == 14 else _STEADY


def _dates(plot: Plot, chance: Random, options: SeedOptions) -> tuple[int, int]:
    """The group's start and end date; a plot at the origin needs a group that is in field then."""
    length = chance.uniform(*_LENGTH) * DAY
    span = max(0.2, options.days - 0.3) * DAY
    ahead = (CALM_STARTS_AHEAD if options.kind == "calm" else STARTS_AHEAD) * DAY
    start = options.origin + chance.uniform(-span, ahead)
    if options.kind != "calm" and chance.random() < 0.8:
        start = options.origin - chance.uniform(min(2.5 * DAY, span), span)
    if plot.name == "left_paused":  # so that its end comes near while nobody thinks of it
        length = min(length, span + _FORGOTTEN_ENDS)
        start = options.origin + _FORGOTTEN_ENDS - length
    elif plot.name in ("paused", "slow", "early"):
        start = options.origin - min(span, length) * chance.uniform(0.5, 0.75)
    elif plot.name == "few_links":
        start = options.origin - min(span, length) * 0.5
    elif plot.name == "soft_launch":
        start = options.origin - min(span, (24 + plot.hours) * HOUR)
    elif plot.name in ("ended", "archived"):
        length = min(span, length) * 0.9 - plot.hours * HOUR
        start = options.origin - plot.hours * HOUR - length
    begin = int(start) // 60_000 * 60_000
    return begin, max(begin + HOUR, begin + int(length) // HOUR * HOUR)


def _pace(plot: Plot, chance: Random) -> float:
    if plot.name == "ended":
        return chance.uniform(0.78, 0.9)
    if plot.name == "early":
        return chance.uniform(1.4, 1.5)
    return chance.uniform(*_SUPPLY)


def _price_lift(group: SimulatedGroup) -> float:
    """By how much the price moves the number of people who come; the manager knows it."""
    return float(float(group.cpi / group.temper.market_cpi) ** 1.6)


def _interfere(group: SimulatedGroup, plot: Plot, origin: int) -> None:
    """Plan what sets this plot apart from a steady life."""
    by, began = group.project_manager_id, int(origin - plot.hours * HOUR)
    if plot.name == "paused":
        group.plan(began - 7 * HOUR, "trouble", kind=plot.kind)
        group.plan(began, "exchange_pause", kind=plot.kind, stay=True)
    elif plot.name == "slow":
        group.plan(began, "trouble", kind=plot.kind)
    elif plot.name == "left_paused":
        group.plan(began, "person_status", when="live", status="paused", by=by)
    elif plot.name == "few_links":
        group.temper.colleague = False
        group.plan(origin - HOUR, "links", hours=plot.hours)
    elif plot.name in ("ended", "early"):
        group.temper.colleague = False
    elif plot.name == "archived":
        group.temper.colleague = False
        group.plan(origin - HOUR, "person_status", when="completed", status="archived", by=by)
    elif plot.name == "soft_launch" and group.run is not None:
        soft = {
            "end_at": rfc3339_stamp(began),
            "filling_goal_percentage": 10,
            "demographics_strictness_percentage": 50,
        }
        group.temper.colleague = False
        group.plan(group.run.start - 1, "assistant", modules={"soft_launch": soft}, by=by)


def _edit_once(group: SimulatedGroup, chance: Random, origin: int, index: int) -> None:
    """Plan one change by a person that does not decide whether the goal is met."""
    start, end = group.planned
    stop = min(end, origin)
    if stop - start < 6 * HOUR:
        return
    people = ACCOUNTS[group.account_id].users[:MANAGERS]
    raised = (group.cpi * Decimal("1.03")).quantize(group.cpi)
    choices: tuple[Json, ...] = (
        {"cpi_change": raised} if group.pricing_model == "dynamic" else {"cpi_note_change": raised},
        {"name_change": f"{group.name} boost"},
        {"target_group_customer_reference_number_change": f"TG-{index:03d}-B"},
        {"live_url_change": f"{group.live_url}&v=2", "test_url_change": f"{group.test_url}&v=2"},
        {"fielding_period_end_date_change": end + 12 * HOUR},
    )
    at = start + int((stop - start) * chance.uniform(0.1, 0.9))
    values, by = chance.choice(choices), chance.choice(people).id
    group.plan(at, "person_change", values=values, by=by)
