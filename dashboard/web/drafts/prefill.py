"""The values that a new draft starts with, and what the pages of drafts say about one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashboard.fielding.domain import rate_card, time_zones
from dashboard.fielding.models import BusinessUnit, Edit, Project, TargetGroup
from dashboard.sync.edits import copy_group
from dashboard.sync.edits.kinds import draft
from dashboard.sync.lookup.on_demand import Feasible
from dashboard.web.edits import supplier_labels, value_labels
from dashboard.web.edits.forms import datetimes, details
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft.fields import (
    CPI,
    END,
    GOAL,
    LOCALE,
    PERIOD,
    PRICING,
    START,
    UNIT,
)
from dashboard.web.formatting import numbers, times
from dashboard.web.groups.panels import rate_card as pricing

FIELD_DAYS = 7
MAX_NAME_LENGTH = 128
TOLERANCE = 1.05  # how precise an estimate is at best
# Settings that the next group of a project usually shares with the previous one.
_IN_COMMON = (
    UNIT,
    LOCALE,
    PRICING,
    details.LOI,
    details.IR,
    details.MANAGER_ID,
    details.LOCKOUT,
    "study_type_code",
    "industry_code",
    "client_id",
    "collects_pii",
    "exclusion",
)
# The fields that feasibility needs; the rest of a draft may still be empty.
FEASIBILITY_FIELDS = (LOCALE, UNIT, GOAL, details.LOI, details.IR, START, END, PRICING)


def blank_draft(now: datetime) -> Value:
    """Return an empty draft with default dates."""
    value: Value = dict.fromkeys(draft.FIELDS)
    value |= {"respondent_activity_exclusions": [], "exclusion": True, "collects_pii": False}
    value[draft.PROFILING] = {}
    return value | {PRICING: "dynamic", PERIOD: default_period(now)}


def default_period(now: datetime, code: str = "") -> dict[str, str]:
    """Return a week from tomorrow morning, in the time zone of a locale."""
    zone = time_zones.zone_of(code.partition("_")[2])
    day = now.astimezone(zone).replace(hour=9, minute=0, second=0, microsecond=0)
    start, end = (day + timedelta(days=days) for days in (1, 1 + FIELD_DAYS))
    return {
        START: datetimes.rfc3339_stamp(start),
        END: datetimes.rfc3339_stamp(end.replace(hour=18)),
    }


def draft_like_newest(
    project: Project, units: list[BusinessUnit], own_id: str, now: datetime
) -> Value:
    """Return a draft with the settings that it usually shares with the project's newest group."""
    value = blank_draft(now)
    newest = project.target_groups.exclude(details={}).order_by("-created_at", "-pk").first()
    current = copy_group.stored_copy(newest) if newest else None
    if current:
        value |= {name: current[name] for name in _IN_COMMON if current.get(name) is not None}
    elif len(units) == 1:
        value[UNIT] = units[0].exchange_id
    value[PERIOD] = default_period(now, value[LOCALE] or "")
    if not value[details.MANAGER_ID]:
        value[details.MANAGER_ID] = project.project_manager_id or own_id or None
    return value


def draft_like_source(source: TargetGroup, value: Value, now: datetime) -> Value:
    """Return a copy of another group, with a name of its own and dates from now on."""
    name = f"{(value['name'] or source.name)[: MAX_NAME_LENGTH - 5]} copy"
    copied = {field: value[field] for field in draft.FIELDS}
    return (
        blank_draft(now) | copied | {"name": name, PERIOD: default_period(now, value[LOCALE] or "")}
    )


def for_feasibility(value: Value, errors: dict[str, str]) -> tuple[Value, dict[str, str]]:
    """Return a draft as feasibility is requested for it, and the errors that prevent it."""
    missing = {name: error for name, error in errors.items() if name in FEASIBILITY_FIELDS}
    price = None if CPI in errors else value.get(CPI)
    return value | {CPI: price}, missing


@dataclass(frozen=True, slots=True)
class EstimateOutlook:
    """The exchange's estimate of a draft, in words; `tone` colours the verdict on its goal."""

    price: str
    span: str
    completes: str
    verdict: str
    tone: str
    cost: str
    suggested: str


def estimate_outlook(estimate: Feasible, value: Value) -> EstimateOutlook:
    """Return the exchange's estimate, compared with the draft's goal."""
    goal, price = value[GOAL], value.get(CPI)
    fixed_price = Decimal(price["value"]) if price and value[PRICING] == "dynamic" else None
    cpi = fixed_price if fixed_price is not None else estimate.price
    price_range = estimate.prices
    verdict, tone = _judge_feasibility(goal, estimate.completes)
    return EstimateOutlook(
        numbers.format_price(estimate.price, estimate.currency),
        " to ".join(numbers.format_price(number, estimate.currency) for number in price_range)
        if price_range
        else "",
        " to ".join(numbers.format_count(number) for number in estimate.completes)
        if estimate.completes
        else "",
        verdict,
        tone,
        f"{numbers.format_count(goal)} completes × "
        f"{numbers.format_amount(cpi, estimate.currency)} = "
        f"{numbers.format_total(goal * cpi, estimate.currency)}",
        numbers.typed_amount(round(estimate.price, 4)) if value[PRICING] == "dynamic" else "",
    )


def _judge_feasibility(goal: int, completes: tuple[int, int] | None) -> tuple[str, str]:
    if completes is None:
        return "Cint does not say how many completes are feasible.", ""
    low, high = completes
    maximum = draft.MOST_ESTIMATED
    if goal > maximum and high * TOLERANCE >= maximum:
        sentence = (
            f"Cint estimates at most {numbers.format_count(maximum)} completes at a time, and this "
            f"is its estimate for that many. Whether the goal of {numbers.format_count(goal)} is "
            "feasible is not known."
        )
        return sentence, "warn"
    if goal <= low:
        return f"The goal of {numbers.format_count(goal)} is feasible.", "good"
    if goal <= high * TOLERANCE:
        return f"The goal of {numbers.format_count(goal)} may or may not be reached.", "warn"
    missing = numbers.format_count(goal - high)
    return (
        f"The goal of {numbers.format_count(goal)} is not feasible: about {missing} short.",
        "bad",
    )


def draft_rows(group: TargetGroup, names: Mapping[str, str]) -> dict[str, str]:
    """Return a draft in words, as it was last read; empty settings are left out."""
    current = draft.stored_draft(group)
    if current is None:
        return {}
    units = dict(group.account.business_units.values_list("exchange_id", "name"))
    shown = {name: part for name, part in current.items() if name != "re_entry_configuration"}
    parts = value_labels.value_parts(
        Edit.Kind.DRAFT, shown, {**units, **names}, times.zone_of(group)
    )
    rows = {word: text for word, text in parts.items() if text not in (numbers.DASH, "none")}
    return rows | ({"Maximum cost": cost} if (cost := cost_of(current)) else {})


def settings_without_field(
    value: Value, names: Mapping[str, str], zone: ZoneInfo | None
) -> list[str]:
    """Return a draft's settings without a field: supplier allocations, fielding assistant."""
    carried = {name: value[name] for name in draft.PASSTHROUGH if value.get(name)}
    parts = value_labels.value_parts(Edit.Kind.DRAFT, carried, names, zone)
    defaults = (supplier_labels.EVERYBODY, "off")
    return [f"{word}: {text}" for word, text in parts.items() if text not in defaults]


def cost_of(value: Value) -> str:
    """Return the cost of all completes: "120 completes × 3.20 = 384 EUR"; empty if unknown."""
    price, goal = value.get(CPI), value.get(GOAL)
    if not price or not goal:
        return ""
    cpi, currency = Decimal(price["value"]), price["currency_code"]
    prefix = "about " if value[PRICING] == "rate_card" else ""
    return (
        f"{numbers.format_count(goal)} completes × {numbers.format_amount(cpi, currency)} = "
        f"{prefix}{numbers.format_total(goal * cpi, currency)}"
    )


def missing_for_launch(value: Value) -> list[str]:
    """Return what a draft lacks to be launched."""
    labels = {details.LIVE: "no live URL", details.TEST: "no test URL"}
    return [label for name, label in labels.items() if not value.get(name)]


def card_table(stored: object, value: Value) -> pricing.CardTable | None:
    """Return the rate card with the draft's cell marked; None where none is stored."""
    card = rate_card.read_rate_card(stored)
    if card is None:
        return None
    cell = card.cell(value.get(details.LOI), value.get(details.IR))
    sentences = []
    if cell:
        row, column = cell
        price, goal = card.prices[row][column], value.get(GOAL)
        cpi = numbers.format_money(price, card.currency)
        total = f", {numbers.format_total(price * goal, card.currency)} in total" if goal else ""
        sentences = [f"This draft: {cpi} per complete{total}."]
    return pricing.card_table(card, marks={pricing.DRAFT: cell}, sentences=sentences)
