"""What changes of CPI did to completes: measured every hour, and kept.

A change is measured again while its week lasts, at most every six hours, and then never more: what
was measured outlives the series that it was measured on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import log
from typing import Any, TypeVar

from django.db import transaction

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.effects.of_changes import ChangeEffect, GroupRecords, effects_of_changes
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.insight.assistant_modules import (
    KINDS,
    changes_with_old_values,
    modules_of,
)
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    Edit,
    ExchangeAccount,
    GroupPanels,
    PriceChangeEffect,
    TargetGroup,
)

MEASURED_FROM = timedelta(days=30)  # older changes are measured no more
LASTS = timedelta(days=8)  # after which the effect of a change is final
AGAIN = timedelta(hours=6)
FIRST = timedelta(hours=12)  # before that, nothing can be measured
SAME = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle
IN_INTERVAL = 3.92  # standard errors in a 95 % interval
GROUPS_A_TURN = 100
PRICES = (ChangelogKind.CPI, ChangelogKind.USER_REQUESTED_CPI)
R = TypeVar("R", Change, Edit)
Days = list[tuple[date, Any, Any]]  # Any: two JSON columns, unpacked by `series.completes`


def measure_price_changes(account: ExchangeAccount, *, now: datetime) -> int:
    """Measure the changes of CPI that are due; return how many."""
    due = _groups_due(account, now)
    measured = 0
    for first in range(0, len(due), GROUPS_A_TURN):
        turn = due[first : first + GROUPS_A_TURN]
        rows = list(_measure(TargetGroup.objects.filter(pk__in=turn).order_by("pk"), now))
        measured += _store(turn, rows)
    return measured


def _store(groups: Sequence[int], rows: Sequence[PriceChangeEffect]) -> int:
    """Replace what is not final yet; return how many rows are new.

    By then the changelog may date a change of ours by seconds earlier or later than its edit did.
    """
    stored = PriceChangeEffect.objects.filter(group__in=groups)
    final: dict[int, list[datetime]] = defaultdict(list)
    for group, at in stored.filter(is_final=True).values_list("group_id", "changed_at"):
        final[group].append(at)
    new = [
        row
        for row in rows
        if not any(abs(at - row.changed_at) <= SAME for at in final[row.group_id])
    ]
    with transaction.atomic():
        stored.filter(is_final=False).delete()
        PriceChangeEffect.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _groups_due(account: ExchangeAccount, now: datetime) -> list[int]:
    """The groups with a change of CPI that was not measured yet, or is due again."""
    since = now - MEASURED_FROM
    newest: dict[int, datetime] = {}
    for group, at in _change_times(account, since, now - FIRST):
        newest[group] = max(newest.get(group, at), at)
    measured: dict[int, tuple[datetime, bool]] = {}
    rows = PriceChangeEffect.objects.filter(account=account, changed_at__gte=since)
    for group, at, is_final in rows.values_list("group_id", "measured_at", "is_final"):
        last, every = measured.get(group, (at, True))
        measured[group] = max(last, at), every and is_final
    return sorted(group for group, at in newest.items() if _is_due(at, measured.get(group), now))


def _change_times(
    account: ExchangeAccount, since: datetime, until: datetime
) -> Iterator[tuple[int, datetime]]:
    """Groups and times of changes of CPI, by the changelog and by edits of ours."""
    logged = Change.objects.filter(
        account=account, kind__in=PRICES, occurred_at__gte=since, occurred_at__lte=until
    )
    yield from logged.values_list("group_id", "occurred_at")
    edited = Edit.objects.filter(
        account=account,
        kind=Edit.Kind.CPI,
        state=Edit.State.CONFIRMED,
        started_at__gte=since,
        started_at__lte=until,
    )
    for group, at in edited.values_list("group_id", "started_at"):
        if group is not None:
            yield group, at


def _is_due(newest: datetime, last: tuple[datetime, bool] | None, now: datetime) -> bool:
    """Whether a group is to be measured, by its newest change and its last measurement."""
    if last is None:
        return True
    measured_at, is_final = last
    return (newest + FIRST > measured_at or not is_final) and now - measured_at >= AGAIN


def _measure(groups: Iterable[TargetGroup], now: datetime) -> Iterator[PriceChangeEffect]:
    """Yield the effects of the price changes of groups; five queries."""
    groups = list(groups)
    pks = [group.pk for group in groups]
    changes = _by_group(Change.objects.filter(group__in=pks))
    edits = _by_group(Edit.objects.filter(group__in=pks, state=Edit.State.CONFIRMED))
    days: dict[int, Days] = defaultdict(list)
    stored = CompletesDay.objects.filter(group__in=pks)
    for pk, day, hours, odd in stored.values_list("group_id", "day", "hours", "odd"):
        days[pk].append((day, hours, odd))
    panels = GroupPanels.objects.filter(group__in=pks).values_list("group_id", "profiles")
    profiles: Mapping[int, Any] = dict(panels)  # Any: JSON, which `effects` reads
    for group in groups:
        records = _records_of(
            group, changes[group.pk], edits[group.pk], days[group.pk], profiles.get(group.pk) or ()
        )
        for effect in effects_of_changes(group, records, now=now):
            row = _effect_row(group, effect, now) if effect.kind == "cpi" else None
            if row is not None:
                yield row


def _by_group(rows: Iterable[R]) -> Mapping[int, list[R]]:
    grouped: dict[int, list[R]] = defaultdict(list)
    for row in rows:
        if row.group_id is not None:
            grouped[row.group_id].append(row)
    return grouped


def _records_of(
    group: TargetGroup,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    days: Days,
    profiles: Sequence[object],
) -> GroupRecords:
    assistant = modules_of(
        changes_with_old_values(
            (change.occurred_at, change.kind, change.old, change.new)
            for change in changes
            if change.kind in KINDS
        ),
        group.details,
    )
    return GroupRecords(
        changes,
        edits,
        days,
        readings=(),
        soft_launch=assistant.soft_launch or assistant.past_soft_launch,
        pacing=assistant.pacing,
        profiles=profiles,
    )


def _effect_row(
    group: TargetGroup, effect: ChangeEffect, now: datetime
) -> PriceChangeEffect | None:
    """The row of a change of CPI; None where it is too old or too new.

    One whose prices are unknown is kept without an effect, so that it is not measured every hour.
    """
    if not now - MEASURED_FROM <= effect.at <= now - FIRST:
        return None
    old, new = price_from_changelog(effect.old), price_from_changelog(effect.new)
    log_price, log_rate, error = 0.0, None, None
    if old and new:
        log_price = log(new / old)
        log_rate, error = _log_ratio(effect.completes_an_hour)
    return PriceChangeEffect(
        account_id=group.account_id,
        group=group,
        changed_at=effect.at,
        log_price=log_price,
        log_rate=log_rate,
        error=error,
        measured_at=now,
        is_final=now - effect.at >= LASTS,
    )


def _log_ratio(measure: Measure) -> tuple[float | None, float | None]:
    """The log ratio of a measure and its standard error; None where it has none."""
    if not measure.ratio or not measure.low or not measure.high:
        return None, None
    return log(measure.ratio), max(log(measure.high / measure.low) / IN_INTERVAL, 1e-3)
