"""The figures and sentences at the top of a group's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import is_in_plan, is_open
from dashboard.fielding.figures.definitions import CALIBRATED_ON
from dashboard.fielding.figures.goal_cost import (
    COST_BY_END_DATE,
    COST_IF_GOAL_REACHED,
    cost_if_goal_reached,
)
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight import diagnosis
from dashboard.fielding.insight.at_end import GroupAtEnd, group_at_end
from dashboard.fielding.insight.document import Insight, StoredCost, StoredForecast, StoredPace
from dashboard.fielding.insight.group_history import FORECAST_STATUSES
from dashboard.fielding.insight.launch_phase import (
    LaunchPhase,
    phase_of_group,
    reason_of_pause,
)
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.charts import ForecastBand
from dashboard.web.formatting import labels, numbers, status, times

# Causes that the verdict names: they explain nothing further.
_SAID_BY_VERDICT = frozenset(
    rule.sentence for rule in diagnosis.RULES if rule.code in ("not_live", "waiting")
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at the top of the page, with what it is measured against."""

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
    """Return the status in words."""
    reason = reason_of_pause(group.status_reason, current_phase(group))
    return status.status_label(group.status, reason, group.status_changed_by)


def current_phase(group: TargetGroup) -> LaunchPhase:
    """Return the phase of the group's launch now."""
    return phase_of_group(group, now=datetime.now(UTC))


def _as_of(group: TargetGroup) -> datetime:
    """Return when the group was read: its figures are of that time."""
    return group.project.read_at or datetime.now(UTC)


def _projected(group: TargetGroup) -> GroupAtEnd | None:
    """Return where a group ends; None for one that is over, outside the plan, or not projected."""
    at_end = group_at_end(group, Insight.of(group).completes_at_end, now=_as_of(group))
    return at_end if at_end.is_projected and is_in_plan(group) else None


def reading_problem(group: TargetGroup) -> str:
    """Return the problem with reading this group, or an empty text."""
    remark, drifted = status.reading_remark(group), labels.unreadable_text(group.unreadable)
    return f"{remark.rstrip('. ')}. {drifted}" if remark and drifted else remark or drifted


def progress_of_group(group: TargetGroup) -> numbers.GroupProgress:
    """Return how full the group is, by what its strategy counts."""
    return numbers.group_progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )


def summary_figures(group: TargetGroup, user: User) -> list[Figure]:
    """Return the figures that answer "is something wrong, and how wrong"."""
    return [*_outlook_figures(group, user), *_quality_figures(group)]


def _outlook_figures(group: TargetGroup, user: User) -> list[Figure]:
    """Return pace, forecast and cost; in a soft launch nothing is projected."""
    phase = current_phase(group)
    return [
        _pace_figure(group, phase),
        Figure(
            "Projected shortfall",
            numbers.format_count(group.short_at_end),
            _completes_range(group, phase),
            "Projected shortfall",
        ),
        _finish_figure(group, user, phase),
        Figure(
            "CPI",
            numbers.format_money(group.cpi, group.currency),
            _labelled_price("average", group.average_cpi, group.currency),
            "CPI",
        ),
        _spend_figure(group, phase),
    ]


def _finish_figure(group: TargetGroup, user: User, phase: LaunchPhase) -> Figure:
    """Return the projected finish with its range, and the end date in both zones."""
    late = bool(group.finish_at and group.ends_at and group.finish_at > group.ends_at)
    ends = (
        f"end date {times.time_for_person(group.ends_at, group, user)}"
        if group.ends_at
        else "no end date"
    )
    if not phase.is_full_launch:
        return Figure(
            "Projected finish", "After the full launch", ends, "Projected finish", wide=True
        )
    earliest, _, latest = Insight.of(group).finish_dates
    interval = ""
    if group.finish_at and earliest:
        first, last = _format_day(earliest, group), _format_day(latest, group)
        interval = f"{first} to {last} · " if latest else f"earliest {first} · "
        interval = "" if first == last else interval
    if group.finish_at and is_guess(group.completes):
        interval = f"little data yet · {interval}"
    finish = _format_day(group.finish_at, group)
    if group.finish_at is None and earliest:
        finish, late = f"Earliest {_format_day(earliest, group)}", True
    elif group.finish_at is None and Insight.of(group).forecast:
        started = group.status != "scheduled"
        finish, late = "More than 90 days away" if started else "Not started", started
    tone = "warn" if late else ""
    return Figure("Projected finish", finish, interval + ends, "Projected finish", tone, wide=True)


def _quality_figures(group: TargetGroup) -> list[Figure]:
    """Return the quality metrics: LOI, IR, conversion, drop-off, EPC."""
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
            _raw_counts(group),
            "Conversion",
        ),
        Figure("Drop-off", numbers.format_percent(group.drop_off_rate), "", "Drop-off"),
        Figure(
            "EPC",
            numbers.format_price(group.epc, group.currency),
            _labelled_price("EPCM", group.epcm, group.currency),
            "EPC",
        ),
    ]


def _labelled_price(word: str, money: Decimal | None, currency: str) -> str:
    """Return a label and a rounded price; empty for None."""
    return "" if money is None else f"{word} {numbers.format_price_amount(money, currency)}"


def _raw_counts(group: TargetGroup) -> str:
    """Return the counts behind Cint's rates."""
    if group.completes is group.prescreens is group.entrants is None:
        return ""
    return (
        f"{numbers.format_count(group.completes)} completes, "
        f"{numbers.format_count(group.prescreens)} prescreens, "
        f"{numbers.format_count(group.entrants)} entrants"
    )


def _pace_figure(group: TargetGroup, phase: LaunchPhase) -> Figure:
    """Return the pace in words, with the numbers behind it; in a soft launch, its progress."""
    if not phase.is_full_launch:
        label, _, progress = phase.text.partition(": ")
        return Figure("Pace", label, progress, "Pace", wide=True)
    pace = Insight.of(group).pace or StoredPace()
    word = labels.sentence_case(pace.band) if pace.band else numbers.DASH
    tone = "warn" if pace.band in ("behind", "far behind") else ""
    return Figure("Pace", word, pace.reason or "", "Pace", tone, wide=True)


def _completes_range(group: TargetGroup, phase: LaunchPhase) -> str:
    """Return the range of completes on the end date; empty for a group that is over."""
    if not phase.is_full_launch:
        return "after the full launch" if is_open(group, _as_of(group)) else ""
    at_end = _projected(group)
    if at_end is None:
        return ""
    goal = at_end.goal
    if goal and at_end.p10 >= goal:
        return "fills before its end date"
    highest = min(at_end.p90, at_end.limit)
    low, high = numbers.format_count(at_end.p10), numbers.format_count(highest)
    completes = low if low == high else f"{low}–{high}"
    of_goal = f" of {numbers.format_count(goal)}" if goal else ""
    by = f" by {_format_day(group.ends_at, group)}" if group.ends_at else ""
    return f"{completes}{of_goal} completes{by}"


def _spend_figure(group: TargetGroup, phase: LaunchPhase) -> Figure:
    """Return spend so far, cost by end date with its range, cost at the goal, and the budget."""
    stored = Insight.of(group).cost if phase.is_full_launch else None
    cost = stored or StoredCost()
    low, middle, high = cost.p10, cost.p50, cost.p90
    notes, tone = [], ""
    if middle is not None:
        interval = ""
        if low is not None and high is not None and round(low) != round(high):
            interval = f" ({numbers.format_count(low)}–{numbers.format_count(high)})"
        total = numbers.format_total(middle, group.currency)
        notes.append(f"{_in_sentence(COST_BY_END_DATE)} {total}{interval}")
    at_goal = cost_if_goal_reached(group) if is_open(group, _as_of(group)) else None
    if at_goal is not None and at_goal.total is not None:
        total = numbers.format_total(at_goal.total, group.currency)
        notes.append(f"{_in_sentence(COST_IF_GOAL_REACHED)} {total}")
    if group.budget is not None:
        notes.append(f"budget {numbers.format_total(group.budget, group.currency)}")
        over = max(middle or Decimal(0), group.cost or Decimal(0)) > group.budget
        tone = "warn" if over else ""
    return Figure(
        "Spend",
        numbers.format_total(group.cost, group.currency),
        " · ".join(notes),
        "Spend",
        tone,
        wide=True,
    )


def _in_sentence(label: str) -> str:
    return label[:1].lower() + label[1:]


def _format_day(moment: datetime | None, group: TargetGroup) -> str:
    return (
        numbers.DASH if moment is None else f"{moment.astimezone(times.zone_of(group)):%a %-d %b}"
    )


def forecast_band(group: TargetGroup) -> ForecastBand | None:
    """Return the forecast at the end of the fielding period, for the chart.

    Nothing is drawn before the full launch.
    """
    at_end = _projected(group)
    if at_end is None or group.ends_at is None or not current_phase(group).is_full_launch:
        return None
    early, _, late = Insight.of(group).finish_dates
    return ForecastBand(
        group.ends_at, at_end.p10, at_end.p50, at_end.p90, (late, group.finish_at, early)
    )


def goal_chance(group: TargetGroup) -> str:
    """Return the chance of reaching the goal and its reliability; empty once fielding is over."""
    forecast = Insight.of(group).forecast or StoredForecast()
    chance, note = forecast.chance, forecast.note
    goal = completes_target(group)
    if group.status not in FORECAST_STATUSES or not goal or note is None:
        return ""
    phase = current_phase(group)
    if not phase.is_full_launch:
        return f"{phase.text}. There is no forecast before the full launch."
    sentence = ""
    if chance is not None and group.ends_at and (group.completes or 0) < goal:
        day = _format_day(group.ends_at, group)
        likelihood = numbers.format_likelihood(chance)
        sentence = f"Chance of reaching the goal by {day}: {likelihood} ({CALIBRATED_ON}). "
    return f"{sentence}{note[:1].upper()}{note[1:]}." if note else sentence


def likely_causes(group: TargetGroup) -> list[CauseLine]:
    """Return the three likeliest causes, and the issues that Cint reports."""
    lines = [
        CauseLine(cause.sentence, cause.observed, cause.expected, cause.advice)
        for cause in (Insight.of(group).causes or [])
        if cause.sentence not in _SAID_BY_VERDICT
    ][:3]
    if not isinstance(group.issues, Mapping):
        return lines
    for figure, issues in group.issues.items():
        for issue in issues if isinstance(issues, list) else []:
            advice = "; ".join(str(text) for text in issue.get("suggestions") or [])
            text = str(issue.get("text") or issue.get("code") or figure)
            lines.append(CauseLine(f"Cint: {text}", "", "", advice))
    return lines
