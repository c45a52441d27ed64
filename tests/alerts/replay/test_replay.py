"""What an edited rule would have done, from readings of the last days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.alerts.replay.replay import Replay, replay_rule
from dashboard.fielding.models import TargetGroup
from tests import factories
from tests.fakes.alert_scenario import Field, after, change


def outcome(
    code: str, settings: dict[str, Any], groups: list[TargetGroup], *, now: datetime = factories.NOW
) -> Replay:
    """The replay of a rule on groups of one account."""
    return replay_rule(code, settings, groups, account=groups[0].account, now=now)


def read(group: TargetGroup, hour: float, **fields: Any) -> None:
    """A reading so many hours before NOW."""
    given = {"status": "live", "completes": 100, "entrants": 900, "drop_off_rate": 0.1}
    group.readings.create(at=after(-60 * hour), **(given | fields))


def test_a_drop_off_that_came_and_went_would_have_fired_once(field: Field) -> None:
    group = field.group()
    read(group, 100)
    read(group, 50, drop_off_rate=0.4)
    read(group, 40, drop_off_rate=0.1)
    result = outcome("drop_off", {}, [group])
    assert str(result) == "would have opened 1 alert, 10 h in total"
    assert result.firings[0].began == after(-60 * 49)


def test_a_looser_threshold_would_never_have_fired(field: Field) -> None:
    group = field.group()
    read(group, 50, drop_off_rate=0.4)
    result = outcome("drop_off", {"fires": 0.5}, [group])
    assert str(result) == "would have opened no alerts"


def test_links_of_today_are_not_taken_for_those_of_the_past(field: Field) -> None:
    links = {"links_total": 1500, "links_left": 0, "links_read_at": factories.NOW}
    group = field.group(**links)
    read(group, 50)
    result = outcome("links_run_out", {}, [group])
    assert str(result).startswith("cannot be evaluated")
    assert result.assumed == ("Links of the past are not stored, so this rule cannot be replayed.",)


def test_what_still_fires_has_no_end(field: Field) -> None:
    group = field.group()
    read(group, 10, drop_off_rate=0.4)
    (firing,) = outcome("drop_off", {}, [group]).firings
    assert firing.ended is None


def test_what_held_when_the_days_began_counts_from_then_on(field: Field) -> None:
    group = field.group()
    read(group, 24 * 16, drop_off_rate=0.1)
    read(group, 24 * 15, drop_off_rate=0.4)
    (firing,) = outcome("drop_off", {}, [group]).firings
    assert firing.began == after(-60 * (24 * 14 - 1))


def test_a_silence_in_the_readings_would_have_stalled(field: Field) -> None:
    group = field.group()
    read(group, 30, completes=90)
    read(group, 29, completes=93)
    read(group, 20, completes=99)
    read(group, 19, completes=102)
    (firing,) = outcome("stalled", {}, [group], now=after(-60 * 18)).firings
    assert timedelta(hours=3) <= firing.began - after(-60 * 29) <= timedelta(hours=4)


def test_a_pause_by_the_exchange_is_replayed_from_the_changelog(field: Field) -> None:
    group = field.group()
    read(group, 30)
    read(group, 20, status="paused")
    read(group, 15)
    change(group, -60 * 20, kind="status_change", actor_type="system_user", new="paused")
    assert len(outcome("paused_by_exchange", {}, [group]).firings) == 1


def test_price_changes_are_counted_from_the_changelog(field: Field) -> None:
    group = field.group()
    change(group, -60 * 30)
    change(group, -60 * 20, new="2.01", old="2.00")
    change(group, -60 * 10)
    change(group, -60 * 24 * 14)
    of_old, of_new = outcome("cpi_changed", {}, [group]).firings
    assert (of_old.group, of_old.began, of_old.ended) == (group, after(-60 * 30), after(-60 * 6))
    assert (of_new.group, of_new.began, of_new.ended) == (group, after(-60 * 10), None)
    everywhere = outcome("cpi_changed", {}, [group, field.group()])
    assert (len(everywhere.firings), everywhere.judged) == (2, 2)
    assert outcome("status_changed", {}, [group]).firings == []


def test_a_silence_of_the_exchange_is_judged_once_for_the_whole_account(field: Field) -> None:
    result = outcome("no_data", {}, [field.group(), field.group()])
    assert (result.judged, result.firings) == (1, [])


def test_settings_that_cannot_be_are_refused_before_any_reading(field: Field) -> None:
    with pytest.raises(ValueError, match="wires"):
        outcome("drop_off", {"wires": 1}, [field.group()])


def test_a_preview_says_how_far_back_readings_go_where_that_is_not_all_days(field: Field) -> None:
    group = field.group()
    read(group, 30)
    assert outcome("drop_off", {}, [group]).since == after(-30 * 60)
    read(group, 24 * 14 - 2)
    assert outcome("drop_off", {}, [group]).since is None
