"""The list of changes made in Fieldwatch, filtered and sorted as its address says."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Edit
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.web.connections.waits import known_workers
from dashboard.web.edits import history, history_export
from dashboard.web.edits.waits import list_waits
from dashboard.web.formatting.times import typed_midnight
from dashboard.web.formatting.values import Names
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing, drop_non_numeric

COLUMNS = {"when": Column("When", "started_at", descending=True)}
FILTERS = {"kind": "kind", "outcome": "state", "who": "by__username", "project": "of_project"}
DATES = ("from", "to")


def listing_of(request: HttpRequest) -> Listing:
    """Return the filters and the order in the address; a project that is no number is ignored."""
    parameters = drop_non_numeric(request.GET, "project")
    return Listing(parameters, COLUMNS, "when", FILTERS, extras=DATES)


def within_days(edits: EditQuerySet, listing: Listing, zone: str) -> EditQuerySet:
    """Return the edits between two days in the person's time zone, both included."""
    first, last = (typed_midnight(listing.extra.get(name, ""), zone) for name in DATES)
    if first:
        edits = edits.filter(started_at__gte=first)
    if last:
        edits = edits.filter(started_at__lt=last + timedelta(days=1))
    return edits.of_projects().select_related("by", "project", "group__project")


def activity_context(
    request: HttpRequest, visible: EditQuerySet, names: Names, *, zone: str
) -> dict[str, object]:
    """Return a page of the list, and the values that it can be filtered by."""
    listing = listing_of(request)
    edits, total = listing.rows(within_days(visible, listing, zone))
    waits = list_waits(edits, known_workers(request, now=timezone.now()))
    rows = list(visible.people_and_projects())
    people = {name: f"{first} {last}".strip() or name for name, first, last, *_ in rows if name}
    projects = {str(pk): name for *_, pk, name in rows if pk and name}
    choices = [
        ("who", "Who", _sort_choices(people)),
        ("kind", "Change", Edit.Kind.choices),
        (
            "outcome",
            "Result",
            [(code, word[:1].upper() + word[1:]) for code, word in Edit.State.choices],
        ),
        ("project", "Project", _sort_choices(projects)),
    ]
    return {
        "lines": [
            (history.edit_line(edit, names, zone_named(zone), waits.get(edit.pk)), edit)
            for edit in edits
        ],
        "listing": listing,
        "pages": listing.pages(total),
        "choices": choices,
        "dates": [(name, name.capitalize(), listing.extra.get(name, "")) for name in DATES],
        "export": request.path + "export.{}" + listing.address(),
    }


def _sort_choices(choices: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(choices.items(), key=lambda choice: choice[1].casefold())


def activity_sheet(
    request: HttpRequest, visible: EditQuerySet, names: Names, *, zone: str
) -> exports.Sheet:
    """Return every edit that the address selects, as a sheet to export."""
    listing = listing_of(request)
    rows = listing.all_rows(within_days(visible, listing, zone))
    lines = (history_export.edit_line(edit, names) for edit in rows.iterator(chunk_size=500))
    return exports.Sheet(history_export.EDIT_HEADINGS, lines)
