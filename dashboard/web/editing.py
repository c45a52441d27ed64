"""What the forms show and say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web import figures, history, wanted, words

TOO_OLD = "This form was too old to be sent. It now shows the exchange's present value."
NO_RE_ENTRY = "Re-entry cannot be edited on this exchange once a group is launched."


def not_offered(group: TargetGroup, kind: str) -> str:
    """Why this setting of this group cannot be changed from here; empty if it can."""
    if group.status == "draft":
        return "A draft is changed with the draft itself, not setting by setting."
    if group.status == "archived":
        return "An archived group cannot be changed any more."
    if kind == Edit.Kind.CPI and group.pricing_model == "rate_card":
        return "The rate card sets the CPI of this group; it cannot be typed."
    return ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One checkbox of the re-entry grid."""

    name: str
    label: str
    checked: bool
    was: bool | None


@dataclass(frozen=True, slots=True)
class GridRow:
    """One status and side of the re-entry grid."""

    status: str
    side: str
    first: bool
    span: int
    cells: list[Cell]


def shown(group: TargetGroup, kind: str, seen: Any, typed: QueryDict) -> dict[str, Any]:
    """What the form of a kind needs to be drawn."""
    if kind == Edit.Kind.CPI:
        return _cpi(group, seen, typed)
    if kind == Edit.Kind.FILLING_STRATEGY:
        return _strategy(seen, typed)
    return {"grid": _grid(seen, typed), "last_read": ""}


def _cpi(group: TargetGroup, seen: Any, typed: QueryDict) -> dict[str, Any]:
    currency = str(seen["currency_code"]) if seen else group.currency
    goal, done = group.completes_goal or group.filling_goal, group.completes
    left = max(goal - done, 0) if goal is not None and done is not None else None
    limit = settings.CPI_LIMITS.get(currency)
    return {
        "currency": currency,
        "present": figures.amount(Decimal(seen["value"])) if seen else figures.DASH,
        "value": typed.get("cpi", ""),
        "left": left,
        "limit": figures.money(limit, currency) if limit else "",
        "last_read": figures.money(group.cpi, group.currency),
    }


def _strategy(seen: Any, typed: QueryDict) -> dict[str, Any]:
    chosen = typed.get("filling_strategy", seen)
    return {
        "choices": [
            (code, word, words.STRATEGY_MEANING[code], code == chosen, code == seen)
            for code, word in words.STRATEGIES.items()
        ],
        "present": words.STRATEGIES.get(seen, seen) if seen else figures.DASH,
    }


def _grid(seen: Any, typed: QueryDict) -> list[GridRow]:
    """The cells that exist, as typed, else as the exchange has them."""
    rows = []
    for status, sides in wanted.RE_ENTRY_CELLS.items():
        for side in sides:
            cells = [_cell(seen, typed, status, side, to) for to in wanted.RE_ENTRY_TARGETS]
            word = words.RE_ENTRY_STATUSES[status]
            first = side == sides[0]
            rows.append(GridRow(word, words.RE_ENTRY_SIDES[side], first, len(sides), cells))
    return rows


def _cell(seen: Any, typed: QueryDict, status: str, side: str, target: str) -> Cell:
    name = f"{status}.{side}.{target}"
    part = seen
    for step in (status, side, target):
        part = part.get(step) if isinstance(part, dict) else None
    label = (
        f"{words.RE_ENTRY_STATUSES[status]}, {words.RE_ENTRY_SIDES[side].lower()}: "
        f"may enter {words.RE_ENTRY_TARGETS[target]}"
    )
    checked = name in typed if typed else bool(part)
    return Cell(name, label, checked, part if isinstance(part, bool) else None)


def refusals(made: Edit) -> tuple[dict[str, str], str]:
    """The exchange's objections: at the form's own field where it names one, else above."""
    at_field: dict[str, str] = {}
    above: list[str] = []
    for reason in made.reasons:
        sentence = str(reason.get("reason", "")).strip() or "The exchange refused this."
        if reason.get("name"):
            at_field[made.kind] = f"{at_field.get(made.kind, '')} {sentence}".strip()
        else:
            above.append(sentence)
    return at_field, " ".join(above)


def outcome(made: Edit) -> str:
    """How an edit ended, in a sentence."""
    if made.kind == Edit.Kind.RE_ENTRY:
        what = "The new re-entry settings"
    else:
        before, after = history.say(made.before), history.say(made.wanted)
        what = f"{made.get_kind_display()} {before} → {after}"
    if made.state == Edit.State.CONFIRMED:
        return f"{what}: confirmed by the exchange."
    return f"{what}: sent, but not confirmed yet. We keep reading and tell the outcome below."


def three(kind: str, was: Any, theirs: Any, typed: QueryDict) -> dict[str, str]:
    """What it was, what the exchange has now, and what was typed, in words."""
    if kind == Edit.Kind.RE_ENTRY:
        changed = "changed by somebody else; the grid marks where yours differs"
        return {"was": "as this form was opened", "theirs": changed, "yours": "as ticked below"}
    yours = words.STRATEGIES.get(typed.get(kind, ""), typed.get(kind, ""))
    return {"was": history.say(was), "theirs": history.say(theirs), "yours": yours}
