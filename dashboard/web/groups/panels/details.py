"""The details of a launched group as they were last read, in words, for whoever may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.fielding.models import TargetGroup
from dashboard.sync.lookup import code_lists
from dashboard.web.edits import value_labels
from dashboard.web.edits.forms import details
from dashboard.web.formatting import labels, numbers, times
from dashboard.web.formatting.values import format_value

# The lists of names that codes of the details are looked up in.
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
NOT_SAID = "not given"


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail; an address is shown as text to be copied, under this id."""

    word: str
    said: str
    copy_id: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """All details, and when they were read; `asks`: whether names are still to be asked for."""

    rows: list[Detail]
    read_at: datetime | None
    asks: bool = False


def of_group(group: TargetGroup, people: Mapping[str, str], *, ask: bool = False) -> Panel | None:
    """The panel of a launched group, None of a draft.

    Names that we know are shown; `ask`: those that we do not are asked of the exchange.
    """
    if group.status == TargetGroup.Status.DRAFT:
        return None
    held = group.details if isinstance(group.details, dict) else {}
    if not held:
        return Panel([], None)
    wanted = {name for code, name in LISTS.items() if held.get(code)}
    if ask:
        lists = code_lists.read_names(group.account, wanted)
        return Panel(_rows(group, held, people, lists), _read_at(group))
    kept = code_lists.cached_names(group.account)
    asks = not (wanted <= set(kept.lists) or kept.was_tried)
    return Panel(_rows(group, held, people, kept.lists), _read_at(group), asks)


def _read_at(group: TargetGroup) -> datetime | None:
    """When the details were last read: by themselves, or by the project's sweep, which writes none
    that stayed the same.
    """
    swept = group.project.details_at if group.status in SWEPT else None
    return max(filter(None, (group.details_read_at, swept)), default=None)


def _rows(
    group: TargetGroup,
    held: Mapping[str, Any],
    people: Mapping[str, str],
    lists: Mapping[str, Mapping[str, str]],
) -> list[Detail]:
    links = held.get("links")
    values = dict(held) | (dict(links) if isinstance(links, Mapping) else {})
    return [
        Detail(
            word,
            _said(group, name, values.get(name), people, lists),
            f"detail-{name}" if name in ADDRESSES and values.get(name) else "",
        )
        for name, word in WORDS.items()
        if name in values
    ]


def _said(
    group: TargetGroup,
    name: str,
    value: Any,
    people: Mapping[str, str],
    lists: Mapping[str, Mapping[str, str]],
) -> str:
    if value is None or value == "":
        return NOT_SAID
    code = str(value)
    if name in LISTS:
        known = lists.get(LISTS[name], {}).get(code)
        return known or (code if name == "client_id" else labels.sentence_case(code))
    if name == "business_unit_id":
        units = group.account.business_units.filter(exchange_id=code)
        return next(iter(units.values_list("name", flat=True)), "") or code
    if name in ADDRESSES:
        return code
    return _plain(group, name, value, people)


def _plain(group: TargetGroup, name: str, value: Any, people: Mapping[str, str]) -> str:
    """A value that needs no list of the exchange's."""
    code = str(value)
    if name == details.MANAGER_ID:
        return people.get(code, code)
    if name == "locale":
        return value_labels.locale_label(code)
    if name == details.LOI:
        return f"{code} min"
    if name == details.IR and isinstance(value, int | float):
        return numbers.format_percent(float(value))
    return format_value(value, {}, times.zone_of(group))
