"""An incident's page: what happened, who was notified, and the figure with its thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from dashboard.alerts.mail import action_links
from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.rules.rule_type import RuleFigure, Scale
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import Incident, Mail, Notice, TargetGroup
from dashboard.web import charts
from dashboard.web.charts import series
from dashboard.web.charts.thresholds import add_level, add_span
from dashboard.web.formatting import times
from dashboard.web.formatting.numbers import format_significant
from dashboard.web.groups import completes, trends
from dashboard.web.groups.trends import Trend

BEFORE = timedelta(days=2)
# How the figure that a rule evaluates is drawn.
FIGURES = {
    RuleFigure.LOI: trends.TRENDS["loi"],
    RuleFigure.INCIDENCE: trends.TRENDS["ir"],
    RuleFigure.CONVERSION: trends.TRENDS["conversion"],
    RuleFigure.DROP_OFF: trends.TRENDS["drop_off"],
    RuleFigure.EPC: trends.TRENDS["epc"],
    RuleFigure.CPI: trends.TRENDS["cpi"],
    RuleFigure.COMPLETES: Trend("Completes", "completes", 1, "completes", lambda _: None),
    RuleFigure.SPEND: Trend("Spend", "cost", 1, "", lambda _: None),
}
PRESCREENS = Trend("Prescreens", "prescreens", 1, "prescreens", lambda _: None)
LEVELS = (("fires", "Alert"), ("clears", "Resolve"), ("critical", "Critical"))


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """An event in the life of an incident."""

    at: datetime
    word: str
    tone: str
    text: str = ""


def incident_steps(incident: Incident, notices: Iterable[Notice]) -> list[IncidentStep]:
    """Return the steps from the first breach to the end, oldest first."""
    steps = [_first_step(incident)]
    if incident.fired_at:
        steps.append(IncidentStep(incident.fired_at, "Alerted", "bad", incident.sentence))
    repeats = {
        (notice.sequence, notice.kind): notice
        for notice in notices
        if notice.kind in ("repeat", "fire")
    }
    for (sequence, kind), notice in sorted(repeats.items()):
        if kind == Notice.Kind.FIRE and sequence > 1:
            steps.append(IncidentStep(notice.created_at, "Escalated", "bad", "notified again"))
        elif kind == Notice.Kind.REPEAT:
            steps.append(IncidentStep(notice.created_at, "Repeated", "warn", "still open"))
    if incident.acknowledged_at:
        steps.append(
            IncidentStep(
                incident.acknowledged_at, "Acknowledged", "info", f"by {incident.acknowledged_by}"
            )
        )
    if incident.clear_since and incident.state == Incident.State.RECOVERING:
        steps.append(
            IncidentStep(incident.clear_since, "Recovering", "good", "back within the threshold")
        )
    if incident.closed_at:
        steps.append(IncidentStep(incident.closed_at, "Closed", "good", incident.close_reason))
    return sorted(steps, key=lambda step: step.at)


def _first_step(incident: Incident) -> IncidentStep:
    if incident.rule == "paused_by_exchange":
        return IncidentStep(incident.breached_at, "Paused", "bad", "by Cint")
    return IncidentStep(
        incident.breached_at, "Detected", "info", "first reading beyond the threshold"
    )


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice of an incident: the recipient, what it says, and what became of its email."""

    at: datetime
    who: str
    what: str
    outcome: str
    tone: str
    mail_pk: int | None  # only for the reader's own email
    subject: str


def notices_with_mails(notices: Iterable[Notice], user_id: int) -> list[NoticeRow]:
    """Return every notice of an incident, newest first, with its email."""
    return [_notice_row(notice, user_id) for notice in notices]


def _notice_row(notice: Notice, user_id: int) -> NoticeRow:
    mail, own = notice.mail, notice.recipient_id == user_id
    outcome, tone = _notice_outcome(notice, mail)
    return NoticeRow(
        notice.created_at,
        str(notice.recipient or notice.channel),
        Notice.Kind(notice.kind).label,
        outcome,
        tone,
        mail.pk if mail and own else None,
        mail.subject if mail else "",
    )


def _notice_outcome(notice: Notice, mail: Mail | None) -> tuple[str, str]:
    if notice.skipped:
        return f"not sent: {notice.skipped}", "warn"
    if mail is None:
        return "queued", "info"
    if mail.state == Mail.State.SENT:
        return "sent in the digest" if mail.digest_day else "sent", "good"
    if mail.state == Mail.State.DEAD:
        return f"delivery failed: {mail.error}", "bad"
    return "queued" + (f": {mail.error}" if mail.error else ""), "info"


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over time, with its thresholds."""

    trend: Trend
    points: list[tuple[datetime, float]]
    levels: list[tuple[str, float]]

    @property
    def table(self) -> list[tuple[datetime, str]]:
        """The newest 200 points, newest first, for the table behind the chart."""
        return [(at, format_significant(value, 4)) for at, value in reversed(self.points)][:200]


def judged_curve(incident: Incident, group: TargetGroup) -> Curve | None:
    """Return the figure that the rule evaluates, from two days before; None without one."""
    rule = RULES.get(incident.rule)
    if rule is None or rule.figure is None:
        return None
    figure, scale = rule.figure
    trend = FIGURES[figure]
    if scale is Scale.ABOVE_GOAL and group.filling_strategy == "prescreens":
        trend = PRESCREENS
    points = trends.trend_points(group, trend, incident.breached_at - BEFORE)
    if incident.closed_at:
        points = [point for point in points if point[0] <= incident.closed_at + BEFORE]
    effective = RuleSet.of(incident.account_id).rule_for(
        incident.rule, incident.project_id, incident.group_id
    )
    return Curve(trend, points, list(_threshold_levels(scale, effective, group, trend)))


def _threshold_levels(
    scale: Scale | None, effective: Effective, group: TargetGroup, trend: Trend
) -> Iterable[tuple[str, float]]:
    """Yield the horizontal lines of the chart: (label, level in the unit of the page)."""
    if scale in (Scale.GOAL, Scale.ABOVE_GOAL):
        yield from _goal_levels(scale, effective, group)
        return
    unit = _threshold_unit(scale, effective, group, trend)
    for name, word in LEVELS:
        if unit and name in effective.settings:
            yield word, effective.settings[name] * unit


def _goal_levels(
    scale: Scale | None, effective: Effective, group: TargetGroup
) -> Iterable[tuple[str, float]]:
    """Yield the goal, and the level at which overfill alerts."""
    limit = group.filling_goal or group.completes_goal
    goal = limit if scale is Scale.ABOVE_GOAL else completes_target(group)
    if goal:
        yield "Goal", goal
        if scale is Scale.ABOVE_GOAL:
            excess = max(effective.settings["completes"], effective.settings["share"] * goal)
            yield "Alert", goal + excess


def _threshold_unit(
    scale: Scale | None, effective: Effective, group: TargetGroup, trend: Trend
) -> float | None:
    """Return what a threshold of 1 is on the page; None where thresholds cannot be drawn."""
    if scale is Scale.FIGURE:
        return trend.factor
    if scale is Scale.BID_LOI:
        return group.expected_loi_minutes
    if scale is Scale.BID_INCIDENCE:
        return (group.expected_incidence_rate or 0) * 100 or None
    if scale is Scale.BUDGET:
        return float(group.budget or effective.settings["budget"]) or None
    if scale is Scale.USD:
        return 1.0 if group.currency == "USD" else None
    return None


def incident_chart(
    incident: Incident, group: TargetGroup, palette: charts.Palette, now: datetime
) -> charts.Figure:
    """Return the chart of an incident: its figure with thresholds, or completes per hour."""
    zone = times.zone_of(group)
    curve = judged_curve(incident, group)
    if curve is None:
        grid = series.hourly_grid(group, incident.breached_at - BEFORE)
        until = completes.open_until(group, now)
        hours = series.steps_of_grid(grid, 1, zone, now=until) if grid else []
        figure = charts.gained_figure(hours, 1, palette=palette, zone=zone)
    else:
        unit = curve.trend.unit or group.currency
        points = extend_last_point(curve.points, incident.closed_at or now)
        figure = charts.trend_figure(
            points, name=curve.trend.label, unit=unit, palette=palette, zone=zone
        )
        for number, (word, value) in enumerate(curve.levels if curve.points else ()):
            text = f"{word} at {format_significant(value, 4)} {unit}"
            add_level(figure, value, text, palette, left=number % 2 == 1)
    if figure["data"]:
        add_span(
            figure,
            incident.fired_at or incident.breached_at,
            incident.closed_at or now,
            palette,
            zone,
        )
    return figure


def extend_last_point(
    points: list[tuple[datetime, float]], until: datetime
) -> list[tuple[datetime, float]]:
    """Return the points with the last one repeated at `until`: it holds until the next reading."""
    return [*points, (until, points[-1][1])] if points and points[-1][0] < until else points


def suggested_links(incident: Incident) -> list[tuple[str, str]]:
    """Return the actions that may fix an incident: (label, address of the form or page)."""
    if edit := incident.facts.get("edit"):
        return [("View change", reverse("made", args=[edit]))]
    if batch := incident.facts.get("batch"):
        return [("View results", reverse("batch", args=[batch]))]
    return [
        (action_links.LABELS[form], resume_url(incident))
        if form == action_links.RESUME
        else (action_links.LABELS[form], reverse("edit", args=[incident.group_id, form]))
        for form in action_links.suggested_actions(incident)
        if form not in (action_links.ACKNOWLEDGE, action_links.MUTE, action_links.CONNECTION)
    ]


def resume_url(incident: Incident) -> str:
    """Return the address of the Resume button on the group's page."""
    return f"{reverse('group', args=[incident.group_id])}#do-{action_links.RESUME}"
