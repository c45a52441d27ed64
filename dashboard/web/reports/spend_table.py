"""The spend table as its URL selects it: on a page, or as a file."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.http import HttpRequest

from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.web.formatting import labels
from dashboard.web.reports import spending
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing, drop_non_numeric

FILTERS = {
    "reference": "project__reference_number",
    "project": "project",
    "country": "country_code",
    "currency": "currency",
}
COLUMNS = {"project": Column("Project", "project")}


def listing_of(request: HttpRequest) -> Listing:
    """Read filters and sorting from the query string; a project that is no number is dropped."""
    query = drop_non_numeric(request.GET, "project")
    return Listing(query, COLUMNS, "project", FILTERS, extras=("month", "per"))


def spend_lines(
    groups: TargetGroupQuerySet, listing: Listing, now: datetime
) -> list[spending.SpendLine]:
    """Return all lines that match the filters."""
    months = listing.extra.get("per") != "all"
    lines = spending.load_spend_lines(listing.filtered(groups), months=months, now=now)
    month = listing.extra.get("month")
    return [line for line in lines if line.month == month] if month and months else lines


FilterChoice = tuple[str, str, list[tuple[str, str]]]  # name, label, options


class SpendContext(TypedDict):
    """What the template of the spend page reads."""

    lines: list[spending.SpendLine]
    totals: list[str]
    listing: Listing
    pages: dict[str, object]
    choices: list[FilterChoice]
    monthly: bool
    now: datetime
    export: str


def spend_context(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> SpendContext:
    """Return the template context: the table, its totals, and the filter choices."""
    listing = listing_of(request)
    lines = spend_lines(groups, listing, now)
    start = (listing.number - 1) * listing.per_page
    return {
        "lines": lines[start : start + listing.per_page],
        "totals": spending.totals_by_currency(lines),
        "listing": listing,
        "pages": listing.pages(len(lines)),
        "choices": _filter_choices(groups),
        "monthly": listing.extra.get("per") != "all",
        "now": now,
        "export": request.path + "export.{}" + listing.address(),
    }


def _filter_choices(groups: TargetGroupQuerySet) -> list[FilterChoice]:
    rows = list(
        groups.filter(cost__gt=0)
        .order_by()
        .values_list(*FILTERS.values(), "project__name")
        .distinct()
    )
    columns = zip(*rows, strict=True) if rows else [()] * 5
    references, projects, countries, currencies, names = columns
    named = {str(pk): name for pk, name in zip(projects, names, strict=True)}
    offered = [
        ("reference", "Reference", [(value, value) for value in sorted({*references}) if value]),
        ("project", "Project", sorted(named.items(), key=lambda value: value[1].casefold())),
        (
            "country",
            "Country",
            sorted(
                ((value, labels.country_name(value)) for value in {*countries} if value),
                key=lambda c: c[1],
            ),
        ),
        ("currency", "Currency", [(value, value) for value in sorted({*currencies}) if value]),
    ]
    return [value for value in offered if len(value[2]) > 1]


def spend_sheet(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> exports.Sheet:
    """Return all lines that match the filters, for a spreadsheet."""
    lines = spend_lines(groups, listing_of(request), now)
    return exports.Sheet(spending.HEADINGS, map(spending.line_cells, lines))
