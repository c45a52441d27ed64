"""What the page of one group says in figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.fielding.models import Edit, TargetGroup, User
from dashboard.web import figures, rows, times, words
from dashboard.web.charts import Forecast


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the strip, with what it is measured against."""

    label: str
    value: str
    beside: str = ""
    hint: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause, with what to do about it."""

    sentence: str
    observed: str
    expected: str
    advice: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as we last read it, and the form that changes it."""

    kind: str
    label: str
    value: str
    note: str
    offered: bool


def _part(group: TargetGroup, *path: str) -> Any:
    """A part of what the pull worked out; None where any step is missing."""
    part: Any = group.insight
    for step in path:
        part = part.get(step) if isinstance(part, Mapping) else None
    return part


def _decimal(text: Any) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None


def group_status(group: TargetGroup) -> rows.Status:
    """The status in words."""
    return rows.status(group.status, group.status_reason, group.status_changed_by)


def remark(group: TargetGroup) -> str:
    """What is odd about reading this group, if anything."""
    return rows.remark(group)


def progress(group: TargetGroup) -> figures.Progress:
    """How full the group is, by what its strategy counts."""
    return figures.progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )


def strip(group: TargetGroup, user: User) -> list[Figure]:
    """The figures that answer "is something wrong, and how wrong"."""
    return [*_outlook(group, user), *_quality(group)]


def _outlook(group: TargetGroup, user: User) -> list[Figure]:
    """Where it is going, and what it costs."""
    late = bool(group.finish_at and group.ends_at and group.finish_at > group.ends_at)
    return [
        _pace(group),
        Figure(
            "Short at end",
            figures.count(group.short_at_end),
            _between(_part(group, "forecast", "at_end")),
            "Short at end",
        ),
        Figure(
            "Likely finish",
            _day(group.finish_at, group),
            f"ends {times.when(group.ends_at, group, user)}" if group.ends_at else "no end date",
            tone="warn" if late else "",
        ),
        Figure(
            "CPI",
            figures.money(group.cpi, group.currency),
            f"average {figures.amount(group.average_cpi)}",
            "CPI",
        ),
        Figure("Spend", figures.total(group.cost, group.currency), _final_cost(group), "Spend"),
    ]


def _quality(group: TargetGroup) -> list[Figure]:
    """How it goes for the people who enter."""
    return [
        Figure(
            "LOI", figures.minutes(group.median_loi_seconds, group.expected_loi_minutes), "", "LOI"
        ),
        Figure(
            "IR", figures.incidence(group.incidence_rate, group.expected_incidence_rate), "", "IR"
        ),
        Figure(
            "Conversion",
            figures.percent(group.conversion_rate),
            f"{figures.count(group.completes)} of {figures.count(group.entrants)} entered",
            "Conversion",
        ),
        Figure("Drop-off", figures.percent(group.drop_off_rate), "", "Drop-off"),
        Figure(
            "EPC",
            figures.money(group.epc, group.currency),
            f"EPCM {figures.amount(group.epcm)}",
            "EPC",
        ),
    ]


def _pace(group: TargetGroup) -> Figure:
    band = _part(group, "pace", "band")
    actual, required = _part(group, "pace", "actual"), _part(group, "pace", "required")
    beside = ""
    if isinstance(actual, int | float) and isinstance(required, int | float):
        beside = f"{actual:,.0f} of {required:,.0f} due by now"
    word = words.sentence_case(str(band)) if band else figures.DASH
    return Figure("Pace", word, beside or str(_part(group, "pace", "reason") or ""), "Pace")


def _between(percentiles: Any) -> str:
    """The range of a forecast at the end."""
    if not isinstance(percentiles, list) or len(percentiles) != 3 or None in percentiles:
        return ""
    return f"{figures.count(percentiles[0])}–{figures.count(percentiles[2])} completes by then"


def _final_cost(group: TargetGroup) -> str:
    middle = _decimal(_part(group, "cost", "p50"))
    return f"about {figures.total(middle, group.currency)} in the end" if middle else ""


def _day(moment: datetime | None, group: TargetGroup) -> str:
    return (
        figures.DASH if moment is None else f"{moment.astimezone(times.zone_of(group)):%a %-d %b}"
    )


def forecast(group: TargetGroup) -> Forecast | None:
    """The forecast at the end of the fielding period, for the chart."""
    at_end = _part(group, "forecast", "at_end")
    if group.ends_at is None or not isinstance(at_end, list) or len(at_end) != 3:
        return None
    numbers = [number for number in at_end if isinstance(number, int | float)]
    return Forecast(group.ends_at, *numbers) if len(numbers) == 3 else None


def causes(group: TargetGroup) -> list[Cause]:
    """The three likeliest causes, and what the exchange itself objects to."""
    found = [
        Cause(*(str(one.get(key) or "") for key in ("sentence", "observed", "expected", "advice")))
        for one in _part(group, "causes") or []
        if isinstance(one, Mapping)
    ][:3]
    if not isinstance(group.issues, Mapping):
        return found
    for figure, issues in group.issues.items():
        for issue in issues if isinstance(issues, list) else []:
            advice = "; ".join(str(text) for text in issue.get("suggestions") or [])
            text = str(issue.get("text") or issue.get("code") or figure)
            found.append(Cause(f"The exchange says: {text}", "", "", advice))
    return found


def settings_of(group: TargetGroup) -> list[Setting]:
    """What can be changed from here."""
    rate_card = group.pricing_model == "rate_card"
    strategy = words.STRATEGIES.get(group.filling_strategy, group.filling_strategy)
    price = "The rate card sets it" if rate_card else ""
    return [
        Setting(
            Edit.Kind.CPI,
            "CPI",
            figures.money(group.cpi, group.currency),
            price or ("Limited by the fielding assistant" if group.is_pricing_restricted else ""),
            not rate_card,
        ),
        Setting(Edit.Kind.FILLING_STRATEGY, "Filling strategy", strategy or figures.DASH, "", True),
        Setting(
            Edit.Kind.RE_ENTRY,
            "Re-entry",
            _re_entry(group),
            "" if group.re_entry_offered is not False else "Not offered by this exchange",
            group.re_entry_offered is not False,
        ),
    ]


def _re_entry(group: TargetGroup) -> str:
    """How many cells of the re-entry grid are allowed."""
    if not isinstance(group.re_entry, Mapping):
        return "not read yet"
    cells = [
        value
        for sides in group.re_entry.values()
        if isinstance(sides, Mapping)
        for targets in sides.values()
        if isinstance(targets, Mapping)
        for value in targets.values()
    ]
    return f"{sum(map(bool, cells))} of {len(cells)} ways allowed"
