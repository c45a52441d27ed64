"""The table of groups as its address asks for it: on a page, or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.models.querysets.rows import IncidentQuerySet, TargetGroupQuerySet
from dashboard.web.auth.permissions import exchange_ids
from dashboard.web.formatting.status import leading_incidents
from dashboard.web.tables import definitions, exports, group_columns
from dashboard.web.tables import grouping as sections
from dashboard.web.tables.query_state import Listing


def listing_of(request: HttpRequest) -> Listing:
    """What the address asks for."""
    return Listing(
        request.GET,
        group_columns.HEADINGS,
        "short",
        {},
        several=definitions.GROUP_SEVERAL,
        groupings=definitions.GROUPINGS,
        shown=definitions.GROUP_COLUMNS,
    )


def group_table_context(
    request: HttpRequest,
    everything: TargetGroupQuerySet,
    incidents: IncidentQuerySet,
    *,
    named: bool,
) -> dict[str, Any]:
    """The table, under headings if the address asks for them; `named`: rows name their project."""
    listing = listing_of(request)
    groups = everything.for_table()
    narrowed = definitions.narrow_rows(groups, listing, exchange_ids(request))
    grouping = [listing.column, "pm_name"] if listing.column else []
    needed = group_columns.fields_of_columns([*listing.shown, listing.sort], *grouping)
    found, total = listing.rows(narrowed, *needed)
    rows = sections.rows_of(
        found, listing.shown, leading_incidents(incidents.of_groups()), project=named
    )
    parts = sections.ungrouped_section(rows)
    if column := listing.column:
        people = {str(getattr(group, column)): group.pm_name for group in found}
        parts = sections.sections_by_value(
            found,
            rows,
            column,
            subtotals=sections.subtotal_sentences(listing.filtered(narrowed), column),
            name=sections.value_namer(listing.grouped, people),
        )
    return {
        "sections": parts,
        "listing": listing,
        "pages": listing.pages(total),
        "filters": definitions.filters(groups, listing),
        "wrong": definitions.wrong_texts(listing),
        "part": bool(request.headers.get("HX-Request")),
        "groupings": definitions.GROUPING_WORDS,
        "columns": [(key, group_columns.ALL[key].heading.label) for key in group_columns.ALL],
        "known": any(exchange_ids(request).values()),
        "normal": " ".join(group_columns.SHOWN),
        "export": request.path + "export.{}" + listing.address(),
    }


def group_table_sheet(request: HttpRequest, everything: TargetGroupQuerySet) -> exports.Sheet:
    """The rows of all pages with the columns on screen."""
    listing = listing_of(request)
    shown = group_columns.file_columns(listing.shown)
    rows = listing.all_rows(
        definitions.narrow_rows(everything.for_table(), listing, exchange_ids(request))
    )
    fields = group_columns.fields_of_columns([*listing.shown, listing.sort], "project_read_at")
    shown["Read (UTC)"] = lambda group: group.project_read_at

    def lines() -> Iterator[list[exports.Cell]]:
        for group in rows.values_list(*fields, named=True).iterator(chunk_size=500):
            yield [cell(group) for cell in shown.values()]

    return exports.Sheet(tuple(shown), lines())
