"""Times on pages: in the group's zone first, then in the person's."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from dashboard.fielding.domain import time_zones
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import TargetGroup, User
from dashboard.web.formatting.numbers import DASH

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def name_weekdays(numbers: str) -> str:
    """Name ISO weekdays, such as "67": "Sat, Sun"."""
    return ", ".join(WEEKDAYS[int(number) - 1] for number in numbers)


def zone_of(group: TargetGroup) -> ZoneInfo:
    """Return the zone of a group's respondents: its own setting, else its country's."""
    return time_zones.zone_of(group.country_code, group.time_zone)


def typed_midnight(text: str, zone: str) -> datetime | None:
    """Return when a day begins; None for a text that is none, and for the first and last years.

    They are not whole in every time zone.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    is_whole = date.min.year < day.year < date.max.year
    return datetime.combine(day, time(), zone_named(zone)) if is_whole else None


def zone_city(zone: ZoneInfo) -> str:
    """Name a zone by its city: "Tokyo"."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def group_local_time(moment: datetime, group: TargetGroup) -> str:
    """Format a time in the group's zone: "Fri 20 Nov 2026 23:59"."""
    return f"{moment.astimezone(zone_of(group)):%a %-d %b %Y %H:%M}"


def time_for_person(moment: datetime | None, group: TargetGroup, user: User) -> str:
    """Format a time in both zones: "Fri 20 Nov 23:59 Tokyo, 15:59 Berlin"."""
    if moment is None:
        return DASH
    group_zone, own_zone = zone_of(group), zone_named(user.time_zone)
    at = moment.astimezone(group_zone)
    text = f"{at:%a %-d %b %H:%M} {zone_city(group_zone)}"
    own = moment.astimezone(own_zone)
    if own.utcoffset() == at.utcoffset():
        return text
    day = "" if own.date() == at.date() else f"{own:%a} "
    return f"{text}, {day}{own:%H:%M} {zone_city(own_zone)}"
