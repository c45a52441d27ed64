"""The table of what was spent as its address asks for it: on a page, or as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.web.formatting import labels
from dashboard.web.reports import spending
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import PER_PAGE, Column, Listing, without_words

FILTERS = {
    "reference": "project__reference_number",
    "project": "project",
    "country": "country_code",
    "currency": "currency",
}
COLUMNS = {"project": Column("Project", "project")}


def listing_of(request: HttpRequest) -> Listing:
    """What the address asks for; a project that is no number is left out."""
    asked = without_words(request.GET, "project")
    return Listing(asked, COLUMNS, "project", FILTERS, extras=("month", "per"))


def spend_lines(
    groups: TargetGroupQuerySet, listing: Listing, now: datetime
) -> list[spending.SpendLine]:
    """All lines that the address asks for."""
    months = listing.extra.get("per") != "all"
    found = spending.load_spend_lines(listing.filtered(groups), months=months, now=now)
    month = listing.extra.get("month")
    return [line for line in found if line.month == month] if month and months else found


def spend_context(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> dict[str, Any]:
    """The table, its sums, and what it can be filtered by."""
    listing = listing_of(request)
    found = spend_lines(groups, listing, now)
    start = (listing.number - 1) * PER_PAGE
    return {
        "lines": found[start : start + PER_PAGE],
        "totals": spending.totals_by_currency(found),
        "listing": listing,
        "pages": listing.pages(len(found)),
        "choices": _choices(groups),
        "monthly": listing.extra.get("per") != "all",
        "now": now,
        "export": request.path + "export.{}" + listing.address(),
    }


def _choices(groups: TargetGroupQuerySet) -> list[tuple[str, str, list[tuple[str, str]]]]:
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
        ("reference", "Reference", [(one, one) for one in sorted({*references}) if one]),
        ("project", "Project", sorted(named.items(), key=lambda one: one[1].casefold())),
        (
            "country",
            "Country",
            sorted(
                ((one, labels.country_name(one)) for one in {*countries} if one), key=lambda c: c[1]
            ),
        ),
        ("currency", "Currency", [(one, one) for one in sorted({*currencies}) if one]),
    ]
    return [one for one in offered if len(one[2]) > 1]


def spend_sheet(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> exports.Sheet:
    """All lines that the address asks for, for a spreadsheet."""
    found = spend_lines(groups, listing_of(request), now)
    return exports.Sheet(spending.HEADINGS, map(spending.line_cells, found))
