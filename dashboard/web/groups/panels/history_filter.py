"""The history of a group, filtered by what a change is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict

from dashboard.web.edits.history import OTHER, HistoryLine

LABELS = {"": "All", "cpi": "CPI", "status": "Status", "goals": "Goals and dates", OTHER: "Other"}
OTHER_PANELS = ("per", "span", "trend")  # what the address chooses in other panels


class FilteredHistory(NamedTuple):
    """The lines that are shown, and (key, link, label, whether chosen) of each filter.

    choices: empty where all lines are about one thing.
    """

    lines: list[HistoryLine]
    choices: list[tuple[str, str, str, bool]]


def filter_history(lines: Iterable[HistoryLine], query: QueryDict) -> FilteredHistory:
    """Return the lines that the query string selects; an unknown or empty filter selects all."""
    everything = list(lines)
    topics = {line.topic for line in everything}
    chosen = query.get("history", "")
    chosen = chosen if chosen in topics else ""
    shown = [line for line in everything if not chosen or line.topic == chosen]
    if len(topics) < 2:
        return FilteredHistory(shown, [])
    choices = [
        (key, _link_to(query, key), label, key == chosen)
        for key, label in LABELS.items()
        if not key or key in topics
    ]
    return FilteredHistory(shown, choices)


def _link_to(query: QueryDict, key: str) -> str:
    parts = {name: query[name] for name in OTHER_PANELS if query.get(name)}
    return "?" + urlencode(parts | ({"history": key} if key else {}))
