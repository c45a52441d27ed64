"""What advice foretold of a change of CPI that was sent: kept, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db.models import Count, Q

from dashboard.fielding.advice.advised_groups import load_advised_group, load_advised_groups
from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.advice.plan import Plan, PlanKind, standing_without_advice
from dashboard.fielding.advice.records import RangeRecord, record_advice
from dashboard.fielding.advice.response_curve import draw_luck
from dashboard.fielding.advice.results import TriedChange, plan_of_change
from dashboard.fielding.advice.search import lay_out_field
from dashboard.fielding.models import AdviceRecord, Edit, TargetGroup, User
from dashboard.web.formatting.values import format_foretold

SAME = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle


def record_foretold(*, group: TargetGroup, edit: Edit, now: datetime) -> AdviceRecord | None:
    """Keep what advice foretells of a CPI that was sent and may have been accepted; None where it
    foretells nothing. `group`: as it was before it was sent."""
    if edit.kind != Edit.Kind.CPI or edit.state not in (Edit.State.CONFIRMED, Edit.State.UNKNOWN):
        return None
    cpi = _wanted_cpi(edit)
    if cpi is None or cpi == group.cpi or AdviceRecord.objects.filter(edit=edit).exists():
        return None
    outlook = load_advised_group(group, now=now).outlook
    if outlook is None or outlook.pricing.is_fixed or standing_without_advice(outlook):
        return None
    plan = _plan_of_cpi(outlook, cpi)
    return record_advice(group=group, outlook=outlook, plan=plan, edit=edit, by=edit.by, now=now)


def record_foretold_together(
    prices: Sequence[tuple[TargetGroup, Decimal]], *, by: User, now: datetime
) -> int:
    """Keep what advice foretells of the CPIs of a bulk change; return of how many groups.

    Groups are as they were before it was sent. Its edits are found once they are confirmed.
    """
    advised = load_advised_groups([group for group, _ in prices], now=now)
    records = 0
    for group, cpi in prices:
        outlook = advised[group.pk].outlook if group.pk in advised else None
        if outlook is None or outlook.pricing.is_fixed or standing_without_advice(outlook):
            continue
        if cpi <= 0 or cpi == group.cpi:
            continue
        plan = _plan_of_cpi(outlook, cpi)
        record_advice(group=group, outlook=outlook, plan=plan, edit=None, by=by, now=now)
        records += 1
    return records


def foretold_of_group(group: TargetGroup) -> list[AdviceRecord]:
    """Return what was foretold of the confirmed changes of a group's CPI; one query."""
    records = AdviceRecord.objects.filter(group=group, edit__state=Edit.State.CONFIRMED)
    return list(records.order_by("followed_at"))


def count_held_of_person(user: User) -> RangeRecord:
    """Return how often the foretold range held, over the accounts that a person sees; one query."""
    settled = AdviceRecord.objects.filter(account__memberships__user=user, is_held__isnull=False)
    counts = settled.aggregate(held=Count("pk", filter=Q(is_held=True)), settled=Count("pk"))
    return RangeRecord(counts["held"], counts["settled"])


def describe_foretold(records: Sequence[AdviceRecord], at: datetime, seen: float | None) -> str:
    """Return "Expected +10 to +60 %, seen +34 %" of the change at a time; empty without a record.

    seen: completes over those without the change, as measured so far.
    """
    record = next((each for each in records if abs(each.followed_at - at) <= SAME), None)
    if record is None:
        return ""
    ratio = seen if record.ratio_seen is None else record.ratio_seen
    return format_foretold(record.ratio_low, record.ratio_high, ratio)


def _wanted_cpi(edit: Edit) -> Decimal | None:
    """Return the CPI that was sent; None where it is no positive amount."""
    try:
        cpi = Decimal(str((edit.wanted or {}).get("value")))
    except InvalidOperation:
        return None
    return cpi if cpi > 0 else None


def _plan_of_cpi(outlook: GroupOutlook, cpi: Decimal) -> Plan:
    """Return a CPI as a plan: what it brings and costs."""
    kind = PlanKind.RAISE if cpi > outlook.pricing.cpi else PlanKind.SAVE
    return plan_of_change(lay_out_field([outlook], draw_luck()), 0, kind, TriedChange(cpi))
