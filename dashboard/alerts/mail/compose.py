"""What a mail says: a subject that is the sentence, then each incident in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.alerts import downtime
from dashboard.alerts.mail import action_links, text_sparkline, unsubscribe
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.catalogue import JUDGED, RULES
from dashboard.alerts.rules.widespread import WIDESPREAD_GROUPS, is_widespread
from dashboard.alerts.text import format_local_time, format_span, lower_title, one_line
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Incident, Notice, Project, TargetGroup, User
from dashboard.fielding.models.querysets.expressions import IN_FIELD

PAUSED = "paused_by_exchange"
FIRST = ("no_data", PAUSED, "stalled")  # what stops work altogether leads a mail
FEW = 3  # incidents that need no table of contents
MOST = 20  # incidents in one mail; the rest is a number and a link
OFF_TOLD_FOR = timedelta(hours=1)  # after a downtime of ours, in mails at once


class MailBody(NamedTuple):
    """A mail's words, ready to be frozen."""

    subject: str
    text: str
    html: str


class Item(NamedTuple):
    """One incident as a mail shows it."""

    label: str
    headline: str
    sentence: str
    figures: list[list[str]]
    bars: str
    most: int  # of the bars
    when: str
    link: str
    flapping: bool
    acts: list[tuple[str, str]]  # words, and the signed link to the form


def compose_alert(user: User, notices: Sequence[Notice], *, now: datetime) -> MailBody:
    """A mail about what was just found, the gravest first."""
    ordered = latest_per_incident(notices)
    context = {
        "items": mail_items(ordered[:MOST], user=user, now=now),
        "more": max(0, len(ordered) - MOST),
        "summary": count_summary(ordered),
        "off": downtime.sentence(
            downtime.within(now - OFF_TOLD_FOR, now), zone_named(user.time_zone), now=now
        ),
        "why": reason_for_mail(user, ordered[0].incident),
        "stop": unsubscribe.unsubscribe_url(user, unsubscribe.NOW),
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    return render_mail("alert", subject_line(ordered), context)


def render_mail(template: str, subject_line: str, context: dict[str, object]) -> MailBody:
    """The two bodies of a mail from its templates."""
    context = {**context, "subject": subject_line}
    return MailBody(
        subject_line,
        render_to_string(f"emails/{template}.txt", context).strip() + "\n",
        render_to_string(f"emails/{template}.html", context),
    )


def latest_per_incident(notices: Iterable[Notice]) -> list[Notice]:
    """The last word on each incident, the gravest first, then who risks most, then the oldest."""
    last = {notice.incident_id: notice for notice in sorted(notices, key=lambda n: n.pk or 0)}
    return sorted(
        last.values(),
        key=lambda n: (
            n.incident.state == Incident.State.RESOLVED,
            n.incident.severity,
            _rank(n.incident.rule),
            -_at_risk(n.incident.group),
            n.incident.breached_at,
            n.incident_id,
        ),
    )


def _at_risk(group: TargetGroup | None) -> float:
    """The completes that it is likely to lack at its end."""
    return (group.short_at_end or 0.0) if group else 0.0


def _rank(code: str) -> int:
    """What leads among the equally grave; what somebody changed comes last."""
    if code in FIRST:
        return FIRST.index(code)
    return len(FIRST) + (code not in JUDGED)


def count_summary(notices: Sequence[Notice]) -> str:
    """How many of what, where more is told than a look takes in."""
    if len(notices) <= FEW:
        return ""
    counts = Counter(_titled(n.incident.rule) for n in notices)
    return ", ".join(f"{count} × {title}" for title, count in counts.most_common())


def _titled(code: str) -> str:
    """A rule's title within a sentence."""
    return lower_title(RULES[code].title)


def subject_line(ordered: Sequence[Notice]) -> str:
    """The sentence itself; of several the first, or what most of a project's groups share."""
    others = len(ordered) - 1
    alone = not others or _widespread_line([notice.incident for notice in ordered])
    return summary_line(ordered) if alone else f"{summary_line(ordered)} (and {others} more)"


def summary_line(ordered: Sequence[Notice], *, label: bool = True) -> str:
    """What most of a project's groups share, or else what the first notice says."""
    first = ordered[0]
    widespread = _widespread_line([notice.incident for notice in ordered])
    return widespread or one_line((_label(first) if label else "") + first.incident.headline, 200)


def _widespread_line(incidents: Sequence[Incident]) -> str:
    """One line where a rule is widespread in the one project of the incidents; else nothing."""
    first, count = incidents[0], len(incidents)
    same = {(incident.rule, incident.project_id) for incident in incidents} == {
        (first.rule, first.project_id)
    }
    if count < WIDESPREAD_GROUPS or not same or not isinstance(first.project, Project):
        return ""
    in_field = TargetGroup.objects.filter(project=first.project, status__in=IN_FIELD).count()
    if not is_widespread(count, in_field):
        return ""
    total = max(in_field, count)
    return f"{one_line(first.project.name, 100)}: {count} of {total} groups, {_titled(first.rule)}"


def mail_items(notices: Iterable[Notice], *, user: User, now: datetime) -> list[Item]:
    """Incidents as a mail shows them, with a day of completes beside each."""
    listed = list(notices)
    groups = [notice.incident.group_id for notice in listed if notice.incident.group_id]
    drawn = text_sparkline.last_day(groups, now=now)
    return [
        Item(
            _label(notice),
            one_line(notice.incident.headline, 300),
            _more(notice.incident),
            _figures(notice.incident),
            *drawn.get(notice.incident.group_id or 0, ("", 0)),
            _when(notice.incident, user, now),
            incident_url(notice.incident),
            notice.incident.flapping,
            action_links_for(notice.incident, user),
        )
        for notice in listed
    ]


def _figures(incident: Incident) -> list[list[str]]:
    """What is and what should be; of what is over nothing, for it is no longer so."""
    rows = [] if _is_over(incident) else incident.facts.get("figures", [])
    return [[one_line(str(cell)) for cell in row] for row in rows]


def _is_over(incident: Incident) -> bool:
    return incident.state == Incident.State.RESOLVED


def _when(incident: Incident, user: User, now: datetime) -> str:
    """Since when, or from when to when, on the reader's clocks; most began before we saw it."""
    zone, began, closed = zone_named(user.time_zone), incident.breached_at, incident.closed_at
    if closed is None:
        seen = "seen " if incident.rule in JUDGED and incident.rule != PAUSED else ""
        return f"{seen}since {format_local_time(began, zone, now=now)}"
    span = (
        f"{format_local_time(began, zone, now=now)} to {format_local_time(closed, zone, now=now)}"
    )
    return f"{span}, {format_span(closed - began)} in all"


def _more(incident: Incident) -> str:
    """The whole sentence, where it says more than the headline; of what is over, why it is."""
    if _is_over(incident):
        reason = incident.close_reason
        if reason != "recovered":
            return f"Why it is over: {one_line(reason, 100)}."
        return f"The group is {one_line(incident.group.status)} now." if incident.group else ""
    more = one_line(incident.sentence, 600)
    return "" if more.rstrip(".") == one_line(incident.headline, 300).rstrip(".") else more


def incident_url(incident: Incident) -> str:
    """The page of an incident."""
    return f"{settings.FIELDWATCH_URL}/incidents/{incident.pk}/"


def action_links_for(incident: Incident, user: User) -> list[tuple[str, str]]:
    """What a reader who may edit can do about it: links to forms, which ask once."""
    here = [one for one in user.memberships.all() if one.account_id == incident.account_id]
    if _is_over(incident) or not any(one.may_edit for one in here):
        return []
    forms = action_links.suggested_actions(incident)
    if not any(one.may_administer for one in here):
        forms = [form for form in forms if form != action_links.CONNECTION]
    return [(action_links.WORDS[form], action_links.action_url(incident, form)) for form in forms]


def _label(notice: Notice) -> str:
    """What became of an incident, before its headline."""
    incident = notice.incident
    if _is_over(incident):
        return "Recovered: " if incident.close_reason == "recovered" else "Over: "
    return "Still: " if notice.kind == Notice.Kind.REPEAT else ""


def reason_for_mail(user: User, incident: Incident) -> str:
    """Why this person gets this mail."""
    account = one_line(incident.account.name)
    here = [m for m in user.memberships.all() if m.account_id == incident.account_id]
    managers = set(managers_of(incident.group, incident.project)) - {""}
    if {m.exchange_user_id for m in here} & managers:
        return f"You get this as its project manager on {account}."
    if any(m.may_edit for m in here):
        return f"You get this because you may edit on {account}."
    return f"You get this because {account} names you among those who are told."
