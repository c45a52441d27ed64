"""What advice needs of groups, from the tables: three queries, for one group or for a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from dashboard.fielding.advice.audience import audience_of_group
from dashboard.fielding.advice.evidence import (
    Elasticity,
    PriceEvidence,
    PricePoint,
    add_what_if,
    pool_changes,
)
from dashboard.fielding.advice.learning import ANY
from dashboard.fielding.advice.outlook import GroupOutlook, Pricing
from dashboard.fielding.advice.plan import MOST_DAYS
from dashboard.fielding.domain.goals import completes_per_prescreen, completes_target
from dashboard.fielding.domain.money import minor_digits
from dashboard.fielding.domain.quotas import quota_targets, quota_unit
from dashboard.fielding.domain.scope import is_open
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.figures.margin import (
    CLIENT_CPI_NOTE,
    client_cpi_of_group,
    client_price_of_project,
)
from dashboard.fielding.figures.project_outlook import outlook_of_project
from dashboard.fielding.figures.project_verdict import Budget, budget_of_project
from dashboard.fielding.forecast.cells import CellState
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.insight.document import EndPercentiles, Insight, StoredRhythm
from dashboard.fielding.models import GroupPanels, LearnedElasticity, TargetGroup
from dashboard.fielding.series.holidays import QUIET, Holiday, rate_by_day

MOST_CELLS = 200
_EVEN = StoredRhythm()
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_USUAL = pool_changes([])

Learned = Mapping[int, LearnedElasticity]
LearnedOfAudiences = Mapping[tuple[int, str, str], LearnedElasticity]


def load_outlooks(
    groups: Sequence[TargetGroup],
    *,
    now: datetime,
    what_if: Mapping[int, Sequence[PricePoint]] | None = None,
    holidays: Mapping[int, Sequence[Holiday]] | None = None,
) -> list[GroupOutlook | None]:
    """Each group as advice sees it, in order; None for one that cannot be advised.

    That is a group that is not in field or scheduled, has no goal, end date, CPI or forecast yet,
    or is in its soft launch. what_if and holidays: what was read of them, by primary key. Needs
    each group's project.
    """
    pks = [group.pk for group in groups]
    panels = GroupPanels.objects.filter(group__in=pks).values_list("group_id", "profiles")
    profiles: Mapping[int, object] = dict(panels)
    of_groups, of_audiences = _load_learned(groups)
    rooms = _rooms_of_projects(groups)
    outlooks: list[GroupOutlook | None] = []
    for group in groups:
        learned = of_groups.get(group.pk) or _of_audience(group, of_audiences)
        known = _Known(
            profiles.get(group.pk),
            learned,
            (what_if or {}).get(group.pk, ()),
            rate_by_day((holidays or {}).get(group.pk, ())),
            rooms.get(group.project_id),
        )
        outlooks.append(_outlook_of(group, known, now))
    return outlooks


def _rooms_of_projects(groups: Sequence[TargetGroup]) -> dict[int, Budget]:
    """What the budget of each project leaves if every group reaches its goal at today's CPI."""
    projects = {group.project_id: group.project for group in groups}
    rooms = {}
    for pk, project in projects.items():
        budget = budget_of_project(project)
        outlook = outlook_of_project(project) if budget else None
        sums = outlook.money.get(budget.currency) if outlook and budget else None
        if budget and sums:
            rooms[pk] = Budget(budget.amount - sums.if_full, budget.currency)
    return rooms


def _load_learned(groups: Sequence[TargetGroup]) -> tuple[Learned, LearnedOfAudiences]:
    """What was learned of groups themselves, and of the audiences of their accounts."""
    accounts = {group.account_id for group in groups}
    of_audiences = LearnedElasticity.objects.filter(account__in=accounts, group=None)
    of_groups = LearnedElasticity.objects.filter(group__in=[group.pk for group in groups])
    return (
        {row.group_id: row for row in of_groups if row.group_id is not None},
        {(row.account_id, row.country_code, row.audience): row for row in of_audiences},
    )


def _of_audience(group: TargetGroup, learned: LearnedOfAudiences) -> LearnedElasticity | None:
    audience = audience_of_group(group.expected_loi_minutes)
    return learned.get((group.account_id, group.country_code, audience)) or learned.get(
        (group.account_id, ANY, ANY)
    )


class _Known(NamedTuple):
    """What is known of a group beside its own row."""

    profiles: object
    learned: LearnedElasticity | None
    points: Sequence[PricePoint]
    rate_by_day: Mapping[date, float]  # of its weak holidays
    room: Budget | None


def _outlook_of(group: TargetGroup, known: _Known, now: datetime) -> GroupOutlook | None:
    insight, goal = Insight.of(group), completes_target(group)
    at_end = insight.completes_at_end
    if not goal or at_end is None or not group.cpi or group.ends_at is None:
        return None
    if group.missing_since is not None or not is_open(group, now):
        return None
    cells = _cells_of(group, known.profiles)
    unstopped = insight.quotas.unstopped if insight.quotas else None
    if cells and unstopped is None:
        cells = ()  # an older release stored no forecast without quotas
    ends = unstopped if cells and unstopped is not None else at_end
    week = _Week(insight.rhythm or _EVEN, zone_of(group.country_code, group.time_zone))
    later = week._replace(rate_by_day=known.rate_by_day)
    elasticity, evidence = _elasticity_of(known.learned, known.points)
    chance = insight.forecast.chance if insight.forecast else None
    return GroupOutlook(
        goal=float(goal),
        completes=float(group.completes or 0),
        at_end=_in_order(ends),
        now=now,
        ends_at=group.ends_at,
        # The forecast counts a holiday before the end date as any day of its week.
        days_left=week.typical_days(now, group.ends_at),
        days_after=[
            later.typical_days(group.ends_at + n * _DAY, group.ends_at + (n + 1) * _DAY)
            for n in range(MOST_DAYS)
        ],
        pricing=_pricing_of(group, group.cpi, known.room),
        elasticity=elasticity,
        evidence=evidence,
        chance=chance,
        cells=cells,
        quiet_ends=[later.is_quiet(group.ends_at + (n + 1) * _DAY) for n in range(MOST_DAYS)],
    )


def _in_order(ends: EndPercentiles) -> Percentiles:
    middle = max(ends.p50, ends.p10)
    return Percentiles(ends.p10, middle, max(ends.p90, middle))


def _elasticity_of(
    learned: LearnedElasticity | None, points: Sequence[PricePoint]
) -> tuple[Elasticity, PriceEvidence]:
    """The elasticity with the exchange's estimate; the usual one where nothing was learned."""
    known, evidence = _USUAL.elasticity(ANY, ANY), PriceEvidence()
    if learned is not None:
        known = Elasticity(learned.mean, learned.sd)
        evidence = PriceEvidence(learned.own, learned.in_country, learned.elsewhere)
    combined = add_what_if(known, points)
    if combined is not known:
        evidence = PriceEvidence(evidence.own, evidence.country, evidence.elsewhere, len(points))
    return combined, evidence


def _pricing_of(group: TargetGroup, cpi: Decimal, room: Budget | None) -> Pricing:
    own = group.details.get(CLIENT_CPI_NOTE) if isinstance(group.details, dict) else None
    project = group.project
    client = client_price_of_project(project.client_cpi, project.client_cpi_currency)
    done, average = group.completes or 0, group.average_cpi or cpi
    return Pricing(
        currency=group.currency,
        cpi=cpi,
        coin=Decimal(1).scaleb(-minor_digits(group.currency)),
        paid=group.cost if group.cost is not None else done * average,
        highest=settings.CPI_LIMITS.get(group.currency),
        budget=group.budget or None,
        is_fixed=group.pricing_model == "rate_card",
        client_cpi=client_cpi_of_group(own, group.currency, client),
        project_room=room.amount if room and room.currency == group.currency else None,
    )


def _cells_of(group: TargetGroup, profiles: object) -> tuple[CellState, ...]:
    """Its quota cells in completes; none where there are too many, or nothing is known of IR."""
    unit = quota_unit(group.filling_strategy)
    share = 1.0 if unit == "completes" else completes_per_prescreen(group) or 0.0
    quotas = list(quota_targets(profiles, unit))
    if not 0 < len(quotas) <= MOST_CELLS or share <= 0:
        return ()
    return tuple(
        CellState(quota.key, quota.goal * share, max(quota.done, 0) * share, quota.question)
        for quota in quotas
    )


class _Week(NamedTuple):
    """The shape of a group's week in its time zone, and its weak holidays."""

    rhythm: StoredRhythm
    zone: ZoneInfo
    rate_by_day: Mapping[date, float] = MappingProxyType({})

    def typical_days(self, begin: datetime, end: datetime) -> float:
        """Days between two times, weighted by weekday (mean 1) and by holidays."""
        if end <= begin or not (self.rhythm.days or self.rate_by_day):
            return max((end - begin) / _DAY, 0.0)
        total, at = 0.0, begin
        while at < end:
            local = at.astimezone(self.zone)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
            until = min(end, max(midnight.astimezone(at.tzinfo), at + _MINUTE))
            total += (until - at) / _DAY * self._rate_of_day(local.date())
            at = until
        return total

    def is_quiet(self, end: datetime) -> bool:
        """Whether an end is on a day that is known to bring nothing; midnight ends a day."""
        return self._rate_of_day((end - _MINUTE).astimezone(self.zone).date()) < QUIET

    def _rate_of_day(self, day: date) -> float:
        of_week = self.rhythm.days[day.weekday()] if self.rhythm.days else 1.0
        return of_week * self.rate_by_day.get(day, 1.0)
