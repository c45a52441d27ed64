"""Replays of what readings do not hold: forecasts, risks, reported issues, edits, silence."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.replay.replay import Replay, replay_rule
from dashboard.fielding.models import Edit, Incident, TargetGroup
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
