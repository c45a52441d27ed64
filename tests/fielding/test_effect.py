"""The effect of a change: raised, lowered, no clear effect, too early, or not to be told."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bench.forecast.generated_effects import PROCESSES, case_of
from dashboard.fielding.effects.effect import (
    Group,
    QuotaProgress,
    SettingChange,
    effect_of_change,
)
from dashboard.fielding.series.weekly_shape import Prior

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AT = START + 7 * DAY
CPI = SettingChange(AT, "cpi", "2.10 → 2.90 EUR")


def counted(before, after, *, days=5, seed=4, each=1.0):
    """Hourly cumulative counts: completes a day before and after day 7, over waking hours."""
    stamps = [START + (i + 1) * HOUR for i in range((7 + days) * 24)]
    local = [(stamp - HOUR / 2).astimezone(MADRID).hour for stamp in stamps]
    awake = np.where((np.array(local) >= 8) & (np.array(local) < 22), 24 / 14, 0.0)
    daily = np.where([stamp <= AT for stamp in stamps], before, after)
    total = np.cumsum(np.random.default_rng(seed).poisson(awake * daily / 24)) * each
    return list(zip(stamps, total.tolist(), strict=True))


def group(before, after, **more):
    return Group(counted(before, after, **more), MADRID)


def verdict(*rates, now=START + 12 * DAY, **more):
    return effect_of_change(CPI, group(*rates, **more), now=now).completes_an_hour


@pytest.mark.parametrize(
    ("after", "expected"),
    [(60, "raised"), (30, "no clear effect"), (12, "lowered"), (0, "lowered")],
)
def test_the_verdict_follows_the_rate(after, expected):
    assert verdict(30, after).verdict == expected


def test_a_doubling_is_put_in_numbers():
    seen = verdict(30, 60)
    assert seen.low < 2 < seen.high
    assert seen.after == pytest.approx(2 * seen.before, rel=0.3)


def test_an_hour_after_is_too_early():
    assert verdict(30, 60, now=AT + HOUR).verdict == "too early"


def test_a_handful_of_completes_is_too_early():
    seen = verdict(1, 1)
    assert seen.verdict == "too early"
    assert "completes before" in seen.reason


def test_a_night_is_not_held_against_a_day():
    midnight = datetime(2026, 3, 9, 23, tzinfo=MADRID)
    seen = effect_of_change(
        SettingChange(midnight, "strategy"), group(60, 60), now=midnight + 9 * HOUR
    )
    assert seen.completes_an_hour.verdict in ("too early", "no clear effect")


@pytest.mark.parametrize("history", [[], [(AT, 5)]])
def test_without_readings_it_is_too_early(history):
    seen = effect_of_change(CPI, Group(history, MADRID), now=AT + DAY)
    assert seen.completes_an_hour.verdict == "too early"
    assert seen.conversion.verdict == "too early"


def test_a_fall_of_the_count_is_not_an_effect():
    fallen = [(at, c - 40 if at > AT + DAY else c) for at, c in counted(60, 60)]
    seen = effect_of_change(CPI, Group(fallen, MADRID), now=START + 12 * DAY)
    assert seen.completes_an_hour.verdict == "no clear effect"


def test_time_paused_after_the_change_is_no_slump():
    pauses = [(AT + DAY, AT + 4 * DAY)]
    history = counted(60, 60)
    held, count = [], 0.0
    for (at, now_count), (_, last) in zip(history[1:], history[:-1], strict=True):
        count += 0 if AT + DAY < at <= AT + 4 * DAY else now_count - last
        held.append((at, count))
    seen = effect_of_change(CPI, Group(held, MADRID, pauses), now=START + 12 * DAY)
    assert seen.completes_an_hour.verdict == "no clear effect"


def test_a_pause_as_the_change_leaves_nothing_to_compare():
    status = SettingChange(AT, "status", "paused")
    gone = Group(counted(60, 0), MADRID, [(AT, None)])
    seen = effect_of_change(status, gone, now=START + 12 * DAY).completes_an_hour
    assert seen.verdict == "too early"
    assert "after the change" in seen.reason


def test_no_verdict_on_epc_across_a_price_edit():
    full = Group(counted(40, 40), MADRID, entrants=counted(400, 400))
    assert effect_of_change(CPI, full, now=START + 12 * DAY).epc is None
    other = effect_of_change(SettingChange(AT, "strategy"), full, now=START + 12 * DAY)
    assert other.epc == other.completes_per_entrant.verdict == "no clear effect"
    near = effect_of_change(SettingChange(AT, "goal"), full, now=START + 12 * DAY, others=[CPI])
    assert near.epc is None


def test_conversion_and_completes_per_entrant_are_differences_of_counts():
    better = Group(
        counted(30, 60),
        MADRID,
        entrants=counted(300, 300, seed=5)[::6],
        prescreens=counted(90, 180, seed=6)[::6],
    )
    seen = effect_of_change(CPI, better, now=START + 12 * DAY)
    assert seen.completes_per_entrant.verdict == "raised"
    assert seen.completes_per_entrant.before == pytest.approx(0.1, abs=0.03)
    assert seen.conversion.verdict == "no clear effect"
    assert seen.conversion.after == pytest.approx(1 / 3, abs=0.08)


@pytest.mark.parametrize("hours", [-23, -2, 0, 2, 23])
def test_another_change_within_a_day_leaves_no_verdict(hours):
    twin = SettingChange(AT + hours * HOUR, "re-entry")
    effect = effect_of_change(CPI, group(30, 60), now=START + 12 * DAY, others=[CPI, twin])
    assert effect.overlaps == (twin,)
    measure = effect.completes_an_hour
    assert (measure.verdict, measure.ratio) == ("cannot tell", None)
    assert measure.reason == "Something else happened within a day of this change: Re-entry."
    assert measure.before is not None
    assert measure.after is not None
    assert measure.after > measure.before


@pytest.mark.parametrize(
    "pause",
    [(AT - 2 * DAY, AT - 2 * HOUR), (AT + 3 * HOUR, AT + 30 * HOUR), (AT - DAY, AT + DAY)],
)
def test_a_pause_within_a_day_leaves_no_verdict(pause):
    paused = Group(counted(30, 60), MADRID, [pause])
    effect = effect_of_change(CPI, paused, now=START + 12 * DAY)
    assert effect.completes_an_hour.verdict == "cannot tell"
    assert [overlap.name for overlap in effect.overlaps] == ["Pause"]


def test_a_pause_of_minutes_or_days_ago_is_no_overlap():
    pauses = [(AT - 2 * HOUR, AT - 1.7 * HOUR), (AT - 3 * DAY, AT - 2 * DAY)]
    effect = effect_of_change(CPI, Group(counted(30, 30), MADRID, pauses), now=START + 12 * DAY)
    assert effect.overlaps == ()


def test_the_end_of_a_soft_launch_within_a_day_is_named():
    ended = SettingChange(AT - HOUR, "soft launch", "ended")
    effect = effect_of_change(CPI, group(10, 60), now=START + 12 * DAY, others=[ended])
    assert effect.completes_an_hour.verdict == "cannot tell"
    assert "Soft launch ended" in effect.completes_an_hour.reason


@pytest.mark.parametrize(
    ("rate", "done", "expected"),
    [
        (12, (50, 20), "cannot tell"),  # half of the quotas are full
        (12, (49, 20), "lowered"),
        (60, (50, 20), "raised"),  # full cells never raise a rate
    ],
)
def test_a_fall_beside_full_quota_cells_is_not_the_changes(rate, done, expected):
    cells = [QuotaProgress("gender", completes, 50) for completes in done]
    filling = Group(counted(30, rate), MADRID, quotas=cells)
    measure = effect_of_change(CPI, filling, now=START + 12 * DAY).completes_an_hour
    assert measure.verdict == expected
    if expected == "cannot tell":
        assert measure.reason.startswith("1 of 2 quota cells is full")


def test_a_fall_that_is_as_small_as_a_filled_cell_is_not_told_from_one():
    measure = verdict(60, 40, days=7, now=START + 14 * DAY)
    assert measure.verdict == "cannot tell"
    assert "quota cell" in measure.reason
    open_cells = [QuotaProgress("gender", 20, 500), QuotaProgress("gender", 30, 500)]
    known = Group(counted(60, 40, days=7), MADRID, quotas=open_cells)
    effect = effect_of_change(CPI, known, now=START + 14 * DAY)
    assert effect.completes_an_hour.verdict == "lowered"


def test_a_rate_that_rose_hours_before_the_change_is_not_its_effect():
    later = SettingChange(AT + 3 * HOUR, "cpi")
    measure = effect_of_change(later, group(30, 120), now=START + 12 * DAY).completes_an_hour
    assert measure.verdict == "cannot tell"
    assert re.fullmatch(r"The rate had already risen [23] hours before the change.", measure.reason)


def test_a_single_hour_before_a_change_is_enough_to_ask():
    shape = tuple(50.0 if hour % 24 == 8 else 1.0 for hour in range(168))
    stamps = [datetime(2026, 3, 2, 8 + hour, tzinfo=MADRID) for hour in range(14)]
    totals = [0.0, 20.0, *(20.0 + 40 * hour for hour in range(1, 13))]
    short = Group(list(zip(stamps, totals, strict=True)), MADRID, prior=Prior(shape))
    effect = effect_of_change(SettingChange(stamps[1], "cpi"), short, now=stamps[-1])
    assert effect.before[1] - effect.before[0] == HOUR
    assert effect.completes_an_hour.reason


def test_the_correction_is_named_with_its_size():
    stamps = [START + (i + 1) * HOUR for i in range(14 * 24)]
    total = np.cumsum(np.random.default_rng(5).poisson(40 * np.exp(-np.arange(14 * 24) / 24 / 6)))
    falling = Group(list(zip(stamps, total.tolist(), strict=True)), MADRID)
    measure = effect_of_change(CPI, falling, now=stamps[-1]).completes_an_hour
    assert measure.verdict == "no clear effect"
    assert measure.own < 0.6
    assert measure.before
    assert measure.after
    assert measure.ratio
    assert measure.after / measure.before == pytest.approx(measure.ratio * measure.own)
    percent = f"{(1 - measure.own) * 100:.0f} %"
    assert measure.correction == f"after allowing for the field's own decline of {percent}"


# Fields on which nothing was changed and which passed for effects before the model of a group's
# own movements.
MISTAKEN = {
    "steady": (34, 163, 250),
    "day_noise": (12, 42, 56, 108, 139, 144),
    "quotas_filling": (3, 6, 9, 11, 12, 14),
    "panel_emptying": (6, 70, 97, 130, 139, 145),
    "front_loaded": (12, 53, 222),
    "weekday_only": (19, 31, 121, 177, 179, 193),
    "soft_launch_end": (1, 2, 4, 5, 6, 12),
}


@pytest.mark.parametrize(
    ("situation", "seed"),
    [(situation, seed) for situation, seeds in MISTAKEN.items() for seed in seeds],
)
def test_what_moves_by_itself_is_no_effect(situation, seed):
    case = case_of(situation, 40_000 + seed, ratio=1.0)
    assert case
    assert case.measure().completes_an_hour.verdict not in ("raised", "lowered")


@pytest.mark.parametrize("situation", [*PROCESSES, "soft_launch_end"])
def test_few_changes_without_an_effect_get_a_verdict(situation):
    cases = [case_of(situation, seed, ratio=1.0) for seed in range(41_000, 41_080)]
    verdicts = [case.measure().completes_an_hour.verdict for case in cases if case]
    assert len(verdicts) >= 30
    assert sum(verdict in ("raised", "lowered") for verdict in verdicts) <= 0.08 * len(verdicts)


def test_most_doublings_of_steady_fields_are_found():
    cases = [case_of("steady", seed, ratio=2.0) for seed in range(41_000, 41_060)]
    verdicts = [case.measure().completes_an_hour.verdict for case in cases if case]
    assert verdicts.count("raised") >= 0.8 * len(verdicts)


def test_a_change_further_off_ends_the_window():
    later = SettingChange(AT + 2 * DAY, "goal")
    seen = effect_of_change(CPI, group(30, 60), now=START + 12 * DAY, others=[later])
    assert seen.overlaps == ()
    assert seen.after[1] <= later.at


def test_the_days_on_which_the_clocks_change_are_no_effect():
    start = datetime(2026, 3, 22, tzinfo=UTC)
    stamps = [start + (i + 1) * HOUR for i in range(14 * 24)]
    local = np.array([(s - HOUR / 2).astimezone(MADRID).hour for s in stamps])
    counts = np.random.default_rng(8).poisson(np.where((local > 8) & (local < 20), 5, 0.2))
    history = list(zip(stamps, np.cumsum(counts).tolist(), strict=True))
    change = SettingChange(datetime(2026, 3, 29, 1, tzinfo=UTC), "goal")
    seen = effect_of_change(change, Group(history, MADRID), now=stamps[-1])
    assert seen.completes_an_hour.verdict == "no clear effect"


def test_a_naive_change_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        effect_of_change(SettingChange(datetime(2026, 3, 3), "cpi"), group(3, 3), now=AT)  # noqa: DTZ001


def test_a_field_that_tires_by_itself_is_no_effect_of_a_change():
    stamps = [START + (i + 1) * HOUR for i in range(12 * 24)]
    rate = 12 * (1 + np.arange(12 * 24) / 24) ** -0.8
    total = np.cumsum(np.random.default_rng(5).poisson(rate))
    tiring = Group(list(zip(stamps, total.tolist(), strict=True)), MADRID)
    seen = effect_of_change(SettingChange(AT, "strategy"), tiring, now=stamps[-1]).completes_an_hour
    assert seen.after is not None
    assert seen.before is not None
    assert seen.after < 0.7 * seen.before
    assert seen.verdict == "no clear effect"


def test_a_link_that_broke_for_a_day_before_is_no_rise_after():
    history = counted(60, 60)
    at = dict(history)
    begin, end = AT - 3 * DAY, AT - DAY
    lost = at[end] - at[begin]
    broken = [
        (stamp, c if stamp <= begin else at[begin] if stamp <= end else c - lost)
        for stamp, c in history
    ]
    seen = effect_of_change(
        SettingChange(AT, "strategy"), Group(broken, MADRID), now=START + 12 * DAY
    )
    assert seen.completes_an_hour.verdict == "no clear effect"
