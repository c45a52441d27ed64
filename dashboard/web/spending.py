"""What was spent: by client reference, project and country, each currency apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from dashboard.web import figures, words
from dashboard.web.exports import Cell

HEADINGS = (
    "Reference", "Project", "Country", "Groups", "Completes", "Average CPI", "Spend", "Currency",
)  # fmt: skip


@dataclass(slots=True)
class Line:
    """The spend of a project in a country and currency."""

    reference: str
    project: str
    project_pk: int
    country: str
    currency: str
    groups: int = 0
    completes: int = 0
    spent: Decimal = Decimal(0)

    @property
    def average(self) -> Decimal | None:
        """What a complete cost on average; None without one."""
        if not self.completes:
            return None
        return (self.spent / self.completes).quantize(Decimal("0.0001"))


def lines(groups: QuerySet[Any]) -> list[Line]:
    """A line a project, country and currency; summed here, since databases round money."""
    found: dict[tuple[int, str, str], Line] = {}
    rows = groups.filter(cost__gt=0).order_by("project__name", "country_code", "currency")
    for row in rows.values(
        "project_id", "project__name", "project__reference_number",
        "country_code", "currency", "completes", "cost",
    ):  # fmt: skip
        key = (row["project_id"], row["country_code"], row["currency"])
        line = found.setdefault(
            key,
            Line(
                row["project__reference_number"],
                row["project__name"],
                row["project_id"],
                words.country(row["country_code"]) if row["country_code"] else figures.DASH,
                row["currency"],
            ),
        )
        line.groups += 1
        line.completes += row["completes"] or 0
        line.spent += row["cost"]
    return list(found.values())


def totals(of: Sequence[Line]) -> list[str]:
    """A sum a currency, in words."""
    summed: dict[str, Decimal] = {}
    for line in of:
        summed[line.currency] = summed.get(line.currency, Decimal(0)) + line.spent
    return [figures.money(summed[code].quantize(Decimal("0.01")), code) for code in sorted(summed)]


def cells(line: Line) -> list[Cell]:
    """The cells of a line, in the order of HEADINGS."""
    return [
        line.reference, line.project, line.country, line.groups, line.completes, line.average,
        line.spent, line.currency,
    ]  # fmt: skip
