"""What was spent: by client reference, project, country and month, each currency apart.

The exchange tells what each group cost so far, not in which month. A month's part of it is ours:
the cost times the month's share of the group's completes. Parts add up to the exchange's cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

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
    "Reconciled from (UTC)",
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

Month = str  # "2026-11"; empty where nothing says when


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
    budget: Decimal | None = None  # of its groups, ours; None if none has one
    project_budget: Decimal | None = None
    # When no count of this line can fall any more: that of the exchange's reconciliation.
    final: datetime | None = None

    @property
    def country(self) -> str:
        """The country's name."""
        return labels.country_name(self.country_code) if self.country_code else numbers.DASH

    @property
    def average(self) -> Decimal | None:
        """What a complete cost on average; None without one."""
        if self.completes <= 0:
            return None
        return round(self.spent / self.completes, 4)


def month_ends(first: datetime, now: datetime) -> list[date]:
    """The last day of each month from `first` that is over."""
    ends = []
    day = first.astimezone(UTC).date().replace(day=1)
    while (following := (day + timedelta(days=32)).replace(day=1)) <= now.astimezone(UTC).date():
        ends.append(following - timedelta(days=1))
        day = following
    return ends


def by_month(group: Any, counts: Mapping[date, int], now: datetime) -> dict[Month, int]:
    """Completes of each month, by the series; where it has a gap they count in the next month."""
    done, began = group.completes or 0, group.first_complete_at or group.starts_at
    if began is None:
        return {"": done}
    found: dict[Month, int] = {}
    before = 0
    for end in month_ends(began, now):
        over = group.last_complete_at and group.last_complete_at.date() <= end
        count = done if over else counts.get(end, before)
        if count != before:
            found[f"{end:%Y-%m}"] = count - before
        before = count
    if done != before:
        found[f"{now.astimezone(UTC):%Y-%m}"] = done - before
    return found or {f"{began:%Y-%m}": done}


def cost_by_month(cost: Decimal, completes: Mapping[Month, int]) -> dict[Month, Decimal]:
    """A cost spread over months by their completes; the parts add up to it exactly."""
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
    """A line a project, country, currency and (if asked) month; summed here: databases round."""
    paid = groups.filter(cost__gt=0)
    rows = list(paid.values_list(*FIELDS, named=True))
    counts = _counts(paid, rows, now) if months else {}
    found: dict[tuple[int, str, Month, str], SpendLine] = {}
    for row in rows:
        parts = by_month(row, counts.get(row.pk, {}), now) if months else {"": row.completes or 0}
        for month, cost in cost_by_month(row.cost, parts).items():
            key = (row.project_id, row.country_code, month, row.currency)
            line = found.setdefault(
                key, SpendLine(row.project__reference_number, row.project__name, *key)
            )
            line.groups += 1
            line.completes += parts[month]
            line.spent += cost
            if row.budget is not None:
                line.budget = (line.budget or Decimal(0)) + row.budget
            if row.project__budget_currency == row.currency:
                line.project_budget = row.project__budget
            at = _final(month, row.last_complete_at)
            line.final = max(filter(None, (line.final, at)), default=None)
    return sorted(
        found.values(),
        key=lambda line: (line.project.casefold(), line.project_pk, line.country, line.month),
    )


def _final(month: Month, last_complete_at: datetime | None) -> datetime | None:
    """When what was counted in a month (or by its last complete) is reconciled."""
    if month:
        return reconciled_at(datetime.fromisoformat(f"{month}-15T12:00+00:00"))
    return reconciled_at(last_complete_at) if last_complete_at else None


def _counts(paid: QuerySet[Any], rows: Iterable[Any], now: datetime) -> dict[int, dict[date, int]]:
    """The cumulative completes of groups at the ends of months, by group and day."""
    began = [row.first_complete_at or row.starts_at for row in rows]
    first = min((at for at in began if at), default=None)
    found: dict[int, dict[date, int]] = {}
    if first is None or not (ends := month_ends(first, now)):
        return found
    days = CompletesDay.objects.filter(day__in=ends, group__in=paid.order_by().values("pk"))
    for pk, *row in days.values_list("group_id", "day", "hours", "odd"):
        [(day, hours)] = on_the_hour([cast("Any", row)])
        if (count := last_known(hours)) is not None:
            found.setdefault(pk, {})[day] = count
    return found


def totals_by_currency(of: Iterable[SpendLine]) -> list[str]:
    """A sum a currency, in words."""
    summed: dict[str, Decimal] = {}
    for line in of:
        summed[line.currency] = summed.get(line.currency, Decimal(0)) + line.spent
    return [numbers.format_cents(summed[code], code) for code in sorted(summed)]


def line_cells(line: SpendLine) -> list[Cell]:
    """The cells of a line, in the order of HEADINGS."""
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
