"""What becomes of a message: taken, refused for now, refused for good, sent again."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from dashboard.alerts import heartbeat
from dashboard.alerts.channels import outbox, schedule
from dashboard.alerts.channels.post import send_post
from dashboard.fielding.models import Channel, Mail, Notice
from tests.alerts.channels.conftest import MakeChannel
from tests.alerts.channels.test_services import deliver
from tests.fakes.alert_scenario import Field, after, update
from tests.fakes.channel_receiver import ChannelReceiver


@pytest.fixture
def sent(field: Field, channel: MakeChannel, receiver: ChannelReceiver) -> Channel:
    """A channel with a message that waits."""
    made = channel()
    field.paused()
    field.cycles(0)
    schedule.compose_due_messages(now=after(2))
    return made


def message() -> Mail:
    """The only message."""
    return Mail.objects.get()


def fresh(channel: Channel) -> Channel:
    """The channel as it is stored now."""
    return Channel.objects.get(pk=channel.pk)


def test_a_refusal_for_good_ends_the_channel_until_a_test_gets_through(
    sent: Channel, receiver: ChannelReceiver, field: Field
) -> None:
    for mood in ("401", "403", "404", "410", "302"):
        receiver.mood = mood
        assert outbox.send_due_messages(now=after(2)) == 0
        assert message().state == Mail.State.DEAD
        assert mood in message().error
        assert fresh(sent).refused
        assert fresh(sent).error == message().error
        assert outbox.send_dead_again(channel=sent, now=after(2)) == 1
    outbox.send_due_messages(now=after(2))
    field.paused(name="Later")
    field.cycles(10)
    assert schedule.compose_due_messages(now=after(12)) == 0, "it waits"
    receiver.mood = "ok"
    assert outbox.send_channel_test(channel=sent, now=after(13)).state == Mail.State.SENT
    assert not fresh(sent).refused
    assert fresh(sent).failing_since is None
    assert deliver(14) == 1
    assert outbox.send_dead_again(channel=sent, now=after(15)) == 1
    assert deliver(15) == 1
    assert receiver.requests == 5 + 1 + 1 + 1 + 1


def test_a_message_that_a_service_does_not_want_is_dead_and_its_channel_is_not(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    receiver.mood = "400"
    outbox.send_due_messages(now=after(2))
    assert message().state == Mail.State.DEAD
    assert message().error == "Slack answered 400: invalid_payload"
    assert not fresh(sent).refused


def test_a_service_that_asks_to_wait_is_waited_for(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    receiver.mood = "429"
    outbox.send_due_messages(now=after(2), rng=random.Random(1))  # noqa: S311
    assert message().state == Mail.State.WAITING
    assert message().next_try_at >= after(3.5)
    assert outbox.send_due_messages(now=after(3)) == 0
    assert receiver.requests == 1
    receiver.mood = "ok"
    assert outbox.send_due_messages(now=after(4)) == 1
    assert not message().unanswered, "the service said that it did not take it"


def test_a_message_is_given_up_after_a_day_and_the_channel_says_since_when(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    receiver.mood = "500"
    outbox.send_due_messages(now=after(2))
    outbox.send_due_messages(now=after(24 * 60 + 1))
    assert message().state == Mail.State.WAITING
    outbox.send_due_messages(now=after(24 * 60 + 9))
    assert message().state == Mail.State.DEAD
    assert fresh(sent).failing_since is not None
    assert fresh(sent).failing_since < after(3)  # type: ignore[operator]


def test_a_failing_channel_is_no_problem_of_email(sent: Channel, receiver: ChannelReceiver) -> None:
    heartbeat.record_heartbeat("time", now=after(60))
    receiver.mood = "500"
    outbox.send_due_messages(now=after(2))
    assert not [line for line in heartbeat.list_problems(now=after(60)) if "an email" in line]


def test_a_lease_that_ran_out_is_sent_again_and_says_so(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    update(message(), leased_until=after(7), attempts=1)  # a worker died with it
    assert outbox.send_due_messages(now=after(6)) == 0
    assert outbox.send_due_messages(now=after(7)) == 1
    assert message().unanswered


def test_a_connection_that_was_refused_is_no_lost_answer(
    sent: Channel, receiver: ChannelReceiver, settings: Any
) -> None:
    settings.CHANNEL_ALLOWED_HOSTS = ["127.0.0.1:9"]
    update(sent, address="")
    Channel.objects.get(pk=sent.pk)
    sent.address = "http://127.0.0.1:9/slack/x"
    sent.save()
    outbox.send_due_messages(now=after(2))
    assert message().state == Mail.State.WAITING
    assert not message().unanswered
    assert "could not be reached" in message().error


def test_a_slow_service_costs_its_deadline_and_no_more(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    receiver.mood = "takes and is slow"
    outbox.send_due_messages(now=after(2), post=partial(send_post, seconds=1.0))
    assert message().error == "127.0.0.1 did not answer in time"
    assert message().unanswered


def test_of_a_long_answer_only_the_beginning_is_read(
    sent: Channel, receiver: ChannelReceiver
) -> None:
    receiver.mood = "long"
    outbox.send_due_messages(now=after(2))
    assert len(message().error) < 300


def test_after_a_failure_the_other_messages_to_a_channel_wait_for_the_next_round(
    sent: Channel, receiver: ChannelReceiver, field: Field
) -> None:
    field.paused(name="Another")
    field.cycles(8)
    schedule.compose_due_messages(now=after(10))
    receiver.mood = "500"
    outbox.send_due_messages(now=after(10))
    assert receiver.requests == 1


def test_two_send_at_the_same_time_and_a_third_leaves_its_thread_to_others(
    sent: Channel, receiver: ChannelReceiver, channel: MakeChannel, field: Field
) -> None:
    first = message()
    for _ in range(2):
        copy = Mail.objects.get(pk=first.pk)
        copy.pk, copy.message_id, copy.leased_until = None, f"{first.pk}{_}", after(5)
        copy.save()
    assert outbox.send_due_messages(now=after(2)) == 0


def test_no_secret_is_stored_in_the_open_or_logged(
    sent: Channel, receiver: ChannelReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for mood in ("500", "404", "ok"):
        receiver.mood = mood
        outbox.send_channel_test(channel=sent, now=after(3))
    assert "s3cr3t" not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM fielding_channel")
        assert "s3cr3t" not in repr(cursor.fetchall())
        cursor.execute("SELECT * FROM fielding_mail")
        assert "s3cr3t" not in repr(cursor.fetchall())


def test_a_service_that_repeats_the_address_does_not_get_it_into_a_reason(sent: Channel) -> None:
    text = f"no such hook: {sent.address} in s3cr3t-slack-xyzw"
    assert "s3cr3t" not in outbox._without_address(text, sent)


def test_two_composers_store_one_message(sent: Channel, field: Field) -> None:
    assert schedule.compose_due_messages(now=after(2)) == 0
    notice = Notice.objects.get(channel=sent)
    assert notice.mail == message()
    assert message().created_at - notice.created_at <= timedelta(minutes=2)
