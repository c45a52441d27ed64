"""A group as of any time: what readings, its series and the changelog say of then."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dashboard.alerts.replay.facts import Firing
from dashboard.alerts.replay.forecasts import SAMPLE_EVERY, attach_median_epc, samples_of
from dashboard.alerts.replay.group_history import GroupTimeline, TimelinePoint, load_timelines
from dashboard.alerts.replay.replay import Replay, max_groups
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import Change, TargetGroup
from dashboard.fielding.series.readings import Readings
from tests import factories
from tests.fakes.alert_scenario import Field

NOW, HOUR = factories.NOW, timedelta(hours=1)
GROUP: dict[str, Any] = {
    "pk": 7,
    "project_id": 1,
    "name": "Japan",
    "status": "live",
    "completes": 90,
    "filling_goal": 200,
    "completes_goal": 200,
    "filling_strategy": "completes",
    "cpi": Decimal("3.00"),
    "currency": "EUR",
    "starts_at": NOW - 90 * HOUR,
    "ends_at": NOW + 40 * HOUR,
    "issues": {"epc": [{"type": "error"}]},
    "links_total": 100,
    "short_at_end": 5.0,
    "insight": {
        "rhythm": {"rate": 2.0},
        "forecast": {"at_end": [1.0, 2.0, 3.0]},
        "warnings": {"low_epc": 0.9},
    },
}


def change(hour: float, kind: str, old: Any, new: Any, **fields: Any) -> Change:
    at = NOW + hour * HOUR
    return Change(group_id=7, occurred_at=at, kind=kind, old=old, new=new, **fields)


def point(hour: float, completes: int | None, **fields: Any) -> TimelinePoint:
    return TimelinePoint(7, NOW + hour * HOUR, completes=completes, **fields)


def series(*counts: tuple[float, float]) -> Readings:
    """Counts by hours from NOW."""
    at = [(NOW + hour * HOUR).timestamp() for hour, _ in counts]
    return Readings(np.array(at), np.array([float(count) for _, count in counts]))


READ = [
    point(-20, 40, status="live", entrants=400, epc=Decimal("0.2"), epcm=Decimal("0.02")),
    point(-10, 60, status="paused", cpi=Decimal("2.75"), average_cpi=Decimal("2.7")),
    point(-8, 60, status="live"),
    point(-5, 57, cost=Decimal(170)),
    point(-2, 58),
]
CHANGES = [
    change(-60, "status_change", "scheduled", "live", actor_type="las_user"),
    change(-30, "filling_goal_change", 150, 200),
    change(-25, "pacing_assistance_change", None, "linear"),
    change(-15, "cpi_change", "2.50", "3.00"),
    change(-10, "status_change", "live", "paused", reason_code="low_epc", actor_type="system_user"),
]
SERIES = series(
    *(
        (-70, 0),
        (-60, 0),
        (-55, 1),
        (-50, 10),
        (-45, 10),
        (-40, 30),
        (-20, 40),
        (-15, 50),
        (-10, 60),
    )
)


def timeline(**given: Any) -> GroupTimeline:
    rows: dict[str, Any] = {
        "readings": READ,
        "changes": CHANGES,
        "series": SERIES,
        "since": NOW - 80 * HOUR,
    }
    return GroupTimeline(TargetGroup(**GROUP), **(rows | given))


NAMES = (
    "status",
    "completes",
    "entrants",
    "epc",
    "cost",
    "cpi",
    "filling_goal",
    "completes_goal",
    "status_reason",
    "status_changed_by",
)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (-75, ("scheduled", None, None, None, None, "2.50", 150, 150, "", "")),
        (-70, ("scheduled", 0, None, None, None, "2.50", 150, 150, "", "")),
        (-50, ("live", 10, None, None, None, "2.50", 150, 150, "", "las_user")),
        (-41, ("live", 10, None, None, None, "2.50", 150, 150, "", "las_user")),
        (-30, ("live", 30, None, None, None, "2.50", 200, 200, "", "las_user")),
        (-20, ("live", 40, 400, "0.2", None, "2.50", 200, 200, "", "las_user")),
        (-15, ("live", 40, 400, "0.2", None, "3.00", 200, 200, "", "las_user")),
        (-10, ("paused", 60, None, None, None, "2.75", 200, 200, "low_epc", "system_user")),
        (-8, ("live", 60, None, None, None, "3.00", 200, 200, "low_epc", "system_user")),
        (-1, ("paused", 58, None, None, None, "3.00", 200, 200, "low_epc", "system_user")),
    ],
)
def test_each_figure_is_that_of_the_last_reading_and_each_setting_that_of_the_changelog(
    hour: float, expected: tuple[Any, ...]
) -> None:
    group = timeline().at(NOW + hour * HOUR)
    values = (getattr(group, name) for name in NAMES)
    assert tuple(str(v) if isinstance(v, Decimal) else v for v in values) == expected
    assert group.now == NOW + hour * HOUR


def hours(*moments: datetime | None) -> list[float | None]:
    return [None if at is None else (at - NOW) / HOUR for at in moments]


def test_the_times_of_then_are_those_of_then() -> None:
    rows = [timeline().at(NOW + hour * HOUR) for hour in (-75, -52, -41, -14, -9, -7, -4, -1)]
    assert hours(*(row.last_complete_at for row in rows)) == [
        None,
        -55,
        -50,
        -20,
        -10,
        -10,
        -10,
        -2,
    ]
    assert hours(*(row.cpi_changed_at for row in rows)) == [None] * 3 + [-15] * 5
    assert hours(*(row.status_changed_at for row in rows)) == [-90, -60, -60, -60] + [-10] * 4
    assert [row.most_completes for row in rows] == [None, 1, 10, 40, 60, 60, 60, 60]
    assert timeline().at(NOW + 16 * HOUR).most_completes == 58  # a day after the higher count


def test_what_only_today_knows_is_not_known_of_then() -> None:
    group = timeline().at(NOW)
    assert (group.issues, group.short_at_end, group.links_total) == ({}, None, None)
    assert group.insight == Insight(rhythm=Insight.from_stored(GROUP["insight"]).rhythm)
    rising = timeline(readings=READ[:2]).at(NOW)
    assert rising.most_completes is None  # where no count fell, none is asked for


def test_a_group_begins_with_its_first_count_or_change_within_the_days() -> None:
    at = NOW - 80 * HOUR
    assert hours(timeline().start, timeline().read_since) == [-70, -20]
    assert hours(timeline(since=NOW - 30 * HOUR).start) == [-30]
    later = timeline(series=series(), changes=CHANGES[1:])
    assert hours(later.start, later.read_since) == [-20, -20]
    unread = timeline(readings=[], series=series((-9, 0), (-8, 0), (-7, 1)), changes=[])
    assert (unread.start, unread.read_since) == (NOW - 9 * HOUR, None)
    assert [row.completes for row in unread.points] == [0, 1]
    nothing = timeline(readings=[], series=series(), changes=[], since=at)
    assert (nothing.start, nothing.points) == (None, [])
    assert nothing.at(NOW).status == "live"


def test_a_goal_of_its_own_stays_beside_the_limit() -> None:
    own = GroupTimeline(
        TargetGroup(**(GROUP | {"completes_goal": 180})), READ, CHANGES, SERIES, NOW - 80 * HOUR
    )
    goals = [(row.filling_goal, row.completes_goal) for row in map(own.at, (NOW - 40 * HOUR, NOW))]
    assert goals == [(150, 180), (200, 180)]


def test_it_changes_with_settings_readings_issues_and_insights() -> None:
    row = timeline()
    row.insights = [(NOW - 12 * HOUR, Insight(warnings={"low_epc": 0.5})), (NOW, Insight())]
    row.issues = [(NOW - 7 * HOUR, NOW - 6 * HOUR, "error")]
    settings = [-60, -30, -15, -10]
    counts = [-70, -55, -50, -40, -20, -10, -8, -5, -2]
    every = {*settings, *counts, -12, 0, -7, -6}
    assert hours(*row.change_times()) == sorted(every)
    moments = (-13, -12, -7.5, -7, -6.5, -6, 0)
    then = [row.at(NOW + hour * HOUR) for hour in moments]
    warned = {"low_epc": 0.5}
    assert [each.insight.warnings for each in then] == [None] + [warned] * 5 + [None]
    assert {each.insight.rhythm for each in then} == {Insight.from_stored(GROUP["insight"]).rhythm}
    error = {"then": [{"type": "error"}]}
    assert [each.issues for each in then] == [{}, {}, {}, error, error, {}, {}]
    row.depends_on_insights_only = True
    assert hours(*row.change_times()) == sorted({*settings, -12, 0})


def test_a_row_of_then_has_the_prices_of_its_reading_and_today_stays_as_it_is() -> None:
    row = timeline()
    then = [row.group_at(NOW + hour * HOUR) for hour in (-75, -20, -9)]
    assert [(each.epcm, each.average_cpi) for each in then] == [
        (None, None),
        (Decimal("0.02"), None),
        (None, Decimal("2.7")),
    ]
    assert [each.status for each in then] == ["scheduled", "live", "paused"]
    assert (row.group.completes, row.group.status) == (90, "live")


def test_pauses_and_assistants_of_then_are_those_up_to_then() -> None:
    row = timeline()
    assert row.pauses(NOW - 60 * HOUR) == [(NOW - 60 * HOUR, "live")]
    assert row.pauses(NOW - 61 * HOUR) == []
    assert len(row.pauses(NOW)) == 2
    assert row.assistant_changes(NOW - 26 * HOUR) == []
    assert row.assistant_changes(NOW - 25 * HOUR) == [
        (NOW - 25 * HOUR, "pacing_assistance_change", "linear")
    ]


def test_samples_of_then_are_taken_every_six_hours_from_the_start() -> None:
    row = timeline(since=NOW - 18 * HOUR)
    rows = samples_of(row, now=NOW)
    assert SAMPLE_EVERY == 6 * HOUR
    assert hours(*(each.at for each in rows)) == [-18, -12, -6, 0]
    assert [each.samples[-1][1] for each in rows] == [40, 40, 60, 58]
    assert [len(each.samples) for each in rows] == [1, 2, 3, 4]
    assert samples_of(timeline(readings=[], series=series(), changes=[]), now=NOW) == []


def test_the_median_epc_of_then_is_known_from_its_fourth_sample_on() -> None:
    readings = [
        point(-24 + 6 * n, 10 + n, epc=Decimal(f"0.{n + 1}"), cpi=Decimal(1)) for n in range(5)
    ]
    row = timeline(readings=readings, series=series(), changes=[])
    attach_median_epc([row], now=NOW)
    medians = [(at, insight.epc.median if insight.epc else None) for at, insight in row.insights]
    assert hours(*(at for at, _ in medians)) == [-6, 0]
    assert [float(value or 0) for _, value in medians] == pytest.approx([0.25, 0.3])


def test_a_timeline_is_loaded_with_the_last_reading_before_its_days(field: Field) -> None:
    group, other = field.group(), field.group()
    for hour in (-90, -85, -80, -79, 0, 1):
        group.readings.create(at=NOW + hour * HOUR, status="live", completes=100 + hour)
    given = {"account": group.account, "batch_id": factories.ulid(1), "seen_at": NOW}
    kinds = ("filling_goal_change", "cpi_change", "name_change", "pacing_assistance_change")
    for number, kind in enumerate((*kinds, "re_entry_configuration_change", "cpi_change")):
        at = NOW + HOUR if number == 5 else NOW
        Change.objects.create(group=group, kind=kind, occurred_at=at, position=number, **given)
    first, second = load_timelines([group, other], since=NOW - 80 * HOUR, now=NOW)
    assert hours(*(row.at for row in first.points)) == [-80, -79, 0]
    assert [row.completes for row in first.points] == [20, 21, 100]
    assert {row.kind for row in first.changes} == {*kinds, "re_entry_configuration_change"} - {
        "name_change"
    }
    assert len(first.changes) == 4
    assert (second.points, second.changes) == ([], [])


def replay(code: str, *spans: tuple[float, float | None], judged: int = 1) -> Replay:
    firings = [
        Firing(None, NOW + began * HOUR, None if ended is None else NOW + ended * HOUR)
        for began, ended in spans
    ]
    return Replay(code, NOW, firings, judged)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (replay("drop_off", judged=0), "no group here was in field with the figures it needs"),
        (replay("spend", judged=0), "no group here has a budget"),
        (replay("drop_off"), "would have opened no alerts"),
        (replay("drop_off", (-5, -3)), "would have opened 1 alert, 2 h in total"),
        (
            replay("drop_off", (-1005, -3), (-2, None)),
            "would have opened 2 alerts, 1,004 h in total",
        ),
    ],
)
def test_a_replay_says_how_often_and_how_long(result: Replay, text: str) -> None:
    cannot = "cannot be evaluated: " if not result.judged else ""
    assert str(result) == cannot + text


def test_a_preview_replays_fewer_groups_where_forecasts_are_needed() -> None:
    assert (max_groups("behind_pace"), max_groups("drop_off")) == (100, 200)
