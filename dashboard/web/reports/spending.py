"""Spend by client reference, project, country and month, per currency.

Cint reports what each group cost so far, not in which month. A month (UTC) costs its completes at
the CPI of their hours, from the changelog; the months add up to Cint's total.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from dashboard.fielding.figures.margin import (
    GROUP_CLIENT_CPI,
    Margin,
    client_cpi_of_group,
    client_price_of_project,
)
from dashboard.fielding.figures.spend_by_month import Month, MonthSpend, split_by_month
from dashboard.fielding.models import TargetGroup
from dashboard.sync.scheduling import reconciled_at
from dashboard.web.formatting import labels, numbers
from dashboard.web.reports.spend_history import SpendHistory, began_at, load_spend_history
from dashboard.web.tables.exports import Cell

HEADINGS = (
    "Reference",
    "Project",
    "Country",
    "Month (UTC)",
    "Groups",
    "Completes",
    "Average CPI",
    "Spend",
    "Client pays",
    "Margin",
    "Completes without a client CPI",
    "Budget of the groups",
    "Budget of the project",
    "Currency",
    "Final since (UTC)",
)
FIELDS = (
    "pk",
    "project_id",
    "project__name",
    "project__reference_number",
    "country_code",
    "currency",
    "completes",
    "cost",
    "budget",
    "project__budget",
    "project__budget_currency",
    "project__client_cpi",
    "project__client_cpi_currency",
    GROUP_CLIENT_CPI,
    "first_complete_at",
    "last_complete_at",
    "starts_at",
)

GroupRow = Any  # Any: a named row of FIELDS, which Django does not type


@dataclass(slots=True)
class SpendLine:
    """The spend of a project in a country, month and currency."""

    reference: str
    project: str
    project_pk: int
    country_code: str
    month: Month
    currency: str
    groups: int = 0
    completes: int = 0
    spent: Decimal = Decimal(0)
    # As set in Fieldwatch: of its groups, and of the project on its first line only. A budget is
    # for the whole fielding period, so a month has none.
    budget: Decimal | None = None
    project_budget: Decimal | None = None
    # The end of reconciliation: no count of this line can fall after it.
    final: datetime | None = None
    margin: Margin = field(default_factory=Margin)

    @property
    def country(self) -> str:
        """Return the country's name."""
        return labels.country_name(self.country_code) if self.country_code else numbers.DASH

    @property
    def month_name(self) -> str:
        """Return the month as people write it: Nov 2026."""
        return name_of_month(self.month)

    @property
    def average(self) -> Decimal | None:
        """Return the average CPI; None without completes."""
        if self.completes <= 0:
            return None
        return round(self.spent / self.completes, 4)


def name_of_month(month: Month) -> str:
    """Return a month as people write it: Nov 2026."""
    return f"{date.fromisoformat(f'{month}-01'):%b %Y}" if month else "Unknown"


def load_spend_lines(
    groups: QuerySet[TargetGroup], *, months: bool, now: datetime
) -> list[SpendLine]:
    """Return a line per project, country, currency and month (if `months`).

    Summed in Python, since databases round. Budgets are on lines without a month only.
    """
    rows = list(groups.filter(cost__gt=0).values_list(*FIELDS, named=True))
    history = load_spend_history(rows, now=now) if months else None
    final_before = _first_open_month(now)
    lines: dict[tuple[int, str, Month, str], SpendLine] = {}
    for row in rows:
        client_cpi = _client_cpi_of(row)
        for month, part in _split_group(row, history, final_before, now).items():
            key = (row.project_id, row.country_code, month, row.currency)
            line = lines.setdefault(
                key, SpendLine(row.project__reference_number, row.project__name, *key)
            )
            line.groups += 1
            line.completes += part.completes
            line.spent += part.cost
            line.margin.add_completes(part.completes, part.cost, client_cpi)
            if row.budget is not None and not months:
                line.budget = (line.budget or Decimal(0)) + row.budget
            at = _reconciled_on(month, row.last_complete_at)
            line.final = max(filter(None, (line.final, at)), default=None)
    ordered = sorted(
        lines.values(),
        key=lambda line: (line.project.casefold(), line.project_pk, line.country, line.month),
    )
    if not months:
        _add_project_budgets(ordered, rows)
    return ordered


def _client_cpi_of(row: GroupRow) -> Decimal | None:
    """Return what the client pays per complete of a group; None if it is not known."""
    price = client_price_of_project(row.project__client_cpi, row.project__client_cpi_currency)
    return client_cpi_of_group(getattr(row, GROUP_CLIENT_CPI), row.currency, price)


def _split_group(
    row: GroupRow, history: SpendHistory | None, final_before: Month, now: datetime
) -> dict[Month, MonthSpend]:
    """Return completes and cost of a group by month; all under "" without its history."""
    if history is None:
        return {"": MonthSpend(row.completes or 0, row.cost)}
    return split_by_month(
        history.series_of(row),
        history.prices_of(row),
        completes=row.completes or 0,
        cost=row.cost,
        began=began_at(row),
        ended=row.last_complete_at,
        now=now,
        final_before=final_before,
    )


def _add_project_budgets(lines: Iterable[SpendLine], rows: Iterable[GroupRow]) -> None:
    """Set each project's budget on its first line of the budget's currency."""
    budgets = {
        (row.project_id, row.project__budget_currency): row.project__budget
        for row in rows
        if row.project__budget is not None
    }
    for line in lines:
        line.project_budget = budgets.pop((line.project_pk, line.currency), None)


def _first_open_month(now: datetime) -> Month:
    """Return the oldest month that can still be reconciled; all months before it are final."""
    day = now.astimezone(UTC).replace(day=1)
    while reconciled_at(before := (day - timedelta(days=1)).replace(day=15)) > now:
        day = before.replace(day=1)
    return f"{day:%Y-%m}"


def _reconciled_on(month: Month, last_complete_at: datetime | None) -> datetime | None:
    """Return the end of reconciliation of a month, or of the last complete."""
    if month:
        return reconciled_at(datetime.fromisoformat(f"{month}-15T12:00+00:00"))
    return reconciled_at(last_complete_at) if last_complete_at else None


def totals_by_currency(lines: Iterable[SpendLine]) -> list[str]:
    """Return the sum per currency, formatted."""
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.currency] = totals.get(line.currency, Decimal(0)) + line.spent
    return [numbers.format_cents(totals[code], code) for code in sorted(totals)]


def line_cells(line: SpendLine) -> list[Cell]:
    """Return the cells of a line, in the order of HEADINGS."""
    return [
        line.reference,
        line.project,
        line.country,
        line.month,
        line.groups,
        line.completes,
        line.average,
        line.spent,
        line.margin.billed if line.margin.completes else None,
        line.margin.amount,
        line.margin.unpriced,
        line.budget,
        line.project_budget,
        line.currency,
        line.final,
    ]
