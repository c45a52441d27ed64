"""How close a group is to a pause by Cint, and its status as text for the client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.alerts.text import pause_cause
from dashboard.fielding.domain.goals import completes_target, counts_prescreens, is_full
from dashboard.fielding.domain.scope import is_in_plan, is_open
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.at_end import group_at_end
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.launch_phase import phase_of_group, reason_of_pause
from dashboard.fielding.insight.pause_risk import LINE
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.formatting import numbers, status, times

POSSIBLE = 0.3
SHOWN_FROM = 0.05
RISKS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class RiskLine:
    """A reason for which Cint may pause the group: how likely, and how to prevent it."""

    what: str
    advice: str
    percent: int
    word: str
    tone: str


def nearest_risks(group: TargetGroup) -> list[RiskLine]:
    """Return the likeliest reasons first; none for a group that is not live."""
    scores = Insight.of(group).warnings
    if group.status != "live" or scores is None:
        return []
    possible = [(code, score) for code, score in scores.items() if score >= SHOWN_FROM]
    nearest = sorted(possible, key=lambda pair: pair[1], reverse=True)[:RISKS_SHOWN]
    return [_risk_line(code, score) for code, score in nearest]


def _risk_line(code: str, score: float) -> RiskLine:
    cause = pause_cause(code)
    word, tone = ("Likely", "bad") if score >= LINE else ("Possible", "warn")
    if score < POSSIBLE:
        word, tone = "Unlikely", "info"
    return RiskLine(
        what=_capitalise(cause.label),
        advice=_capitalise(cause.fix),
        percent=round(score * 100),
        word=word,
        tone=tone,
    )


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def for_client(group: TargetGroup, user: User, read_at: datetime | None) -> str:
    """Return the group's status as plain text for the client: no prices, spend or suppliers."""
    now = read_at or datetime.now(UTC)
    goal, launch = completes_target(group), phase_of_group(group, now=now)
    reason = reason_of_pause(group.status_reason, launch)
    state = status.status_label(group.status, reason, group.status_changed_by)
    lines = [
        f"{group.name} ({group.human_readable_id})" if group.human_readable_id else group.name,
        f"As of {times.time_for_person(read_at, group, user)}" if read_at else "",
        f"Status: {state.word}{f' ({state.why})' if state.why else ''}",
        *_progress_lines(group, goal),
        launch.text or _forecast_lines(group, user, goal, now),
        _metric_line("Length of interview", group.median_loi_seconds, _loi_text(group)),
        _metric_line("Incidence rate", group.incidence_rate, _incidence_text(group)),
    ]
    return "\n".join(line for line in lines if line)


def _progress_lines(group: TargetGroup, goal: int | None) -> list[str]:
    """Return progress in completes, or in prescreens with the completes below."""
    if counts_prescreens(group):
        filled = _count_of_goal("Prescreens", group.prescreens, group.filling_goal)
        return [filled, f"Completes: {numbers.format_count(group.completes)}"]
    return [_count_of_goal("Completes", group.completes, goal)]


def _count_of_goal(label: str, done: int | None, goal: int | None) -> str:
    """Return a count of its goal with the share, or by how much it is over the goal."""
    text = f"{label}: {numbers.format_count(done)} of {numbers.format_count(goal)}"
    if done is None or not goal:
        return text
    if done > goal:
        return f"{text}, {done - goal:,} over the goal"
    return f"{text} ({numbers.format_percent(done / goal)})"


def _forecast_lines(group: TargetGroup, user: User, goal: int | None, now: datetime) -> str:
    """Return the projection of a group in field: completes on the end date, or its finish.

    A paused group has none, nor one that is over, full or no longer listed. A finish after the end
    date is no promise: the completes on the end date then say how many come.
    """
    if not is_in_plan(group):
        return ""
    is_in_field = group.status in ("live", "scheduled") and is_open(group, now)
    if group.status == "paused" and is_open(group, now) and not is_full(group):
        return "No projection while the group is paused."
    if not is_in_field or not goal or is_full(group) or (group.completes or 0) >= goal:
        return ""
    lines = []
    projected = group_at_end(group, Insight.of(group).completes_at_end, now=now)
    if projected.is_projected and group.ends_at:
        low, middle, high = (
            min(round(completes), goal)
            for completes in (projected.p10, projected.p50, projected.p90)
        )
        of_goal = " completes" if counts_prescreens(group) else f" of {goal:,}"
        interval = f" (range {low:,}–{high:,})" if low != high else ""
        end = times.time_for_person(group.ends_at, group, user)
        lines.append(f"Projected by the end date, {end}: {middle:,}{of_goal}{interval}")
    if group.finish_at and (group.ends_at is None or group.finish_at <= group.ends_at):
        unsure = " (little data yet)" if is_guess(group.completes) else ""
        lines.append(
            f"Projected finish: {times.time_for_person(group.finish_at, group, user)}{unsure}"
        )
    return "\n".join(lines)


def _metric_line(label: str, observed: object, text: str) -> str:
    return f"{label}: {text}" if observed is not None else ""


def _loi_text(group: TargetGroup) -> str:
    return numbers.format_interview_length(group.median_loi_seconds, group.expected_loi_minutes)


def _incidence_text(group: TargetGroup) -> str:
    return numbers.format_incidence(group.incidence_rate, group.expected_incidence_rate)
