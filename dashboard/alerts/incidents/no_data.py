"""When no data comes: one incident an account, which holds the account's others still."""

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

FRESH_AT_LEAST = timedelta(minutes=20)  # however often an account is read
AT_ONCE = Delays(timedelta(0), timedelta(0))


def stale_after(
    account: ExchangeAccount,
    *,
    intervals: float = 3,
    minutes: float = FRESH_AT_LEAST / timedelta(minutes=1),
) -> timedelta:
    """For how long the data of an account counts as fresh."""
    interval = timedelta(seconds=account.poll_seconds or settings.POLL_SECONDS)
    return max(interval * intervals, timedelta(minutes=minutes))


def check_no_data(account: ExchangeAccount, *, now: datetime) -> None:
    """Open the account's incident once its data is stale, settle it after two complete cycles."""
    open_now = Incident.objects.filter(account=account, rule=NO_DATA.code, state__in=OPEN).first()
    chosen = RuleSet.of(account.pk).one(NO_DATA.code)
    if not account.polling or not chosen.enabled:
        if open_now:
            _end(open_now, "polling is paused" if chosen.enabled else "switched off", now=now)
        return
    intervals = chosen.settings["intervals"]
    limit = stale_after(account, intervals=intervals, minutes=chosen.settings["minutes"])
    last = _last_read(account, now - limit, tries=intervals)
    read_at = last.finished_at if last and last.finished_at else account.created_at
    stale = now - read_at > limit and not _is_ours(account, read_at, limit, now=now)
    if open_now is None:
        if stale:
            incident = _open_no_data_incident(account, chosen, read_at, last, now)
            incident.facts = {
                "figures": [
                    ["age of the data", format_span(now - read_at), f"≤ {format_span(limit)}"]
                ]
            }
            commit_transitions(
                [Transition(incident, tells=Notice.Kind.NO_DATA)], account_id=account.pk, now=now
            )
        return
    _follow(open_now, last, stale=stale, now=now)


def _is_ours(
    account: ExchangeAccount, read_at: datetime, limit: timedelta, *, now: datetime
) -> bool:
    """Whether data is old because Fieldwatch was off, or because a person had paused polling.

    What was lost does not count, and after it the first round has its time to end.
    """
    resumed_at = account.resumed_at
    if resumed_at and resumed_at > read_at:
        read_at = resumed_at
    if now - read_at - downtime.lost(read_at, now) <= limit:
        return True
    began = max((each.ended_at for each in downtime.within(read_at, now)), default=None)
    if began is None or now - began > limit:
        return False
    return not Cycle.objects.filter(account=account, finished_at__gt=began).exists()


def _last_read(account: ExchangeAccount, since: datetime, *, tries: float) -> Cycle | None:
    """The last cycle that brought data.

    Any list that was read to its end; but where no project could be read, however often it was
    tried since, the account's own list is none.
    """
    cycles = Cycle.objects.filter(account=account)
    read = cycles.filter(listed=True, finished_at__isnull=False)
    tried = cycles.filter(project__isnull=False, started_at__gt=since).values_list("listed")
    found = [listed for (listed,) in tried]
    if len(found) >= tries and not any(found):
        read = read.filter(project__isnull=False)
    return read.order_by("-started_at").first()


def _open_no_data_incident(
    account: ExchangeAccount,
    chosen: Effective,
    read_at: datetime,
    last: Cycle | None,
    now: datetime,
) -> Incident:
    span, name = format_span(now - read_at), one_line(account.name)
    ours = downtime.lost(read_at, now)
    if ours:
        span += f" (Fieldwatch itself was off for {format_span(ours)} of it)"
    why = f": {one_line(account.health_reason, 300)}" if account.health_reason else ""
    incident = open_incident(
        chosen,
        account_id=account.pk,
        key=f"{account.pk}:::{NO_DATA.code}:{chosen.version}",
        headline=f"No data from {name} for {span}",
        sentence=f"{name}: nothing could be read from the exchange for {span}{why}. "
        "Until it can, no alert of this account opens, ends or repeats.",
        at=read_at,
        now=now,
    )
    incident.readings, incident.cycle = 0, last.pk if last else 0
    return incident


def _follow(incident: Incident, last: Cycle | None, *, stale: bool, now: datetime) -> None:
    """Take an open incident further: back to firing, recovering, or over."""
    fresh = stale or bool(last and last.pk > (incident.cycle or 0))
    recovering = incident.state == Incident.State.RECOVERING
    before = RuleState(
        RuleStatus.RECOVERING if recovering else RuleStatus.FIRING,
        incident.clear_since or now,
        incident.readings,
    )
    seen = Observation.BREACH if stale else Observation.CLEAR
    after = next_state(before, seen, now=now, patience=AT_ONCE, fresh=fresh)
    if after == before:
        return
    move = Transition(incident, expected_state(incident))
    incident.readings, incident.cycle = after.readings, last.pk if last else 0
    incident.clear_since = after.since if after.state is RuleStatus.RECOVERING else None
    if after.state is RuleStatus.OK:
        close_incident(incident, "recovered", now)
        move.tells = Notice.Kind.RECOVER
    else:
        incident.state = after.state.value
    commit_transitions([move], account_id=incident.account_id, now=now)


def _end(incident: Incident, reason: str, *, now: datetime) -> None:
    move = Transition(incident, expected_state(incident))
    close_incident(incident, reason, now)
    commit_transitions([move], account_id=incident.account_id, now=now)
