"""What a mail says: a subject that is the sentence, then each incident in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.alerts import act, stop, trend, wishes
from dashboard.alerts.rules import RULES
from dashboard.alerts.words import local, plain
from dashboard.fielding.models import Incident, Notice, Project, TargetGroup, User

FIRST = ("paused_by_exchange", "stalled")  # what stops a group altogether leads a mail
MOST = 20  # incidents in one mail; the rest is a number and a link


class Letter(NamedTuple):
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
    since: str
    link: str
    flapping: bool
    acts: list[tuple[str, str]]  # words, and the signed link to the form


def alert(user: User, notices: Sequence[Notice], *, now: datetime) -> Letter:
    """A mail about what was just found, the gravest first."""
    ordered = one_each(notices)
    context = {
        "items": items(ordered[:MOST], user=user, now=now),
        "more": max(0, len(ordered) - MOST),
        "why": why(user, ordered[0].incident),
        "stop": stop.address(user, stop.NOW),
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    return render("alert", subject(ordered), context)


def render(template: str, subject_line: str, context: dict[str, object]) -> Letter:
    """The two bodies of a mail from its templates."""
    context = {**context, "subject": subject_line}
    return Letter(
        subject_line,
        render_to_string(f"emails/{template}.txt", context).strip() + "\n",
        render_to_string(f"emails/{template}.html", context),
    )


def one_each(notices: Iterable[Notice]) -> list[Notice]:
    """The last word on each incident, the gravest and oldest first."""
    last = {notice.incident_id: notice for notice in sorted(notices, key=lambda n: n.pk)}
    return sorted(
        last.values(),
        key=lambda n: (
            n.incident.state == Incident.State.RESOLVED,
            n.incident.severity,
            FIRST.index(n.incident.rule) if n.incident.rule in FIRST else len(FIRST),
            n.incident.breached_at,
            n.incident_id,
        ),
    )


def subject(ordered: Sequence[Notice]) -> str:
    """The sentence itself; of several the first, or what most of a project's groups share."""
    others = len(ordered) - 1
    alone = not others or _shared([notice.incident for notice in ordered])
    return line(ordered) if alone else f"{line(ordered)} (and {others} more)"


def line(ordered: Sequence[Notice], *, label: bool = True) -> str:
    """What most of a project's groups share, or else what the first notice says."""
    first, shared = ordered[0], _shared([notice.incident for notice in ordered])
    return shared or plain((_label(first) if label else "") + first.incident.headline, 200)


def _shared(incidents: Sequence[Incident]) -> str:
    """One line where a rule fires on three groups of a project and on 30 % of those in field."""
    first, count = incidents[0], len(incidents)
    same = {(incident.rule, incident.project_id) for incident in incidents} == {
        (first.rule, first.project_id)
    }
    if count < 3 or not same or not isinstance(first.project, Project):
        return ""
    field = TargetGroup.objects.filter(project=first.project, status__in=("live", "paused"))
    total = max(field.count(), count)
    if count < 0.3 * total:
        return ""
    title = RULES[first.rule].title.lower()
    return f"{plain(first.project.name, 100)}: {count} of {total} groups, {title}"


def items(notices: Iterable[Notice], *, user: User, now: datetime) -> list[Item]:
    """Incidents as a mail shows them, with a day of completes beside each."""
    listed = list(notices)
    groups = [notice.incident.group_id for notice in listed if notice.incident.group_id]
    drawn = trend.last_day(groups, now=now)
    return [
        Item(
            _label(notice),
            plain(notice.incident.headline, 300),
            _more(notice.incident),
            [
                [plain(str(cell)) for cell in row]
                for row in notice.incident.facts.get("figures", [])
            ],
            *drawn.get(notice.incident.group_id or 0, ("", 0)),
            local(notice.incident.breached_at, wishes.zone(user), now=now),
            link(notice.incident),
            notice.incident.flapping,
            acts(notice.incident, user),
        )
        for notice in listed
    ]


def _more(incident: Incident) -> str:
    """The whole sentence, where it says more than the headline."""
    more = plain(incident.sentence, 600)
    return "" if more.rstrip(".") == plain(incident.headline, 300).rstrip(".") else more


def link(incident: Incident) -> str:
    """The page of an incident."""
    return f"{settings.FIELDWATCH_URL}/incidents/{incident.pk}/"


def acts(incident: Incident, user: User) -> list[tuple[str, str]]:
    """What a reader who may edit can do about it: links to forms, which ask once."""
    if incident.state == Incident.State.RESOLVED or not any(
        one.account_id == incident.account_id and one.may_edit for one in user.memberships.all()
    ):
        return []
    return [(act.WORDS[form], act.address(incident, form)) for form in act.offered(incident)]


def _label(notice: Notice) -> str:
    """What became of an incident, before its headline."""
    incident = notice.incident
    if incident.state == Incident.State.RESOLVED:
        return "Recovered: " if incident.close_reason == "recovered" else "Over: "
    return "Still: " if notice.kind == Notice.Kind.REPEAT else ""


def why(user: User, incident: Incident) -> str:
    """Why this person gets this mail."""
    account = plain(incident.account.name)
    here = [m for m in user.memberships.all() if m.account_id == incident.account_id]
    group, project = incident.group, incident.project
    managers = {
        group.project_manager_id if group else "",
        project.project_manager_id if project else "",
    }
    if {m.exchange_user_id for m in here} & managers - {""}:
        return f"You get this as its project manager on {account}."
    if any(m.may_edit for m in here):
        return f"You get this because you may edit on {account}."
    return f"You get this because {account} names you among those who are told."
