"""Why a group stands as it does, what the exchange may do about it, and what a client may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.alerts.text import pause_cause
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.pause_risk import LINE
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.formatting import numbers, status, times

POSSIBLE = 0.3
SHOWN_FROM = 0.05
RISKS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class RiskLine:
    """A reason for which the exchange may pause the group by itself: how near, and what helps."""

    what: str
    advice: str
    percent: int
    word: str
    tone: str


def nearest_risks(group: TargetGroup) -> list[RiskLine]:
    """The nearest first; none for a group that is not live."""
    scores = Insight.of(group).warnings
    if group.status != "live" or scores is None:
        return []
    shown = [(code, score) for code, score in scores.items() if score >= SHOWN_FROM]
    nearest = sorted(shown, key=lambda pair: pair[1], reverse=True)[:RISKS_SHOWN]
    return [_risk(code, score) for code, score in nearest]


def _risk(code: str, score: float) -> RiskLine:
    cause = pause_cause(code)
    word, tone = ("Likely", "bad") if score >= LINE else ("Possible", "warn")
    if score < POSSIBLE:
        word, tone = "Far off", "info"
    return RiskLine(
        what=_capital(cause.label),
        advice=_capital(cause.fix),
        percent=round(score * 100),
        word=word,
        tone=tone,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def for_client(group: TargetGroup, user: User, read_at: datetime | None) -> str:
    """How the group does, as plain text to send on: no price, no spend, nothing of suppliers."""
    goal = completes_target(group)
    state = status.status_label(group.status, group.status_reason, group.status_changed_by)
    lines = [
        f"{group.name} ({group.human_readable_id})" if group.human_readable_id else group.name,
        f"As of {times.time_for_person(read_at, group, user)}" if read_at else "",
        f"Status: {state.word.lower()}{f' ({state.why})' if state.why else ''}",
        *_progress(group, goal),
        _outlook(group, user, goal),
        _measured("Interview length", group.median_loi_seconds, _loi(group)),
        _measured("Incidence rate", group.incidence_rate, _ir(group)),
    ]
    return "\n".join(line for line in lines if line)


def _progress(group: TargetGroup, goal: int | None) -> list[str]:
    """How full it is: by completes, or by prescreens with the completes beside them."""
    if counts_prescreens(group):
        filled = _of("Prescreens", group.prescreens, group.filling_goal)
        return [filled, f"Completes: {numbers.format_count(group.completes)}"]
    return [_of("Completes", group.completes, goal)]


def _of(label: str, done: int | None, goal: int | None) -> str:
    share = f" ({done / goal * 100:.0f} %)" if done is not None and goal else ""
    return f"{label}: {numbers.format_count(done)} of {numbers.format_count(goal)}{share}"


def _outlook(group: TargetGroup, user: User, goal: int | None) -> str:
    """Where it will be at its end, and when it will be full, as far as anybody can say."""
    at_end = Insight.of(group).completes_at_end
    said = []
    if at_end and group.ends_at and goal:
        low, middle, high = (
            min(round(completes), goal) for completes in (at_end.p10, at_end.p50, at_end.p90)
        )
        of = " completes" if counts_prescreens(group) else f" of {goal:,}"
        reach = f" (between {low:,} and {high:,})" if low != high else ""
        end = times.time_for_person(group.ends_at, group, user)
        said.append(f"Expected by its end, {end}: about {middle:,}{of}{reach}")
    if group.finish_at and group.status in ("live", "scheduled"):
        unsure = ", but that is little more than a guess" if is_guess(group.completes) else ""
        said.append(
            f"Likely to be full on {times.time_for_person(group.finish_at, group, user)}{unsure}"
        )
    return "\n".join(said)


def _measured(label: str, observed: object, text: str) -> str:
    return f"{label}: {text}" if observed is not None else ""


def _loi(group: TargetGroup) -> str:
    agreed = f" (agreed: {group.expected_loi_minutes})" if group.expected_loi_minutes else ""
    return f"{(group.median_loi_seconds or 0) / 60:.1f} min{agreed}"


def _ir(group: TargetGroup) -> str:
    expected = group.expected_incidence_rate
    agreed = "" if expected is None else f" (expected: {numbers.format_percent(expected)})"
    return f"{numbers.format_percent(group.incidence_rate)}{agreed}"
