"""Two rules end to end: stalled, and paused by the exchange; from a cycle to a mail."""

from __future__ import annotations

from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox as deliver
from dashboard.alerts.mail import text_sparkline
from dashboard.fielding.models import Cycle, Incident, Mail, Notice
from tests import factories
from tests.fakes.alert_scenario import Field, after, compose_and_send, kinds, mails, states, update


def test_a_stalled_group_fires_at_its_second_fresh_reading(field: Field) -> None:
    field.stalled()
    field.cycles(0)
    assert states() == ["pending"]
    field.cycles(5)
    assert states() == ["firing"]
    assert kinds() == ["fire"]


def test_a_group_whose_last_complete_is_not_told_is_not_judged_as_stalled(field: Field) -> None:
    field.stalled(last_complete_at=None, starts_at=after(-5 * 60))
    field.cycles(0, 5)
    assert states() == []


def test_a_stalled_group_says_how_many_are_usual_by_now(field: Field) -> None:
    field.stalled()
    field.cycles(0, 5)
    one = Incident.objects.get()
    assert (
        one.sentence
        == "Japan 25–54: no completes for 5 h (about 15 expected). 100 of 200 completes."
    )
    assert one.facts["figures"] == [["completes in 5 h", "0", "about 15 expected"]]


def test_a_stalled_group_says_how_many_entered_since(field: Field) -> None:
    group = field.stalled(entrants=1040)
    group.readings.create(at=after(-300), status="live", completes=100, entrants=900)
    field.cycles(0, 5)
    assert "140 entrants since then: check the survey link" in Incident.objects.get().sentence


def test_a_group_without_a_rhythm_is_not_judged_as_stalled(field: Field) -> None:
    field.stalled(insight={})
    field.cycles(0, 5)
    assert states() == []


def test_a_slow_group_may_be_silent_for_hours(field: Field) -> None:
    field.stalled(insight={"rhythm": {"rate": 0.5, "hours": [1] * 24, "days": [1] * 7}})
    field.cycles(0, 5)
    assert states() == []


def test_nights_of_the_groups_own_zone_expect_little(field: Field) -> None:
    hours = [0.0] * 8 + [1.5] * 16
    asleep = {
        "rhythm": {"rate": 10, "hours": hours, "days": [1] * 7}
    }  # 07–12Z is 02–07 in New York
    field.stalled(insight=asleep, country_code="us")
    field.cycles(0, 5)
    assert states() == []


def test_a_stalled_group_recovers_after_two_completes_seen_twice(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    update(group, completes=101, last_complete_at=after(8))
    field.cycles(10)
    assert states() == ["firing"]
    update(group, completes=102, last_complete_at=after(12))
    field.cycles(15)
    assert states() == ["recovering"]
    field.cycles(20)
    assert states() == ["resolved"]
    assert kinds() == ["fire", "recover"]


def test_a_pause_by_the_exchange_fires_at_once_with_its_reason(field: Field) -> None:
    field.paused()
    field.cycles(0)
    incident = Incident.objects.get()
    assert incident.state == "firing"
    assert incident.headline == "Paused: Japan 25–54, LOI well above bid (14.2 min · bid 9)"
    assert "LOI well above bid" in incident.sentence


def test_a_pause_is_open_since_the_exchange_says_so_not_since_it_was_seen(field: Field) -> None:
    field.paused(status_changed_at=after(-300))
    field.cycles(0)
    assert Incident.objects.get().breached_at == after(-300)


def test_a_pause_of_unknown_reason_shows_it_as_it_came(field: Field) -> None:
    field.paused(status_reason="moon_phase")
    field.cycles(0)
    assert "“moon_phase”" in Incident.objects.get().headline


def test_a_pause_by_a_person_is_not_the_exchanges(field: Field) -> None:
    field.paused(status_reason="", status_changed_by="las_user")
    field.cycles(0)
    assert not Incident.objects.filter(rule="paused_by_exchange").exists()


def test_a_group_that_is_live_again_ends_the_incident(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    update(group, status="live", status_changed_at=after(2))
    field.cycles(5)
    assert Incident.objects.get(rule="paused_by_exchange").close_reason == "recovered"


def test_a_stalled_group_that_pauses_closes_with_that_reason_and_no_mail(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    update(group, status="paused", status_changed_by="las_user", status_changed_at=after(6))
    field.cycles(10)
    assert Incident.objects.get().close_reason == "paused"
    assert kinds() == ["fire"]


def test_an_incomplete_cycle_is_no_observation(field: Field) -> None:
    field.paused()
    field.cycle(listed=False, complete=False)
    assert states() == []


def test_a_cycle_that_is_judged_twice_counts_once(field: Field) -> None:
    field.stalled()
    field.cycles(0)
    detect.after_cycle(cycle=Cycle.objects.get(), now=after(1))
    assert states() == ["pending"]


def test_a_missing_group_neither_opens_nor_closes_anything(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    update(group, missing_since=after(6), completes=150, last_complete_at=after(6))
    field.cycles(10, 15, 20)
    assert states() == ["firing"]


def test_a_breach_that_clears_before_it_fires_leaves_nothing(field: Field) -> None:
    group = field.stalled()
    field.cycles(0)
    update(group, completes=101, last_complete_at=after(3))
    field.cycles(5)
    assert states() == []
    assert kinds() == []


def test_the_groups_project_manager_is_told_and_nobody_else(field: Field) -> None:
    field.paused()
    field.cycles(0)
    assert [notice.recipient for notice in Notice.objects.all()] == [field.pm]


def test_without_a_project_manager_here_whoever_may_edit_is_told(field: Field) -> None:
    factories.person("viewer", field.account)
    field.paused(project_manager_id="somebody-else")
    field.cycles(0)
    assert {notice.recipient for notice in Notice.objects.all()} == {field.pm, field.admin}


def test_a_fire_becomes_one_mail_after_a_minute(field: Field) -> None:
    field.paused()
    field.cycles(0)
    assert deliver.compose_due_mails(now=after(0.5)) == 0
    assert compose_and_send(after(1)) == 1
    assert compose_and_send(after(2)) == 0
    sent = outbox.outbox[0]
    assert sent.to == [field.pm.email]
    headline = "Paused: Japan 25–54, LOI well above bid (14.2 min · bid 9)"
    assert sent.subject == f"Tracker W23 – {headline}"
    assert "LOI: 14.2 min (" in sent.body
    assert mails()[0].state == Mail.State.SENT


def test_a_mail_links_to_the_item_and_says_why_it_came(field: Field) -> None:
    group = field.paused()
    factories.completes(group, until=factories.NOW, counts=[*range(0, 50, 2)])
    field.cycles(0)
    compose_and_send(after(1))
    body = outbox.outbox[0].body
    assert f"/items/{group.incidents.get().item_id}/" in body
    assert "because you are the project manager" in body
    assert "last 24 h: ████" in body


def test_the_first_hour_of_a_group_is_a_bar_and_no_gap(field: Field) -> None:
    group = field.paused()
    factories.completes(group, until=factories.NOW, counts=[4, 6])
    (bars, most) = text_sparkline.last_day([group.pk], now=factories.NOW)[group.pk]
    assert (bars.lstrip("·"), most) == ("█", 2)
    group.first_complete_at = after(-90)
    group.save()
    (bars, most) = text_sparkline.last_day([group.pk], now=factories.NOW)[group.pk]
    assert (bars.lstrip("·"), most) == ("█▅", 4)


def test_names_cannot_write_headers_or_markup(field: Field) -> None:
    field.paused(name="A\r\nBcc: x@example.com <b>bold</b> \u202egnp.exe")
    field.cycles(0)
    compose_and_send(after(1))
    sent = outbox.outbox[0]
    assert "\n" not in sent.subject
    assert "Bcc" not in sent.message()
    assert "\u202e" not in sent.body
    assert isinstance(sent, EmailMultiAlternatives)
    assert "<b>" not in str(sent.alternatives[0][0])


def test_a_name_of_which_a_character_could_not_be_read_is_mailed(field: Field) -> None:
    field.paused(name="Caf\ufffd 25-54")
    field.cycles(0)
    compose_and_send(after(1))
    (sent,) = outbox.outbox
    assert "Caf\ufffd 25-54" in sent.body
    assert sent.message().as_bytes()


def test_the_next_mail_about_a_project_waits_five_minutes(field: Field) -> None:
    field.paused()
    field.cycles(0)
    deliver.compose_due_mails(now=after(1))
    field.paused(name="Other")
    field.cycles(2)
    assert deliver.compose_due_mails(now=after(5)) == 0
    assert deliver.compose_due_mails(now=after(6.1)) == 1


def test_more_than_three_projects_at_once_become_one_mail(field: Field) -> None:
    for _ in range(4):
        project = factories.project(field.account, project_manager_id=field.PM)
        paused = {"status": "paused", "status_changed_by": "system_user"}
        group = factories.group(project, ends_at=after(40 * 60), **paused)
        assert group.status_reason == ""
        detect.after_cycle(cycle=factories.cycle(project), now=factories.NOW)
    assert deliver.compose_due_mails(now=after(1)) == 1
    assert mails()[0].project is None


def test_a_quiet_project_costs_few_queries_whatever_its_size(field: Field) -> None:
    for _ in range(30):
        field.group()
    field.cycles(0)
    cycle = factories.cycle(field.project, after(0.5))
    with CaptureQueriesContext(connection) as queries:
        detect.after_cycle(cycle=cycle, now=after(0.5))
    assert len(queries) <= 7


def test_time_without_data_does_not_ripen_a_breach(field: Field) -> None:
    field.group(drop_off_rate=0.5, last_complete_at=after(179))
    field.cycles(0)
    assert states() == ["pending"]
    field.cycle(after(180))
    assert states() == ["pending"]
