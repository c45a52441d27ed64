"""The daily digest: once on chosen days at a person's own time, also without any alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from dashboard.alerts import downtime
from dashboard.alerts.incidents.store import DAY, mute_covers
from dashboard.alerts.mail import compose, preferences, unsubscribe
from dashboard.alerts.mail.about import AboutFilter, keep_chosen
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.mail.immediate import (
    REFUSED,
    AlreadyMailed,
    bind_notices,
    outbox_mail,
    unmailed_notices,
)
from dashboard.alerts.mail.overview import overview_of, urgency_of
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.verdict import CRITICAL
from dashboard.alerts.text import format_count
from dashboard.fielding.compiled_queries import CompiledQuery
from dashboard.fielding.domain.scope import LISTED
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import (
    Incident,
    Mail,
    MailPreferences,
    Membership,
    Mute,
    Notice,
    TargetGroup,
    User,
)

SHOWN_OPEN = (Incident.State.FIRING, Incident.State.RECOVERING)


def compose_due(*, now: datetime) -> int:
    """Store the digests that are due; return how many."""
    stored = 0
    for user in _READERS():
        day = preferences.digest_day(preferences.preferences_of(user), user=user, now=now)
        if day and not Mail.objects.filter(recipient=user, digest_day=day).exists():
            stored += _store_digest(user, day, now=now)
    return stored


def _readers() -> QuerySet[User]:
    """Return the people who can get digests."""
    gets_mail = Q(is_active=True) | Q(memberships__role=Membership.Role.MAIL, closed_at=None)
    people = User.objects.filter(gets_mail, email_refused="", memberships__isnull=False)
    return (
        people.exclude(email="")
        .select_related("mail_preferences")
        .prefetch_related("memberships")
        .distinct()
    )


_READERS = CompiledQuery(_readers)  # saves 2 to 4 ms of an idle beat


def _store_digest(user: User, day: date, *, now: datetime) -> bool:
    """Store the digest of a day with its notices; return False if another worker did."""
    choice = preferences.preferences_of(user)
    notices = [
        notice
        for notice in keep_chosen(unmailed_notices().filter(recipient=user))
        if not preferences.is_immediate(choice, notice)
    ]
    body = compose_digest(user, notices, now=now)
    accounts = {membership.account_id for membership in user.memberships.all()}
    try:
        with transaction.atomic():
            mail = outbox_mail(user, body, accounts, now=now, digest_day=day)
            bind_notices(mail, notices)
    except (IntegrityError, AlreadyMailed):
        return False
    return True


def compose_digest(user: User, notices: Sequence[Notice], *, now: datetime) -> MailBody:
    """Compose a digest: new alerts, then open and resolved ones in brief."""
    latest = compose.latest_per_incident(notices)
    resolved = [row for row in latest if row.incident.state == Incident.State.RESOLVED]
    first_time = {
        notice.incident_id
        for notice in notices
        if notice.kind in (Notice.Kind.FIRE, Notice.Kind.NO_DATA)
    }
    new = [
        row for row in latest if row.incident.state in SHOWN_OPEN and row.incident_id in first_time
    ]
    listed = {notice.incident_id for notice in (*new, *resolved)}
    still_open, others = _load_open(user, listed, now=now)
    live = TargetGroup.objects.visible_to(user).filter(LISTED, status="live").count()
    narrowed = preferences.preferences_of(user).about != MailPreferences.About.EVERYTHING
    overviews = {
        "New": overview_of(new, now=now),
        "Still open": overview_of(still_open, now=now),
    }
    sections = [
        {
            "title": title,
            "overview": overviews.get(title),
            "items": compose.mail_items(
                [] if overviews.get(title) else rows[: compose.MAX_ITEMS],
                user=user,
                now=now,
                brief=rows is not new,
            ),
            "more": 0 if overviews.get(title) else max(0, len(rows) - compose.MAX_ITEMS),
            "brief": rows is not new,
            "labelled": rows is resolved,  # recovered, or closed for another reason
        }
        for title, rows in (
            ("New", new),
            ("Still open", still_open),
            ("Resolved", resolved),
        )
        if rows
    ]
    context: dict[str, object] = {
        "sections": sections,
        "well": "" if new or still_open else _describe_calm(live, others),
        "off": downtime.describe_downtimes(
            downtime.list_downtimes(now - DAY, now), zone_named(user.time_zone), now=now
        ),
        "beside": _describe_others(others, more=bool(new or still_open), narrowed=narrowed),
        "why": "You get this digest on the days and at the time that you chose.",
        "stop": unsubscribe.unsubscribe_url(user, unsubscribe.DIGEST),
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    subject = _subject_line(new, still_open, resolved, others, live)
    if overview := overviews["New" if new else "Still open"]:
        subject = f"{subject.partition(': ')[0]}: {overview.subject}"
    return compose.render_mail("digest", subject, context)


def _describe_calm(live: int, others: Sequence[Incident]) -> str:
    """Return that there are no alerts for this person, or that all groups are on track."""
    if others:
        return "No alerts for you."
    return f"{_on_track(live)}: no alerts are open."


def _on_track(live: int) -> str:
    if not live:
        return "No live groups"
    return "Your live group is on track" if live == 1 else f"All {live:,} live groups are on track"


def _describe_others(incidents: Sequence[Incident], *, more: bool, narrowed: bool) -> str:
    """Return how many alerts are open that this person does not get; empty without any."""
    if not incidents:
        return ""
    critical = sum(urgency_of(incident) == CRITICAL for incident in incidents)
    count = f"{len(incidents):,}{' more' if more else ''}"
    alerts = f"{count} {'alert is' if len(incidents) == 1 else 'alerts are'}"
    detail = f" ({critical:,} critical)" if critical else ""
    whose = "outside your choice or for other recipients" if narrowed else "for other recipients"
    return f"{alerts} open {whose}{detail}"


def _load_open(
    user: User, listed: set[int], *, now: datetime
) -> tuple[list[Notice], Sequence[Incident]]:
    """Return what else is open: notices to this person, and incidents that they do not get.

    The latter are for other recipients, or outside what the person's emails are about. Incidents
    from before this person had access, or while their address was refused, are theirs.
    """
    rows = Incident.objects.filter(state__in=SHOWN_OPEN, account__memberships__user=user)
    rows = rows.exclude(pk__in=listed).select_related("group", "project", "account", "item")
    sent = Notice.objects.filter(recipient=user, skipped__in=("", REFUSED), incident__in=rows)
    last = {notice.incident_id: notice for notice in sent.order_by("pk")}
    mutes = list(Mute.objects.filter(account__memberships__user=user, until__gt=now))
    chosen, choice = AboutFilter(), preferences.preferences_of(user)
    notices, others = [], []
    for incident in rows:
        managers = managers_of(incident.group, incident.project)
        is_chosen = chosen.covers_incident(choice, incident)
        notice = last.get(incident.pk)
        if notice and is_chosen:
            notice.incident = incident
            notices.append(notice)
        elif any(
            mute_covers(mute, incident) for mute in mutes if mute.account_id == incident.account_id
        ):
            continue
        elif is_chosen and user.pk in chosen.people_of(incident.account_id).recipients_of(
            incident, managers
        ):
            notices.append(Notice(incident=incident, recipient=user, kind=Notice.Kind.FIRE))
        else:
            others.append(incident)
    return compose.latest_per_incident(notices), others


def _subject_line(
    new: Sequence[Notice],
    still_open: Sequence[Notice],
    resolved: Sequence[Notice],
    others: Sequence[Incident],
    live: int,
) -> str:
    """Return the counts with the most severe alert, or that all groups are on track."""
    if not new and not still_open:
        groups = "no live groups" if not live else format_count(live, "live group")
        lead = f"No alerts for you: {groups}" if others else _on_track(live)
        counts = ((resolved, "resolved"), (others, "open elsewhere"))
        return ", ".join([lead, *(f"{len(rows)} {word}" for rows, word in counts if rows)])
    sections = ((new, "new"), (still_open, "still open"), (resolved, "resolved"))
    summary = ", ".join(f"{len(rows)} {word}" for rows, word in sections if rows)
    return f"{summary}: {compose.summary_line(new or still_open, label=False)}"
