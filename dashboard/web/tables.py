"""The tables of the product: their columns, filters, and what can be chosen in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from dashboard.web import columns, words
from dashboard.web.listing import Column, Listing

PROJECTS = {
    "name": Column("Project", "name"),
    "pm": Column("PM", "pm_name"),
    "status": Column("Status", "status"),
    "groups": Column("Live groups", "live", descending=True, kind="num"),
    "progress": Column("Progress", "completes", descending=True),
    "short": Column("Short at end", "short", descending=True, kind="num", hint="Short at end"),
    "finish": Column("Likely finish", "finish_at", descending=True),
    "spend": Column("Spend", "", kind="num", hint="Spend"),
    "incidents": Column("Incidents", "firing", descending=True, kind="num"),
    "activity": Column("Last activity", "last_activity_at", descending=True),
}
PROJECT_FILTERS = {"status": "status", "pm": "project_manager_id"}

# Columns that the table of groups has without being asked; the name comes first, always.
GROUP_COLUMNS = ("name", *columns.SHOWN)
GROUP_FILTERS = {
    "status": "status",
    "country": "country_code",
    "language": "language_code",
    "pm": "project_manager_id",
}

GROUPINGS = {
    "country": "country_code",
    "locale": "locale",
    "pm": "project_manager_id",
    "status": "status",
}
GROUPING_WORDS = [
    ("country", "Country"), ("locale", "Locale"), ("pm", "PM"), ("status", "Status"),
]  # fmt: skip


def narrow(rows: Any, listing: Listing, me: Mapping[int, str]) -> Any:
    """Search, ids and "mine", "only with incidents": what is more than one field.

    `me`: who the person is on the exchange, by account.
    """
    if listing.text:
        rows = rows.called(listing.text)
    if listing.ids:
        rows = rows.with_ids(listing.ids)
    if listing.mine:
        rows = rows.managed_by(me)
    if listing.alarming:
        rows = rows.with_incidents()
    return rows


def statuses(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of statuses, in words."""
    return sorted((code, _status(code)) for code in codes)


def _status(code: str) -> str:
    return words.STATUSES.get(code, words.sentence_case(code))


Choices = dict[str, list[tuple[str, str]]]


def choices(groups: QuerySet[Any]) -> Choices:
    """What the groups can be filtered by, in one query; a choice of one is none."""
    rows = groups.order_by().values_list(*GROUP_FILTERS.values(), "pm_name").distinct()
    *by_field, names = zip(*rows, strict=True) if rows else [()] * 5
    people = dict(zip(by_field[-1], names, strict=True))
    labels: list[Callable[[str], str]] = [
        _status, words.country, str.upper, lambda code: people[code] or code
    ]  # fmt: skip
    return {
        name: sorted(((value, label(value)) for value in set(values) if value), key=_by_label)
        for name, values, label in zip(GROUP_FILTERS, by_field, labels, strict=True)
        if len(set(values) - {""}) > 1
    }


def _by_label(choice: tuple[str, str]) -> str:
    return choice[1]
