"""What the pages and the file of a shared status show, all of it from a `ClientStatus`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from dashboard.fielding.figures.client.status import (
    ClientPart,
    ClientStatus,
    load_client_status,
)
from dashboard.fielding.figures.client.tables import (
    ClientTable,
    ClientTile,
    FiguresAge,
    age_of_figures,
    tables_of_status,
    tiles_of_status,
)
from dashboard.fielding.models import SharedStatus
from dashboard.web.sharing.chart import CHART, drawn_chart, load_client_chart
from dashboard.web.tables.exports import Cell, Sheet


class StatusContext(TypedDict):
    """What `sharing/status.html` reads. chart: the figure, or None; chart_id: of its place."""

    status: ClientStatus
    tiles: list[ClientTile]
    tables: list[ClientTable]
    age: FiguresAge
    chart: dict[str, object] | None
    chart_id: str


def status_context(shared: SharedStatus, *, zone: ZoneInfo, now: datetime) -> StatusContext:
    """Load a status as pages show it."""
    status = load_client_status(shared, zone=zone, now=now)
    chart = load_client_chart(shared, now=now)
    return {
        "status": status,
        "tiles": tiles_of_status(status),
        "tables": tables_of_status(status),
        "age": age_of_figures(status, zone=zone, now=now),
        "chart": drawn_chart(chart, zone) if chart else None,
        "chart_id": CHART,
    }


def status_sheets(status: ClientStatus) -> dict[str, Sheet]:
    """Return the sheets of the workbook: the figures, the countries, the groups."""
    sheets = {"Status": Sheet(("Figure", "Value"), _figure_rows(status))}
    for title, heading, parts in (
        ("Countries", "Country", status.countries),
        ("Groups", "Group", status.groups),
    ):
        if parts:
            sheets[title] = _sheet_of_parts(heading, parts, status.figures.is_projected)
    return sheets


def _figure_rows(status: ClientStatus) -> Iterator[tuple[str, Cell]]:
    figures = status.figures
    yield "Title", status.title
    yield "Status", " ".join(status.verdict.sentences)
    yield "Completes", figures.completes
    yield "Goal", figures.goal
    yield "Target by now", _rounded(figures.target)
    if figures.is_projected:
        yield "Projected at end", _rounded(figures.projected)
        yield "Projected at end, low", _rounded(figures.low)
        yield "Projected at end, high", _rounded(figures.high)
        yield "Late groups", figures.late_groups
        yield "Open groups", figures.open_groups
    if status.closing:
        yield "Note", status.closing
    yield "Figures of (UTC)", status.read_at


def _sheet_of_parts(heading: str, parts: Sequence[ClientPart], is_projected: bool) -> Sheet:
    projected = ("Projected",) if is_projected else ()
    rows: list[Sequence[Cell]] = []
    for part in parts:
        ends_on = part.ends_on.isoformat() if part.ends_on else None
        middle = (_rounded(part.projected),) if is_projected else ()
        rows.append((part.name, part.completes, part.goal or None, *middle, ends_on))
    return Sheet((heading, "Completes", "Goal", *projected, "Ends"), rows)


def _rounded(number: float | None) -> int | None:
    return None if number is None else round(number)
