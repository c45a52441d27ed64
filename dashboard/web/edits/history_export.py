"""History and edits as rows of a file: their headings and their cells."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.fielding.models import Edit
from dashboard.web.edits import history
from dashboard.web.tables.exports import Cell

HISTORY_HEADINGS = (
    "When (UTC)",
    "Who",
    "Source",
    "Project",
    "Group",
    "ID",
    "Change",
    "From",
    "To",
    "Result",
)
EDIT_HEADINGS = ("When (UTC)", "Who", "Project", "Group", "ID", "Change", "From", "To", "Result")


def edit_line(edit: Edit, names: Mapping[str, str]) -> list[Cell]:
    """Return the cells of an edit, in the order of EDIT_HEADINGS."""
    group = edit.group
    project = group.project if group else edit.project
    name, number = (group.name, group.human_readable_id) if group else ("", "")
    line = history.edit_line(edit, names)
    project_name = project.name if project else ""
    return [line.at, line.who, project_name, name, number, *_change_cells(line)]


def history_line(line: history.HistoryLine, project: str, group: str, number: str) -> list[Cell]:
    """Return the cells of a line of history, in the order of HISTORY_HEADINGS."""
    source = "Fieldwatch" if line.ours else "Cint"
    return [line.at, line.who, source, project, group, number, *_change_cells(line)]


def _change_cells(line: history.HistoryLine) -> list[Cell]:
    return [line.what, line.old, line.new, f"{line.outcome}. {line.detail}".strip(". ")]
