"""Backtest of the insight on made-up fields: forecasts and verdicts whose truth is known.

Run by `python -m bench.forecast.backtest`: one line a figure, `name=value goal=bound ok|short`,
then one line a process. Naive baselines are a single point, taken as all three quantiles.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.forecast.fields.generated_fields import PROCESSES, REAL_TRAITS, Field, field
from bench.forecast.generated_effects import rates
from bench.shared.figure import Figure
from dashboard.fielding.forecast.group_forecast import Forecast, forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.series.weekly_shape import Prior

Floats = NDArray[np.float64]

LEVELS = np.array([0.1, 0.5, 0.9])
FIELDS = 140  # of each process
FUTURES = 80  # drawn for the forecaster who knows the process
EFFECTS = 500
PRICED = "price steps"
HOUR = timedelta(hours=1)
BASELINES = ("straight line since start", "last 24 h", "same hours last week")


@dataclass(frozen=True, slots=True)
class Replay:
    """A field, what was forecast, and what the baselines said; quantiles are of the end."""

    field: Field
    forecast: Forecast
    naive: Floats  # (baselines)
    seasonal: Floats  # (3)
    naive_finish: tuple[datetime | None, ...]

    @property
    def informed(self) -> Floats:
        """p10, p50, p90 of one who knows the process and all its settings, but not its dice."""
        return np.asarray(np.quantile(self.field.futures, LEVELS))

    @property
    def quantiles(self) -> Floats:
        ours = self.forecast
        return np.array(
            [ours.completes_at_end_p10, ours.completes_at_end_p50, ours.completes_at_end_p90]
        )

    @property
    def covered(self) -> bool:
        low, _, high = self.quantiles
        return bool(low <= self.field.truth <= high)


def pinball(quantiles: Floats, truth: float) -> float:
    """Mean pinball loss of p10, p50 and p90."""
    miss = truth - quantiles
    return float(np.maximum(LEVELS * miss, (LEVELS - 1) * miss).mean())


def replay(
    fields: Sequence[Field], *, with_changes: bool = False, priors: Sequence[Prior] = ()
) -> list[Replay]:
    """Each field with its forecast and its baselines.

    with_changes: knowing those of its price. priors: what is known of each from its siblings.
    """
    answers = forecast_many(
        [
            ForecastInput(
                f.history,
                f.goal,
                f.now,
                f.ends_at,
                f.zone,
                f.pauses,
                prior,
                rate_changes=with_changes * f.turns,
                soft_launch=f.soft_launch,
            )
            for f, prior in zip_longest(fields, priors)
        ]
    )
    return [
        Replay(f, answer, naive_ends(f), seasonal_end(f), _naive_finish(f))
        for f, answer in zip(fields, answers, strict=True)
    ]


def _increments(field: Field) -> Floats:
    """Completes an hour, even between readings that are further apart."""
    hours = int((field.now - field.starts_at) / HOUR)
    at, counts = zip(*field.history, strict=True)
    read = [0.0, *((stamp - field.starts_at) / HOUR for stamp in at)]
    return np.diff(np.interp(np.arange(hours + 1), read, [0.0, *counts]))


def naive_ends(field: Field) -> Floats:
    """Completes at the end by each baseline."""
    came, left = _increments(field), int((field.ends_at - field.now) / HOUR)
    now = came.sum()
    line = now + came.mean() * left
    day = now + came[-24:].mean() * left
    week = now + np.resize(came[-168:], left).sum() if came.size >= 168 else line
    return np.array([line, day, week])


def _naive_finish(field: Field) -> tuple[datetime | None, ...]:
    """When each baseline meets the goal, within 90 days."""
    came = _increments(field)
    missing = field.goal - came.sum()
    ahead = 90 * 24
    week = np.resize(came[-168:], ahead) if came.size >= 168 else np.full(ahead, came.mean())
    paths = (np.full(ahead, came.mean()), np.full(ahead, came[-24:].mean()), week)
    hours = [np.flatnonzero(np.cumsum(path) >= missing) for path in paths]
    return tuple(field.now + (int(h[0]) + 1) * HOUR if h.size else None for h in hours)


def seasonal_end(field: Field) -> Floats:
    """Own rate by hour of the day and weekday or weekend, with a Poisson band."""
    came, left = _increments(field), int((field.ends_at - field.now) / HOUR)
    stamps = [field.starts_at + (i + 0.5) * HOUR for i in range(came.size + left)]
    live = np.array([not any(a <= s < b for a, b in field.pauses) for s in stamps])
    local = [stamp.astimezone(field.zone) for stamp in stamps]
    part = np.array([(p.weekday() >= 5) * 24 + p.hour for p in local])
    hour = part % 24
    past = live[: came.size]
    overall = came.sum() / max(1, int(past.sum()))
    known = slice(0, came.size)
    daily = _mean(hour[known][past], came[past], np.full(24, overall), 1.0)
    rate = _mean(part[known][past], came[past], np.tile(daily, 2), 2.0)
    mean = float((rate[part[came.size :]] * live[came.size :]).sum())
    band = np.array([-1.2816, 0.0, 1.2816]) * np.sqrt(mean)
    return np.asarray(came.sum() + mean + band)


def _mean(part: NDArray[np.int64], came: Floats, around: Floats, worth: float) -> Floats:
    """Mean completes an hour by part of the week, shrunk a little towards `around`."""
    total = np.bincount(part, came, around.size) + worth * around
    return np.asarray(total / (np.bincount(part, minlength=around.size) + worth))


def _finish_errors(replays: Sequence[Replay]) -> tuple[float, Floats]:
    """Mean absolute error of the finish date in days, ours and each baseline's.

    Over the fields that met their goal after now; a date that was not given within 21 days of
    the truth counts 21.
    """
    ours: list[float] = []
    theirs: list[list[float]] = []
    for row in replays:
        if row.field.finish is None or row.field.finish <= row.field.now:
            continue
        ours.append(_days(row.forecast.finish_p50, row.field.finish))
        theirs.append([_days(guess, row.field.finish) for guess in row.naive_finish])
    return float(np.mean(ours)), np.mean(theirs, axis=0)


def _days(guess: datetime | None, truth: datetime) -> float:
    return 21.0 if guess is None else min(21.0, abs((guess - truth) / timedelta(days=1)))


class Losses(NamedTuple):
    """Pinball losses as a share of the goal; naive has one for each baseline."""

    ours: float
    naive: Floats
    seasonal: float
    informed: float


def losses(replays: Sequence[Replay]) -> Losses:
    ours = [pinball(r.quantiles, r.field.truth) / r.field.goal for r in replays]
    naive = [[abs(p - r.field.truth) / 2 / r.field.goal for p in r.naive] for r in replays]
    seasonal = [pinball(r.seasonal, r.field.truth) / r.field.goal for r in replays]
    informed = [pinball(r.informed, r.field.truth) / r.field.goal for r in replays]
    return Losses(
        float(np.mean(ours)),
        np.mean(naive, axis=0),
        float(np.mean(seasonal)),
        float(np.mean(informed)),
    )


def _chance_error(replays: Sequence[Replay]) -> float:
    """How far the chance to meet the goal is from how often it was met: by tenths, weighted."""
    chance = np.array([row.forecast.chance for row in replays])
    met = np.array([row.field.truth >= row.field.goal for row in replays])
    tenth = np.minimum((chance * 10).astype(int), 9)
    miss = [abs(chance[tenth == n].sum() - met[tenth == n].sum()) for n in range(10)]
    return float(np.sum(miss) / chance.size)


def _table_seconds() -> float:
    """CPU seconds for a table of 1,000 groups with 336 readings each."""
    rng = np.random.default_rng(5)
    model = field("steady", 1)
    stamps = [model.starts_at + (i + 1) * HOUR for i in range(336)]
    questions = [
        ForecastInput(
            list(zip(stamps, np.cumsum(rng.poisson(2.0, 336)).tolist(), strict=True)),
            1000,
            stamps[-1],
            stamps[-1] + timedelta(days=5),
            model.zone,
        )
        for _ in range(1000)
    ]
    begin = time.process_time()
    forecast_many(questions)
    return time.process_time() - begin


def _replays(names: Iterable[str]) -> dict[str, list[Replay]]:
    return {
        name: replay([field(name, seed, futures=FUTURES) for seed in range(FIELDS)])
        for name in names
    }


def _trait_figures(replays: dict[str, list[Replay]]) -> list[Figure]:
    """The fields with the traits of real fieldwork, apart from the others."""
    everything = [row for rows in replays.values() for row in rows]
    coverage = float(np.mean([row.covered for row in everything]))
    lost = losses(everything)
    best = int(np.argmin(lost.naive))
    return [
        Figure("traits_coverage", coverage, "0.72..0.90", 0.72 <= coverage <= 0.90, ""),
        below("traits_pinball_to_best_naive", lost.ours / lost.naive[best], 0.7, BASELINES[best]),
        below("traits_pinball_to_seasonal_poisson", lost.ours / lost.seasonal, 0.9, ""),
    ]


def _forecast_figures(replays: dict[str, list[Replay]]) -> list[Figure]:
    everything = [row for rows in replays.values() for row in rows]
    coverage = float(np.mean([row.covered for row in everything]))
    lost = losses(everything)
    naive = lost.naive
    error, naive_error = _finish_errors(everything)
    best, best_error = int(np.argmin(naive)), int(np.argmin(naive_error))
    return [
        Figure(
            "coverage_p10_p90",
            coverage,
            "0.75..0.90",
            0.75 <= coverage <= 0.90,
            "of completes at end",
        ),
        below("pinball_to_best_naive", lost.ours / naive[best], 0.44, BASELINES[best]),
        Figure(
            "pinball_knowing_the_process",
            lost.informed / naive[best],
            "floor",
            True,
            "the same figure for one who knows the process and its settings",
        ),
        below(
            "pinball_with_price_changes",
            losses(replay([row.field for row in replays[PRICED]], with_changes=True)).ours
            / losses(replays[PRICED]).ours,
            0.95,
            "price steps: knowing when prices were changed, over not knowing",
        ),
        below("chance_error", _chance_error(everything), 0.05, "mean miss, by tenths"),
        below("pinball_to_seasonal_poisson", lost.ours / lost.seasonal, 0.9, ""),
        below(
            "finish_error_to_best_naive",
            error / naive_error[best_error],
            1.0,
            f"{error:.2f} days against {naive_error[best_error]:.2f}: {BASELINES[best_error]}",
        ),
    ]


def below(name: str, value: float, bound: float, note: str) -> Figure:
    return Figure(name, value, f"<={bound:g}", value <= bound, note)


def figures() -> list[Figure]:
    """Every figure of the backtest."""
    alarms, detection = rates(EFFECTS)
    return [
        *_forecast_figures(_replays(PROCESSES)),
        *_trait_figures(_replays(REAL_TRAITS)),
        below("effect_false_alarms", alarms, 0.05, "groups without a change"),
        Figure(
            "effect_detection",
            detection,
            ">=0.8",
            detection >= 0.8,
            "a doubling, 60 completes a side",
        ),
        below("table_cpu_seconds", _table_seconds(), 1.0, "1,000 groups of 336 readings"),
    ]


def processes() -> list[str]:
    """One line a process: coverage and losses, for those who want to know where it is weak."""
    return [line(name, rows) for name, rows in _replays([*PROCESSES, *REAL_TRAITS]).items()]


def line(name: str, replays: Sequence[Replay]) -> str:
    """Coverage and losses of some fields in words."""
    lost = losses(replays)
    covered, best = np.mean([row.covered for row in replays]), lost.naive.min()
    return (
        f"{name}: coverage {covered:.2f}, pinball {lost.ours / best:.2f} of the best naive"
        f" (knowing the process: {lost.informed / best:.2f}),"
        f" {lost.ours / lost.seasonal:.2f} of seasonal Poisson"
    )


if __name__ == "__main__":
    print(*figures(), sep="\n")
    print(*processes(), sep="\n")
