"""A whole draft: what is typed, checked field by field, as the value that is sent."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
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

_FORM = "%Y-%m-%dT%H:%M"


def clean_draft(entry: DraftEntry) -> Value:
    """The whole draft, or Wrong; what was not touched goes back to the digit as it came."""
    value, wrong = parse_draft(entry)
    if wrong:
        raise FormError(wrong)
    if not entry.is_new and merge.alike(value, entry.seen):
        raise Unchanged
    return value


def parse_draft(entry: DraftEntry) -> tuple[Value, dict[str, str]]:
    """The draft as far as it can be understood, and what is wrong, by field."""
    value = copy.deepcopy(dict(entry.seen))
    were, wrong = draft_initial(entry.seen, entry), dict[str, str]()
    priced = replace(entry, group=as_priced(entry))
    for name, reads in FIELDS.items():
        text = normalise_lines(entry.typed.get(name, were[name]))
        if is_untouched(text, were[name]) and value.get(name) is not None:
            continue
        try:
            value[name] = reads(priced, text)
        except FormError as exc:
            wrong |= exc.fields
    for name in (PII, EXCLUSION):
        ticked = is_ticked(entry.typed, name)
        if ticked != (value.get(name) is True) or entry.is_new:
            value[name] = ticked
    _price(entry, value, wrong)
    value[PROFILING], wrong_profiles = quotas.parse_quotas(entry)
    wrong |= wrong_profiles
    for part in (_period, _re_entry):
        try:
            value |= part(entry, were)
        except FormError as exc:
            wrong |= exc.fields
    return value, wrong


def _price(entry: DraftEntry, value: Value, wrong: dict[str, str]) -> None:
    """The CPI in the unit's currency; none where the rate card sets it."""
    if value.get(PRICING) == "rate_card":
        seen = entry.seen or {}
        stays = not entry.is_new and seen.get(PRICING) == "rate_card"
        note = seen.get(details.PRICE_NOTE) if stays else None
        value |= {CPI: seen.get(CPI), details.PRICE_NOTE: note}
        return
    currency, held = entry.currency, (entry.seen or {}).get(CPI)
    shown = "" if held is None else numbers.typed_amount(Decimal(held["value"]))
    text = entry.typed.get(CPI, shown)
    if not entry.is_new and held and is_untouched(text, shown) and _is_unit_untouched(entry):
        return
    try:
        price = _within_limit(parse_amount(text, currency, CPI, "CPI"), currency)
    except FormError as exc:
        wrong |= exc.fields
        return
    alike = held and Decimal(held["value"]) == price and held["currency_code"].upper() == currency
    value[CPI] = held if alike else {"value": format(price, "f"), "currency_code": currency}
    note = value.get(details.PRICE_NOTE)
    if note and note["currency_code"].upper() != currency and details.PRICE_NOTE not in wrong:
        value[details.PRICE_NOTE] = note | {"currency_code": currency}


def _is_unit_untouched(entry: DraftEntry) -> bool:
    """Whether the business unit, which decides the currency, is the one that is held."""
    return entry.text(UNIT) == str((entry.seen or {}).get(UNIT))


def _within_limit(price: Decimal, currency: str) -> Decimal:
    limit = settings.CPI_LIMITS.get(currency)
    if limit is not None and price > limit:
        raise FormError(
            {CPI: f"The exchange takes at most {numbers.format_money(limit, currency)}."}
        )
    return price


def _period(entry: DraftEntry, were: Mapping[str, str]) -> Value:
    """Both ends in UTC, typed in the zone of the chosen country."""
    zone, period = entry.zone, {}
    for name in (START, END):
        text = entry.typed.get(name, were[name]).strip()
        held = (entry.seen or {}).get(PERIOD, {}).get(name)
        if held and text == local_datetime(held, zone):
            period[name] = held
            continue
        typed = datetimes.parse_datetime(text, name)
        if why := datetimes.reason_skipped(typed, zone):
            raise FormError({name: why})
        period[name] = datetimes.rfc3339_stamp(typed.replace(tzinfo=zone))
    if not entry.is_new and period == (entry.seen or {}).get(PERIOD):
        return {PERIOD: period}
    start, end = (datetime.fromisoformat(period[name]) for name in (START, END))
    if end <= start:
        raise FormError(end_at="The end must be after the start.")
    if period[END] != (entry.seen or {}).get(PERIOD, {}).get(END):
        if end <= entry.now:
            raise FormError(end_at="The end must be in the future.")
        if end - entry.now > LONGEST:
            raise FormError(end_at="That is more than two years ahead. Is the year right?")
    return {PERIOD: period}


def local_datetime(stamp: str | None, zone: ZoneInfo) -> str:
    """A moment as a field of a form takes it, in this zone."""
    if not stamp:
        return ""
    there = datetime.fromisoformat(stamp).astimezone(zone)
    return there.strftime(f"{_FORM}:%S" if there.second else _FORM)


def _re_entry(entry: DraftEntry, _were: Mapping[str, str]) -> Value:
    """The grid where it is to be set; nothing is sent where the exchange is to decide."""
    held = (entry.seen or {}).get(RE_ENTRY)
    if not is_ticked(entry.typed, RE_ENTRY_SET):
        return {RE_ENTRY: None if entry.is_new else held}
    try:
        return {RE_ENTRY: re_entry.clean_re_entry(_grid(entry))}
    except FormError:  # the grid is as it is held
        return {RE_ENTRY: held}


def _grid(entry: DraftEntry) -> BoundForm:
    return BoundForm(entry.group, (entry.seen or {}).get(RE_ENTRY), entry.typed, entry.now)


def draft_initial(value: Value, entry: DraftEntry) -> Mapping[str, str]:
    """Every field as a person would type it; of what is on, "on"."""
    texts = {
        name: "" if value.get(name) is None else str(value[name]) for name in FIELDS if name != CPI
    }
    if (rate := value.get(details.IR)) is not None:
        texts[details.IR] = f"{rate * 100:.4f}".rstrip("0").rstrip(".")
    for name in (CPI, details.PRICE_NOTE):
        held = value.get(name)
        texts[name] = numbers.typed_amount(Decimal(held["value"])) if held else ""
    period = value.get(PERIOD) or {}
    texts |= {name: local_datetime(period.get(name), entry.zone) for name in (START, END)}
    texts[OTHERS] = exclusions.exclusions_initial(value.get(OTHERS) or [], entry.group.account_id)
    ticked = {name: "on" for name in (PII, EXCLUSION) if value.get(name)}
    if (held := value.get(RE_ENTRY)) is not None:
        ticked |= {RE_ENTRY_SET: "on"} | dict(re_entry.re_entry_initial(held, _grid(entry)))
    return texts | ticked | questions.questions_initial(value.get(PROFILING))


def draft_context(entry: DraftEntry) -> dict[str, Any]:
    """Every field as typed, else as it is held, with what each can be chosen from."""
    were = draft_initial(entry.seen, entry)
    texts = {name: entry.typed.get(name, were.get(name, "")) for name in (*were, RE_ENTRY_SET)}
    if entry.typed:
        boxes = (PII, EXCLUSION, RE_ENTRY_SET)
        texts |= {name: "on" if is_ticked(entry.typed, name) else "" for name in boxes}
    return {
        "text": texts,
        **re_entry.re_entry_context(_grid(entry)),
        **quotas.quotas_context(entry),
    }


_PLACES = {"pricing": PRICING, PERIOD: END} | {
    name: name for name in (*FIELDS, CPI, START, END, EXCLUSION, PII, RE_ENTRY)
}


def draft_field_for(name: str) -> str:
    """The field that an objection is about: the last of its steps that is one of ours."""
    steps = re.split(r"[.\[\]/]+", name)
    if at := quotas.quotas_field_for(steps, name):
        return at
    return next((_PLACES[step] for step in reversed(steps) if step in _PLACES), "")
