"""What the pull stores with a group: each part, whatever the group is like."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.insight import compute
from dashboard.fielding.insight.group_history import JustRead, load_histories
from dashboard.fielding.models import Change, GroupPanels, TargetGroup
from tests import factories

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BANDS = {"ahead", "on track", "behind", "far behind", "too early to tell", "soft launch"}


def group(
    daily: float = 24, days: int = 7, *, until: datetime = factories.NOW, **fields: Any
) -> Any:
    """A group that has brought so many completes a day, evenly, up to a moment."""
    counts = (np.arange(1, days * 24 + 1) * daily / 24).astype(int).tolist()
    made = factories.group(
        factories.project(factories.account()),
        **({"completes": counts[-1] if counts else 0} | fields),
    )
    factories.completes(made, until=until, counts=counts)
    return made


def refreshed(made: TargetGroup, now: datetime = factories.NOW) -> dict[str, Any]:
    compute.refresh_insights([made], fresh=JustRead(), now=now)
    json.dumps(made.insight)  # what cannot be stored fails here
    insight: dict[str, Any] = made.insight
    return insight


def status(made: TargetGroup, new: str, at: datetime) -> None:
    Change.objects.create(
        account=made.account,
        group=made,
        kind="status_change",
        new=new,
        batch_id=str(at),
        occurred_at=at,
        seen_at=at,
    )


def test_a_running_group_has_every_part() -> None:
    found = refreshed(group())
    parts = {"spark", "today", "trail", "forecast", "cost", "pace", "rhythm", "warnings", "causes"}
    assert parts <= set(found)
    assert found["forecast"]["confidence"] in ("medium", "high")
    assert found["pace"]["band"] in BANDS


def test_the_rhythm_of_the_stalled_rule_is_the_week_of_the_pace() -> None:
    rhythm = refreshed(group(daily=48))["rhythm"]
    assert rhythm["rate"] == pytest.approx(2, rel=0.1)
    assert np.mean(rhythm["hours"]) == pytest.approx(1, abs=0.01)
    assert np.mean(rhythm["days"]) == pytest.approx(1, abs=0.01)


EDGES: dict[str, dict[str, Any]] = {
    "no data": {"daily": 0, "days": 0, "completes": 0},
    "one point": {"days": 0, "completes": 0, "first": True},
    "goal reached": {"daily": 40},
    "goal lowered below completes": {"daily": 24, "filling_goal": 50, "completes_goal": 50},
    "counts falling": {"daily": 24, "completes": 150},
    "end before now": {"ends_at": factories.NOW - DAY},
    "end before start": {"ends_at": factories.NOW - 30 * DAY},
    "no end": {"ends_at": None},
    "no start": {"starts_at": None},
    "no goal": {"filling_goal": None, "completes_goal": None},
    "prescreens": {"filling_strategy": "prescreens", "filling_goal": 900},
    "nothing told": {
        "completes": None,
        "prescreens": None,
        "entrants": None,
        "cpi": None,
        "epc": None,
        "currency": "",
        "country_code": "",
        "drop_off_rate": None,
        "incidence_rate": None,
    },
    "draft": {"status": "draft"},
    "completed": {"status": "completed"},
    "unheard of": {"status": "in_review"},
}


@pytest.mark.parametrize("edge", EDGES)
def test_an_odd_group_is_told_without_an_error(edge: str) -> None:
    fields = dict(EDGES[edge])
    first = fields.pop("first", False)
    made = group(**fields)
    if first:
        factories.completes(made, counts=[0])
    found = refreshed(made)
    at_end = found.get("forecast", {}).get("at_end", [0, 0, 0])
    assert at_end == sorted(at_end)


def test_fewer_than_five_completes_never_give_a_date_that_sounds_sure() -> None:
    for days, daily in ((0, 0), (3, 0), (3, 1)):
        forecast = refreshed(group(daily=daily, days=days))["forecast"]
        assert forecast["confidence"] in ("none", "low")
        assert forecast["finish"] == [None] * 3 or "completes so far" in forecast["note"]


def test_a_week_paused_is_taken_out_of_pace_and_forecast() -> None:
    made = group(
        days=7, until=factories.NOW - 7 * DAY, starts_at=factories.NOW - 14 * DAY, filling_goal=500
    )
    status(made, "paused", factories.NOW - 7 * DAY)
    status(made, "live", factories.NOW - HOUR)
    found = refreshed(made)
    assert found["forecast"]["at_end"][1] == pytest.approx(168 + 7 * 24, rel=0.2)
    assert found["pace"]["required"] == pytest.approx(500 / 2, rel=0.2)


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, 12, tzinfo=UTC), factories.NOW - 26 * DAY])
def test_a_day_of_23_or_25_hours_is_a_day(day: datetime) -> None:
    made = group(
        until=day, country_code="de", starts_at=day - 7 * DAY, ends_at=day + 7 * DAY, daily=48
    )
    found = refreshed(made, now=day)
    assert found["forecast"]["at_end"][1] == pytest.approx(14 * 48, rel=0.15)


def test_a_soft_launch_asks_for_its_share_and_warns_of_its_end() -> None:
    made = group()
    for kind, new in (
        ("soft_launch_assisted_change", True),
        ("soft_launch_end_date_change", (factories.NOW + 2 * HOUR).isoformat()),
        ("soft_launch_filling_goal_percentage_change", 10),
    ):
        Change.objects.create(
            account=made.account,
            group=made,
            kind=kind,
            new=new,
            batch_id=kind,
            occurred_at=factories.NOW - DAY,
            seen_at=factories.NOW,
        )
    found = refreshed(made)
    assert found["pace"]["required"] == pytest.approx(20, rel=0.1)
    assert found["warnings"]["past_soft_launch_end_date"] > 0.6


def test_full_quotas_are_a_cause() -> None:
    made = group()
    targets = [{"goal": 10, "completes": done} for done in (10, 11, 4)]
    GroupPanels.objects.create(group=made, profiles=[{"quotas": True, "targets": targets}])
    seen = [cause["observed"] for cause in refreshed(made)["causes"]]
    assert "67 % of the quotas are full" in seen


def test_the_final_cost_is_held_against_the_budget() -> None:
    made = group(budget=Decimal(300))
    cost = refreshed(made)["cost"]
    assert Decimal(cost["p10"]) <= Decimal(cost["p50"]) <= Decimal(cost["p90"])
    assert cost["standing"] == "will exceed"


def test_the_usual_epc_of_another_currency_is_its_own_median() -> None:
    made = group(currency="EUR", epc=Decimal("0.30"), cpi=Decimal(3))
    for days in range(5):
        refreshed(made, now=factories.NOW + days * DAY)
    made.epc, made.cpi = Decimal("0.10"), Decimal(6)
    found = refreshed(made, now=factories.NOW + 5 * DAY)
    assert Decimal(found["epc"]["median"]) == Decimal("0.6")


def test_a_refresh_that_finds_the_same_changes_nothing() -> None:
    made = group()
    before = refreshed(made)
    assert refreshed(made) is before


def test_the_queries_do_not_grow_with_the_groups(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    project = factories.project(factories.account())
    many = [factories.group(project) for _ in range(6)]
    with django_assert_num_queries(4):
        compute.refresh_insights(many, fresh=JustRead(), now=factories.NOW)


@pytest.mark.parametrize(
    ("strategy", "counted"), [("completes", "completes"), ("prescreens", "prescreens")]
)
def test_a_goal_that_is_reached_is_told_at_once_by_what_the_strategy_counts(
    strategy: str, counted: str
) -> None:
    limits: dict[str, Any] = {
        "filling_strategy": strategy,
        "filling_goal": 200,
        "completes_goal": 200,
    }
    made = group(completes=150, prescreens=150, **limits)
    refreshed(made)
    was = {field.name: getattr(made, field.name) for field in made._meta.concrete_fields}
    setattr(made, counted, 199)
    assert not compute.is_due(made, was, now=factories.NOW)
    setattr(made, counted, 200)
    assert compute.is_due(made, was, now=factories.NOW)


def test_the_forecast_is_told_of_the_changes_of_the_price() -> None:
    def asked(pk: int) -> Any:
        (told,) = load_histories(
            [TargetGroup.objects.get(pk=pk)], fresh=JustRead(), now=factories.NOW
        )
        return told.forecast_input().rate_changes

    made, at = group(), factories.NOW - 2 * DAY
    assert list(asked(made.pk)) == []
    Change.objects.create(
        account=made.account,
        group=made,
        kind="cpi_change",
        batch_id="1",
        occurred_at=at,
        seen_at=at,
        old={"value": "1.00"},
        new={"value": "1.50"},
    )
    assert list(asked(made.pk)) == [at]
