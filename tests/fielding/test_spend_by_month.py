"""What a group cost in which month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from dashboard.fielding.figures.spend_by_month import MonthSpend, PriceStep, split_by_month
from dashboard.fielding.series.readings import Readings

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def series(*points: tuple[datetime, int]) -> Readings:
    return Readings(
        np.array([at.timestamp() for at, _ in points]), np.array([float(n) for _, n in points])
    )


FIELD = series(
    (OCTOBER + 24 * HOUR, 0),
    (NOVEMBER - 24 * HOUR, 2880),
    (NOVEMBER, 2880),
    (NOVEMBER + 24 * HOUR, 2980),
    (NOW, 3880),
)
STEPS = [PriceStep(OCTOBER, Decimal("1.00")), PriceStep(NOVEMBER, Decimal("3.00"))]


def split(
    points: Readings = FIELD,
    prices: list[PriceStep] = STEPS,
    cost: str = "5880",
    final_before: str = "",
) -> dict[str, MonthSpend]:
    return split_by_month(
        points,
        prices,
        completes=3880,
        cost=Decimal(cost),
        began=OCTOBER,
        now=NOW,
        final_before=final_before,
    )


def test_a_month_costs_its_completes_at_the_price_of_their_hours() -> None:
    assert split() == {
        "2026-10": MonthSpend(2880, Decimal("2880.00")),
        "2026-11": MonthSpend(1000, Decimal("3000.00")),
    }


def test_a_reconciled_month_keeps_its_cost_while_the_next_one_moves() -> None:
    seen = split(cost="6000", final_before="2026-11")
    assert seen["2026-10"].cost == 2880
    assert seen["2026-11"].cost == 3120


@pytest.mark.parametrize("cost", ["5880", "6000", "5000.333333", "1", "0"])
@pytest.mark.parametrize("final_before", ["", "2026-11", "2026-12"])
def test_the_parts_add_up_to_the_cost(cost: str, final_before: str) -> None:
    seen = split(cost=cost, final_before=final_before)
    assert sum(part.cost for part in seen.values()) == Decimal(cost)
    assert sum(part.completes for part in seen.values()) == 3880


def test_a_gap_at_the_end_of_a_month_is_shared_by_both() -> None:
    gap = series((NOVEMBER - 30 * HOUR, 1000), (NOVEMBER + 10 * HOUR, 3000), (NOW, 3880))
    assert split(gap)["2026-10"].completes == 2500


def test_a_price_step_inside_a_month_counts_from_its_hour() -> None:
    steps = [PriceStep(OCTOBER, Decimal(1)), PriceStep(NOVEMBER + 24 * HOUR, Decimal(2))]
    seen = split(prices=steps, cost="4780")
    assert seen["2026-11"].cost == 100 + 900 * 2


def test_without_price_steps_every_complete_costs_the_average() -> None:
    seen = split(prices=[], cost="3880")
    assert [part.cost for part in seen.values()] == [2880, 1000]


def test_without_a_beginning_nothing_says_which_month() -> None:
    seen = split_by_month(FIELD, STEPS, completes=5, cost=Decimal(9), began=None, now=NOW)
    assert seen == {"": MonthSpend(5, Decimal(9))}


def test_without_a_series_all_completes_are_in_the_newest_month() -> None:
    empty = Readings(np.array([]), np.array([]))
    assert split(empty, cost="100") == {"2026-11": MonthSpend(3880, Decimal(100))}


def test_counts_that_fell_leave_no_month_below_nothing_in_all() -> None:
    fell = series((NOVEMBER - HOUR, 4000), (NOVEMBER, 4000), (NOW, 3880))
    seen = split(fell)
    assert sum(part.completes for part in seen.values()) == 3880
    assert seen["2026-10"].completes == 3880
