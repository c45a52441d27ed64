"""Replay the rules about changes, edits, reported issues and missing data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.alerts import downtime
from dashboard.alerts.incidents import unconfirmed_edits
from dashboard.alerts.incidents.changelog import (
    KINDS,
    describe_change,
    made_outside,
    without_duplicates,
)
from dashboard.alerts.incidents.no_data import stale_after
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.rules.rule_type import RuleType
from dashboard.alerts.rules.settings import Effective
from dashboard.fielding.models import Change, Cycle, Edit, ExchangeAccount, Incident, TargetGroup


class Firing(NamedTuple):
    """One alert that a rule would have opened; no end: still open. No group: about the account."""

    group: TargetGroup | None
    began: datetime
    ended: datetime | None


def changes_that_fire(
    effective: Effective, groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Yield each change made outside Fieldwatch that would have alerted, open for a day."""
    kinds = [kind for kind, code in KINDS.items() if code == effective.rule.code]
    by_pk = {group.pk: group for group in groups}
    rows = Change.objects.filter(
        group__in=list(by_pk), kind__in=kinds, occurred_at__gt=since, occurred_at__lte=now
    ).order_by("occurred_at", "pk")
    for change in made_outside(without_duplicates(rows)):
        group = by_pk[change.group_id]
        if describe_change(change, group, effective):
            yield _open_for_a_day(group, change.occurred_at, now)


def unconfirmed_edits_that_fire(
    groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Yield each edit that was sent and not confirmed, open for a day."""
    by_pk = {group.pk: group for group in groups}
    edits = Edit.objects.filter(group__in=list(by_pk), started_at__gt=since, started_at__lte=now)
    for edit in edits.order_by("started_at"):
        at = unconfirmed_edits.alerted_at(edit, now)
        if at and edit.group_id is not None:
            yield _open_for_a_day(by_pk[edit.group_id], at, now)


def _open_for_a_day(group: TargetGroup, at: datetime, now: datetime) -> Firing:
    return Firing(group, at, at + DAY if at + DAY <= now else None)


def reported_periods(
    rule: RuleType, pks: Collection[int], *, since: datetime, now: datetime
) -> dict[int, list[tuple[datetime, datetime, str]]]:
    """Return each group's periods (from, until, type) with a reported issue, from past incidents.

    An incident resolves some time after the issue ends; that delay is subtracted.
    """
    delay = timedelta(minutes=rule.keep_minutes)
    periods: dict[int, list[tuple[datetime, datetime, str]]] = {}
    rows = Incident.objects.filter(rule=rule.code, group__in=pks).exclude(closed_at__lte=since)
    for incident in rows.order_by("breached_at"):
        until = incident.closed_at or now + DAY
        if incident.clear_since:
            until = incident.clear_since
        elif incident.close_reason == "recovered":
            until -= delay
        if incident.group_id is not None:
            period = (incident.breached_at, until, rule.replays.issue)
            periods.setdefault(incident.group_id, []).append(period)
    return periods


def silences_that_fire(
    effective: Effective, account: ExchangeAccount, *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Yield each time that no list of an account was read for too long."""
    numbers = effective.settings
    limit = stale_after(account, intervals=numbers["intervals"], minutes=numbers["minutes"])
    read = Cycle.objects.filter(account=account, listed=True, finished_at__gt=since - limit)
    last: datetime | None = None
    began: datetime | None = None
    stamps = read.order_by("finished_at").values_list("finished_at", flat=True).iterator()
    for at in (stamp for stamp in stamps if stamp):
        if began:
            yield Firing(None, began, at)
            began = None
        elif last and at - last > limit and at - last - downtime.time_lost(last, at) > limit:
            began = last + limit
        last = at
    if last is not None and (began or now - last - downtime.time_lost(last, now) > limit):
        yield Firing(None, began or last + limit, None)
