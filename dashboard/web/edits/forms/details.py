"""The details of a launched group, and its project manager on a form of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
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
    label_unknown_code,
    last_known_step,
    parse_amount,
    parse_whole,
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
    PRICE_NOTE: "Client CPI",
}


def _clean_name(_entry: BoundForm[Value], text: str) -> Value:
    if not 5 <= len(text) <= 128:
        raise FormError(name=f"5–128 characters ({len(text)} entered).")
    return text


def _clean_manager(entry: BoundForm[Value], text: str) -> Value:
    if text not in entry.names and text != entry.seen[MANAGER_ID]:
        raise FormError(project_manager_id="Choose a project manager of this account.")
    return text


def _clean_loi(_entry: BoundForm[Value], text: str) -> Value:
    return parse_whole(text, 1, 45, LOI, "expected LOI in minutes")


def _clean_ir(_entry: BoundForm[Value], text: str) -> Value:
    percent = parse_whole(text.removesuffix("%").strip(), 0, 100, IR, "expected IR in %")
    return percent / 100


def _clean_lockout(entry: BoundForm[Value], text: str) -> Value:
    """Return a code from the list; without a list, any text that can be a code."""
    known = dict(entry.lockouts)
    if text == entry.seen[LOCKOUT]:
        return text
    if not _CODE.fullmatch(text) or (known and text not in known):
        raise FormError(industry_lockout_code="Choose an option from the list.")
    return text


def _clean_url(name: str) -> Callable[[BoundForm[Value], str], Value]:
    def clean(_entry: BoundForm[Value], text: str) -> Value:
        try:
            is_https = urlsplit(text).scheme == "https" and urlsplit(text).hostname
        except ValueError:
            is_https = None
        if not is_https or len(text) > 2000 or re.search(r"\s", text):
            raise FormError({name: "Enter a URL that starts with https:// and has no spaces."})
        return text

    return clean


def _clean_reference(_entry: BoundForm[Value], text: str) -> Value:
    if text and not _REFERENCE.fullmatch(text):
        sentence = "3–128 characters: letters A–Z, digits, hyphens, underscores and spaces."
        raise FormError(target_group_customer_reference_number=sentence)
    return text or None


def _clean_price_note(entry: BoundForm[Value], text: str) -> Value:
    if not text:
        return None
    currency = entry.group.currency
    note = parse_amount(text, currency, PRICE_NOTE, "client CPI")
    return {"value": format(note, "f"), "currency_code": currency}


FIELDS: Mapping[str, Callable[[BoundForm[Value], str], Value]] = {
    NAME: _clean_name,
    MANAGER_ID: _clean_manager,
    LOI: _clean_loi,
    IR: _clean_ir,
    LOCKOUT: _clean_lockout,
    LIVE: _clean_url(LIVE),
    TEST: _clean_url(TEST),
    REFERENCE: _clean_reference,
    PRICE_NOTE: _clean_price_note,
}


def clean_details(entry: BoundForm[Value]) -> Value:
    """Return all details; what was not in the form, or not touched, is sent back as it came."""
    value = dict(entry.seen)
    errors: dict[str, str] = {}
    initial = details_initial(entry.seen, entry)
    for name, clean in FIELDS.items():
        text = normalise_lines(entry.typed.get(name, initial[name]))
        if is_untouched(text, initial[name]) and entry.seen[name] is not None:
            continue
        try:
            value[name] = clean(entry, text)
        except FormError as exc:
            errors |= exc.fields
    if errors:
        raise FormError(errors)
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    return value


def details_context(entry: BoundForm[Value]) -> dict[str, object]:
    """Return every field as typed, else as the exchange has it, with the choices."""
    initial = details_initial(entry.seen, entry)
    texts = {name: entry.typed.get(name, initial[name]) for name in FIELDS}
    people, lockouts = dict(entry.names), dict(entry.lockouts)
    for codes, name in ((people, MANAGER_ID), (lockouts, LOCKOUT)):
        codes.setdefault(texts[name], label_unknown_code(texts[name]) if texts[name] else "Choose…")
    return {
        "text": texts,
        "managers": sorted(people.items(), key=lambda pair: pair[1].casefold()),
        "lockouts": sorted(lockouts.items(), key=lambda pair: pair[1].casefold()),
        "currency": entry.group.currency,
        "words": WORDS,
        "present": entry.names.get(str(entry.seen[MANAGER_ID] or ""), "Unknown user"),
    }


def details_initial(value: Value, _entry: BoundForm[Value]) -> Mapping[str, str]:
    """Return every field as a person would type it."""
    texts = {name: "" if value[name] is None else str(value[name]) for name in FIELDS}
    if isinstance(value[IR], int | float):
        texts[IR] = f"{value[IR] * 100:.4f}".rstrip("0").rstrip(".")
    note = value[PRICE_NOTE]
    if isinstance(note, Mapping) and "value" in note:
        texts[PRICE_NOTE] = numbers.typed_amount(Decimal(note["value"]))
    return texts


def details_field_for(name: str, _edit: Edit) -> str:
    """Return the field that an objection is about."""
    return last_known_step(name, FIELDS)


def details_parts(value: Value, names: Names, _zone: ZoneInfo | None) -> Parts:
    """Return every detail in words."""
    parts = {word: format_value(value.get(name), names) for name, word in WORDS.items()}
    manager, loi, rate = (value.get(field) for field in (MANAGER_ID, LOI, IR))
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
    field_for=details_field_for,
    parts=details_parts,
)
MANAGER = Form(
    "project_manager",
    Edit.Kind.DETAILS,
    "Project manager",
    clean_details,
    details_context,
    details_initial,
    field_for=details_field_for,
    parts=details_parts,
)
