"""How numbers read: the digit that decides is shown, nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.fielding.domain.figures import (
    DASH,
    format_beside,
    format_count,
    format_incidence,
    format_interview_length,
    format_likelihood,
    format_percent,
    format_signed,
    format_significant,
)


@pytest.mark.parametrize(
    ("share", "beside", "text"),
    [
        (0.33, None, "33 %"),
        (0.254, 0.25, "25.4 %"),
        (0.25004, 0.25, "25.004 %"),
        (0.25, 0.25, "25 %"),
        (0.29, 0.25, "29 %"),
        (0.006, 0.01, "0.6 %"),
        (1996 / 2000, None, "99.8 %"),
        (1, None, "100 %"),
        (0, None, "0 %"),
        (0.0004, None, "0.04 %"),
        (1.204, None, "120 %"),
        (-0.123, None, "−12 %"),
        (None, 0.25, DASH),
    ],
)
def test_a_share_is_never_rounded_onto_its_limit(
    share: float | None, beside: float | None, text: str
) -> None:
    assert format_percent(share, beside=beside) == text


@given(st.integers(1, 9_999_999), st.integers(1, 9_999_999))
def test_different_shares_of_four_decimals_never_read_the_same(number: int, limit: int) -> None:
    share, beside = number / 10_000_000, limit / 10_000_000
    coarse = abs(number - limit) < 10  # less than 0.0001 %
    assert coarse or format_percent(share, beside=beside) != format_percent(beside, beside=share)


@pytest.mark.parametrize(
    ("seconds", "bid", "text"),
    [
        (852, 9, "14.2 min · bid 9"),
        (601, 10, "10.02 min · bid 10"),
        (600, 10, "10.0 min · bid 10"),
        (852, None, "14.2 min"),
        (None, 9, "— · bid 9 min"),
        (None, None, DASH),
    ],
)
def test_an_interview_length_reads_beside_its_bid(
    seconds: int | None, bid: int | None, text: str
) -> None:
    assert format_interview_length(seconds, bid) == text


@pytest.mark.parametrize(
    ("observed", "bid", "text"),
    [
        (0.43, 0.5, "43 % · bid 50 %"),
        (0.006, 0.01, "0.6 % · bid 1 %"),
        (0.35, 0.125, "35 % · bid 12.5 %"),
        (0.35, None, "35 %"),
        (None, 0.35, "— · bid 35 %"),
        (None, None, DASH),
    ],
)
def test_an_incidence_rate_reads_beside_its_bid(
    observed: float | None, bid: float | None, text: str
) -> None:
    assert format_incidence(observed, bid) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0.020679, 2, "0.021"),
        (0.3095, 2, "0.31"),
        (2.7496, 3, "2.75"),
        (495_200, 4, "495,200"),
        (1_234.5, 3, "1,234"),
        (-0.05, 3, "−0.05"),
        (0, 3, "0"),
        (None, 3, DASH),
    ],
)
def test_significant_digits_come_without_an_exponent(
    number: float | None, digits: int, text: str
) -> None:
    assert format_significant(number, digits) == text


def test_a_count_has_thousands_apart_and_a_real_minus() -> None:
    assert [format_count(number) for number in (1204, -12, -0.2, None)] == [
        "1,204",
        "−12",
        "0",
        DASH,
    ]


def test_a_change_has_its_sign() -> None:
    assert [format_signed(number) for number in (890, -3, 0, -0.2)] == ["+890", "−3", "0", "0"]


def test_a_number_beside_its_limit_shows_what_tells_them_apart() -> None:
    assert format_beside(1200.4, 1200) == "1,200.4"
    assert format_beside(7, 9) == "7"
    assert format_beside(7.25, None, 1) == "7.2"


def test_a_chance_claims_no_more_than_a_forecast_can() -> None:
    assert [format_likelihood(chance) for chance in (0.002, 0.5, 0.999, None)] == [
        "below 1 %",
        "50 %",
        "above 99 %",
        DASH,
    ]
