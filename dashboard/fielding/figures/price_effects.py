"""Each change of a CPI with what followed it: measured for a week, stored, and learned from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import log

import msgspec
from django.db import transaction
from django.db.models import Max

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.effects.extra_completes import (
    CpiStep,
    Estimate,
    extra_completes,
    extra_cost,
)
from dashboard.fielding.effects.of_changes import ChangeEffect, GroupRecords, effects_of_changes
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.insight.document import StoredPart
from dashboard.fielding.models import Change, Edit, PriceChange, TargetGroup
from dashboard.fielding.queries import group_page

KINDS = (ChangelogKind.CPI, ChangelogKind.USER_REQUESTED_CPI)
SHOWN_DAYS = 31  # how old a change is measured, and shown, at most
LASTS = timedelta(days=8)  # after a change: by then its effect is known, and stays as it is
KEPT = timedelta(days=400)  # what was measured outlives its series: prices are learned from it
RECORDED = timedelta(days=400)  # of the series that a measurement reads, as on the group's page
RECORD_ROWS = 100  # of changes and of edits, as on the group's page
GROUPS_PER_RUN = 300
EVERY = timedelta(minutes=10)  # of one group, at most
IN_INTERVAL, LEAST_ERROR = 3.92, 1e-3  # standard errors in a 95 % interval; and of a log ratio
_SAME = timedelta(minutes=10)  # between an edit and its line in the changelog
_HOURS = 24


class StoredEffect(StoredPart, frozen=True):
    """What followed a change of price: the comparison, and what it adds up to.

    before and after: completes a typical day. ratio: after over before, corrected as `correction`
    says; error: the standard error of its log. completes_after: those counted after the change,
    until `until` (ISO 8601). extra and extra_cost: low, middle and high; None where the verdict has
    no number.
    """

    verdict: str = "too early"
    before: float | None = None
    after: float | None = None
    ratio: float | None = None
    error: float | None = None
    correction: str = ""
    reason: str = ""
    completes_after: float = 0.0
    until: str = ""
    extra: tuple[float, float, float] | None = None
    extra_cost: tuple[float, float, float] | None = None

    @property
    def extra_estimate(self) -> Estimate | None:
        """The extra completes; None where the verdict has no number."""
        return Estimate(*self.extra) if self.extra else None

    @property
    def cost_estimate(self) -> Estimate | None:
        """The extra cost; None where it is not known."""
        return Estimate(*self.extra_cost) if self.extra_cost else None


def measure_due_price_changes(*, now: datetime, at_most: int = GROUPS_PER_RUN) -> int:
    """Measure the groups whose price changed lately, those first that wait longest.

    A group is measured again once new data was read since, at most every ten minutes, until eight
    days after its last change. Returns the number of groups that were measured.
    """
    groups = _repriced_groups(now - timedelta(days=SHOWN_DAYS))
    measured = dict(
        PriceChange.objects.filter(group__in=list(groups))
        .values_list("group")
        .annotate(Max("measured_at"))
    )
    due = [
        pk
        for pk, (changed_at, read_at) in groups.items()
        if pk not in measured or _is_due(changed_at, read_at, measured[pk], now)
    ]
    due.sort(key=lambda pk: measured.get(pk, datetime.min.replace(tzinfo=now.tzinfo)))
    measure_price_changes(due[:at_most], now=now)
    PriceChange.objects.filter(at__lt=now - KEPT).delete()
    return len(due[:at_most])


def _repriced_groups(since: datetime) -> dict[int, tuple[datetime, datetime | None]]:
    """The groups whose CPI changed since: when it last did, and when their project was read."""
    logged = Change.objects.filter(kind__in=KINDS, occurred_at__gte=since)
    edited = Edit.objects.filter(
        kind=Edit.Kind.CPI, state=Edit.State.CONFIRMED, started_at__gte=since
    )
    groups: dict[int, tuple[datetime, datetime | None]] = {}
    for rows, moment in ((logged, "occurred_at"), (edited, "started_at")):
        of_groups = rows.values_list("group", "group__project__read_at")
        for pk, read_at, changed_at in of_groups.annotate(Max(moment)).order_by():
            if pk is not None:
                groups[pk] = max(groups.get(pk, (changed_at, read_at)), (changed_at, read_at))
    return groups


def _is_due(
    changed_at: datetime, read_at: datetime | None, measured_at: datetime, now: datetime
) -> bool:
    """Whether new data can tell more of a change than its last measurement did."""
    is_known = measured_at >= changed_at + LASTS
    is_new = read_at is not None and read_at > measured_at
    return not is_known and is_new and now - measured_at >= EVERY


def measure_new_price_changes(project_pk: int, *, seen_since: datetime, now: datetime) -> None:
    """Measure the groups of a project of which the changelog newly says that the price changed."""
    rows = Change.objects.filter(
        group__project=project_pk,
        kind__in=KINDS,
        seen_at__gte=seen_since,
        occurred_at__gte=now - timedelta(days=SHOWN_DAYS),
    )
    measure_price_changes(sorted({*rows.values_list("group", flat=True)}), now=now)


def measure_price_changes(group_pks: Collection[int], *, now: datetime) -> None:
    """Measure and store every change of price of these groups in the last 31 days."""
    groups = TargetGroup.objects.filter(pk__in=group_pks).select_related("panels")
    for group in groups:
        _measure_group(group, now)


def _measure_group(group: TargetGroup, now: datetime) -> None:
    changes = group_page.newest_changes(group, RECORD_ROWS)
    edits = group_page.newest_edits(group, RECORD_ROWS)
    effects = effects_of_changes(
        group, _records_of(group, changes, edits, now), now=now, kind="cpi"
    )
    since = now - timedelta(days=SHOWN_DAYS)
    rows = [
        _price_change(group, effect, changes, edits, now)
        for effect in effects
        if effect.at >= since
    ]
    with transaction.atomic():
        stored = PriceChange.objects.filter(group=group, at__gte=since)
        stored.exclude(at__in=[row.at for row in rows]).delete()
        PriceChange.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["group", "at"],
            update_fields=[
                "edit",
                "by",
                "actor_type",
                "actor_id",
                "old_cpi",
                "new_cpi",
                "currency",
                "effect",
                "measured_at",
            ],
        )


def _records_of(
    group: TargetGroup, changes: Sequence[Change], edits: Sequence[Edit], now: datetime
) -> GroupRecords:
    """The records of a group as its page reads them."""
    since = now - RECORDED
    assistant = assistant_modules.modules_of(
        [(c.occurred_at, c.kind, c.new) for c in changes if c.kind in assistant_modules.KINDS],
        group.details,
    )
    panels = getattr(group, "panels", None)
    return GroupRecords(
        changes,
        edits,
        group_page.completes_days(group, since),
        group_page.entrant_readings(group, since),
        assistant.soft_launch,
        assistant.pacing,
        panels.profiles if panels else (),
    )


def _price_change(
    group: TargetGroup,
    effect: ChangeEffect,
    changes: Iterable[Change],
    edits: Iterable[Edit],
    now: datetime,
) -> PriceChange:
    """The row of a change: what it was, who made it, and what followed."""
    old, new = price_from_changelog(effect.old), price_from_changelog(effect.new)
    edit = _edit_behind(effect, new, edits)
    logged = [
        change
        for change in changes
        if change.kind in KINDS and abs(change.occurred_at - effect.at) <= _SAME
    ]
    change = min(logged, key=lambda row: abs(row.occurred_at - effect.at), default=None)
    return PriceChange(
        account_id=group.account_id,
        group=group,
        at=effect.at,
        edit=edit,
        by_id=edit.by_id if edit else None,
        actor_type=change.actor_type if change else "",
        actor_id=change.actor_id if change else "",
        old_cpi=old,
        new_cpi=new,
        currency=_currency_of(effect.new) or group.currency,
        effect=msgspec.to_builtins(_stored_effect(effect, old, new)),
        measured_at=now,
    )


def _edit_behind(effect: ChangeEffect, new: Decimal | None, edits: Iterable[Edit]) -> Edit | None:
    """The edit through Fieldwatch that made a change: of its time and to its price."""
    matches = [
        edit
        for edit in edits
        if edit.kind == Edit.Kind.CPI
        and edit.state == Edit.State.CONFIRMED
        and abs(edit.started_at - effect.at) <= _SAME
        and price_from_changelog(edit.wanted) == new
    ]
    return min(matches, key=lambda edit: abs(edit.started_at - effect.at), default=None)


def _currency_of(value: object) -> str:
    return str(value.get("currency_code", "")) if isinstance(value, dict) else ""


def _stored_effect(effect: ChangeEffect, old: Decimal | None, new: Decimal | None) -> StoredEffect:
    measure = effect.completes_an_hour
    extra = extra_completes(measure, effect.completes_after)
    cost = None
    if extra and old is not None and new is not None and _in_one_currency(effect):
        cost = extra_cost(extra, effect.completes_after, CpiStep(float(old), float(new)))
    overlaps = f"Within a day of: {', '.join(effect.overlaps)}." if effect.overlaps else ""
    return StoredEffect(
        verdict=measure.verdict,
        before=None if measure.before is None else measure.before * _HOURS,
        after=None if measure.after is None else measure.after * _HOURS,
        ratio=measure.ratio,
        error=_log_error(measure),
        correction=measure.correction,
        reason=overlaps or ("" if measure.ratio is not None else measure.reason),
        completes_after=effect.completes_after,
        until=effect.after[1].isoformat(timespec="seconds"),
        extra=None if extra is None else (extra.low, extra.middle, extra.high),
        extra_cost=None if cost is None else (cost.low, cost.middle, cost.high),
    )


def _in_one_currency(effect: ChangeEffect) -> bool:
    """Whether both prices are in the same currency, as far as they name one."""
    old, new = _currency_of(effect.old), _currency_of(effect.new)
    return not old or not new or old == new


def _log_error(measure: Measure) -> float | None:
    """The standard error of the log of a ratio; None where it has no interval."""
    if not measure.ratio or not measure.low or not measure.high:
        return None
    return max(log(measure.high / measure.low) / IN_INTERVAL, LEAST_ERROR)
