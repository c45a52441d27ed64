"""The effect of each change of a group, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.effects.of_changes import ChangeEffect
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.fielding.models import AdviceRecord, Edit
from dashboard.web.edits.price.followed import describe_foretold
from dashboard.web.edits.value_labels import value_parts
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import format_daily_rates, format_value

RE_ENTRY, CPI = "re-entry", "cpi"
# Two settings that a name cannot hold, and what stands in its place.
UNTOLD_VALUES = ("other settings → other settings", "change")


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric before and after a change, with the interval of their ratio."""

    label: str
    values: str
    interval: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A change in one line, and the metrics behind its verdict.

    key: an element id. rates: completes a day before and after; empty where they are not known.
    reason: what the verdict leaves out or corrects for, or why there is none. foretold: what advice
    foretold of a change of CPI, and what came.
    """

    key: str
    at: datetime
    what: str
    old: str
    new: str
    rates: str
    verdict: str
    tone: str
    reason: str
    compared: list[Compared]
    epc: str
    foretold: str = ""


def effect_rows(
    effects: Iterable[ChangeEffect], foretold: Sequence[AdviceRecord] = ()
) -> list[EffectRow]:
    """Return a row per change, in the given order (newest first)."""
    return [_effect_row(effect, foretold) for effect in effects]


def _effect_row(effect: ChangeEffect, foretold: Sequence[AdviceRecord]) -> EffectRow:
    what, old, new = _changed_values(effect)
    return EffectRow(
        key=f"effect-{effect.kind}-{effect.at:%Y%m%d%H%M%S}",
        at=effect.at,
        what=what,
        old=old,
        new=new,
        rates=_daily_rates(effect.completes_an_hour),
        verdict=effect.label,
        tone=labels.EFFECT_TONES[effect.verdict],
        reason=_reason_of(effect),
        compared=[
            _compare("Completes per hour", effect.completes_an_hour, share=False),
            _compare("Prescreen conversion", effect.conversion, share=True),
            _compare("Completes per entrant", effect.completes_per_entrant, share=True),
        ],
        epc=_epc_verdict(effect),
        foretold=describe_foretold(foretold, effect.at, effect.completes_an_hour.ratio)
        if effect.kind == CPI
        else "",
    )


def _changed_values(effect: ChangeEffect) -> tuple[str, str, str]:
    """Return what was changed, from and to; of re-entry the settings that differ alone."""
    if effect.kind != RE_ENTRY or not all(
        isinstance(value, dict) for value in (effect.old, effect.new)
    ):
        return effect.what, format_value(effect.old), format_value(effect.new)
    before, after = (_re_entry_parts(value) for value in (effect.old, effect.new))
    differs = [word for word in after if before.get(word) != after[word]]
    if len(differs) == 1:
        (word,) = differs
        return f"{effect.what}: {word}", before.get(word, numbers.DASH), after[word]
    newly = [word for word in differs if after[word] == "allowed"]
    no_longer = [word for word in differs if after[word] != "allowed"]
    parts = (("now allowed", newly), ("no longer allowed", no_longer))
    said = "; ".join(f"{label}: {' · '.join(words)}" for label, words in parts if words)
    return effect.what, "", said or "no setting differs"


def _re_entry_parts(value: object) -> Mapping[str, str]:
    """Return the settings of re-entry in words; empty where they have another form."""
    try:
        return value_parts(Edit.Kind.RE_ENTRY, value, {})
    except (AttributeError, TypeError):
        return {}


def _daily_rates(measure: Measure) -> str:
    """Return "21 → 35 completes a day": the rates per typical hour, times 24."""
    if measure.before is None or measure.after is None:
        return ""
    return f"{format_daily_rates(measure.before * 24, measure.after * 24)} completes a day"


def _reason_of(effect: ChangeEffect) -> str:
    """Return why there is no ratio, or what the ratio leaves out."""
    measure = effect.completes_an_hour
    if effect.overlaps:
        names = ", ".join(name.replace(*UNTOLD_VALUES) for name in effect.overlaps)
        return f"Within a day of: {names}."
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
