"""Respondents of a group, drawn from its seed by hour of their own day."""

from decimal import Decimal
from math import pi, sin

from dashboard.simulator.catalogue.arrivals import Arrivals
from dashboard.simulator.catalogue.clock import DAY, HOUR, read_stamp
from dashboard.simulator.catalogue.places import utc_offset
from dashboard.simulator.catalogue.quota_fill import cell_shares, fill_cells, usual_goals
from dashboard.simulator.catalogue.seeded_random import poisson_count, uniform_draws
from dashboard.simulator.world import rules
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.series import Outcomes, Stretch

FAR = 1 << 60
_PRESCREENS = 4  # the nested count of everybody who was sent to the survey

_BY_HOUR = (
    *(0.35, 0.2, 0.12, 0.1, 0.12, 0.3, 0.65, 0.95, 1.1, 1.2, 1.25, 1.25),
    *(1.3, 1.25, 1.15, 1.15, 1.25, 1.4, 1.6, 1.8, 1.85, 1.7, 1.25, 0.76),
)
_BY_WEEKDAY = (1.05, 1.02, 1.0, 0.98, 0.92, 0.95, 1.08)
_OVERQUOTA, _SECURITY = 0.03, 0.01
_LAUNCH_POWER = 1.6  # of people to the launch price over the market's
# A paced group is to fill this share of its time in field before its end, and not all in an hour.
_PACED_AHEAD, _PACED_OVER = 0.08, 6 * HOUR


def settle_group(group: SimulatedGroup, now: int) -> None:
    """Live through everything that happens to the group up to now."""
    while group.until <= now:
        moment = group.until
        if group.stretch is not None:
            group.tally.close(group.stretch, moment)
            group.stretch = None
        rules.run_due_events(group, moment)
        draw_next(group, moment)


def settle_and_cut(group: SimulatedGroup, now: int) -> None:
    """Settle and cut the open stretch before a change; `draw_next` must follow."""
    settle_group(group, now)
    if group.stretch is not None:
        group.tally.close(group.stretch, now)
        group.stretch = None
    group.until = now


def draw_next(group: SimulatedGroup, at: int) -> None:
    """Draw what comes next, up to the next moment at which anything may change."""
    edge = _edge(group, at)
    group.until = edge
    if group.status != "live" or edge <= at:
        return
    left = rules.remaining_completes(group)
    if left <= 0:
        group.until = at
        return
    stretch = _draw(group, at, (at // HOUR + 1) * HOUR)
    if stretch is None:
        return
    group.stretch = stretch
    level = _PRESCREENS if group.filling_strategy == "prescreens" else 0
    if stretch.levels[level] >= left:
        group.until = min(edge, stretch.moment_of(level, left))
    links = rules.links_left(group)
    if links and stretch.levels[_PRESCREENS] >= links:
        group.until = min(group.until, stretch.moment_of(_PRESCREENS, links))


def _edge(group: SimulatedGroup, at: int) -> int:
    run, status, edge = group.run, group.status, FAR
    if status == "live" and run is not None:
        edge = (at // HOUR + 1) * HOUR
        if at < run.end < edge:
            edge = run.end
        if soft_end := (group.assistant.get("soft_launch") or {}).get("end_at"):
            edge = min(edge, max(at + 1, read_stamp(soft_end)))
    elif status == "scheduled" and run is not None:
        edge = run.start
    elif status in ("paused", "completed"):
        edge = (at // DAY + 1) * DAY
    return min(edge, group.plans[-1].at) if group.plans else edge


def _draw(group: SimulatedGroup, at: int, hour_end: int) -> Stretch | None:
    """The rest of this hour of fieldwork, None without entrants."""
    temper = group.temper
    temper.launch_cpi = temper.launch_cpi or group.cpi
    effect = rules.trouble_effect(group, at)
    u = uniform_draws(temper.seed, at)
    mean = (
        temper.entrants_an_hour
        * _attendance(group.locale.zone, at)
        * price_level(group, group.cpi, at)
        * _liveliness(group, at)
        * effect.rate
        * ((hour_end - at) / HOUR)
    )
    if temper.paced:
        mean *= _let_in(group, at, effect.rate)
    entrants = poisson_count(mean, u[0])
    if entrants == 0:
        return None
    incidence = min(0.98, temper.incidence * (1 + 0.12 * _wave(at, 4.7 * DAY, temper.phases[1])))
    drop = min(0.9, temper.drop + effect.drop)
    full = _OVERQUOTA + effect.overquota
    levels = _outcomes(entrants, temper.qualify, incidence * effect.incidence, (drop, full), u)
    loi = temper.loi_seconds * (1 + 0.08 * _wave(at, 2.3 * DAY, temper.phases[2])) * effect.loi
    return Stretch(at, hour_end, levels, u[6], group.cpi, round(loi * (0.9 + 0.2 * u[7])))


def _outcomes(
    entrants: int,
    qualify: float,
    incidence: float,
    lost: tuple[float, float],
    u: tuple[float, ...],
) -> Outcomes:
    """Divide entrants by outcome; lost: the shares who drop out, and who meet a full quota."""
    drop, full = lost
    prescreens = int(entrants * qualify + u[1])
    judged = prescreens * (1 - drop - full - _SECURITY)
    if judged <= 0:
        return 0, 0, 0, 0, prescreens, entrants
    completes = int(judged * incidence + u[2])
    terminates = completes + int(judged * (1 - incidence) + u[3])
    overquota = terminates + int(prescreens * full + u[4])
    security = overquota + int(prescreens * _SECURITY + u[5])
    levels = (completes, terminates, overquota, security, prescreens, entrants)
    if security > prescreens:
        completes, terminates, overquota, security, _, _ = (min(n, prescreens) for n in levels)
    return completes, terminates, overquota, security, prescreens, entrants


def _let_in(group: SimulatedGroup, at: int, rate: float) -> float:
    """The share of people who are let in, so that the group fills shortly before its end date."""
    run, temper, done = group.run, group.temper, group.tally.counts
    if run is None:
        return 1.0
    left = run.end - at - _PACED_AHEAD * (run.end - run.start)
    conversion, missing = temper.qualify, group.filling_goal - done.prescreens
    if group.filling_strategy != "prescreens":
        conversion *= temper.incidence * (1 - temper.drop - _OVERQUOTA - _SECURITY)
        missing = group.filling_goal - done.completes
    needed = missing / max(left, _PACED_OVER) * HOUR
    needed = max(needed, group.filling_goal / 2 / max(HOUR, run.end - run.start) * HOUR)
    coming = temper.entrants_an_hour * conversion * price_level(group, group.cpi, at) * rate
    return min(1.0, needed / max(0.01, coming))


def _attendance(zone: str, at: int) -> float:
    local = at + utc_offset(zone, at // HOUR)
    return _BY_HOUR[local // HOUR % 24] * _BY_WEEKDAY[(local // DAY + 3) % 7]


def price_level(group: SimulatedGroup, cpi: Decimal, at: int) -> float:
    """People at a price over those whom the group was planned with; competitors of its day count.

    An even group has no competitors' days, as it has no good and bad days at all.
    """
    temper = group.temper
    ratio = price_ratio(group, cpi)
    if temper.lively:
        ratio /= temper.response.competitors(at // DAY)
    return _launch_level(group) * temper.response.people(ratio)


def completes_an_hour(group: SimulatedGroup, cpi: Decimal, at: int) -> float:
    """Completes in a typical hour at a price if everybody is let in and every quota is open.

    Prescreens where the goal counts them. Troubles count, good and bad days do not.
    """
    temper, effect = group.temper, rules.trouble_effect(group, at)
    people = temper.entrants_an_hour * temper.qualify * price_level(group, cpi, at) * effect.rate
    if group.filling_strategy == "prescreens":
        return people
    lost = min(0.9, temper.drop + effect.drop) + _OVERQUOTA + effect.overquota + _SECURITY
    return people * max(0.0, 1 - lost) * min(0.98, temper.incidence * effect.incidence)


def price_ratio(group: SimulatedGroup, cpi: Decimal) -> float:
    """A price over the launch price."""
    launch = group.temper.launch_cpi or group.cpi
    return float(cpi) / max(0.0001, float(launch))


def _launch_level(group: SimulatedGroup) -> float:
    """How the launch price, against the market's, moved the number of people who come."""
    launch = group.temper.launch_cpi or group.cpi
    ratio = float(launch) / max(0.01, float(group.temper.market_cpi))
    return float(min(3.0, max(0.02, ratio**_LAUNCH_POWER)))


def _liveliness(group: SimulatedGroup, at: int) -> float:
    """People of this hour over the usual ones: a wave, or all that real fieldwork brings."""
    temper, begins = group.temper, group.first_live
    if not temper.lively or begins is None:
        return 1 + 0.18 * _wave(at, 3.1 * DAY, temper.phases[0])
    if temper.arrivals is None:
        temper.arrivals = Arrivals(
            temper.seed,
            project=group.project_id,
            country=group.locale.country,
            begins=begins,
            length=group.planned[1] - group.planned[0],
        )
    weekend = temper.arrivals.weekend
    local = at + utc_offset(group.locale.zone, at // HOUR)
    of_week = (weekend if (local // DAY + 3) % 7 >= 5 else 1.0) * 7 / (5 + 2 * weekend)
    return temper.arrivals.factor(at - begins) * of_week * _open_share(group)


def _open_share(group: SimulatedGroup) -> float:
    """The share of people whose quotas are open: suppliers send nobody else."""
    counts = group.tally.counts
    total = counts.prescreens if group.filling_strategy == "prescreens" else counts.completes
    share = 1.0
    for question, goals in enumerate(quota_goals(group)):
        shares, first_full = cell_shares(group.temper.seed, question, goals)
        if total >= first_full:
            share *= fill_cells(goals, shares, total)[1]
    return share


def quota_goals(group: SimulatedGroup) -> tuple[tuple[int, ...], ...]:
    """The goals of each question's quotas: a share of the group's goal, or as a person set them.

    Nothing changes when somebody looks at the profiles of a group for the first time.
    """
    if group.profiling is not None:
        return ()
    shares = (t.get("share", 0) for p in group.profiles for t in p["targets"])
    if not any(share is None for share in shares):
        return usual_goals(group.filling_goal)
    return tuple(tuple(t.get("goal", 0) for t in p["targets"]) for p in group.profiles)


def _wave(at: int, period: float, phase: float) -> float:
    return sin(2 * pi * at / period + phase)
