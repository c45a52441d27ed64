"""What is kept for how long: readings get sparser with age, the record of rounds ends.

Readings are written in the order of time, so their ids tell how far the thinning is: each call goes
on where the last one stopped and looks only at what has come of age since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from dashboard.fielding.models import Cycle, Quarantine, Reading, ThinningProgress
from dashboard.sync.pull.bulk_sql import split_into_parts

CHUNK = 5000
CHUNKS_A_CALL = 40
SET_ASIDE_DAYS = 30
AT_ONCE = 500


class ReadingRow(NamedTuple):
    """A reading, as far as thinning needs it."""

    pk: int
    group: int
    at: datetime


def delete_old_rows(*, now: datetime, chunk: int = CHUNK) -> None:
    """Thin readings, end the record of old rounds, and forget what is set aside no more."""
    for grain, days in (("hour", settings.READING_DAYS), ("day", settings.READING_HOURLY_DAYS)):
        for _ in range(CHUNKS_A_CALL):
            if not thin_readings(
                grain, older_than=_start(grain, now - timedelta(days=days)), chunk=chunk
            ):
                break
    _end_rounds(now - timedelta(days=settings.CYCLE_DAYS))
    Quarantine.objects.filter(last_seen_at__lt=now - timedelta(days=SET_ASIDE_DAYS)).delete()


def thin_readings(grain: str, *, older_than: datetime, chunk: int) -> bool:
    """One chunk: of each group and hour (or UTC day) the last reading stays. False at the end."""
    mark, _ = ThinningProgress.objects.get_or_create(grain=grain)
    rows = _next(mark.reading_id, grain, older_than, chunk)
    if not rows:
        return False
    gone = superseded_readings(rows, grain)
    with transaction.atomic():
        for some in split_into_parts(gone, AT_ONCE):
            Reading.objects.filter(pk__in=some).delete()
        ThinningProgress.objects.filter(pk=mark.pk).update(reading_id=rows[-1].pk)
    return True


def _next(after: int, grain: str, older_than: datetime, chunk: int) -> list[ReadingRow]:
    """The readings that came of age, whole periods of them where there are many."""
    found = Reading.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "group", "at")
    rows = [ReadingRow(*row) for row in found[:chunk]]
    old = _up_to_first_young(rows, older_than)
    if len(old) < chunk:
        return old
    return _up_to_first_young(old, _start(grain, old[-1].at)) or old


def _up_to_first_young(rows: Sequence[ReadingRow], older_than: datetime) -> list[ReadingRow]:
    """Nothing behind a reading that is still young is passed over."""
    young = next((n for n, row in enumerate(rows) if row.at >= older_than), len(rows))
    return list(rows[:young])


def superseded_readings(rows: Iterable[ReadingRow], grain: str) -> list[int]:
    """The readings after which another of the same group and period came."""
    last: dict[tuple[int, datetime], ReadingRow] = {}
    gone = []
    for row in sorted(rows, key=lambda one: (one.at, one.pk)):
        key = (row.group, _start(grain, row.at))
        if key in last:
            gone.append(last[key].pk)
        last[key] = row
    return gone


def _start(grain: str, at: datetime) -> datetime:
    """The beginning of the hour or UTC day."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if grain == "hour" else hour.replace(hour=0)


def _end_rounds(before: datetime) -> None:
    """Delete old rounds, but never the last that brought data: silence is told by it.

    Of each account the last of its own list, and the last of a project.
    """
    read = Cycle.objects.filter(listed=True)
    own = read.filter(project=None).values("account").annotate(last=Max("pk"))
    projects = read.exclude(project=None).values("account").annotate(last=Max("pk"))
    kept = [row["last"] for rows in (own, projects) for row in rows]
    old = Cycle.objects.filter(started_at__lt=before).exclude(pk__in=kept).order_by("pk")
    for _ in range(CHUNKS_A_CALL):
        pks = list(old.values_list("pk", flat=True)[:AT_ONCE])
        if not pks:
            return
        Cycle.objects.filter(pk__in=pks).delete()
