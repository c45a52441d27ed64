"""Notices that cannot wait for the digest, bundled into few mails, each composed once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import (
    Case,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.mail import compose, preferences
from dashboard.alerts.mail.about import keep_chosen
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.mail.overview import open_items, urgency_of
from dashboard.alerts.recipients.resolve import CAN_GET_MAIL
from dashboard.alerts.rules.verdict import CRITICAL, WARNING
from dashboard.fielding.compiled_queries import CompiledQuery, CompiledUpdate, Param
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import Mail, MailPreferences, Membership, Notice, User

GATHER_FOR = timedelta(seconds=60)
MIN_SPACING = timedelta(minutes=5)  # between mails to a recipient about a project
MAX_PROJECT_MAILS = 3  # together; more projects share one mail
BASELINE_AFTER = timedelta(minutes=10)  # so that one mail has all that a first read finds
GIVE_UP_AFTER = timedelta(days=8)  # longer than six quiet days and the quiet hours beside them
REFUSED, LEFT, UNWANTED = "address refused", "no longer a member", "switched off by the recipient"
Bundle = list[Notice]


class AlreadyMailed(Exception):
    """Some of the notices are in another mail already."""


def unmailed_notices() -> QuerySet[Notice]:
    """Return notices to people that are in no mail yet."""
    return (
        Notice.objects.filter(mail__isnull=True, skipped="", channel=None)
        .select_related(
            "incident__group",
            "incident__project",
            "incident__account",
            "incident__item",
            "recipient__mail_preferences",
        )
        .prefetch_related("recipient__memberships")
    )


def skip_unmailable(*, now: datetime) -> None:
    """Skip notices to former members, to refused or missing addresses, and those nobody wants."""
    _SKIP_FORMER_MEMBERS()
    _SKIP_REFUSED()
    _SKIP_UNWANTED(before=now - GIVE_UP_AFTER)


def _unbound() -> QuerySet[Notice]:
    return Notice.objects.filter(mail__isnull=True, skipped="", channel=None)


def _of_former_members() -> QuerySet[Notice]:
    members = Membership.objects.filter(
        CAN_GET_MAIL, user=OuterRef("recipient"), account=OuterRef("incident__account")
    )
    return _unbound().filter(~Exists(members))


def _to_refused() -> QuerySet[Notice]:
    refused = User.objects.exclude(email_refused="") | User.objects.filter(email="")
    return _unbound().filter(recipient__in=refused)


# Each saves 0.7 to 1.4 ms of an idle beat.
_SKIP_FORMER_MEMBERS = CompiledUpdate(_of_former_members, skipped=LEFT)
_SKIP_REFUSED = CompiledUpdate(_to_refused, skipped=REFUSED)
_SKIP_UNWANTED = CompiledUpdate(
    lambda: _unbound().filter(
        recipient__mail_preferences__digest=False, created_at__lt=Param("before")
    ),
    skipped=UNWANTED,
)


def compose_immediate(*, now: datetime) -> int:
    """Store a mail for each recipient and project that is due; return how many."""
    recent = _recently_mailed(now)
    stored = 0
    for user, notices in _group_by_recipient(_urgent_notices(now)):
        for bundle in due_bundles(user.pk, notices, recent, now=now):
            body = compose.compose_alert(user, bundle, now=now)
            stored += store_mail(user, bundle, body, now=now)
    return stored


def compose_baselines(*, now: datetime) -> int:
    """Store one mail for each recipient and account about what was so already; return how many.

    That is what a first read finds, or the first read after an outage. What comes of it within a
    day after that mail waits for the digest.
    """
    stored = 0
    rows = _SINCE_BEFORE(read_before=now - BASELINE_AFTER)
    for user, notices in _group_by_recipient(keep_chosen(rows)):
        choice = preferences.preferences_of(user)
        if choice.now == MailPreferences.Now.NOTHING or preferences.in_quiet_hours(
            choice, WARNING, user=user, now=now
        ):
            continue
        for bundle in group_by_account(notices):
            is_complete = min(notice.created_at for notice in bundle) <= now - BASELINE_AFTER
            if is_complete and open_items(bundle) and not _had_baseline(bundle):
                body = compose.compose_baseline(user, bundle, now=now)
                stored += store_mail(user, bundle, body, now=now)
    return stored


# Saves 2 to 4 ms of an idle beat.
_SINCE_BEFORE = CompiledQuery(
    lambda: unmailed_notices().filter(
        incident__account__first_pull_completed_at__lte=Param("read_before"),
        incident__since_before=True,
        kind__in=(Notice.Kind.FIRE, Notice.Kind.NO_DATA),
    )
)


def group_by_account(notices: Iterable[Notice]) -> list[Bundle]:
    bundles: dict[int, Bundle] = {}
    for notice in notices:
        bundles.setdefault(notice.incident.account_id, []).append(notice)
    return list(bundles.values())


def _had_baseline(bundle: Bundle) -> bool:
    """Return whether such a mail went out less than a day before these notices, or since."""
    first = min(bundle, key=lambda notice: notice.created_at)
    return Notice.objects.filter(
        recipient=first.recipient,
        incident__account=first.incident.account_id,
        incident__since_before=True,
        mail__digest_day=None,
        mail__created_at__gt=first.created_at - DAY,
    ).exists()


def _urgent_notices(now: datetime) -> list[Notice]:
    """Return the notices to mail now, with the recoveries of incidents not notified yet."""
    notices = keep_chosen(
        notice
        for notice in _URGENT()
        if not preferences.in_quiet_hours(
            preferences.preferences_of(notice.person),
            urgency_of(notice.incident),
            user=notice.person,
            now=now,
        )
    )
    alerting = {
        (notice.incident_id, notice.recipient_id)
        for notice in notices
        if notice.kind != Notice.Kind.RECOVER
    }
    if alerting:
        recoveries = unmailed_notices().filter(
            kind=Notice.Kind.RECOVER, incident__in={incident for incident, _ in alerting}
        )
        included = {notice.pk for notice in notices}
        notices += [
            notice
            for notice in recoveries
            if notice.pk not in included and (notice.incident_id, notice.recipient_id) in alerting
        ]
    return notices


def urgency_column() -> Case:
    """Return how urgent a notice is: critical if its item is, else a warning or less.

    As an annotation of its own: inside a filter it would become an inner join.
    """
    return Case(
        When(Q(incident__item__critical=True), then=Value(CRITICAL)),
        default=Greatest("incident__severity", Value(WARNING)),
        output_field=IntegerField(),
    )


def _urgent() -> QuerySet[Notice]:
    """Return the notices that their recipients want now."""
    wanted = Coalesce(F("recipient__mail_preferences__now"), MailPreferences.Now.CRITICAL)
    rows = unmailed_notices().annotate(wanted=wanted, urgency=urgency_column())
    rows = rows.filter(in_digest=False, incident__since_before=False, urgency__lte=F("wanted"))
    return rows.filter(
        ~Q(kind=Notice.Kind.RECOVER) | Q(recipient__mail_preferences__recoveries_now=True)
    )


_URGENT = CompiledQuery(_urgent)  # saves 2 to 4 ms of an idle beat
# Saves 0.7 to 1.4 ms of an idle beat.
_RECENTLY_MAILED = CompiledQuery(
    lambda: Notice.objects.filter(
        mail__created_at__gt=Param("since"), mail__digest_day=None, recipient__isnull=False
    ).values_list("recipient_id", "incident__project_id")
)


def _recently_mailed(now: datetime) -> set[tuple[int, int | None]]:
    """Return recipients and projects with a mail too recent for another."""
    pairs = _RECENTLY_MAILED(since=now - MIN_SPACING)
    return {(user, project) for user, project in pairs if user is not None}


def _group_by_recipient(notices: Iterable[Notice]) -> list[tuple[User, Bundle]]:
    bundles: dict[int, tuple[User, Bundle]] = {}
    for notice in sorted(notices, key=lambda notice: notice.pk):
        bundles.setdefault(notice.person.pk, (notice.person, []))[1].append(notice)
    return list(bundles.values())


def due_bundles(
    receiver: int,
    notices: Iterable[Notice],
    recent: Collection[tuple[int, int | None]],
    *,
    now: datetime,
) -> list[Bundle]:
    """Return what a receiver gets now: a bundle for each project that is due, or one for many.

    receiver: a person's or a channel's key; recent: receivers and projects that got something
    within MIN_SPACING.
    """
    ready = [
        bundle
        for project, bundle in _group_by_project(notices).items()
        if (receiver, project) not in recent
        and min(notice.created_at for notice in bundle) <= now - GATHER_FOR
    ]
    if len(ready) > MAX_PROJECT_MAILS:
        return [[notice for bundle in ready for notice in bundle]]
    return ready


def _group_by_project(notices: Iterable[Notice]) -> dict[int | None, Bundle]:
    bundles: dict[int | None, Bundle] = {}
    for notice in notices:
        bundles.setdefault(notice.incident.project_id, []).append(notice)
    return bundles


def message_id() -> str:
    """Return a new Message-ID; a mail keeps its own, however often it is sent."""
    host = urlsplit(settings.FIELDWATCH_URL).hostname or "localhost"
    return f"<{uuid4().hex}@{host}>"


def outbox_mail(
    user: User,
    body: MailBody,
    accounts: set[int],
    *,
    now: datetime,
    project_id: int | None = None,
    digest_day: date | None = None,
) -> Mail:
    """Put a mail into the outbox with its Message-ID; it has an account if there is only one."""
    return Mail.objects.create(
        account_id=accounts.pop() if len(accounts) == 1 else None,
        recipient=user,
        address=user.email,
        message_id=message_id(),
        subject=one_line(body.subject)[:300],
        text=body.text,
        html=body.html,
        created_at=now,
        next_try_at=now,
        project_id=project_id,
        digest_day=digest_day,
    )


def store_mail(user: User, notices: Sequence[Notice], body: MailBody, *, now: datetime) -> bool:
    """Store a mail with its notices; return False if another worker mailed one of them."""
    accounts = {notice.incident.account_id for notice in notices}
    projects = {notice.incident.project_id for notice in notices}
    try:
        with transaction.atomic():
            project_id = projects.pop() if len(projects) == 1 else None
            mail = outbox_mail(user, body, accounts, now=now, project_id=project_id)
            bind_notices(mail, notices)
    except AlreadyMailed:
        return False
    return True


def bind_notices(mail: Mail, notices: Sequence[Notice]) -> None:
    """Bind notices to a mail; AlreadyMailed if one of them is bound already."""
    pks = [notice.pk for notice in notices]
    bound = Notice.objects.filter(pk__in=pks, mail__isnull=True, skipped="").update(mail=mail)
    if bound != len(pks):
        raise AlreadyMailed
