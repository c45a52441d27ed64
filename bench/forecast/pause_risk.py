"""Early warning against a simulated exchange: is a score of 0.7 paused in 70 of 100 cases?

Run by `python -m bench.forecast.pause_risk`: one line a figure, then what was counted at each
score and for each reason. The worlds are not those on which the scales were counted.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from bench.forecast.pause_risk_replay import Look, looks  # noqa: E402
from bench.shared.figure import Figure  # noqa: E402  the tables need settings first
from dashboard.fielding.insight.pause_risk import EXPECTED, HORIZON, LINE, pause_risks  # noqa: E402

SEEDS, PROJECTS, GROUPS, DAYS = (3, 4, 5), 3, 80, 21
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.001)


class Told(NamedTuple):
    """A score for a reason, and whether the group was paused for it within the horizon."""

    look: Look
    reason: str
    score: float
    came: bool


@cache
def worlds() -> list[Look]:
    """The worlds that are looked at, each lived through once."""
    return [
        look for seed in SEEDS for look in looks(seed, projects=PROJECTS, groups=GROUPS, days=DAYS)
    ]


def told(seen: Sequence[Look]) -> Iterator[Told]:
    """Every score that was given."""
    for look in seen:
        for risk in pause_risks(look.vitals):
            if risk.score is not None and risk.reason_code not in EXPECTED:
                came = look.reason == risk.reason_code and look.hours_to_pause <= HORIZON
                yield Told(look, risk.reason_code, risk.score, came)


def leads(scores: Sequence[Told]) -> list[float]:
    """Hours from the first score above the line to the pause, for each pause that was foreseen."""
    first: dict[tuple[str, float], float] = {}
    for one in scores:
        if one.came and one.score >= LINE:
            key = one.look.group, round(one.look.hour + one.look.hours_to_pause)
            first[key] = max(first.get(key, 0.0), one.look.hours_to_pause)
    return list(first.values())


def pauses(seen: Sequence[Look]) -> int:
    """How many pauses by the exchange there were, those at a goal not counted."""
    return len(
        {
            (look.group, round(look.hour + look.hours_to_pause))
            for look in seen
            if look.reason and look.reason not in EXPECTED
        }
    )


def figures() -> list[Figure]:
    """How good the scores are, on worlds that they were not made on."""
    seen = worlds()
    scores = list(told(seen))
    score = np.array([one.score for one in scores])
    came = np.array([one.came for one in scores], dtype=np.float64)
    base = came.mean() * (1 - came.mean())
    brier = float(np.mean((score - came) ** 2))
    near = (score >= 0.6) & (score < 0.8)
    share, foreseen = float(came[near].mean()), leads(scores)
    hits, false = len(foreseen) / pauses(seen), 1 - float(came[score >= LINE].mean())
    lead = float(np.median(foreseen))
    return [
        Figure("warning_brier", brier, f"<={base:.3g}", brier <= base, "a base rate has the goal"),
        Figure("warning_share_at_0.7", share, "0.55..0.85", 0.55 <= share <= 0.85, f"{near.sum()}"),
        Figure("warning_hit_rate", hits, ">=0.5", hits >= 0.5, "pauses told of before they came"),
        Figure("warning_false_alarms", false, "<=0.3", false <= 0.3, f"of scores from {LINE}"),
        Figure("warning_lead_hours", lead, ">=12", lead >= 12, "median from the first telling"),
    ]


def table() -> Iterator[str]:
    """What was counted at each score, over all reasons and for each."""
    scores = list(told(worlds()))
    by_reason: dict[str, list[Told]] = defaultdict(list)
    for one in scores:
        by_reason[one.reason].append(one)
    for reason, some in (("all reasons", scores), *sorted(by_reason.items())):
        score = np.array([one.score for one in some])
        came = np.array([one.came for one in some])
        for low, high in pairwise(BINS):
            inside = (score >= low) & (score < high)
            if inside.any():
                yield (
                    f"{reason}: {low:.2f}–{min(high, 1):.2f} mean {score[inside].mean():.2f},"
                    f" paused {came[inside].mean():.2f} of {inside.sum()}"
                )


if __name__ == "__main__":
    print(*figures(), sep="\n")
    print(*table(), sep="\n")
