"""The tiles, tables and age of a client's status as text, the same on pages and in emails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.domain.figures import DASH, format_count, format_percent
from dashboard.fielding.figures.client.status import ClientPart, ClientStatus
from dashboard.fielding.figures.client.verdict import ClientFigures

STALE_AFTER = timedelta(hours=2)  # figures that are older say so


class ClientTile(NamedTuple):
    """A figure above the tables: "2,310", "of 5,000", "46 % of goal". tone: "warn" or empty."""

    label: str
    value: str
    of: str = ""
    note: str = ""
    tone: str = ""


class ClientTable(NamedTuple):
    """A table of countries or groups. Of each row the first cell is a name, the rest numbers."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class FiguresAge(NamedTuple):
    """When the figures were read. text: for the line below them. is_stale: whether to mark it."""

    text: str
    is_stale: bool


def tiles_of_status(status: ClientStatus) -> list[ClientTile]:
    """Return the tiles: two on the completes so far, and two on the projection if it is shared."""
    figures = status.figures
    if not figures.groups:
        return []
    tiles = [_completes_tile(figures), _target_tile(figures)]
    return [*tiles, *_projection_tiles(figures)] if figures.is_projected else tiles


def tables_of_status(status: ClientStatus) -> list[ClientTable]:
    """Return the tables that are shared: by country, and the groups."""
    shared = (("By country", "Country", status.countries), ("Groups", "Group", status.groups))
    return [
        _table_of(title, heading, parts, status.figures)
        for title, heading, parts in shared
        if parts
    ]


def age_of_figures(status: ClientStatus, *, zone: ZoneInfo, now: datetime) -> FiguresAge:
    """Return when the figures were read, and how long ago."""
    if status.read_at is None:
        return FiguresAge("No figures yet", is_stale=True)
    read, age = status.read_at.astimezone(zone), max(now - status.read_at, timedelta())
    city = zone.key.rpartition("/")[2].replace("_", " ")
    text = f"Figures of {read:%a %-d %b %Y, %H:%M} {city}, {_age_text(age)}"
    return FiguresAge(text, age > STALE_AFTER)


def _age_text(age: timedelta) -> str:
    minutes = int(age / timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute ago"
    for length, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            count = minutes // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return ""


def _completes_tile(figures: ClientFigures) -> ClientTile:
    done = format_count(figures.completes)
    if not figures.goal:
        return ClientTile("Completes", done, note="no goal is set")
    share = f"{format_percent(figures.completes / figures.goal)} of goal"
    return ClientTile("Completes", done, f"of {format_count(figures.goal)}", share)


def _target_tile(figures: ClientFigures) -> ClientTile:
    if figures.target is None:
        return ClientTile("Target by now", DASH)
    gap = round(figures.completes) - round(figures.target)
    note = f"{format_count(abs(gap))} {'behind' if gap < 0 else 'ahead'}" if gap else "on target"
    return ClientTile(
        "Target by now", format_count(figures.target), "", note, "warn" if gap < 0 else ""
    )


def _projection_tiles(figures: ClientFigures) -> list[ClientTile]:
    low, high = figures.low, figures.high
    has_range = low is not None and high is not None and round(low) != round(high)
    range_ = f"likely {format_count(low)}–{format_count(high)}" if has_range else ""
    projected = ClientTile("Projected at end", format_count(figures.projected), "", range_)
    if not figures.open_groups:
        return [projected, ClientTile("Late groups", DASH, "", "no group is open")]
    late, number = map(format_count, (figures.late_groups, figures.open_groups))
    tone = "warn" if figures.late_groups else ""
    return [projected, ClientTile("Late groups", late, f"of {number}", "", tone)]


def _table_of(
    title: str, heading: str, parts: Sequence[ClientPart], figures: ClientFigures
) -> ClientTable:
    headings = (heading, "Completes", "Goal", "Projected", "Ends")
    rows = [
        (
            part.name,
            format_count(part.completes),
            format_count(part.goal) if part.goal else DASH,
            format_count(part.projected),
            f"{part.ends_on:%-d %b}" if part.ends_on else DASH,
        )
        for part in parts
    ]
    if figures.is_projected:
        return ClientTable(title, headings, rows)
    without = [(*row[:3], row[4]) for row in rows]
    return ClientTable(title, (*headings[:3], headings[4]), without)
