"""What each answer of a service does to a message, to its channel and to what waits beside it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from dashboard.alerts.channels import outbox
from dashboard.alerts.channels.allowed_addresses import AddressRefused, AllowedAddresses
from dashboard.alerts.channels.message import ChannelMessage
from dashboard.alerts.channels.post import PostAnswer, PostUnanswered
from dashboard.alerts.channels.schedule import store_message
from dashboard.fielding.models import Channel, Mail
from tests import factories
from tests.fakes.alert_scenario import Field, after

SLACK = "https://hooks.slack.com/services/T0/B0/secrettoken"


class Longest(random.Random):
    """The longest wait of those that chance may give."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Service:
    """Answers each POST with the same, and counts them."""

    def __init__(self, answer: PostAnswer | Exception) -> None:
        self.answer, self.calls = answer, 0

    def __call__(
        self,
        url: httpx.URL,
        body: bytes,
        headers: dict[str, str],
        *,
        allowed: AllowedAddresses,
        now: datetime,
    ) -> PostAnswer:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answer(status: int, text: str = "", retry_after: float | None = None) -> Service:
    return Service(PostAnswer(status, text, retry_after))


@pytest.fixture
def channel(field: Field) -> Channel:
    return factories.channel(field.account, address=SLACK)


def stored(channel: Channel, minute: float = 0, **fields: Any) -> Mail:
    """A message that waits since this minute."""
    message = ChannelMessage(kind="alerts", title="Stalled: Japan")
    mail = store_message(channel, message, now=after(minute), account_id=channel.account_id)
    Mail.objects.filter(pk=mail.pk).update(**fields)
    return mail


def send(post: Service, minute: float = 0, **given: Any) -> int:
    return outbox.send_due_messages(now=after(minute), rng=Longest(), post=post, **given)


def minutes(at: datetime | None) -> float | None:
    return None if at is None else round((at - factories.NOW) / timedelta(minutes=1), 1)


def state_of(mail: Mail) -> tuple[Any, ...]:
    mail.refresh_from_db()
    waits = minutes(mail.next_try_at) if mail.state == Mail.State.WAITING else None
    return mail.state, mail.error, mail.unanswered, mail.attempts, waits


@pytest.mark.parametrize(
    ("post", "expected", "refused"),
    [
        (answer(200), ("sent", "", False, 1, None), False),
        (answer(299), ("sent", "", False, 1, None), False),
        (
            answer(199, "odd"),
            ("dead", "Slack answered 199: odd", False, 1, None),
            False,
        ),
        (
            answer(300, "moved"),
            ("dead", "Slack answered 300, a redirect, which is not followed", False, 1, None),
            True,
        ),
        (
            answer(399),
            ("dead", "Slack answered 399, a redirect, which is not followed", False, 1, None),
            True,
        ),
        (answer(400, "bad"), ("dead", "Slack answered 400: bad", False, 1, None), False),
        (answer(401), ("dead", "Slack answered 401", False, 1, None), True),
        (answer(403), ("dead", "Slack answered 403", False, 1, None), True),
        (answer(404), ("dead", "Slack answered 404", False, 1, None), True),
        (answer(410), ("dead", "Slack answered 410", False, 1, None), True),
        (answer(408), ("waiting", "Slack answered 408", False, 1, 0.2), False),
        (answer(425), ("waiting", "Slack answered 425", False, 1, 0.2), False),
        (answer(429, "", 120.0), ("waiting", "Slack answered 429", False, 1, 2.0), False),
        (answer(429, "", 3.0), ("waiting", "Slack answered 429", False, 1, 0.2), False),
        (answer(500), ("waiting", "Slack answered 500", False, 1, 0.2), False),
        (answer(502), ("waiting", "Slack answered 502", True, 1, 0.2), False),
        (answer(503), ("waiting", "Slack answered 503", False, 1, 0.2), False),
        (answer(504), ("waiting", "Slack answered 504", True, 1, 0.2), False),
        (
            Service(PostUnanswered("late", may_have_arrived=True)),
            ("waiting", "late", True, 1, 0.2),
            False,
        ),
        (
            Service(PostUnanswered("down", may_have_arrived=False)),
            ("waiting", "down", False, 1, 0.2),
            False,
        ),
        (Service(AddressRefused("Not here.")), ("dead", "Not here", False, 1, None), True),
    ],
)
def test_each_answer_has_its_end(
    channel: Channel, post: Service, expected: tuple[Any, ...], refused: bool
) -> None:
    mail = stored(channel)
    is_sent = expected[0] == "sent"
    assert send(post) == is_sent
    assert state_of(mail) == expected
    assert mail.leased_until is None
    channel.refresh_from_db()
    assert (channel.refused, channel.error) == (refused, expected[1])
    assert minutes(channel.failing_since) == (None if is_sent else 0)
    assert minutes(channel.last_sent_at) == (0 if is_sent else None)


def test_after_a_failure_the_rest_of_the_channel_waits_and_others_go_on(
    field: Field, channel: Channel
) -> None:
    other = factories.channel(field.account, address=SLACK)
    rows = [stored(channel), stored(channel), stored(other)]
    post = answer(500)
    assert send(post) == 0
    assert post.calls == 2
    assert [state_of(row)[3] for row in rows] == [1, 0, 1]
    assert send(answer(200), 1, limit=2) == 2
    assert send(answer(200), 1) == 1


def test_a_service_that_asks_to_wait_is_not_asked_for_its_other_messages(channel: Channel) -> None:
    first, second, later = stored(channel), stored(channel), stored(channel, next_try_at=after(9))
    send(answer(429, "", 300.0))
    assert [state_of(row)[4] for row in (first, second, later)] == [5.0, 5.0, 9.0]


def test_a_refusal_ends_what_waits_for_the_same_channel(field: Field, channel: Channel) -> None:
    other = factories.channel(field.account, address=SLACK)
    first, second, elsewhere = stored(channel), stored(channel), stored(other, 1)
    send(answer(404))
    assert [state_of(row)[:2] for row in (first, second, elsewhere)] == [
        ("dead", "Slack answered 404"),
        ("dead", "Slack answered 404"),
        ("waiting", ""),
    ]


@pytest.mark.parametrize(("hours", "state"), [(23.9, "waiting"), (24, "dead")])
def test_a_message_is_given_up_after_a_day(channel: Channel, hours: float, state: str) -> None:
    mail = stored(channel, created_at=after(-60 * hours), unanswered=True)
    send(answer(500))
    assert state_of(mail)[:3] == (state, "Slack answered 500", True)
    channel.refresh_from_db()
    assert channel.refused is False


def test_a_channel_fails_since_its_first_failure(channel: Channel) -> None:
    stored(channel)
    send(answer(500))
    send(answer(503), 5)
    channel.refresh_from_db()
    assert (minutes(channel.failing_since), channel.error) == (0, "Slack answered 503")
    send(answer(200), 10)
    channel.refresh_from_db()
    assert (channel.failing_since, channel.error, minutes(channel.last_sent_at)) == (None, "", 10)


def test_no_more_than_two_senders_work_in_parallel(field: Field, channel: Channel) -> None:
    leased = [stored(channel, leased_until=after(5)) for _ in range(2)]
    waits = stored(factories.channel(field.account, address=SLACK))
    assert send(answer(200)) == 0
    Mail.objects.filter(pk=leased[0].pk).update(leased_until=after(0))
    assert send(answer(200)) == 2  # the lease of one has run out
    assert state_of(leased[0])[:3] == ("sent", "", True)
    assert state_of(waits)[0] == "sent"
    assert state_of(leased[1])[0] == "waiting"


def test_what_a_service_says_is_kept_without_the_secrets_of_its_address(channel: Channel) -> None:
    text = f"no secrettoken at {SLACK} for T0"
    mail = stored(channel)
    send(answer(400, text))
    assert state_of(mail)[1] == "Slack answered 400: no … at … for T0"


def test_the_message_of_a_closed_account_is_never_sent(field: Field) -> None:
    own = factories.channel(owner=field.pm, address=SLACK)
    mail = stored(own)
    field.pm.closed_at = after(-1)
    field.pm.save()
    post = answer(200)
    assert send(post) == 0
    assert (post.calls, state_of(mail)[0]) == (0, "dead")


def test_a_test_is_sent_once(channel: Channel) -> None:
    mail = outbox.send_channel_test(channel=channel, now=after(0), post=answer(500))
    assert (mail.state, mail.error, mail.attempts) == ("dead", "Slack answered 500", 1)
    mail = outbox.send_channel_test(channel=channel, now=after(0), post=answer(200))
    assert (mail.state, mail.account_id) == ("sent", channel.account_id)


def test_what_was_not_delivered_in_two_weeks_is_sent_again(field: Field, channel: Channel) -> None:
    group = field.paused()
    field.cycles(0)
    days = 14 * 24 * 60
    rows = [
        stored(
            channel, state="dead", created_at=after(at), attempts=9, error="x", leased_until=None
        )
        for at in (2 - days, -days)
    ]
    without_alerts = stored(channel, state="dead")
    incident = group.incidents.get()
    for number, row in enumerate(rows):
        row.notices.create(
            incident=incident,
            kind="fire",
            sequence=5 + number,
            channel=channel,
            created_at=after(0),
        )
    channel.refused = True
    channel.save()
    assert outbox.send_dead_again(channel=channel, now=after(1)) == 1
    assert [state_of(row) for row in (*rows, without_alerts)] == [
        ("waiting", "", False, 0, 1.0),
        ("dead", "x", False, 9, None),
        ("dead", "", False, 0, None),
    ]
    channel.refresh_from_db()
    assert channel.refused is False
