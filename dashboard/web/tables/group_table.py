"""The groups table as its URL selects it: on a page, or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.http import HttpRequest

from dashboard.fielding.models.querysets.rows import IncidentQuerySet, TargetGroupQuerySet
from dashboard.web.auth.permissions import exchange_ids
from dashboard.web.formatting.status import leading_incidents
from dashboard.web.tables import definitions, exports, group_columns, grouping
from dashboard.web.tables.query_state import PER_PAGE, Listing

PER_PAGE_BELOW = 25  # rows of a table that is not all of its page


def listing_of(request: HttpRequest, per_page: int = PER_PAGE) -> Listing:
    """Read columns, filters and sorting from the query string."""
    return Listing(
        request.GET,
        group_columns.HEADINGS,
        "short",
        {},
        several=definitions.GROUP_SEVERAL,
        groupings=definitions.GROUPINGS,
        shown=definitions.GROUP_COLUMNS,
        per_page=per_page,
    )


def group_table_context(
    request: HttpRequest,
    everything: TargetGroupQuerySet,
    incidents: IncidentQuerySet,
    *,
    named: bool,
    may_act: bool,
) -> dict[str, object]:
    """Return the template context of the table, with headings if grouped.

    `named`: rows name their project. Without, the table is below other figures of its project.
    `may_act`: rows can be selected, for an action on many groups.
    """
    listing = listing_of(request, PER_PAGE if named else PER_PAGE_BELOW)
    groups = everything.for_table()
    narrowed = definitions.narrow_rows(groups, listing, exchange_ids(request))
    grouping_fields = [listing.column, "pm_name"] if listing.column else []
    needed = group_columns.fields_of_columns([*listing.shown, listing.sort], *grouping_fields)
    groups_shown, total = listing.rows(narrowed, *needed)
    rows = grouping.rows_of(
        groups_shown,
        listing.shown,
        leading_incidents(incidents.of_groups()),
        project=named,
        ticks=may_act,
    )
    parts = grouping.ungrouped_section(rows)
    if column := listing.column:
        people = {str(getattr(group, column)): group.pm_name for group in groups_shown}
        parts = grouping.sections_by_value(
            groups_shown,
            rows,
            column,
            subtotals=grouping.subtotal_sentences(
                listing.filtered(narrowed), column, now=datetime.now(UTC)
            ),
            name=grouping.value_namer(listing.grouped, people),
        )
    return {
        "sections": parts,
        "may_act": may_act,
        "listing": listing,
        "pages": listing.pages(total),
        "filters": definitions.filter_fields(groups, listing),
        "wrong": definitions.invalid_text_sentences(listing),
        "part": bool(request.headers.get("HX-Request")),
        "groupings": definitions.GROUPING_WORDS,
        "columns": [
            (key, column.heading.label) for key, column in group_columns.COLUMNS_BY_KEY.items()
        ],
        "known": any(exchange_ids(request).values()),
        "normal": " ".join(group_columns.SHOWN),
        "export": request.path + "export.{}" + listing.address(),
    }


def group_table_sheet(request: HttpRequest, everything: TargetGroupQuerySet) -> exports.Sheet:
    """Return the rows of all pages with the columns on screen."""
    listing = listing_of(request)
    columns = group_columns.file_columns(listing.shown)
    rows = listing.all_rows(
        definitions.narrow_rows(everything.for_table(), listing, exchange_ids(request))
    )
    fields = group_columns.fields_of_columns([*listing.shown, listing.sort], "project_read_at")
    columns["Read (UTC)"] = lambda group: group.project_read_at

    def lines() -> Iterator[list[exports.Cell]]:
        for group in rows.values_list(*fields, named=True).iterator(chunk_size=500):
            yield [cell(group) for cell in columns.values()]

    return exports.Sheet(tuple(columns), lines())
