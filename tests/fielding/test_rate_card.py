"""Which cell of a rate card prices an interview."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.domain import rate_card

STORED = {
    "bound": True,
    "currency": "USD",
    "minutes": [5, 10, 15],
    "percents": [50, 20, 5],
    "prices": [[100, 150, 200], [300, 350, 400], [500, 550, 600]],
}


def card(**fields: Any) -> rate_card.RateCard:
    found = rate_card.read_rate_card(STORED | fields)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("minutes", "share", "cell"),
    [
        (5, 0.5, (0, 0)),
        (5.1, 0.49, (1, 1)),
        (10, 0.2, (1, 1)),
        (9, 0.199, (1, 2)),
        (60, 0.01, (2, 2)),
        (1, 1.0, (0, 0)),
        (15, 0.05, (2, 2)),
    ],
)
def test_a_row_reaches_up_to_its_minutes_and_a_column_down_to_its_rate(
    minutes: float, share: float, cell: tuple[int, int]
) -> None:
    assert card().cell(minutes, share) == cell


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    turned = card(minutes=[15, 10, 5], percents=[5, 20, 50])
    assert turned.cell(9, 0.3) == (1, 1)
    assert turned.cell(2, 0.9) == (2, 2)


def test_nothing_is_priced_without_both_figures() -> None:
    assert card().cell(None, 0.5) is None
    assert card().cell(5, None) is None


def test_the_edge_of_the_table_has_fewer_neighbours() -> None:
    assert card().neighbours((0, 0)) == [(1, 0), (0, 1)]
    assert len(card().neighbours((1, 1))) == 4


def test_prices_are_in_the_currencys_minor_unit() -> None:
    assert card().prices[0][0] == Decimal("1.00")
    assert card(currency="JPY").prices[0][0] == Decimal(100)
    assert card(currency="KWD").prices[0][0] == Decimal("0.100")


@pytest.mark.parametrize(
    "stored", [None, [], {}, STORED | {"prices": [[1]]}, STORED | {"minutes": []}]
)
def test_what_is_no_whole_table_is_no_card(stored: Any) -> None:
    assert rate_card.read_rate_card(stored) is None
