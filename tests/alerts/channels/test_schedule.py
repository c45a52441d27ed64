"""Which channel gets what, and when: the rules of email."""

from __future__ import annotations

from datetime import time

from django.utils import timezone

from dashboard.alerts.channels import outbox, schedule
from dashboard.fielding import people
from dashboard.fielding.audit import SYSTEM
from dashboard.fielding.models import (
    Channel,
    ExchangeAccount,
    Incident,
    Item,
    Mail,
    MailPreferences,
    Mute,
    Notice,
)
from tests import factories
from tests.alerts.channels.conftest import MakeChannel
from tests.fakes.alert_scenario import Field, after, update

Sends = Channel.Sends


def titles(channel: Channel, *minutes: float) -> list[str]:
    """What the channel has got after these rounds."""
    for minute in minutes:
        schedule.compose_due_messages(now=after(minute))
    return list(channel.messages.order_by("pk").values_list("subject", flat=True))


def test_an_account_a_project_and_a_person_get_what_is_theirs(
    field: Field, channel: MakeChannel
) -> None:
    other = factories.project(field.account, name="Other")
    elsewhere = factories.account()
    of_account, of_project = channel(), channel(project=field.project)
    of_other, of_stranger = channel(project=other), channel(account=elsewhere)
    of_pm = channel(owner=field.pm)
    of_admin = channel(owner=field.admin)
    field.paused()
    field.cycles(0)
    got = {each.pk: len(titles(each, 2)) for each in Channel.objects.all()}
    assert [got[each.pk] for each in (of_account, of_project, of_pm)] == [1, 1, 1]
    assert [got[each.pk] for each in (of_other, of_stranger, of_admin)] == [0, 0, 0]


def test_only_critical_alerts_and_their_end_where_a_channel_is_for_those(
    field: Field, channel: MakeChannel
) -> None:
    critical = channel(sends=Sends.CRITICAL)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    assert titles(critical, 65) == []
    group = field.paused(changed_at=after(66))
    field.cycles(66)
    assert len(titles(critical, 68)) == 1
    update(group, status="live", last_complete_at=after(69))
    field.cycles(70)
    assert [title[:22] for title in titles(critical, 80)][1:] == ["Tracker W23 – Resolved"]


def test_an_alert_that_turns_critical_after_it_was_sent_is_sent_again(
    field: Field, channel: MakeChannel
) -> None:
    all_alerts = channel()
    group = field.stalled(ends_at=after(60 * 24 * 9))
    field.cycles(0, 5)
    assert len(titles(all_alerts, 7)) == 1
    update(group, ends_at=after(60 * 40))
    field.cycles(20)
    assert Item.objects.get().critical
    assert len(titles(all_alerts, 22)) == 2


def test_a_hundred_alerts_are_one_message_and_five_minutes_lie_between_two(
    field: Field, channel: MakeChannel
) -> None:
    made = channel()
    for number in range(100):
        field.paused(name=f"Group {number}", status_reason="excessive_encryption_errors")
    field.cycles(0)
    (title,) = titles(made, 0.5, 2, 3)
    assert title == "Tracker W23 – 100 × encryption errors (10,000 completes at risk)"
    assert made.messages.get().message["parts"][0]["link"].endswith("/")  # type: ignore[index]
    field.paused(name="One more")
    field.cycles(3)
    assert len(titles(made, 5)) == 1
    assert len(titles(made, 8)) == 2


def test_quiet_hours_hold_back_all_but_critical_alerts(field: Field, channel: MakeChannel) -> None:
    quiet = {"quiet_from": time(11), "quiet_until": time(15), "quiet_days": ""}
    loud, silent = channel(**quiet), channel(**quiet, quiet_critical=True)
    field.group(drop_off_rate=0.4)
    field.paused()
    field.cycles(*range(0, 61, 15))
    assert [title[:20] for title in titles(loud, 62)] == ["Tracker W23 – Paused"]
    assert titles(silent, 62) == []
    assert len(titles(loud, 181)) == 2
    assert len(titles(silent, 181)) == 1


def test_a_flapping_alert_is_not_sent_and_a_muted_one_is_none(
    field: Field, channel: MakeChannel
) -> None:
    made = channel()
    field.paused()
    field.cycles(0)
    Notice.objects.update(in_digest=True)
    assert titles(made, 2) == []
    now = after(3)
    Mute.objects.create(account=field.account, created_at=now, until=after(600))
    field.paused(name="Muted")
    field.cycles(4)
    assert Notice.objects.filter(channel=made).count() == 1


def test_what_a_first_sync_finds_is_one_message(field: Field, channel: MakeChannel) -> None:
    made = channel()
    update(field.account, first_pull_completed_at=after(0))
    for number in range(8):
        field.paused(name=f"Group {number}")
    field.cycles(0)
    Incident.objects.update(since_before=True)
    assert titles(made, 2) == []
    assert titles(made, 11, 12, 30, 300) == ["We found 8 open problems in Tracker W23"]
    assert len(made.messages.get().message["parts"]) == 5  # type: ignore[index]


def test_a_digest_comes_once_a_day_also_without_alerts(field: Field, channel: MakeChannel) -> None:
    made = channel(sends=Sends.DIGEST, digest_at=time(13), digest_days="5")
    assert titles(made, 59) == []
    field.paused()
    field.cycles(10)
    assert titles(made, 60, 61, 120, 24 * 60 + 61) == ["Digest: 1 new"]
    week = 7 * 24 * 60
    assert titles(made, week + 60)[1:] == ["Digest: 1 still open"]
    Incident.objects.update(state="resolved")
    assert titles(made, 2 * week + 60)[2:] == ["Digest: no alerts are open"]


def test_the_choice_of_groups_and_a_lost_membership_narrow_what_a_person_gets(
    field: Field, channel: MakeChannel
) -> None:
    own = channel(owner=field.pm)
    MailPreferences.objects.create(user=field.pm, about="chosen", chosen_projects=[])
    field.paused()
    field.cycles(0)
    assert titles(own, 2) == []
    assert Notice.objects.get(channel=own).skipped == "outside what the recipient chose"
    field.paused(name="Later")
    field.cycles(10)
    field.pm.memberships.all().delete()
    assert titles(own, 12) == []
    assert Notice.objects.filter(channel=own, skipped="no longer a member").count() == 1


def test_who_left_an_account_finds_nothing_of_it_in_a_digest(
    field: Field, channel: MakeChannel
) -> None:
    own = channel(owner=field.pm, sends=Sends.DIGEST, digest_at=time(13), digest_days="56")
    field.paused()
    field.cycles(10)
    assert titles(own, 60) == ["Digest: 1 new"]
    field.pm.memberships.all().delete()
    assert titles(own, 24 * 60 + 60)[1:] == ["Digest: no alerts are open"]


def test_notices_that_no_message_will_bring_are_given_up_after_days(
    field: Field, channel: MakeChannel
) -> None:
    critical, refusing = channel(sends=Sends.CRITICAL), channel(refused=True)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    titles(critical, 9 * 24 * 60)
    reasons = dict(Notice.objects.filter(channel__isnull=False).values_list("channel", "skipped"))
    assert reasons == {
        critical.pk: "not among what the channel sends",
        refusing.pk: "the channel refused messages",
    }


def test_a_deleted_person_leaves_no_channel_and_a_closed_one_gets_nothing(
    field: Field, channel: MakeChannel
) -> None:
    shared = channel()
    channel(owner=field.pm)
    field.paused()
    field.cycles(0)
    schedule.compose_due_messages(now=after(2))
    people.close(user=field.pm, origin=SYSTEM, now=timezone.now())
    own = Mail.objects.get(channel__owner=field.pm)
    assert (own.state, own.error) == (Mail.State.DEAD, "the account is closed")
    people.delete(user=field.pm, origin=SYSTEM, now=timezone.now())
    assert [each.pk for each in Channel.objects.all()] == [shared.pk]
    assert Mail.objects.filter(channel__isnull=False).count() == 1


def test_a_removed_connection_takes_its_channels_along(field: Field, channel: MakeChannel) -> None:
    channel()
    field.paused()
    field.cycles(0)
    schedule.compose_due_messages(now=after(2))
    ExchangeAccount.objects.all().delete()
    assert not Mail.objects.exists()
    assert outbox.send_due_messages(now=after(3)) == 0
