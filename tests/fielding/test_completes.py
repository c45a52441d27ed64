"""The completes series, packed a row a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from dashboard.fielding.series import completes

DAY = date(2026, 11, 20)


def at(hour: int, minute: int = 0, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_midnight_belongs_to_the_day_before() -> None:
    assert list(completes.pack_days([(at(0, day=21), 7)])) == [DAY]


def test_the_first_slot_ends_at_one_o_clock() -> None:
    packed = completes.pack_days([(at(1), 3)])[DAY]
    assert completes.unpack_day(DAY, *packed) == [(at(1), 3)]


def test_a_point_off_the_hour_is_kept_exactly() -> None:
    packed = completes.pack_days([(at(5, 17), 3), (at(5), 2)])[DAY]
    assert completes.unpack_day(DAY, *packed) == [(at(5), 2), (at(5, 17), 3)]


def test_a_series_that_never_ends_on_the_hour_has_hours_all_the_same() -> None:
    told = [(at(9, 12), 3), (at(10, 12), 5), (at(23, 12), 8), (at(0, 12, day=21), 9)]
    days = completes.on_the_hour((day, *row) for day, row in completes.pack_days(told).items())
    known = [point for day, hours in days for point in completes.unpack_day(day, hours, None)]
    assert known == [(at(9), 3), (at(10), 5), (at(23), 8), (at(0, day=21), 9)]


def test_an_hour_with_a_reading_keeps_it_whatever_the_minutes_after_say() -> None:
    packed = completes.pack_days([(at(9), 3), (at(9, 17), 4)])[DAY]
    assert completes.on_the_hour([(DAY, *packed)]) == [(DAY, packed.hours)]


def test_a_gap_stays_a_gap_and_zero_stays_zero() -> None:
    packed = completes.pack_days([(at(2), 0), (at(4), 1)])[DAY]
    assert completes.unpack_day(DAY, *packed) == [(at(2), 0), (at(4), 1)]


def test_a_local_time_is_packed_by_its_utc_hour() -> None:
    tokyo = timezone(timedelta(hours=9))
    packed = completes.pack_days([(datetime(2026, 11, 21, 3, tzinfo=tokyo), 5)])
    assert completes.points_of_days(packed) == [(at(18), 5)]


def test_only_days_that_differ_are_written() -> None:
    stored = completes.pack_days([(at(1), 1), (at(1, day=21), 2)])
    read = completes.pack_days([(at(1), 1), (at(1, day=21), 2), (at(2, day=21), 3)])
    assert list(completes.changed_days(stored, read)) == [date(2026, 11, 21)]


def test_a_series_that_falls_says_by_how_much() -> None:
    days = completes.pack_days([(at(1), 10), (at(2), 8), (at(3), 9), (at(4), 4)])
    assert completes.total_fall(completes.readings_of_days(days)) == 7


hours = st.integers(min_value=0, max_value=24 * 30)


@given(st.dictionaries(hours, st.integers(min_value=0, max_value=2**31 - 1)))
def test_what_is_packed_comes_back(counts: dict[int, int]) -> None:
    start = datetime(2026, 10, 20, tzinfo=UTC)
    points = sorted((start + timedelta(hours=hour), count) for hour, count in counts.items())
    assert completes.points_of_days(completes.pack_days(points)) == points
