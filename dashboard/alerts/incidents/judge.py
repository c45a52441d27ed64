"""Judging one group by every rule that holds for it, against what is already open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dashboard.alerts.incidents.store import DAY, Transition, expected_state
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation, RuleState, RuleStatus, next_state
from dashboard.alerts.rules.verdict import Verdict
from dashboard.fielding.models import Incident, Notice, Project, TargetGroup

KNOWN = frozenset(TargetGroup.Status.values)
NOTHING: Mapping[str, Any] = {}
_STORED = {
    RuleStatus.PENDING: Incident.State.PENDING,
    RuleStatus.FIRING: Incident.State.FIRING,
    RuleStatus.RECOVERING: Incident.State.RECOVERING,
    RuleStatus.OK: Incident.State.RESOLVED,
}
_READ = {stored.value: state for state, stored in _STORED.items()}


class RuleResult(NamedTuple):
    """A rule that has something to say about a group: what is open, and where it stands now."""

    figures: GroupSnapshot
    effective: Effective
    incident: Incident | None
    standing: RuleState
    verdict: Verdict | None  # none: the incident closes for the reason given
    cycle: int | None = None
    closes: str = ""


class GroupEvaluator:
    """One round of judgement at one moment; with a cycle it is a fresh observation."""

    def __init__(
        self,
        book: RuleSet,
        now: datetime,
        *,
        cycle: int | None = None,
        frozen: timedelta = timedelta(0),
    ) -> None:
        self._book, self._now, self._cycle, self._frozen = book, now, cycle, frozen

    def group(self, f: GroupSnapshot, standing: Mapping[str, Incident]) -> Iterator[RuleResult]:
        """What each rule finds; nothing for the many that stay as they are."""
        if f.status not in KNOWN:
            return
        if self._cycle is not None:
            for judges, chosen in self._book.openers(f.project_id, f.pk, f.status):
                if chosen.rule.code not in standing:
                    verdict = judges(f, chosen.settings, NOTHING)
                    if verdict is not None and verdict.seen is Observation.BREACH:
                        yield self._opened(f, chosen, verdict)
        if standing:
            for chosen in self._book.judged(f.project_id, f.pk):
                incident = standing.get(chosen.rule.code)
                found = self._open(f, chosen, incident) if incident else None
                if found:
                    yield found

    def _opened(self, f: GroupSnapshot, chosen: Effective, verdict: Verdict) -> RuleResult:
        """A breach where nothing was open."""
        before = RuleState(RuleStatus.OK, self._now, 0)
        after = next_state(
            before, Observation.BREACH, now=self._now, patience=chosen.patience, fresh=True
        )
        return RuleResult(f, chosen, None, after, verdict, self._cycle)

    def _open(self, f: GroupSnapshot, chosen: Effective, incident: Incident) -> RuleResult | None:
        """What a rule with an open incident finds."""
        rule, before = chosen.rule, self._read(incident)
        closes = self._closes(f, chosen, incident)
        if closes:
            ended = RuleState(RuleStatus.OK, self._now, 0)
            return RuleResult(f, chosen, incident, ended, None, self._cycle, closes)
        if self._cycle is not None and (incident.cycle or 0) >= self._cycle:
            return None
        verdict = rule.judge(f, chosen.settings, incident.facts) if rule.judge else None
        if verdict is None:
            return None
        fresh = self._cycle is not None
        after = next_state(
            before, verdict.seen, now=self._now, patience=chosen.patience, fresh=fresh
        )
        return RuleResult(f, chosen, incident, after, verdict, self._cycle)

    def _closes(self, f: GroupSnapshot, chosen: Effective, incident: Incident) -> str:
        """Why an incident ends although nobody saw it clear."""
        if f.status not in chosen.rule.statuses:
            return f.status
        if incident.rule_version != chosen.version:
            return "superseded"
        return "" if chosen.enabled else "switched off"

    def _read(self, incident: Incident) -> RuleState:
        """Where an incident stands; its running timer is moved past the time without data."""
        state = _READ[incident.state]
        since = incident.clear_since if state is RuleStatus.RECOVERING else incident.breached_at
        return RuleState(state, (since or self._now) + self._frozen, incident.readings)


def move_of(found: RuleResult, project: Project, now: datetime) -> Transition | None:
    """The incident as it is to be stored, and what is told of it; None where nothing changed."""
    incident = found.incident
    was = expected_state(incident) if incident else {}
    said = incident.sentence if incident else ""
    incident = incident or _new(found, project, now)
    before = _READ[incident.state] if was else RuleStatus.OK
    managers = (found.figures.project_manager_id, project.project_manager_id)
    move = Transition(incident, was, managers=managers, in_digest=found.effective.in_digest)
    _stand(incident, found, before, now)
    if found.standing.state is RuleStatus.OK:
        _close(incident, found.closes or "recovered", now)
        move.forgets = before is RuleStatus.PENDING
        if before is not RuleStatus.PENDING and not found.closes:
            move.tells = Notice.Kind.RECOVER
    elif found.verdict and found.verdict.seen is Observation.BREACH:
        _say(incident, found)
        worse = _worsens(incident, found) and before is not RuleStatus.OK
        starts = found.standing.state is RuleStatus.FIRING and before in (
            RuleStatus.OK,
            RuleStatus.PENDING,
        )
        if starts or (worse and incident.fired_at):
            mark_fired(incident, now)
            move.tells = Notice.Kind.FIRE
    changed = not was or expected_state(incident) != was or incident.sentence != said
    return move if changed else None


def mark_fired(incident: Incident, now: datetime) -> None:
    """Mark an incident as fired, or as worse than it was: told anew, whoever had acknowledged."""
    incident.fired_at = incident.fired_at or now
    incident.sequence += 1
    incident.evaluate_at = now + DAY
    incident.acknowledged_by_id, incident.acknowledged_at = None, None


def _new(found: RuleResult, project: Project, now: datetime) -> Incident:
    f, chosen = found.figures, found.effective
    code = chosen.rule.code
    return Incident(
        account_id=project.account_id,
        project_id=project.pk,
        group_id=f.pk,
        rule=code,
        rule_version=chosen.version,
        key=f"{project.account_id}:{project.pk}:{f.pk}:{code}:{chosen.version}",
        severity=chosen.at(found.verdict.severity if found.verdict else None),
        breached_at=_began(f, code, now),
        facts={"base": f.completes},
    )


def _began(f: GroupSnapshot, code: str, now: datetime) -> datetime:
    """A pause began when the exchange says so, however late it is read; the rest begins now."""
    known = f.status_changed_at if code == "paused_by_exchange" else None
    return min(known or now, now)


def _stand(incident: Incident, found: RuleResult, before: RuleStatus, now: datetime) -> None:
    """Carry the machine's answer into the columns."""
    after, patience = found.standing, found.effective.patience
    incident.state, incident.readings = _STORED[after.state], after.readings
    incident.cycle = found.cycle or incident.cycle
    incident.clear_since = after.since if after.state is RuleStatus.RECOVERING else None
    if after.state is RuleStatus.PENDING:
        incident.breached_at = after.since
        incident.evaluate_at = after.since + patience.fires_after
    elif after.state is RuleStatus.RECOVERING:
        incident.evaluate_at = after.since + patience.clears_after
    elif before is RuleStatus.RECOVERING:
        incident.evaluate_at = now + DAY


def _say(incident: Incident, found: RuleResult) -> None:
    """The sentence of now, with its numbers; what the opening remembered stays."""
    say = found.effective.rule.say
    if say is None:
        return
    words = say(found.figures, found.effective.settings)
    incident.headline, incident.sentence = words.headline[:300], words.sentence
    incident.facts = {**incident.facts, "figures": [list(row) for row in words.figures]}


def _worsens(incident: Incident, found: RuleResult) -> bool:
    """Whether it became more severe; it never becomes less so while it is open."""
    severity = found.effective.at(found.verdict.severity if found.verdict else None)
    worse = severity < incident.severity
    incident.severity = min(severity, incident.severity)
    return worse


def _close(incident: Incident, reason: str, now: datetime) -> None:
    incident.closed_at, incident.close_reason, incident.evaluate_at = now, reason, None
