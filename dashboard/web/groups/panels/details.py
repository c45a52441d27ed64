"""The details of a launched group as last read, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.models import TargetGroup
from dashboard.sync.lookup import code_lists
from dashboard.web.edits.forms import details
from dashboard.web.formatting import labels, numbers, times
from dashboard.web.formatting.values import format_value

# The list of names that each code is looked up in.
LISTS = {
    "client_id": "clients",
    "study_type_code": "study_types",
    "industry_code": "industries",
    details.LOCKOUT: "lockouts",
}
ADDRESSES = (details.LIVE, details.TEST, "test_screener")
WORDS = {
    "business_unit_id": "Business unit",
    "client_id": "Client",
    details.REFERENCE: "Reference number",
    details.PRICE_NOTE: details.WORDS[details.PRICE_NOTE],
    "study_type_code": "Study type",
    "industry_code": "Industry",
    details.LOCKOUT: details.WORDS[details.LOCKOUT],
    "collects_pii": "Collects personal data",
    "locale": "Country and language",
    "completes_goal": "Completes goal",
    details.LOI: details.WORDS[details.LOI],
    details.IR: details.WORDS[details.IR],
    details.MANAGER_ID: details.WORDS[details.MANAGER_ID],
    "account_name": "Account",
    "created_at": "Created",
    details.LIVE: details.WORDS[details.LIVE],
    details.TEST: details.WORDS[details.TEST],
    "test_screener": "Test screener",
}
SWEPT = (TargetGroup.Status.LIVE, TargetGroup.Status.PAUSED, TargetGroup.Status.SCHEDULED)
NOT_GIVEN = "not given"


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail; `copy_id` is the element id of a URL that can be copied."""

    word: str
    said: str
    copy_id: str = ""


@dataclass(frozen=True, slots=True)
class LinksLine:
    """The one-time survey links: how many are left, and when that was read."""

    left: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class DetailsPanel:
    """All details, and when they were read; `asks`: names are still to be looked up.

    links: None where the account or the group has none.
    """

    rows: list[Detail]
    read_at: datetime | None
    asks: bool = False
    links: LinksLine | None = None


def details_panel(
    group: TargetGroup, people: Mapping[str, str], *, look_up: bool = False
) -> DetailsPanel | None:
    """Return the panel of a launched group; None for a draft.

    `look_up`: ask the exchange for names that are not cached.
    """
    if group.status == TargetGroup.Status.DRAFT:
        return None
    stored = group.details if isinstance(group.details, dict) else {}
    if not stored:
        return DetailsPanel([], None)
    links = _links_line(group)
    lists_needed = {name for code, name in LISTS.items() if stored.get(code)}
    if look_up:
        lists = code_lists.read_names(group.account, lists_needed)
        rows = _detail_rows(group, stored, people, lists)
        return DetailsPanel(rows, _read_at(group), links=links)
    cached = code_lists.cached_names(group.account)
    names_missing = not (lists_needed <= set(cached.lists) or cached.was_tried)
    rows = _detail_rows(group, stored, people, cached.lists)
    return DetailsPanel(rows, _read_at(group), names_missing, links)


def _links_line(group: TargetGroup) -> LinksLine | None:
    """Return how many survey links are left; None for a group that has none."""
    if not group.links_total or group.links_left is None:
        return None
    left, total = numbers.format_count(group.links_left), numbers.format_count(group.links_total)
    return LinksLine(f"{left} of {total} left", group.links_read_at)


def _read_at(group: TargetGroup) -> datetime | None:
    """Return when the details were last read: alone, or with all groups of the project."""
    swept = group.project.details_at if group.status in SWEPT else None
    return max(filter(None, (group.details_read_at, swept)), default=None)


def _detail_rows(
    group: TargetGroup,
    stored: Mapping[str, object],
    people: Mapping[str, str],
    lists: Mapping[str, Mapping[str, str]],
) -> list[Detail]:
    links = stored.get("links")
    values = dict(stored) | (dict(links) if isinstance(links, Mapping) else {})
    return [
        Detail(
            word,
            _format_detail(group, name, values.get(name), people, lists),
            f"detail-{name}" if name in ADDRESSES and values.get(name) else "",
        )
        for name, word in WORDS.items()
        if name in values
    ]


def _format_detail(
    group: TargetGroup,
    name: str,
    value: object,
    people: Mapping[str, str],
    lists: Mapping[str, Mapping[str, str]],
) -> str:
    if value is None or value == "":
        return NOT_GIVEN
    code = str(value)
    if name in LISTS:
        listed_name = lists.get(LISTS[name], {}).get(code)
        return listed_name or (code if name == "client_id" else labels.sentence_case(code))
    if name == "business_unit_id":
        units = group.account.business_units.filter(exchange_id=code)
        return next(iter(units.values_list("name", flat=True)), "") or code
    if name in ADDRESSES:
        return code
    return _format_plain(group, name, value, people)


def _format_plain(group: TargetGroup, name: str, value: object, people: Mapping[str, str]) -> str:
    """Format a value that needs no list of the exchange."""
    code = str(value)
    if name == details.MANAGER_ID:
        return people.get(code, code)
    if name == "locale":
        return labels.locale_name(code)
    if name == details.LOI:
        return f"{code} min"
    if name == details.IR and isinstance(value, int | float):
        return numbers.format_percent(float(value))
    return format_value(value, {}, times.zone_of(group))
