"""Each service against a receiver that checks what it documents, over a real socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.alerts.channels import outbox, schedule
from dashboard.alerts.channels.message import AlertPart, ChannelMessage
from dashboard.alerts.channels.services.registry import FORMATS
from dashboard.alerts.channels.services.service_format import encode_body
from dashboard.fielding.models import Channel, Mail
from tests.alerts.channels.conftest import MakeChannel
from tests.fakes.alert_scenario import Field, after
from tests.fakes.channel_receiver import (
    CHECKS,
    KEY,
    SERVICES,
    ChannelReceiver,
    receiving,
    says_again,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "channels.md"
AWKWARD = "<!channel> <users/all> @everyone [x](http://evil.example) *_`~ & 日本語 \U0001f9ea"


def deliver(minute: float) -> int:
    """Compose and send what is due."""
    schedule.compose_due_messages(now=after(minute))
    return outbox.send_due_messages(now=after(minute))


def test_every_service_has_a_format_and_a_receiver() -> None:
    assert set(FORMATS) == set(Channel.Service.values) == set(SERVICES)


def test_each_service_takes_an_alert_with_its_project_its_group_and_its_link(
    field: Field, channel: MakeChannel, receiver: ChannelReceiver
) -> None:
    for service in SERVICES:
        channel(service)
    field.paused()
    field.cycles(0)
    assert deliver(2) == len(SERVICES)
    assert receiver.refused == []
    assert {received.service for received in receiver.taken} == set(SERVICES)
    item = field.account.items.get()
    for received in receiver.taken:
        text = json.dumps(received.body, ensure_ascii=False).replace("\\", "")
        for words in ("Tracker W23", "Japan 25–54", "completes at risk", f"/items/{item.pk}/"):
            assert words in text, f"{received.service}: {words}"
    assert deliver(30) == 0


def largest() -> ChannelMessage:
    """A message with as much in it as there can be, in characters of four bytes."""
    long = (AWKWARD + "\U0001f9ea" * 600)[:600]
    part = AlertPart(
        "critical", long[:120], long[:120], long[:300], long, long[:80], "https://f/1/"
    )
    return ChannelMessage(
        kind="alerts", title=long[:300], parts=(part,) * 5, lines=(long[:200],) * 3, more=1200
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_largest_message_keeps_to_the_limits_and_mentions_nobody(service: str) -> None:
    for message in (largest(), ChannelMessage(kind="test", title=AWKWARD, link="https://f/")):
        for unanswered in (False, True):
            raw = encode_body(FORMATS[service], message, unanswered=unanswered)
            body = json.loads(raw)
            if service == "webhook":
                body["id"] = "1"
            assert CHECKS[service](body, raw).status < 300
            if service in ("slack", "discord", "google_chat"):
                shown = json.dumps([body.get("content"), body.get("text")])
                assert "<!channel>" not in shown
                assert " @everyone" not in shown or service != "discord"


def test_the_receiver_refuses_what_a_service_would() -> None:
    with receiving() as strict:
        assert strict.answer("slack", {}, b'{"text": "no blocks"}').status == 400
        assert strict.answer("discord", {}, json.dumps({"content": "x" * 2001}).encode()).status
        assert (
            strict.answer("google_chat", {}, json.dumps({"text": "x" * 4097}).encode()).status
            == 400
        )
        body = json.dumps({"version": 1, "id": "1"}).encode()
        headers = {"fieldwatch-timestamp": "1", "fieldwatch-signature": "v1=0"}
        assert strict.answer("webhook", headers, body).status == 401


def test_the_example_of_the_documents_checks_a_signature(
    channel: MakeChannel, receiver: ChannelReceiver
) -> None:
    outbox.send_channel_test(channel=channel("webhook"), now=after(0))
    (received,) = receiver.taken
    code = DOCS.read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, object] = {}
    exec(compile(code, str(DOCS), "exec"), names)  # noqa: S102 (our own document)
    check = names["is_from_fieldwatch"]
    assert callable(check)
    stamp = received.headers["fieldwatch-timestamp"]
    signature = received.headers["fieldwatch-signature"]
    now = after(0).timestamp()
    assert check(KEY, stamp, signature, received.raw, now)
    assert not check(KEY, stamp, signature, received.raw + b" ", now)
    assert not check("another key of somebody", stamp, signature, received.raw, now)
    assert not check(KEY, stamp, signature, received.raw, now + 301)


@pytest.mark.parametrize("service", SERVICES)
def test_a_message_whose_answer_was_lost_comes_again_and_says_so(
    channel: MakeChannel, receiver: ChannelReceiver, field: Field, service: str
) -> None:
    channel(service)
    field.paused()
    field.cycles(0)
    receiver.mood = "reset after the body"
    assert deliver(2) == 0
    receiver.mood = "ok"
    assert deliver(3) == 1
    first, second = receiver.taken
    assert first.message_id == second.message_id
    assert (says_again(first), says_again(second)) == (False, True)
    assert Mail.objects.get().state == Mail.State.SENT
