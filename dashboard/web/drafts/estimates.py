"""What stands beside the form of a draft, asked of the exchange on demand: nothing is saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.lookup import on_demand
from dashboard.web.drafts import prefill
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.forms.draft.fields import LOCALE, UNIT, DraftEntry
from dashboard.web.formatting import labels
from dashboard.web.groups.panels import rate_card

FEASIBILITY, RATE_CARD = "feasibility", "rate_card"


@dataclass(slots=True)
class Beside:
    """An answer, or why there is none; `missing`: what is to be filled in first, by field."""

    kind: str
    outlook: prefill.EstimateOutlook | None = None
    card: rate_card.CardTable | None = None
    title: str = ""
    trouble: str = ""
    missing: dict[str, str] = field(default_factory=dict)


def knows_question(kind: str) -> bool:
    """Whether this is asked for beside the form."""
    return kind in (FEASIBILITY, RATE_CARD)


def answer_beside(account: ExchangeAccount, entry: DraftEntry, kind: str) -> Beside:
    """What was asked for, for the draft as it is filled in."""
    value, wrong = form.parse_draft(entry)
    return _card(entry, value, wrong) if kind == RATE_CARD else _feasible(account, value, wrong)


def _feasible(account: ExchangeAccount, value: Any, wrong: dict[str, str]) -> Beside:
    value, missing = prefill.for_question(value, wrong)
    if missing:
        return Beside(FEASIBILITY, missing=missing)
    try:
        answer = on_demand.estimate_feasibility(account=account, value=value)
    except ExchangeError as exc:
        said = labels.objection_text(exc)
        return Beside(FEASIBILITY, trouble=f"{said}. The exchange gave no estimate.")
    return Beside(FEASIBILITY, outlook=prefill.estimate_outlook(answer, value))


def _card(entry: DraftEntry, value: Any, wrong: dict[str, str]) -> Beside:
    missing = {name: said for name, said in wrong.items() if name in (UNIT, LOCALE)}
    unit = entry.unit
    if missing or unit is None:
        return Beside(RATE_CARD, missing=missing or {UNIT: "Choose a business unit."})
    country = str(value[LOCALE]).partition("_")[2]
    title = f"{unit}, {labels.country_name(country)}"
    known = {name: told for name, told in value.items() if name not in wrong}
    try:
        card = prefill.card_table(on_demand.rate_card(unit=unit, country=country), known)
    except NotFound:
        said = f"{unit} has no rate card for {labels.country_name(country)}: type a CPI."
        return Beside(RATE_CARD, trouble=said)
    except ExchangeError as exc:
        again = "Try again in a moment" if exc.waiting_helps else "Without it, type a CPI"
        return Beside(RATE_CARD, trouble=f"{exc}. {again}.")
    if card is None:
        return Beside(RATE_CARD, trouble="The exchange sent no table of prices.")
    return Beside(RATE_CARD, card=card, title=title)
