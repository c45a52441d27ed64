"""The filling strategy: what the goal counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web.edits.forms.base import BoundForm, Form, FormError, Value
from dashboard.web.formatting import labels, numbers

FIELD = "filling_strategy"


def clean_strategy(entry: BoundForm) -> Value:
    """One of the three strategies."""
    wanted = entry.typed.get(FIELD, "")
    if wanted not in labels.STRATEGIES:
        raise FormError(filling_strategy="Choose one of the three strategies.")
    if wanted == entry.seen:
        raise FormError(
            filling_strategy=f"{labels.STRATEGIES[wanted]} is the present strategy already."
        )
    return wanted


def strategy_context(entry: BoundForm) -> dict[str, Any]:
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


def strategy_initial(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """The strategy chosen."""
    return {FIELD: str(value or "")}


def current_strategy(group: TargetGroup) -> str:
    """The strategy that our tables hold."""
    code = group.filling_strategy
    return labels.STRATEGIES.get(code, code) or numbers.DASH


FORM = Form(
    FIELD,
    Edit.Kind.FILLING_STRATEGY,
    "Filling strategy",
    clean_strategy,
    strategy_context,
    strategy_initial,
    place=lambda _name, _made: FIELD,
    current=current_strategy,
)
