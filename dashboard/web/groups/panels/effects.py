"""What each change of a group was followed by, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.effects.of_changes import ChangeEffect
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.web.formatting import numbers
from dashboard.web.formatting.labels import sentence_case
from dashboard.web.formatting.values import format_value

TONES = {"raised": "good", "lowered": "bad", "no clear effect": "info", "too early": "warn"}


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure before and after a change, and how sure that is."""

    label: str
    values: str
    interval: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A change, the verdict on it, and the figures behind the verdict."""

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


def effect_rows(found: Iterable[ChangeEffect]) -> list[EffectRow]:
    """Newest first, as they come."""
    return [_effect(one) for one in found]


def _effect(one: ChangeEffect) -> EffectRow:
    early = one.verdict == "too early"
    return EffectRow(
        at=one.at,
        what=one.what,
        old=format_value(one.old),
        new=format_value(one.new),
        verdict="Too early to tell" if early else sentence_case(one.verdict),
        tone=TONES[one.verdict],
        reason=one.completes_an_hour.reason.partition("; overlaps")[0] if early else "",
        compared=[
            _compared("Completes an hour", one.completes_an_hour, share=False),
            _compared("Conversion of prescreens", one.conversion, share=True),
            _compared("Completes per entrant", one.completes_per_entrant, share=True),
        ],
        epc=_epc(one),
        overlaps=list(one.overlaps),
    )


def _epc(one: ChangeEffect) -> str:
    """The verdict on EPC where there is one, or why there can be none."""
    if one.epc is None:
        return f"EPC {one.epc_note}"
    return f"EPC {one.epc}" if one.epc in ("raised", "lowered") else ""


def _compared(label: str, measure: Measure, *, share: bool) -> Compared:
    if measure.before is None or measure.after is None:
        return Compared(label, numbers.DASH, "")
    before, after = (
        numbers.format_percent(number, 1) if share else f"{number:.2f}"
        for number in (measure.before, measure.after)
    )
    interval = ""
    if measure.ratio is not None and measure.low is not None and measure.high is not None:
        interval = f"× {measure.ratio:.2f} ({measure.low:.2f}–{measure.high:.2f})"
    return Compared(label, f"{before} → {after}", interval)
