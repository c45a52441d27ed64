"""Rows of groups under headings with subtotals, per currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from dashboard.fielding.figures import project_outlook
from dashboard.fielding.figures.project_outlook import ProjectOutlook, outlook_of_groups
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import OpenIncidentRow, severity_word
from dashboard.web.tables import group_columns, html_cells
from dashboard.web.tables.group_columns import GroupRow

Namer = Callable[[str], str]


@dataclass(slots=True)
class Section:
    """A heading with its rows; the whole table if the title is empty."""

    title: str = ""
    subtotal: str = ""
    rows: list[str] = field(default_factory=list)

    @property
    def html(self) -> SafeString:
        """Return all rows."""
        return SafeString("".join(self.rows))


def rows_of(
    groups: Iterable[GroupRow],
    keys: Sequence[str],
    causes: Mapping[int, OpenIncidentRow],
    *,
    project: bool,
    ticks: bool,
) -> list[str]:
    """Return the HTML of a row per group with these columns.

    `project`: rows name their project. `ticks`: each begins with a box that selects its group.
    """
    cells = [
        group_columns.COLUMNS_BY_KEY[key].html
        for key in keys
        if key in group_columns.COLUMNS_BY_KEY
    ]
    rows = []
    for group in groups:
        cause = causes.get(group.pk)
        first = group_columns.name_cell(
            group,
            project=project,
            cause=labels.without_group_name(group.name, cause.sentence) if cause else "",
            severity=severity_word(cause),
        )
        tick = html_cells.tick_cell(group.pk) if ticks else ""
        others = "".join([html(group) for html in cells])
        rows.append(f'<tr data-line="g{group.pk}" tabindex="-1">{tick}{first}{others}</tr>')
    return rows


def value_namer(by: str, people: Mapping[str, str]) -> Namer:
    """Return the function that turns values of a grouping into labels."""
    names: dict[str, Namer] = {
        "country": labels.country_name,
        "pm": lambda code: people.get(code, code),
        "status": lambda code: labels.STATUSES.get(code, labels.sentence_case(code)),
    }
    return names.get(by, str)


def ungrouped_section(rows: Sequence[str]) -> list[Section]:
    """Return one section without a heading; none without rows."""
    return [Section(rows=list(rows))] if rows else []


def sections_by_value(
    groups: Iterable[GroupRow],
    rows: Iterable[str],
    column: str,
    *,
    subtotals: Mapping[str, str],
    name: Namer,
) -> list[Section]:
    """Return rows, sorted by a column, under one heading per value."""
    sections: dict[str, Section] = {}
    for group, row in zip(groups, rows, strict=True):
        value = str(getattr(group, column))
        if value not in sections:
            title = name(value) if value else "Not set"
            sections[value] = Section(title, subtotals.get(value, ""))
        sections[value].rows.append(row)
    return list(sections.values())


def subtotal_sentences(
    groups: QuerySet[TargetGroup], column: str, *, now: datetime
) -> dict[str, str]:
    """Return what the groups of each value of the column add up to, over all pages, in one query.

    The sums are those of a project: drafts, archived and no longer listed groups are outside, but
    their money is spent.
    """
    by_value: dict[str, list[GroupRow]] = {}
    fields = dict.fromkeys((column, *project_outlook.FIELDS))
    for group in groups.order_by().values_list(*fields, named=True):
        by_value.setdefault(str(getattr(group, column)), []).append(group)
    return {
        value: _subtotal(len(rows), outlook_of_groups(rows, now=now))
        for value, rows in by_value.items()
    }


def _subtotal(number: int, sums: ProjectOutlook) -> str:
    parts = [f"{numbers.format_count(number)} group{'' if number == 1 else 's'}"]
    if sums.groups:
        parts.append(
            f"{numbers.format_count(sums.completes)} / {numbers.format_count(sums.goal)} completes"
        )
    if sums.groups and sums.shortfall:
        parts.append(f"projected shortfall {numbers.format_count(sums.shortfall.p50)}")
    spent = {currency: money.so_far for currency, money in sums.money.items() if money.so_far}
    return " · ".join([*parts, numbers.format_totals(spent)] if spent else parts)
