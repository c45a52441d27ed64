"""What happened in the last days, as the rules about facts would have told it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.alerts import downtime
from dashboard.alerts.incidents import unconfirmed_edits
from dashboard.alerts.incidents.changelog import KINDS, change_alert, not_ours, told_once
from dashboard.alerts.incidents.no_data import stale_after
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.rules.rule_type import RuleType
from dashboard.alerts.rules.settings import Effective
from dashboard.fielding.models import Change, Cycle, Edit, ExchangeAccount, Incident, TargetGroup


class Firing(NamedTuple):
    """One time that a rule would have fired; no end: it still would. No group: the connection."""

    group: TargetGroup | None
    began: datetime
    ended: datetime | None


def changes_that_fire(
    chosen: Effective, groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Each change by somebody else that would have been told; it stands for a day."""
    kinds = [kind for kind, code in KINDS.items() if code == chosen.rule.code]
    by_pk = {group.pk: group for group in groups}
    rows = Change.objects.filter(
        group__in=list(by_pk), kind__in=kinds, occurred_at__gt=since, occurred_at__lte=now
    ).order_by("occurred_at", "pk")
    for change in not_ours(told_once(rows)):
        group = by_pk[change.group_id]
        if change_alert(change, group, chosen):
            yield _for_a_day(group, change.occurred_at, now)


def unconfirmed_edits_that_fire(
    groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Each edit that was sent and not confirmed; it stands for a day."""
    by_pk = {group.pk: group for group in groups}
    edits = Edit.objects.filter(group__in=list(by_pk), started_at__gt=since, started_at__lte=now)
    for edit in edits.order_by("started_at"):
        at = unconfirmed_edits.told_at(edit, now)
        if at and edit.group_id is not None:
            yield _for_a_day(by_pk[edit.group_id], at, now)


def _for_a_day(group: TargetGroup, at: datetime, now: datetime) -> Firing:
    return Firing(group, at, at + DAY if at + DAY <= now else None)


def reported_periods(
    rule: RuleType, pks: Collection[int], *, since: datetime, now: datetime
) -> dict[int, list[tuple[datetime, datetime, str]]]:
    """From when to when the exchange reported an issue of each group, by the incidents of then.

    An incident ends some time after the issue does; that it waited so long is taken off again.
    """
    keeps = timedelta(minutes=rule.keep_minutes)
    found: dict[int, list[tuple[datetime, datetime, str]]] = {}
    rows = Incident.objects.filter(rule=rule.code, group__in=pks).exclude(closed_at__lte=since)
    for one in rows.order_by("breached_at"):
        until = one.closed_at or now + DAY
        if one.clear_since:
            until = one.clear_since
        elif one.close_reason == "recovered":
            until -= keeps
        if one.group_id is not None:
            found.setdefault(one.group_id, []).append((one.breached_at, until, rule.replays.issue))
    return found


def silences_that_fire(
    chosen: Effective, account: ExchangeAccount, *, since: datetime, now: datetime
) -> Iterator[Firing]:
    """Each time that no list of an account was read for long, until two of them were."""
    numbers = chosen.settings
    limit = stale_after(account, intervals=numbers["intervals"], minutes=numbers["minutes"])
    read = Cycle.objects.filter(account=account, listed=True, finished_at__gt=since - limit)
    last: datetime | None = None
    began: datetime | None = None
    stamps = read.order_by("finished_at").values_list("finished_at", flat=True).iterator()
    for at in (stamp for stamp in stamps if stamp):
        if began:
            yield Firing(None, began, at)
            began = None
        elif last and at - last > limit and at - last - downtime.lost(last, at) > limit:
            began = last + limit
        last = at
    if last is not None and (began or now - last - downtime.lost(last, now) > limit):
        yield Firing(None, began or last + limit, None)
