"""Rates of nobody: the zeros that an exchange sends before anybody entered."""

from __future__ import annotations

import pytest

from dashboard.sync.columns.group_columns import RATES, drop_empty_rates

ZEROS = {"status": "live", "completes": 0, "prescreens": 0} | dict.fromkeys(RATES, 0)


def test_a_scheduled_group_has_no_rates() -> None:
    columns = drop_empty_rates(ZEROS | {"status": "scheduled"}, None)
    assert [columns[name] for name in RATES] == [None] * len(RATES)
    assert (columns["completes"], columns["prescreens"]) == (0, 0)


def test_a_live_group_has_none_until_somebody_enters() -> None:
    assert {drop_empty_rates(ZEROS, 0)[name] for name in RATES} == {None}
    assert drop_empty_rates(ZEROS, 1) == ZEROS
    assert drop_empty_rates(ZEROS | {"prescreens": 1}, None) == ZEROS | {"prescreens": 1}


def test_rates_stay_as_they_were_where_entrants_were_not_read() -> None:
    columns = drop_empty_rates(ZEROS, None)
    assert set(columns) == {"status", "completes", "prescreens"}


@pytest.mark.parametrize("entrants", [0, None])
def test_a_rate_that_is_not_zero_is_kept(entrants: int | None) -> None:
    columns = drop_empty_rates(ZEROS | {"average_cpi": 2}, entrants)
    assert columns["average_cpi"] == 2
