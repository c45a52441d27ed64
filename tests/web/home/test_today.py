"""Completes, spend and need of today: of the same groups, and of today alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.test import Client

from dashboard.fielding.insight.document import Insight, store_insight
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series.daily import completes_today
from dashboard.fielding.series.readings import Readings
from dashboard.web.home import headline
from tests import factories

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
TODAY = datetime(2026, 11, 20, tzinfo=UTC)


def hourly(arrivals: Sequence[datetime], first: datetime, until: datetime) -> Readings:
    """What an exchange answers: the count at each full hour up to a time."""
    hours = [first + HOUR * i for i in range(1, int((until - first) / HOUR) + 1)]
    counts = [float(sum(at <= hour for at in arrivals)) for hour in hours]
    return Readings(np.array([hour.timestamp() for hour in hours]), np.array(counts))


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "Asia/Tokyo", "Australia/Sydney"])
@pytest.mark.parametrize("seed", range(3))
def test_today_is_what_came_since_local_midnight(name: str, seed: int) -> None:
    """Counted complete by complete, on a day whose midnight is a full hour of the series."""
    draw, first = random.Random(seed), NOW - 4 * DAY  # noqa: S311
    first = first.replace(minute=0)
    arrivals = [first + draw.random() * (NOW - first) for _ in range(300)]
    midnight = NOW.astimezone(ZoneInfo(name)).replace(hour=0, minute=0, second=0, microsecond=0)
    seen = completes_today(300, hourly(arrivals, first, NOW), ZoneInfo(name), now=NOW)
    assert seen == sum(at > midnight for at in arrivals)


def test_just_after_midnight_the_hour_before_it_is_not_of_today() -> None:
    """28 completes came from 23:00 to 24:00, one since; the series was read at 23:00."""
    now = TODAY + timedelta(minutes=5)
    series = Readings(np.array([(TODAY - HOUR).timestamp()]), np.array([100.0]))
    seen = completes_today(129, series, ZoneInfo("UTC"), now=now)
    assert seen is not None
    assert seen <= 3


def test_a_midnight_between_two_counts_is_interpolated() -> None:
    at = datetime(2026, 11, 19, 18, tzinfo=UTC)  # 23:30 in Kolkata
    series = Readings(np.array([at.timestamp(), (at + HOUR).timestamp()]), np.array([100.0, 110.0]))
    assert completes_today(150, series, ZoneInfo("Asia/Kolkata"), now=NOW) == 45


def test_nothing_is_said_of_today_where_midnight_lies_in_a_long_gap() -> None:
    series = Readings(np.array([(TODAY - 4 * HOUR).timestamp()]), np.array([100.0]))
    assert completes_today(140, series, ZoneInfo("UTC"), now=TODAY + HOUR) is None
    assert completes_today(100, series, ZoneInfo("UTC"), now=TODAY + HOUR) == 0


def test_all_completes_of_a_group_that_began_today_are_of_today() -> None:
    series = Readings(np.array([(TODAY + 9 * HOUR).timestamp()]), np.array([7.0]))
    assert completes_today(12, series, ZoneInfo("UTC"), now=NOW) == 12
    nothing = Readings(np.array([]), np.array([]))
    assert completes_today(0, nothing, ZoneInfo("UTC"), now=NOW) == 0
    assert completes_today(3, nothing, ZoneInfo("UTC"), now=NOW) is None


def test_an_insight_is_dated_on_a_new_day_even_if_it_says_the_same() -> None:
    group = TargetGroup(time_zone="Asia/Tokyo")
    before = datetime(2026, 11, 19, 14, 59, tzinfo=UTC)
    store_insight(group, Insight(today=0), now=before)
    first = group.insight
    store_insight(group, Insight(today=0), now=before - HOUR)
    assert group.insight is first
    store_insight(group, Insight(today=0), now=before + timedelta(minutes=2))
    assert group.insight["at"] == "2026-11-19T15:01:00+00:00"


def field(**fields: Any) -> TargetGroup:
    given: dict[str, Any] = {
        "time_zone": "UTC",
        "cpi": Decimal(2),
        "currency": "USD",
        "completes": 100,
        "completes_goal": 200,
        "filling_goal": 200,
        "ends_at": TODAY + 4 * DAY,
        "last_complete_at": NOW - HOUR,
        "insight": {"at": (NOW - HOUR).isoformat(), "today": 10},
    }
    project = factories.project(factories.account())
    return factories.group(project, **(given | fields))


def summed(now: datetime = NOW) -> headline.Headline:
    rows = TargetGroup.objects.values_list(*headline.FIELDS, named=True)
    return headline.headline_of(rows, now=now)


@pytest.mark.django_db
def test_a_group_that_completed_today_counts_in_all_of_today() -> None:
    field()
    field(status="completed", completes=200, insight={"at": NOW.isoformat(), "today": 30})
    seen = summed()
    assert (seen.live, seen.today, seen.spent) == (1, 40, {"USD": Decimal(80)})
    assert seen.needed == pytest.approx((200 - 90) / 4 + (200 - 170) / 4)
    assert sum(seen.in_field.values()) == 1


@pytest.mark.django_db
def test_a_count_of_yesterday_is_not_of_today() -> None:
    yesterday = {"at": (TODAY - HOUR).isoformat(), "today": 500}
    field()
    field(insight=yesterday)  # live, not read since
    field(insight=yesterday, status="completed", last_complete_at=TODAY - HOUR)
    field(insight=yesterday, status="paused", last_complete_at=TODAY - HOUR)
    seen = summed()
    assert (seen.today, seen.unread) == (10, 1)
    assert seen.spent == {"USD": Decimal(20)}
    assert seen.needed == pytest.approx((200 - 90) / 4)


@pytest.mark.django_db
def test_today_begins_at_the_midnight_of_each_group() -> None:
    field(time_zone="Asia/Tokyo", insight={"at": "2026-11-19T15:30:00+00:00", "today": 3})
    field(time_zone="Europe/London", insight={"at": "2026-11-19T15:30:00+00:00", "today": 3})
    assert (summed().today, summed().unread) == (3, 1)


@pytest.mark.django_db
def test_a_live_group_without_completes_needs_some() -> None:
    field(completes=0, insight={}, last_complete_at=None)
    seen = summed()
    assert (seen.today, seen.unread, seen.needed) == (0, 0, 50)


@pytest.mark.django_db
def test_the_page_counts_what_completed_today_and_says_what_is_left_out(client: Client) -> None:
    now = datetime.now(UTC)
    group = field(
        status="completed",
        time_zone="",
        country_code="us",
        last_complete_at=now,
        insight={"at": now.isoformat(), "today": 31},
    )
    factories.group(group.project, last_complete_at=now, insight={})
    client.force_login(factories.person("viewer", group.account))
    page = " ".join(client.get("/").content.decode().split())
    strip = page.split("Completes today")[1].split("</dd>")[0]
    assert ">31</a>" in strip
    assert "excludes 1 group not updated since midnight" in strip
    assert "62 USD" in page
