"""The dead man's switch."""

from __future__ import annotations

from typing import Any

import httpx

from dashboard.alerts import heartbeat
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Heartbeat, Mail
from tests import factories
from tests.fakes.alert_scenario import Field, after


class Operator:
    """The operator's URL, which counts its calls."""

    def __init__(self, answer: int = 200) -> None:
        self.calls, self.answer = 0, answer

    def __call__(self, url: str, **_: Any) -> httpx.Response:
        self.calls += 1
        if not self.answer:
            raise httpx.ConnectError("nobody")
        return httpx.Response(self.answer)


def rounds(minute: float) -> None:
    """One round of everything."""
    detect.evaluate_by_time(now=after(minute))
    outbox.send_due(now=after(minute))


def test_before_the_first_round_everything_is_missed(db: None) -> None:
    assert heartbeat.list_problems(now=factories.NOW) == [
        "alert detection has not started yet",
        "email delivery has not started yet",
    ]


def test_while_rounds_are_done_nothing_is_missed_and_the_url_is_called(field: Field) -> None:
    field.cycles(0)
    rounds(0)
    operator = Operator()
    assert heartbeat.list_problems(now=after(1)) == []
    assert heartbeat.ping_operator("https://example.com/beat", now=after(1), get=operator)
    assert operator.calls == 1


def test_silence_stops_the_calls(field: Field) -> None:
    rounds(0)
    operator = Operator()
    assert not heartbeat.ping_operator("https://example.com/beat", now=after(6), get=operator)
    assert operator.calls == 0


def test_mail_that_waits_too_long_stops_the_calls(field: Field) -> None:
    rounds(0)
    stamps = {"created_at": after(-20), "next_try_at": after(60)}
    given = {"recipient": field.pm, "address": field.pm.email, "subject": "s", "text": "t"}
    Mail.objects.create(message_id="<1@x>", **given, **stamps)
    operator = Operator()
    assert not heartbeat.ping_operator("https://example.com/beat", now=after(1), get=operator)
    assert operator.calls == 0


def test_an_operator_that_does_not_answer_harms_nothing(field: Field) -> None:
    rounds(0)
    assert not heartbeat.ping_operator("https://example.com/beat", now=after(1), get=Operator(0))


def test_cycles_that_nobody_judges_are_missed(field: Field) -> None:
    field.cycles(0)
    rounds(40)
    field.project.read_at = after(40)
    field.project.save()
    assert heartbeat.list_problems(now=after(41)) == ["polled data is not being evaluated"]


def test_mail_that_waits_and_mail_that_died_are_told(field: Field) -> None:
    field.cycles(0)
    rounds(20)
    given = {"recipient": field.pm, "address": field.pm.email, "subject": "s", "text": "t"}
    stamps = {"created_at": after(0), "next_try_at": after(60)}
    Mail.objects.create(message_id="<1@x>", error="ConnectionRefusedError", **given, **stamps)
    dead = {"state": Mail.State.DEAD, "account": field.account}
    Mail.objects.create(message_id="<2@x>", **dead, **given, **stamps)
    assert heartbeat.list_problems(now=after(20)) == [
        "an email has been waiting for 20 min: ConnectionRefusedError",
        "1 email from the last two days could not be delivered",
    ]


def test_a_beat_is_written_at_most_once_a_minute(field: Field) -> None:
    heartbeat.record_heartbeat("time", now=after(0))
    heartbeat.record_heartbeat("time", now=after(0.5))
    assert Heartbeat.objects.get(name="time").at == after(0)
