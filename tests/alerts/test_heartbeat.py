"""The dead man's switch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

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


def test_a_part_that_has_just_been_silent_for_five_minutes_still_runs() -> None:
    at = {"time": after(-5), "deliver": after(-5.1)}
    assert heartbeat.missed_heartbeats(at, now=after(0)) == ["email delivery has stopped"]
    assert heartbeat.missed_heartbeats({"deliver": after(0)}, now=after(0)) == [
        "alert detection has not started yet"
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("judged", "read", "problems"),
    [
        (-15, 0, ["polled data is not being evaluated"]),
        (-14.9, 0, []),
        (None, 0, ["polled data is not being evaluated"]),
        (-14.9, 1, []),  # a reading of the future counts for none
        (None, None, []),
    ],
)
def test_what_is_read_is_to_be_judged_within_a_quarter_of_an_hour(
    judged: float | None, read: float | None, problems: list[str]
) -> None:
    factories.project(factories.account(), read_at=None if read is None else after(read))
    for name, minute in (("time", 0.0), ("deliver", 0.0), ("judge", judged)):
        if minute is not None:
            Heartbeat.objects.create(name=name, at=after(minute))
    assert heartbeat.list_problems(now=after(0)) == problems


def test_an_email_waits_too_long_after_a_quarter_of_an_hour(field: Field) -> None:
    field.cycles(0)
    rounds(0)
    given = {"recipient": field.pm, "address": field.pm.email, "subject": "s", "text": "t"}
    mail = Mail.objects.create(
        message_id="<1@x>", created_at=after(-15), next_try_at=after(60), **given
    )
    assert heartbeat.stalled_parts(now=after(0)) == []
    Mail.objects.create(
        message_id="<2@x>", created_at=after(-14), next_try_at=after(60), error="late.", **given
    )
    assert heartbeat.stalled_parts(now=after(0.5)) == ["an email has been waiting for 16 min"]
    mail.delete()
    assert heartbeat.stalled_parts(now=after(2)) == ["an email has been waiting for 16 min: late"]


def test_dead_emails_count_for_two_days_but_tests_and_messages_do_not(field: Field) -> None:
    field.cycles(0)
    rounds(0)
    given = {"recipient": field.pm, "address": field.pm.email, "subject": "s", "text": "t"}
    stamps = {"state": Mail.State.DEAD, "next_try_at": after(0)}
    days = 60 * 24 * 2
    channel = {"channel": factories.channel(field.account), "recipient": None}
    rows: list[dict[str, Any]] = [
        {"account": field.account, "created_at": after(-days)},
        {"account": field.account, "created_at": after(1 - days)},
        {"created_at": after(-5)},  # a test
        {"created_at": after(-5), "purpose": "security"},
        {"created_at": after(-5), "digest_day": after(0).date()},
        {"created_at": after(-5), **channel},
    ]
    for number, row in enumerate(rows):
        Mail.objects.create(message_id=f"<{number}@x>", **(given | stamps | row))
    assert heartbeat.list_problems(now=after(0)) == [
        "3 emails from the last two days could not be delivered"
    ]


def test_a_worker_that_ends_six_times_in_ten_minutes_keeps_ending(db: None) -> None:
    for minute in range(6):
        heartbeat.record_start("box one", now=after(minute))
    for minute in range(5):
        heartbeat.record_start("two", now=after(minute))
    words = ["workers on box one keep ending: 6 starts in 10 minutes"]
    assert heartbeat.restarting_workers(now=after(9.9)) == words
    assert heartbeat.restarting_workers(now=after(10)) == []
    heartbeat.record_start("box one", now=after(20))  # instead of the oldest
    minutes = [(at - factories.NOW).total_seconds() / 60 for at in starts_of("box one")]
    assert minutes == [1, 2, 3, 4, 5, 20]
    heartbeat.record_start("three", now=after(24 * 60 + 4))
    assert [len(starts_of(name)) for name in ("box one", "two", "three")] == [3, 1, 1]


def starts_of(machine: str) -> list[datetime]:
    rows = Heartbeat.objects.filter(name__startswith="start-", name__endswith=machine)
    return list(rows.order_by("at").values_list("at", flat=True))


def test_workers_that_are_silent_for_45_seconds_are_dead(db: None) -> None:
    assert heartbeat.dead_workers(now=after(0)) == []
    Heartbeat.objects.create(name="work", at=after(0))
    assert heartbeat.dead_workers(now=after(0.75)) == []
    assert heartbeat.dead_workers(now=after(2)) == ["no worker has done anything for 2 min"]


def test_a_beat_of_another_process_counts_and_the_next_one_is_written_after_a_minute(
    db: None,
) -> None:
    beat = Heartbeat.objects.create(name="beat of a test", at=after(0))
    for minute, expected in ((0.9, 0), (1, 1), (1.5, 1), (2, 2), (1.9, 2)):
        heartbeat.record_heartbeat(beat.name, now=after(minute))
        beat.refresh_from_db()
        assert beat.at == after(expected), minute
