"""Re-entry: which respondents may enter again, by their exit status."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms.base import NO_CHANGE, BoundForm, Form, FormError, Value
from dashboard.web.formatting import labels
from dashboard.web.formatting.values import Names, Parts
from dashboard.web.http.ticks import is_ticked

CLIENT, SCREENER = "client_side", "screener_side"
CELLS: Mapping[str, tuple[str, ...]] = {
    "completes": (CLIENT,),
    "pre_client_survey_processes": (SCREENER,),
    "financial_terms": (SCREENER,),
    "terminates": (CLIENT, SCREENER),
    "security_failures": (CLIENT, SCREENER),
    "overquota": (CLIENT, SCREENER),
    "in_screener": (CLIENT, SCREENER),
}
TARGETS = ("allow_for_current_target_group", "allow_for_other_target_groups")


@dataclass(frozen=True, slots=True)
class ReEntryCell:
    """A checkbox of the grid."""

    name: str
    label: str
    checked: bool
    was: bool | None


@dataclass(frozen=True, slots=True)
class ReEntryRow:
    """A row of the grid: an exit status at a stage."""

    status: str
    side: str
    first: bool
    span: int
    cells: list[ReEntryCell]


def clean_re_entry(entry: BoundForm[Value]) -> Value:
    """Return the whole configuration; what the grid does not show is sent back as it came."""
    seen = entry.seen
    wanted: dict[str, Value] = copy.deepcopy(seen) if isinstance(seen, dict) else {}
    for status, sides in CELLS.items():
        for side in sides:
            cell = _member_object(_member_object(wanted, status), side)
            for target in TARGETS:
                ticked = is_ticked(entry.typed, f"{status}.{side}.{target}")
                if target not in cell or ticked != (cell[target] is True):
                    cell[target] = ticked
    if wanted == seen:
        raise FormError(re_entry=NO_CHANGE)
    return wanted


def _member_object(value: dict[str, Value], name: str) -> dict[str, Value]:
    """Return the object in a member, which is created where it is missing."""
    if not isinstance(value.get(name), dict):
        value[name] = {}
    inner: dict[str, Value] = value[name]
    return inner


def re_entry_context(entry: BoundForm[Value]) -> dict[str, object]:
    """Return the rows of the grid, as typed, else as the exchange has them."""
    rows = []
    for status, sides in CELLS.items():
        for side in sides:
            cells = [_build_cell(entry, status, side, target) for target in TARGETS]
            word = labels.RE_ENTRY_STATUSES[status]
            first = side == sides[0]
            rows.append(ReEntryRow(word, labels.RE_ENTRY_SIDES[side], first, len(sides), cells))
    return {"grid": rows}


def _build_cell(entry: BoundForm[Value], status: str, side: str, target: str) -> ReEntryCell:
    name = f"{status}.{side}.{target}"
    allowed = _value_at(entry.seen, status, side, target)
    label = (
        f"{labels.RE_ENTRY_STATUSES[status]}, {labels.RE_ENTRY_SIDES[side].lower()}: "
        f"may enter {labels.RE_ENTRY_TARGETS[target]}"
    )
    checked = is_ticked(entry.typed, name) if entry.typed else allowed is True
    return ReEntryCell(name, label, checked, allowed if isinstance(allowed, bool) else None)


def _value_at(value: Value, *path: str) -> Value:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def re_entry_initial(value: Value, _entry: BoundForm[Value]) -> Mapping[str, str]:
    """Return the ticked cells as typed text; `typed` marks a grid with none of them ticked."""
    ticked = {
        f"{status}.{side}.{target}": "on"
        for status, sides in CELLS.items()
        for side in sides
        for target in TARGETS
        if _value_at(value, status, side, target) is True
    }
    return ticked | {"typed": "1"}


def re_entry_parts(value: Value, _names: Names, _zone: ZoneInfo | None) -> Parts:
    """Return whether re-entry is allowed, by exit status, stage and target."""
    return {
        f"{labels.RE_ENTRY_STATUSES.get(status, status)}, "
        f"{labels.RE_ENTRY_SIDES.get(side, side).lower()}, "
        f"{labels.RE_ENTRY_TARGETS.get(target, target)}": "allowed" if allowed else "not allowed"
        for status, sides in value.items()
        for side, targets in sides.items()
        for target, allowed in targets.items()
    }


FORM = Form(
    "re_entry",
    Edit.Kind.RE_ENTRY,
    "Re-entry",
    clean_re_entry,
    re_entry_context,
    re_entry_initial,
    field_for=lambda _name, _edit: "re_entry",
    parts=re_entry_parts,
)
