"""A simulated exchange lived through week by week: the vitals of its groups, and who was paused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from bench.forecast.simulated_group import START, moment_of, pauses_of, statuses
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight import samples as trail
from dashboard.fielding.insight.assistant_modules import Modules
from dashboard.fielding.insight.baselines import Baselines
from dashboard.fielding.insight.compute import forecast_histories, phase_of_history, silence_of
from dashboard.fielding.insight.group_history import GroupHistory
from dashboard.fielding.insight.indicators import Indicators, indicators_of
from dashboard.fielding.insight.samples import Sample
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series.pace import SoftLaunch
from dashboard.fielding.series.readings import Readings, clean_history
from dashboard.simulator.catalogue.clock import HOUR, SimulatedClock, read_stamp
from dashboard.simulator.world import figures as simulated
from dashboard.simulator.world.group import SimulatedGroup as Simulated
from dashboard.simulator.world.world import World, WorldOrigin

STEP = 3  # hours
ALONE = Baselines({}, {})
BY_EXCHANGE = "system_marketplace_user"


@dataclass(frozen=True, slots=True)
class Look:
    """A live group at a moment (hours since the start) and its next pause by the exchange."""

    group: str
    hour: float
    vitals: Indicators
    reason: str
    hours_to_pause: float  # infinite when it never came


@dataclass(slots=True)
class _Life:
    """What we would have read of one group so far."""

    at: list[float] = field(default_factory=list)
    count: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


def looks(seed: int, *, projects: int, groups: int, days: int) -> list[Look]:
    """Each live group every three hours, over some days from a world with two weeks behind it."""
    world = World(
        WorldOrigin(seed, projects, groups, 14, START), SimulatedClock(lambda: 0.0, 0.0, START)
    )
    lives: dict[str, _Life] = {key: _Life() for key in world.groups}
    seen: list[tuple[str, int, Indicators]] = []
    for hour in range(-14 * 24, days * 24, STEP):
        now = START + hour * HOUR
        if hour >= 0:
            world.settle(now)
        live = [g for g in world.groups.values() if _is_live(g, now)]
        for group in live:
            _read(lives[group.id], group, now)
        if hour >= 0:
            seen += ((g.id, now, v) for g, v in _vitals(live, lives, now))
    return [_look(world.groups[key], at, vitals) for key, at, vitals in seen]


def _is_live(group: Simulated, now: int) -> bool:
    return group.status == "live" and group.run is not None and group.live_since < now


def _read(life: _Life, group: Simulated, now: int) -> None:
    """The hours since the last look, as the time series gives them."""
    for hour in range(STEP - 1, -1, -1):
        end = now - hour * HOUR
        life.at.append(end / 1000)
        life.count.append(float(group.tally.completes_at(end)))


def _vitals(
    live: Sequence[Simulated], lives: dict[str, _Life], now: int
) -> Iterator[tuple[Simulated, Indicators]]:
    moment = datetime.fromtimestamp(now / 1000, UTC)
    histories = [_history(group, lives[group.id], now) for group in live]
    results = forecast_histories(histories)
    for group, history, result in zip(live, histories, results, strict=True):
        life = lives[group.id]
        life.samples = trail.with_sample(life.samples, trail.sample_of(history.group, now=moment))
        silence = silence_of(history, result)
        outlook = result.forecast if result else None
        yield (
            group,
            indicators_of(history, outlook, silence, life.samples, phase_of_history(history)),
        )


def _history(group: Simulated, life: _Life, now: int) -> GroupHistory:
    """The group as the pull would have stored it."""
    row = _row(group, now)
    soft = group.assistant.get("soft_launch")
    launch = None
    if soft:
        until = datetime.fromtimestamp(read_stamp(soft["end_at"]) / 1000, UTC)
        launch = SoftLaunch(until, soft["filling_goal_percentage"] / 100)
    return GroupHistory(
        group=row,
        now=datetime.fromtimestamp(now / 1000, UTC),
        series=clean_history(Readings(np.array(life.at), np.array(life.count)), now / 1000),
        pauses=pauses_of(group),
        zone=zone_of(row.country_code),
        modules=Modules(soft_launch=launch),
        pools=ALONE,
    )


def _row(group: Simulated, now: int) -> TargetGroup:
    f = simulated.figures_of_group(group, now)
    run = group.run
    analysis = simulated.performance_answer(group, now)["respondent_analysis"]["live"]
    return TargetGroup(
        status=group.status,
        country_code=group.locale.country.lower(),
        currency=group.currency,
        completes=f.counts.completes,
        prescreens=f.counts.prescreens,
        entrants=f.counts.entrants,
        filling_goal=group.filling_goal,
        filling_strategy=group.filling_strategy,
        incidence_rate=f.incidence,
        drop_off_rate=f.drop_off,
        median_loi_seconds=f.loi_seconds,
        epc=f.epc,
        epcm=f.epcm,
        cpi=group.cpi,
        expected_loi_minutes=group.loi_minutes,
        expected_incidence_rate=group.incidence_rate,
        starts_at=moment_of(run.start) if run else None,
        ends_at=moment_of(run.end) if run else None,
        respondent_analysis=[
            {"status": one["status"], "label": one["label"], "count": one["count"]}
            for one in analysis
        ],
    )


def _look(group: Simulated, at: int, vitals: Indicators) -> Look:
    ends = sorted(one for one in statuses(group) if one[0] > at and one[1] != "live")
    paused = bool(ends) and ends[0][2] == BY_EXCHANGE
    wait = (ends[0][0] - at) / HOUR if paused else float("inf")
    return Look(group.id, (at - START) / HOUR, vitals, ends[0][3] if paused else "", wait)
