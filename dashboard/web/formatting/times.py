"""Moments on pages: the group's zone first, then the person's."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.fielding.domain import time_zones
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.formatting.numbers import DASH


def zone_of(group: TargetGroup) -> ZoneInfo:
    """Where a group's people live: its own setting, else its country's."""
    return time_zones.zone_of(group.country_code, group.time_zone)


def zone_city(where: ZoneInfo) -> str:
    """A zone by the name of its city: "Tokyo"."""
    return where.key.rpartition("/")[2].replace("_", " ")


def group_local_time(moment: datetime, group: TargetGroup) -> str:
    """A moment where the group's people live: "Fri 20 Nov 2026 23:59"."""
    return f"{moment.astimezone(zone_of(group)):%a %-d %b %Y %H:%M}"


def time_for_person(moment: datetime | None, group: TargetGroup, user: User) -> str:
    """A moment for a person: "Fri 20 Nov 23:59 Tokyo, 15:59 Berlin"."""
    if moment is None:
        return DASH
    there, here = zone_of(group), zone_named(user.time_zone)
    at = moment.astimezone(there)
    text = f"{at:%a %-d %b %H:%M} {zone_city(there)}"
    mine = moment.astimezone(here)
    if mine.utcoffset() == at.utcoffset():
        return text
    day = "" if mine.date() == at.date() else f"{mine:%a} "
    return f"{text}, {day}{mine:%H:%M} {zone_city(here)}"
