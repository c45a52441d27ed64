"""What the page of a group reads whenever somebody opens it, in statements written once."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from dashboard.fielding.compiled_queries import Given, Read
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    Edit,
    Incident,
    Reading,
    TargetGroup,
    User,
)
from dashboard.fielding.querysets.querysets import ChangeQuerySet, EditQuerySet, IncidentQuerySet
from dashboard.fielding.querysets.series import CompletesDayQuerySet, ReadingQuerySet

_GROUP = Read(
    lambda: TargetGroup.objects.visible_to(Given("user")).with_pulse().filter(pk=Given("pk"))
)
_OPEN = Read(lambda: IncidentQuerySet(Incident).filter(group=Given("group")).open().by_urgency())
_DAYS: Read[Any] = Read(
    lambda: (
        CompletesDayQuerySet(CompletesDay)
        .filter(group=Given("group"))
        .since(Given("day"))
        .values_list("day", "hours", "odd")
    )
)
_READINGS: Read[Any] = Read(
    lambda: (
        ReadingQuerySet(Reading)
        .filter(group=Given("group"))
        .since(Given("moment"))
        .values_list("at", "entrants", "prescreens")
    )
)


def group(pk: int, user: User) -> TargetGroup | None:
    """A group with its project, account and sheet, if it is one of the person's.

    `pulse` changes with its incidents and edits.
    """
    return _GROUP.one(pk=pk, user=user.pk)


def incidents(of: TargetGroup) -> list[Incident]:
    """Its open incidents, the most urgent first."""
    return _OPEN(group=of.pk)


def changes(of: TargetGroup, at_most: int) -> list[Change]:
    """Its newest changes."""
    return _changes(at_most)(group=of.pk)


def edits(of: TargetGroup, at_most: int) -> list[Edit]:
    """Its newest edits, with who made them."""
    return _edits(at_most)(group=of.pk)


def days(of: TargetGroup, since: datetime) -> list[tuple[date, Any, Any]]:
    """(day, hours, odd) as stored, of the days that may hold points after `since`, in order."""
    return _DAYS(group=of.pk, day=since.date())


def readings(of: TargetGroup, since: datetime) -> list[tuple[datetime, int | None, int | None]]:
    """(time, entrants, prescreens) after `since`, in order of time."""
    return _READINGS(group=of.pk, moment=since)


@cache
def _changes(at_most: int) -> Read[Change]:
    return Read(lambda: ChangeQuerySet(Change).filter(group=Given("group")).newest()[:at_most])


@cache
def _edits(at_most: int) -> Read[Edit]:
    return Read(lambda: EditQuerySet(Edit).filter(group=Given("group")).newest()[:at_most])
