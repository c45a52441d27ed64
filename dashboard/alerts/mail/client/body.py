"""The text and the HTML of a client's status, to be copied or sent."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string

from dashboard.alerts.mail.compose import MailBody
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.figures.client.status import ClientStatus
from dashboard.fielding.figures.client.tables import (
    ClientTable,
    ClientTile,
    FiguresAge,
    age_of_figures,
    tables_of_status,
    tiles_of_status,
)

TONES = {"good": "#1f6b3a", "warn": "#855000", "bad": "#a3211b"}
INK = "#16202a"


def render_client_status(
    status: ClientStatus, *, zone: ZoneInfo, now: datetime, stop: str = ""
) -> MailBody:
    """Render a status; stop: the link to unsubscribe, empty for one that is copied."""
    tables, tiles = tables_of_status(status), tiles_of_status(status)
    context = {
        "status": status,
        "subject": f"Fieldwork status: {one_line(status.title)}",
        "colour": TONES.get(status.verdict.tone, INK),
        "verdict": " ".join(status.verdict.sentences),
        "tiles": tiles,
        "lines": [_tile_line(tile) for tile in tiles],
        "tables": tables,
        "texts": [_as_text(table) for table in tables],
        "foot": _foot_line(age_of_figures(status, zone=zone, now=now), has_tables=bool(tables)),
        "stop": stop,
    }
    return MailBody(
        str(context["subject"]),
        render_to_string("emails/client_status.txt", context).strip() + "\n",
        render_to_string("emails/client_status.html", context).strip() + "\n",
    )


def _tile_line(tile: ClientTile) -> str:
    """Return a tile as a line: "Completes: 2,310 of 5,000 (46 % of goal)"."""
    value = f"{tile.value} {tile.of}".strip()
    return f"{tile.label}: {value} ({tile.note})" if tile.note else f"{tile.label}: {value}"


def _foot_line(age: FiguresAge, *, has_tables: bool) -> str:
    """Return how old the figures are, and whose calendar the tables are on."""
    text = f"{age.text} (out of date)" if age.is_stale else age.text
    return f"{text}. End dates in tables are local." if has_tables else text


def _as_text(table: ClientTable) -> str:
    """Return a table in columns of equal width."""
    rows = [table.headings, *((one_line(row[0]), *row[1:]) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.headings))]
    lines = (
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join([table.title, *lines])
