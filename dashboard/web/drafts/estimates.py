"""Answers beside the form of a draft, asked of the exchange on demand; nothing is saved."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.lookup import on_demand
from dashboard.web.drafts import field_time, prefill
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.forms.draft.fields import END, LOCALE, START, UNIT, DraftEntry
from dashboard.web.formatting import labels
from dashboard.web.groups.panels import rate_card

FEASIBILITY, RATE_CARD, CALENDAR = "feasibility", "rate_card", "calendar"


@dataclass(slots=True)
class SideAnswer:
    """An answer, or why there is none; `missing`: what must be filled in first, by field."""

    kind: str
    outlook: prefill.EstimateOutlook | None = None
    card: rate_card.CardTable | None = None
    calendar: field_time.FieldTimeHint | None = None
    title: str = ""
    trouble: str = ""
    missing: dict[str, str] = field(default_factory=dict)


def knows_question(kind: str) -> bool:
    """Whether this is a question that is answered beside the form."""
    return kind in (FEASIBILITY, RATE_CARD, CALENDAR)


def answer_question(account: ExchangeAccount, entry: DraftEntry, kind: str) -> SideAnswer:
    """Return feasibility, the rate card or the calendar for the draft as it is filled in."""
    value, errors = form.parse_draft(entry)
    if kind == RATE_CARD:
        return _answer_rate_card(entry, value, errors)
    if kind == CALENDAR:
        return _answer_calendar(account, entry, value, errors)
    return _answer_feasibility(account, value, errors)


def _answer_feasibility(
    account: ExchangeAccount, value: Value, errors: dict[str, str]
) -> SideAnswer:
    value, missing = prefill.for_feasibility(value, errors)
    if missing:
        return SideAnswer(FEASIBILITY, missing=missing)
    try:
        answer = on_demand.estimate_feasibility(account=account, value=value)
    except ExchangeError as exc:
        objection = labels.objection_text(exc)
        advice = f" {exc.retry_advice}." if exc.retry_advice else ""
        return SideAnswer(FEASIBILITY, trouble=f"{objection}. Cint gave no estimate.{advice}")
    return SideAnswer(FEASIBILITY, outlook=prefill.estimate_outlook(answer, value))


def _answer_calendar(
    account: ExchangeAccount, entry: DraftEntry, value: Value, errors: dict[str, str]
) -> SideAnswer:
    missing = {name: error for name, error in errors.items() if name in (LOCALE, START, END)}
    if missing:
        return SideAnswer(CALENDAR, missing=missing)
    hint = field_time.read_hint(account=account, value=value, errors=errors, zone=entry.zone)
    return SideAnswer(CALENDAR, calendar=hint)


def _answer_rate_card(entry: DraftEntry, value: Value, errors: dict[str, str]) -> SideAnswer:
    missing = {name: error for name, error in errors.items() if name in (UNIT, LOCALE)}
    unit = entry.unit
    if missing or unit is None:
        return SideAnswer(RATE_CARD, missing=missing or {UNIT: "Choose a business unit."})
    country = str(value[LOCALE]).partition("_")[2]
    title = f"{unit}, {labels.country_name(country)}"
    valid = {name: part for name, part in value.items() if name not in errors}
    try:
        card = prefill.card_table(on_demand.read_rate_card(unit=unit, country=country), valid)
    except NotFound:
        message = f"{unit} has no rate card for {labels.country_name(country)}: enter a CPI."
        return SideAnswer(RATE_CARD, trouble=message)
    except ExchangeError as exc:
        advice = exc.retry_advice or "Without a rate card, enter a CPI"
        return SideAnswer(RATE_CARD, trouble=f"{exc}. {advice}.")
    if card is None:
        return SideAnswer(RATE_CARD, trouble="Cint sent no rate card.")
    return SideAnswer(RATE_CARD, card=card, title=title)
