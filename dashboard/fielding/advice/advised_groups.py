"""What advice says of groups, from what is stored with them and from Cint's stored what-if."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.advice.advise import advise_groups, plan_raises
from dashboard.fielding.advice.evidence import PricePoint
from dashboard.fielding.advice.inputs import load_outlooks
from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.advice.plan import Advice, Plan
from dashboard.fielding.domain.what_if import WhatIf
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.queries.what_if import stored_what_if, stored_what_ifs
from dashboard.fielding.series.holidays import NO_CALENDAR, GroupCalendar


@dataclass(frozen=True, slots=True)
class AdvisedGroup:
    """A group as advice sees it, None where no advice can be given, and what was read of it: Cint's
    what-if and its calendar."""

    group: TargetGroup
    outlook: GroupOutlook | None
    what_if: WhatIf
    calendar: GroupCalendar = NO_CALENDAR

    def advise(self) -> Advice | None:
        """Return what the group needs; None where no advice can be given."""
        return advise_groups([self.outlook])[0] if self.outlook is not None else None


def load_advised_group(
    group: TargetGroup,
    *,
    now: datetime,
    what_if: WhatIf | None = None,
    calendar: GroupCalendar = NO_CALENDAR,
) -> AdvisedGroup:
    """Return a group as advice sees it, in four queries; what_if: where it was just read, in three.

    calendar: what is known of holidays. The exchange is not asked.
    """
    known = what_if or stored_what_if(group, now=now)
    points = {group.pk: points_to_come(group, known)}
    holidays = {group.pk: calendar.holidays}
    (outlook,) = load_outlooks([group], now=now, what_if=points, holidays=holidays)
    return AdvisedGroup(group, outlook, known, calendar)


def load_advised_groups(groups: Sequence[TargetGroup], *, now: datetime) -> dict[int, AdvisedGroup]:
    """Return groups as advice sees them, by primary key, in four queries for any number.

    Groups on which no advice can be given are left out.
    """
    known = stored_what_ifs(groups, now=now)
    points = {group.pk: points_to_come(group, known[group.pk]) for group in groups}
    outlooks = load_outlooks(groups, now=now, what_if=points)
    return {
        group.pk: AdvisedGroup(group, outlook, known[group.pk])
        for group, outlook in zip(groups, outlooks, strict=True)
        if outlook is not None
    }


def advise_together(advised: Mapping[int, AdvisedGroup]) -> dict[int, Advice]:
    """Return what each group needs, by primary key: faster than one by one."""
    outlooks = {pk: each.outlook for pk, each in advised.items() if each.outlook is not None}
    return dict(zip(outlooks, advise_groups(list(outlooks.values())), strict=True))


def plan_raises_together(advised: Mapping[int, AdvisedGroup]) -> dict[int, Plan]:
    """Return the raise that each group needs now, by primary key; groups without one are left out.

    That is a part of the work of `advise_together`.
    """
    outlooks = {pk: each.outlook for pk, each in advised.items() if each.outlook is not None}
    plans = zip(outlooks, plan_raises(list(outlooks.values())), strict=True)
    return {pk: plan for pk, plan in plans if plan is not None}


def points_to_come(group: TargetGroup, what_if: WhatIf) -> list[PricePoint]:
    """Return the points of a what-if as completes still to come: CPI brings no others."""
    done = group.completes or 0
    return [
        PricePoint(float(point.cpi), max(point.low - done, 0), max(point.high - done, 0))
        for point in what_if.points
    ]
