"""What the product would have read and found of simulated groups, hour by hour, without tables.

The forecast, the insight, the rules and the life of incidents are the product's own; only the
reading over HTTP and the storage are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bench.attention.field import clone_group
from bench.attention.pools import learn_pools
from bench.forecast.simulated_group import moment_of
from dashboard.alerts.incidents.judge import GroupEvaluator, RuleResult, transition_for
from dashboard.alerts.rules.settings import RuleSet
from dashboard.alerts.rules.snapshot import snapshot_of_group
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.quotas import StoredQuota, quota_targets, quota_unit
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast.rate_changes import rate_change_times
from dashboard.fielding.insight.assistant_modules import (
    KINDS,
    changes_with_old_values,
    modules_of,
)
from dashboard.fielding.insight.baselines import Baselines
from dashboard.fielding.insight.compute import DECISIVE, set_insights
from dashboard.fielding.insight.group_history import GroupHistory, series_until
from dashboard.fielding.models import Incident, Notice, Project, TargetGroup
from dashboard.fielding.series import daily
from dashboard.fielding.series.readings import Readings, clean_history
from dashboard.simulator.api.issues import group_statistics
from dashboard.simulator.catalogue.clock import HOUR
from dashboard.simulator.operations.profiles import profiles_of, shown_profiles
from dashboard.simulator.world import figures as simulated
from dashboard.simulator.world.group import SimulatedGroup as Simulated

ACCOUNT = 1
# The product computes an insight again after an hour at most. Here that happens once a day, before
# the managers look, more often near the end date, and with every change and alert.
FORESEEN_AT, FORESEEN_AFTER = 9, timedelta(hours=20)
NEAR, FORESEEN_NEAR = timedelta(hours=96), timedelta(hours=6)
LEARN_EVERY = timedelta(hours=12)
FIRING = (Incident.State.FIRING, Incident.State.RECOVERING)


@dataclass(slots=True)
class Watched:
    """One group: its row as the product would store it, and its open incidents by rule."""

    group: Simulated
    row: TargetGroup
    incidents: dict[str, Incident] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    count: list[float] = field(default_factory=list)
    batches: int = 0  # of its changelog that were read
    cpi_changed_at: datetime | None = None
    changed_at: datetime | None = None  # by an edit of the list's manager
    foreseen_at: datetime | None = None  # when its insight was last computed
    decisive: tuple[object, ...] = ()  # what the last insight was computed from

    @property
    def firing(self) -> list[Incident]:
        """Return its incidents without pending ones."""
        return [one for one in self.incidents.values() if one.state in FIRING]


class Watch:
    """All groups of a simulated account, read and judged at each call of `look`."""

    def __init__(self, groups: Iterable[Simulated]) -> None:
        numbers: dict[str, int] = {}
        self.groups: dict[str, Watched] = {}
        for pk, group in enumerate(groups, 1):
            project = numbers.setdefault(group.project_id, len(numbers) + 1)
            row = TargetGroup(
                pk=pk,
                account_id=ACCOUNT,
                project_id=project,
                exchange_id=group.id,
                name=group.name,
                country_code=group.locale.country,
                currency=group.currency,
                project_manager_id=group.project_manager_id,
            )
            self.groups[group.id] = Watched(group, row)
        self._projects = {pk: Project(pk=pk, account_id=ACCOUNT) for pk in numbers.values()}
        self._rules = RuleSet([])
        self._pools, self._learned_at = Baselines({}, {}), moment_of(0)
        self._cycle = self._incidents = 0

    def look(self, at: int) -> None:
        """Read and judge all groups; the next cycle begins."""
        now = moment_of(at)
        self._cycle += 1
        if now - self._learned_at >= LEARN_EVERY:
            self._learn(at)
        self.judge(self.groups.values(), at)

    def judge(self, groups: Iterable[Watched], at: int) -> None:
        """Read these groups where they are in field or have an open incident, and judge them."""
        now = moment_of(at)
        read = [one for one in groups if _is_read(one)]
        for one in read:
            _read(one, at)
        self._foresee([one for one in read if _is_due(one, now)], at)
        evaluator = GroupEvaluator(self._rules, now, cycle=self._cycle)
        told = []
        for one in read:
            snapshot = snapshot_of_group(one.row, now=now)
            snapshot = snapshot._replace(cpi_changed_at=one.cpi_changed_at)
            results = list(evaluator.evaluate(snapshot, one.incidents))
            fires = [self._take(one, result, now) for result in results]
            if any(fires):
                told.append(one)
        # The product's insight is less than an hour old when it names the cause of an alert.
        self._foresee([one for one in told if one.foreseen_at != now], at)

    def _foresee(self, due: Sequence[Watched], at: int) -> None:
        """Compute the insight of these groups."""
        now = moment_of(at)
        set_insights([_history(one, at, self._pools) for one in due], now=now)
        for one in due:
            one.foreseen_at, one.decisive = now, _decisive(one.row)

    def _learn(self, at: int) -> None:
        """Learn the weeks of projects and countries from all groups with completes."""
        now = moment_of(at)
        launched = [one for one in self.groups.values() if one.group.first_live is not None]
        for one in launched:
            _read_series(one, at)
        series = [
            (one.row, clean_history(Readings(np.array(one.at), np.array(one.count)), at / 1000))
            for one in launched
        ]
        self._pools, self._learned_at = learn_pools(series, now=now), now

    def _take(self, one: Watched, result: RuleResult, now: datetime) -> bool:
        """Keep an incident as it is after an evaluation; return whether it fires now."""
        transition = transition_for(result, self._projects[one.row.project_id], now)
        if transition is None:
            return False
        incident = transition.incident
        if incident.pk is None:
            self._incidents += 1
            incident.pk = self._incidents
        if incident.state == Incident.State.RESOLVED:
            one.incidents.pop(incident.rule, None)
        else:
            one.incidents[incident.rule] = incident
        return transition.notice_kind == Notice.Kind.FIRE


def fork_watched(one: Watched) -> Watched:
    """A copy that goes on by itself from here, with its own group."""
    forked = replace(one, group=clone_group(one.group), row=copy(one.row))
    forked.incidents = {rule: copy(incident) for rule, incident in one.incidents.items()}
    forked.at, forked.count = [*one.at], [*one.count]
    return forked


def _is_read(one: Watched) -> bool:
    if one.group.first_live is None:
        return False
    return one.group.status in ("live", "paused") or bool(one.incidents)


def _decisive(row: TargetGroup) -> tuple[object, ...]:
    return tuple([getattr(row, name) for name in DECISIVE])


def _is_due(one: Watched, now: datetime) -> bool:
    """Whether the insight is old, or a change decides on it."""
    if one.foreseen_at is None or one.decisive != _decisive(one.row):
        return True
    age, ends = now - one.foreseen_at, one.row.ends_at
    if ends is not None and now < ends <= now + NEAR and age >= FORESEEN_NEAR:
        return True
    return now.hour == FORESEEN_AT and age >= FORESEEN_AFTER


def _read(one: Watched, at: int) -> None:
    """Copy into the row what the list, the overview, the details and the changelog say."""
    group, row, run = one.group, one.row, one.group.run
    found = simulated.figures_of_group(group, at)
    row.status, row.completes = group.status, found.counts.completes
    row.prescreens, row.entrants = found.counts.prescreens, found.counts.entrants
    row.filling_goal, row.filling_strategy = group.filling_goal, group.filling_strategy
    row.incidence_rate, row.drop_off_rate = found.incidence, found.drop_off
    row.conversion_rate, row.median_loi_seconds = found.conversion, found.loi_seconds
    row.epc, row.epcm, row.cpi, row.cost = found.epc, found.epcm, group.cpi, found.cost
    row.average_cpi = found.average_cpi
    row.expected_loi_minutes = group.loi_minutes
    row.expected_incidence_rate = group.incidence_rate
    row.last_complete_at = moment_of(found.last_complete) if found.last_complete else None
    if run is not None:
        row.starts_at, row.ends_at = moment_of(run.start), moment_of(run.end)
    row.issues = {
        name: [_issue_row(issue) for issue in value["issues"]]
        for name, value in group_statistics(group, found, at).items()
        if value["issues"]
    }
    _read_changelog(one)


def _issue_row(issue: dict[str, Any]) -> dict[str, Any]:
    reason = issue["reason"]
    tips = [tip["description"] for tip in issue["suggestions"]]
    kind = {"type": issue["issue_type"], "code": reason["code"]}
    return kind | {"text": reason["description"], "suggestions": tips}


def _read_changelog(one: Watched) -> None:
    """Take over when, why and by whom status and CPI changed."""
    row = one.row
    for batch in one.group.changelog[one.batches :]:
        for change in batch.changes:
            if change["object"] == "status_change":
                row.status_changed_at = moment_of(batch.at)
                row.status_reason = str(change.get("reason_code", ""))
                row.status_changed_by = batch.actor.type
            elif change["object"] == "cpi_change":
                one.cpi_changed_at = moment_of(batch.at)
    one.batches = len(one.group.changelog)


def _history(one: Watched, at: int, pools: Baselines) -> GroupHistory:
    """The group with its series, as the pull would load it."""
    group, row = one.group, one.row
    _read_series(one, at)
    answer = simulated.performance_answer(group, at)
    row.respondent_analysis = [
        {name: found[name] for name in ("status", "label", "count")}
        for found in answer["respondent_analysis"]["live"]
    ]
    changes = [
        (moment_of(batch.at), change["object"], change.get("old_value"), change.get("new_value"))
        for batch in group.changelog
        for change in batch.changes
    ]
    series = Readings(np.array(one.at), np.array(one.count))
    return GroupHistory(
        group=row,
        now=moment_of(at),
        series=series_until(series, row.completes, at / 1000),
        pauses=daily.pauses_of(
            (when, new) for when, kind, _, new in changes if kind == ChangelogKind.STATUS
        ),
        zone=zone_of(row.country_code),
        modules=modules_of(
            changes_with_old_values(change for change in changes if change[1] in KINDS), {}
        ),
        pools=pools,
        quotas=_quotas(group, row, at),
        turns=rate_change_times(changes),
    )


def _quotas(group: Simulated, row: TargetGroup, at: int) -> Sequence[StoredQuota]:
    """The quotas of a group that they hold up, as its profiles show them."""
    trouble = group.trouble
    if trouble is None or trouble.kind != "full_quotas" or trouble.since > at:
        return ()
    profiles_of(group)
    shown = shown_profiles(group, completes=row.completes or 0, prescreens=row.prescreens or 0)
    stored = [
        {
            "id": profile["id"],
            "name": profile["name"],
            "quotas": True,
            "targets": [
                quota | {"goal": quota["completes_goal"]}
                for target in profile["targets"]
                if (quota := target.get("quota"))
            ],
        }
        for profile in shown
    ]
    return list(quota_targets(stored, quota_unit(row.filling_strategy)))


def _read_series(one: Watched, at: int) -> None:
    """Append the hours since the last reading."""
    if one.group.run is None:
        return
    end = int(one.at[-1] * 1000) if one.at else one.group.run.start // HOUR * HOUR
    while end + HOUR <= at:
        end += HOUR
        one.at.append(end / 1000)
        one.count.append(float(one.group.tally.completes_at(end)))
