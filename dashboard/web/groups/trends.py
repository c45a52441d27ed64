"""A group's metrics over time, from Fieldwatch's own readings, and its respondent funnel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict

from dashboard.fielding.models import Reading, TargetGroup
from dashboard.fielding.models.querysets.series import ReadingQuerySet
from dashboard.web.formatting import numbers

LONGEST = timedelta(days=60)
YOUNG = timedelta(days=3)  # of readings, up to which a trend is shown hour by hour
Bid = Callable[[TargetGroup], float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric over time: its column, the factor to its unit, and how to find the bid value."""

    label: str
    column: str
    factor: float
    unit: str
    bid: Bid


def _bid_incidence_rate(group: TargetGroup) -> float | None:
    expected = group.expected_incidence_rate
    return None if expected is None else expected * 100


def _no_bid(_group: TargetGroup) -> None:
    return None


TRENDS = {
    "loi": Trend(
        "LOI", "median_loi_seconds", 1 / 60, "min", lambda group: group.expected_loi_minutes
    ),
    "ir": Trend("IR", "incidence_rate", 100, "%", _bid_incidence_rate),
    "conversion": Trend("Conversion", "conversion_rate", 100, "%", _no_bid),
    "drop_off": Trend("Drop-off", "drop_off_rate", 100, "%", _no_bid),
    "epc": Trend("EPC", "epc", 1, "", _no_bid),
    "cpi": Trend("CPI", "cpi", 1, "", _no_bid),
}
FIRST = "loi"


def chosen_trend(query: QueryDict) -> Trend:
    """Return the trend that the query string selects."""
    return TRENDS.get(query.get("trend", ""), TRENDS[FIRST])


def trend_choices(query: QueryDict) -> list[tuple[str, str, str, bool]]:
    """Return key, link, label and whether it is chosen, for each trend."""
    chosen = chosen_trend(query)
    return [
        (key, _link_to(query, key), trend.label, trend is chosen)
        for key, trend in (
            ("" if name == FIRST else name, candidate) for name, candidate in TRENDS.items()
        )
    ]


def _link_to(query: QueryDict, key: str) -> str:
    parts = {name: query[name] for name in ("per", "span") if query.get(name)}
    return "?" + urlencode(parts | ({"trend": key} if key else {}))


def trend_points(group: TargetGroup, trend: Trend, since: datetime) -> list[tuple[datetime, float]]:
    """Return the metric at each reading that has it, oldest first."""
    readings = ReadingQuerySet(Reading).filter(group=group).since(since)
    return [
        (at, float(value) * trend.factor)
        for at, value in readings.values_list("at", trend.column)
        if value is not None
    ]


def trend_start(group: TargetGroup, now: datetime) -> datetime:
    """Return from when on a trend is shown: the start of fielding, at most 60 days ago."""
    earliest = now - LONGEST
    return max(group.starts_at, earliest) if group.starts_at and group.starts_at < now else earliest


def readings_to_show(
    points: Sequence[tuple[datetime, float]], zone: ZoneInfo
) -> list[tuple[datetime, float]]:
    """Return each reading of a young group, or the last one of each local day of an older one.

    points: oldest first. Cint counts these metrics since launch, so the last of a day has all of
    it.
    """
    if not points or points[-1][0] - points[0][0] < YOUNG:
        return list(points)
    last_of_day = {at.astimezone(zone).date(): (at, value) for at, value in points}
    return list(last_of_day.values())


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step of the funnel: how many respondents got this far, of how many entrants."""

    label: str
    number: int
    of: int
    text: str


def funnel_steps(group: TargetGroup) -> list[FunnelStep]:
    """Return entrants, prescreens and completes; empty until somebody entered."""
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
    """Return Cint's count by exit status: label, number, share."""
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
