"""The table of projects as its address asks for it: on a page, or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.models import Project, TargetGroup
from dashboard.fielding.models.querysets.rows import ProjectQuerySet
from dashboard.web.auth.permissions import exchange_ids
from dashboard.web.formatting.status import status_label
from dashboard.web.tables import definitions, exports
from dashboard.web.tables.project_rows import project_row
from dashboard.web.tables.query_state import Listing

Money = dict[str, Decimal]
HEADINGS = (
    "Project",
    "Id",
    "Exchange id",
    "Reference",
    "PM",
    "Status",
    "Live groups",
    "Groups",
    "Completes",
    "Goal",
    "Short at end (completes)",
    "Likely finish (UTC)",
    "End (UTC)",
    "Spend",
    "Incidents",
    "Last activity (UTC)",
    "Read (UTC)",
)


def listing_of(request: HttpRequest) -> Listing:
    """What the address asks for."""
    return Listing(request.GET, definitions.PROJECTS, "activity", definitions.PROJECT_FILTERS)


def project_table_context(
    request: HttpRequest, everything: ProjectQuerySet, *, now: datetime
) -> dict[str, Any]:
    """The table, and what it can be filtered by."""
    listing = listing_of(request)
    me = exchange_ids(request)
    found, total = listing.rows(definitions.narrow_rows(everything.for_list(), listing, me))
    money = spend_by_project([project.pk for project in found])
    return {
        "rows": [project_row(project, money.get(project.pk, {}), now) for project in found],
        "listing": listing,
        "pages": listing.pages(total),
        "statuses": definitions.status_choices(
            everything.values_list("status", flat=True).distinct()
        ),
        "known": any(me.values()),
        "export": request.path + "export.{}" + listing.address(),
    }


def spend_by_project(projects: list[int]) -> dict[int, Money]:
    """What each project's groups cost so far, a currency; summed here: databases round."""
    found: dict[int, Money] = {}
    groups = TargetGroup.objects.filter(project__in=projects, cost__gt=0)
    for project, currency, cost in groups.values_list("project_id", "currency", "cost"):
        money = found.setdefault(project, {})
        money[currency] = money.get(currency, Decimal(0)) + cost
    return found


def project_table_sheet(request: HttpRequest, everything: ProjectQuerySet) -> exports.Sheet:
    """The rows of all pages; a column of spend a currency."""
    listing = listing_of(request)
    rows = listing.all_rows(
        definitions.narrow_rows(everything.for_list(), listing, exchange_ids(request))
    )
    money = spend_by_project([project.pk for project in rows])
    currencies = sorted({code for one in money.values() for code in one})
    at = HEADINGS.index("Spend")
    headings = [*HEADINGS[:at], *(f"Spend ({code})" for code in currencies), *HEADINGS[at + 1 :]]

    def lines() -> Iterator[list[exports.Cell]]:
        for project in rows:
            cells = _cells(project)
            costs = money.get(project.pk, {})
            cells[at:at] = [costs.get(code) for code in currencies]
            yield cells

    return exports.Sheet(headings, lines())


def _cells(project: Project) -> list[exports.Cell]:
    """The cells of a project in the order of HEADINGS, without its spend."""
    of: Any = project
    return [
        of.name,
        of.human_readable_id,
        of.exchange_id,
        of.reference_number,
        of.pm_name,
        status_label(of.status).word,
        int(of.live),
        int(of.groups),
        of.completes,
        of.filling_goal,
        round(of.short),
        of.finish_at,
        of.ends_at,
        int(of.firing),
        of.last_activity_at,
        of.read_at,
    ]
