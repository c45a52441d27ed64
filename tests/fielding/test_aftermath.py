"""What each change of a group was followed by, from the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.effects.of_changes import ChangeEffect, GroupRecords, effects_of_changes
from dashboard.fielding.models import Change, CompletesDay, Edit, Reading, TargetGroup
from dashboard.fielding.series.pace import Pacing, SoftLaunch
from tests import factories

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AT = factories.NOW - 5 * DAY


def fielded(before: float = 60, after: float = 60, **fields: Any) -> TargetGroup:
    """A group with twelve days of completes at one daily rate up to five days ago, then another."""
    group = factories.group(factories.project(factories.account()), **fields)
    hours = np.arange(12 * 24)
    rate = np.where(hours < 7 * 24, before, after) / 24
    counts = np.cumsum(np.random.default_rng(3).poisson(rate))
    factories.completes(group, counts=counts.tolist())
    return group


def changed(group: TargetGroup, kind: str, old: Any, new: Any, **fields: Any) -> Change:
    given = {
        "batch_id": f"{kind}{Change.objects.count()}",
        "occurred_at": AT,
        "seen_at": factories.NOW,
    }
    return Change.objects.create(
        account=group.account, group=group, kind=kind, old=old, new=new, **(given | fields)
    )


def effects_of(group: TargetGroup, **assistant: Any) -> list[ChangeEffect]:
    """The effects of the rows that the tables hold of a group."""
    records = GroupRecords(
        list(Change.objects.filter(group=group)),
        list(Edit.objects.filter(group=group)),
        CompletesDay.objects.filter(group=group).values_list("day", "hours", "odd"),
        list(
            Reading.objects.filter(group=group)
            .order_by("at")
            .values_list("at", "entrants", "prescreens")
        ),
        **assistant,
    )
    return effects_of_changes(group, records, now=factories.NOW)


def price(value: str) -> dict[str, str]:
    return {"value": value, "currency_code": "USD"}


def test_a_raise_is_told_with_its_interval() -> None:
    group = fielded(before=40, after=90)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    (found,) = effects_of(group)
    assert (found.what, found.at, found.verdict) == ("CPI", AT, "raised")
    assert found.sentence.startswith("More completes: ")
    assert "(95 % interval " in found.sentence
    assert found.epc is None
    assert "not compared" in found.epc_note
    assert found.before[1] == found.after[0] == AT


def test_without_readings_it_is_too_early() -> None:
    group = factories.group(factories.project(factories.account()))
    changed(group, "filling_goal_change", 200, 300)
    (found,) = effects_of(group)
    assert found.verdict == "too early"
    assert found.sentence.startswith("Too early: ")


def test_nothing_was_changed_and_nothing_is_told() -> None:
    assert effects_of(fielded()) == []


def test_what_is_still_to_come_is_not_told() -> None:
    group = fielded()
    changed(group, "filling_goal_change", 200, 300, occurred_at=factories.NOW + HOUR)
    assert effects_of(group) == []


def test_changes_near_to_each_other_are_named() -> None:
    group = fielded(before=40, after=90)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    changed(group, "filling_goal_change", 200, 300, occurred_at=AT + 2 * HOUR)
    goal, cpi = effects_of(group)
    assert goal.overlaps == ("CPI 2.10 USD → 2.90 USD",)
    assert cpi.overlaps == ("Goal 200 → 300",)
    assert goal.epc is None
    assert (goal.verdict, goal.label) == (cpi.verdict, cpi.label) == ("cannot tell", "Cannot tell")
    assert cpi.sentence == (
        "Cannot tell: Something else happened within a day of this change: Goal 200 → 300."
    )


def test_the_end_of_a_soft_launch_and_its_pause_are_no_effect_of_an_edit() -> None:
    group = fielded(before=15, after=90)
    changed(group, "status_change", "scheduled", "live", occurred_at=AT - 7 * DAY)
    changed(group, "soft_launch_assisted_change", True, False, occurred_at=AT - 12 * HOUR)
    changed(group, "soft_launch_end_date_change", "x", None, occurred_at=AT - 12 * HOUR)
    changed(group, "status_change", "live", "paused", occurred_at=AT - 12 * HOUR)
    changed(group, "status_change", "paused", "live", occurred_at=AT - HOUR)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    cpi, resumed = effects_of(group)
    assert cpi.verdict == resumed.verdict == "cannot tell"
    assert cpi.overlaps == ("Resumed paused → live", "Soft launch ended")
    assert "Soft launch ended" in resumed.overlaps


def test_a_soft_launch_that_ended_by_its_date_is_named() -> None:
    group = fielded(before=15, after=90)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    (effect,) = effects_of(group, soft_launch=SoftLaunch(AT - HOUR, 0.1))
    assert effect.overlaps == ("Soft launch ended",)


@pytest.mark.parametrize(
    ("every", "overlaps"), [(12 * HOUR, ()), (DAY, ()), (3 * DAY, ("Pacing step",))]
)
def test_a_step_of_slow_pacing_within_a_day_is_named(
    every: timedelta, overlaps: tuple[str, ...]
) -> None:
    group = fielded(starts_at=AT - 6 * DAY - 5 * HOUR)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    (effect,) = effects_of(group, pacing=Pacing("linear", every))
    assert effect.overlaps == overlaps


def test_what_a_draft_was_set_to_before_the_launch_is_no_overlap() -> None:
    group = fielded(starts_at=AT - 2 * HOUR)
    changed(group, "pacing_assistance_change", None, "linear", occurred_at=AT - 3 * HOUR)
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    (effect,) = effects_of(group)
    assert effect.overlaps == ()


def test_an_edit_of_the_assistant_counts_once_beside_its_changelog() -> None:
    group = fielded()
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    at = AT + HOUR
    for kind in ("pacing_assistance_change", "pacing_linear_increment_interval_change"):
        changed(group, kind, None, "linear", occurred_at=at)
    Edit.objects.create(
        account=group.account,
        group=group,
        kind="assistant",
        token="a",
        wanted={},
        started_at=at - timedelta(minutes=1),
        state=Edit.State.CONFIRMED,
    )
    (effect,) = effects_of(group)
    assert effect.overlaps == ("Pacing changed",)


def test_a_fall_beside_full_quotas_is_not_the_changes() -> None:
    group = fielded(before=90, after=20)
    changed(group, "cpi_change", price("2.90"), price("2.10"))
    targets = [{"goal": 50, "completes": 50}, {"goal": 50, "completes": 30}, {"goal": None}]
    profiles = [{"id": "1", "quotas": True, "targets": targets}]
    (effect,) = effects_of(group, profiles=profiles)
    assert effect.sentence == (
        "Cannot tell: 1 of 2 quota cells is full, which lowers the rate on its own."
    )
    off = [{"id": "1", "quotas": False, "targets": targets}]
    (effect,) = effects_of(group, profiles=off)
    assert effect.label == "Fewer completes"


def test_the_sentence_names_what_was_corrected() -> None:
    group = factories.group(factories.project(factories.account()))
    rate = 6 * np.exp(-np.arange(12 * 24) / 24 / 6)
    counts = np.cumsum(np.random.default_rng(3).poisson(rate))
    factories.completes(group, counts=counts.tolist())
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    (effect,) = effects_of(group)
    assert " after allowing for the field's own decline of " in effect.sentence
    assert effect.completes_an_hour.reason in effect.sentence


def test_a_price_that_is_told_under_two_kinds_is_one_change() -> None:
    group = fielded()
    for kind in ("cpi_change", "user_requested_cpi_change"):
        changed(group, kind, price("2.10"), price("2.90"))
    assert len(effects_of(group)) == 1


def test_an_edit_counts_once_with_or_without_the_changelog() -> None:
    group = fielded()
    changed(group, "cpi_change", price("2.10"), price("2.90"))
    for kind, at in (("cpi", AT - timedelta(minutes=1)), ("re_entry", AT + DAY)):
        Edit.objects.create(
            account=group.account,
            group=group,
            kind=kind,
            token=kind,
            wanted={},
            started_at=at,
            state=Edit.State.CONFIRMED,
        )
    assert [one.what for one in effects_of(group)] == ["Re-entry", "CPI"]


def test_an_edit_that_was_refused_has_no_effect() -> None:
    group = fielded()
    Edit.objects.create(
        account=group.account,
        group=group,
        kind="cpi",
        token="t",
        wanted="3",
        started_at=AT,
        state=Edit.State.REJECTED,
    )
    assert effects_of(group) == []


def test_a_resume_is_measured_and_neither_a_pause_nor_the_launch() -> None:
    group = fielded()
    changed(group, "status_change", "scheduled", "live", occurred_at=AT - 6 * DAY)
    changed(group, "status_change", "live", "paused", occurred_at=AT - DAY)
    changed(group, "status_change", "paused", "live")
    (found,) = effects_of(group)
    assert found.what == "Resumed"
    assert found.before[1] == AT - DAY  # the time paused is no time before


def test_conversion_comes_from_the_readings() -> None:
    group = fielded()
    changed(group, "filling_strategy_change", "completes", "automated")
    for hours in range(0, 12 * 24, 6):
        Reading.objects.create(
            group=group,
            at=factories.NOW - 12 * DAY + hours * HOUR,
            status="live",
            prescreens=20 * hours,
            entrants=60 * hours,
        )
    (found,) = effects_of(group)
    assert found.conversion.before == pytest.approx(60 / 24 / 20, rel=0.2)
    assert found.completes_per_entrant.after == pytest.approx(60 / 24 / 60, rel=0.2)
    assert found.epc is not None


def test_the_newest_twenty_are_told() -> None:
    group = fielded()
    for back in range(25):
        changed(group, "filling_goal_change", back, back + 1, occurred_at=AT - back * HOUR)
    assert len(effects_of(group)) == 20
