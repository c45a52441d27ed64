"""Delete old rows: readings are thinned with age, cycles and others are deleted.

Readings are written in the order of time, so an id marks how far thinning has come: each call goes
on where the last one stopped and reads only rows that have become old enough since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q

from dashboard.fielding import audit
from dashboard.fielding.models import (
    AccessToken,
    AuditEvent,
    AuditKind,
    Cycle,
    Mail,
    Quarantine,
    Reading,
    SharedStatus,
    ThinningProgress,
)
from dashboard.sync.lookup import what_if
from dashboard.sync.pull.bulk_sql import split_into_parts

CHUNK = 5000
CHUNKS_PER_CALL = 40
QUARANTINE_DAYS = 30
SELECTION_DAYS = 90  # of a shared selection of groups, after its last link has expired
TOKEN_DAYS = 90  # after a token was revoked or has expired
ROWS_PER_DELETE = 500
SQL_TIME = "%Y-%m-%d %H:%M:%S"  # UTC, as both databases compare it


class ReadingRow(NamedTuple):
    """The columns of a reading that thinning needs."""

    pk: int
    group: int
    at: datetime


def delete_old_rows(*, now: datetime, chunk: int = CHUNK) -> None:
    """Thin readings; delete old cycles, quarantined items that no longer come, what-ifs,
    selections of groups that nobody shares any more, and tokens that no longer work."""
    for grain, days in (("hour", settings.READING_DAYS), ("day", settings.READING_HOURLY_DAYS)):
        for _ in range(CHUNKS_PER_CALL):
            if not thin_readings(
                grain, older_than=_period_start(grain, now - timedelta(days=days)), chunk=chunk
            ):
                break
    _delete_old_cycles(now - timedelta(days=settings.CYCLE_DAYS))
    Quarantine.objects.filter(last_seen_at__lt=now - timedelta(days=QUARANTINE_DAYS)).delete()
    what_if.delete_old_answers(now=now)
    _delete_unused_selections(now - timedelta(days=SELECTION_DAYS))
    _delete_dead_tokens(now - timedelta(days=TOKEN_DAYS))
    _delete_ended_sessions(now)
    _delete_expired_counters(now)
    if settings.MAIL_DAYS:
        _forget_texts_of_mails(now - timedelta(days=settings.MAIL_DAYS))
    if settings.AUDIT_DAYS:
        _delete_old_audit_entries(now=now)


@transaction.atomic
def _delete_old_audit_entries(*, now: datetime) -> None:
    """Delete entries of the audit log that are older than AUDIT_DAYS, and record how many."""
    before, deleted = now - timedelta(days=settings.AUDIT_DAYS), 0
    for _ in range(CHUNKS_PER_CALL):
        count = AuditEvent.objects.delete_expired(before=before, limit=ROWS_PER_DELETE)
        deleted += count
        if count < ROWS_PER_DELETE:
            break
    if deleted:
        audit.record(
            kind=AuditKind.ENTRIES_DELETED,
            origin=audit.SYSTEM,
            now=now,
            details={"count": deleted, "before": f"{before:%Y-%m-%d %H:%M} UTC"},
        )


def _delete_ended_sessions(now: datetime) -> None:
    """Delete expired sessions, and with them the addresses and browsers that they were used from.

    In plain SQL: a worker does not load the apps of sign-in.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_session WHERE expire_date < %s", [f"{now:{SQL_TIME}}"])
        cursor.execute(
            "DELETE FROM usersessions_usersession WHERE last_seen_at < %s AND NOT EXISTS "
            "(SELECT 1 FROM django_session WHERE django_session.session_key = "
            "usersessions_usersession.session_key)",
            [
                f"{now - timedelta(hours=1):{SQL_TIME}}"
            ],  # a session that begins now may have its row first
        )


def _delete_expired_counters(now: datetime) -> None:
    """Delete expired rows of the cache, such as wrong passwords counted by (hashed) address."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM fielding_cache WHERE expires < %s", [f"{now:{SQL_TIME}}"])


def _forget_texts_of_mails(before: datetime) -> None:
    """Blank the texts of old emails; that they were sent, to whom and when is kept."""
    old = Mail.objects.filter(created_at__lt=before).exclude(state=Mail.State.WAITING)
    pks = list(old.exclude(text="", html="").values_list("pk", flat=True)[: 20 * ROWS_PER_DELETE])
    for part in split_into_parts(pks, ROWS_PER_DELETE):
        Mail.objects.filter(pk__in=part).update(text="", html="", message=None)


def thin_readings(grain: str, *, older_than: datetime, chunk: int) -> bool:
    """Thin one chunk to the last reading per group and hour (or UTC day); False if none is left."""
    progress, _ = ThinningProgress.objects.get_or_create(grain=grain)
    rows = _next_readings(progress.reading_id, grain, older_than, chunk)
    if not rows:
        return False
    superseded = superseded_readings(rows, grain)
    with transaction.atomic():
        for pks in split_into_parts(superseded, ROWS_PER_DELETE):
            Reading.objects.filter(pk__in=pks).delete()
        ThinningProgress.objects.filter(pk=progress.pk).update(reading_id=rows[-1].pk)
    return True


def _next_readings(after: int, grain: str, older_than: datetime, chunk: int) -> list[ReadingRow]:
    """The next readings that are old enough; whole periods only, if there are many."""
    readings = Reading.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "group", "at")
    rows = [ReadingRow(*row) for row in readings[:chunk]]
    old = _up_to_first_young(rows, older_than)
    if len(old) < chunk:
        return old
    return _up_to_first_young(old, _period_start(grain, old[-1].at)) or old


def _up_to_first_young(rows: Sequence[ReadingRow], older_than: datetime) -> list[ReadingRow]:
    """The rows before the first one that is not old enough: thinning never skips one."""
    young = next((n for n, row in enumerate(rows) if row.at >= older_than), len(rows))
    return list(rows[:young])


def superseded_readings(rows: Iterable[ReadingRow], grain: str) -> list[int]:
    """Keys of readings that have a later one in the same group and period."""
    last: dict[tuple[int, datetime], ReadingRow] = {}
    superseded = []
    for row in sorted(rows, key=lambda row: (row.at, row.pk)):
        key = (row.group, _period_start(grain, row.at))
        if key in last:
            superseded.append(last[key].pk)
        last[key] = row
    return superseded


def _period_start(grain: str, at: datetime) -> datetime:
    """The beginning of the hour or UTC day."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if grain == "hour" else hour.replace(hour=0)


def _delete_unused_selections(before: datetime) -> None:
    """Delete old shared selections without a schedule whose links have long expired."""
    unused = SharedStatus.objects.filter(project=None, schedule=None, created_at__lt=before)
    unused.exclude(links__expires_at__gt=before).delete()


def _delete_dead_tokens(before: datetime) -> None:
    """Delete tokens that have not worked for long; the audit log keeps who had them."""
    AccessToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)).delete()


def _delete_old_cycles(before: datetime) -> None:
    """Delete old cycles, except each account's last complete ones, which date its data.

    Per account these are the last of its own list, and the last of a project.
    """
    read = Cycle.objects.filter(listed=True)
    of_accounts = read.filter(project=None).values("account").annotate(last=Max("pk"))
    of_projects = read.exclude(project=None).values("account").annotate(last=Max("pk"))
    newest = [row["last"] for rows in (of_accounts, of_projects) for row in rows]
    old = Cycle.objects.filter(started_at__lt=before).exclude(pk__in=newest).order_by("pk")
    for _ in range(CHUNKS_PER_CALL):
        pks = list(old.values_list("pk", flat=True)[:ROWS_PER_DELETE])
        if not pks:
            return
        Cycle.objects.filter(pk__in=pks).delete()
