"""The tables of the product: their columns, filters, and what can be chosen in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from dashboard.web.formatting import labels as words
from dashboard.web.tables import group_columns
from dashboard.web.tables.query_state import MOST_IDS, Column, Listing, Several

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
GROUP_STATUSES = ("draft", "scheduled", "live", "paused", "completed", "archived")
GROUP_COLUMNS = ("name", *group_columns.SHOWN)
GROUP_FILTERS = {
    "status": "status",
    "country": "country_code",
    "language": "language_code",
    "pm": "project_manager_id",
}
YES_NO = {"yes": True, "no": False}
# The filters of the exchange's own list, each of several values; short ids and search beside them.
GROUP_SEVERAL = {
    "status": Several("status"),
    "country": Several("country_code", str.lower),
    "language": Several("language_code", str.lower),
    "pm": Several("project_manager_id"),
    "ref": Several("reference_number", parted_by=",;\\r\\n"),
    "exclusion": Several("exclusion_enabled", lambda text: YES_NO.get(text.lower())),
}

GROUPINGS = {
    "country": "country_code",
    "locale": "locale",
    "pm": "project_manager_id",
    "status": "status",
}
GROUPING_WORDS = [
    ("country", "Country"),
    ("locale", "Locale"),
    ("pm", "PM"),
    ("status", "Status"),
]


def narrow_rows(rows: Any, listing: Listing, me: Mapping[int, str]) -> Any:
    """Search, ids and "mine", "only with incidents": what is more than one field.

    `me`: who the person is on the exchange, by account.
    """
    if listing.text:
        rows = rows.matching(listing.text)
    if listing.ids:
        rows = rows.with_ids(listing.ids)
    if listing.mine:
        rows = rows.managed_by(me)
    if listing.alarming:
        rows = rows.with_incidents()
    return rows


def status_choices(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of statuses, in words."""
    return sorted((code, _status(code)) for code in codes)


def _status(code: str) -> str:
    return words.STATUSES.get(code, words.sentence_case(code))


class Filter(NamedTuple):
    """A filter of several values as the form shows it: `said` on its button, `wrong` beside it."""

    name: str
    word: str
    options: list[tuple[str, str, bool]]  # code, label, and whether it is chosen
    said: str
    wrong: str


Choices = dict[str, dict[str, str]]


def filters(groups: QuerySet[Any], listing: Listing) -> list[Filter]:
    """What the groups can be filtered by, in one query; a choice of one is none, unless chosen."""
    labels = _labels(groups)
    named = [
        _filter(name, listing, labels[name], _wrong(name, listing, labels[name]))
        for name in GROUP_FILTERS
        if len(labels[name]) > 1 or listing.picked.get(name)
    ]
    exclusion = _filter(
        "exclusion",
        listing,
        {"yes": "Takes part", "no": "Does not"},
        _wrong("exclusion", listing, {}),
    )
    return [*named, exclusion]


def _filter(name: str, listing: Listing, labels: Mapping[str, str], wrong: str) -> Filter:
    texts = listing.picked.get(name, ())
    value = listing.several[name].value
    picked = {text if name == "exclusion" else str(value(text)): text for text in texts}
    known = sorted(labels.items(), key=_by_label)
    say = {"status": _status, "country": words.country_name}.get(name, str)
    others = [(code, say(text)) for code, text in picked.items() if code not in labels]
    options = [(code, label, code in picked) for code, label in (*known, *others)]
    said = ", ".join(label for _, label, is_picked in options if is_picked)
    return Filter(name, FILTER_WORDS[name], options, said or "All", wrong)


def _labels(groups: QuerySet[Any]) -> Choices:
    """Every value that the groups have, with its word, by filter."""
    rows = groups.order_by().values_list(*GROUP_FILTERS.values(), "pm_name").distinct()
    *by_field, names = zip(*rows, strict=True) if rows else [()] * 5
    people = dict(zip(by_field[-1], names, strict=True))
    say: list[Callable[[str], str]] = [
        _status,
        words.country_name,
        str.upper,
        lambda code: people[code] or code,
    ]
    return {
        name: {value: label(value) for value in set(values) if value}
        for name, values, label in zip(GROUP_FILTERS, by_field, say, strict=True)
    }


FILTER_WORDS = {
    "status": "Status",
    "country": "Country",
    "language": "Language",
    "pm": "PM",
    "ref": "Reference numbers",
    "exclusion": "Project’s exclusion",
}
_SOUND = {
    "country": (re.compile(r"[a-z]{2}", re.ASCII), "no country: two letters, such as us"),
    "language": (re.compile(r"[a-z]{3}", re.ASCII), "no language: three letters, such as eng"),
    "pm": (
        re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII),
        "nobody's id on the exchange",
    ),
    "ref": (
        re.compile(r"[a-zA-Z0-9\-_ ]{3,128}", re.ASCII),
        "no reference number: 3 to 128 letters, digits, dashes, underscores and spaces",
    ),
    "exclusion": (re.compile(r"yes|no", re.IGNORECASE), "neither yes nor no"),
    "status": (re.compile("|".join(GROUP_STATUSES)), "no status of a group"),
}
_IDS = re.compile(r"[0-9A-Za-z]{7}|[0-9A-Za-z]{26}", re.ASCII)


def _wrong(name: str, listing: Listing, known: Container[str]) -> str:
    """What of a filter can match nothing whatever is there; empty where all is well."""
    pattern, why = _SOUND[name]
    value = str if name == "exclusion" else listing.several[name].value
    texts = [
        text
        for text in listing.picked.get(name, ())
        if value(text) not in known and not pattern.fullmatch(value(text))
    ]
    return f"{_quoted(texts)} is {why}." if texts else ""


def wrong_texts(listing: Listing) -> dict[str, str]:
    """What is wrong with ids and reference numbers, which are typed."""
    ids = [text for text in listing.ids if not _IDS.fullmatch(text)]
    said = f"{_quoted(ids)} is no id: 7 or 26 letters and digits." if ids else ""
    if listing.has_too_many_ids:
        said = f"{said} Only the first {MOST_IDS} ids count.".strip()
    return {"ids": said, "ref": _wrong("ref", listing, ())}


def _quoted(texts: Sequence[str]) -> str:
    more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
    return ", ".join(f"“{text[:40]}”" for text in texts[:3]) + more


def _by_label(choice: tuple[str, str]) -> str:
    return choice[1]
