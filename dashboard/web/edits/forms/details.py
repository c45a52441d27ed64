"""The details of a launched group; and its project manager alone, which is one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from dashboard.fielding.models import Edit
from dashboard.sync.edits.merge import lines
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    Entry,
    Form,
    Value,
    Wrong,
    amount,
    is_untouched,
    step,
    unknown,
    whole,
)
from dashboard.web.formatting import numbers

NAME, MANAGER_ID = "name", "project_manager_id"
LOI, IR = "expected_length_of_interview_minutes", "expected_incidence_rate"
LOCKOUT, LIVE, TEST = "industry_lockout_code", "live_url", "test_url"
REFERENCE = "target_group_customer_reference_number"
PRICE_NOTE = "client_cost_per_interview_note"
_REFERENCE = re.compile(r"[a-zA-Z0-9\-_ ]{3,128}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,100}", re.ASCII)


WORDS = {
    NAME: "Name",
    MANAGER_ID: "Project manager",
    LOI: "Expected LOI",
    IR: "Expected IR",
    LOCKOUT: "Industry lockout",
    LIVE: "Live URL",
    TEST: "Test URL",
    REFERENCE: "Reference number",
    PRICE_NOTE: "Client's CPI",
}


def _name(_entry: Entry, text: str) -> Value:
    if not 5 <= len(text) <= 128:
        raise Wrong(name=f"A name has 5 to 128 characters; this one has {len(text)}.")
    return text


def _manager(entry: Entry, text: str) -> Value:
    if text not in entry.names and text != entry.seen[MANAGER_ID]:
        raise Wrong(project_manager_id="Choose one of the people of this account.")
    return text


def _loi(_entry: Entry, text: str) -> Value:
    return whole(text, 1, 45, LOI, "expected LOI in minutes")


def _ir(_entry: Entry, text: str) -> Value:
    percent = whole(text.removesuffix("%").strip(), 0, 100, IR, "expected IR in per cent")
    return percent / 100


def _lockout(entry: Entry, text: str) -> Value:
    """One of the list; without a list, any code that may be one."""
    known = dict(entry.lockouts)
    if text == entry.seen[LOCKOUT]:
        return text
    if not _CODE.fullmatch(text) or (known and text not in known):
        raise Wrong(industry_lockout_code="Choose one of the list.")
    return text


def _url(name: str) -> Callable[[Entry, str], Value]:
    def check(_entry: Entry, text: str) -> Value:
        try:
            sound = urlsplit(text).scheme == "https" and urlsplit(text).hostname
        except ValueError:
            sound = None
        if not sound or len(text) > 2000 or re.search(r"\s", text):
            raise Wrong({name: "An address that begins with https:// and has no spaces."})
        return text

    return check


def _reference(_entry: Entry, text: str) -> Value:
    if text and not _REFERENCE.fullmatch(text):
        sentence = "3 to 128 letters A–Z, digits, dashes, underscores and spaces."
        raise Wrong(target_group_customer_reference_number=sentence)
    return text or None


def _price_note(entry: Entry, text: str) -> Value:
    if not text:
        return None
    currency = entry.group.currency
    note = amount(text, currency, PRICE_NOTE, "client's CPI")
    return {"value": format(note, "f"), "currency_code": currency}


FIELDS: Mapping[str, Callable[[Entry, str], Value]] = {
    NAME: _name,
    MANAGER_ID: _manager,
    LOI: _loi,
    IR: _ir,
    LOCKOUT: _lockout,
    LIVE: _url(LIVE),
    TEST: _url(TEST),
    REFERENCE: _reference,
    PRICE_NOTE: _price_note,
}


def check(entry: Entry) -> Value:
    """All of the details; what was not in the form, or not touched, goes back as it came."""
    value = dict(entry.seen)
    wrong: dict[str, str] = {}
    were = filled(entry.seen, entry)
    for name, reads in FIELDS.items():
        text = lines(entry.typed.get(name, were[name]))
        if is_untouched(text, were[name]) and entry.seen[name] is not None:
            continue
        try:
            value[name] = reads(entry, text)
        except Wrong as exc:
            wrong |= exc.fields
    if wrong:
        raise Wrong(wrong)
    if value == entry.seen:
        raise Wrong(form=NO_CHANGE)
    return value


def shown(entry: Entry) -> dict[str, Any]:
    """Every field as typed, else as the exchange has it."""
    were = filled(entry.seen, entry)
    texts = {name: entry.typed.get(name, were[name]) for name in FIELDS}
    people, lockouts = dict(entry.names), dict(entry.lockouts)
    for codes, name in ((people, MANAGER_ID), (lockouts, LOCKOUT)):
        codes.setdefault(texts[name], unknown(texts[name]) if texts[name] else "Choose…")
    return {
        "text": texts,
        "managers": sorted(people.items(), key=lambda pair: pair[1].casefold()),
        "lockouts": sorted(lockouts.items(), key=lambda pair: pair[1].casefold()),
        "currency": entry.group.currency,
        "words": WORDS,
        "present": entry.names.get(str(entry.seen[MANAGER_ID] or ""), "nobody we know"),
    }


def filled(value: Value, _entry: Entry) -> Mapping[str, str]:
    """Every field as a person would type it."""
    texts = {name: "" if value[name] is None else str(value[name]) for name in FIELDS}
    if isinstance(value[IR], int | float):
        texts[IR] = f"{value[IR] * 100:.4f}".rstrip("0").rstrip(".")
    note = value[PRICE_NOTE]
    if isinstance(note, Mapping) and "value" in note:
        texts[PRICE_NOTE] = numbers.plain(Decimal(note["value"]))
    return texts


def place(name: str, _made: Edit) -> str:
    """The field that an objection is about."""
    return step(name, FIELDS)


FORM = Form("details", Edit.Kind.DETAILS, "Details", check, shown, filled, place=place)
MANAGER = Form(
    "project_manager", Edit.Kind.DETAILS, "Project manager", check, shown, filled, place=place
)
