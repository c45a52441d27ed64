"""Replay a rule: the same evaluation over the last days, in steps of half an hour."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.alerts.incidents.judge import KNOWN
from dashboard.alerts.replay import facts, forecasts
from dashboard.alerts.replay.facts import Firing
from dashboard.alerts.replay.forecasts import NOT_EVALUATED, NotEvaluated
from dashboard.alerts.replay.group_history import GroupTimeline, load_timelines
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED, NO_DATA, RULES
from dashboard.alerts.rules.settings import Effective, clean_settings, merge_layers
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import RuleState, RuleStatus, next_state
from dashboard.alerts.rules.verdict import OpeningFacts, Verdict
from dashboard.alerts.text import format_count
from dashboard.fielding.models import ExchangeAccount, Rule, TargetGroup

STEP = timedelta(minutes=30)
DAYS = 14
MAX_GROUPS, MAX_FORECAST_GROUPS = 200, 100  # more take too long for a form's preview


@dataclass(frozen=True, slots=True)
class Replay:
    """All alerts of a rule over some groups and days, oldest first."""

    code: str
    now: datetime
    firings: list[Firing] = field(default_factory=list)
    judged: int = 0  # groups that the rule could evaluate at any time
    since: datetime | None = None  # the first reading, if it is later than the first day

    @property
    def open_for(self) -> timedelta:
        """Return the total time with open alerts."""
        spans = ((firing.ended or self.now) - firing.began for firing in self.firings)
        return sum(spans, timedelta(0))

    @property
    def assumed(self) -> tuple[str, ...]:
        """Return what is not known as of then, and what is used instead."""
        return RULES[self.code].replays.assumed

    def __str__(self) -> str:
        if not self.judged:
            if RULES[self.code].needs_budget:
                return "cannot be evaluated: no group here has a budget"
            return "cannot be evaluated: no group here was in field with the figures it needs"
        if not self.firings:
            return "would have opened no alerts"
        hours = self.open_for / timedelta(hours=1)
        return (
            f"would have opened {format_count(len(self.firings), 'alert')}, {hours:,.0f} h in total"
        )


def max_groups(code: str) -> int:
    """Return the number of groups for which a preview replays a rule."""
    return MAX_FORECAST_GROUPS if RULES[code].replays.by_forecast else MAX_GROUPS


def replay_rule(
    code: str,
    settings: Mapping[str, object],
    groups: Sequence[TargetGroup],
    *,
    account: ExchangeAccount,
    now: datetime,
    days: int = DAYS,
) -> Replay:
    """Replay a rule with these settings on the groups; ValueError for invalid settings."""
    effective = merge_layers(
        RULES[code], [Rule(version=0, settings=clean_settings(code, settings))]
    )
    since = now - timedelta(days=days)
    rule = effective.rule
    if rule is NO_DATA:
        silences = facts.silences_that_fire(effective, account, since=since, now=now)
        return _replay_of(code, now, silences, 1)
    if rule is EDIT_UNCONFIRMED:
        edits = facts.unconfirmed_edits_that_fire(groups, since=since, now=now)
        return _replay_of(code, now, edits, len(groups))
    if rule.judge is None:
        changes = facts.changes_that_fire(effective, groups, since=since, now=now)
        return _replay_of(code, now, changes, len(groups))
    timelines = load_timelines(groups, since=since, now=now)
    _prepare(effective, timelines, since=since, now=now)
    runs = [_run(effective, timeline, now) for timeline in timelines if timeline.start is not None]
    first = min((row.read_since for row in timelines if row.read_since), default=None)
    is_late = first is not None and first - since > timedelta(days=1)
    return _replay_of(
        code,
        now,
        (firing for run in runs for firing in run.firings),
        sum(run.judged for run in runs),
        first if is_late and not rule.replays.before_first_reading else None,
    )


def _replay_of(
    code: str,
    now: datetime,
    firings: Iterable[Firing],
    judged: int,
    since: datetime | None = None,
) -> Replay:
    return Replay(code, now, sorted(firings, key=lambda firing: firing.began), judged, since)


def _prepare(
    effective: Effective,
    timelines: Sequence[GroupTimeline],
    *,
    since: datetime,
    now: datetime,
) -> None:
    """Add to each timeline what the rule evaluates and readings do not contain."""
    rule, traits = effective.rule, effective.rule.replays
    if traits.issue:
        pks = [timeline.group.pk for timeline in timelines]
        periods = facts.reported_periods(rule, pks, since=since, now=now)
        for timeline in timelines:
            timeline.issues = periods.get(timeline.group.pk, [])
            timeline.start = timeline.read_since and max(timeline.read_since, since)
    elif traits.by_usual_epc:
        others = [row for row in timelines if row.group.currency != "USD"]
        forecasts.attach_median_epc(others, now=now)
    elif traits.by_forecast:

        def judge(group: GroupSnapshot) -> Verdict | NotEvaluated | None:
            is_evaluated = group.status in KNOWN and group.status in rule.statuses
            return _verdict(effective, group, {}) if is_evaluated else NOT_EVALUATED

        # (a rule about budgets has no verdict without one, whatever the forecast)
        with_forecast = (
            [row for row in timelines if _has_budget(effective, row)]
            if rule.needs_budget
            else timelines
        )
        forecasts.attach_insights(with_forecast, judge, now=now, sampled=traits.by_samples)


def _has_budget(effective: Effective, timeline: GroupTimeline) -> bool:
    return bool(timeline.group.budget or effective.settings["budget"])


def _verdict(effective: Effective, group: GroupSnapshot, opening: OpeningFacts) -> Verdict | None:
    judge = effective.rule.judge
    return judge(group, effective.settings, opening) if judge else None


class _Run(NamedTuple):
    """The alerts on one group, and whether the rule could ever evaluate it."""

    firings: list[Firing]
    judged: bool


def _run(effective: Effective, timeline: GroupTimeline, now: datetime) -> _Run:
    """Run the state machine over a group's past, half an hour a step."""
    at, state, began = timeline.start or now, RuleState(RuleStatus.OK, now, 0), None
    opening: OpeningFacts = {}
    firings, is_judged = list[Firing](), False
    is_timed = effective.rule.replays.timed
    moments = [] if is_timed else timeline.change_times()
    while at <= now:
        group = timeline.at(at)
        before = state
        state, could_judge = _step(effective, group, state, opening)
        is_judged = is_judged or could_judge
        if before.status is RuleStatus.OK and state.status is not RuleStatus.OK:
            opening = {"base": group.completes}
        if state.status is RuleStatus.FIRING and began is None:
            began = at
        if state.status is RuleStatus.OK:
            opening = {}
            if began:
                firings.append(Firing(timeline.group, began, at))
                began = None
        is_steady = state.status is before.status and state.status in (
            RuleStatus.OK,
            RuleStatus.FIRING,
        )
        at = _next_change(at, moments, now) if is_steady and not is_timed else at + STEP
    if began:
        firings.append(Firing(timeline.group, began, None))
    return _Run(firings, is_judged)


def _next_change(at: datetime, moments: Sequence[datetime], now: datetime) -> datetime:
    """Return the first step after the next change of a group whose state is steady."""
    index = bisect_right(moments, at)
    until = moments[index] if index < len(moments) else now
    return at + max(-(-(until - at) // STEP), 1) * STEP


def _step(
    effective: Effective, group: GroupSnapshot, state: RuleState, opening: OpeningFacts
) -> tuple[RuleState, bool]:
    """Return the state after an evaluation, and whether the rule could evaluate the group."""
    if group.status not in KNOWN:
        return state, False
    if group.status not in effective.rule.statuses:
        return RuleState(RuleStatus.OK, group.now, 0), False
    verdict = _verdict(effective, group, opening)
    if verdict is None:
        return state, False
    after = next_state(
        state, verdict.observation, now=group.now, delays=effective.delays, fresh=True
    )
    return after, True
