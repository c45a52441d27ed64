"""The daily digest: at a person's own hour, on chosen days, once, "all is well" included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from dashboard.alerts import letter, stop, wishes
from dashboard.alerts.bundle import Taken, claim, outgoing, waiting
from dashboard.alerts.letter import Letter
from dashboard.fielding.models import Incident, Mail, Membership, Notice, TargetGroup, User

OPEN = (Incident.State.FIRING, Incident.State.RECOVERING)


def compose_due(*, now: datetime) -> int:
    """Freeze the digests whose hour has come; how many."""
    made = 0
    for user in _readers():
        day = wishes.digest_day(wishes.choice_of(user), user=user, now=now)
        if day and not Mail.objects.filter(recipient=user, digest_day=day).exists():
            made += _freeze(user, day, now=now)
    return made


def _readers() -> QuerySet[User]:
    """People who could get a digest today."""
    told = Q(is_active=True) | Q(memberships__role=Membership.Role.MAIL)
    people = User.objects.filter(told, email_refused="", memberships__isnull=False)
    return (
        people.exclude(email="")
        .select_related("mail_choice")
        .prefetch_related("memberships")
        .distinct()
    )


def _freeze(user: User, day: date, *, now: datetime) -> bool:
    """Store the digest of a day with the notices that it tells; False if somebody else did."""
    choice = wishes.choice_of(user)
    notices = [n for n in waiting().filter(recipient=user) if not wishes.at_once(choice, n)]
    words = written(user, notices, now=now)
    accounts = {membership.account_id for membership in user.memberships.all()}
    try:
        with transaction.atomic():
            mail = outgoing(user, words, accounts, now=now, digest_day=day)
            claim(mail, notices)
    except (IntegrityError, Taken):
        return False
    return True


def written(user: User, notices: Sequence[Notice], *, now: datetime) -> Letter:
    """What is new, then in brief what is still open and what is over; or that all is well."""
    told = letter.one_each(notices)
    over = [n for n in told if n.incident.state == Incident.State.RESOLVED]
    news = {n.incident_id for n in notices if n.kind in (Notice.Kind.FIRE, Notice.Kind.NO_DATA)}
    new = [n for n in told if n.incident.state in OPEN and n.incident_id in news]
    still = _still_open(user, {notice.incident_id for notice in (*new, *over)})
    live = TargetGroup.objects.visible_to(user).filter(status="live", missing_since=None).count()
    sections = [
        {
            "title": title,
            "items": letter.items(rows[: letter.MOST], user=user, now=now),
            "more": max(0, len(rows) - letter.MOST),
            "summary": letter.summary(rows),
            "brief": rows is not new,
            "labelled": rows is over,  # recovered, or over for another reason
        }
        for title, rows in (("New", new), ("Still open", still), ("Over", over))
        if rows
    ]
    context: dict[str, object] = {
        "sections": sections,
        "well": "" if new or still else _well(live),
        "why": "You get this digest on the days and at the hour that you chose.",
        "stop": stop.address(user, stop.DIGEST),
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    return letter.render("digest", _subject(new, still, over, live), context)


def _well(live: int) -> str:
    """That nothing needs anybody, and of how many groups that is said."""
    if not live:
        return "nothing needs you, and no group of yours is live."
    groups = "your live group" if live == 1 else f"your {live} live groups"
    return f"nothing of {groups} needs you."


def _still_open(user: User, known: set[int]) -> list[Notice]:
    """The last notice of each open incident that this person was told of before."""
    rows = Notice.objects.filter(
        recipient=user,
        skipped="",
        incident__state__in=OPEN,
        incident__account__memberships__user=user,
    ).exclude(incident__in=known)
    return letter.one_each(
        rows.select_related("incident__group", "incident__project", "incident__account")
    )


def _subject(
    new: Sequence[Notice], still: Sequence[Notice], over: Sequence[Notice], live: int
) -> str:
    """The gravest sentence, or that all is well, with the numbers."""
    if not new and not still:
        groups = {0: "no live group", 1: "1 live group"}.get(live, f"{live} live groups")
        return f"All is well: {groups}" + (f", {len(over)} over since" if over else "")
    counts = ((new, "new"), (still, "still open"), (over, "over"))
    return ", ".join(f"{len(rows)} {what}" for rows, what in counts if rows) + (
        f": {letter.line(new or still, label=False)}"
    )
