"""Survey links that run out: when the rule alerts, when it says nothing, and what it says."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.rules.catalogue import JUDGED
from dashboard.alerts.rules.judges.links import round_up
from dashboard.alerts.rules.snapshot import GroupSnapshot, snapshot_of_group
from dashboard.alerts.rules.state_machine import Observation
from dashboard.alerts.rules.survey_links import LinksOutlook, completes_an_hour, links_outlook
from dashboard.alerts.rules.verdict import AlertText
from dashboard.fielding.models import Incident, Item, TargetGroup
from tests import factories
from tests.fakes.alert_scenario import Field, states, update

HOUR = timedelta(hours=1)
RULE = JUDGED["links_run_out"]
# 230 of 350 completes with 1,380 links: six for each complete, so 120 are enough for 20 more.
FEW: dict[str, Any] = {
    "status": "live",
    "name": "Japan 25–54",
    "completes": 230,
    "completes_goal": 350,
    "filling_strategy": "completes",
    "starts_at": factories.NOW - 100 * HOUR,
    "ends_at": factories.NOW + 200 * HOUR,
    "links_total": 1500,
    "links_left": 120,
    "links_read_at": factories.NOW - HOUR,
}


def pace(rate: float) -> dict[str, Any]:
    return {"rhythm": {"rate": rate, "hours": [1.0] * 24, "days": [1.0] * 7}}


def snapshot(rate: float | None = 2.2, **fields: Any) -> GroupSnapshot:
    """A group whose links last 9 hours, but for what a test says; rate: completes an hour."""
    insight = {} if rate is None else pace(rate)
    given = FEW | {"insight": insight} | fields
    return snapshot_of_group(TargetGroup(pk=1, project_id=1, **given), now=factories.NOW)


def judged(group: GroupSnapshot, **settings: float) -> Observation | None:
    assert RULE.judge
    verdict = RULE.judge(group, RULE.defaults | settings, {})
    return verdict.observation if verdict else None


def described(group: GroupSnapshot) -> AlertText:
    assert RULE.describe
    return RULE.describe(group, RULE.defaults)


B, M, C = Observation.BREACH, Observation.BETWEEN, Observation.CLEAR
FORECAST = {"forecast": {"at_end": [500.0, 670.0, 800.0]}}  # 440 more in 200 hours


@pytest.mark.parametrize(
    ("rate", "fields", "expected"),
    [
        (2.2, {}, B),
        (0.42, {}, B),  # 47.6 hours
        (0.41, {}, M),  # 48.8 hours
        (0.34, {}, M),  # 58.8 hours
        (0.33, {}, C),  # 60.6 hours
        (2.2, {"links_left": 0}, B),
        (2.2, {"links_total": 2100, "links_left": 720}, C),  # as many as the goal needs
        (2.2, {"links_total": 2098, "links_left": 718}, M),  # two are missing, in 54 hours
        (9.0, {"links_total": 2090, "links_left": 710}, B),  # ten are missing, and soon
        (2.2, {"ends_at": factories.NOW + 9 * HOUR}, C),  # the group ends before
        (2.2, {"ends_at": None}, B),
        (0.0001, {"links_total": 2_000_000_000, "links_left": 1_900_000_000}, C),  # for ages
        (2.2, {"completes": 350}, C),  # at its goal
        (2.2, {"completes_goal": None}, C),  # without a goal nothing is missing
        (2.2, {"links_total": 60, "links_left": 60}, B),  # replaced: one for each complete
        (2.2, {"links_total": 0, "links_left": 0}, C),
        (2.2, {"links_total": None, "links_left": None}, None),
        (2.2, {"completes": 9}, None),
        (2.2, {"completes": 0}, None),
        (2.2, {"links_read_at": factories.NOW - 25 * HOUR}, None),
        (None, {}, None),  # no pace
        (None, {"insight": FORECAST}, B),  # the forecast's pace is 2.2
        (None, {"insight": FORECAST, "ends_at": factories.NOW - HOUR}, None),
    ],
)
def test_links_alert_where_they_last_less_than_two_days_and_the_goal_needs_more(
    rate: float | None, fields: dict[str, Any], expected: Observation | None
) -> None:
    assert judged(snapshot(rate, **fields)) is expected


def test_the_threshold_is_a_setting() -> None:
    assert judged(snapshot(), fires=8, clears=9) is C
    assert judged(snapshot(), fires=10, clears=12) is B
    assert judged(snapshot(), completes=231) is None


def test_the_sentence_says_how_long_they_last_and_how_many_are_missing() -> None:
    text = described(snapshot())
    assert text.sentence == (
        "Japan 25–54: 120 of 1,500 links left: about 9 hours at the present pace; "
        "the goal needs about 600 more."
    )
    assert text.headline == (
        "Survey links run out: Japan 25–54, 120 of 1,500 links left, about 9 hours"
    )
    assert text.figures == (("survey links left", "120", "about 600 more needed"),)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (40.0, "less than an hour at"),
        (18.0, "about 1 hour at"),
        (0.28, "about 71 hours at"),
        (20 / 72, "about 3 days at"),
        (0.2, "about 4 days at"),
    ],
)
def test_times_read_as_people_say_them(rate: float, said: str) -> None:
    assert f"left: {said} the present pace" in described(snapshot(rate)).sentence


def test_without_a_link_no_time_is_left_to_say() -> None:
    assert described(snapshot(links_left=0)).sentence == (
        "Japan 25–54: 0 of 1,500 links left; the goal needs about 790 more."
    )


@pytest.mark.parametrize(
    ("count", "rounded"), [(1, 1), (7.2, 8), (99, 99), (583, 590), (600, 600), (12_345, 13_000)]
)
def test_an_estimate_of_links_is_rounded_up_to_two_digits(count: float, rounded: int) -> None:
    assert round_up(count) == rounded


@pytest.fixture
def short(field: Field) -> TargetGroup:
    """A stored group whose links last 9 hours, on its way to its goal."""
    insight = pace(2.2) | {"forecast": {"at_end": [320.0, 350.0, 380.0], "chance": 0.9}}
    fields = {"filling_goal": 350, "cpi": Decimal("2.00"), "last_complete_at": factories.NOW}
    given = FEW | fields | {"insight": insight, "links_read_at": factories.NOW + 2 * HOUR}
    return field.group(**given)


@pytest.mark.django_db
def test_the_alert_is_an_item_until_more_links_were_uploaded(
    field: Field, short: TargetGroup
) -> None:
    field.cycles(0, 15)
    assert states() == ["pending"]
    field.cycles(30)
    assert Incident.objects.get().rule == "links_run_out"
    item = Item.objects.get()
    # 120 are missing, and the links left bring 20.
    assert (item.remedy, item.value, item.money) == ("upload_links", 100.0, Decimal("200.0"))
    assert item.critical is False
    assert item.sentence.startswith("120 of 1,500 links left: about 9 hours")
    update(short, links_total=3000, links_left=1620)
    field.cycles(45, 60, 76)
    assert states() == ["resolved"]
    assert Item.objects.get().state == Item.State.CLOSED


@pytest.mark.django_db
def test_a_pause_takes_the_place_of_the_alert(field: Field, short: TargetGroup) -> None:
    field.cycles(0, 15, 30)
    reason = "live_respondent_unique_codes_exhausted"
    by = {"status_changed_by": "system_user", "status_changed_at": factories.NOW}
    update(short, status="paused", status_reason=reason, links_left=0, **by)
    field.cycles(45)
    firing = Incident.objects.filter(state="firing")
    assert [incident.rule for incident in firing] == ["paused_by_exchange"]
    item = Item.objects.open().get()
    assert (item.remedy, item.sentence[:6]) == ("upload_links", "Paused")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, LinksOutlook(20 / 2.5, 20, 600, False)),
        ({"links_left": 1500}, LinksOutlook(1500 / 2.5, 1500, 0, True)),  # never below one each
        ({"completes": 400}, LinksOutlook(120 / 3.45 / 2.5, 120 / 3.45, 0, False)),
        ({"completes_goal": None}, LinksOutlook(20 / 2.5, 20, 0, False)),
        ({"ends_at": factories.NOW + 8 * HOUR}, LinksOutlook(20 / 2.5, 20, 600, True)),
        ({"ends_at": factories.NOW + 9 * HOUR}, LinksOutlook(20 / 2.5, 20, 600, False)),
        ({"ends_at": None}, LinksOutlook(20 / 2.5, 20, 600, False)),
        ({"links_left": 0}, LinksOutlook(0, 0, 120 * (1500 / 230), False)),
        (
            {"links_read_at": factories.NOW - timedelta(days=1)},
            LinksOutlook(20 / 2.5, 20, 600, False),
        ),
        ({"links_read_at": factories.NOW - timedelta(days=1, seconds=1)}, None),
        ({"links_read_at": None}, None),
        ({"links_left": None}, None),
        ({"links_total": 0}, None),
        ({"completes": None}, None),
    ],
)
def test_the_outlook_of_links_counts_what_each_complete_used_so_far(
    fields: dict[str, Any], expected: LinksOutlook | None
) -> None:
    of = snapshot(2.5, **fields)
    assert links_outlook(of, of.insight, now=factories.NOW) == expected


@pytest.mark.parametrize(
    ("rate", "fields", "expected"),
    [
        (2.5, {"insight": FORECAST | pace(2.5)}, 2.5),
        (None, {"insight": FORECAST}, 2.2),
        (None, {"insight": FORECAST | pace(0.0)}, 2.2),
        (None, {"insight": FORECAST, "completes": None}, 3.35),
        (None, {"insight": FORECAST, "completes": 700}, None),
        (None, {"insight": FORECAST, "ends_at": factories.NOW}, None),
        (None, {"insight": FORECAST, "ends_at": None}, None),
        (None, {}, None),
    ],
)
def test_the_pace_is_that_of_the_week_or_else_of_the_forecast(
    rate: float | None, fields: dict[str, Any], expected: float | None
) -> None:
    of = snapshot(rate, **fields)
    assert completes_an_hour(of, of.insight, now=factories.NOW) == expected


def test_one_missing_link_is_enough_to_alert_and_less_than_one_is_not() -> None:
    one = snapshot(9.0, links_total=2099, links_left=719)  # 120 completes more need 720
    assert judged(one) is B
    assert judged(one._replace(links_left=720, links_total=2100)) is C
    assert judged(snapshot(completes=10, links_total=120, links_left=60)) is B
    assert judged(snapshot(links_left=None)) is None


def test_links_of_a_soft_launch_and_of_a_full_group_are_enough() -> None:
    soft = {"share": 0.9, "ends_at": (factories.NOW + HOUR).isoformat(), "is_on": True}
    assert judged(snapshot(insight=pace(2.2) | {"soft_launch": soft})) is C
    by_prescreens: dict[str, Any] = {
        "filling_strategy": "prescreens",
        "filling_goal": 900,
        "prescreens": 900,
    }
    assert judged(snapshot(**by_prescreens)) is C
    assert judged(snapshot(**(by_prescreens | {"prescreens": 899}))) is B
    assert judged(snapshot(completes=None)) is None
