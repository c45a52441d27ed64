"""A tracker beside its previous wave: the same groups at the same age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import Project
from dashboard.web import charts
from dashboard.web.projects.wave_comparison import (
    Pair,
    compare_groups,
    count_at,
    country_rows,
    groups_of,
    wave_verdict,
)
from dashboard.web.projects.wave_curves import wave_curves
from tests import factories

pytestmark = pytest.mark.django_db

NOW, DAY = factories.NOW, timedelta(days=1)


def wave(
    project: Project, name: str, *, day: int, completes: int, goal: int | None, **fields: Any
) -> None:
    """A group that started so many days ago, with hourly completes since then."""
    start = NOW - day * DAY
    stored = factories.group(
        project,
        name=name,
        starts_at=start,
        ends_at=start + 14 * DAY,
        completes=completes,
        filling_goal=goal,
        completes_goal=goal,
        **fields,
    )
    factories.completes(stored, until=start + 4 * DAY, counts=[completes] * 90)


def compared(*groups: tuple[str, tuple[int, int | None], tuple[int, int | None]]) -> list[Pair]:
    """Pairs of groups of four days: name, (completes, goal) now, and the same then."""
    account = factories.account()
    own, earlier = factories.project(account), factories.project(account)
    for name, (completes, goal), (before, goal_before) in groups:
        wave(own, f"{name} W2", day=4, completes=completes, goal=goal)
        wave(earlier, f"{name} W1", day=40, completes=before, goal=goal_before)
    rows = groups_of([own.pk, earlier.pk])
    return compare_groups(rows[own.pk], rows[earlier.pk], now=NOW)


def test_groups_are_ranked_by_the_share_of_their_own_goals() -> None:
    pairs = compared(
        ("Large", (4900, 10_000), (5000, 10_000)),  # 100 fewer, 1 % of the goal
        ("Small", (20, 100), (60, 100)),  # 40 fewer, 40 % of the goal
        ("Other goal", (100, 100), (110, 1000)),  # 10 fewer, yet far ahead
        ("No goal", (5, None), (900, None)),
    )
    assert [(pair.name, pair.lead_text) for pair in pairs] == [
        ("Small W2", "−40 points"),
        ("Large W2", "−1 point"),
        ("Other goal W2", "+89 points"),
        ("No goal W2", "—"),
    ]
    assert [pair.ahead_text for pair in pairs] == ["−40", "−100", "−10", "−895"]


def test_equal_shares_are_level() -> None:
    (pair,) = compared(("Same", (50, 100), (500, 1000)))
    assert (pair.lead_text, pair.ahead_text) == ("level", "−450")


def test_the_verdict_is_the_share_of_the_sums_not_the_mean_of_shares() -> None:
    verdict = wave_verdict(
        compared(("Large", (410, 1000), (560, 1000)), ("Small", (10, 20), (1, 20)))
    )
    assert verdict is not None
    assert verdict.sentence == ("At day 4, 41 % of the goal, previous wave 55 %: 14 points behind.")
    assert (verdict.tone, verdict.note) == ("warn", "")


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (56, "At day 4, 56 % of the goal, previous wave 55 %: 1 point ahead."),
        (55, "At day 4, 55 % of the goal, previous wave 55 %: level."),
    ],
)
def test_a_wave_can_be_ahead_or_level(now: int, sentence: str) -> None:
    verdict = wave_verdict(compared(("Women", (now, 100), (55, 100))))
    assert verdict is not None
    assert (verdict.sentence, verdict.tone) == (sentence, "good")


def test_groups_without_a_goal_have_no_part_in_the_verdict() -> None:
    pairs = compared(("Women", (50, 100), (55, 100)), ("No goal", (5, None), (900, None)))
    verdict = wave_verdict(pairs)
    assert verdict is not None
    assert verdict.sentence.startswith("At day 4, 50 % of the goal, previous wave 55 %")
    assert verdict.note == "1 matched group has no goal or no counts, and no part in this."
    assert wave_verdict(pairs[1:]) is None


def test_groups_of_different_ages_count_at_their_own() -> None:
    account = factories.account()
    own, earlier = factories.project(account), factories.project(account)
    wave(own, "Women W2", day=4, completes=50, goal=100)
    wave(own, "Men W2", day=1, completes=20, goal=100)
    wave(earlier, "Women W1", day=40, completes=60, goal=100)
    wave(earlier, "Men W1", day=40, completes=60, goal=100)
    rows = groups_of([own.pk, earlier.pk])
    pairs = compare_groups(rows[own.pk], rows[earlier.pk], now=NOW)
    verdict = wave_verdict(pairs)
    assert verdict is not None
    assert verdict.note == "Groups are 1 to 4 days in field, each at its own age."
    # The curves end with the shares that the sentence has.
    curves = wave_curves(pairs)
    assert curves.now.points[-1].percent == pytest.approx(35.0)
    assert f"previous wave {curves.then.points[-1].percent:.0f} %" in verdict.sentence
    assert curves.whole.points[-1].percent == pytest.approx(60.0)


def test_countries_are_ranked_by_points_and_have_their_completes() -> None:
    account = factories.account()
    own, earlier = factories.project(account), factories.project(account)
    for country, now, then in (("us", 90, 50), ("de", 30, 50), ("fr", 50, 50)):
        wave(own, "Women W2", day=4, completes=now, goal=100, country_code=country)
        wave(earlier, "Women W1", day=40, completes=then, goal=200, country_code=country)
    rows = groups_of([own.pk, earlier.pk])
    countries = country_rows(compare_groups(rows[own.pk], rows[earlier.pk], now=NOW))
    assert [(row.country, row.then, row.now, row.progress.points_text) for row in countries] == [
        ("Germany", "25 %", "30 %", "+5 points"),
        ("France", "25 %", "50 %", "+25 points"),
        ("United States", "25 %", "90 %", "+65 points"),
    ]
    assert countries[0].completes_then == "50 of 200 completes"


def test_both_curves_are_percent_of_the_goal_by_day_in_field() -> None:
    pairs = compared(("Women", (50, 100), (110, 200)))
    now, then, whole = wave_curves(pairs)
    assert [(round(point.day, 2), point.percent) for point in (now.points[0], now.points[-1])] == [
        (0.0, 0.0),
        (4.0, 50.0),
    ]
    assert then.points[-1].percent == pytest.approx(55.0)
    figure = charts.wave_figure(now, then, whole, palette=charts.PALETTES["light"])
    assert [trace["name"] for trace in figure["data"]] == [
        "Previous wave to its end",
        "Previous wave",
        "This wave",
    ]
    assert figure["data"][2]["customdata"][-1] == "50 of 100 completes"
    assert figure["layout"]["xaxis"]["type"] == "linear"
    labels = [note["text"] for note in figure["layout"]["annotations"]]
    assert labels == ["Goal", "This wave 50 %", "Previous wave 55 %"]


def test_without_a_match_the_chart_is_empty() -> None:
    figure = charts.wave_figure(*wave_curves([]), palette=charts.PALETTES["dark"])
    assert figure["data"] == []


def test_a_count_before_the_first_point_is_zero() -> None:
    points = [(NOW, 5), (NOW + DAY, 9)]
    moments = (NOW - DAY, NOW, NOW + DAY / 2, NOW + 3 * DAY)
    assert [count_at(points, at) for at in moments] == [0, 5, 5, 9]


def test_the_page_starts_with_the_verdict_and_its_chart_is_of_the_chosen_wave(
    client: Client,
) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    own, earlier = factories.project(account), factories.project(account)
    start = timezone.now() - 4 * DAY
    for project, begins in ((own, start), (earlier, start - 40 * DAY)):
        stored = factories.group(
            project, name="Women", starts_at=begins, ends_at=begins + 9 * DAY, completes=50
        )
        until = begins.replace(minute=0, second=0, microsecond=0) + 3 * DAY
        factories.completes(stored, until=until, counts=[40] * 70)
    html = client.get(f"/projects/{own.pk}/compare/").content.decode()
    assert "At day 4, 25 % of the goal, previous wave 20 %: 5 points ahead." in html
    address = f"/projects/{own.pk}/compare/chart.json?with={earlier.pk}"
    assert address in html
    assert len(client.get(address).json()["data"]) == 3
    stranger = factories.person("viewer", factories.account())
    client.force_login(stranger)
    assert client.get(address).status_code == 404
