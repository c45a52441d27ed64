"""The daily digest: at a person's own hour, on chosen days, once, "all is well" included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from dashboard.alerts import downtime
from dashboard.alerts.incidents.store import DAY, mute_covers
from dashboard.alerts.mail import compose, preferences, unsubscribe
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.mail.immediate import (
    REFUSED,
    AlreadyMailed,
    bind_notices,
    outbox_mail,
    unmailed_notices,
)
from dashboard.alerts.recipients.resolve import People, managers_of
from dashboard.alerts.rules.verdict import CRITICAL
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Incident, Mail, Membership, Mute, Notice, TargetGroup, User

OPEN = (Incident.State.FIRING, Incident.State.RECOVERING)


def compose_due(*, now: datetime) -> int:
    """Freeze the digests whose hour has come; how many."""
    made = 0
    for user in _readers():
        day = preferences.digest_day(preferences.preferences_of(user), user=user, now=now)
        if day and not Mail.objects.filter(recipient=user, digest_day=day).exists():
            made += _freeze(user, day, now=now)
    return made


def _readers() -> QuerySet[User]:
    """People who could get a digest today."""
    told = Q(is_active=True) | Q(memberships__role=Membership.Role.MAIL, closed_at=None)
    people = User.objects.filter(told, email_refused="", memberships__isnull=False)
    return (
        people.exclude(email="")
        .select_related("mail_preferences")
        .prefetch_related("memberships")
        .distinct()
    )


def _freeze(user: User, day: date, *, now: datetime) -> bool:
    """Store the digest of a day with the notices that it tells; False if somebody else did."""
    choice = preferences.preferences_of(user)
    notices = [
        n for n in unmailed_notices().filter(recipient=user) if not preferences.at_once(choice, n)
    ]
    words = compose_digest(user, notices, now=now)
    accounts = {membership.account_id for membership in user.memberships.all()}
    try:
        with transaction.atomic():
            mail = outbox_mail(user, words, accounts, now=now, digest_day=day)
            bind_notices(mail, notices)
    except (IntegrityError, AlreadyMailed):
        return False
    return True


def compose_digest(user: User, notices: Sequence[Notice], *, now: datetime) -> MailBody:
    """What is new, then in brief what is still open and what is over; or that all is well."""
    told = compose.latest_per_incident(notices)
    over = [n for n in told if n.incident.state == Incident.State.RESOLVED]
    news = {n.incident_id for n in notices if n.kind in (Notice.Kind.FIRE, Notice.Kind.NO_DATA)}
    new = [n for n in told if n.incident.state in OPEN and n.incident_id in news]
    still, beside = _open(user, {notice.incident_id for notice in (*new, *over)}, now=now)
    live = TargetGroup.objects.visible_to(user).filter(status="live", missing_since=None).count()
    sections = [
        {
            "title": title,
            "items": compose.mail_items(rows[: compose.MOST], user=user, now=now),
            "more": max(0, len(rows) - compose.MOST),
            "summary": compose.count_summary(rows),
            "brief": rows is not new,
            "labelled": rows is over,  # recovered, or over for another reason
        }
        for title, rows in (("New", new), ("Still open", still), ("Over", over))
        if rows
    ]
    context: dict[str, object] = {
        "sections": sections,
        "well": "" if new or still else _well(live, beside),
        "off": downtime.sentence(
            downtime.within(now - DAY, now), zone_named(user.time_zone), now=now
        ),
        "beside": _beside(beside, more=bool(new or still)),
        "why": "You get this digest on the days and at the hour that you chose.",
        "stop": unsubscribe.unsubscribe_url(user, unsubscribe.DIGEST),
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    return compose.render_mail("digest", _subject(new, still, over, beside, live), context)


def _well(live: int, beside: Sequence[Incident]) -> str:
    """That nothing needs this person; that all is well only where nothing needs anybody."""
    if beside:
        return "Nothing for you: nothing that you are told of is open."
    if not live:
        return "All is well: nothing needs you, and no group of yours is live."
    groups = "your live group" if live == 1 else f"your {live} live groups"
    return f"All is well: nothing of {groups} needs you."


def _beside(incidents: Sequence[Incident], *, more: bool) -> str:
    """How much is open that others are told of; empty where nothing is."""
    if not incidents:
        return ""
    critical = sum(incident.severity == CRITICAL for incident in incidents)
    count = f"{len(incidents)}{' more' if more else ''} {'is' if len(incidents) == 1 else 'are'}"
    grave = f", {critical} of them critical" if critical else ""
    return f"{count} open that others are told of{grave}"


def _open(user: User, known: set[int], *, now: datetime) -> tuple[list[Notice], Sequence[Incident]]:
    """What is open beyond what is known: what this person is told of, and what only others are.

    What began before this person was here, or while their address was refused, is told of too.
    """
    rows = Incident.objects.filter(state__in=OPEN, account__memberships__user=user)
    rows = rows.exclude(pk__in=known).select_related("group", "project", "account")
    mine = Notice.objects.filter(recipient=user, skipped__in=("", REFUSED), incident__in=rows)
    last = {notice.incident_id: notice for notice in mine.order_by("pk")}
    mutes = list(Mute.objects.filter(account__memberships__user=user, until__gt=now))
    people = {pk: People(pk) for pk in {incident.account_id for incident in rows}}
    told, beside = [], []
    for incident in rows:
        managers = managers_of(incident.group, incident.project)
        if notice := last.get(incident.pk):
            notice.incident = incident
            told.append(notice)
        elif any(
            mute_covers(mute, incident) for mute in mutes if mute.account_id == incident.account_id
        ):
            continue
        elif user.pk in people[incident.account_id].told(incident, managers):
            told.append(Notice(incident=incident, recipient=user, kind=Notice.Kind.FIRE))
        else:
            beside.append(incident)
    return compose.latest_per_incident(told), beside


def _subject(
    new: Sequence[Notice],
    still: Sequence[Notice],
    over: Sequence[Notice],
    beside: Sequence[Incident],
    live: int,
) -> str:
    """The gravest sentence, or that all is well, with the numbers."""
    if not new and not still:
        lead = "Nothing for you" if beside else "All is well"
        groups = {0: "no live group", 1: "1 live group"}.get(live, f"{live} live groups")
        counts = ((over, "over since"), (beside, "open with others"))
        return ", ".join([f"{lead}: {groups}", *(f"{len(of)} {word}" for of, word in counts if of)])
    told = ((new, "new"), (still, "still open"), (over, "over"))
    return ", ".join(f"{len(rows)} {what}" for rows, what in told if rows) + (
        f": {compose.summary_line(new or still, label=False)}"
    )
