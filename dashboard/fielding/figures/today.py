"""Completes of today, from what is stored with a group: today is the day of the group's zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight.document import InsightHead

LONGEST_DAY = timedelta(hours=25)  # clocks set back at night
_QUARTER = 15 * 60  # seconds


class HasToday(Protocol):
    """A group's named row with the members of its insight that date today's completes."""

    @property
    def status(self) -> str: ...
    @property
    def missing_since(self) -> datetime | None: ...
    @property
    def completes(self) -> int | None: ...
    @property
    def last_complete_at(self) -> datetime | None: ...
    @property
    def country_code(self) -> str: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def insight__today(self) -> object: ...
    @property
    def insight__at(self) -> object: ...


def quarter_hour(at: datetime) -> int:
    """Return the number of the quarter of an hour: at the start of each a day begins somewhere."""
    return int(at.timestamp() // _QUARTER)


def local_midnight(group: HasToday, now: datetime) -> datetime:
    """Return the last midnight in the group's zone."""
    return _midnight(zone_of(group.country_code, group.time_zone), now)


@lru_cache(maxsize=256)  # a page asks for thousands of groups in a few dozen zones
def _midnight(zone: ZoneInfo, now: datetime) -> datetime:
    local = now.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def completes_of_today(group: HasToday, *, now: datetime) -> int | None:
    """Return completes since local midnight; None if the group was not read since then.

    What was stored on an earlier day is not today's. A group that had its last complete before
    midnight has none, unless it is live and listed: another one may have come since it was read.
    """
    midnight = local_midnight(group, now)
    if group.completes == 0:
        return 0
    last = group.last_complete_at
    is_live = group.status == "live" and group.missing_since is None
    if not is_live and last is not None and last < midnight:
        return 0
    head = InsightHead.from_stored({"at": group.insight__at, "today": group.insight__today})
    if head.worked_out_at is None or head.worked_out_at < midnight:
        return None
    return head.today
