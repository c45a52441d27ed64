"""The fields of a draft: what each accepts, and their choices."""

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
MAX_COMPLETES = 1_000_000
LONGEST = timedelta(days=2 * 366)
_LOCALE = re.compile(r"[a-z]{3}_[a-z]{2}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DraftEntry(BoundForm[Value]):
    """A draft's form in use. `group` is not stored yet where the draft is new."""

    lists: Lists = field(default_factory=Lists)
    units: Sequence[BusinessUnit] = ()
    is_new: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the chosen country, or the group's own."""
        code = self.text(LOCALE)
        return time_zones.zone_of(code.partition("_")[2] or self.group.country_code, self.own_zone)

    @property
    def own_zone(self) -> str:
        """The group's own time zone; empty without one."""
        return self.group.time_zone

    @property
    def unit(self) -> BusinessUnit | None:
        """The chosen business unit; None where it is not one of the account's."""
        chosen = self.text(UNIT)
        return next((unit for unit in self.units if unit.exchange_id == chosen), None)

    @property
    def currency(self) -> str:
        """The currency of the chosen business unit, else that of the current CPI."""
        if self.unit and self.unit.currency:
            return self.unit.currency
        current = (self.seen or {}).get(CPI)
        return str(current["currency_code"]).upper() if current else self.group.currency

    def text(self, name: str) -> str:
        """Return a field as typed, else as the exchange has it."""
        current = self.seen.get(name) if self.seen else None
        return self.typed.get(name, "" if current is None else str(current)).strip()


def as_priced(entry: DraftEntry) -> TargetGroup:
    """Return the group in the currency of the chosen business unit."""
    return TargetGroup(currency=entry.currency, account_id=entry.group.account_id)


def _clean_unit(entry: DraftEntry, text: str) -> Value:
    if text not in {unit.exchange_id for unit in entry.units}:
        raise FormError(business_unit_id="Choose a business unit from the list.")
    return text


def _clean_locale(entry: DraftEntry, text: str) -> Value:
    known = {code for code, _ in entry.lists.locales}
    if not _LOCALE.fullmatch(text) or (known and text not in known):
        raise FormError(locale="Choose a country and language from the list.")
    return text


def _clean_goal(_entry: DraftEntry, text: str) -> Value:
    return parse_whole(text, 1, MAX_COMPLETES, GOAL, "completes goal")


def _clean_ir(_entry: DraftEntry, text: str) -> Value:
    percent = parse_whole(text.removesuffix("%").strip(), 1, 100, details.IR, "expected IR in %")
    return percent / 100


def _clean_pricing(entry: DraftEntry, text: str) -> Value:
    if text not in ("dynamic", "rate_card"):
        raise FormError(pricing_model="Choose a pricing model.")
    unit = entry.unit
    if unit and unit.pricing_models and text not in unit.pricing_models:
        raise FormError(pricing_model=f"{unit} does not offer this pricing model.")
    return text


def _make_optional(clean: Callable[[DraftEntry, str], Value]) -> Callable[[DraftEntry, str], Value]:
    return lambda entry, text: clean(entry, text) if text else None


def _code_cleaner(name: str) -> Callable[[DraftEntry, str], Value]:
    def clean(_entry: DraftEntry, text: str) -> Value:
        if text and not _CODE.fullmatch(text):
            raise FormError({name: "Choose an option from the list."})
        return text or None

    return clean


def _clean_client(_entry: DraftEntry, text: str) -> Value:
    if text and not (text.isascii() and text.isdigit() and len(text) < 11):
        raise FormError(client_id="Choose a client from the list, or enter the client's number.")
    return text or None


def _details_cleaner(name: str) -> Callable[[DraftEntry, str], Value]:
    return details.FIELDS[name]


FIELDS: Mapping[str, Callable[[DraftEntry, str], Value]] = {
    details.NAME: _details_cleaner(details.NAME),
    LOCALE: _clean_locale,
    GOAL: _clean_goal,
    details.LOI: _details_cleaner(details.LOI),
    details.IR: _clean_ir,
    UNIT: _clean_unit,
    PRICING: _clean_pricing,
    details.PRICE_NOTE: _details_cleaner(details.PRICE_NOTE),
    details.MANAGER_ID: _details_cleaner(details.MANAGER_ID),
    details.LIVE: _make_optional(_details_cleaner(details.LIVE)),
    details.TEST: _make_optional(_details_cleaner(details.TEST)),
    details.LOCKOUT: _code_cleaner(details.LOCKOUT),
    STUDY: _code_cleaner(STUDY),
    INDUSTRY: _code_cleaner(INDUSTRY),
    CLIENT: _clean_client,
    details.REFERENCE: _details_cleaner(details.REFERENCE),
    OTHERS: exclusions.clean_exclusions,
}
