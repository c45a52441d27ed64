"""A group's settings at any time in the past, from changelog entries of any shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.alerts.replay.settings_history import (
    SettingOverTime,
    as_count,
    as_share,
    as_text,
    as_time,
)
from tests.factories import NOW

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (as_count, 0, 0),
        (as_count, 7, 7),
        (as_count, -1, None),
        (as_count, 7.5, None),
        (as_count, True, None),
        (as_count, "7", None),
        (as_share, 0, 0.0),
        (as_share, 0.25, 0.25),
        (as_share, 1, 1.0),
        (as_share, 1.01, None),
        (as_share, 25, None),
        (as_share, -0.01, None),
        (as_share, "0.25", None),
        (as_text, "live", "live"),
        (as_text, "", None),
        (as_text, 7, None),
        (as_text, None, None),
        (as_time, "2026-03-01T00:00:00Z", MIDNIGHT),
        (as_time, "2026-03-01T09:00:00+09:00", MIDNIGHT),
        (as_time, "2026-03-01T00:00:00", None),
        (as_time, "soon", None),
        (as_time, None, None),
    ],
)
def test_a_value_of_the_changelog_is_read_or_left_out(
    read: Any, value: object, expected: object
) -> None:
    assert read(value) == expected


def test_a_setting_has_the_replaced_value_until_its_first_change_and_each_from_its_change_on() -> (
    None
):
    hour = timedelta(hours=1)
    setting = SettingOverTime(300)
    assert setting.at(NOW) == 300
    setting.add(NOW, 100, 200)
    setting.add(NOW + hour, 200, 300)
    times = (NOW - hour, NOW - hour / 60, NOW, NOW + hour / 2, NOW + hour, NOW + 9 * hour)
    assert [setting.at(at) for at in times] == [100, 100, 200, 200, 300, 300]


def test_a_value_that_cannot_be_read_is_the_one_next_to_it() -> None:
    hour = timedelta(hours=1)
    setting = SettingOverTime(300)
    setting.add(NOW, None, 200)
    setting.add(NOW + hour, 200, None)
    assert [setting.at(NOW + hours * hour) for hours in (-1, 0, 1)] == [200, 200, 200]
