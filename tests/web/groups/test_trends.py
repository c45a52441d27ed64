"""From when on trends are shown, and how many of the readings."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Reading, TargetGroup
from dashboard.web.groups.trends import LONGEST, readings_to_show, trend_start
from tests import factories
from tests.factories import NOW

TOKYO = ZoneInfo("Asia/Tokyo")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def hourly(hours: int) -> list[tuple[datetime, float]]:
    """A reading an hour, the last one now (21:00 in Tokyo); its value is its number."""
    return [(NOW - (hours - n) * HOUR, float(n)) for n in range(1, hours + 1)]


def test_a_young_group_has_each_reading() -> None:
    assert readings_to_show(hourly(72), TOKYO) == hourly(72)
    assert readings_to_show([], TOKYO) == []


def test_an_older_group_has_the_last_reading_of_each_local_day() -> None:
    shown = readings_to_show(hourly(10 * 24), TOKYO)
    assert len(shown) == 11  # nine whole days and two parts
    assert {f"{at.astimezone(TOKYO):%H:%M}" for at, _ in shown[:-1]} == {"23:00"}
    assert shown[-1] == hourly(10 * 24)[-1]


@pytest.mark.parametrize(
    ("starts_at", "begins"),
    [
        (NOW - 9 * DAY, NOW - 9 * DAY),
        (NOW - 90 * DAY, NOW - LONGEST),
        (NOW + DAY, NOW - LONGEST),
        (None, NOW - LONGEST),
    ],
)
def test_a_trend_begins_with_fielding(starts_at: datetime | None, begins: datetime) -> None:
    assert trend_start(TargetGroup(starts_at=starts_at), NOW) == begins


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.mark.django_db
def test_the_chart_has_a_point_a_day_of_an_older_group(
    client: Client, account: ExchangeAccount
) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    group = factories.group(factories.project(account), country_code="jp", starts_at=now - 20 * DAY)
    Reading.objects.bulk_create(
        Reading(group=group, at=now - hours * HOUR, median_loi_seconds=600 + hours)
        for hours in range(240)
    )
    client.force_login(factories.person("viewer", account))
    (line,) = client.get(f"/groups/{group.pk}/trend.json").json()["data"]
    assert len(line["x"]) in (10, 11)
    assert line["x"][-1] == f"{now.astimezone(TOKYO):%Y-%m-%dT%H:%M:%S}"
    assert line["y"][-1] == 10
