"""Rows of groups under headings with subtotals, per currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import Incident, TargetGroup
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import severity_word
from dashboard.web.tables import group_columns
from dashboard.web.tables.group_columns import GroupRow

Namer = Callable[[str], str]

_SUMMED = (
    "completes",
    "prescreens",
    "filling_strategy",
    "filling_goal",
    "completes_goal",
    "expected_incidence_rate",
    "short_at_end",
    "cost",
    "currency",
)


class SectionRow(NamedTuple):
    """A row of the table, rendered to HTML."""

    pk: int
    html: SafeString


@dataclass(slots=True)
class Section:
    """A heading with its rows; the whole table if the title is empty."""

    title: str = ""
    subtotal: str = ""
    rows: list[SectionRow] = field(default_factory=list)


def rows_of(
    groups: Iterable[GroupRow],
    keys: Sequence[str],
    causes: Mapping[int, Incident],
    *,
    project: bool,
) -> list[SectionRow]:
    """Return a row per group with these columns; `project`: rows name their project."""
    cells = [
        group_columns.COLUMNS_BY_KEY[key].html
        for key in keys
        if key in group_columns.COLUMNS_BY_KEY
    ]
    section_rows = []
    for group in groups:
        cause = causes.get(group.pk)
        first = group_columns.name_cell(
            group,
            project=project,
            cause=labels.without_group_name(group.name, cause.sentence) if cause else "",
            severity=severity_word(cause),
        )
        section_rows.append(
            SectionRow(group.pk, SafeString(first + "".join([html(group) for html in cells])))
        )
    return section_rows


def value_namer(by: str, people: Mapping[str, str]) -> Namer:
    """Return the function that turns values of a grouping into labels."""
    names: dict[str, Namer] = {
        "country": labels.country_name,
        "pm": lambda code: people.get(code, code),
        "status": lambda code: labels.STATUSES.get(code, labels.sentence_case(code)),
    }
    return names.get(by, str)


def ungrouped_section(rows: Sequence[SectionRow]) -> list[Section]:
    """Return one section without a heading; none without rows."""
    return [Section(rows=list(rows))] if rows else []


def sections_by_value(
    groups: Iterable[GroupRow],
    rows: Iterable[SectionRow],
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


@dataclass(slots=True)
class Total:
    """The totals of the groups under a heading; spend per currency."""

    groups: int = 0
    completes: int = 0
    goal: int = 0
    short: float = 0.0
    spent: dict[str, Decimal] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [
            f"{numbers.format_count(self.groups)} group{'' if self.groups == 1 else 's'}",
            f"{numbers.format_count(self.completes)} / {numbers.format_count(self.goal)} completes",
            f"projected shortfall {numbers.format_count(self.short)}",
        ]
        return " · ".join([*parts, numbers.format_totals(self.spent)] if self.spent else parts)


def subtotal_sentences(groups: QuerySet[TargetGroup], column: str) -> dict[str, str]:
    """Return the totals of each value of the column, over all pages, in one query.

    Summed in Python, since databases round money.
    """
    totals: dict[str, Total] = {}
    for group in groups.order_by().values_list(*{column, *_SUMMED}, named=True):
        total = totals.setdefault(str(getattr(group, column)), Total())
        total.groups += 1
        total.completes += group.completes or 0
        total.goal += completes_target(group) or 0
        total.short += group.short_at_end or 0
        if group.cost:
            spent = total.spent.get(group.currency, Decimal(0))
            total.spent[group.currency] = spent + group.cost
    return {value: str(total) for value, total in totals.items()}
