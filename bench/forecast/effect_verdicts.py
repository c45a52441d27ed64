"""Verdicts on changes whose true effect is known, in each situation that moves a rate by itself.

Run by `python -m bench backtest_effects`. No seed here was used to set the model's constants.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bench.forecast.generated_effects import SITUATIONS, UNNAMED, Case, case_of
from bench.shared.figure import Figure
from dashboard.fielding.effects.rate_comparison import Measure

FIRST, NUMBER = 100_000, 250  # seeds of each situation, with and without an effect
DOUBLED = 2.0
MOST_FALSE, LEAST_FOUND, LEAST_HELD = 0.05, 0.80, 0.90


def figures() -> list[Figure]:
    """False verdicts and intervals in each situation, and doublings found in steady fields."""
    lines: list[Figure] = []
    for situation in SITUATIONS:
        calm, doubled = (_measures(situation, ratio) for ratio in (1.0, DOUBLED))
        lines += _figures_of(situation, calm, doubled)
    return lines


def _measures(situation: str, ratio: float) -> list[Measure]:
    """The measure of completes an hour of each case that has completes enough."""
    cases = (case_of(situation, FIRST + seed, ratio=ratio) for seed in range(NUMBER))
    return [_measure(case) for case in cases if case]


def _measure(case: Case) -> Measure:
    return case.measure().completes_an_hour


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
        held = _share_held(calm, 1.0)
        intervals = sum(m.ratio is not None for m in calm)
        lines.append(
            Figure(
                f"effect_interval_holds_{situation}",
                held,
                f">={LEAST_HELD:g}",
                held >= LEAST_HELD,
                f"{intervals} of {len(calm)} have an interval; doubled: "
                f"{_share_held(doubled, DOUBLED):.2f} hold, {found:.2f} found",
            )
        )
    return lines


def _share_held(measures: Sequence[Measure], truth: float) -> float:
    """The share (0–1) of measures whose interval does not miss the truth; none misses nothing."""
    missed = [
        m.low is not None and m.high is not None and not m.low <= truth <= m.high for m in measures
    ]
    return 1 - float(np.mean(missed))


def _words(measures: Sequence[Measure]) -> str:
    """How often each verdict came, the most frequent first."""
    counted = Counter(m.verdict for m in measures).most_common()
    return ", ".join(f"{verdict} {number}" for verdict, number in counted)
