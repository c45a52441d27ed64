"""The tables of projects and groups: columns, filters and their options."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from dashboard.fielding.models.querysets.rows import ProjectQuerySet, TargetGroupQuerySet
from dashboard.web.formatting import labels
from dashboard.web.tables import group_columns
from dashboard.web.tables.query_state import MOST_IDS, Column, Listing, Several

Narrowed = TypeVar("Narrowed", ProjectQuerySet, TargetGroupQuerySet)
PROJECTS = {
    "name": Column("Project", "name"),
    "pm": Column("PM", "pm_name"),
    "status": Column("Status", "status"),
    # Sorted by the projected shortfall, which had the column before.
    "short": Column("Verdict", "short", descending=True, hint="Verdict"),
    "groups": Column("Live groups", "live", descending=True, kind="num"),
    "progress": Column("Progress", "completes_sum", descending=True),
    "finish": Column("Late groups", "late_groups", descending=True, kind="num", hint="Late"),
    "spend": Column("Spend", "", kind="num", hint="Spend"),
    "incidents": Column("Open alerts", "firing", descending=True, kind="num"),
    "activity": Column("Last activity", "last_activity_at", descending=True),
}
PROJECT_FILTERS = {"status": "status", "pm": "project_manager_id"}

# The default columns of the groups table; the name always comes first.
GROUP_STATUSES = ("draft", "scheduled", "live", "paused", "completed", "archived")
GROUP_COLUMNS = ("name", *group_columns.SHOWN)
GROUP_FILTERS = {
    "status": "status",
    "country": "country_code",
    "language": "language_code",
    "pm": "project_manager_id",
}
YES_NO = {"yes": True, "no": False}
# The filters of Cint's own list, each with several values.
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


def narrow_rows(rows: Narrowed, listing: Listing, me: Mapping[int, str]) -> Narrowed:
    """Apply search, ids, "mine", "with open alerts" and, to groups, "behind pace".

    `me`: the person's exchange user id, by account.
    """
    if listing.text:
        rows = rows.matching(listing.text)
    if listing.ids:
        rows = rows.with_ids(listing.ids)
    if listing.mine:
        rows = rows.managed_by(me)
    if listing.alarming:
        rows = rows.with_incidents()
    if listing.behind and isinstance(rows, TargetGroupQuerySet):
        rows = rows.behind_pace()
    return rows


def status_choices(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return statuses with their labels, sorted."""
    return sorted((code, _status_label(code)) for code in codes)


def _status_label(code: str) -> str:
    return labels.STATUSES.get(code, labels.sentence_case(code))


class Filter(NamedTuple):
    """A multi-value filter as the form shows it: `said` on its button, `wrong` beside it."""

    name: str
    word: str
    options: list[tuple[str, str, bool]]  # code, label, whether chosen
    said: str
    wrong: str


Choices = dict[str, dict[str, str]]


def filter_fields(groups: TargetGroupQuerySet, listing: Listing) -> list[Filter]:
    """Return the filters of the groups table, in one query; those with one option are left out."""
    choices = _values_by_filter(groups)
    named = [
        _filter_field(
            name, listing, choices[name], _invalid_values_sentence(name, listing, choices[name])
        )
        for name in GROUP_FILTERS
        if len(choices[name]) > 1 or listing.picked.get(name)
    ]
    exclusion = _filter_field(
        "exclusion",
        listing,
        {"yes": "Applies", "no": "Does not apply"},
        _invalid_values_sentence("exclusion", listing, {}),
    )
    return [*named, exclusion]


def _filter_field(name: str, listing: Listing, choices: Mapping[str, str], wrong: str) -> Filter:
    texts = listing.picked.get(name, ())
    value = listing.several[name].value
    picked = {text if name == "exclusion" else str(value(text)): text for text in texts}
    sorted_choices = sorted(choices.items(), key=_by_label)
    to_label = {
        "status": _status_label,
        "country": labels.country_name,
        "language": labels.language_name,
    }.get(name, str)
    others = [(code, to_label(text)) for code, text in picked.items() if code not in choices]
    options = [(code, label, code in picked) for code, label in (*sorted_choices, *others)]
    chosen = ", ".join(label for _, label, is_picked in options if is_picked)
    return Filter(name, FILTER_WORDS[name], options, chosen or "All", wrong)


def _values_by_filter(groups: TargetGroupQuerySet) -> Choices:
    """Return every value that the groups have, with its label, by filter."""
    rows = groups.order_by().values_list(*GROUP_FILTERS.values(), "pm_name").distinct()
    *by_field, names = zip(*rows, strict=True) if rows else [()] * 5
    people = dict(zip(by_field[-1], names, strict=True))
    to_labels: list[Callable[[str], str]] = [
        _status_label,
        labels.country_name,
        labels.language_name,
        lambda code: people[code] or code,
    ]
    return {
        name: {value: label(value) for value in set(values) if value}
        for name, values, label in zip(GROUP_FILTERS, by_field, to_labels, strict=True)
    }


FILTER_WORDS = {
    "status": "Status",
    "country": "Country",
    "language": "Language",
    "pm": "PM",
    "ref": "Reference numbers",
    "exclusion": "Project exclusion",
}
_VALID_VALUES = {
    "country": (
        re.compile(r"[a-z]{2}", re.ASCII),
        "Not a country code (two letters, such as US)",
    ),
    "language": (
        re.compile(r"[a-z]{3}", re.ASCII),
        "Not a language code (three letters, such as eng)",
    ),
    "pm": (
        re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII),
        "Not an exchange user ID",
    ),
    "ref": (
        re.compile(r"[a-zA-Z0-9\-_ ]{3,128}", re.ASCII),
        "Not a reference number (3 to 128 letters, digits, dashes, underscores and spaces)",
    ),
    "exclusion": (re.compile(r"yes|no", re.IGNORECASE), "Neither yes nor no"),
    "status": (re.compile("|".join(GROUP_STATUSES)), "Not a group status"),
}
_IDS = re.compile(r"[0-9A-Za-z]{7}|[0-9A-Za-z]{26}", re.ASCII)


def _invalid_values_sentence(name: str, listing: Listing, known: Container[str]) -> str:
    """Name the values of a filter that can never match; empty if all are valid."""
    pattern, why = _VALID_VALUES[name]
    to_value = str if name == "exclusion" else listing.several[name].value
    values = {text: str(to_value(text)) for text in listing.picked.get(name, ())}
    texts = [
        text
        for text, value in values.items()
        if value not in known and not pattern.fullmatch(value)
    ]
    return f"{why}: {_quoted(texts)}." if texts else ""


def invalid_text_sentences(listing: Listing) -> dict[str, str]:
    """Return what is wrong with typed ids and reference numbers, by field."""
    ids = [text for text in listing.ids if not _IDS.fullmatch(text)]
    problem = f"Not an ID (7 or 26 letters and digits): {_quoted(ids)}." if ids else ""
    if listing.has_too_many_ids:
        problem = f"{problem} Only the first {MOST_IDS} IDs are used.".strip()
    return {"ids": problem, "ref": _invalid_values_sentence("ref", listing, ())}


def _quoted(texts: Sequence[str]) -> str:
    more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
    return ", ".join(f"“{text[:40]}”" for text in texts[:3]) + more


def _by_label(choice: tuple[str, str]) -> str:
    return choice[1]
