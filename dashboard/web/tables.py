"""The tables of the product: their columns, filters, and what can be chosen in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from dashboard.web import words
from dashboard.web.listing import Column, Listing

PROJECTS = {
    "name": Column("Project", "name"),
    "pm": Column("PM", "project_manager_id"),
    "status": Column("Status", "status"),
    "groups": Column("Live groups", "live", descending=True, kind="num"),
    "progress": Column("Progress", "completes", descending=True),
    "short": Column("Short at end", "short", descending=True, kind="num", hint="Short at end"),
    "incidents": Column("Incidents", "firing", descending=True, kind="num"),
    "activity": Column("Last activity", "last_activity_at", descending=True),
}
PROJECT_FILTERS = {"status": "status", "pm": "project_manager_id"}

GROUPS = {
    "name": Column("Group", "name"),
    "country": Column("Country", "country_code"),
    "status": Column("Status", "status"),
    "progress": Column("Progress, last 7 days", "completes", descending=True),
    "short": Column("Short at end", "short_at_end", descending=True, kind="num"),
    "finish": Column("Likely finish", "finish_at", descending=True),
    "cpi": Column("CPI", "cpi", descending=True, kind="num", hint="CPI"),
    "loi": Column("LOI", "median_loi_seconds", descending=True, kind="num", hint="LOI"),
    "ir": Column("IR", "incidence_rate", kind="num", hint="IR"),
    "last": Column("Last complete", "last_complete_at", descending=True),
}
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


def narrow(rows: Any, listing: Listing) -> Any:
    """Search and "only with incidents", which are more than one field."""
    if listing.text:
        rows = rows.called(listing.text)
    if listing.alarming:
        rows = rows.with_incidents()
    return rows


def statuses(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of statuses, in words."""
    return sorted((code, _status(code)) for code in codes)


def _status(code: str) -> str:
    return words.STATUSES.get(code, words.sentence_case(code))


def _name(names: Mapping[str, str]) -> Callable[[str], str]:
    return lambda code: names.get(code, code)


def choices(groups: QuerySet[Any], names: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What the groups can be filtered by, in one query; a choice of one is none."""
    rows = groups.order_by().values_list(*GROUP_FILTERS.values()).distinct()
    by_field = [sorted({value for value in column if value}) for column in zip(*rows, strict=True)]
    labels: list[Callable[[str], str]] = [_status, words.country, str.upper, _name(names)]
    return {
        name: sorted(((value, label(value)) for value in values), key=lambda pair: pair[1])
        for name, values, label in zip(GROUP_FILTERS, by_field, labels, strict=False)
        if len(values) > 1
    }
