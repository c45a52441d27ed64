"""Scheduled statuses: once a day to each address, on the sharing person's clock, whatever dies."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.core import mail as sent
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from dashboard.alerts.mail import outbox
from dashboard.alerts.mail.client.body import render_client_status
from dashboard.fielding.figures.client.status import load_client_status
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    ExchangeAccount,
    Mail,
    Membership,
    Project,
    SharedStatus,
    StatusAddress,
    StatusSchedule,
    User,
)
from dashboard.fielding.models.querysets.rows import MailQuerySet
from tests import factories
from tests.alerts.test_crash import dying

pytestmark = pytest.mark.django_db
MONDAY_9 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def ann(account: ExchangeAccount) -> User:
    """An editor of the account, on UTC."""
    return factories.person("editor", account)


@pytest.fixture
def shared(account: ExchangeAccount) -> SharedStatus:
    """The status of a project with one group."""
    project = factories.project(account, name="Tracker")
    factories.group(project, insight={"forecast": {"at_end": [200, 210, 220]}})
    refresh_project_outlook(project.pk, now=factories.NOW)
    return factories.shared_status(Project.objects.get(pk=project.pk), closing="Ask Ann & Bo.")


def days_of(address: StatusAddress) -> list[date | None]:
    return list(address.mails.order_by("status_day").values_list("status_day", flat=True))


def test_each_address_gets_its_own_email_once_a_day(shared: SharedStatus, ann: User) -> None:
    first, second = (factories.status_address(shared, ann) for _ in range(2))
    assert outbox.compose_due_mails(now=MONDAY_9 - timedelta(minutes=1)) == 0
    assert outbox.compose_due_mails(now=MONDAY_9) == 2
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(hours=2)) == 0
    assert outbox.send_due(now=MONDAY_9 + timedelta(hours=2)) == 2
    assert [message.to for message in sent.outbox] == [[first.address], [second.address]]
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 2


def test_the_email_has_one_click_unsubscribe_for_its_address(
    shared: SharedStatus, ann: User
) -> None:
    factories.status_address(shared, ann)
    outbox.compose_due_mails(now=MONDAY_9)
    outbox.send_due(now=MONDAY_9)
    (message,) = sent.outbox
    url = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert "/mail/stop/status/" in url
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in message.body


def test_no_status_comes_on_a_day_that_is_not_chosen(shared: SharedStatus, ann: User) -> None:
    factories.status_address(shared, ann)
    StatusSchedule.objects.update(days="2")
    assert outbox.compose_due_mails(now=MONDAY_9) == 0
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", time(2, 30), date(2026, 3, 29)),  # an hour that is skipped
        ("Europe/Berlin", time(2, 30), date(2026, 10, 25)),  # an hour that comes twice
        ("America/New_York", time(1, 30), date(2026, 11, 1)),
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 4)),  # half an hour is skipped
    ],
)
def test_it_comes_once_on_the_day_that_the_clocks_change(
    shared: SharedStatus, ann: User, zone: str, at: time, day: date
) -> None:
    User.objects.update(time_zone=zone)
    address = factories.status_address(shared, ann)
    january = datetime(2026, 1, 1, tzinfo=UTC)
    StatusSchedule.objects.update(at=at, changed_at=january)
    midnight, tomorrow = (
        datetime.combine(date_, time(0), ZoneInfo(zone)).astimezone(UTC)
        for date_ in (day, day + timedelta(days=1))
    )
    now = midnight + timedelta(minutes=1)
    while now < tomorrow:
        outbox.compose_due_mails(now=now)
        now += timedelta(minutes=10)
    assert days_of(address) == [day]


@pytest.mark.parametrize("survives", range(0, 22, 2))
def test_a_worker_that_dies_part_way_loses_and_doubles_nothing(
    shared: SharedStatus, ann: User, survives: int
) -> None:
    addresses = [factories.status_address(shared, ann) for _ in range(3)]
    dying(survives, lambda: outbox.compose_due_mails(now=MONDAY_9))
    outbox.compose_due_mails(now=MONDAY_9)
    for address in addresses:
        assert days_of(address) == [MONDAY_9.date()]


def test_a_worker_that_dies_while_sending_sends_the_same_message(
    shared: SharedStatus, ann: User
) -> None:
    factories.status_address(shared, ann)
    outbox.compose_due_mails(now=MONDAY_9)
    Mail.objects.update(leased_until=MONDAY_9 + outbox.LEASE, attempts=1)  # it died with the lease
    assert outbox.send_due(now=MONDAY_9 + timedelta(minutes=1)) == 0
    assert outbox.send_due(now=MONDAY_9 + outbox.LEASE) == 1
    assert outbox.send_due(now=MONDAY_9 + timedelta(hours=1)) == 0
    assert sent.outbox[0].extra_headers["Message-ID"] == Mail.objects.get().message_id


def test_a_schedule_that_was_saved_after_its_hour_begins_tomorrow(
    shared: SharedStatus, ann: User
) -> None:
    factories.status_address(shared, ann)
    StatusSchedule.objects.update(changed_at=MONDAY_9 + timedelta(minutes=1))
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(hours=1)) == 0
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 1


LOST = {
    "closed": lambda: User.objects.update(closed_at=MONDAY_9, is_active=False),
    "left": lambda: Membership.objects.all().delete(),
    "viewer": lambda: Membership.objects.update(role="viewer"),
    "removed": lambda: StatusAddress.objects.update(removed_at=MONDAY_9),
    "unsubscribed": lambda: StatusAddress.objects.update(stopped_at=MONDAY_9),
    "stopped": lambda: StatusSchedule.objects.update(days=""),
}


@pytest.mark.parametrize("reason", LOST)
def test_nothing_is_composed_nor_sent_once_it_must_not_be(
    shared: SharedStatus, ann: User, reason: str
) -> None:
    factories.status_address(shared, ann)
    assert outbox.compose_due_mails(now=MONDAY_9) == 1
    LOST[reason]()
    assert outbox.send_due(now=MONDAY_9) == 0
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 0
    assert sent.outbox == []
    assert not Mail.objects.exists()


def test_an_address_that_unsubscribed_does_not_stop_the_others(
    shared: SharedStatus, ann: User
) -> None:
    factories.status_address(shared, ann, stopped_at=MONDAY_9)
    other = factories.status_address(shared, ann)
    outbox.compose_due_mails(now=MONDAY_9)
    assert days_of(other) == [MONDAY_9.date()]
    assert Mail.objects.count() == 1


class Refusing(BaseEmailBackend):
    """A server that knows no such address."""

    def open(self) -> bool:
        return True

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise smtplib.SMTPRecipientsRefused({email_messages[0].to[0]: (550, b"unknown")})


def test_an_address_that_a_server_refuses_gets_no_more_until_it_is_saved_again(
    shared: SharedStatus, ann: User
) -> None:
    address = factories.status_address(shared, ann)
    outbox.compose_due_mails(now=MONDAY_9)
    assert outbox.send_due(now=MONDAY_9, connect=Refusing) == 0
    address.refresh_from_db()
    ann.refresh_from_db()
    assert "550" in address.refused
    assert ann.email_refused == ""
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 0
    StatusAddress.objects.update(refused="")
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(days=1)) == 1


def test_a_status_is_not_among_the_emails_to_the_person_who_shares_it(
    shared: SharedStatus, ann: User
) -> None:
    factories.status_address(shared, ann)
    outbox.compose_due_mails(now=MONDAY_9)
    assert MailQuerySet(Mail).to(ann).count() == 0


def test_nothing_comes_before_the_first_figures(shared: SharedStatus, ann: User) -> None:
    factories.status_address(shared, ann)
    Project.objects.update(read_at=None)
    assert outbox.compose_due_mails(now=MONDAY_9) == 0
    Project.objects.update(read_at=MONDAY_9)
    assert outbox.compose_due_mails(now=MONDAY_9 + timedelta(hours=1)) == 1


def test_the_html_is_well_formed_and_says_what_the_text_says(shared: SharedStatus) -> None:
    status = load_client_status(shared, zone=ZoneInfo("UTC"), now=factories.NOW)
    body = render_client_status(status, zone=ZoneInfo("UTC"), now=factories.NOW)
    tree = ElementTree.fromstring(body.html.partition("\n")[2])  # noqa: S314 - our own
    words = " ".join(" ".join(tree.itertext()).split())
    for part in (
        "Tracker",
        "Fieldwork is on track: we project about 200 of 200 completes by 27 Nov.",
        "Target by now",
        "United States",
        "Ask Ann & Bo.",
        "Figures of Fri 20 Nov 2026, 12:00 UTC, less than a minute ago",
    ):
        assert part in words
        assert part in body.text
    assert "Unsubscribe" not in body.text + body.html


def test_the_columns_of_a_text_table_stand_in_line(shared: SharedStatus) -> None:
    status = load_client_status(shared, zone=ZoneInfo("UTC"), now=factories.NOW)
    body = render_client_status(status, zone=ZoneInfo("UTC"), now=factories.NOW)
    assert (
        "By country\n"
        "Country        Completes  Goal  Projected    Ends\n"
        "United States        100   200        200  27 Nov\n"
    ) in body.text


def test_a_hostile_title_does_nothing(shared: SharedStatus) -> None:
    shared.title = "<script>alert(1)</script>\r\nBcc: x@example.com"
    status = load_client_status(shared, zone=ZoneInfo("UTC"), now=factories.NOW)
    body = render_client_status(status, zone=ZoneInfo("UTC"), now=factories.NOW)
    assert "<script>" not in body.html
    assert "\n" not in body.subject
