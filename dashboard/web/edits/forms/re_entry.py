"""Re-entry: who may come back, by how they left."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
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
    """One checkbox of the grid."""

    name: str
    label: str
    checked: bool
    was: bool | None


@dataclass(frozen=True, slots=True)
class ReEntryRow:
    """One status and side of the grid."""

    status: str
    side: str
    first: bool
    span: int
    cells: list[ReEntryCell]


def clean_re_entry(entry: BoundForm) -> Value:
    """The whole configuration: what the grid does not show goes back as it came."""
    seen = entry.seen
    wanted: dict[str, Any] = copy.deepcopy(seen) if isinstance(seen, dict) else {}
    for status, sides in CELLS.items():
        for side in sides:
            cell = _within(_within(wanted, status), side)
            for target in TARGETS:
                ticked = is_ticked(entry.typed, f"{status}.{side}.{target}")
                if target not in cell or ticked != (cell[target] is True):
                    cell[target] = ticked
    if wanted == seen:
        raise FormError(re_entry=NO_CHANGE)
    return wanted


def _within(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The object in a member; a new one where there is none."""
    if not isinstance(value.get(name), dict):
        value[name] = {}
    inner: dict[str, Any] = value[name]
    return inner


def re_entry_context(entry: BoundForm) -> dict[str, Any]:
    """The cells that exist, as typed, else as the exchange has them."""
    rows = []
    for status, sides in CELLS.items():
        for side in sides:
            cells = [_cell(entry, status, side, to) for to in TARGETS]
            word = labels.RE_ENTRY_STATUSES[status]
            first = side == sides[0]
            rows.append(ReEntryRow(word, labels.RE_ENTRY_SIDES[side], first, len(sides), cells))
    return {"grid": rows}


def _cell(entry: BoundForm, status: str, side: str, target: str) -> ReEntryCell:
    name = f"{status}.{side}.{target}"
    part = _part(entry.seen, status, side, target)
    label = (
        f"{labels.RE_ENTRY_STATUSES[status]}, {labels.RE_ENTRY_SIDES[side].lower()}: "
        f"may enter {labels.RE_ENTRY_TARGETS[target]}"
    )
    checked = is_ticked(entry.typed, name) if entry.typed else part is True
    return ReEntryCell(name, label, checked, part if isinstance(part, bool) else None)


def _part(value: Value, *path: str) -> Value:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def re_entry_initial(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """The cells that are allowed; without any, the grid is typed all the same."""
    ticked = {
        f"{status}.{side}.{target}": "on"
        for status, sides in CELLS.items()
        for side in sides
        for target in TARGETS
        if _part(value, status, side, target) is True
    }
    return ticked | {"typed": "1"}


def re_entry_parts(value: Value, _names: Names, _zone: ZoneInfo | None) -> Parts:
    """Whether each way of leaving may come back, to this group and to others."""
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
    place=lambda _name, _made: "re_entry",
    parts=re_entry_parts,
)
