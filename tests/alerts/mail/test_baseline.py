"""What was so already is one mail, whenever it is found, and never an alert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import (
    Downtime,
    ExchangeAccount,
    Item,
    Mail,
    MailPreferences,
    Notice,
)
from tests import factories
from tests.fakes.alert_scenario import Field, after, mails, update

MONDAY_8 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def first(field: Field) -> Field:
    """A field whose account is still being read for the first time."""
    update(field.account, first_pull_completed_at=None)
    return field


def complete(field: Field, minute: float) -> None:
    update(field.account, first_pull_completed_at=after(minute))


def read_other_project(field: Field, minute: float, **fields: Any) -> None:
    """The first reading of another project, with a group that Cint paused."""
    project = factories.project(field.account, project_manager_id=field.PM)
    paused = {"status": "paused", "status_changed_by": "system_user", "ends_at": after(2400)}
    factories.group(project, **(paused | fields))
    account = ExchangeAccount.objects.get(pk=field.account.pk)
    project.account = account
    detect.after_cycle(cycle=factories.cycle(project, after(minute)), now=after(minute))


def to_pm(field: Field) -> list[Mail]:
    return [mail for mail in mails() if mail.recipient == field.pm]


def test_a_first_read_is_one_mail_with_what_matters(first: Field) -> None:
    for number in range(30):
        first.paused(name=f"Group {number}", completes=100 + number)
    first.account.refresh_from_db()
    first.project.account = first.account
    first.cycles(0)
    read_other_project(first, 3)
    outbox.compose_due_mails(now=after(20))
    assert mails() == []
    complete(first, 25)
    for minute in (26, 35, 40, 60, 200):
        outbox.compose_due_mails(now=after(minute))
    (mail,) = to_pm(first)
    assert mail.subject == "We found 31 open problems in 2 projects"
    assert mail.text.count("/items/") == 5
    assert "Group 0\n" in mail.text
    assert "LOI above bid: shorten the surveys or re-bid LOI (30 groups" in mail.text
    assert len(mail.text.splitlines()) <= 35
    assert Notice.objects.filter(mail=None, recipient=first.pm).count() == 0
    assert Item.objects.filter(since_before=True).count() == 31


def test_all_cycles_of_a_first_pull_are_one_mail_unless_it_takes_a_day(first: Field) -> None:
    update(first.account, created_at=after(0))
    first.account.refresh_from_db()
    first.project.account = first.account
    for minute in (0, 5, 15):
        first.paused(name=f"Group {minute}")
        first.cycles(minute)
    assert set(Item.objects.values_list("since_before", flat=True)) == {True}
    complete(first, 16)
    for minute in (17, 27, 40):
        outbox.compose_due_mails(now=after(minute))
    assert [mail.subject for mail in to_pm(first)] == ["We found 3 open problems in Tracker W23"]
    first.paused(name="Next day")
    first.cycles(24 * 60 + 1)
    assert not Item.objects.get(target_group__name="Next day").since_before


def test_what_ripens_later_of_a_first_read_waits_for_the_digest(first: Field) -> None:
    first.account.refresh_from_db()
    first.project.account = first.account
    first.paused()
    first.group(name="Leaky", drop_off_rate=0.5, short_at_end=20.0)
    first.cycles(0)
    complete(first, 1)
    first.account.refresh_from_db()
    outbox.compose_due_mails(now=after(15))
    first.cycles(*range(15, 76, 15))
    assert Notice.objects.filter(recipient=first.pm).count() == 2
    for minute in (80, 200, 400):
        outbox.compose_due_mails(now=after(minute))
    assert len(to_pm(first)) == 1
    outbox.compose_due_mails(now=MONDAY_8)
    assert len(to_pm(first)) == 2


def test_what_is_new_after_a_first_read_is_an_alert(field: Field) -> None:
    field.cycles(0)
    field.paused()
    field.cycles(5)
    outbox.compose_due_mails(now=after(7))
    assert to_pm(field)[0].subject.startswith("Tracker W23 – Paused: Japan")


def test_an_outage_of_ours_is_one_mail_too(field: Field) -> None:
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(60))
    for number in range(4):
        field.paused(name=f"Group {number}")
    field.cycle(after(61))
    for minute in range(62, 120, 5):
        outbox.compose_due_mails(now=after(minute))
    assert [mail.subject for mail in to_pm(field)] == ["We found 4 open problems in Tracker W23"]


def test_who_wants_nothing_at_once_has_it_in_the_digest(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, now=MailPreferences.Now.NOTHING)
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(60))
    field.paused()
    field.cycle(after(61))
    outbox.compose_due_mails(now=after(100))
    assert to_pm(field) == []
    outbox.compose_due_mails(now=MONDAY_8)
    assert to_pm(field)[0].subject.startswith("1 new: Paused: Japan")
