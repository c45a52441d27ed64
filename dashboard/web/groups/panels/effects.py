"""The effect of each change of a group, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.effects.of_changes import ChangeEffect
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import format_value

# By the verdict of the comparison: the tone of its tag.
TONES = {
    "raised": "good",
    "lowered": "bad",
    "no clear effect": "info",
    "too early": "warn",
    "cannot tell": "warn",
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


def effect_rows(effects: Iterable[ChangeEffect]) -> list[EffectRow]:
    """Return a row per change, in the given order (newest first)."""
    return [_effect_row(effect) for effect in effects]


def _effect_row(effect: ChangeEffect) -> EffectRow:
    return EffectRow(
        at=effect.at,
        what=effect.what,
        old=format_value(effect.old),
        new=format_value(effect.new),
        verdict=effect.label,
        tone=TONES[effect.verdict],
        reason=_reason_of(effect),
        compared=[
            _compare("Completes per hour", effect.completes_an_hour, share=False),
            _compare("Prescreen conversion", effect.conversion, share=True),
            _compare("Completes per entrant", effect.completes_per_entrant, share=True),
        ],
        epc=_epc_verdict(effect),
        overlaps=list(effect.overlaps),
    )


def _reason_of(effect: ChangeEffect) -> str:
    """Return why there is no ratio, or what the ratio leaves out; overlaps are listed after it."""
    measure = effect.completes_an_hour
    if effect.overlaps:
        return "Something else happened within a day of this change."
    if measure.ratio is None:
        return measure.reason
    if measure.correction:
        return f"× {measure.ratio:.2f} {measure.correction}."
    return "" if effect.verdict != "too early" else "The interval is still wide."


def _epc_verdict(effect: ChangeEffect) -> str:
    """Return the verdict on EPC, or why there is none."""
    if effect.epc is None:
        return effect.epc_note
    return f"EPC {effect.epc}" if effect.epc in ("raised", "lowered") else ""


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
