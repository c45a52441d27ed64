"""What a new draft begins with, and what stands beside the form of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
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
LONGEST_NAME = 128
NEARLY = 1.05  # an estimate is no better than that
# What the next group of a project usually has in common with the one before.
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
# What feasibility cannot do without; the rest of a draft may still be open.
ASKED = (LOCALE, UNIT, GOAL, details.LOI, details.IR, START, END, PRICING)


def blank_draft(now: datetime) -> Value:
    """A draft of which nothing is known but when."""
    value: Value = dict.fromkeys(draft.FIELDS)
    value |= {"respondent_activity_exclusions": [], "exclusion": True, "collects_pii": False}
    value[draft.PROFILING] = {}
    return value | {PRICING: "dynamic", PERIOD: default_period(now)}


def default_period(now: datetime, code: str = "") -> dict[str, str]:
    """From tomorrow morning where the people of a locale live, for a week."""
    zone = time_zones.zone_of(code.partition("_")[2])
    day = now.astimezone(zone).replace(hour=9, minute=0, second=0, microsecond=0)
    start, end = (day + timedelta(days=days) for days in (1, 1 + FIELD_DAYS))
    return {
        START: datetimes.rfc3339_stamp(start),
        END: datetimes.rfc3339_stamp(end.replace(hour=18)),
    }


def draft_like_newest(project: Project, units: list[BusinessUnit], me: str, now: datetime) -> Value:
    """What the project's newest group had, as far as the next one usually has it too."""
    value = blank_draft(now)
    newest = project.target_groups.exclude(details={}).order_by("-created_at", "-pk").first()
    held = copy_group.stored_copy(newest) if newest else None
    if held:
        value |= {name: held[name] for name in _IN_COMMON if held.get(name) is not None}
    elif len(units) == 1:
        value[UNIT] = units[0].exchange_id
    value[PERIOD] = default_period(now, value[LOCALE] or "")
    if not value[details.MANAGER_ID]:
        value[details.MANAGER_ID] = project.project_manager_id or me or None
    return value


def draft_like_source(source: TargetGroup, value: Value, now: datetime) -> Value:
    """What another group has, under a name of its own and from now on."""
    name = f"{(value['name'] or source.name)[: LONGEST_NAME - 5]} copy"
    kept = {field: value[field] for field in draft.FIELDS}
    return (
        blank_draft(now) | kept | {"name": name, PERIOD: default_period(now, value[LOCALE] or "")}
    )


def for_question(value: Value, wrong: dict[str, str]) -> tuple[Value, dict[str, str]]:
    """A draft as feasibility is asked of it, and what must be filled in first."""
    missing = {name: said for name, said in wrong.items() if name in ASKED}
    price = None if CPI in wrong else value.get(CPI)
    return value | {CPI: price}, missing


@dataclass(frozen=True, slots=True)
class EstimateOutlook:
    """What the exchange thinks of a draft, in words; `tone`: how its goal looks."""

    price: str
    span: str
    completes: str
    verdict: str
    tone: str
    cost: str
    suggested: str


def estimate_outlook(told: Feasible, value: Value) -> EstimateOutlook:
    """The exchange's estimate beside what is asked for."""
    goal, price = value[GOAL], value.get(CPI)
    typed = Decimal(price["value"]) if price and value[PRICING] == "dynamic" else None
    paid = typed if typed is not None else told.price
    low_high = told.prices
    verdict, tone = _verdict(goal, told.completes)
    return EstimateOutlook(
        numbers.format_price(told.price, told.currency),
        " to ".join(numbers.format_price(one, told.currency) for one in low_high)
        if low_high
        else "",
        " to ".join(numbers.format_count(one) for one in told.completes) if told.completes else "",
        verdict,
        tone,
        f"{numbers.format_count(goal)} completes × {numbers.format_amount(paid, told.currency)} = "
        f"{numbers.format_total(goal * paid, told.currency)}",
        numbers.typed_amount(round(told.price, 4)) if value[PRICING] == "dynamic" else "",
    )


def _verdict(goal: int, completes: tuple[int, int] | None) -> tuple[str, str]:
    if completes is None:
        return "The exchange does not say how many completes can be had.", ""
    least, most = completes
    asked = draft.MOST_ESTIMATED
    if goal > asked and most * NEARLY >= asked:
        said = (
            f"The exchange estimates at most {numbers.format_count(asked)} completes, and this is "
            "its estimate for that many. It does not say whether the goal of "
            f"{numbers.format_count(goal)} is within reach."
        )
        return said, "warn"
    if goal <= least:
        return f"The goal of {numbers.format_count(goal)} is within reach.", "good"
    if goal <= most * NEARLY:
        return f"The goal of {numbers.format_count(goal)} may be reached, and may not.", "warn"
    short = numbers.format_count(goal - most)
    return f"The goal of {numbers.format_count(goal)} is out of reach: about {short} short.", "bad"


def draft_rows(group: TargetGroup, names: Mapping[str, str]) -> dict[str, str]:
    """A draft in words, as we last read it; what it does not say is left out."""
    held = draft.stored_draft(group)
    if held is None:
        return {}
    units = dict(group.account.business_units.values_list("exchange_id", "name"))
    shown = {name: told for name, told in held.items() if name != "re_entry_configuration"}
    told = value_labels.value_parts(
        Edit.Kind.DRAFT, shown, {**units, **names}, times.zone_of(group)
    )
    said = {word: text for word, text in told.items() if text not in (numbers.DASH, "none")}
    return said | ({"Cost, at most": cost} if (cost := cost_of(held)) else {})


def settings_without_field(
    value: Value, names: Mapping[str, str], zone: ZoneInfo | None
) -> list[str]:
    """What a draft has that its form does not change: suppliers' shares, fielding assistant."""
    carried = {name: value[name] for name in draft.PASSTHROUGH if value.get(name)}
    told = value_labels.value_parts(Edit.Kind.DRAFT, carried, names, zone)
    nothing = (supplier_labels.EVERYBODY, "off")
    return [f"{word}: {said}" for word, said in told.items() if said not in nothing]


def cost_of(value: Value) -> str:
    """What all completes cost: "120 completes × 3.20 = 384 EUR"."""
    price, goal = value.get(CPI), value.get(GOAL)
    if not price or not goal:
        return ""
    each, currency = Decimal(price["value"]), price["currency_code"]
    about = "about " if value[PRICING] == "rate_card" else ""
    return (
        f"{numbers.format_count(goal)} completes × {numbers.format_amount(each, currency)} = "
        f"{about}{numbers.format_total(goal * each, currency)}"
    )


def missing_for_launch(value: Value) -> list[str]:
    """What the exchange will miss when it is launched."""
    wanted = {details.LIVE: "no live URL", details.TEST: "no test URL"}
    return [said for name, said in wanted.items() if not value.get(name)]


def card_table(stored: Any, value: Value) -> pricing.CardTable | None:
    """The rate card with the cell that the draft would stand in."""
    card = rate_card.read_rate_card(stored)
    if card is None:
        return None
    here = card.cell(value.get(details.LOI), value.get(details.IR))
    said = []
    if here:
        row, column = here
        price, goal = card.prices[row][column], value.get(GOAL)
        said = [f"This draft: {numbers.format_money(price, card.currency)} a complete."]
        if goal:
            said = [f"{said[0][:-1]}, {numbers.format_total(price * goal, card.currency)} for all."]
    return pricing.card_table(card, marks={pricing.DRAFT: here}, sentences=said)
