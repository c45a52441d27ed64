"""Notices that cannot wait for a digest, bundled into mails: few, and each frozen once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from dashboard.alerts.mail import compose, preferences
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.recipients.resolve import TELLABLE
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import Mail, MailPreferences, Membership, Notice, User

GATHERS = timedelta(seconds=60)
SPACED = timedelta(minutes=5)
PROJECTS = 3  # at once; of more, one mail tells all
KEPT = timedelta(days=4)  # longer than any quiet weekend
REFUSED, LEFT, UNWANTED = "address refused", "no longer a member", "not wanted by mail"
Bundle = list[Notice]


class AlreadyMailed(Exception):
    """Some of the notices are in another mail already."""


def unmailed_notices() -> QuerySet[Notice]:
    """Notices that no mail tells yet."""
    return (
        Notice.objects.filter(mail__isnull=True, skipped="")
        .select_related(
            "incident__group",
            "incident__project",
            "incident__account",
            "recipient__mail_preferences",
        )
        .prefetch_related("recipient__memberships")
    )


def skip_unmailable(*, now: datetime) -> None:
    """Give up notices to who left, to refused or missing addresses, and what nobody wants."""
    unbound = Notice.objects.filter(mail__isnull=True, skipped="")
    members = Membership.objects.filter(
        TELLABLE, user=OuterRef("recipient"), account=OuterRef("incident__account")
    )
    unbound.filter(~Exists(members)).update(skipped=LEFT)
    refused = User.objects.exclude(email_refused="") | User.objects.filter(email="")
    unbound.filter(recipient__in=refused).update(skipped=REFUSED)
    old = unbound.filter(recipient__mail_preferences__digest=False, created_at__lt=now - KEPT)
    old.update(skipped=UNWANTED)


def compose_now(*, now: datetime) -> int:
    """Freeze a mail for each recipient and project whose time has come; how many."""
    recently = _recently(now)
    made = 0
    for user, notices in _by_recipient(_urgent(now)):
        ready = [
            bundle
            for project, bundle in _by_project(notices).items()
            if (user.pk, project) not in recently
            and min(notice.created_at for notice in bundle) <= now - GATHERS
        ]
        if len(ready) > PROJECTS:
            ready = [[notice for bundle in ready for notice in bundle]]
        for bundle in ready:
            made += store_mail(user, bundle, compose.compose_alert(user, bundle, now=now), now=now)
    return made


def _urgent(now: datetime) -> list[Notice]:
    """What may be mailed at once, together with the recovery of what nobody was told of yet."""
    wanted = Coalesce(F("recipient__mail_preferences__now"), MailPreferences.Now.CRITICAL)
    rows = unmailed_notices().annotate(
        wanted=wanted
    )  # not inside the filter: that would join inwards
    rows = rows.filter(in_digest=False, incident__severity__lte=F("wanted"))
    told = ~Q(kind=Notice.Kind.RECOVER) | Q(recipient__mail_preferences__recoveries_now=True)
    found: list[Notice] = [
        notice
        for notice in rows.filter(told)
        if not preferences.in_quiet_hours(
            preferences.preferences_of(notice.recipient),
            notice.incident.severity,
            user=notice.recipient,
            now=now,
        )
    ]
    untold = {(n.incident_id, n.recipient_id) for n in found if n.kind != Notice.Kind.RECOVER}
    if untold:
        also = unmailed_notices().filter(
            kind=Notice.Kind.RECOVER, incident__in={incident for incident, _ in untold}
        )
        known = {notice.pk for notice in found}
        found += [
            n for n in also if n.pk not in known and (n.incident_id, n.recipient_id) in untold
        ]
    return found


def _recently(now: datetime) -> set[tuple[int, int | None]]:
    """Recipients and projects that had a mail too recently for another."""
    rows = Notice.objects.filter(mail__created_at__gt=now - SPACED, mail__digest_day=None)
    return set(rows.values_list("recipient_id", "incident__project_id"))


def _by_recipient(notices: Iterable[Notice]) -> list[tuple[User, Bundle]]:
    bundles: dict[int, tuple[User, Bundle]] = {}
    for notice in sorted(notices, key=lambda n: n.pk):
        bundles.setdefault(notice.recipient_id, (notice.recipient, []))[1].append(notice)
    return list(bundles.values())


def _by_project(notices: Iterable[Notice]) -> dict[int | None, Bundle]:
    bundles: dict[int | None, Bundle] = {}
    for notice in notices:
        bundles.setdefault(notice.incident.project_id, []).append(notice)
    return bundles


def message_id() -> str:
    """A new Message-ID; a mail keeps its own, however often it is sent."""
    host = urlsplit(settings.FIELDWATCH_URL).hostname or "localhost"
    return f"<{uuid4().hex}@{host}>"


def outbox_mail(
    user: User, words: MailBody, accounts: set[int], *, now: datetime, **columns: Any
) -> Mail:
    """A mail in the outbox with its Message-ID; of an account only where all of it is."""
    return Mail.objects.create(
        account_id=accounts.pop() if len(accounts) == 1 else None,
        recipient=user,
        address=user.email,
        message_id=message_id(),
        subject=one_line(words.subject)[:300],
        text=words.text,
        html=words.html,
        created_at=now,
        next_try_at=now,
        **columns,
    )


def store_mail(user: User, notices: Sequence[Notice], words: MailBody, *, now: datetime) -> bool:
    """Store a mail with the notices that it tells; False where another worker took one of them."""
    accounts = {notice.incident.account_id for notice in notices}
    projects = {notice.incident.project_id for notice in notices}
    try:
        with transaction.atomic():
            project_id = projects.pop() if len(projects) == 1 else None
            mail = outbox_mail(user, words, accounts, now=now, project_id=project_id)
            bind_notices(mail, notices)
    except AlreadyMailed:
        return False
    return True


def bind_notices(mail: Mail, notices: Sequence[Notice]) -> None:
    """Bind notices to the mail that tells them; Taken where one of them already is bound."""
    pks = [notice.pk for notice in notices]
    mine = Notice.objects.filter(pk__in=pks, mail__isnull=True, skipped="").update(mail=mail)
    if mine != len(pks):
        raise AlreadyMailed
