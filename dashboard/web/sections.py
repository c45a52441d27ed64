"""Rows of groups under headings with subtotals; money is never summed across currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from dashboard.fielding.models import TargetGroup
from dashboard.web import figures, words
from dashboard.web.rows import GroupRow

Namer = Callable[[str], str]


@dataclass(slots=True)
class Section:
    """A heading with its rows; without a title, the whole table."""

    title: str = ""
    subtotal: str = ""
    rows: list[GroupRow] = field(default_factory=list)


def namer(by: str, people: Mapping[str, str]) -> Namer:
    """How the values of a grouping read."""
    names: dict[str, Namer] = {
        "country": words.country,
        "pm": lambda code: people.get(code, code),
        "status": lambda code: words.STATUSES.get(code, words.sentence_case(code)),
    }
    return names.get(by, str)


def whole(rows: Sequence[GroupRow]) -> list[Section]:
    """A table without headings."""
    return [Section(rows=list(rows))] if rows else []


def under(
    groups: Iterable[TargetGroup],
    rows: Iterable[GroupRow],
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


def subtotals(groups: QuerySet[Any], column: str) -> dict[str, str]:
    """A sentence a value of the column, over all pages, in one query."""
    summed = (
        groups.order_by()
        .values(column, "currency")
        .annotate(
            number=Count("pk"),
            done=Sum("completes"),
            goal=Sum("completes_goal"),
            short=Sum("short_at_end"),
            spent=Sum("cost"),
        )
    )
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in summed:
        parts.setdefault(str(row[column]), []).append(row)
    return {value: _sentence(rows) for value, rows in parts.items()}


def _sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    def add(key: str) -> float:
        return sum(row[key] or 0 for row in rows)

    number = int(add("number"))
    said = [
        f"{figures.count(number)} group{'' if number == 1 else 's'}",
        f"{figures.count(add('done'))} / {figures.count(add('goal'))}",
        f"short {figures.count(add('short'))}",
    ]
    spent = [
        figures.total(Decimal(row["spent"]), row["currency"])
        for row in sorted(rows, key=lambda row: str(row["currency"]))
        if row["spent"]
    ]
    return " · ".join([*said, " + ".join(spent)] if spent else said)
