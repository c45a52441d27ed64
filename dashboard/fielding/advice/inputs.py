"""What advice needs of groups, from the tables: three queries, for one group or for a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

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
from dashboard.fielding.forecast.cells import CellState
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.insight.document import EndPercentiles, Insight, StoredRhythm
from dashboard.fielding.models import GroupPanels, LearnedElasticity, TargetGroup

MOST_CELLS = 200
_EVEN = StoredRhythm()
_DAY = timedelta(days=1)
_USUAL = pool_changes([])

Learned = Mapping[int, LearnedElasticity]
LearnedOfAudiences = Mapping[tuple[int, str, str], LearnedElasticity]


def load_outlooks(
    groups: Sequence[TargetGroup],
    *,
    now: datetime,
    what_if: Mapping[int, Sequence[PricePoint]] | None = None,
) -> list[GroupOutlook | None]:
    """Each group as advice sees it, in order; None for one that cannot be advised.

    That is a group that is not in field or scheduled, has no goal, end date, CPI or forecast yet,
    or is in its soft launch. what_if: the exchange's estimates that were read, by primary key.
    """
    pks = [group.pk for group in groups]
    panels = GroupPanels.objects.filter(group__in=pks).values_list("group_id", "profiles")
    profiles: Mapping[int, object] = dict(panels)
    of_groups, of_audiences = _load_learned(groups)
    outlooks: list[GroupOutlook | None] = []
    for group in groups:
        learned = of_groups.get(group.pk) or _of_audience(group, of_audiences)
        points = (what_if or {}).get(group.pk, ())
        outlooks.append(_outlook_of(group, profiles.get(group.pk), learned, points, now))
    return outlooks


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


def _outlook_of(
    group: TargetGroup,
    profiles: object,
    learned: LearnedElasticity | None,
    points: Sequence[PricePoint],
    now: datetime,
) -> GroupOutlook | None:
    insight, goal = Insight.of(group), completes_target(group)
    at_end = insight.completes_at_end
    if not goal or at_end is None or not group.cpi or group.ends_at is None:
        return None
    if group.missing_since is not None or not is_open(group, now):
        return None
    cells = _cells_of(group, profiles)
    unstopped = insight.quotas.unstopped if insight.quotas else None
    if cells and unstopped is None:
        cells = ()  # an older release stored no forecast without quotas
    ends = unstopped if cells and unstopped is not None else at_end
    rhythm = insight.rhythm or _EVEN
    elasticity, evidence = _elasticity_of(learned, points)
    chance = insight.forecast.chance if insight.forecast else None
    return GroupOutlook(
        goal=float(goal),
        completes=float(group.completes or 0),
        at_end=_in_order(ends),
        now=now,
        ends_at=group.ends_at,
        days_left=_typical_days(rhythm, group, now, group.ends_at),
        days_after=[
            _typical_days(rhythm, group, group.ends_at + n * _DAY, group.ends_at + (n + 1) * _DAY)
            for n in range(MOST_DAYS)
        ],
        pricing=_pricing_of(group, group.cpi),
        elasticity=elasticity,
        evidence=evidence,
        chance=chance,
        cells=cells,
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


def _pricing_of(group: TargetGroup, cpi: Decimal) -> Pricing:
    done, average = group.completes or 0, group.average_cpi or cpi
    return Pricing(
        currency=group.currency,
        cpi=cpi,
        coin=Decimal(1).scaleb(-minor_digits(group.currency)),
        paid=group.cost if group.cost is not None else done * average,
        highest=settings.CPI_LIMITS.get(group.currency),
        budget=group.budget or None,
        is_fixed=group.pricing_model == "rate_card",
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


def _typical_days(
    rhythm: StoredRhythm, group: TargetGroup, begin: datetime, end: datetime
) -> float:
    """Days between two times, weighted by the weekdays of the group's week (mean 1)."""
    if rhythm.days is None or end <= begin:
        return max((end - begin) / _DAY, 0.0)
    zone = zone_of(group.country_code, group.time_zone)
    total, at = 0.0, begin
    while at < end:
        local = at.astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        until = min(end, max(midnight.astimezone(at.tzinfo), at + timedelta(minutes=1)))
        total += (until - at) / _DAY * rhythm.days[local.weekday()]
        at = until
    return total
