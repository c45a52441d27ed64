"""How far to trust a forecast, and why, in words.

The words are defined by the loss to be expected: the pinball losses of p10, p50 and p90 added up,
over the final count. That loss grows with the width of the range over its middle, on real fields
and on generated ones alike, so the words are bounds of that width (docs/insight.md: the loss and
the coverage of each word).
"""

from collections.abc import Sequence
from typing import Literal

from dashboard.fielding.forecast.inputs import NO_END, PreparedInput
from dashboard.fielding.series.readings import HOUR, Floats

Confidence = Literal["none", "low", "medium", "high"]

HIGH, MEDIUM = 0.35, 0.9  # width of the range over the completes expected at the end, at most
YOUNG = 48  # hours in field before a forecast may be called high
STALE, OLD = 6, 48  # hours since the last reading: worth a note, too many to be sure
SHOWS_AFTER = 24.0  # hours after which the readings show what a change did
_WIDE = "wide range:"
FEW = 5  # completes below which a rate is little more than a guess


def is_guess(completes: float | None) -> bool:
    """Whether a date worked out from so many completes is little more than a guess."""
    return completes is not None and completes < FEW


def confidence_of(
    case: PreparedInput, at_end: Floats, *, reached: bool, ended: bool
) -> tuple[Confidence, str]:
    """How far to trust the forecast, and why, in words."""
    notes = []
    if reached:
        notes.append("the goal is reached")
    elif case.is_over:
        notes.append("the end date has passed")
    if case.question.ends_at is None:
        notes.append(f"no end date: completes are projected {NO_END:.0f} days ahead")
    if any(
        a <= case.question.now and (b is None or b > case.question.now)
        for a, b in case.question.pauses
    ):
        notes.append("not live: assumes that it goes live " + _describe_resumption(case))
    elif not (reached or ended or case.is_over) and (since := _describe_change(case)) is not None:
        notes.append(f"changed {since}: the effect will be visible in about a day")
    stale = (case.now - case.start) / HOUR
    confidence, why = _grade(case, at_end, ended)
    if case.read.at.size and stale >= STALE and not ended:
        notes.append(f"the last reading is {stale:.0f} h old")
        if stale >= OLD and confidence != "none":
            confidence = "low"
    return confidence, "; ".join([why, *notes] if why else notes) or f"{confidence} confidence"


def _describe_resumption(case: PreparedInput) -> str:
    """When a group that is paused now is taken to resume."""
    now = case.question.now
    ends = [b for a, b in case.question.pauses if b is not None and a <= now < b]
    return "as scheduled" if ends else "now"


def _describe_change(case: PreparedInput) -> str | None:
    """How long ago its price, strategy or re-entry was changed; None if that is a day or more."""
    hours = (case.now - case.changes.max()) / HOUR if case.changes.size else SHOWS_AFTER
    if hours >= SHOWS_AFTER:
        return None
    return f"{hours:.0f} h ago" if hours >= 1 else "within the hour"


def with_range(
    confidence: Confidence, note: str, at_end: Sequence[float]
) -> tuple[Confidence, str]:
    """The same confidence and note for another range of completes at the end."""
    first, _, others = note.partition("; ")
    if not first.startswith(_WIDE):
        return confidence, note
    is_wide, why = _wide(*at_end)
    return ("low" if is_wide else "medium"), "; ".join(filter(None, (why, others)))


def _wide(low: float, middle: float, high: float) -> tuple[bool, str]:
    """Whether a range is too wide for more than little confidence, and that in words."""
    is_wide = (high - low) / max(middle, 1.0) > MEDIUM
    return is_wide, f"{_WIDE} {low:.0f} to {high:.0f} completes by the end date" if is_wide else ""


def _grade(case: PreparedInput, at_end: Floats, ended: bool) -> tuple[Confidence, str]:
    """By the completes behind the rate first, then by the width of the range."""
    if ended:
        return "high", ""
    behind = min(float(case.record.counts.sum()), case.completes)  # what was taken away is none
    if not case.knows_rate:
        unknown = "the rate of completes is not known" if case.completes else "no completes yet"
        return "none", f"{unknown}: a range around the plan, not a forecast"
    if behind < FEW:
        return "low", f"only {behind:.0f} completes so far: little more than a guess"
    low, middle, high = (float(end) for end in at_end)
    width = (high - low) / max(middle, 1.0)
    is_wide, why = _wide(low, middle, high)
    if is_wide:
        return "low", why
    return ("medium", "") if width > HIGH or case.record.counts.size < YOUNG else ("high", "")
