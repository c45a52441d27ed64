"""The table of groups as its address asks for it: on a page, or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from dashboard.fielding.querysets.querysets import IncidentQuerySet, TargetGroupQuerySet
from dashboard.web import columns, exports, sections, tables
from dashboard.web.access import exchange_ids
from dashboard.web.listing import Listing
from dashboard.web.rows import leading


def listing_of(request: HttpRequest) -> Listing:
    """What the address asks for."""
    return Listing(
        request.GET,
        columns.HEADINGS,
        "short",
        {},
        several=tables.GROUP_SEVERAL,
        groupings=tables.GROUPINGS,
        shown=tables.GROUP_COLUMNS,
    )


def context(
    request: HttpRequest,
    everything: TargetGroupQuerySet,
    incidents: IncidentQuerySet,
    *,
    named: bool,
) -> dict[str, Any]:
    """The table, under headings if the address asks for them; `named`: rows name their project."""
    listing = listing_of(request)
    groups = everything.for_table()
    narrowed = tables.narrow(groups, listing, exchange_ids(request))
    grouping = [listing.column, "pm_name"] if listing.column else []
    needed = columns.fields([*listing.shown, listing.sort], *grouping)
    found, total = listing.rows(narrowed, *needed)
    rows = sections.rows_of(found, listing.shown, leading(incidents.of_groups()), project=named)
    parts = sections.whole(rows)
    if column := listing.column:
        people = {str(getattr(group, column)): group.pm_name for group in found}
        parts = sections.under(
            found,
            rows,
            column,
            subtotals=sections.subtotals(listing.filtered(narrowed), column),
            name=sections.namer(listing.grouped, people),
        )
    return {
        "sections": parts,
        "listing": listing,
        "pages": listing.pages(total),
        "filters": tables.filters(groups, listing),
        "wrong": tables.wrong_texts(listing),
        "part": bool(request.headers.get("HX-Request")),
        "groupings": tables.GROUPING_WORDS,
        "columns": [(key, columns.ALL[key].heading.label) for key in columns.ALL],
        "known": any(exchange_ids(request).values()),
        "normal": " ".join(columns.SHOWN),
        "export": request.path + "export.{}" + listing.address(),
    }


def file(request: HttpRequest, everything: TargetGroupQuerySet) -> exports.Sheet:
    """The rows of all pages with the columns on screen."""
    listing = listing_of(request)
    shown = columns.file_columns(listing.shown)
    rows = listing.all_rows(tables.narrow(everything.for_table(), listing, exchange_ids(request)))
    fields = columns.fields([*listing.shown, listing.sort], "project_read_at")
    shown["Read (UTC)"] = lambda group: group.project_read_at

    def lines() -> Iterator[list[exports.Cell]]:
        for group in rows.values_list(*fields, named=True).iterator(chunk_size=500):
            yield [cell(group) for cell in shown.values()]

    return exports.Sheet(tuple(shown), lines())
