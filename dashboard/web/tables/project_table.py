"""The projects table as its URL selects it: on a page, or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.project_verdict import verdict_of_project
from dashboard.fielding.models import Project, TargetGroup
from dashboard.fielding.models.querysets.rows import ProjectQuerySet
from dashboard.web.auth.permissions import current_user, exchange_ids
from dashboard.web.formatting.status import status_label
from dashboard.web.tables import definitions, exports
from dashboard.web.tables.project_rows import project_row
from dashboard.web.tables.query_state import Listing

Money = dict[str, Decimal]
HEADINGS = (
    "Project",
    "ID",
    "Exchange ID",
    "Reference",
    "PM",
    "Status",
    "Verdict",
    "Live groups",
    "Groups",
    "Completes",
    "Goal",
    "Projected shortfall (completes)",
    "Missing in paused groups (completes)",
    "Late groups",
    "End date (UTC)",
    "Spend",
    "Open alerts",
    "Last activity (UTC)",
    "Read (UTC)",
)


def listing_of(request: HttpRequest) -> Listing:
    """Read filters and sorting from the query string."""
    return Listing(request.GET, definitions.PROJECTS, "activity", definitions.PROJECT_FILTERS)


def project_table_context(
    request: HttpRequest, everything: ProjectQuerySet, *, now: datetime
) -> dict[str, object]:
    """Return the template context: the table and its filter choices."""
    listing = listing_of(request)
    own_ids = exchange_ids(request)
    projects, total = listing.rows(definitions.narrow_rows(everything.for_list(), listing, own_ids))
    money = spend_by_project([project.pk for project in projects])
    zone = zone_named(current_user(request).time_zone)
    return {
        "rows": [
            project_row(project, money.get(project.pk, {}), now=now, zone=zone)
            for project in projects
        ],
        "listing": listing,
        "pages": listing.pages(total),
        "statuses": definitions.status_choices(
            everything.values_list("status", flat=True).distinct()
        ),
        "known": any(own_ids.values()),
        "export": request.path + "export.{}" + listing.address(),
    }


def spend_by_project(projects: list[int]) -> dict[int, Money]:
    """Return the spend of each project per currency; summed in Python, since databases round."""
    spend: dict[int, Money] = {}
    groups = TargetGroup.objects.filter(project__in=projects, cost__gt=0)
    for project, currency, cost in groups.values_list("project_id", "currency", "cost"):
        money = spend.setdefault(project, {})
        money[currency] = money.get(currency, Decimal(0)) + cost
    return spend


def project_table_sheet(request: HttpRequest, everything: ProjectQuerySet) -> exports.Sheet:
    """Return the rows of all pages, with a spend column per currency."""
    listing = listing_of(request)
    rows = listing.all_rows(
        definitions.narrow_rows(everything.for_list(), listing, exchange_ids(request))
    )
    money = spend_by_project([project.pk for project in rows])
    currencies = sorted({code for spend in money.values() for code in spend})
    at = HEADINGS.index("Spend")
    headings = [*HEADINGS[:at], *(f"Spend ({code})" for code in currencies), *HEADINGS[at + 1 :]]

    def lines() -> Iterator[list[exports.Cell]]:
        for project in rows:
            cells = _project_cells(project)
            costs = money.get(project.pk, {})
            cells[at:at] = [costs.get(code) for code in currencies]
            yield cells

    return exports.Sheet(headings, lines())


def _project_cells(project: Project) -> list[exports.Cell]:
    """Return the cells of a project in the order of HEADINGS, without spend."""
    row: Any = project  # Any: Django types no annotations
    return [
        row.name,
        row.human_readable_id,
        row.exchange_id,
        row.reference_number,
        row.pm_name,
        status_label(row.status).word,
        verdict_of_project(project, zone=UTC).in_a_file,
        int(row.live),
        int(row.groups),
        round(row.completes_sum),
        round(row.goal_sum),
        round(row.short),
        round(row.missing_in_paused),
        int(row.late_groups),
        row.ends_at,
        int(row.firing),
        row.last_activity_at,
        row.read_at,
    ]
