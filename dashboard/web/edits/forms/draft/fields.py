"""The fields of a draft: what each takes, and what they can be chosen from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from dashboard.fielding.domain import time_zones
from dashboard.fielding.models import BusinessUnit, TargetGroup
from dashboard.sync.lookup.code_lists import Lists
from dashboard.web.edits.forms import details
from dashboard.web.edits.forms.base import BoundForm, FormError, Value, parse_whole
from dashboard.web.edits.forms.draft import exclusions

UNIT, LOCALE, PRICING, CPI = (
    "business_unit_id",
    "locale",
    "pricing_model",
    "cost_per_interview",
)
GOAL, START, END, PERIOD = "completes_goal", "start_at", "end_at", "fielding_specification"
STUDY, INDUSTRY, CLIENT, PII = "study_type_code", "industry_code", "client_id", "collects_pii"
EXCLUSION, OTHERS, RE_ENTRY = (
    "exclusion",
    "respondent_activity_exclusions",
    "re_entry_configuration",
)
RE_ENTRY_SET = "re_entry_set"
MOST_COMPLETES = 1_000_000
LONGEST = timedelta(days=2 * 366)
_LOCALE = re.compile(r"[a-z]{3}_[a-z]{2}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DraftEntry(BoundForm):
    """A draft's form in use. `group` is none of ours yet where the draft is new."""

    lists: Lists = field(default_factory=Lists)
    units: Sequence[BusinessUnit] = ()
    is_new: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """Where the people of the chosen country live."""
        code = self.text(LOCALE)
        return time_zones.zone_of(code.partition("_")[2] or self.group.country_code, self.own_zone)

    @property
    def own_zone(self) -> str:
        """The zone that the group has of its own."""
        return self.group.time_zone

    @property
    def unit(self) -> BusinessUnit | None:
        """The business unit that is chosen."""
        chosen = self.text(UNIT)
        return next((one for one in self.units if one.exchange_id == chosen), None)

    @property
    def currency(self) -> str:
        """The currency of the chosen business unit, else the one that is held."""
        if self.unit and self.unit.currency:
            return self.unit.currency
        held = (self.seen or {}).get(CPI)
        return str(held["currency_code"]).upper() if held else self.group.currency

    def text(self, name: str) -> str:
        """A field as typed, else as it is held."""
        held = self.seen.get(name) if self.seen else None
        return self.typed.get(name, "" if held is None else str(held)).strip()


def as_priced(entry: DraftEntry) -> TargetGroup:
    """The group in the currency of the chosen business unit."""
    return TargetGroup(currency=entry.currency, account_id=entry.group.account_id)


def _unit(entry: DraftEntry, text: str) -> Value:
    if text not in {one.exchange_id for one in entry.units}:
        raise FormError(business_unit_id="Choose one of your business units.")
    return text


def _locale(entry: DraftEntry, text: str) -> Value:
    known = {code for code, _ in entry.lists.locales}
    if not _LOCALE.fullmatch(text) or (known and text not in known):
        raise FormError(locale="Choose a country and language of the list.")
    return text


def _goal(_entry: DraftEntry, text: str) -> Value:
    return parse_whole(text, 1, MOST_COMPLETES, GOAL, "completes goal")


def _ir(_entry: DraftEntry, text: str) -> Value:
    percent = parse_whole(
        text.removesuffix("%").strip(), 1, 100, details.IR, "expected IR in per cent"
    )
    return percent / 100


def _pricing(entry: DraftEntry, text: str) -> Value:
    if text not in ("dynamic", "rate_card"):
        raise FormError(pricing_model="Choose how it is priced.")
    unit = entry.unit
    if unit and unit.pricing_models and text not in unit.pricing_models:
        raise FormError(pricing_model=f"{unit} does not offer this.")
    return text


def _optional(reads: Callable[[DraftEntry, str], Value]) -> Callable[[DraftEntry, str], Value]:
    return lambda entry, text: reads(entry, text) if text else None


def _code(name: str) -> Callable[[DraftEntry, str], Value]:
    def check(_entry: DraftEntry, text: str) -> Value:
        if text and not _CODE.fullmatch(text):
            raise FormError({name: "Choose one of the list."})
        return text or None

    return check


def _client(_entry: DraftEntry, text: str) -> Value:
    if text and not (text.isascii() and text.isdigit() and len(text) < 11):
        raise FormError(client_id="Choose one of the list, or type the number of the client.")
    return text or None


def _details(name: str) -> Callable[[DraftEntry, str], Value]:
    return details.FIELDS[name]


FIELDS: Mapping[str, Callable[[DraftEntry, str], Value]] = {
    details.NAME: _details(details.NAME),
    LOCALE: _locale,
    GOAL: _goal,
    details.LOI: _details(details.LOI),
    details.IR: _ir,
    UNIT: _unit,
    PRICING: _pricing,
    details.PRICE_NOTE: _details(details.PRICE_NOTE),
    details.MANAGER_ID: _details(details.MANAGER_ID),
    details.LIVE: _optional(_details(details.LIVE)),
    details.TEST: _optional(_details(details.TEST)),
    details.LOCKOUT: _code(details.LOCKOUT),
    STUDY: _code(STUDY),
    INDUSTRY: _code(INDUSTRY),
    CLIENT: _client,
    details.REFERENCE: _details(details.REFERENCE),
    OTHERS: exclusions.clean_exclusions,
}
