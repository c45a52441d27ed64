"""Advice that was followed: what it foretold is kept, and compared with what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.advice.plan import Plan
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import is_open
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.insight.group_history import series_of
from dashboard.fielding.models import AdviceRecord, Edit, PriceChange, TargetGroup, User
from dashboard.fielding.series.readings import Readings

KNOWN_AFTER = timedelta(hours=72)  # of the raise: then its completes an hour are known
LEAST = timedelta(hours=12)  # the same where the group is over before
SAME = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle
CONFIRMED_WITHIN = timedelta(hours=2)  # of a bulk change: by then its edits are settled
GIVEN_UP = timedelta(days=90)  # a group that is never over: its final cost is not waited for
SETTLED_A_TURN = 500


class RangeRecord(NamedTuple):
    """How often the foretold range of completes an hour held."""

    held: int
    settled: int


def record_advice(
    *,
    group: TargetGroup,
    outlook: GroupOutlook,
    plan: Plan,
    edit: Edit | None,
    by: User | None,
    now: datetime,
) -> AdviceRecord:
    """Keep a plan that a person followed, with what it foretold; the edit is what was sent.

    Of an edit there is one record, however many requests of one form end at the same moment.
    """
    rate, ratio = plan.result.an_hour, plan.result.over_today
    low, middle, high = plan.cost_by_end
    foretold = {
        "account_id": group.account_id,
        "group": group,
        "by": by,
        "kind": plan.kind.value,
        "followed_at": now,
        "ends_at": group.ends_at,
        "goal": round(outlook.goal),
        "completes": round(outlook.completes),
        "currency": outlook.pricing.currency,
        "old_cpi": outlook.pricing.cpi,
        "new_cpi": plan.cpi,
        "an_hour_low": rate.p10,
        "an_hour_middle": rate.p50,
        "an_hour_high": rate.p90,
        "ratio_low": ratio.p10,
        "ratio_high": ratio.p90,
        "chance": plan.chance,
        "cost_low": low,
        "cost_middle": middle,
        "cost_high": high,
        "cost_at_goal": plan.cost_at_goal,
    }
    if edit is None:
        return AdviceRecord.objects.create(**foretold)
    return AdviceRecord.objects.get_or_create(edit=edit, defaults=foretold)[0]


def settle_advice(*, now: datetime) -> int:
    """Write what came of advice that was followed, once it is known; return how many records
    changed."""
    _find_edits(now)
    due = AdviceRecord.objects.filter(closed_at=None, followed_at__lte=now - LEAST)
    due = due.filter(Q(edit=None) | Q(edit__state=Edit.State.CONFIRMED))
    records = list(due.select_related("group").order_by("followed_at")[:SETTLED_A_TURN])
    series = series_of([record.group_id for record in records])
    effects = _ratios_seen(records)
    changed = []
    for record in records:
        is_settled = record.settled_at is None and _settle(record, series, effects, now)
        if _close(record, now) or is_settled:
            changed.append(record)
    AdviceRecord.objects.bulk_update(
        changed,
        [
            "settled_at",
            "an_hour_seen",
            "ratio_seen",
            "is_held",
            "closed_at",
            "is_goal_met",
            "cost_seen",
        ],
    )
    return len(changed)


def _find_edits(now: datetime) -> None:
    """Find the confirmed edit of each record of a bulk change; delete those that were not sent."""
    unknown = AdviceRecord.objects.filter(edit=None, followed_at__lte=now - CONFIRMED_WITHIN)
    records = list(unknown.order_by("followed_at")[:SETTLED_A_TURN])
    if not records:
        return
    edits = Edit.objects.filter(
        group__in={record.group_id for record in records},
        kind=Edit.Kind.CPI,
        state=Edit.State.CONFIRMED,
        started_at__gte=records[0].followed_at - SAME,
        advice_record=None,
    ).order_by("started_at")
    by_group: dict[int, list[Edit]] = {}
    for edit in edits:
        by_group.setdefault(edit.group_id or 0, []).append(edit)
    for record in records:
        record.edit = next(
            (each for each in by_group.get(record.group_id, ()) if _is_edit_of(each, record)), None
        )
        if record.edit is None:
            record.delete()
        else:
            by_group[record.group_id].remove(record.edit)
            record.save(update_fields=["edit"])


def _is_edit_of(edit: Edit, record: AdviceRecord) -> bool:
    """Return whether an edit sent the CPI of a record soon after the record was made."""
    after = edit.started_at - record.followed_at
    is_soon = -SAME <= after <= CONFIRMED_WITHIN
    return is_soon and price_from_changelog(edit.wanted) == record.new_cpi


def count_held_ranges(account_id: int) -> RangeRecord:
    """How often the range held for the advice that was followed on an account."""
    settled = AdviceRecord.objects.filter(account=account_id, is_held__isnull=False)
    return RangeRecord(settled.filter(is_held=True).count(), settled.count())


def _settle(
    record: AdviceRecord,
    series: dict[int, Readings],
    effects: dict[int, float],
    now: datetime,
) -> bool:
    """Set the completes an hour that came; whether they are known."""
    until = min(now, record.followed_at + KNOWN_AFTER, record.ends_at or now)
    is_over = not is_open(record.group, now) or _is_full(record.group)
    if now < record.followed_at + KNOWN_AFTER and not is_over:
        return False
    rate = _rate_between(series.get(record.group_id), record, until)
    if rate is None:
        return False
    record.an_hour_seen = rate
    record.ratio_seen = effects.get(record.pk)
    record.is_held = record.an_hour_low <= rate <= record.an_hour_high
    record.settled_at = now
    return True


def _rate_between(series: Readings | None, record: AdviceRecord, until: datetime) -> float | None:
    """Completes an hour from the raise on, up to the goal; None where that is too short."""
    if series is None or not series.at.size:
        return None
    begin, end = record.followed_at.timestamp(), until.timestamp()
    full = series.at[series.count >= record.goal]
    if full.size:
        end = min(end, float(full[0]))
    end = min(end, float(series.at[-1]))
    if end - begin < LEAST.total_seconds():
        return None
    before = series.count[series.at <= begin]
    reached = series.count[series.at <= end]
    first = float(before[-1]) if before.size else float(record.completes)
    return max(float(reached[-1]) - first, 0.0) / ((end - begin) / 3600)


def _ratios_seen(records: Sequence[AdviceRecord]) -> dict[int, float]:
    """Completes an hour after over before, as the effect of the change was measured."""
    rows = PriceChange.objects.filter(
        group__in={record.group_id for record in records}, effect__error__isnull=False
    )
    measured = list(rows.values_list("group_id", "at", "effect__ratio"))
    return {
        record.pk: ratio
        for record in records
        for group, at, ratio in measured
        if group == record.group_id and abs(at - record.followed_at) <= SAME
    }


def _close(record: AdviceRecord, now: datetime) -> bool:
    """Set the final cost once the group is over; whether it is."""
    group = record.group
    is_late = now - record.followed_at >= GIVEN_UP
    if is_open(group, now) and not _is_full(group) and not is_late:
        return False
    record.closed_at = now
    record.is_goal_met = _is_full(group)
    record.cost_seen = _cost_of(group)
    return True


def _is_full(group: TargetGroup) -> bool:
    goal = completes_target(group)
    return bool(goal) and (group.completes or 0) >= (goal or 0)


def _cost_of(group: TargetGroup) -> Decimal | None:
    cost: Decimal | None = group.cost
    if cost is None and group.average_cpi is not None:
        cost = (group.completes or 0) * group.average_cpi
    return cost
