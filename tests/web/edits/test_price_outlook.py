"""The figures of the CPI panel: what a price brings and costs, today and at another price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.fielding.figures.goal_cost import COST_BY_END_DATE, COST_IF_GOAL_REACHED
from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.edits.price.outlook import outlook_at
from dashboard.web.edits.price.table import (
    NOT_KNOWN,
    RESPONSE_UNKNOWN,
    OutlookRow,
    OutlookTable,
    outlook_table,
)
from tests.factories import NOW

INSIGHT = {
    "forecast": {"at_end": [150.0, 160.0, 175.0], "chance": 0.12, "note": "high confidence"},
    "cost": {"p10": "420.00", "p50": "450.00", "p90": "495.00"},
}


def group(**fields: Any) -> TargetGroup:
    """A live group with 100 of 200 completes at 3.00 USD, 100 hours before its end date."""
    given = {
        "project": Project(read_at=NOW),
        "status": "live",
        "currency": "USD",
        "country_code": "de",
        "cpi": Decimal("3.00"),
        "cost": Decimal(270),
        "epc": Decimal("0.30"),
        "completes": 100,
        "prescreens": 300,
        "filling_goal": 200,
        "completes_goal": 200,
        "filling_strategy": "completes",
        "starts_at": NOW - timedelta(days=7),
        "ends_at": NOW + timedelta(hours=100),
        "insight": INSIGHT,
    }
    return TargetGroup(**(given | fields))


def table(of: TargetGroup, new: str | None = None) -> OutlookTable:
    return outlook_table(of, of.cpi or Decimal(3), Decimal(new) if new else None, now=NOW)


def row(shown: OutlookTable, label: str) -> OutlookRow:
    return next(row for row in shown.rows if row.label.startswith(label))


def test_today_shows_the_stored_forecast_cost_and_chance() -> None:
    today = outlook_at(group(), Decimal("3.00"), now=NOW)
    assert today.response is not None
    assert today.response.rates is not None
    assert today.response.rates.projected == pytest.approx(0.6)
    assert today.needed_an_hour == pytest.approx(1.0)
    assert today.response.at_end.p50 == 160
    assert today.response.chance == 0.12
    assert today.cost_by_end == Decimal("450.00")
    assert today.at_goal is not None
    assert today.at_goal.total == 570
    assert today.epc == Decimal("0.30")


def test_another_price_costs_more_and_what_it_brings_is_not_known() -> None:
    new = outlook_at(group(), Decimal("3.80"), now=NOW)
    assert new.response is None
    assert new.needed_an_hour == pytest.approx(1.0)
    assert new.cost_by_end == Decimal("450.00") + 60 * Decimal("0.80")
    assert new.at_goal is not None
    assert new.at_goal.total == 270 + 100 * Decimal("3.80")
    assert new.epc == Decimal("0.38")


def test_the_table_says_so_row_by_row() -> None:
    shown = table(group(), "3.80")
    assert shown.new == "3.80 USD"
    assert shown.note == RESPONSE_UNKNOWN
    assert [(row.label, row.today, row.new, row.new_note) for row in shown.rows] == [
        ("Completes an hour (1 needed)", "0.6", NOT_KNOWN, ""),
        ("Completes by Tue 24 Nov (goal 200)", "160", NOT_KNOWN, ""),
        (COST_BY_END_DATE, "450 USD", "498 USD", "+48"),
        (COST_IF_GOAL_REACHED, "570 USD", "650 USD", "+80"),
        ("EPC", "0.30 USD", "0.38 USD", "at today's conversion"),
        ("Chance", "12 %", NOT_KNOWN, ""),
    ]


def test_nothing_stands_under_new_before_a_price_is_entered() -> None:
    shown = table(group())
    assert (shown.new, shown.note) == ("", "")
    assert {row.new for row in shown.rows} == {"—"}


def test_the_same_price_again_brings_what_today_brings() -> None:
    shown = table(group(), "3.00")
    assert all(row.today == row.new for row in shown.rows)
    assert shown.note == ""


def test_a_budget_that_is_exceeded_is_named_at_both_costs() -> None:
    shown = table(group(budget=Decimal(490)), "3.80")
    assert row(shown, COST_BY_END_DATE).new_note == "+48 · 8 USD over budget"
    assert row(shown, COST_IF_GOAL_REACHED).new_note == "+80 · 160 USD over budget"
    assert row(shown, COST_IF_GOAL_REACHED).is_warning
    assert not row(table(group(budget=Decimal(700)), "3.80"), COST_BY_END_DATE).is_warning


def test_yen_have_no_decimals() -> None:
    yen = group(
        currency="JPY",
        cpi=Decimal(300),
        cost=Decimal(27000),
        epc=Decimal(30),
        insight=INSIGHT | {"cost": {"p50": "45000"}},
    )
    shown = table(yen, "330")
    assert shown.new == "330 JPY"
    assert row(shown, COST_BY_END_DATE).new == "46,800 JPY"
    assert row(shown, COST_IF_GOAL_REACHED).new == "60,000 JPY"
    assert row(shown, "EPC").new == "33 JPY"


def test_without_a_cost_to_date_the_table_shows_what_is_still_to_spend() -> None:
    still = row(table(group(cost=None), "3.80"), "Still to spend if the goal is reached")
    assert (still.today, still.new) == ("300 USD", "380 USD")


def test_a_group_that_was_never_projected_has_costs_at_its_goal_alone() -> None:
    shown = table(group(insight={}), "3.80")
    assert row(shown, COST_BY_END_DATE).new == "—"
    assert row(shown, COST_IF_GOAL_REACHED).new == "650 USD"
    assert row(shown, "Chance").today == NOT_KNOWN
    assert shown.note == ""


def test_an_unknown_epc_is_not_made_up() -> None:
    assert row(table(group(epc=None), "3.80"), "EPC").new == NOT_KNOWN


def test_a_soft_launch_says_why_there_is_no_forecast() -> None:
    soft = {"share": 0.6, "ends_at": (NOW + timedelta(days=1)).isoformat(), "is_on": True}
    shown = table(group(insight={"soft_launch": soft}), "3.80")
    assert shown.note.endswith("There is no forecast before the full launch.")


def test_a_price_that_someone_changed_since_the_last_update_is_no_forecast() -> None:
    shown = outlook_table(group(), Decimal("3.50"), None, now=NOW)
    assert row(shown, "Completes an hour").today == NOT_KNOWN
    assert row(shown, COST_BY_END_DATE).today == "480 USD"


def test_a_group_at_its_goal_pays_for_nothing_more() -> None:
    full = group(completes=200, insight=INSIGHT | {"forecast": {"at_end": [200.0, 210.0, 230.0]}})
    assert outlook_at(full, Decimal("9.00"), now=NOW).cost_by_end == Decimal("450.00")


@given(st.decimals("0.01", "100", places=2), st.decimals("0.01", "100", places=2))
def test_a_higher_price_never_costs_less(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    cheap, dear = (outlook_at(group(), price, now=NOW) for price in (low, high))
    assert cheap.cost_by_end is not None
    assert dear.cost_by_end is not None
    assert cheap.cost_by_end <= dear.cost_by_end
    assert cheap.at_goal is not None
    assert dear.at_goal is not None
    assert cheap.at_goal.to_come <= dear.at_goal.to_come
