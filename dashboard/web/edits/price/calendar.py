"""What Cint's calendar says about a group's end date and an extension, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.fielding.advice.advised_groups import AdvisedGroup
from dashboard.fielding.advice.plan import Plan, PlanKind
from dashboard.fielding.series.holidays import Holiday, format_days
from dashboard.web.formatting import numbers, times

MINUTE = timedelta(minutes=1)


def describe_holidays_ahead(advised: AdvisedGroup) -> str:
    """Return which weak holidays come before the end date, as a sentence; empty without any."""
    if advised.outlook is None:
        return ""
    holidays = _weak_holidays(advised, advised.outlook.now, advised.outlook.ends_at)
    if not holidays:
        return ""
    return f"Before the end date: {_name_holidays(holidays)}. The forecast does not count holidays."


def describe_extension(advised: AdvisedGroup, plan: Plan) -> list[str]:
    """Return how an extension counts holidays, and which number of days Cint suggests."""
    outlook, calendar = advised.outlook, advised.calendar
    if outlook is None:
        return []
    end = outlook.ends_at + timedelta(days=plan.extra_days)
    holidays = _weak_holidays(advised, outlook.ends_at, end)
    quiet = [each for each in holidays if each.is_quiet]
    weak = [each for each in holidays if not each.is_quiet]
    texts = []
    if quiet:
        texts.append(f"Leaves out {_name_holidays(quiet)}.")
    if weak:
        texts.append(f"Counts as weak: {_name_holidays(weak)}.")
    if calendar.days is not None and plan.kind is PlanKind.EXTEND:
        completes = numbers.format_count(calendar.completes)
        texts.append(
            f"Cint suggests {_count_days(calendar.days)} for {completes} more completes; this "
            f"plan has {_count_days(round((end - outlook.now) / timedelta(days=1)))}."
        )
    return texts


def _weak_holidays(advised: AdvisedGroup, begin: datetime, end: datetime) -> list[Holiday]:
    """Return the weak holidays between two times in the group's zone, by day; midnight ends a
    day."""
    zone = times.zone_of(advised.group)
    first = (begin + MINUTE).astimezone(zone).date()
    last = (end - MINUTE).astimezone(zone).date()
    weak = (each for each in advised.calendar.holidays if each.is_weak)
    return sorted((each for each in weak if first <= each.day <= last), key=lambda each: each.day)


def _name_holidays(holidays: Sequence[Holiday]) -> str:
    """Return "25–26 Dec (Christmas Day: 20 % of a normal day, Boxing Day)": what brings something
    with its share."""
    names = [
        each.name
        if each.is_quiet
        else f"{each.name}: {numbers.format_percent(each.completes_rate)} of a normal day"
        for each in holidays
    ]
    return f"{format_days([each.day for each in holidays])} ({', '.join(dict.fromkeys(names))})"


def _count_days(days: int) -> str:
    return "1 day" if days == 1 else f"{numbers.format_count(days)} days"
