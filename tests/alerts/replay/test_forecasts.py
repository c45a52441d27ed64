"""Replays of what readings do not hold: forecasts, risks, reported issues, edits, silence."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dashboard.alerts.replay.facts import reported_periods
from dashboard.alerts.replay.forecasts import NOT_EVALUATED, attach_insights
from dashboard.alerts.replay.group_history import GroupTimeline, TimelinePoint
from dashboard.alerts.replay.replay import Replay, replay_rule
from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.rules.verdict import BREACH, CLEAR
from dashboard.fielding.models import Change, Cycle, Downtime, Edit, Incident, TargetGroup
from dashboard.fielding.series.readings import Readings
from tests import factories
from tests.fakes.alert_scenario import Field, after, change

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def outcome(code: str, group: TargetGroup, **settings: Any) -> Replay:
    """The replay of a rule on one group, up to NOW."""
    return replay_rule(code, settings, [group], account=group.account, now=factories.NOW)


def steady(field: Field, *, an_hour: float, hours: int = 168, **fields: Any) -> TargetGroup:
    """A group that began so many hours ago and has had its completes evenly since; no reading."""
    counts = [int(an_hour * hour) for hour in range(hours + 1)]
    given = {"starts_at": factories.NOW - HOUR * hours, "completes": counts[-1], "insight": {}}
    group = field.group(**(given | fields))
    factories.completes(group, counts=counts)
    return group


def test_a_group_that_was_slow_from_the_start_would_have_been_behind_pace(field: Field) -> None:
    group = steady(field, an_hour=0.5, filling_goal=600, completes_goal=600)
    (firing,) = outcome("behind_pace", group).firings
    assert firing.ended is None
    assert firing.began < factories.NOW - 5 * DAY


def test_a_goal_that_was_raised_counts_only_since_then(field: Field) -> None:
    until = after(60 * 24 * 14)
    group = steady(field, an_hour=1, filling_goal=900, completes_goal=900, ends_at=until)
    change(group, -60 * 48, kind="filling_goal_change", old=200, new=900)
    (firing,) = outcome("behind_pace", group).firings
    assert after(-60 * 48) <= firing.began <= after(-60 * 44)


def test_an_end_that_came_near_makes_it_end_short(field: Field) -> None:
    group = steady(field, an_hour=1, filling_goal=300, completes_goal=300, ends_at=after(60 * 12))
    (firing,) = outcome("ends_soon", group).firings
    assert after(-60 * 36) <= firing.began <= after(-60 * 33)


def test_an_end_that_was_brought_forward_was_not_near_before(field: Field) -> None:
    group = steady(field, an_hour=1, filling_goal=300, completes_goal=300, ends_at=after(60 * 12))
    times = {"old": after(60 * 24 * 9).isoformat(), "new": after(60 * 12).isoformat()}
    change(group, -60 * 6, kind="fielding_period_end_date_change", **times)
    (firing,) = outcome("ends_soon", group).firings
    assert firing.began >= after(-60 * 6)


def test_a_group_far_ahead_would_have_been_told_as_full_early(field: Field) -> None:
    group = steady(field, an_hour=2, filling_goal=400, completes_goal=400, ends_at=after(60 * 480))
    assert len(outcome("early", group).firings) == 1


def test_a_budget_that_the_likely_cost_passes_would_have_fired(field: Field) -> None:
    goals = {"filling_goal": 300, "completes_goal": 300}
    group = steady(field, an_hour=1, cpi=Decimal("2"), budget=Decimal("400"), **goals)
    result = outcome("projected_cost", group)
    assert len(result.firings) == 1
    assert "Today's budgets are used" in " ".join(result.assumed)
    roomy = steady(field, an_hour=1, cpi=Decimal("2"), budget=Decimal("4000"), **goals)
    assert str(outcome("projected_cost", roomy)) == "would have opened no alerts"


def test_without_a_budget_it_says_so_instead_of_never(field: Field) -> None:
    group = steady(field, an_hour=1)
    told = "cannot be evaluated: no group here has a budget"
    assert str(outcome("projected_cost", group)) == told


def test_a_silence_of_days_would_have_warned_of_the_pause(field: Field) -> None:
    counts = [3 * min(hour, 100) for hour in range(169)]
    group = field.group(starts_at=factories.NOW - 168 * HOUR, completes=300, insight={})
    factories.completes(group, counts=counts)
    group.filling_goal = group.completes_goal = 2000
    (firing,) = outcome("about_to_pause", group).firings
    silent = factories.NOW - 68 * HOUR
    assert silent + 48 * HOUR <= firing.began <= factories.NOW
    assert "redirect" in " ".join(outcome("about_to_pause", group).assumed)


def test_a_warning_shortly_before_the_pause_that_it_warned_of_is_found(field: Field) -> None:
    counts = [3 * min(hour, 100) for hour in range(169)]
    given = {"filling_goal": 2000, "completes_goal": 2000, "status": "paused"}
    group = field.group(starts_at=factories.NOW - 168 * HOUR, completes=300, insight={}, **given)
    factories.completes(group, counts=counts)
    change(group, -60 * 168, kind="status_change", old="scheduled", new="live")
    change(group, -60, kind="status_change", old="live", new="paused", actor_type="system_user")
    (firing,) = outcome("about_to_pause", group).firings
    assert after(-60 * 5) < firing.began < after(-60)
    assert firing.ended == after(-60)


def test_while_it_was_paused_nothing_was_foreseen(field: Field) -> None:
    group = steady(field, an_hour=0.5, filling_goal=600, completes_goal=600, status="paused")
    change(group, -60 * 24 * 7, kind="status_change", old="scheduled", new="live")
    change(group, -60 * 48, kind="status_change", old="live", new="paused")
    (firing,) = outcome("behind_pace", group).firings
    assert firing.ended is not None
    assert abs(firing.ended - after(-60 * 48)) <= HOUR


@pytest.mark.parametrize(("wait", "times"), [(30, 1), (600, 0)])
def test_issues_are_replayed_from_the_incidents_of_then(
    field: Field, wait: int, times: int
) -> None:
    group = field.group()
    group.readings.create(at=after(-60 * 100), status="live", completes=50)
    Incident.objects.create(
        account=group.account,
        group=group,
        rule="issue_error",
        key="key",
        state=Incident.State.RESOLVED,
        severity=2,
        sentence="",
        breached_at=after(-60 * 20),
        fired_at=after(-60 * 19),
        closed_at=after(-60 * 12),
        close_reason="recovered",
    )
    assert len(outcome("issue_error", group, for_minutes=wait).firings) == times
    assert outcome("issue_warning", group).firings == []


def test_hours_without_any_reading_are_one_silence(field: Field) -> None:
    group = field.group()
    for minute in (-300, -295, -100, -95, -5):
        factories.cycle(field.project, after(minute))
    longer, last = outcome("no_data", group).firings
    assert (longer.began, longer.ended) == (after(-275), after(-95))
    assert (last.began, last.ended) == (after(-75), None)
    (only,) = outcome("no_data", group, minutes=120).firings
    assert only.began == after(-175)


def test_edits_that_were_not_confirmed_are_counted(field: Field) -> None:
    group = field.group()
    factories.edit(group, started_at=after(-600), settled_at=after(-599))
    factories.edit(group, started_at=after(-500), settled_at=after(-480))
    vain = {"state": Edit.State.CONFLICT, "checks": 3}
    factories.edit(group, started_at=after(-400), settled_at=after(-398), **vain)
    result = outcome("edit_unconfirmed", group)
    assert [firing.began for firing in result.firings] == [after(-490), after(-398)]
    assert str(result) == "would have opened 2 alerts, 15 h in total"


def timeline_of(field: Field, *hours: float) -> GroupTimeline:
    """A group with one count 30 hours ago, and a change of its goal at each of these hours."""
    group = field.group()
    changes = [
        Change(group=group, kind="filling_goal_change", old=1, new=2, occurred_at=after(60 * hour))
        for hour in hours
    ]
    start = TimelinePoint(group.pk, after(-60 * 30), completes=100)
    empty = Readings(np.empty(0), np.empty(0))
    return GroupTimeline(group, [start], changes, empty, factories.NOW - 14 * DAY)


def hours_of(row: GroupTimeline) -> list[float]:
    return [(at - factories.NOW) / HOUR for at, _ in row.insights]


def test_a_forecast_is_made_twice_a_day_and_around_each_change(field: Field) -> None:
    row = timeline_of(field, -40, -30, -7, 1)
    unknown = GroupTimeline(row.group, [], [], row.series, factories.NOW)
    attach_insights([row, unknown], lambda _: NOT_EVALUATED, now=factories.NOW, sampled=False)
    second = 1 / 3600
    assert hours_of(row) == pytest.approx([-30, -24, -12, -7 - second, -7, 0], abs=1e-9)
    assert row.depends_on_insights_only
    assert unknown.insights == []


def test_where_a_verdict_changed_the_time_between_is_halved_to_an_hour(field: Field) -> None:
    row = timeline_of(field)
    turned = factories.NOW - 5 * HOUR
    attach_insights(
        [row],
        lambda group: BREACH if group.now >= turned else CLEAR,
        now=factories.NOW,
        sampled=False,
    )
    between = [-6, -5.25, -4.5, -3]
    assert hours_of(row) == [-30, -24, -12, *between, 0]
    same = timeline_of(field)
    attach_insights([same], lambda _: BREACH, now=factories.NOW, sampled=False)
    assert hours_of(same) == [-30, -24, -12, 0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"closed_at": after(-60), "close_reason": "recovered"}, -90),
        ({"closed_at": after(-60), "close_reason": "paused"}, -60),
        ({"clear_since": after(-70)}, -70),
        ({"closed_at": after(-60), "close_reason": "recovered", "clear_since": after(-70)}, -70),
        ({}, 24 * 60),
        ({"closed_at": after(-500), "close_reason": "paused"}, None),
        ({"rule": "issue_warning"}, None),
    ],
)
def test_an_issue_lasted_until_its_incident_began_to_recover(
    field: Field, fields: dict[str, Any], expected: float | None
) -> None:
    group = field.group()
    given: dict[str, Any] = {
        "account": group.account,
        "group": group,
        "rule": "issue_error",
        "key": "k",
        "state": "resolved",
        "severity": 2,
        "breached_at": after(-300),
    }
    Incident.objects.create(**(given | fields))
    periods = reported_periods(
        RULES["issue_error"], [group.pk], since=after(-500), now=factories.NOW
    )
    period = None if expected is None else (after(-300), after(expected), "error")
    assert periods == ({group.pk: [period]} if period else {})


def test_an_edit_alerted_within_the_days_and_stays_open_for_one(field: Field) -> None:
    group, other = field.group(), field.group()
    for of in (group, other):
        factories.edit(of, started_at=after(-100), settled_at=after(-80))
    factories.edit(
        group, started_at=after(-60 * 24 * 14), settled_at=None, state="unknown", kind="goals"
    )
    factories.edit(group, started_at=after(-60 * 26), settled_at=None, state="unknown")
    result = outcome("edit_unconfirmed", group)
    assert [(each.group, each.began, each.ended) for each in result.firings] == [
        (group, after(-60 * 26 + 10), after(-60 * 2 + 10)),
        (group, after(-90), None),
    ]
    assert result.judged == 1


def test_our_own_downtime_is_no_silence(field: Field) -> None:
    group = field.group()
    for minute in (-300, -200, -10, -5):
        factories.cycle(field.project, after(minute))
    factories.cycle(field.project, after(-150), listed=False)
    Downtime.objects.create(began_at=after(-290), ended_at=after(-210))
    (firing,) = outcome("no_data", group).firings
    assert (firing.group, firing.began, firing.ended) == (None, after(-180), after(-5))
    Cycle.objects.filter(finished_at__gt=after(-100)).delete()
    (last,) = outcome("no_data", group).firings
    assert (last.began, last.ended) == (after(-180), None)
    assert outcome("no_data", group, minutes=201).firings == []
    assert len(outcome("no_data", group, minutes=199).firings) == 1
