"""Compose mails: the most severe alert as the subject, then each incident in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.alerts import downtime
from dashboard.alerts.items.needed_cpi import cpi_sentences
from dashboard.alerts.mail import action_links, text_sparkline, unsubscribe
from dashboard.alerts.mail.overview import (
    REMEDIES_SHOWN,
    Overview,
    open_items,
    overview_of,
    place_of,
    remedy_lines,
    urgency_of,
    worst_groups,
)
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.catalogue import JUDGED
from dashboard.alerts.text import format_count, format_local_time, format_span, one_line
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Incident, Notice, TargetGroup, User

PAUSED = "paused_by_exchange"
FIRST_RULES = ("no_data", PAUSED, "stalled")  # fieldwork that stops comes first in a mail
WORST_SHOWN = 5  # items of the mail about what was so already
MAX_ITEMS = 20  # incidents in one mail; the rest is a number and a link
DOWNTIME_SHOWN_FOR = timedelta(hours=1)  # after a downtime of Fieldwatch, in immediate mails


class MailBody(NamedTuple):
    """A mail's subject and bodies, ready to be stored."""

    subject: str
    text: str
    html: str


class AlertLine(NamedTuple):
    """One incident as a mail shows it."""

    label: str
    headline: str
    sentence: str
    advice: str  # the CPI that the group needs, with its range and evidence
    figures: list[list[str]]
    bars: str
    most: int  # completes in the highest hour of the bars
    when: str
    link: str
    flapping: bool
    acts: list[tuple[str, str]]  # labels and signed links of forms


def compose_alert(user: User, notices: Sequence[Notice], *, now: datetime) -> MailBody:
    """Compose a mail about new alerts: each of a few, or an overview of many."""
    ordered = latest_per_incident(notices)
    overview = overview_of(ordered, now=now)
    shown = [] if overview else ordered[:MAX_ITEMS]
    context: dict[str, object] = {
        "overview": overview,
        "items": mail_items(shown, user=user, now=now),
        "more": 0 if overview else max(0, len(ordered) - MAX_ITEMS),
    }
    context |= _frame_of(user, ordered[0].incident, now)
    return render_mail("alert", subject_line(ordered, overview), context)


def compose_baseline(user: User, notices: Sequence[Notice], *, now: datetime) -> MailBody:
    """Compose the one mail about what was so already: at a first read, or after an outage."""
    ordered = latest_per_incident(notices)
    items, incidents = open_items(ordered), [notice.incident for notice in ordered]
    where = place_of(incidents)
    subject = f"We found {format_count(len(items), 'open problem')}" + (
        f" in {where}" if where else ""
    )
    lines = remedy_lines(items)
    context: dict[str, object] = {
        "worst": worst_groups(items[:WORST_SHOWN], incidents, now=now),
        "lines": lines[:REMEDIES_SHOWN],
        "more": sum(line.items for line in lines[REMEDIES_SHOWN:]),
    }
    context |= _frame_of(user, ordered[0].incident, now)
    return render_mail("baseline", subject, context)


def _frame_of(user: User, incident: Incident, now: datetime) -> dict[str, object]:
    """Return what frames an immediate mail: recent downtimes, why it came, how to stop it."""
    recent = downtime.list_downtimes(now - DOWNTIME_SHOWN_FOR, now)
    return {
        "off": downtime.describe_downtimes(recent, zone_named(user.time_zone), now=now),
        "why": reason_for_mail(user, incident),
        "stop": unsubscribe.unsubscribe_url(user, unsubscribe.NOW),
        "home": f"{settings.FIELDWATCH_URL}/",
    }


def render_mail(template: str, subject_line: str, context: dict[str, object]) -> MailBody:
    """Render the text and HTML bodies of a mail from its templates."""
    context = {**context, "subject": subject_line}
    return MailBody(
        subject_line,
        render_to_string(f"emails/{template}.txt", context).strip() + "\n",
        render_to_string(f"emails/{template}.html", context),
    )


def latest_per_incident(notices: Iterable[Notice]) -> list[Notice]:
    """Return the last notice of each incident: by urgency, completes at risk, then age."""
    last = {
        notice.incident_id: notice for notice in sorted(notices, key=lambda notice: notice.pk or 0)
    }
    return sorted(
        last.values(),
        key=lambda notice: (
            notice.incident.state == Incident.State.RESOLVED,
            urgency_of(notice.incident),
            notice.incident.severity,
            _rank_of(notice.incident.rule),
            -_completes_at_risk(notice.incident.group),
            notice.incident.breached_at,
            notice.incident_id,
        ),
    )


def _completes_at_risk(group: TargetGroup | None) -> float:
    """Return the projected shortfall of a group."""
    return (group.short_at_end or 0.0) if group else 0.0


def _rank_of(code: str) -> int:
    """Return the rank of a rule among those of equal severity; changes come last."""
    if code in FIRST_RULES:
        return FIRST_RULES.index(code)
    return len(FIRST_RULES) + (code not in JUDGED)


def subject_line(ordered: Sequence[Notice], overview: Overview | None) -> str:
    """Return the subject, the project first: the first alert, or the overview of many."""
    if overview:
        return overview.subject
    others = len(ordered) - 1
    where = place_of(notice.incident for notice in ordered)
    lead = f"{where} – " if where else ""
    return f"{lead}{summary_line(ordered)}" + (f" (and {others} more)" if others else "")


def summary_line(ordered: Sequence[Notice], *, label: bool = True) -> str:
    """Return the headline of the first notice."""
    first = ordered[0]
    return one_line((state_label(first) if label else "") + first.incident.headline, 200)


def mail_items(
    notices: Iterable[Notice], *, user: User, now: datetime, brief: bool = False
) -> list[AlertLine]:
    """Return incidents as a mail shows them, each with the completes of the last day.

    brief: without the advice on CPIs, where a mail only has their headlines.
    """
    rows = list(notices)
    items = [] if brief else open_items(rows)
    advice = cpi_sentences(items, now=now)
    groups = [notice.incident.group_id for notice in rows if notice.incident.group_id]
    bars = text_sparkline.last_day(groups, now=now)
    return [
        AlertLine(
            state_label(notice),
            one_line(notice.incident.headline, 300),
            details_of(notice.incident),
            "" if _is_resolved(notice.incident) else advice.get(notice.incident.item_id or 0, ""),
            _figures_of(notice.incident),
            *bars.get(notice.incident.group_id or 0, ("", 0)),
            _format_duration(notice.incident, user, now),
            incident_url(notice.incident),
            notice.incident.flapping,
            action_links_for(notice.incident, user),
        )
        for notice in rows
    ]


def _figures_of(incident: Incident) -> list[list[str]]:
    """Return rows of (label, actual, goal, bid or limit); none once it is resolved."""
    rows = [] if _is_resolved(incident) else incident.facts.get("figures", [])
    return [[one_line(str(cell)) for cell in row] for row in rows]


def _is_resolved(incident: Incident) -> bool:
    return incident.state == Incident.State.RESOLVED


def _format_duration(incident: Incident, user: User, now: datetime) -> str:
    """Return since when it is open, or from when to when it was, in the reader's time zone.

    A pause has its own start; other breaches began some time before Fieldwatch read them.
    """
    zone, began, closed = zone_named(user.time_zone), incident.breached_at, incident.closed_at
    if closed is None:
        word = "paused" if incident.rule == PAUSED else "open"
        return f"{word} since {format_local_time(began, zone, now=now)}"
    span = (
        f"{format_local_time(began, zone, now=now)} to {format_local_time(closed, zone, now=now)}"
    )
    return f"{span} ({format_span(closed - began)})"


def details_of(incident: Incident) -> str:
    """Return the sentence if it adds to the headline; of a resolved incident the reason."""
    if _is_resolved(incident):
        reason = incident.close_reason
        if reason != "recovered":
            return f"Closed: {one_line(reason, 100)}."
        return f"The group is {one_line(incident.group.status)} now." if incident.group else ""
    sentence = one_line(incident.sentence, 600)
    is_same = sentence.rstrip(".") == one_line(incident.headline, 300).rstrip(".")
    return "" if is_same else sentence


def incident_url(incident: Incident) -> str:
    """Return the address of an incident's item, where the action is; of its page without one."""
    is_open_item = incident.item_id is not None and not _is_resolved(incident)
    page = f"items/{incident.item_id}" if is_open_item else f"incidents/{incident.pk}"
    return f"{settings.FIELDWATCH_URL}/{page}/"


def action_links_for(incident: Incident, user: User) -> list[tuple[str, str]]:
    """Return labels and links of the forms that a reader with edit permission can use."""
    memberships = [
        member for member in user.memberships.all() if member.account_id == incident.account_id
    ]
    if _is_resolved(incident) or not any(member.may_edit for member in memberships):
        return []
    forms = action_links.suggested_actions(incident)
    if not any(member.may_administer for member in memberships):
        forms = [form for form in forms if form != action_links.CONNECTION]
    return [(action_links.LABELS[form], action_links.action_url(incident, form)) for form in forms]


def state_label(notice: Notice) -> str:
    """Return the state of an incident, to be put before its headline; empty if it is new."""
    incident = notice.incident
    if _is_resolved(incident):
        return "Resolved: " if incident.close_reason == "recovered" else "Closed: "
    return "Still open: " if notice.kind == Notice.Kind.REPEAT else ""


def reason_for_mail(user: User, incident: Incident) -> str:
    """Return why this person gets this mail."""
    account = one_line(incident.account.name)
    memberships = [
        member for member in user.memberships.all() if member.account_id == incident.account_id
    ]
    managers = set(managers_of(incident.group, incident.project)) - {""}
    if {member.exchange_user_id for member in memberships} & managers:
        return f"You get this because you are the project manager on “{account}”."
    for member in memberships:
        if member.may_edit:
            role = member.get_role_display().lower()
            return f"You get this because you are an {role} on “{account}”."
    return f"You get this because you are a recipient of alerts from “{account}”."
