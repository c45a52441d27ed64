"""The forecast at its edges, and the promises of its answer."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.fielding.forecast import forecast, forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.forecast.rate_changes import rate_change_times
from dashboard.fielding.series.readings import Readings
from dashboard.fielding.series.weekly_shape import Prior

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def steady(hours, rate=3.0, start=START, seed=1):
    total = np.cumsum(np.random.default_rng(seed).poisson(rate, hours))
    return [(start + (i + 1) * HOUR, int(count)) for i, count in enumerate(total)]


def ask(history, *, goal=1000, now=None, ends_at=START + 20 * DAY, zone=BERLIN, **more):
    return forecast(
        history, goal=goal, now=now or history[-1][0], ends_at=ends_at, zone=zone, **more
    )


def ends(seen):
    return seen.completes_at_end_p10, seen.completes_at_end_p50, seen.completes_at_end_p90


def middles(history, moments):
    """The even bet of the completes at each moment."""
    return [ask(history, goal=10_000, ends_at=at).completes_at_end_p50 for at in moments]


def test_a_steady_field_ends_near_its_rate_times_its_days():
    seen = ask(steady(10 * 24))
    low, middle, high = ends(seen)
    assert middle == pytest.approx(3 * 24 * 20, rel=0.15)
    assert low < middle < high


def test_the_early_date_comes_before_the_late_one():
    seen = ask(steady(10 * 24))
    assert START + 10 * DAY < seen.finish_p10 < seen.finish_p50 < seen.finish_p90


def test_no_readings_give_no_date_and_say_so():
    seen = forecast([], goal=100, now=START, ends_at=START + 5 * DAY, zone=BERLIN)
    assert (seen.finish_p10, seen.finish_p50, seen.finish_p90) == (None, None, None)
    assert seen.confidence == "none"
    assert "no completes yet" in seen.note
    assert ends(seen)[0] <= ends(seen)[1] <= ends(seen)[2]


def test_one_reading_knows_no_rate():
    seen = ask([(START, 40)], goal=100)
    assert seen.finish_p50 is None
    assert seen.confidence == "none"
    assert seen.completes_at_end_p10 >= 40


def test_fewer_than_five_completes_are_called_a_guess():
    history = [(START + i * HOUR, count) for i, count in enumerate((0, 0, 1, 1, 2, 3, 3, 4))]
    seen = ask(history, goal=50)
    assert seen.confidence == "low"
    assert "only 4 completes" in seen.note
    assert seen.completes_at_end_p90 > 3 * max(seen.completes_at_end_p10, 4)


def test_a_prior_with_a_rate_dates_a_group_that_has_not_begun():
    prior = Prior((1.0,) * 168, daily=50.0)
    seen = forecast([], goal=100, now=START, ends_at=START + 5 * DAY, zone=BERLIN, prior=prior)
    assert seen.finish_p10
    assert seen.finish_p50
    assert START < seen.finish_p10 <= seen.finish_p50
    assert seen.confidence == "low"


def test_a_goal_already_reached_is_dated_when_it_was_reached():
    history = steady(5 * 24)
    when = next(at for at, count in history if count >= 200)
    seen = ask(history, goal=200)
    assert seen.finish_p10 == seen.finish_p50 == seen.finish_p90 == when
    assert seen.chance == 1.0


def test_a_goal_lowered_below_the_completes_is_reached_and_the_end_is_not_capped():
    history = steady(5 * 24)
    seen = ask(history, goal=10)
    assert seen.finish_p50 <= history[-1][0]
    assert seen.completes_at_end_p50 > history[-1][1] > 10
    assert seen.short_p50 == 0


def test_a_goal_lost_again_to_reconciliation_is_forecast_again():
    history = [*steady(5 * 24), (START + 5 * DAY + HOUR, 150), (START + 5 * DAY + 2 * HOUR, 151)]
    seen = ask(history, goal=200)
    assert seen.finish_p50 > history[-1][0]


def test_a_fall_lowers_the_count_and_not_the_rate():
    plain = steady(8 * 24)
    fallen = [(at, count - 60 if at > START + 6 * DAY else count) for at, count in plain]
    lost = ends(ask(plain))[1] - ends(ask(fallen))[1]
    assert lost == pytest.approx(60, abs=25)


@pytest.mark.parametrize("low", [1, 5])
def test_some_low_readings_between_good_ones_change_nothing(low):
    plain = steady(8 * 24)
    dipped = [(at, c - 50 if 100 <= i < 100 + low else c) for i, (at, c) in enumerate(plain)]
    assert ends(ask(dipped))[1] == pytest.approx(ends(ask(plain))[1], rel=0.02)


def test_what_is_taken_back_again_and_again_will_be_taken_back_again():
    plain = steady(8 * 24)
    taken = [(at, count - 15 * (i // 24)) for i, (at, count) in enumerate(plain)]
    coming = [ends(ask(some))[1] - some[-1][1] for some in (plain, taken)]
    assert 0.6 * coming[0] < coming[1] < 0.85 * coming[0]


def test_a_field_that_grows_by_the_day_is_not_taken_to_stay():
    rate = 2 * np.exp(np.arange(12 * 24) / 24 / 6)
    total = np.cumsum(np.random.default_rng(1).poisson(rate))
    growing = [(START + (i + 1) * HOUR, int(count)) for i, count in enumerate(total)]
    now = growing[-1][0]
    tomorrow = ends(ask(growing, goal=10_000, ends_at=now + 4 * DAY))[1] - total[-1]
    assert tomorrow > 1.15 * 4 * (total[-1] - total[-25])


def test_an_end_before_now_answers_what_the_count_was():
    history = steady(5 * 24)
    end = START + 4 * DAY
    seen = ask(history, ends_at=end)
    assert ends(seen) == (dict(history)[end],) * 3
    assert seen.finish_p50 is None
    assert seen.chance == 0.0
    assert "end date has passed" in seen.note


def test_no_end_date_counts_28_days_and_says_so():
    history = steady(5 * 24)
    open_end = ask(history, ends_at=None)
    dated = ask(history, ends_at=history[-1][0] + 28 * DAY)
    assert ends(open_end)[1] == pytest.approx(ends(dated)[1], rel=0.01)
    assert "no end date" in open_end.note


def test_a_week_paused_does_not_slow_the_forecast():
    before, gone = steady(5 * 24), 7 * DAY
    paused = before + [(before[-1][0] + (i + 1) * HOUR, before[-1][1]) for i in range(7 * 24)]
    now = paused[-1][0]
    seen = ask(paused, pauses=[(before[-1][0], now)], ends_at=now + 5 * DAY).completes_at_end_p50
    unpaused = ask(before, ends_at=before[-1][0] + 5 * DAY).completes_at_end_p50
    assert now - before[-1][0] == gone
    assert seen == pytest.approx(unpaused, rel=0.15)


def test_a_group_that_is_still_paused_is_taken_to_resume_now():
    before = steady(5 * 24)
    now = before[-1][0] + DAY
    seen = ask(before, now=now, pauses=[(before[-1][0], None)], ends_at=now + 5 * DAY)
    assert "assumes that it goes live now" in seen.note
    assert seen.completes_at_end_p50 > before[-1][1] + 150


def test_a_pause_to_come_takes_its_completes_away():
    history = steady(8 * 24)
    now = history[-1][0]
    plain = ask(history, ends_at=now + 4 * DAY)
    halted = ask(history, ends_at=now + 4 * DAY, pauses=[(now + DAY, now + 3 * DAY)])
    coming = [ends(seen)[1] - history[-1][1] for seen in (plain, halted)]
    assert coming[1] == pytest.approx(coming[0] / 2, rel=0.25)


def test_a_stall_at_the_end_pulls_the_low_end_down():
    history = steady(8 * 24)
    stalled = history + [(history[-1][0] + (i + 1) * HOUR, history[-1][1]) for i in range(36)]
    seen = ask(stalled)
    assert seen.completes_at_end_p10 < stalled[-1][1] + 100
    assert seen.completes_at_end_p90 > stalled[-1][1] + 200


@pytest.mark.parametrize(("month", "day"), [(3, 29), (10, 25)])
def test_the_days_on_which_the_clocks_change_keep_the_local_shape(month, day):
    change = datetime(2026, month, day, tzinfo=UTC)
    start = change - 12 * DAY
    stamps = [start + (i + 1) * HOUR for i in range(12 * 24)]
    office = [9 <= (at - HOUR / 2).astimezone(BERLIN).hour < 17 for at in stamps]
    history = list(zip(stamps, np.cumsum(np.where(office, 10, 0)).tolist(), strict=True))
    opens = datetime(2026, month, day + 2, 9, tzinfo=BERLIN)
    shuts = opens.replace(hour=17)
    early, begin, end = middles(history, [opens - 6 * HOUR, opens, shuts])
    assert begin - early < 0.25 * (end - begin)


def test_a_field_shut_at_weekends_is_not_forecast_for_saturday():
    start = datetime(2026, 3, 2, tzinfo=UTC)
    stamps = [start + (i + 1) * HOUR for i in range(18 * 24)]
    work = [(at - HOUR / 2).astimezone(BERLIN).weekday() < 5 for at in stamps]
    counts = np.cumsum(np.random.default_rng(3).poisson(np.where(work, 5, 0)))
    history = list(zip(stamps, counts.tolist(), strict=True))
    friday = datetime(2026, 3, 20, 23, tzinfo=BERLIN)
    evening, sunday, tuesday = middles(history, [friday, friday + 2 * DAY, friday + 4 * DAY])
    assert sunday - evening < 0.25 * (tuesday - sunday)


def test_order_and_repeats_do_not_matter():
    history = steady(6 * 24)
    shuffled = [history[i] for i in np.random.default_rng(2).permutation(len(history))]
    assert ask([*shuffled, history[-1]], now=history[-1][0]) == ask(history)


def test_gaps_keep_what_was_counted_in_them():
    history = steady(10 * 24)
    holes = [point for i, point in enumerate(history) if not 100 < i < 130 and i % 7]
    assert ends(ask(holes, now=history[-1][0]))[1] == pytest.approx(ends(ask(history))[1], rel=0.1)


def test_daily_readings_are_enough():
    history = steady(12 * 24)
    assert ends(ask(history[23::24]))[1] == pytest.approx(ends(ask(history))[1], rel=0.15)


def test_readings_after_now_are_not_looked_at():
    history = steady(10 * 24)
    now = history[150][0]
    assert ask(history, now=now) == ask(history[:151], now=now)


@pytest.mark.parametrize("odd", [None, float("nan"), float("inf"), -3.0])
def test_what_is_no_count_is_a_gap(odd):
    history = steady(6 * 24)
    holed = [(at, odd) if i in (50, 143) else (at, count) for i, (at, count) in enumerate(history)]
    gapped = [point for i, point in enumerate(history) if i not in (50, 143)]
    assert ask(holed) == ask(gapped, now=history[-1][0])


def test_an_end_years_away_does_not_slow_the_rate():
    seen = ask(steady(10 * 24), ends_at=START + 1000 * DAY)
    assert ends(seen)[1] == pytest.approx(3 * 24 * 1000, rel=0.1)
    assert seen.finish_p50 < START + 15 * DAY


def test_the_interval_under_way_counts_as_of_now():
    history = steady(6 * 24)
    now = history[-1][0] - timedelta(minutes=20)
    assert ask(history, now=now).completes_at_end_p10 >= history[-1][1]


def test_arrays_answer_like_tuples():
    history = steady(6 * 24)
    arrays = Readings(
        np.array([at.timestamp() for at, _ in history]),
        np.array([count for _, count in history], dtype=float),
    )
    assert ask(history) == forecast(
        arrays, goal=1000, now=history[-1][0], ends_at=START + 20 * DAY, zone="Europe/Berlin"
    )


def test_a_table_answers_like_its_rows():
    rows = [
        ForecastInput(
            steady(hours, rate, seed=hours), 800, START + 16 * DAY, START + 20 * DAY, BERLIN
        )
        for hours, rate in ((5, 1.0), (40, 3.0), (336, 0.2), (300, 8.0))
    ]
    for row, together in zip(rows, forecast_many(rows), strict=True):
        alone = forecast(row.history, goal=800, now=row.now, ends_at=row.ends_at, zone=BERLIN)
        assert ends(alone) == pytest.approx(ends(together), rel=0.03, abs=3)


def test_a_zone_may_be_any_clock():
    assert ask(steady(6 * 24), zone=UTC) == ask(steady(6 * 24), zone="UTC")


def test_an_empty_table_is_no_error():
    assert forecast_many([]) == []


def test_old_readings_are_named_in_the_note():
    history = steady(6 * 24)
    seen = ask(history, now=history[-1][0] + 9 * HOUR)
    assert "last reading is 9 h old" in seen.note
    assert seen.confidence == "high"
    assert ask(history, now=history[-1][0] + 3 * DAY).confidence == "low"


def test_an_end_that_passed_after_the_last_reading_has_passed():
    history = steady(6 * 24)
    end = history[-1][0] + DAY
    seen = ask(history, ends_at=end, now=end + DAY)
    assert seen.finish_p50 is None
    assert "end date has passed" in seen.note
    assert ends(seen)[0] >= history[-1][1]


def test_completes_of_which_nobody_saw_the_rate_are_not_called_none():
    assert "the rate of completes is not known" in ask([(START, 40)], goal=100).note


@pytest.mark.parametrize(
    "change",
    [
        {"now": datetime(2026, 3, 10)},  # noqa: DTZ001 - naive on purpose
        {"ends_at": datetime(2026, 3, 10)},  # noqa: DTZ001
        {"pauses": [(datetime(2026, 3, 3), None)]},  # noqa: DTZ001
        {"zone": "Europe/Atlantis"},
        {"goal": -1},
        {"goal": float("nan")},
        {"goal": float("inf")},
        {"goal": None},
        {"goal": "a lot"},
        {"zone": None},
    ],
)
def test_what_is_not_a_question_is_refused(change):
    with pytest.raises(ValueError, match=r"time zone|goal"):
        ask(steady(30), **change)


def test_a_naive_reading_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        ask([(datetime(2026, 3, 3), 1)], now=START)  # noqa: DTZ001


def test_a_later_end_brings_more_completes_and_a_wider_range():
    history = steady(8 * 24)
    now = history[-1][0]
    seen = [ends(ask(history, ends_at=now + days * DAY)) for days in range(1, 10)]
    middle, width = [m for _, m, _ in seen], [high - low for low, _, high in seen]
    assert middle == sorted(middle)
    assert width == sorted(width)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), max_size=60),
    st.integers(0, 500),
    st.integers(-200, 2000),
)
def test_whatever_comes_in_the_answer_is_ordered_and_finite(points, goal, hours):
    history = [(START + at * HOUR, count) for at, count in points]
    now = START + 400 * HOUR
    seen = forecast(history, goal=goal, now=now, ends_at=now + hours * HOUR, zone="Asia/Kolkata")
    low, middle, high = ends(seen)
    assert 0 <= low <= middle <= high < np.inf
    assert 0 <= seen.chance <= 1
    dates = [seen.finish_p10, seen.finish_p50, seen.finish_p90]
    known = [date for date in dates if date is not None]
    assert known == sorted(known)
    assert dates[len(known) :] == [None] * (3 - len(known))
    assert seen.note


def risen(days=6, lately=1, *, rate=3.0, by=2.0):
    """A field whose rate rose for good so many days ago."""
    before = steady(days * 24, rate)
    at, count = before[-1]
    after = steady(lately * 24, rate * by, start=at, seed=2)
    return at, [*before, *((moment, count + more) for moment, more in after)]


def test_a_new_rate_is_believed_sooner_by_who_is_told_of_the_change():
    at, history = risen()
    ends_at = history[-1][0] + 7 * DAY
    untold, told = (
        ask(history, ends_at=ends_at, rate_changes=changes).completes_at_end_p50
        for changes in ((), (at,))
    )
    truth = history[-1][1] + 6 * 24 * 7
    assert abs(told - truth) < abs(untold - truth)


def test_a_change_that_moved_nothing_moves_the_forecast_little():
    history = steady(10 * 24)
    plain, told = ask(history), ask(history, rate_changes=[START + 5 * DAY])
    assert told.completes_at_end_p50 == pytest.approx(plain.completes_at_end_p50, rel=0.03)


def test_just_after_a_change_the_forecast_is_less_sure():
    history = steady(10 * 24)
    plain, told = ends(ask(history)), ends(ask(history, rate_changes=[history[-1][0]]))
    assert told[2] - told[0] > 1.2 * (plain[2] - plain[0])


@pytest.mark.parametrize(("ago", "words"), [(0.5, "within the hour"), (5, "5 h ago"), (30, None)])
def test_it_says_so_while_a_change_is_too_young_to_show(ago, words):
    history = steady(10 * 24)
    note = ask(history, rate_changes=[history[-1][0] - ago * HOUR]).note
    assert ("changed" in note) == bool(words)
    assert (words or "") in note


def test_the_time_of_a_change_has_a_zone():
    with pytest.raises(ValueError, match="rate_changes"):
        ask(steady(24), rate_changes=[datetime(2026, 3, 2, 12)])  # noqa: DTZ001


USD = {"value": "1.50", "currency_code": "USD"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "counts"),
    [
        ("cpi_change", USD, USD | {"value": "1.80"}, True),
        ("user_requested_cpi_change", USD, USD | {"value": "1.20"}, True),
        ("cpi_change", USD, USD | {"value": "1.52"}, False),
        ("cpi_change", None, USD, True),
        ("cpi_change", {"odd": 1}, "?", True),
        ("filling_strategy_change", "starts", "completes", True),
        ("re_entry_configuration_change", None, {}, True),
        ("private_exchange_cpi_change", USD, USD | {"value": "1.80"}, True),
        ("pacing_assistance_change", None, "linear", True),
        ("pacing_linear_increment_interval_change", "P1D", "PT6H", True),
        ("filling_goal_change", 100, 200, False),
        ("status_change", "paused", "live", False),
    ],
)
def test_what_may_move_a_rate_is_told(kind, old, new, counts):
    assert rate_change_times([(START, kind, old, new)]) == ([START] if counts else [])
