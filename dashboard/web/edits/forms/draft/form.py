"""A whole draft: the typed fields, checked one by one, as the value to send."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.draft import PROFILING
from dashboard.sync.edits.merge import normalise_lines
from dashboard.web.edits.forms import datetimes, details, re_entry
from dashboard.web.edits.forms.base import (
    BoundForm,
    FormError,
    Unchanged,
    Value,
    is_untouched,
    parse_amount,
)
from dashboard.web.edits.forms.draft import exclusions, questions, quotas
from dashboard.web.edits.forms.draft.fields import (
    CPI,
    END,
    EXCLUSION,
    FIELDS,
    LONGEST,
    OTHERS,
    PERIOD,
    PII,
    PRICING,
    RE_ENTRY,
    RE_ENTRY_SET,
    START,
    UNIT,
    DraftEntry,
    as_priced,
)
from dashboard.web.formatting import numbers
from dashboard.web.http.ticks import is_ticked

_INPUT_FORMAT = "%Y-%m-%dT%H:%M"


def clean_draft(entry: DraftEntry) -> Value:
    """Return the whole draft; what was not touched is sent back to the digit as it came.

    Raises FormError, and Unchanged where nothing differs.
    """
    value, errors = parse_draft(entry)
    if errors:
        raise FormError(errors)
    if not entry.is_new and merge.alike(value, entry.seen):
        raise Unchanged
    return value


def parse_draft(entry: DraftEntry) -> tuple[Value, dict[str, str]]:
    """Return the draft as far as it can be read, and the errors by field."""
    value = copy.deepcopy(dict(entry.seen))
    initial, errors = draft_initial(entry.seen, entry), dict[str, str]()
    priced = replace(entry, group=as_priced(entry))
    for name, clean in FIELDS.items():
        text = normalise_lines(entry.typed.get(name, initial[name]))
        if is_untouched(text, initial[name]) and value.get(name) is not None:
            continue
        try:
            value[name] = clean(priced, text)
        except FormError as exc:
            errors |= exc.fields
    for name in (PII, EXCLUSION):
        ticked = is_ticked(entry.typed, name)
        if ticked != (value.get(name) is True) or entry.is_new:
            value[name] = ticked
    _set_price(entry, value, errors)
    value[PROFILING], profile_errors = quotas.parse_quotas(entry)
    errors |= profile_errors
    for part in (_clean_period, _clean_re_entry):
        try:
            value |= part(entry, initial)
        except FormError as exc:
            errors |= exc.fields
    return value, errors


def _set_price(entry: DraftEntry, value: Value, errors: dict[str, str]) -> None:
    """Set the CPI in the business unit's currency; leave it where the rate card sets it."""
    if value.get(PRICING) == "rate_card":
        seen = entry.seen or {}
        stays = not entry.is_new and seen.get(PRICING) == "rate_card"
        note = seen.get(details.PRICE_NOTE) if stays else None
        value |= {CPI: seen.get(CPI), details.PRICE_NOTE: note}
        return
    currency, current = entry.currency, (entry.seen or {}).get(CPI)
    shown = "" if current is None else numbers.typed_amount(Decimal(current["value"]))
    text = entry.typed.get(CPI, shown)
    if not entry.is_new and current and is_untouched(text, shown) and _is_unit_untouched(entry):
        return
    try:
        limit = settings.CPI_LIMITS.get(currency)
        price = parse_amount(text, currency, CPI, "CPI", most=limit)
        _require_within_limit(price, limit, currency)
    except FormError as exc:
        errors |= exc.fields
        return
    is_same = (
        current
        and Decimal(current["value"]) == price
        and current["currency_code"].upper() == currency
    )
    value[CPI] = current if is_same else {"value": format(price, "f"), "currency_code": currency}
    note = value.get(details.PRICE_NOTE)
    if note and note["currency_code"].upper() != currency and details.PRICE_NOTE not in errors:
        value[details.PRICE_NOTE] = note | {"currency_code": currency}


def _is_unit_untouched(entry: DraftEntry) -> bool:
    """Whether the business unit, which sets the currency, is unchanged."""
    return entry.text(UNIT) == str((entry.seen or {}).get(UNIT))


def _require_within_limit(price: Decimal, limit: Decimal | None, currency: str) -> None:
    if limit is not None and price > limit:
        raise FormError({CPI: f"Cint accepts at most {numbers.format_money(limit, currency)}."})


def _clean_period(entry: DraftEntry, initial: Mapping[str, str]) -> Value:
    """Return start and end in UTC, typed in the time zone of the chosen country."""
    zone, period = entry.zone, {}
    for name in (START, END):
        text = entry.typed.get(name, initial[name]).strip()
        current = (entry.seen or {}).get(PERIOD, {}).get(name)
        if current and text == local_datetime(current, zone):
            period[name] = current
            continue
        local = datetimes.parse_datetime(text, name)
        if reason := datetimes.reason_skipped(local, zone):
            raise FormError({name: reason})
        period[name] = datetimes.rfc3339_stamp(local.replace(tzinfo=zone))
    if not entry.is_new and period == (entry.seen or {}).get(PERIOD):
        return {PERIOD: period}
    start, end = (datetime.fromisoformat(period[name]) for name in (START, END))
    if end <= start:
        raise FormError(end_at="The end date must be after the start date.")
    if period[END] != (entry.seen or {}).get(PERIOD, {}).get(END):
        if end <= entry.now:
            raise FormError(end_at="The end date must be in the future.")
        if end - entry.now > LONGEST:
            raise FormError(end_at="More than two years ahead. Check the year.")
    return {PERIOD: period}


def local_datetime(stamp: str | None, zone: ZoneInfo) -> str:
    """Return a moment as the input field takes it, in this time zone."""
    if not stamp:
        return ""
    local = datetime.fromisoformat(stamp).astimezone(zone)
    return local.strftime(f"{_INPUT_FORMAT}:%S" if local.second else _INPUT_FORMAT)


def _clean_re_entry(entry: DraftEntry, _initial: Mapping[str, str]) -> Value:
    """Return the re-entry grid; None, which leaves it to the exchange, where it is not set."""
    current = (entry.seen or {}).get(RE_ENTRY)
    if not is_ticked(entry.typed, RE_ENTRY_SET):
        return {RE_ENTRY: None if entry.is_new else current}
    try:
        return {RE_ENTRY: re_entry.clean_re_entry(_re_entry_form(entry))}
    except FormError:  # the grid is unchanged
        return {RE_ENTRY: current}


def _re_entry_form(entry: DraftEntry) -> BoundForm[Value]:
    return BoundForm(entry.group, (entry.seen or {}).get(RE_ENTRY), entry.typed, entry.now)


def draft_initial(value: Value, entry: DraftEntry) -> Mapping[str, str]:
    """Return every field as a person would type it; "on" for what is ticked."""
    texts = {
        name: "" if value.get(name) is None else str(value[name]) for name in FIELDS if name != CPI
    }
    if (rate := value.get(details.IR)) is not None:
        texts[details.IR] = f"{rate * 100:.4f}".rstrip("0").rstrip(".")
    for name in (CPI, details.PRICE_NOTE):
        current = value.get(name)
        texts[name] = numbers.typed_amount(Decimal(current["value"])) if current else ""
    period = value.get(PERIOD) or {}
    texts |= {name: local_datetime(period.get(name), entry.zone) for name in (START, END)}
    texts[OTHERS] = exclusions.exclusions_initial(value.get(OTHERS) or [], entry.group.account_id)
    ticked = {name: "on" for name in (PII, EXCLUSION) if value.get(name)}
    if (current := value.get(RE_ENTRY)) is not None:
        ticked |= {RE_ENTRY_SET: "on"} | dict(
            re_entry.re_entry_initial(current, _re_entry_form(entry))
        )
    return texts | ticked | questions.questions_initial(value.get(PROFILING))


def draft_context(entry: DraftEntry) -> dict[str, object]:
    """Return every field as typed, else as the exchange has it, with the choices."""
    initial = draft_initial(entry.seen, entry)
    texts = {
        name: entry.typed.get(name, initial.get(name, "")) for name in (*initial, RE_ENTRY_SET)
    }
    if entry.typed:
        boxes = (PII, EXCLUSION, RE_ENTRY_SET)
        texts |= {name: "on" if is_ticked(entry.typed, name) else "" for name in boxes}
    return {
        "text": texts,
        **re_entry.re_entry_context(_re_entry_form(entry)),
        **quotas.quotas_context(entry),
    }


_FIELD_BY_STEP = {"pricing": PRICING, PERIOD: END} | {
    name: name for name in (*FIELDS, CPI, START, END, EXCLUSION, PII, RE_ENTRY)
}


def draft_field_for(name: str) -> str:
    """Return the field of an objection: the last step of its path that is one of our fields."""
    steps = re.split(r"[.\[\]/]+", name)
    if field := quotas.quotas_field_for(steps, name):
        return field
    return next((_FIELD_BY_STEP[step] for step in reversed(steps) if step in _FIELD_BY_STEP), "")
