"""The filling strategy: what the group's goal counts."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web.edits.forms.base import BoundForm, Form, FormError
from dashboard.web.formatting import labels, numbers

FIELD = "filling_strategy"


def clean_strategy(entry: BoundForm[str]) -> str:
    """Return one of the three strategies, other than the current one."""
    wanted = entry.typed.get(FIELD, "")
    if wanted not in labels.STRATEGIES:
        raise FormError(filling_strategy="Choose a filling strategy.")
    if wanted == entry.seen:
        raise FormError(
            filling_strategy=f"The filling strategy is already {labels.STRATEGIES[wanted]}."
        )
    return wanted


def strategy_context(entry: BoundForm[str]) -> dict[str, object]:
    """Return the three strategies, with what each means."""
    seen = entry.seen
    chosen = entry.typed.get(FIELD, seen)
    return {
        "choices": [
            (code, word, labels.STRATEGY_MEANING[code], code == chosen, code == seen)
            for code, word in labels.STRATEGIES.items()
        ],
        "present": labels.STRATEGIES.get(seen, seen) if seen else numbers.DASH,
    }


def strategy_initial(value: str, _entry: BoundForm[str]) -> Mapping[str, str]:
    """Return the chosen strategy."""
    return {FIELD: str(value or "")}


def current_strategy(group: TargetGroup) -> str:
    """Return the strategy that our tables hold."""
    code = group.filling_strategy
    return labels.STRATEGIES.get(code, code) or numbers.DASH


FORM = Form(
    FIELD,
    Edit.Kind.FILLING_STRATEGY,
    "Filling strategy",
    clean_strategy,
    strategy_context,
    strategy_initial,
    field_for=lambda _name, _edit: FIELD,
    current=current_strategy,
)
