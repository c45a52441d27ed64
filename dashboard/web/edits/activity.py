"""What was changed through Fieldwatch: the list as its address asks for it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Edit
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.web.edits import history, history_export
from dashboard.web.formatting.values import Names
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing, without_words

COLUMNS = {"when": Column("When", "started_at", descending=True)}
FILTERS = {"kind": "kind", "outcome": "state", "who": "by__username", "project": "of_project"}
DATES = ("from", "to")


def listing_of(request: HttpRequest) -> Listing:
    """What the address asks for; a project that is no number is left out."""
    asked = without_words(request.GET, "project")
    return Listing(asked, COLUMNS, "when", FILTERS, extras=DATES)


def within_days(edits: EditQuerySet, listing: Listing, zone: str) -> EditQuerySet:
    """Between two days of the person's own calendar, both included."""
    first, last = (_midnight(listing.extra.get(name, ""), zone) for name in DATES)
    if first:
        edits = edits.filter(started_at__gte=first)
    if last:
        edits = edits.filter(started_at__lt=last + timedelta(days=1))
    return edits.of_projects().select_related("by", "project", "group__project")


def _midnight(text: str, zone: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone_named(zone))
    except ValueError:
        return None


def activity_context(
    request: HttpRequest, mine: EditQuerySet, names: Names, *, zone: str
) -> dict[str, Any]:
    """The list, and what it can be filtered by."""
    listing = listing_of(request)
    found, total = listing.rows(within_days(mine, listing, zone))
    rows = list(mine.people_and_projects())
    people = {name: f"{one} {two}".strip() or name for name, one, two, *_ in rows if name}
    projects = {str(pk): name for *_, pk, name in rows if pk and name}
    choices = [
        ("who", "Who", _sorted(people)),
        ("kind", "What", Edit.Kind.choices),
        ("outcome", "Outcome", [(code, word.capitalize()) for code, word in Edit.State.choices]),
        ("project", "Project", _sorted(projects)),
    ]
    return {
        "lines": [(history.edit_line(edit, names, zone_named(zone)), edit) for edit in found],
        "listing": listing,
        "pages": listing.pages(total),
        "choices": choices,
        "dates": [(name, name.capitalize(), listing.extra.get(name, "")) for name in DATES],
        "export": request.path + "export.{}" + listing.address(),
    }


def _sorted(choices: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(choices.items(), key=lambda choice: choice[1].casefold())


def activity_sheet(
    request: HttpRequest, mine: EditQuerySet, names: Names, *, zone: str
) -> exports.Sheet:
    """All edits that the address asks for."""
    listing = listing_of(request)
    rows = listing.all_rows(within_days(mine, listing, zone))
    lines = (history_export.edit_line(edit, names) for edit in rows.iterator(chunk_size=500))
    return exports.Sheet(history_export.EDIT_HEADINGS, lines)
