"""Verdicts on changes whose true effect is known, in each situation that moves a rate by itself.

Run by `python -m bench backtest_effects`. No seed here was used to set the model's constants.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import count, islice

import numpy as np

from bench.forecast.generated_effects import SITUATIONS, UNNAMED, case_of
from bench.shared.figure import Figure, skipped
from dashboard.fielding.effects.rate_comparison import Measure

FIRST = 100_000  # seed
CALM, EFFECTIVE = 250, 150  # cases of each situation, without and with an effect
DOUBLED = 2.0
MOST_FALSE, LEAST_FOUND, LEAST_HELD = 0.05, 0.80, 0.90


def figures() -> list[Figure]:
    """False verdicts and intervals in each situation, and doublings found in steady fields."""
    lines: list[Figure] = []
    for situation in SITUATIONS:
        calm = _measures(situation, 1.0, CALM)
        doubled = _measures(situation, DOUBLED, EFFECTIVE)
        lines += _figures_of(situation, calm, doubled)
    return lines


def _measures(situation: str, ratio: float, number: int) -> list[Measure]:
    """The measure of completes an hour of the first cases that have completes enough."""
    cases = (case_of(situation, seed, ratio=ratio) for seed in count(FIRST))
    measures = (case.measure().completes_an_hour for case in cases if case)
    return list(islice(measures, number))


def _figures_of(
    situation: str, calm: Sequence[Measure], doubled: Sequence[Measure]
) -> list[Figure]:
    false = float(np.mean([m.verdict in ("raised", "lowered") for m in calm]))
    found = float(np.mean([m.verdict == "raised" for m in doubled]))
    bound = MOST_FALSE if situation != UNNAMED else None
    lines = [
        Figure(
            f"effect_false_{situation}",
            false,
            f"<={bound:g}" if bound else "none",
            bound is None or false <= bound,
            f"{len(calm)} changes without an effect: {_words(calm)}",
        )
    ]
    if situation == "steady":
        lines.append(
            Figure(
                f"effect_doubling_found_{situation}",
                found,
                f">={LEAST_FOUND:g}",
                found >= LEAST_FOUND,
                f"{len(doubled)} doublings, 60 completes or more a side: {_words(doubled)}",
            )
        )
    if situation != UNNAMED:
        lines.append(_interval_figure(f"effect_interval_holds_{situation}", calm, doubled, found))
    return lines


def _interval_figure(
    name: str, calm: Sequence[Measure], doubled: Sequence[Measure], found: float
) -> Figure:
    """How many of the intervals hold the truth; skipped where none is given."""
    goal, intervals = f">={LEAST_HELD:g}", [m for m in calm if m.ratio is not None]
    if not intervals:
        return skipped(name, goal, f"no interval in any of {len(calm)}: cannot tell")
    held = _share_held(intervals, 1.0)
    others = [m for m in doubled if m.ratio is not None]
    note = (
        f"{len(intervals)} of {len(calm)} have an interval; of doublings "
        f"{_share_held(others, DOUBLED):.2f} hold, {found:.2f} are found"
    )
    return Figure(name, held, goal, held >= LEAST_HELD, note)


def _share_held(measures: Sequence[Measure], truth: float) -> float:
    """The share (0–1) of intervals that hold the truth."""
    return float(np.mean([(m.low or 0.0) <= truth <= (m.high or 0.0) for m in measures]))


def _words(measures: Sequence[Measure]) -> str:
    """How often each verdict came, the most frequent first."""
    counted = Counter(m.verdict for m in measures).most_common()
    return ", ".join(f"{verdict} {number}" for verdict, number in counted)
