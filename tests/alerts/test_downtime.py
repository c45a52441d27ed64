"""Fieldwatch's own downtime is told as ours: it is no evidence of anything on the exchange."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.alerts import downtime
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Cycle, Downtime, ExchangeAccount, Heartbeat, Incident, Notice
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, mails, update


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """A process that did no work yet."""
    downtime._alive.clear()
    yield
    downtime._alive.clear()


def begin_again() -> None:
    """The workers end and others begin."""
    downtime._alive.clear()


def work(*minutes: float) -> None:
    """Rounds of a worker: it says that it works, then does what time alone brings."""
    for minute in minutes:
        downtime.note_work(now=after(minute))
        detect.evaluate_by_time(now=after(minute))
        detect.check_accounts(now=after(minute))
        outbox.compose_due_mails(now=after(minute))


def read(field: Field, *minutes: float) -> None:
    """Complete rounds of polling."""
    for minute in minutes:
        downtime.note_work(now=after(minute))
        field.cycle(after(minute))


def fail(field: Field, *minutes: float) -> None:
    """Rounds of polling that read nothing."""
    for minute in minutes:
        read_at = field.project.read_at
        field.cycle(after(minute), listed=False, complete=False)
        field.project.read_at = read_at
        field.project.save()


def standing() -> list[str]:
    """The states of what is about drop-off or missing data, the oldest first."""
    rows = Incident.objects.filter(rule__in=("drop_off", "no_data")).order_by("pk")
    return list(rows.values_list("state", flat=True))


def spans() -> list[tuple[float, float, str]]:
    """The downtimes, in minutes after NOW, and why."""

    def minute(at: Any) -> float:
        return float((at - factories.NOW) / timedelta(minutes=1))

    rows = Downtime.objects.order_by("began_at")
    return [(minute(row.began_at), minute(row.ended_at), row.cause) for row in rows]


def test_a_time_without_any_work_is_noted_once_from_the_last_sign_of_work_to_the_next(
    field: Field,
) -> None:
    work(0, 1, 2)
    begin_again()
    work(29, 30)
    assert spans() == [(2, 29, "off")]
    begin_again()
    work(31)
    assert len(spans()) == 1


def test_a_short_restart_is_no_downtime(field: Field) -> None:
    work(0)
    begin_again()
    work(4)
    assert spans() == []


def test_the_first_start_of_all_is_no_downtime(field: Field) -> None:
    work(0)
    assert spans() == []


def test_several_workers_that_begin_again_at_once_note_one_downtime(field: Field) -> None:
    work(0)
    for _ in range(3):
        begin_again()
        downtime.note_work(now=after(30))
    assert spans() == [(0, 30, "off")]


def test_a_process_that_lived_through_it_says_that_it_was_cut_off(field: Field) -> None:
    downtime.note_work(now=after(0), seconds=lambda: 1000.0)
    downtime.note_work(now=after(30), seconds=lambda: 1000.0 + 30 * 60)
    assert spans() == [(0, 30, "cut_off")]


def test_a_clock_that_jumps_ahead_is_told_from_a_downtime(field: Field) -> None:
    downtime.note_work(now=after(0), seconds=lambda: 1000.0)
    downtime.note_work(now=after(120), seconds=lambda: 1010.0)
    assert spans() == [(0, 120, "clock")]


def test_a_clock_that_is_set_back_hides_no_later_downtime(field: Field) -> None:
    work(120)
    begin_again()
    work(0)
    assert Heartbeat.objects.get(name=downtime.WORK).at == after(0)
    begin_again()
    work(30)
    assert spans() == [(0, 30, "off")]


@pytest.mark.parametrize("off", [6, 27, 24 * 60, 3 * 24 * 60])
def test_no_data_is_not_told_for_a_time_in_which_we_were_off(field: Field, off: int) -> None:
    read(field, 0)
    work(1)
    begin_again()
    work(1 + off, 2 + off, 3 + off)
    assert not Incident.objects.exists()
    read(field, 4 + off)
    work(5 + off, 10 + off)
    assert (Incident.objects.count(), Notice.objects.count()) == (0, 0)
    assert [mail for mail in mails() if mail.digest_day is None] == []


def test_several_downtimes_are_all_taken_off(field: Field) -> None:
    read(field, 0)
    work(1)
    for minute in (20, 40, 60):
        begin_again()
        work(minute, minute + 1)
    assert len(spans()) == 3
    assert not Incident.objects.exists()


def test_an_exchange_that_is_down_when_we_are_back_is_told_after_its_time(field: Field) -> None:
    read(field, 0)
    work(1)
    begin_again()
    for minute in range(31, 60, 5):
        work(minute)
        fail(field, minute)
    told = Incident.objects.get(rule="no_data")
    assert (told.fired_at or after(0)) > after(31 + 15)
    assert "Fieldwatch itself was off for 30 min of that" in told.sentence


def test_we_are_off_again_and_again_and_the_exchange_is_down_still_is_told(field: Field) -> None:
    read(field, 0)
    for minute in range(1, 120, 12):  # six minutes at work, six off
        begin_again()
        for at in range(minute, minute + 6):
            work(at)
            fail(field, at)
    assert Incident.objects.filter(rule="no_data").exists()


def test_no_data_that_stands_stays_as_it_is_over_our_downtime(field: Field) -> None:
    read(field, 0)
    work(*range(1, 27))
    assert standing() == ["firing"]
    begin_again()
    work(60, 61)
    assert standing() == ["firing"]
    assert kinds().count("recover") == 0


def test_what_was_pending_does_not_ripen_by_our_downtime(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    read(field, 0, 5)
    assert standing() == ["pending"]
    begin_again()
    work(100, 101)
    assert standing() == ["pending"]
    read(field, 102)
    work(103)
    assert standing() == ["pending"]  # it was seen for five minutes and not for a hundred
    read(field, *range(105, 165, 5))
    assert standing() == ["firing"]


def test_what_was_recovering_does_not_recover_by_our_downtime(field: Field) -> None:
    group = field.group(drop_off_rate=0.4)
    read(field, *range(0, 70, 5))
    assert standing() == ["firing"]
    update(group, drop_off_rate=0.1)
    read(field, 70, 75)
    assert standing() == ["recovering"]
    begin_again()
    work(300, 301)
    assert standing() == ["recovering"]
    read(field, 302)
    work(303)
    assert standing() == ["recovering"]
    assert "recover" not in kinds()


def test_a_short_downtime_is_taken_off_timers_too(field: Field) -> None:
    """One that leaves the data fresh: twelve minutes, of twenty that data counts as fresh."""
    group = field.group(drop_off_rate=0.4)
    update(group, drop_off_rate=0.4)
    read(field, *range(0, 55, 5))
    assert standing() == ["pending"]
    begin_again()
    work(62)
    assert standing() == ["pending"]
    read(field, 63)
    assert standing() == ["pending"]


def test_a_stall_is_not_told_by_our_gap_alone(field: Field) -> None:
    field.group(last_complete_at=factories.NOW - timedelta(minutes=10))
    read(field, 0, 5)
    begin_again()
    work(6 * 60, 6 * 60 + 1)
    assert not Incident.objects.exists()
    update(field.project.target_groups.get(), last_complete_at=after(6 * 60 - 5))
    read(field, 6 * 60 + 2, 6 * 60 + 7)
    assert not Incident.objects.exists()


def test_mail_that_stands_still_is_no_downtime_of_the_polling(field: Field) -> None:
    for minute in range(0, 40, 5):
        read(field, minute)
    assert spans() == []


def test_polling_that_a_person_paused_is_no_downtime_and_begins_with_a_grace(
    field: Field,
) -> None:
    read(field, 0)
    update(field.account, polling=False)
    work(*range(1, 120, 4))
    assert (spans(), list(Incident.objects.all())) == ([], [])
    update(field.account, polling=True, resumed_at=after(120))
    work(121, 125)
    assert not Incident.objects.exists()
    for minute in range(126, 150, 4):
        work(minute)
        fail(field, minute)
    assert Incident.objects.get().rule == "no_data"


def test_a_pause_of_one_account_holds_nothing_of_another(field: Field) -> None:
    other = factories.account(name="other")
    update(field.account, polling=False)
    Cycle.objects.create(account=other, started_at=after(0), finished_at=after(0), listed=True)
    work(*range(1, 40))
    assert [one.account for one in Incident.objects.all()] == [other]


def test_what_ripens_by_time_waits_for_the_first_reading_after_a_pause(field: Field) -> None:
    field.group(drop_off_rate=0.4)
    read(field, 0, 5)
    update(field.account, polling=False)
    work(*range(6, 90, 6))
    update(field.account, polling=True, resumed_at=after(90))
    work(91)
    read(field, 92)
    work(93)
    assert standing() == ["pending"]


def test_a_digest_whose_hour_fell_into_a_downtime_comes_once_and_late(field: Field) -> None:
    """NOW is a Friday noon: the digest of 08:00 on Monday comes at 10:30, that of Friday never."""
    work(0)
    monday = 2 * 24 * 60 + 20 * 60  # 08:00 on Monday
    work(monday - 10)
    before = len(mails())
    begin_again()
    work(monday + 150, monday + 151, monday + 160)
    late = mails()[before:]
    assert {mail.recipient for mail in late} == {field.pm, field.admin}
    assert len(late) == 2
    assert "Fieldwatch was off" in late[0].text
    assert "Mon 07:50" in late[0].text


def test_days_whose_digest_was_missed_whole_are_skipped(field: Field) -> None:
    monday = 2 * 24 * 60 + 20 * 60
    work(monday - 10)
    before = len(mails())
    begin_again()
    wednesday = monday + 2 * 24 * 60 + 60
    work(wednesday, wednesday + 1)
    assert len(mails()) - before == 2  # one each: Wednesday's


def test_a_mail_soon_after_a_downtime_says_so_with_its_times(field: Field) -> None:
    read(field, 0)
    work(1)
    begin_again()
    field.paused()
    read(field, 28, 29)
    work(30, 31, 35, 39)
    (mail,) = mails()
    assert mail.subject == "We found 1 open problem in Tracker W23"
    assert "Fieldwatch was off for 27 min, from Fri 12:01" in mail.text
    assert "Fieldwatch was off for 27 min" in mail.html


def test_a_mail_long_after_a_downtime_says_nothing_of_it(field: Field) -> None:
    work(0)
    begin_again()
    work(30)
    field.paused()
    read(field, *range(35, 125, 5))
    update(field.account, health=ExchangeAccount.Health.FRESH)
    field.paused(name="Later")
    read(field, 125)
    work(130)
    assert "Fieldwatch was off" not in mails()[-1].text


@pytest.mark.parametrize(
    ("minutes", "spans"),
    [
        ((0, 5), []),
        ((0, 5.1), [(0, 5.1)]),
        ((0, 6, 6.2, 20), [(0, 6), (6, 20)]),  # noted at most each quarter of a minute
        ((0, -5, -0.5), []),  # the clock was set back
    ],
)
def test_a_gap_of_more_than_five_minutes_is_a_downtime(
    db: None, minutes: tuple[float, ...], spans: list[tuple[float, float]]
) -> None:
    for minute in minutes:
        begin_again()
        downtime.note_work(now=after(minute))
    rows = Downtime.objects.order_by("began_at")
    assert [(row.began_at, row.ended_at, row.cause) for row in rows] == [
        (after(began), after(ended), "off") for began, ended in spans
    ]


@pytest.mark.parametrize(
    ("ran", "cause"), [(600, "cut_off"), (301, "cut_off"), (299, "clock"), (0, "clock")]
)
def test_a_process_that_ran_through_a_gap_knows_whether_the_clock_jumped(
    db: None, ran: float, cause: str
) -> None:
    downtime.note_work(now=after(0), seconds=lambda: 1_000.0)
    downtime.note_work(now=after(10), seconds=lambda: 1_000.0 + ran)
    assert Downtime.objects.get().cause == cause


def test_work_is_noted_each_quarter_of_a_minute(db: None) -> None:
    for minute, expected in ((0, 0), (0.24, 0), (0.25, 0.25), (0.4, 0.25), (0.5, 0.5)):
        downtime.note_work(now=after(minute))
        assert Heartbeat.objects.get(name="work").at == after(expected)


@pytest.mark.parametrize(
    ("since", "until", "lost"),
    [
        (-60, 60, 25),
        (15, 60, 10),
        (-60, 15, 15),
        (12, 13, 1),
        (30, 60, 0),
        (-60, 0, 0),
        (20, 30, 5),
    ],
)
def test_time_lost_is_what_a_span_shares_with_downtimes(
    db: None, since: float, until: float, lost: float
) -> None:
    for began, ended in ((0, 20), (25, 30)):
        Downtime.objects.create(began_at=after(began), ended_at=after(ended))
    assert downtime.time_lost(after(since), after(until)) == timedelta(minutes=lost)
    assert downtime.last_end(now=after(30)) == after(30)
    assert downtime.last_end(now=after(25)) == after(20)
    assert downtime.last_end(now=after(60 * 48 + 30)) is None
    assert downtime.last_end(now=after(60 * 48 + 29)) == after(30)


def test_downtimes_are_described_by_their_last_and_their_sum() -> None:
    zone, late = ZoneInfo("UTC"), "Changes in that time were read late."
    first = Downtime(began_at=after(-60), ended_at=after(-40), cause="off")
    last = Downtime(began_at=after(-30), ended_at=after(-20), cause="cut_off")
    jump = Downtime(began_at=after(-30), ended_at=after(-20), cause="clock")

    def words(*rows: Downtime) -> str:
        return downtime.describe_downtimes(rows, zone, now=after(0))

    assert words() == ""
    assert (
        words(first)
        == f"Fieldwatch was off for 20 min, from Fri 11:00 UTC to Fri 11:20 UTC. {late}"
    )
    assert words(last) == (
        "Fieldwatch could not work for 10 min, from Fri 11:30 UTC to Fri 11:40 UTC "
        f"(its database or queue could not be reached). {late}"
    )
    assert words(jump) == (
        "Fieldwatch was suspended, or its clock jumped ahead, for 10 min, from Fri 11:30 UTC to "
        f"Fri 11:40 UTC. {late}"
    )
    assert words(first, last) == (
        "Fieldwatch was off 2 times, 30 min in total, last from Fri 11:30 UTC to Fri 11:40 UTC. "
        f"{late}"
    )
