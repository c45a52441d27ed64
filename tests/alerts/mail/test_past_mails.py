"""The sentence beside the settings: how many emails they would have sent."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from dashboard.alerts.mail import outbox
from dashboard.alerts.mail.past_mails import count_past_mails
from dashboard.fielding.models import Downtime, Mail, MailPreferences
from tests import factories
from tests.fakes.alert_scenario import Field, after, update

Now, About = MailPreferences.Now, MailPreferences.About


@pytest.mark.parametrize(
    ("now", "immediate"), [(Now.NOTHING, 0), (Now.CRITICAL, 2), (Now.WARNINGS, 3)]
)
def test_alerts_within_a_minute_count_as_one_email(
    field: Field, now: MailPreferences.Now, immediate: int
) -> None:
    for minute in (0, 0.9, 30):
        field.paused()
        field.cycles(minute)
    field.paused(ends_at=factories.NOW + timedelta(days=14))
    field.cycles(60)
    choice = MailPreferences(user=field.pm, now=now, digest_days="135")
    assert count_past_mails(field.pm, choice, now=after(70)) == (immediate, 6)
    later = after(70) + timedelta(days=14)
    assert count_past_mails(field.pm, choice, now=later).immediate == 0


def test_without_a_digest_none_is_counted(field: Field) -> None:
    choice = MailPreferences(user=field.pm, digest=False)
    assert count_past_mails(field.pm, choice, now=after(0)) == (0, 0)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"now": Now.EVERYTHING},
        {"now": Now.WARNINGS, "quiet_days": "567"},
        {"now": Now.WARNINGS, "quiet_days": "", "quiet_critical": True},
        {"quiet_critical": True},
        {"quiet_from": time(9), "quiet_until": time(17), "quiet_critical": True},
        {"about": About.GROUPS, "now": Now.EVERYTHING},
    ],
    ids=str,
)
def test_the_count_is_what_is_really_sent(field: Field, chosen: dict[str, Any]) -> None:
    """Two days of alerts from Friday noon, the second a few minutes after the first."""
    choice = MailPreferences.objects.create(user=field.pm, digest=False, **chosen)
    alerts = [round(hours * 60) for hours in (0, 0.06, 3, 9, 10, 20, 21, 30, 47)]
    ends_of_quiet = [(24 * day + hour - 12) * 60 for day in range(1, 5) for hour in (0, 7.5, 17)]
    rounds = {at + step for at in (*alerts, *ends_of_quiet) for step in range(0, 9, 2)}
    for minute in sorted(rounds):
        if minute in alerts:
            field.paused(ends_at=after((700 if minute in alerts[3::5] else 70) * 60))
            field.cycles(minute)
        outbox.compose_due_mails(now=after(minute))
    sent = Mail.objects.filter(recipient=field.pm).count()
    assert sent >= 2
    assert count_past_mails(field.pm, choice, now=after(max(rounds))) == (sent, 0)


def test_more_than_three_projects_at_the_end_of_quiet_hours_share_an_email(field: Field) -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    choice = MailPreferences.objects.create(user=field.pm, quiet_critical=True, digest=False)
    for number in range(4):
        field.project = factories.project(field.account, name=f"Project {number}")
        field.paused(ends_at=saturday + timedelta(hours=60))
        field.cycle(saturday + timedelta(minutes=number))
    monday = datetime(2026, 11, 23, 7, 29, tzinfo=UTC)
    assert count_past_mails(field.pm, choice, now=monday).immediate == 0
    monday += timedelta(minutes=2)
    outbox.compose_due_mails(now=monday)
    assert Mail.objects.count() == count_past_mails(field.pm, choice, now=monday).immediate == 1


def test_what_an_outage_hid_counts_as_one_email_until_the_next_day(field: Field) -> None:
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(60))
    for number in range(4):
        field.paused(name=f"Group {number}")
    field.cycle(after(61))
    choice = MailPreferences.objects.create(user=field.pm, digest=False, quiet_days="")
    for minute in (80, 200, 1700, 3000):
        field.cycle(after(minute))
        outbox.compose_due_mails(now=after(minute))
    sent = Mail.objects.filter(recipient=field.pm, subject__startswith="We found")
    assert sent.count() == count_past_mails(field.pm, choice, now=after(100)).immediate == 1


def test_only_what_the_emails_are_about_is_counted(field: Field) -> None:
    field.paused(project_manager_id="nobody")
    field.cycles(0)
    choice = MailPreferences(user=field.pm, about=About.CHOSEN)
    assert count_past_mails(field.pm, choice, now=after(70)).immediate == 0
    choice.chosen_projects = [field.project.pk]
    assert count_past_mails(field.pm, choice, now=after(70)).immediate == 1


def test_alerts_of_a_connection_that_was_left_are_not_counted(field: Field) -> None:
    field.paused()
    field.cycles(0)
    choice = MailPreferences(user=field.pm)
    assert count_past_mails(field.pm, choice, now=after(70)).immediate == 1
    update(field.pm.memberships.get(), account=factories.account(name="Another"))
    assert count_past_mails(field.pm, choice, now=after(70)).immediate == 0


def test_counting_costs_three_queries_however_many_alerts(
    field: Field, django_assert_num_queries: Any
) -> None:
    """One for the alerts, two for the people of an account."""
    for _ in range(12):
        field.paused()
    field.cycles(0)
    choice = MailPreferences(user=field.pm, about=About.GROUPS)
    with django_assert_num_queries(3):
        assert count_past_mails(field.pm, choice, now=after(70)).immediate == 1
    with django_assert_num_queries(1):
        count_past_mails(field.pm, MailPreferences(user=field.pm), now=after(70))
