"""Evaluate a group by every rule that applies to it, given the incidents that are open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.alerts.incidents.store import DAY, Transition, expected_state
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation, RuleState, RuleStatus, next_state
from dashboard.alerts.rules.verdict import OpeningFacts, Verdict
from dashboard.fielding.models import Incident, Notice, Project, TargetGroup

KNOWN = frozenset(TargetGroup.Status.values)
NO_FACTS: OpeningFacts = {}
_STATE_OF_STATUS = {
    RuleStatus.PENDING: Incident.State.PENDING,
    RuleStatus.FIRING: Incident.State.FIRING,
    RuleStatus.RECOVERING: Incident.State.RECOVERING,
    RuleStatus.OK: Incident.State.RESOLVED,
}
_STATUS_OF_STATE = {state.value: status for status, state in _STATE_OF_STATUS.items()}


class RuleResult(NamedTuple):
    """The result of a rule on a group: the open incident, if any, and the new state."""

    group: GroupSnapshot
    effective: Effective
    incident: Incident | None
    state: RuleState
    verdict: Verdict | None  # None: the incident closes for the reason in `closes`
    cycle: int | None = None
    closes: str = ""


class GroupEvaluator:
    """One evaluation round at one time; with a cycle it counts as a fresh observation."""

    def __init__(
        self,
        rules: RuleSet,
        now: datetime,
        *,
        cycle: int | None = None,
        frozen: timedelta = timedelta(0),
    ) -> None:
        self._rules, self._now, self._cycle, self._frozen = rules, now, cycle, frozen

    def evaluate(
        self, group: GroupSnapshot, open_incidents: Mapping[str, Incident]
    ) -> Iterator[RuleResult]:
        """Yield the result of each rule that opens an incident or has an open one."""
        if group.status not in KNOWN:
            return
        if self._cycle is not None:
            for judge, effective in self._rules.opening_rules(
                group.project_id, group.pk, group.status
            ):
                if effective.rule.code not in open_incidents:
                    verdict = judge(group, effective.settings, NO_FACTS)
                    if verdict is not None and verdict.observation is Observation.BREACH:
                        yield self._open_incident(group, effective, verdict)
        if open_incidents:
            for effective in self._rules.judged_rules(group.project_id, group.pk):
                incident = open_incidents.get(effective.rule.code)
                result = self._follow(group, effective, incident) if incident else None
                if result:
                    yield result

    def _open_incident(
        self, group: GroupSnapshot, effective: Effective, verdict: Verdict
    ) -> RuleResult:
        """Return the result of a breach without an open incident."""
        before = RuleState(RuleStatus.OK, self._now, 0)
        after = next_state(
            before, Observation.BREACH, now=self._now, delays=effective.delays, fresh=True
        )
        return RuleResult(group, effective, None, after, verdict, self._cycle)

    def _follow(
        self, group: GroupSnapshot, effective: Effective, incident: Incident
    ) -> RuleResult | None:
        """Return the result of a rule with an open incident; None without a new observation."""
        rule, before = effective.rule, self._state_of(incident)
        closes = self._reason_to_close(group, effective, incident)
        if closes:
            ended = RuleState(RuleStatus.OK, self._now, 0)
            return RuleResult(group, effective, incident, ended, None, self._cycle, closes)
        if self._cycle is not None and (incident.cycle or 0) >= self._cycle:
            return None
        verdict = rule.judge(group, effective.settings, incident.facts) if rule.judge else None
        if verdict is None:
            return None
        fresh = self._cycle is not None
        after = next_state(
            before, verdict.observation, now=self._now, delays=effective.delays, fresh=fresh
        )
        return RuleResult(group, effective, incident, after, verdict, self._cycle)

    def _reason_to_close(
        self, group: GroupSnapshot, effective: Effective, incident: Incident
    ) -> str:
        """Return why an incident ends without a recovery; empty if it does not."""
        if group.status not in effective.rule.statuses:
            return group.status
        if incident.rule_version != effective.version:
            return "superseded"
        return "" if effective.enabled else "switched off"

    def _state_of(self, incident: Incident) -> RuleState:
        """Return the state of an incident; its timer is moved by the time without data."""
        status = _STATUS_OF_STATE[incident.state]
        since = incident.clear_since if status is RuleStatus.RECOVERING else incident.breached_at
        return RuleState(status, (since or self._now) + self._frozen, incident.readings)


def transition_for(result: RuleResult, project: Project, now: datetime) -> Transition | None:
    """Return the incident as it is to be stored, with its notice; None if nothing changed."""
    expected = expected_state(result.incident) if result.incident else {}
    sentence = result.incident.sentence if result.incident else ""
    incident = result.incident or _new_incident(result, project, now)
    before = _STATUS_OF_STATE[incident.state] if expected else RuleStatus.OK
    managers = (result.group.project_manager_id, project.project_manager_id)
    transition = Transition(
        incident, expected, managers=managers, in_digest=result.effective.in_digest
    )
    timers = (incident.breached_at, incident.clear_since)
    _copy_state(incident, result, before, now)
    if result.state.status is RuleStatus.OK:
        _close(incident, result.closes or "recovered", now)
        transition.drop_if_never_fired = before is RuleStatus.PENDING
        if before is not RuleStatus.PENDING and not result.closes:
            transition.notice_kind = Notice.Kind.RECOVER
    elif result.verdict and result.verdict.observation is Observation.BREACH:
        _set_text(incident, result)
        is_worse = _raise_severity(incident, result) and before is not RuleStatus.OK
        starts = result.state.status is RuleStatus.FIRING and before in (
            RuleStatus.OK,
            RuleStatus.PENDING,
        )
        if starts or (is_worse and incident.fired_at):
            mark_fired(incident, now)
            transition.notice_kind = Notice.Kind.FIRE
    changed = not expected or expected_state(incident) != expected or incident.sentence != sentence
    changed |= timers != (incident.breached_at, incident.clear_since)  # moved by a downtime
    return transition if changed else None


def mark_fired(incident: Incident, now: datetime) -> None:
    """Mark an incident as fired, or as more severe: it is sent again, acknowledged or not."""
    incident.fired_at = incident.fired_at or now
    incident.sequence += 1
    incident.evaluate_at = now + DAY
    incident.acknowledged_by_id, incident.acknowledged_at = None, None


def _new_incident(result: RuleResult, project: Project, now: datetime) -> Incident:
    group, effective = result.group, result.effective
    code, verdict = effective.rule.code, result.verdict
    return Incident(
        account_id=project.account_id,
        project_id=project.pk,
        group_id=group.pk,
        rule=code,
        rule_version=effective.version,
        key=f"{project.account_id}:{project.pk}:{group.pk}:{code}:{effective.version}",
        severity=effective.severity_of(verdict.severity if verdict else None),
        breached_at=_breached_at(group, code, now),
        facts=OpeningFacts(base=group.completes),
    )


def _breached_at(group: GroupSnapshot, code: str, now: datetime) -> datetime:
    """Return when the breach began: a pause when the exchange says so, anything else now."""
    paused_at = group.status_changed_at if code == "paused_by_exchange" else None
    return min(paused_at or now, now)


def _copy_state(incident: Incident, result: RuleResult, before: RuleStatus, now: datetime) -> None:
    """Copy the new state into the incident's columns."""
    after, delays = result.state, result.effective.delays
    incident.state, incident.readings = _STATE_OF_STATUS[after.status], after.readings
    incident.cycle = result.cycle or incident.cycle
    incident.clear_since = after.since if after.status is RuleStatus.RECOVERING else None
    if after.status is RuleStatus.PENDING:
        incident.breached_at = after.since
        incident.evaluate_at = after.since + delays.fires_after
    elif after.status is RuleStatus.RECOVERING:
        incident.evaluate_at = after.since + delays.clears_after
    elif before is RuleStatus.RECOVERING:
        incident.evaluate_at = now + DAY


def _set_text(incident: Incident, result: RuleResult) -> None:
    """Set the text with its current numbers; the facts of the opening stay."""
    describe = result.effective.rule.describe
    if describe is None:
        return
    text = describe(result.group, result.effective.settings)
    incident.headline, incident.sentence = text.headline[:300], text.sentence
    incident.facts = {**incident.facts, "figures": [list(row) for row in text.figures]}


def _raise_severity(incident: Incident, result: RuleResult) -> bool:
    """Raise the severity if the breach is worse; it never falls while the incident is open."""
    verdict = result.verdict
    severity = result.effective.severity_of(verdict.severity if verdict else None)
    is_worse = severity < incident.severity
    incident.severity = min(severity, incident.severity)
    return is_worse


def _close(incident: Incident, reason: str, now: datetime) -> None:
    incident.closed_at, incident.close_reason, incident.evaluate_at = now, reason, None
