"""The calendar feed: what calendars read, and that it says nothing to anybody else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.fielding.models import AccessToken, Change, Membership, TargetGroup
from dashboard.web.api import calendar_feed
from tests import factories
from tests.web.api.conftest import SECRET, ApiWorld

ADDRESS = "/calendar/fw_calendar.ics"
ENDS = timezone.now().replace(microsecond=0) + timedelta(days=3)


@pytest.fixture
def calendar(api_world: ApiWorld, settings: Settings) -> AccessToken:
    """Anna's calendar: one group ends in three days, the other a day earlier."""
    settings.FIELDWATCH_URL = "https://fieldwatch.example.com"
    TargetGroup.objects.filter(pk=api_world.group.pk).update(ends_at=ENDS, name="Japan, 25–54")
    TargetGroup.objects.filter(pk=api_world.other.pk).update(ends_at=ENDS - timedelta(days=1))
    given: dict[str, Any] = {"purpose": AccessToken.Purpose.CALENDAR, "expires_at": None}
    return factories.access_token(api_world.anna, "fw_calendar", scopes=[], **given)


def _events(response: HttpResponse) -> dict[str, Any]:
    """The events of a feed by their UID without the host."""
    feed = Calendar.from_ical(response.content)
    return {str(event["uid"]).partition("@")[0]: event for event in feed.walk("VEVENT")}


def test_the_ends_of_groups_and_projects_are_events_in_utc(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    response = client.get(ADDRESS)
    events = _events(response)  # type: ignore[arg-type]
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    group = events[f"group-{api_world.group.pk}"]
    assert group["summary"] == "Group ends: Japan, 25–54"
    assert group["dtstart"].dt == ENDS
    assert f"DTSTART:{ENDS:%Y%m%dT%H%M%SZ}" in response.content.decode()
    assert group["uid"] == f"group-{api_world.group.pk}@fieldwatch.example.com"
    assert group["url"] == f"https://fieldwatch.example.com/groups/{api_world.group.pk}/"
    assert events[f"project-{api_world.project.pk}"]["dtstart"].dt == ENDS
    assert events[f"group-{api_world.other.pk}"]["dtstart"].dt == ENDS - timedelta(days=1)
    assert f"group-{api_world.foreign.pk}" not in events


def test_reconciliation_ends_on_a_whole_day(calendar: AccessToken) -> None:
    now = datetime(2026, 11, 26, 5, 59, tzinfo=UTC)  # 23:59 on the 25th in US Central
    events = calendar_feed.load_events(calendar, now=now)
    days = {event.key: event.at for event in events if event.key.startswith("reconciliation")}
    assert days == {
        "reconciliation-2026-11": date(2026, 11, 25),
        "reconciliation-2026-12": date(2026, 12, 25),
    }
    later = calendar_feed.load_events(calendar, now=now + timedelta(minutes=1))
    assert not any(event.key == "reconciliation-2026-11" for event in later)
    text = calendar_feed.calendar_text(events).decode()
    assert "SUMMARY:Reconciliation ends: completes of October 2026" in text
    assert "DTSTART;VALUE=DATE:20261125\r\n" in text
    assert "DTEND;VALUE=DATE:20261126\r\n" in text


def test_the_feed_is_what_calendars_expect(calendar: AccessToken, client: Client) -> None:
    text = client.get(ADDRESS).content.decode()
    for line in (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Fieldwatch",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ):
        assert f"{line}\r\n" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    for event in Calendar.from_ical(text).walk("VEVENT"):
        for name in ("uid", "dtstamp", "dtstart", "summary", "sequence", "last-modified"):
            assert name in event


def test_no_price_is_in_it(api_world: ApiWorld, calendar: AccessToken, client: Client) -> None:
    TargetGroup.objects.filter(pk=api_world.other.pk).update(name="Germany")
    events = _events(client.get(ADDRESS))  # type: ignore[arg-type]
    words = " ".join(
        re.sub(r"https?://\S+", "", str(value))  # an address has the id of a group
        for event in events.values()
        for name, value in event.items()
        if name not in {"UID", "URL", "SEQUENCE"} and not hasattr(value, "dt")
    )
    assert "Japan, 25–54" in words
    assert "Germany" in words
    for amount in ("2.75", "270", "310", "USD", "JPY", "1000"):
        assert amount not in words


def test_a_moved_end_has_the_same_uid_and_a_higher_sequence(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    key = f"group-{api_world.group.pk}"
    before = client.get(ADDRESS)
    TargetGroup.objects.filter(pk=api_world.group.pk).update(ends_at=ENDS + timedelta(days=2))
    Change.objects.create(
        account=api_world.group.account,
        group=api_world.group,
        batch_id="1",
        occurred_at=factories.NOW,
        seen_at=factories.NOW,
        kind="fielding_period_end_date_change",
    )
    after = client.get(ADDRESS, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    old, new = (_events(each)[key] for each in (before, after))  # type: ignore[arg-type]
    assert new["uid"] == old["uid"]
    assert new["sequence"] > old["sequence"]
    assert new["last-modified"].dt == factories.NOW
    project = _events(after)[f"project-{api_world.project.pk}"]  # type: ignore[arg-type]
    assert project["dtstart"].dt == ENDS + timedelta(days=2)


def test_an_unchanged_feed_is_304_whatever_is_polled(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    etag = client.get(ADDRESS)["ETag"]
    TargetGroup.objects.filter(pk=api_world.group.pk).update(completes=150, changed_at=ENDS)
    unchanged = client.get(ADDRESS, headers={"If-None-Match": etag})
    assert unchanged.status_code == 304
    assert unchanged.content == b""


def test_only_mine_is_what_the_exchange_user_manages(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    AccessToken.objects.filter(pk=calendar.pk).update(only_mine=True)
    Membership.objects.filter(user=api_world.anna).update(exchange_user_id="u1")
    assert not any(key.startswith("group") for key in _events(client.get(ADDRESS)))  # type: ignore[arg-type]
    TargetGroup.objects.filter(pk=api_world.other.pk).update(project_manager_id="u1")
    events = _events(client.get(ADDRESS))  # type: ignore[arg-type]
    assert {key for key in events if key.startswith("group")} == {f"group-{api_world.other.pk}"}


def test_what_is_over_or_no_longer_listed_leaves_the_calendar(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    TargetGroup.objects.filter(pk=api_world.group.pk).update(status="completed")
    TargetGroup.objects.filter(pk=api_world.other.pk).update(missing_since=factories.NOW)
    assert not any(key.startswith("group") for key in _events(client.get(ADDRESS)))  # type: ignore[arg-type]


def test_whatever_is_wrong_with_an_address_the_answer_is_the_same(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    assert client.get(ADDRESS).status_code == 200
    answers = [client.get("/calendar/fw_unknown.ics"), client.get(f"/calendar/{SECRET}.ics")]
    AccessToken.objects.filter(pk=calendar.pk).update(revoked_at=factories.NOW)
    answers.append(client.get(ADDRESS))
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, answers[0].content)
    }
    for answer in answers:
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert answer["Referrer-Policy"] == "no-referrer"
    assert client.post(ADDRESS).status_code == 405


def test_who_loses_access_has_an_empty_calendar(
    api_world: ApiWorld, calendar: AccessToken, client: Client
) -> None:
    Membership.objects.filter(user=api_world.anna).delete()
    response = client.get(ADDRESS)
    assert (response.status_code, _events(response)) == (200, {})  # type: ignore[arg-type]


def test_a_calendar_that_asks_too_often_waits(
    calendar: AccessToken, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    AccessToken.objects.filter(pk=calendar.pk).update(window_at=timezone.now(), window_count=60)
    refused = client.get(ADDRESS)
    assert refused.status_code == 429
    assert 3500 < int(refused["Retry-After"]) <= 3600


def test_the_token_is_in_no_log(
    calendar: AccessToken, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get(ADDRESS)
    assert calendar.last_used_at is None
    calendar.refresh_from_db()
    assert calendar.last_used_at is not None
    facts = [getattr(record, "of", {}) for record in caplog.records]
    assert [fact["path"] for fact in facts if "path" in fact] == ["/calendar/…"]


def test_the_number_of_queries_does_not_grow_with_the_groups(
    api_world: ApiWorld,
    calendar: AccessToken,
    client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        factories.group(factories.project(api_world.project.account), ends_at=ENDS)
    with django_assert_num_queries(5):
        assert len(_events(client.get(ADDRESS))) > 10  # type: ignore[arg-type]
