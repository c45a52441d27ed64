"""The effect of each change of a group, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.effects.of_changes import ChangeEffect
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import format_value

# By the verdict of the comparison: the tone of its tag, and its words.
TONES = {"raised": "good", "lowered": "bad", "no clear effect": "info", "too early": "warn"}


VERDICTS = {
    "raised": "More completes",
    "lowered": "Fewer completes",
    "no clear effect": "No clear change",
    "too early": "Too early",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric before and after a change, with the interval of their ratio."""

    label: str
    values: str
    interval: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A change, its verdict, and the metrics behind the verdict."""

    at: datetime
    what: str
    old: str
    new: str
    verdict: str
    tone: str
    reason: str
    compared: list[Compared]
    epc: str
    overlaps: list[str]


def effect_rows(changes: Iterable[ChangeEffect]) -> list[EffectRow]:
    """Return a row per change, in the given order (newest first)."""
    return [_effect_row(change) for change in changes]


def _effect_row(change: ChangeEffect) -> EffectRow:
    early = change.verdict == "too early"
    return EffectRow(
        at=change.at,
        what=change.what,
        old=format_value(change.old),
        new=format_value(change.new),
        verdict=VERDICTS[change.verdict],
        tone=TONES[change.verdict],
        reason=change.completes_an_hour.reason.partition("; overlaps")[0] if early else "",
        compared=[
            _compare("Completes per hour", change.completes_an_hour, share=False),
            _compare("Conversion of prescreens", change.conversion, share=True),
            _compare("Completes per entrant", change.completes_per_entrant, share=True),
        ],
        epc=_epc_verdict(change),
        overlaps=list(change.overlaps),
    )


def _epc_verdict(change: ChangeEffect) -> str:
    """Return the verdict on EPC, or why there is none."""
    if change.epc is None:
        return f"EPC {change.epc_note}"
    return f"EPC {change.epc}" if change.epc in ("raised", "lowered") else ""


def _compare(label: str, measure: Measure, *, share: bool) -> Compared:
    if measure.before is None or measure.after is None:
        return Compared(label, numbers.DASH, "")
    before, after = (
        numbers.format_percent(number, 1) if share else f"{number:,.2f}"
        for number in (measure.before, measure.after)
    )
    interval = ""
    if measure.ratio is not None and measure.low is not None and measure.high is not None:
        interval = f"× {measure.ratio:.2f} ({measure.low:.2f}–{measure.high:.2f})"
    return Compared(label, f"{before} → {after}", interval)
