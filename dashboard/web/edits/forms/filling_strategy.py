"""The filling strategy: what the goal counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms.base import Entry, Form, Value, Wrong
from dashboard.web.formatting import labels, numbers

FIELD = "filling_strategy"


def check(entry: Entry) -> Value:
    """One of the three strategies."""
    wanted = entry.typed.get(FIELD, "")
    if wanted not in labels.STRATEGIES:
        raise Wrong(filling_strategy="Choose one of the three strategies.")
    if wanted == entry.seen:
        raise Wrong(
            filling_strategy=f"{labels.STRATEGIES[wanted]} is the present strategy already."
        )
    return wanted


def shown(entry: Entry) -> dict[str, Any]:
    """The three strategies, with what each means."""
    seen = entry.seen
    chosen = entry.typed.get(FIELD, seen)
    return {
        "choices": [
            (code, word, labels.STRATEGY_MEANING[code], code == chosen, code == seen)
            for code, word in labels.STRATEGIES.items()
        ],
        "present": labels.STRATEGIES.get(seen, seen) if seen else numbers.DASH,
    }


def filled(value: Value, _entry: Entry) -> Mapping[str, str]:
    """The strategy chosen."""
    return {FIELD: str(value or "")}


FORM = Form(
    FIELD,
    Edit.Kind.FILLING_STRATEGY,
    "Filling strategy",
    check,
    shown,
    filled,
    place=lambda _name, _made: FIELD,
)
