"""The sentence beside the settings: how many emails they would have sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.alerts.mail.past_mails import count_past_mails
from dashboard.fielding.models import MailPreferences
from tests import factories
from tests.fakes.alert_scenario import Field, after


@pytest.mark.parametrize(
    ("now", "immediate"),
    [
        (MailPreferences.Now.NOTHING, 0),
        (MailPreferences.Now.CRITICAL, 2),
        (MailPreferences.Now.WARNINGS, 3),
    ],
)
def test_alerts_within_minutes_count_as_one_email(
    field: Field, now: MailPreferences.Now, immediate: int
) -> None:
    for minute in (0, 5, 30):
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
