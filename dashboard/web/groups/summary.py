"""What the page of one group says in figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.document import Insight, StoredCost, StoredForecast, StoredPace
from dashboard.fielding.insight.group_history import FORECAST_STATUSES
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.charts import ForecastBand
from dashboard.web.formatting import labels, numbers, status, times


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the strip, with what it is measured against."""

    label: str
    value: str
    beside: str = ""
    hint: str = ""
    tone: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class CauseLine:
    """A likely cause, with what to do about it."""

    sentence: str
    observed: str
    expected: str
    advice: str


def group_status(group: TargetGroup) -> status.StatusLabel:
    """The status in words."""
    return status.status_label(group.status, group.status_reason, group.status_changed_by)


def reading_problem(group: TargetGroup) -> str:
    """What is odd about reading this group, if anything."""
    odd, drifted = status.reading_remark(group), labels.unreadable(group.unreadable)
    return f"{odd.rstrip('. ')}. {drifted}" if odd and drifted else odd or drifted


def progress_of_group(group: TargetGroup) -> numbers.GroupProgress:
    """How full the group is, by what its strategy counts."""
    return numbers.group_progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )


def summary_figures(group: TargetGroup, user: User) -> list[Figure]:
    """The figures that answer "is something wrong, and how wrong"."""
    return [*_outlook(group, user), *_quality(group)]


def _outlook(group: TargetGroup, user: User) -> list[Figure]:
    """Where it is going, and what it costs."""
    return [
        _pace(group),
        Figure(
            "Short at end", numbers.format_count(group.short_at_end), _band(group), "Short at end"
        ),
        _finish(group, user),
        Figure(
            "CPI",
            numbers.format_money(group.cpi, group.currency),
            _beside("average", group.average_cpi, group.currency),
            "CPI",
        ),
        _spend(group),
    ]


def _finish(group: TargetGroup, user: User) -> Figure:
    """The likely day with its range, and the end in the group's zone first."""
    late = bool(group.finish_at and group.ends_at and group.finish_at > group.ends_at)
    ends = (
        f"ends {times.time_for_person(group.ends_at, group, user)}"
        if group.ends_at
        else "no end date"
    )
    early, _, latest = Insight.of(group).finish_dates
    reach = ""
    if group.finish_at and early:
        first, last = _day(early, group), _day(latest, group)
        reach = f"{first} to {last} · " if latest else f"{first} at best · "
        reach = "" if first == last else reach
    if group.finish_at and is_guess(group.completes):
        reach = f"little more than a guess · {reach}"
    likely = _day(group.finish_at, group)
    if group.finish_at is None and early:
        likely, late = f"{_day(early, group)} at best", True
    elif group.finish_at is None and Insight.of(group).forecast:
        begun = group.status != "scheduled"
        likely, late = "Not in sight" if begun else "Not begun", begun
    tone = "warn" if late else ""
    return Figure("Likely finish", likely, reach + ends, "Likely finish", tone, wide=True)


def _quality(group: TargetGroup) -> list[Figure]:
    """How it goes for the people who enter."""
    return [
        Figure(
            "LOI",
            numbers.format_interview_length(group.median_loi_seconds, group.expected_loi_minutes),
            "",
            "LOI",
        ),
        Figure(
            "IR",
            numbers.format_incidence(group.incidence_rate, group.expected_incidence_rate),
            "",
            "IR",
        ),
        Figure(
            "Conversion",
            numbers.format_percent(group.conversion_rate),
            _counts(group),
            "Conversion",
        ),
        Figure("Drop-off", numbers.format_percent(group.drop_off_rate), "", "Drop-off"),
        Figure(
            "EPC",
            numbers.format_money(group.epc, group.currency),
            _beside("EPCM", group.epcm, group.currency),
            "EPC",
        ),
    ]


def _beside(word: str, money: Decimal | None, currency: str) -> str:
    """Money in small print; nothing where it is not known."""
    return "" if money is None else f"{word} {numbers.format_amount(money, currency)}"


def _counts(group: TargetGroup) -> str:
    """The raw counts beside the exchange's rates."""
    if group.completes is group.prescreens is group.entrants is None:
        return ""
    return (
        f"{numbers.format_count(group.completes)} completes, "
        f"{numbers.format_count(group.prescreens)} prescreens, "
        f"{numbers.format_count(group.entrants)} entered"
    )


def _pace(group: TargetGroup) -> Figure:
    """The band in words, with what it was judged by."""
    pace = Insight.of(group).pace or StoredPace()
    word = labels.sentence_case(pace.band) if pace.band else numbers.DASH
    tone = "warn" if pace.band in ("behind", "far behind") else ""
    return Figure("Pace", word, pace.reason or "", "Pace", tone, wide=True)


def _band(group: TargetGroup) -> str:
    """The range of completes at the end."""
    at_end = Insight.of(group).completes_at_end
    if at_end is None:
        return ""
    goal = completes_target(group)
    if goal and at_end.p10 >= goal:
        return "full before its end"
    most = min(at_end.p90, goal) if goal and (group.completes or 0) <= goal else at_end.p90
    return f"{numbers.format_count(at_end.p10)}–{numbers.format_count(most)} completes by then"


def _spend(group: TargetGroup) -> Figure:
    """What was spent, what it will be in the end with its range, and against which budget."""
    cost = Insight.of(group).cost or StoredCost()
    low, middle, high = cost.p10, cost.p50, cost.p90
    said, tone = [], ""
    if middle is not None:
        reach = ""
        if low is not None and high is not None and f"{low:.0f}" != f"{high:.0f}":
            reach = f" ({low:,.0f}–{high:,.0f})"
        said.append(f"about {numbers.format_total(middle, group.currency)} in the end{reach}")
    if group.budget is not None:
        said.append(f"budget {numbers.format_total(group.budget, group.currency)}")
        over = max(middle or Decimal(0), group.cost or Decimal(0)) > group.budget
        tone = "warn" if over else ""
    return Figure(
        "Spend",
        numbers.format_total(group.cost, group.currency),
        " · ".join(said),
        "Spend",
        tone,
        wide=True,
    )


def _day(moment: datetime | None, group: TargetGroup) -> str:
    return (
        numbers.DASH if moment is None else f"{moment.astimezone(times.zone_of(group)):%a %-d %b}"
    )


def forecast_band(group: TargetGroup) -> ForecastBand | None:
    """The forecast at the end of the fielding period, for the chart."""
    at_end = Insight.of(group).completes_at_end
    if at_end is None or group.ends_at is None:
        return None
    return ForecastBand(group.ends_at, at_end.p10, at_end.p50, at_end.p90)


def goal_chance(group: TargetGroup) -> str:
    """How likely the goal is met by the end, and how far to trust that; empty where it is over."""
    forecast = Insight.of(group).forecast or StoredForecast()
    chance, note = forecast.chance, forecast.note
    goal = completes_target(group)
    if group.status not in FORECAST_STATUSES or not goal or note is None:
        return ""
    said = ""
    if chance is not None and group.ends_at and (group.completes or 0) < goal:
        said = f"Chance to meet its goal by its end: {numbers.format_likelihood(chance)}. "
    return f"{said}{note[:1].upper()}{note[1:]}." if note else said


def likely_causes(group: TargetGroup) -> list[CauseLine]:
    """The three likeliest causes, and what the exchange itself objects to."""
    found = [
        CauseLine(cause.sentence, cause.observed, cause.expected, cause.advice)
        for cause in (Insight.of(group).causes or [])[:3]
    ]
    if not isinstance(group.issues, Mapping):
        return found
    for figure, issues in group.issues.items():
        for issue in issues if isinstance(issues, list) else []:
            advice = "; ".join(str(text) for text in issue.get("suggestions") or [])
            text = str(issue.get("text") or issue.get("code") or figure)
            found.append(CauseLine(f"The exchange says: {text}", "", "", advice))
    return found
