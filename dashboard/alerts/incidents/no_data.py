"""No data from the exchange: one incident per account, which suspends the account's others."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from dashboard.alerts import downtime
from dashboard.alerts.incidents.store import (
    OPEN,
    Transition,
    close_incident,
    commit_transitions,
    expected_state,
    open_incident,
)
from dashboard.alerts.rules.catalogue import NO_DATA
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.alerts.rules.state_machine import (
    Delays,
    Observation,
    RuleState,
    RuleStatus,
    next_state,
)
from dashboard.alerts.text import format_span, one_line
from dashboard.fielding.models import Cycle, ExchangeAccount, Incident, Notice

FRESH_AT_LEAST = timedelta(minutes=20)  # however often an account is polled
WITHOUT_DELAY = Delays(timedelta(0), timedelta(0))


def stale_after(
    account: ExchangeAccount,
    *,
    intervals: float = 3,
    minutes: float = FRESH_AT_LEAST / timedelta(minutes=1),
) -> timedelta:
    """Return for how long the data of an account counts as fresh."""
    interval = timedelta(seconds=account.poll_seconds or settings.POLL_SECONDS)
    return max(interval * intervals, timedelta(minutes=minutes))


def check_no_data(account: ExchangeAccount, *, now: datetime) -> None:
    """Open the account's incident once its data is stale; resolve it after two complete cycles."""
    open_now = Incident.objects.filter(account=account, rule=NO_DATA.code, state__in=OPEN).first()
    effective = RuleSet.of(account.pk).rule_for(NO_DATA.code)
    if not account.polling or not effective.enabled:
        if open_now:
            _close(open_now, "polling is paused" if effective.enabled else "switched off", now=now)
        return
    intervals = effective.settings["intervals"]
    limit = stale_after(account, intervals=intervals, minutes=effective.settings["minutes"])
    last = _last_read(account, now - limit, tries=intervals)
    read_at = last.finished_at if last and last.finished_at else account.created_at
    stale = now - read_at > limit and not _is_own_downtime(account, read_at, limit, now=now)
    if open_now is None:
        if stale:
            incident = _new_incident(account, effective, read_at, last, now)
            incident.facts = {
                "figures": [
                    ["age of the data", format_span(now - read_at), f"limit {format_span(limit)}"]
                ]
            }
            commit_transitions(
                [Transition(incident, notice_kind=Notice.Kind.NO_DATA)],
                account_id=account.pk,
                now=now,
            )
        return
    _follow(open_now, last, stale=stale, now=now)


def _is_own_downtime(
    account: ExchangeAccount, read_at: datetime, limit: timedelta, *, now: datetime
) -> bool:
    """Return whether data is old because Fieldwatch was off or polling was paused.

    Time in which Fieldwatch was off does not count, and the first round after it may take `limit`.
    """
    resumed_at = account.resumed_at
    if resumed_at and resumed_at > read_at:
        read_at = resumed_at
    if now - read_at - downtime.time_lost(read_at, now) <= limit:
        return True
    restarted_at = max(
        (row.ended_at for row in downtime.list_downtimes(read_at, now)), default=None
    )
    if restarted_at is None or now - restarted_at > limit:
        return False
    return not Cycle.objects.filter(account=account, finished_at__gt=restarted_at).exists()


def _last_read(account: ExchangeAccount, since: datetime, *, tries: float) -> Cycle | None:
    """Return the last cycle that brought data.

    That is any list read to its end. If no project could be read in `tries` attempts since, the
    account's own list does not count.
    """
    cycles = Cycle.objects.filter(account=account)
    read = cycles.filter(listed=True, finished_at__isnull=False)
    tried = cycles.filter(project__isnull=False, started_at__gt=since).values_list("listed")
    outcomes = [listed for (listed,) in tried]
    if len(outcomes) >= tries and not any(outcomes):
        read = read.filter(project__isnull=False)
    return read.order_by("-started_at").first()


def _new_incident(
    account: ExchangeAccount,
    effective: Effective,
    read_at: datetime,
    last: Cycle | None,
    now: datetime,
) -> Incident:
    span, name = format_span(now - read_at), one_line(account.name)
    own_downtime = downtime.time_lost(read_at, now)
    if own_downtime:
        span += f" (Fieldwatch itself was off for {format_span(own_downtime)} of that)"
    why = one_line(account.health_reason, 300).rstrip(".")
    reason = f": {why}" if why else ""
    incident = open_incident(
        effective,
        account_id=account.pk,
        key=f"{account.pk}:::{NO_DATA.code}:{effective.version}",
        headline=f"No data from {name} for {span}",
        sentence=f"{name}: no data from Cint for {span}{reason}. "
        "Until data arrives again, no alert on this account opens, resolves or repeats.",
        at=read_at,
        now=now,
    )
    incident.readings, incident.cycle = 0, last.pk if last else 0
    return incident


def _follow(incident: Incident, last: Cycle | None, *, stale: bool, now: datetime) -> None:
    """Move an open incident: back to firing, to recovering, or to resolved."""
    fresh = stale or bool(last and last.pk > (incident.cycle or 0))
    recovering = incident.state == Incident.State.RECOVERING
    before = RuleState(
        RuleStatus.RECOVERING if recovering else RuleStatus.FIRING,
        incident.clear_since or now,
        incident.readings,
    )
    observation = Observation.BREACH if stale else Observation.CLEAR
    after = next_state(before, observation, now=now, delays=WITHOUT_DELAY, fresh=fresh)
    if after == before:
        return
    transition = Transition(incident, expected_state(incident))
    incident.readings, incident.cycle = after.readings, last.pk if last else 0
    incident.clear_since = after.since if after.status is RuleStatus.RECOVERING else None
    if after.status is RuleStatus.OK:
        close_incident(incident, "recovered", now)
        transition.notice_kind = Notice.Kind.RECOVER
    else:
        incident.state = after.status.value
    commit_transitions([transition], account_id=incident.account_id, now=now)


def _close(incident: Incident, reason: str, *, now: datetime) -> None:
    transition = Transition(incident, expected_state(incident))
    close_incident(incident, reason, now)
    commit_transitions([transition], account_id=incident.account_id, now=now)
