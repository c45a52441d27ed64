"""History and edits as lines of a file: their headings, and the cells below them."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.fielding.models import Edit
from dashboard.web.edits import history
from dashboard.web.tables.exports import Cell

HISTORY_HEADINGS = (
    "When (UTC)",
    "Who",
    "Through",
    "Project",
    "Group",
    "Id",
    "What",
    "From",
    "To",
    "Outcome",
)
EDIT_HEADINGS = ("When (UTC)", "Who", "Project", "Group", "Id", "What", "From", "To", "Outcome")


def edit_line(edit: Edit, names: Mapping[str, str]) -> list[Cell]:
    """The cells of an edit, in the order of EDIT_HEADINGS."""
    group = edit.group
    project = group.project if group else edit.project
    name, number = (group.name, group.human_readable_id) if group else ("", "")
    line = history.edit_line(edit, names)
    project_name = project.name if project else ""
    return [line.at, line.who, project_name, name, number, *_change_cells(line)]


def history_line(line: history.HistoryLine, project: str, group: str, number: str) -> list[Cell]:
    """The cells of a line of history, in the order of HISTORY_HEADINGS."""
    through = "Fieldwatch" if line.ours else "the exchange"
    return [line.at, line.who, through, project, group, number, *_change_cells(line)]


def _change_cells(line: history.HistoryLine) -> list[Cell]:
    return [line.what, line.old, line.new, f"{line.outcome}. {line.detail}".strip(". ")]
