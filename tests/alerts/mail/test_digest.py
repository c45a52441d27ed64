"""The daily digest and quiet hours, on people's own clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox, preferences, unsubscribe
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Mail, MailPreferences, Mute, Notice, User
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, mails, update

MONDAY_8 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def digests(field: Field) -> list[Mail]:
    """The digests to the project manager."""
    return [mail for mail in mails() if mail.digest_day and mail.recipient == field.pm]


def test_all_is_well_is_said_on_monday_morning_once(field: Field) -> None:
    field.group()
    outbox.compose_due_mails(now=MONDAY_8 - timedelta(seconds=1))
    assert digests(field) == []
    outbox.compose_due_mails(now=MONDAY_8)
    outbox.compose_due_mails(now=MONDAY_8 + timedelta(hours=3))
    (mail,) = digests(field)
    assert mail.subject == "Your live group is on track"
    assert mail.text.startswith("Your live group is on track: no alerts are open.")


def test_warnings_wait_for_the_digest(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    assert Notice.objects.count() == 1
    assert outbox.compose_due_mails(now=after(70)) == 0
    outbox.compose_due_mails(now=MONDAY_8)
    assert digests(field)[0].subject == "1 new: High drop-off: Japan 25–54, 40 % · limit 30 %"
    assert Notice.objects.filter(mail=digests(field)[0]).count() == 1


def test_what_is_still_open_is_in_the_next_digest_too(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    outbox.compose_due_mails(now=MONDAY_8 + timedelta(days=1))
    assert digests(field)[1].subject.startswith("1 still open: High drop-off")


def test_no_digest_at_the_weekend(field: Field) -> None:
    outbox.compose_due_mails(now=MONDAY_8 - timedelta(days=1))
    assert digests(field) == []


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", time(2, 30), date(2026, 3, 29)),  # an hour that is skipped
        ("Europe/Berlin", time(2, 30), date(2026, 10, 25)),  # an hour that comes twice
        ("America/New_York", time(2, 0), date(2026, 3, 8)),
        ("America/New_York", time(1, 30), date(2026, 11, 1)),
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 4)),  # half an hour is skipped
    ],
)
def test_a_digest_comes_once_on_the_day_that_the_clocks_change(
    field: Field, zone: str, at: time, day: date
) -> None:
    update(field.pm, time_zone=zone, date_joined=datetime(2026, 1, 1, tzinfo=UTC))
    MailPreferences.objects.create(user=field.pm, digest_at=at, digest_days="1234567")
    midnight = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
    tomorrow = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).astimezone(UTC)
    now = midnight + timedelta(minutes=1)
    outbox.compose_due_mails(now=now)  # yesterday's is not due any more
    while now < tomorrow:
        outbox.compose_due_mails(now=now)
        now += timedelta(minutes=10)
    assert [mail.digest_day for mail in digests(field)] == [day]


@pytest.mark.parametrize(
    ("hour", "quiet"),
    [(7.4, True), (7.6, False), (12, False), (19.9, False), (20, True), (2, True)],
)
def test_quiet_hours_follow_the_persons_clock(hour: float, quiet: bool) -> None:
    person = User(time_zone="Asia/Tokyo")
    midnight = datetime(2026, 11, 18, 0, 0, tzinfo=zone_named(person.time_zone))
    now = midnight + timedelta(hours=hour)
    assert preferences.in_quiet_hours(MailPreferences(), 2, user=person, now=now) is quiet
    assert preferences.in_quiet_hours(MailPreferences(), 1, user=person, now=now) is False


def test_by_default_weekends_are_quiet_for_what_is_not_critical(field: Field) -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert preferences.in_quiet_hours(MailPreferences(), 2, user=field.pm, now=saturday)


@pytest.mark.parametrize(
    ("day", "zone", "quiet"),
    [
        (datetime(2026, 11, 18, 12, 0, tzinfo=UTC), "UTC", True),  # a Wednesday
        (datetime(2026, 11, 19, 12, 0, tzinfo=UTC), "UTC", False),
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), "UTC", False),  # a Saturday
        (datetime(2026, 11, 17, 23, 0, tzinfo=UTC), "Asia/Tokyo", True),  # Wednesday in Tokyo
        (datetime(2026, 11, 18, 23, 0, tzinfo=UTC), "Asia/Tokyo", False),
    ],
)
def test_chosen_days_are_quiet_on_the_persons_clock(day: datetime, zone: str, quiet: bool) -> None:
    choice = MailPreferences(quiet_days="37")
    person = User(time_zone=zone)
    assert preferences.in_quiet_hours(choice, 2, user=person, now=day) is quiet
    assert preferences.in_quiet_hours(choice, 1, user=person, now=day) is False
    choice.quiet_critical = True
    assert preferences.in_quiet_hours(choice, 1, user=person, now=day) is quiet


def test_a_critical_alert_waits_for_the_end_of_quiet_where_a_person_chose_so(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, quiet_critical=True, digest=False)
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    field.paused(ends_at=saturday + timedelta(hours=60))
    field.cycle(saturday)
    assert outbox.compose_due_mails(now=datetime(2026, 11, 23, 7, 29, tzinfo=UTC)) == 0
    assert outbox.compose_due_mails(now=datetime(2026, 11, 23, 7, 30, tzinfo=UTC)) == 1


def test_an_alert_of_six_quiet_days_is_mailed_at_their_end(field: Field) -> None:
    now = MailPreferences.Now.WARNINGS
    MailPreferences.objects.create(user=field.pm, now=now, quiet_days="123456", digest=False)
    monday = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    field.group(drop_off_rate=0.4, last_complete_at=monday, ends_at=monday + timedelta(days=30))
    for minute in range(0, 61, 15):
        field.cycle(monday + timedelta(minutes=minute))
    for day in range(1, 6):
        outbox.compose_due_mails(now=monday + timedelta(days=day, hours=12))
    outbox.compose_due_mails(now=monday + timedelta(days=6, hours=7.49))
    assert not Mail.objects.filter(recipient=field.pm).exists()
    outbox.compose_due_mails(now=monday + timedelta(days=6, hours=7.5))
    assert "High drop-off: Japan" in Mail.objects.get(recipient=field.pm).subject


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 10, 25, 0, 29, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), False),
    ],
)
def test_quiet_hours_are_one_stretch_when_an_hour_comes_twice(
    now: datetime, expected: bool
) -> None:
    choice = MailPreferences(quiet_from=time(2, 30), quiet_until=time(3, 0), quiet_days="")
    seen = preferences.in_quiet_hours(choice, 2, user=User(time_zone="Europe/Berlin"), now=now)
    assert seen is expected


def test_who_wants_warnings_at_once_gets_them(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, now=MailPreferences.Now.WARNINGS)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    assert outbox.compose_due_mails(now=after(62)) == 1


def test_one_click_stops_mail_of_its_kind_and_no_other(field: Field) -> None:
    assert (
        unsubscribe.stop_mail(unsubscribe.unsubscribe_token(field.pm, unsubscribe.NOW))
        == unsubscribe.NOW
    )
    choice = MailPreferences.objects.get(user=field.pm)
    assert (choice.now, choice.digest) == (MailPreferences.Now.NOTHING, True)
    unsubscribe.stop_mail(unsubscribe.unsubscribe_token(field.pm, unsubscribe.DIGEST))
    choice.refresh_from_db()
    assert choice.digest is False


@pytest.mark.parametrize("forged", ["", "x", "WzEsIm5vdyJd:abc"])
def test_a_token_that_we_never_signed_stops_nothing(db: Any, forged: str) -> None:
    assert unsubscribe.stop_mail(forged) is None
    assert not MailPreferences.objects.exists()


def test_a_recovery_waits_for_the_digest(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    update(group, status="live", last_complete_at=after(9))
    field.cycles(10)
    assert outbox.compose_due_mails(now=after(20)) == 0
    outbox.compose_due_mails(now=MONDAY_8)
    assert "1 resolved" in digests(field)[0].subject
    assert digests(field)[0].created_at > factories.NOW


def test_a_person_whose_zone_does_not_exist_lives_in_utc() -> None:
    assert zone_named("Moon/Base").key == "UTC"


def test_what_nobody_was_told_of_yet_is_new_though_it_was_repeated_meanwhile(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15), 25 * 60)
    detect.evaluate_by_time(now=after(25 * 60))
    assert kinds() == ["fire", "repeat"]
    outbox.compose_due_mails(now=MONDAY_8)
    told = digests(field)[0]
    assert told.subject.startswith("1 new: High drop-off")
    assert told.text.startswith("NEW\n\nHigh drop-off: Japan 25–54, 40 %")


def test_what_was_told_before_is_a_line_each_with_its_link(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    outbox.compose_due_mails(now=MONDAY_8 + timedelta(days=1))
    told = digests(field)[1].text
    what = "High drop-off: Japan 25–54, 40 % · limit 30 %"
    assert f"- {what} (open since Fri 12:00 UTC)" in told
    assert "/incidents/" in told
    assert "/act/" not in told


def digest_of(user: User) -> Mail:
    """The digest of Monday morning to somebody."""
    outbox.compose_due_mails(now=MONDAY_8)
    return Mail.objects.get(recipient=user, digest_day__isnull=False)


def test_all_is_not_well_where_only_others_are_told(field: Field) -> None:
    viewer = factories.person("viewer", field.account, date_joined=factories.NOW)
    field.group()
    field.paused(name="Streaming")
    field.cycles(0)
    mail = digest_of(viewer)
    assert mail.subject == "No alerts for you: 1 live group, 1 open elsewhere"
    assert mail.text.startswith("No alerts for you.")
    for words in (mail.text, mail.html):
        assert "on track" not in words
        assert "1 alert is open for other recipients (1 critical)" in words


def test_what_others_are_told_of_is_counted_beside_ones_own(field: Field) -> None:
    field.paused()
    field.paused(name="Streaming", project_manager_id="pm-2")
    other = factories.person(
        "editor", field.account, exchange_user_id="pm-2", date_joined=factories.NOW
    )
    field.cycles(0)
    mail = digest_of(other)
    assert mail.subject.startswith("1 still open: Paused: Streaming")
    assert "1 more alert is open for other recipients (1 critical)" in mail.text


def test_what_fired_before_somebody_was_here_is_in_their_digest(field: Field) -> None:
    field.paused(project_manager_id="pm-2")
    field.cycles(0)
    late = factories.person(
        "viewer", field.account, exchange_user_id="pm-2", date_joined=factories.NOW
    )
    mail = digest_of(late)
    assert mail.subject.startswith("1 still open: Paused: Japan 25–54")
    assert "others" not in mail.text


def test_what_fired_while_an_address_was_refused_is_in_the_next_digest(field: Field) -> None:
    update(field.pm, email_refused="550")
    field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(5))
    assert Notice.objects.get(recipient=field.pm).skipped
    update(field.pm, email_refused="")
    assert digest_of(field.pm).subject.startswith("1 still open: Paused: Japan 25–54")


def test_what_is_muted_is_not_counted_as_open_with_others(field: Field) -> None:
    viewer = factories.person("viewer", field.account, date_joined=factories.NOW)
    group = field.paused()
    field.cycles(0)
    Mute.objects.create(
        account=field.account,
        group=group,
        created_at=factories.NOW,
        until=MONDAY_8 + timedelta(days=1),
    )
    assert digest_of(viewer).subject == "No live groups"
