"""The stored insight: what is written reads back, and what is of another form reads as missing."""

from __future__ import annotations

import json
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.insight.document import (
    EndPercentiles,
    FinishPercentiles,
    Insight,
    StoredCause,
    StoredCost,
    StoredEpc,
    StoredForecast,
    StoredPace,
    StoredRhythm,
    store_completes_today,
    store_insight,
)
from dashboard.fielding.models import TargetGroup
from tests import factories

DATES = ("2026-11-21T03:00:00+00:00", "2026-11-22T03:00:00+00:00", None)
# As the pull stored it before there was a struct; each member as its own reader took it apart.
STORED: dict[str, Any] = {
    "at": "2026-11-20T12:00:00+00:00",
    "spark": [0] * 27 + [4],
    "today": 3,
    "trail": [[1763640000, 10, 30, None, 12, 14, 33.5, 0.11, None]],
    "epc": {"median": "0.20"},
    "forecast": {
        "finish": list(DATES),
        "at_end": [150.0, 170.5, 190.0],
        "chance": 0.0,
        "confidence": "medium",
        "note": "",
    },
    "cost": {
        "p10": "410.00",
        "p50": "450.00",
        "p90": "500.00",
        "standing": "no budget",
        "note": "cost so far by Cint",
    },
    "pace": {"band": "behind", "reason": "few", "actual": 100.0, "required": 120.5},
    "rhythm": {"rate": 1.5, "hours": [1.0] * 24, "days": [1.0] * 7},
    "warnings": {"low_epc": 0.35},
    "causes": [{"sentence": "a", "observed": "b", "expected": "", "advice": "d"}],
}
INSIGHT = Insight(
    at=STORED["at"],
    spark=STORED["spark"],
    today=3,
    trail=STORED["trail"],
    epc=StoredEpc(median=Decimal("0.20")),
    forecast=StoredForecast(
        finish=FinishPercentiles(*DATES),
        at_end=EndPercentiles(150.0, 170.5, 190.0),
        chance=0.0,
        confidence="medium",
        note="",
    ),
    cost=StoredCost(
        p10=Decimal("410.00"),
        p50=Decimal("450.00"),
        p90=Decimal("500.00"),
        standing="no budget",
        note="cost so far by Cint",
    ),
    pace=StoredPace(band="behind", reason="few", actual=100.0, required=120.5),
    rhythm=StoredRhythm(rate=1.5, hours=[1.0] * 24, days=[1.0] * 7),
    warnings={"low_epc": 0.35},
    causes=[StoredCause(sentence="a", observed="b", advice="d")],
)


def test_what_is_stored_reads_and_what_is_read_is_stored_the_same() -> None:
    assert Insight.from_stored(STORED) == INSIGHT
    assert INSIGHT.as_document() == STORED
    assert json.loads(json.dumps(INSIGHT.as_document())) == STORED


def test_a_part_that_is_missing_is_not_stored_but_for_today() -> None:
    assert Insight().as_document() == {"today": None}
    assert Insight.from_stored({"today": None}) == Insight()
    assert Insight(warnings={}).as_document() == {"today": None, "warnings": {}}


@pytest.mark.parametrize("stored", [None, [], "text", 7, {}, {"a_member_to_come": [1]}])
def test_what_is_no_insight_reads_as_one_without_any_part(stored: object) -> None:
    insight = Insight.from_stored(stored)
    assert insight == Insight()
    assert insight.completes_at_end is None
    assert insight.finish_dates == (None, None, None)
    assert insight.worked_out_at is None


@pytest.mark.parametrize(
    ("member", "stored", "expected"),
    [
        ("spark", [None, 1], None),
        ("today", "x", None),
        ("trail", {"at": 1}, None),
        ("epc", "0.20", None),
        ("epc", {"median": "junk"}, StoredEpc()),
        ("forecast", [1], None),
        ("forecast", {"at_end": [1], "chance": 0.5}, StoredForecast(chance=0.5)),
        ("forecast", {"at_end": [1, 2, 3, 4], "note": "n"}, StoredForecast(note="n")),
        ("forecast", {"finish": [None, 5, None], "note": "n"}, StoredForecast(note="n")),
        ("cost", {"p10": "x", "p50": "12.50"}, StoredCost(p50=Decimal("12.50"))),
        ("cost", {"p50": 12.5, "p90": []}, StoredCost(p50=Decimal("12.5"))),
        ("pace", {"band": "ahead", "actual": "3"}, StoredPace(band="ahead")),
        ("rhythm", {"rate": 1, "hours": [1.0] * 23}, StoredRhythm(rate=1.0)),
        ("warnings", {"low_epc": "high"}, None),
        ("causes", [7, {"sentence": "s", "advice": None}], [StoredCause(sentence="s")]),
    ],
)
def test_a_part_of_another_form_reads_as_missing_and_leaves_the_others(
    member: str, stored: object, expected: object
) -> None:
    insight = Insight.from_stored(STORED | {member: stored})
    assert getattr(insight, member) == expected
    for other in set(STORED) - {member}:
        assert getattr(insight, other) == getattr(INSIGHT, other)


def test_a_part_of_its_own_reads_from_a_key_in_sql() -> None:
    assert StoredPace.from_stored(STORED["pace"]) == INSIGHT.pace
    assert StoredPace.from_stored(None) == StoredPace()
    assert StoredCost.from_stored({"p50": "12.50"}).p50 == Decimal("12.50")


def test_dates_are_read_and_what_is_no_date_is_missing() -> None:
    early, middle, late = INSIGHT.finish_dates
    assert (early, late) == (datetime(2026, 11, 21, 3, tzinfo=UTC), None)
    assert middle == datetime(2026, 11, 22, 3, tzinfo=UTC)
    junk = Insight(at="soon", forecast=StoredForecast(finish=FinishPercentiles("x", None, "y")))
    assert (junk.worked_out_at, junk.finish_dates) == (None, (None, None, None))


def test_a_group_is_read_once_and_anew_when_its_column_is_another() -> None:
    group = TargetGroup(insight=dict(STORED))
    assert Insight.of(group) is Insight.of(group)
    twin = copy(group)
    twin.insight = {"today": 9}
    assert Insight.of(twin).today == 9
    assert Insight.of(group) == INSIGHT


def test_parts_of_a_newer_insight_take_the_place_of_the_same_ones() -> None:
    newer = Insight(forecast=StoredForecast(chance=0.9), warnings={})
    merged = INSIGHT.with_parts_of(newer)
    assert (merged.forecast, merged.warnings) == (newer.forecast, {})
    assert (merged.rhythm, merged.cost) == (INSIGHT.rhythm, INSIGHT.cost)


def test_an_insight_is_dated_when_it_says_something_else() -> None:
    group, later = TargetGroup(insight=STORED), factories.NOW + timedelta(hours=1)
    store_insight(group, INSIGHT, now=later)
    assert group.insight is STORED
    store_insight(group, INSIGHT.with_parts_of(Insight(today=4)), now=later)
    assert group.insight == STORED | {"today": 4, "at": later.isoformat(timespec="seconds")}
    odd = TargetGroup(insight=[])
    store_insight(odd, Insight(), now=later)
    assert odd.insight == {"today": None, "at": later.isoformat(timespec="seconds")}


def test_a_count_of_today_leaves_the_rest_as_it_is() -> None:
    group = TargetGroup(insight=STORED | {"a_member_to_come": 1})
    store_completes_today(group, 8)
    assert group.insight == STORED | {"a_member_to_come": 1, "today": 8}
