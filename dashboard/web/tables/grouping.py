"""Rows of groups under headings with subtotals; money is never summed across currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import Incident
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import severity_word
from dashboard.web.tables import group_columns

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
    """A group as the table shows it: its cells are HTML already."""

    pk: int
    html: SafeString


@dataclass(slots=True)
class Section:
    """A heading with its rows; without a title, the whole table."""

    title: str = ""
    subtotal: str = ""
    rows: list[SectionRow] = field(default_factory=list)


def rows_of(
    groups: Iterable[Any], keys: Sequence[str], causes: Mapping[int, Incident], *, project: bool
) -> list[SectionRow]:
    """A row a group with the cells of these columns; `project`: its project is named."""
    shown = [group_columns.ALL[key].html for key in keys if key in group_columns.ALL]
    told = []
    for group in groups:
        cause = causes.get(group.pk)
        first = group_columns.name_cell(
            group,
            project=project,
            cause=labels.without_group_name(group.name, cause.sentence) if cause else "",
            severity=severity_word(cause),
        )
        told.append(
            SectionRow(group.pk, SafeString(first + "".join([html(group) for html in shown])))
        )
    return told


def value_namer(by: str, people: Mapping[str, str]) -> Namer:
    """How the values of a grouping read."""
    names: dict[str, Namer] = {
        "country": labels.country_name,
        "pm": lambda code: people.get(code, code),
        "status": lambda code: labels.STATUSES.get(code, labels.sentence_case(code)),
    }
    return names.get(by, str)


def ungrouped_section(rows: Sequence[SectionRow]) -> list[Section]:
    """A table without headings."""
    return [Section(rows=list(rows))] if rows else []


def sections_by_value(
    groups: Iterable[Any],
    rows: Iterable[SectionRow],
    column: str,
    *,
    subtotals: Mapping[str, str],
    name: Namer,
) -> list[Section]:
    """Rows, sorted by a column of their groups, under a heading a value."""
    found: dict[str, Section] = {}
    for group, row in zip(groups, rows, strict=True):
        value = str(getattr(group, column))
        if value not in found:
            title = name(value) if value else "Not said"
            found[value] = Section(title, subtotals.get(value, ""))
        found[value].rows.append(row)
    return list(found.values())


@dataclass(slots=True)
class Total:
    """What groups under a heading come to; money a currency."""

    groups: int = 0
    done: int = 0
    goal: int = 0
    short: float = 0.0
    spent: dict[str, Decimal] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [
            f"{numbers.format_count(self.groups)} group{'' if self.groups == 1 else 's'}",
            f"{numbers.format_count(self.done)} / {numbers.format_count(self.goal)} completes",
            f"short {numbers.format_count(self.short)}",
        ]
        return " · ".join([*said, numbers.format_totals(self.spent)] if self.spent else said)


def subtotal_sentences(groups: QuerySet[Any], column: str) -> dict[str, str]:
    """A sentence a value of the column, over all pages, in one query; summed here, since databases
    round money."""
    found: dict[str, Total] = {}
    for group in groups.order_by().values_list(*{column, *_SUMMED}, named=True):
        total = found.setdefault(str(getattr(group, column)), Total())
        total.groups += 1
        total.done += group.completes or 0
        total.goal += completes_target(group) or 0
        total.short += group.short_at_end or 0
        if group.cost:
            spent = total.spent.get(group.currency, Decimal(0))
            total.spent[group.currency] = spent + group.cost
    return {value: str(total) for value, total in found.items()}
