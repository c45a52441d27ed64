"""What a rule would have done: the same machine over the last days, half an hour a step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dashboard.alerts.incidents.judge import KNOWN
from dashboard.alerts.replay import facts, forecasts
from dashboard.alerts.replay.facts import Firing
from dashboard.alerts.replay.group_history import GroupTimeline, load_timelines
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED, NO_DATA, RULES
from dashboard.alerts.rules.settings import Effective, clean_settings, merge_layers
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import RuleState, RuleStatus, next_state
from dashboard.alerts.rules.verdict import Verdict
from dashboard.fielding.models import ExchangeAccount, Rule, TargetGroup

STEP = timedelta(minutes=30)
DAYS = 14
AT_ONCE, FORECAST_AT_ONCE = 200, 100  # groups: more take longer than somebody who types waits


@dataclass(frozen=True, slots=True)
class Replay:
    """All firings of a rule over some groups and days, oldest first."""

    code: str
    now: datetime
    firings: list[Firing] = field(default_factory=list)
    judged: int = 0  # groups of which the rule knew enough at any time
    since: datetime | None = None  # the first reading, where the days do not begin with one

    @property
    def open_for(self) -> timedelta:
        """How long it would have fired in all."""
        return sum(((f.ended or self.now) - f.began for f in self.firings), timedelta(0))

    @property
    def assumed(self) -> tuple[str, ...]:
        """What of then is not known, and what stands in for it."""
        return RULES[self.code].replays.assumed

    def __str__(self) -> str:
        if not self.judged:
            lacking = "has a budget"
            if not RULES[self.code].needs_budget:
                lacking = "was in field with the numbers that it needs"
            return f"could not be judged: no group here {lacking}"
        if not self.firings:
            return "would never have fired"
        times = "once" if len(self.firings) == 1 else f"{len(self.firings)} times"
        return f"would have fired {times}, open {self.open_for / timedelta(hours=1):,.0f} h in all"


def seen_at_once(code: str) -> int:
    """Of how many groups a rule is replayed while somebody waits."""
    return FORECAST_AT_ONCE if RULES[code].replays.by_forecast else AT_ONCE


def replay_rule(
    code: str,
    settings: Mapping[str, Any],
    groups: Sequence[TargetGroup],
    *,
    account: ExchangeAccount,
    now: datetime,
    days: int = DAYS,
) -> Replay:
    """What a rule with these settings would have done on the groups; ValueError as in an edit."""
    chosen = merge_layers(RULES[code], [Rule(version=0, settings=clean_settings(code, settings))])
    since = now - timedelta(days=days)
    if chosen.rule is NO_DATA:
        return _done(code, now, facts.silences_that_fire(chosen, account, since=since, now=now), 1)
    if chosen.rule is EDIT_UNCONFIRMED:
        return _done(
            code, now, facts.unconfirmed_edits_that_fire(groups, since=since, now=now), len(groups)
        )
    if chosen.rule.judge is None:
        told = facts.changes_that_fire(chosen, groups, since=since, now=now)
        return _done(code, now, told, len(groups))
    lives = load_timelines(groups, since=since, now=now)
    _prepare(chosen, lives, since=since, now=now)
    runs = [_run(chosen, past, now) for past in lives if past.start is not None]
    first = min((past.read_since for past in lives if past.read_since), default=None)
    late = first if first and first - since > timedelta(days=1) else None
    firings = (firing for run in runs for firing in run.firings)
    known = sum(run.judged for run in runs)
    return _done(
        code, now, firings, known, None if chosen.rule.replays.before_first_reading else late
    )


def _done(
    code: str,
    now: datetime,
    firings: Iterable[Firing],
    judged: int,
    late: datetime | None = None,
) -> Replay:
    return Replay(code, now, sorted(firings, key=lambda one: one.began), judged, late)


def _prepare(
    chosen: Effective, lives: Sequence[GroupTimeline], *, since: datetime, now: datetime
) -> None:
    """Give each past what its readings do not hold and the rule judges by."""
    rule, traits = chosen.rule, chosen.rule.replays
    if traits.issue:
        pks = [past.group.pk for past in lives]
        told = facts.reported_periods(rule, pks, since=since, now=now)
        for past in lives:
            past.issues = told.get(past.group.pk, [])
            past.start = past.read_since and max(past.read_since, since)
    elif traits.by_usual_epc:
        forecasts.attach_usual_epc([p for p in lives if p.group.currency != "USD"], now=now)
    elif traits.by_forecast:

        def judged(f: GroupSnapshot) -> Any:
            awake = f.status in KNOWN and f.status in rule.statuses
            return _verdict(chosen, f, {}) if awake else forecasts.ASLEEP

        # (a rule about a budget says nothing without one, whatever is foreseen)
        wanted = [p for p in lives if _budget(chosen, p)] if rule.needs_budget else lives
        forecasts.attach_insights(wanted, judged, now=now, sampled=traits.by_samples)


def _budget(chosen: Effective, past: GroupTimeline) -> bool:
    return bool(past.group.budget or chosen.settings["budget"])


def _verdict(chosen: Effective, f: GroupSnapshot, memory: Mapping[str, Any]) -> Verdict | None:
    judge = chosen.rule.judge
    return judge(f, chosen.settings, memory) if judge else None


class _Course(NamedTuple):
    """The outcome on one group, and whether the rule ever knew enough of it."""

    firings: list[Firing]
    judged: bool


def _run(chosen: Effective, past: GroupTimeline, now: datetime) -> _Course:
    """The machine over a group's past, half an hour a step."""
    at, standing, began = past.start or now, RuleState(RuleStatus.OK, now, 0), None
    memory: dict[str, Any] = {}
    found = _Course([], judged=False)
    moves = past.moves() if not chosen.rule.replays.timed else []
    while at <= now:
        f = past.at(at)
        before = standing
        standing, judged = _step(chosen, f, standing, memory)
        found = found._replace(judged=found.judged or judged)
        if before.state is RuleStatus.OK and standing.state is not RuleStatus.OK:
            memory = {"base": f.completes}
        if standing.state is RuleStatus.FIRING and began is None:
            began = at
        if standing.state is RuleStatus.OK:
            memory = {}
            if began:
                found.firings.append(Firing(past.group, began, at))
                began = None
        still = standing.state is before.state and standing.state in (
            RuleStatus.OK,
            RuleStatus.FIRING,
        )
        at = _next(at, moves, now) if still and not chosen.rule.replays.timed else at + STEP
    if began:
        found.firings.append(Firing(past.group, began, None))
    return found


def _next(at: datetime, moves: Sequence[datetime], now: datetime) -> datetime:
    """The first step at which anything of a group that stands still is another."""
    index = bisect_right(moves, at)
    until = moves[index] if index < len(moves) else now
    return at + max(-(-(until - at) // STEP), 1) * STEP


def _step(
    chosen: Effective, f: GroupSnapshot, standing: RuleState, memory: Mapping[str, Any]
) -> tuple[RuleState, bool]:
    """Where the rule stands after a look at the group; whether it knew enough to look."""
    if f.status not in KNOWN:
        return standing, False
    if f.status not in chosen.rule.statuses:
        return RuleState(RuleStatus.OK, f.now, 0), False
    verdict = _verdict(chosen, f, memory)
    if verdict is None:
        return standing, False
    return next_state(standing, verdict.seen, now=f.now, patience=chosen.patience, fresh=True), True
