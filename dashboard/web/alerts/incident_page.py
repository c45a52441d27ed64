"""An incident's page: what happened, who was told, and the figure over time with its thresholds."""

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
from dashboard.web.groups import trends
from dashboard.web.groups.trends import Trend

BEFORE = timedelta(days=2)
# How the figure that a rule judges is drawn.
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
LEVELS = (("fires", "Fires"), ("clears", "Clears"), ("critical", "Critical"))


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """Something that happened to an incident."""

    at: datetime
    word: str
    tone: str
    text: str = ""


def incident_steps(one: Incident, notices: Iterable[Notice]) -> list[IncidentStep]:
    """From its first breach to its end, in order of time."""
    told = [_beginning(one)]
    if one.fired_at:
        told.append(IncidentStep(one.fired_at, "Fired", "bad", one.sentence))
    repeats = {(n.sequence, n.kind): n for n in notices if n.kind in ("repeat", "fire")}
    for (sequence, kind), notice in sorted(repeats.items()):
        if kind == Notice.Kind.FIRE and sequence > 1:
            told.append(
                IncidentStep(notice.created_at, "Worse", "bad", "told again, as more severe")
            )
        elif kind == Notice.Kind.REPEAT:
            told.append(IncidentStep(notice.created_at, "Told again", "warn", "it still fired"))
    if one.acknowledged_at:
        told.append(
            IncidentStep(one.acknowledged_at, "Acknowledged", "info", f"by {one.acknowledged_by}")
        )
    if one.clear_since and one.state == Incident.State.RECOVERING:
        told.append(
            IncidentStep(one.clear_since, "Recovering", "good", "past the threshold that clears")
        )
    if one.closed_at:
        told.append(IncidentStep(one.closed_at, "Closed", "good", one.close_reason))
    return sorted(told, key=lambda step: step.at)


def _beginning(one: Incident) -> IncidentStep:
    if one.rule == "paused_by_exchange":
        return IncidentStep(one.breached_at, "Paused", "bad", "by the exchange")
    return IncidentStep(one.breached_at, "Seen", "info", "the first reading past the threshold")


@dataclass(frozen=True, slots=True)
class Telling:
    """Who was told what, and what came of it."""

    at: datetime
    who: str
    what: str
    outcome: str
    tone: str
    mail_pk: int | None  # only of the person's own mail
    subject: str


def notices_with_mails(notices: Iterable[Notice], user_id: int) -> list[Telling]:
    """Every notice of an incident, newest first, with the mail that told it."""
    return [_telling(notice, user_id) for notice in notices]


def _telling(notice: Notice, user_id: int) -> Telling:
    mail, own = notice.mail, notice.recipient_id == user_id
    outcome, tone = _outcome(notice, mail)
    return Telling(
        notice.created_at,
        str(notice.recipient),
        Notice.Kind(notice.kind).label,
        outcome,
        tone,
        mail.pk if mail and own else None,
        mail.subject if mail else "",
    )


def _outcome(notice: Notice, mail: Mail | None) -> tuple[str, str]:
    if notice.skipped:
        return f"not mailed: {notice.skipped}", "warn"
    if mail is None:
        return "waits for its mail", "info"
    if mail.state == Mail.State.SENT:
        return "sent with the digest" if mail.digest_day else "sent", "good"
    if mail.state == Mail.State.DEAD:
        return f"could not be delivered: {mail.error}", "bad"
    return "waiting to be sent" + (f": {mail.error}" if mail.error else ""), "info"


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over time and the thresholds that it was held against."""

    trend: Trend
    points: list[tuple[datetime, float]]
    levels: list[tuple[str, float]]

    @property
    def table(self) -> list[tuple[datetime, str]]:
        """Newest first, as the table behind the chart shows it."""
        return [(at, f"{value:.4g}") for at, value in reversed(self.points)][:200]


def judged_curve(one: Incident, group: TargetGroup) -> Curve | None:
    """The figure that the rule judges, from two days before; None where it judges none."""
    rule = RULES.get(one.rule)
    if rule is None or rule.figure is None:
        return None
    figure, scale = rule.figure
    trend = FIGURES[figure]
    if scale is Scale.ABOVE_GOAL and group.filling_strategy == "prescreens":
        trend = PRESCREENS
    points = trends.trend_points(group, trend, one.breached_at - BEFORE)
    if one.closed_at:
        points = [point for point in points if point[0] <= one.closed_at + BEFORE]
    chosen = RuleSet.of(one.account_id).rule_for(one.rule, one.project_id, one.group_id)
    return Curve(trend, points, list(_threshold_levels(scale, chosen, group, trend)))


def _threshold_levels(
    scale: Scale | None, chosen: Effective, group: TargetGroup, trend: Trend
) -> Iterable[tuple[str, float]]:
    """The horizontal lines of the chart: a word and where it lies, in the unit of the page."""
    if scale in (Scale.GOAL, Scale.ABOVE_GOAL):
        yield from _goal_levels(scale, chosen, group)
        return
    unit = _threshold_unit(scale, chosen, group, trend)
    for name, word in LEVELS:
        if unit and name in chosen.settings:
            yield word, chosen.settings[name] * unit


def _goal_levels(
    scale: Scale | None, chosen: Effective, group: TargetGroup
) -> Iterable[tuple[str, float]]:
    """The goal, and for what came above it where that fires."""
    limit = group.filling_goal or group.completes_goal
    goal = limit if scale is Scale.ABOVE_GOAL else completes_target(group)
    if goal:
        yield "Goal", goal
        if scale is Scale.ABOVE_GOAL:
            over = max(chosen.settings["completes"], chosen.settings["share"] * goal)
            yield "Fires", goal + over


def _threshold_unit(
    scale: Scale | None, chosen: Effective, group: TargetGroup, trend: Trend
) -> float | None:
    """What a threshold of one is on the page; None where no threshold can be drawn."""
    if scale is Scale.FIGURE:
        return trend.factor
    if scale is Scale.BID_LOI:
        return group.expected_loi_minutes
    if scale is Scale.BID_INCIDENCE:
        return (group.expected_incidence_rate or 0) * 100 or None
    if scale is Scale.BUDGET:
        return float(group.budget or chosen.settings["budget"]) or None
    if scale is Scale.USD:
        return 1.0 if group.currency == "USD" else None
    return None


def incident_chart(
    one: Incident, group: TargetGroup, palette: charts.Palette, now: datetime
) -> charts.Figure:
    """The chart of an incident: its figure with thresholds, or completes per hour."""
    zone = times.zone_of(group)
    of = judged_curve(one, group)
    if of is None:
        grid = series.hourly_grid(group, one.breached_at - BEFORE)
        hours = series.steps_of_grid(grid, 1, zone) if grid else []
        made = charts.gained_figure(hours, 1, palette=palette, zone=zone)
    else:
        unit = of.trend.unit or group.currency
        points = extend_last_point(of.points, one.closed_at or now)
        made = charts.trend_figure(
            points, name=of.trend.label, unit=unit, agreed=None, palette=palette, zone=zone
        )
        for number, (word, value) in enumerate(of.levels if of.points else ()):
            add_level(made, value, f"{word} at {value:.4g} {unit}", palette, left=number % 2 == 1)
    if made["data"]:
        add_span(made, one.fired_at or one.breached_at, one.closed_at or now, palette, zone)
    return made


def extend_last_point(
    points: list[tuple[datetime, float]], until: datetime
) -> list[tuple[datetime, float]]:
    """The points and the last of them again at the end: it holds until another is read."""
    return [*points, (until, points[-1][1])] if points and points[-1][0] < until else points


def suggested_links(one: Incident) -> list[tuple[str, str]]:
    """What may help, in words and as the address of its form or page."""
    if edit := one.facts.get("edit"):
        return [("Look at the change", reverse("made", args=[edit]))]
    if batch := one.facts.get("batch"):
        return [("Look at the results", reverse("batch", args=[batch]))]
    return [
        (action_links.LABELS[form], resume_url(one))
        if form == action_links.RESUME
        else (action_links.LABELS[form], reverse("edit", args=[one.group_id, form]))
        for form in action_links.suggested_actions(one)
        if form not in (action_links.ACKNOWLEDGE, action_links.MUTE, action_links.CONNECTION)
    ]


def resume_url(one: Incident) -> str:
    """Where a group is resumed: at the button of its page."""
    return f"{reverse('group', args=[one.group_id])}#do-{action_links.RESUME}"
