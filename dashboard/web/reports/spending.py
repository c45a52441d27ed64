"""Spend by client reference, project, country and month, per currency.

Cint reports what each group cost so far, not in which month. Fieldwatch allocates it to months by
completes per month (UTC); the months add up to Cint's total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from dashboard.fielding.models import CompletesDay
from dashboard.fielding.series.completes import on_the_hour
from dashboard.sync.scheduling import reconciled_at
from dashboard.web.charts.series import last_known
from dashboard.web.formatting import labels, numbers
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
    "first_complete_at",
    "last_complete_at",
    "starts_at",
)
SIX_PLACES = Decimal("0.000001")

Month = str  # "2026-11"; empty where the month is unknown
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
    budget: Decimal | None = None  # of its groups, as set in Fieldwatch; None if none has one
    project_budget: Decimal | None = None
    # The end of reconciliation: no count of this line can fall after it.
    final: datetime | None = None

    @property
    def country(self) -> str:
        """Return the country's name."""
        return labels.country_name(self.country_code) if self.country_code else numbers.DASH

    @property
    def average(self) -> Decimal | None:
        """Return the average CPI; None without completes."""
        if self.completes <= 0:
            return None
        return round(self.spent / self.completes, 4)


def month_ends(first: datetime, now: datetime) -> list[date]:
    """Return the last day of each completed month from `first` on."""
    ends = []
    day = first.astimezone(UTC).date().replace(day=1)
    while (following := (day + timedelta(days=32)).replace(day=1)) <= now.astimezone(UTC).date():
        ends.append(following - timedelta(days=1))
        day = following
    return ends


def by_month(group: GroupRow, counts: Mapping[date, int], now: datetime) -> dict[Month, int]:
    """Return completes per month, from the series; a gap moves them to the next month."""
    total, start = group.completes or 0, group.first_complete_at or group.starts_at
    if start is None:
        return {"": total}
    months: dict[Month, int] = {}
    counted = 0
    for end in month_ends(start, now):
        finished = group.last_complete_at and group.last_complete_at.date() <= end
        count = total if finished else counts.get(end, counted)
        if count != counted:
            months[f"{end:%Y-%m}"] = count - counted
        counted = count
    if total != counted:
        months[f"{now.astimezone(UTC):%Y-%m}"] = total - counted
    return months or {f"{start:%Y-%m}": total}


def cost_by_month(cost: Decimal, completes: Mapping[Month, int]) -> dict[Month, Decimal]:
    """Allocate a cost to months by their completes; the parts add up exactly."""
    total = sum(completes.values())
    if total <= 0:
        return {month: cost if i == 0 else Decimal(0) for i, month in enumerate(completes)}
    parts = {
        month: (cost * number / total).quantize(SIX_PLACES) for month, number in completes.items()
    }
    last = max(parts)
    parts[last] += cost - sum(parts.values())
    return parts


def load_spend_lines(groups: QuerySet[Any], *, months: bool, now: datetime) -> list[SpendLine]:
    """Return a line per project, country, currency and month (if `months`).

    Summed in Python, since databases round.
    """
    with_cost = groups.filter(cost__gt=0)
    rows = list(with_cost.values_list(*FIELDS, named=True))
    counts = _month_end_counts(with_cost, rows, now) if months else {}
    lines: dict[tuple[int, str, Month, str], SpendLine] = {}
    for row in rows:
        parts = by_month(row, counts.get(row.pk, {}), now) if months else {"": row.completes or 0}
        for month, cost in cost_by_month(row.cost, parts).items():
            key = (row.project_id, row.country_code, month, row.currency)
            line = lines.setdefault(
                key, SpendLine(row.project__reference_number, row.project__name, *key)
            )
            line.groups += 1
            line.completes += parts[month]
            line.spent += cost
            if row.budget is not None:
                line.budget = (line.budget or Decimal(0)) + row.budget
            if row.project__budget_currency == row.currency:
                line.project_budget = row.project__budget
            at = _reconciled_on(month, row.last_complete_at)
            line.final = max(filter(None, (line.final, at)), default=None)
    return sorted(
        lines.values(),
        key=lambda line: (line.project.casefold(), line.project_pk, line.country, line.month),
    )


def _reconciled_on(month: Month, last_complete_at: datetime | None) -> datetime | None:
    """Return the end of reconciliation of a month, or of the last complete."""
    if month:
        return reconciled_at(datetime.fromisoformat(f"{month}-15T12:00+00:00"))
    return reconciled_at(last_complete_at) if last_complete_at else None


def _month_end_counts(
    with_cost: QuerySet[Any], rows: Iterable[GroupRow], now: datetime
) -> dict[int, dict[date, int]]:
    """Return cumulative completes at the ends of months, by group and day."""
    starts = [row.first_complete_at or row.starts_at for row in rows]
    first = min((at for at in starts if at), default=None)
    counts: dict[int, dict[date, int]] = {}
    if first is None or not (ends := month_ends(first, now)):
        return counts
    days = CompletesDay.objects.filter(day__in=ends, group__in=with_cost.order_by().values("pk"))
    for pk, on, packed, odd in days.values_list("group_id", "day", "hours", "odd"):
        [(day, hours)] = on_the_hour([(on, packed, odd)])
        if (count := last_known(hours)) is not None:
            counts.setdefault(pk, {})[day] = count
    return counts


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
        line.budget,
        line.project_budget,
        line.currency,
        line.final,
    ]
