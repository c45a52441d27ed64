"""The details of a launched group; and its project manager alone, which is one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.sync.edits.merge import normalise_lines
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    Value,
    is_untouched,
    last_known_step,
    parse_amount,
    parse_whole,
    unknown,
)
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import Names, Parts, format_value

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


def _name(_entry: BoundForm, text: str) -> Value:
    if not 5 <= len(text) <= 128:
        raise FormError(name=f"A name has 5 to 128 characters; this one has {len(text)}.")
    return text


def _manager(entry: BoundForm, text: str) -> Value:
    if text not in entry.names and text != entry.seen[MANAGER_ID]:
        raise FormError(project_manager_id="Choose one of the people of this account.")
    return text


def _loi(_entry: BoundForm, text: str) -> Value:
    return parse_whole(text, 1, 45, LOI, "expected LOI in minutes")


def _ir(_entry: BoundForm, text: str) -> Value:
    percent = parse_whole(text.removesuffix("%").strip(), 0, 100, IR, "expected IR in per cent")
    return percent / 100


def _lockout(entry: BoundForm, text: str) -> Value:
    """One of the list; without a list, any code that may be one."""
    known = dict(entry.lockouts)
    if text == entry.seen[LOCKOUT]:
        return text
    if not _CODE.fullmatch(text) or (known and text not in known):
        raise FormError(industry_lockout_code="Choose one of the list.")
    return text


def _url(name: str) -> Callable[[BoundForm, str], Value]:
    def check(_entry: BoundForm, text: str) -> Value:
        try:
            sound = urlsplit(text).scheme == "https" and urlsplit(text).hostname
        except ValueError:
            sound = None
        if not sound or len(text) > 2000 or re.search(r"\s", text):
            raise FormError({name: "An address that begins with https:// and has no spaces."})
        return text

    return check


def _reference(_entry: BoundForm, text: str) -> Value:
    if text and not _REFERENCE.fullmatch(text):
        sentence = "3 to 128 letters A–Z, digits, dashes, underscores and spaces."
        raise FormError(target_group_customer_reference_number=sentence)
    return text or None


def _price_note(entry: BoundForm, text: str) -> Value:
    if not text:
        return None
    currency = entry.group.currency
    note = parse_amount(text, currency, PRICE_NOTE, "client's CPI")
    return {"value": format(note, "f"), "currency_code": currency}


FIELDS: Mapping[str, Callable[[BoundForm, str], Value]] = {
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


def clean_details(entry: BoundForm) -> Value:
    """All of the details; what was not in the form, or not touched, goes back as it came."""
    value = dict(entry.seen)
    wrong: dict[str, str] = {}
    were = details_initial(entry.seen, entry)
    for name, reads in FIELDS.items():
        text = normalise_lines(entry.typed.get(name, were[name]))
        if is_untouched(text, were[name]) and entry.seen[name] is not None:
            continue
        try:
            value[name] = reads(entry, text)
        except FormError as exc:
            wrong |= exc.fields
    if wrong:
        raise FormError(wrong)
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    return value


def details_context(entry: BoundForm) -> dict[str, Any]:
    """Every field as typed, else as the exchange has it."""
    were = details_initial(entry.seen, entry)
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


def details_initial(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """Every field as a person would type it."""
    texts = {name: "" if value[name] is None else str(value[name]) for name in FIELDS}
    if isinstance(value[IR], int | float):
        texts[IR] = f"{value[IR] * 100:.4f}".rstrip("0").rstrip(".")
    note = value[PRICE_NOTE]
    if isinstance(note, Mapping) and "value" in note:
        texts[PRICE_NOTE] = numbers.typed_amount(Decimal(note["value"]))
    return texts


def details_field_for(name: str, _made: Edit) -> str:
    """The field that an objection is about."""
    return last_known_step(name, FIELDS)


def details_parts(value: Value, names: Names, _zone: ZoneInfo | None) -> Parts:
    """What each detail is."""
    parts = {word: format_value(value.get(name), names) for name, word in WORDS.items()}
    manager, loi, rate = (value.get(n) for n in (MANAGER_ID, LOI, IR))
    parts["Project manager"] = names.get(str(manager), str(manager)) if manager else numbers.DASH
    parts["Expected LOI"] = numbers.DASH if loi is None else f"{loi} min"
    parts["Expected IR"] = numbers.format_percent(rate)
    return parts


FORM = Form(
    "details",
    Edit.Kind.DETAILS,
    "Details",
    clean_details,
    details_context,
    details_initial,
    place=details_field_for,
    parts=details_parts,
)
MANAGER = Form(
    "project_manager",
    Edit.Kind.DETAILS,
    "Project manager",
    clean_details,
    details_context,
    details_initial,
    place=details_field_for,
    parts=details_parts,
)
