"""How a group's figures moved, from our own readings, and the funnel of its people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from dashboard.fielding.models import Reading, TargetGroup
from dashboard.fielding.models.querysets.series import ReadingQuerySet
from dashboard.web.formatting import numbers

Agreed = Callable[[TargetGroup], float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure over time: its column, what one is worth on the page, and what was agreed."""

    label: str
    column: str
    factor: float
    unit: str
    agreed: Agreed


def _share(group: TargetGroup) -> float | None:
    expected = group.expected_incidence_rate
    return None if expected is None else expected * 100


def _none(_group: TargetGroup) -> None:
    return None


TRENDS = {
    "loi": Trend(
        "LOI", "median_loi_seconds", 1 / 60, "min", lambda group: group.expected_loi_minutes
    ),
    "ir": Trend("IR", "incidence_rate", 100, "%", _share),
    "conversion": Trend("Conversion", "conversion_rate", 100, "%", _none),
    "drop_off": Trend("Drop-off", "drop_off_rate", 100, "%", _none),
    "epc": Trend("EPC", "epc", 1, "", _none),
    "cpi": Trend("CPI", "cpi", 1, "", _none),
}
FIRST = "loi"


def chosen_trend(asked: QueryDict) -> Trend:
    """The figure that the address asks for."""
    return TRENDS.get(asked.get("trend", ""), TRENDS[FIRST])


def trend_choices(asked: QueryDict) -> list[tuple[str, str, str, bool]]:
    """The figures that can be looked at: key, link, word, whether chosen."""
    now = chosen_trend(asked)
    return [
        (key, _address(asked, key), trend.label, trend is now)
        for key, trend in (("" if name == FIRST else name, one) for name, one in TRENDS.items())
    ]


def _address(asked: QueryDict, key: str) -> str:
    parts = {name: asked[name] for name in ("per", "span") if asked.get(name)}
    return "?" + urlencode(parts | ({"trend": key} if key else {}))


def trend_points(group: TargetGroup, trend: Trend, since: datetime) -> list[tuple[datetime, float]]:
    """The figure at each reading that has it, in order of time."""
    readings = ReadingQuerySet(Reading).filter(group=group).since(since)
    return [
        (at, float(value) * trend.factor)
        for at, value in readings.values_list("at", trend.column)
        if value is not None
    ]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step of the funnel: how many came so far, of how many who entered."""

    label: str
    number: int
    of: int
    text: str


def funnel_steps(group: TargetGroup) -> list[FunnelStep]:
    """Entrants, prescreens, completes; nothing until somebody entered."""
    entered = group.entrants
    if not entered:
        return []
    steps = [
        ("Entered", entered),
        ("Passed the screener", group.prescreens),
        ("Completed", group.completes),
    ]
    return [
        FunnelStep(
            label,
            min(number, entered),
            entered,
            f"{numbers.format_count(number)} ({numbers.format_percent(number / entered)})",
        )
        for label, number in steps
        if number is not None
    ]


def respondent_counts(group: TargetGroup) -> list[tuple[str, str, str]]:
    """The exchange's own count by how people left: words, number, share."""
    rows = group.respondent_analysis if isinstance(group.respondent_analysis, list) else []
    counted = [
        (str(row.get("label") or row.get("status") or numbers.DASH), row["count"])
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("count"), int)
    ]
    total = sum(number for _, number in counted)
    return [
        (
            label,
            numbers.format_count(number),
            numbers.format_percent(number / total if total else None),
        )
        for label, number in sorted(counted, key=lambda pair: -pair[1])
    ]
