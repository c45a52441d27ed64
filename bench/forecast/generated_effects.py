"""Groups with and without an effect of a change at a known moment, by situation.

In each the rate moves for a reason of its own, or not at all; a true effect multiplies it from
the change on. Only the counts are handed over, but for the soft launch, whose end and pause are
in the changelog; `soft_launch_unnamed` is the same without them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.effects.effect import (
    Group,
    MeasuredEffect,
    SettingChange,
    effect_of_change,
)

Floats = NDArray[np.float64]

START = datetime(2026, 2, 2, 6, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Warsaw")
HOUR = timedelta(hours=1)
WEEK = 7 * 24
LEAST = 60  # completes on each side of the change, in the week before and in the week after
DAY_NOISE = 0.22


@dataclass(frozen=True, slots=True)
class Case:
    """A group, the change to measure, the group's other changes, and the moment of looking."""

    group: Group
    change: SettingChange
    others: tuple[SettingChange, ...]
    now: datetime

    def measure(self) -> MeasuredEffect:
        """The effect of the change."""
        return effect_of_change(self.change, self.group, now=self.now, others=self.others)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A field before anybody answers: its random numbers, its hours, its rate, its change.

    rate: expected completes of each hour; hour and weekday: local, of each hour; at: the first
    hour after the change; ratio: the true effect; batch: mean completes that arrive together.
    """

    rng: np.random.Generator
    rate: Floats
    hour: Floats
    weekday: Floats
    at: int
    ratio: float
    batch: float

    @property
    def effect(self) -> Floats:
        """What the change multiplies the rate of each hour by."""
        return np.where(np.arange(self.rate.size) >= self.at, self.ratio, 1.0)

    def draw(self, rate: Floats) -> Floats:
        """Completes of each hour at a rate, in batches: their dispersion is above 1."""
        arrivals = self.rng.poisson(rate / self.batch)
        return arrivals + self.rng.poisson(arrivals * (self.batch - 1.0)) * 1.0


def _steady(plan: _Plan) -> Floats:
    return plan.draw(plan.rate * plan.effect)


def _day_noise(plan: _Plan) -> Floats:
    """Good and bad days: a lognormal factor for each local day."""
    day = np.cumsum(plan.hour == 0)
    factor = np.exp(plan.rng.normal(-(DAY_NOISE**2) / 2, DAY_NOISE, int(day[-1]) + 1))
    return plan.draw(plan.rate * plan.effect * factor[day])


def _quotas_filling(plan: _Plan) -> Floats:
    """Four to eight quota cells that take people until each is full; some stay open."""
    cells = int(plan.rng.integers(4, 9))
    share = plan.rng.dirichlet(np.full(cells, 4.0))
    people = plan.rng.poisson((plan.rate * plan.effect)[:, None] * share)
    room = np.ceil(plan.rate.sum() * share * plan.rng.uniform(0.25, 1.2, cells))
    taken = np.minimum(np.cumsum(people, axis=0), room)
    return np.asarray(np.diff(taken, axis=0, prepend=0.0).sum(axis=1))


def _panel_emptying(plan: _Plan) -> Floats:
    """A finite panel, of which each person answers once."""
    wanted = plan.rate * plan.effect
    people = plan.rate.sum() * plan.rng.uniform(0.35, 1.3)
    left = np.exp(-np.append(0.0, np.cumsum(wanted))[:-1] / people)
    return plan.draw(wanted * left)


def _front_loaded(plan: _Plan) -> Floats:
    """One invitation wave: the rate falls by a power of the time since launch."""
    age = np.arange(plan.rate.size)
    fall = (1 + age / plan.rng.uniform(12, 60)) ** -plan.rng.uniform(0.3, 0.9)
    return plan.draw(plan.rate * plan.effect * fall / fall.mean())


def _weekday_only(plan: _Plan) -> Floats:
    """Business people: office hours from Monday to Friday."""
    office = np.where((plan.hour >= 8) & (plan.hour < 18), 2.2, 0.15)
    return plan.draw(
        np.where(plan.weekday < 5, office, 0.02) * plan.rate.mean() * 1.4 * plan.effect
    )


PROCESSES: dict[str, Callable[[_Plan], Floats]] = {
    "steady": _steady,
    "day_noise": _day_noise,
    "quotas_filling": _quotas_filling,
    "panel_emptying": _panel_emptying,
    "front_loaded": _front_loaded,
    "weekday_only": _weekday_only,
}
UNNAMED = "soft_launch_unnamed"
SOFT_LAUNCH = ("soft_launch_end", UNNAMED)
SITUATIONS = (*PROCESSES, *SOFT_LAUNCH)


def case_of(situation: str, seed: int, *, ratio: float) -> Case | None:
    """A group in a situation; None if too few completes to ask for.

    Dispersion 1 to 1.28 by batches, 4 to 15 days and 1 to 7 more, the change at half to five
    sixths of them, at least 60 completes in the week before and in the week after.
    """
    rng = np.random.default_rng([seed, int(ratio * 100), *situation.encode()])
    plan = _plan(rng, ratio)
    if situation in SOFT_LAUNCH:
        return _soft_launch(plan, named=situation == "soft_launch_end")
    return _case(plan, PROCESSES[situation](plan))


def _plan(rng: np.random.Generator, ratio: float) -> _Plan:
    hours = int(rng.integers(4 * 24, 15 * 24)) + int(rng.integers(24, WEEK))
    local = [(START + (h + 0.5) * HOUR).astimezone(ZONE) for h in range(hours)]
    hour = np.array([p.hour for p in local], dtype=float)
    weekday = np.array([p.weekday() for p in local], dtype=float)
    wave = 1 + 0.9 * np.sin((hour - 9) / 24 * 2 * np.pi)
    wave *= np.where(weekday >= 5, rng.uniform(0.6, 1.2), 1.0)
    rate = wave * np.exp(rng.uniform(np.log(10), np.log(150))) / 24
    at = int(rng.uniform(0.5, 0.85) * hours)
    return _Plan(rng, rate, hour, weekday, at, ratio, float(rng.uniform(1.0, 1.28)))


def _case(plan: _Plan, counts: Floats) -> Case | None:
    at = plan.at
    if min(counts[max(0, at - WEEK) : at].sum(), counts[at : at + WEEK].sum()) < LEAST:
        return None
    stamps = [START + (h + 1) * HOUR for h in range(counts.size)]
    group = Group([(s, float(c)) for s, c in zip(stamps, np.cumsum(counts), strict=True)], ZONE)
    return Case(group, SettingChange(stamps[at - 1], "strategy"), (), stamps[-1])


def _soft_launch(plan: _Plan, *, named: bool) -> Case | None:
    """An edit an hour after the full launch, which a wait of 6 to 48 hours came before.

    The soft launch takes a fifth to a tenth of the full rate. named: the changelog tells of its
    end and of the pause; else only the counts show them.
    """
    wait, full = int(plan.rng.integers(6, 49)), plan.at - 1
    rate = plan.rate * plan.effect
    rate[:full] *= plan.rng.uniform(0.1, 0.2)
    rate[full - wait : full] = 0.0
    case = _case(plan, plan.draw(rate * 2.0))
    if case is None or not named:
        return case
    resumed = START + full * HOUR
    pauses = ((resumed - wait * HOUR, resumed),)
    ended = SettingChange(resumed, "soft launch", "ended")
    return replace(case, group=replace(case.group, pauses=pauses), others=(ended,))


def verdict(seed: int, *, ratio: float, situation: str = "steady") -> str | None:
    """The verdict on a group whose rate is multiplied at a moment; None if too few completes."""
    case = case_of(situation, seed, ratio=ratio)
    return case.measure().completes_an_hour.verdict if case else None


def rates(number: int) -> tuple[float, float]:
    """False alarms on steady groups without a change; detection of a doubling. Both 0–1."""
    calm = [word for seed in range(number) if (word := verdict(seed, ratio=1.0))]
    doubled = [word for seed in range(number) if (word := verdict(seed, ratio=2.0))]
    alarms = sum(word in ("raised", "lowered") for word in calm) / len(calm)
    return alarms, sum(word == "raised" for word in doubled) / len(doubled)
