"""The machine over the tables: dead bands, repeats, mutes, flapping, edits, silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.alerts.mail import outbox
from dashboard.alerts.rules import settings as book
from dashboard.fielding.models import ExchangeAccount, Incident, Mute, Notice, Rule
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, mails, states, update


def leaving(field: Field, **fields: Any) -> Any:
    """A group that 35 % leave in the middle, with completes coming in."""
    return field.group(**({"drop_off_rate": 0.35, "last_complete_at": after(10**5)} | fields))


def firing(field: Field) -> Incident:
    """A drop-off that fires since 60 minutes after NOW."""
    leaving(field)
    field.cycles(*range(0, 61, 15))
    return Incident.objects.get(state="firing")


def test_a_breach_fires_after_its_time_and_not_before(field: Field) -> None:
    leaving(field)
    field.cycles(0, 15, 30, 45, 59)
    assert states() == ["pending"]
    field.cycles(60)
    assert states() == ["firing"]


def test_between_its_thresholds_it_goes_on_firing(field: Field) -> None:
    incident = firing(field)
    update(incident.group, drop_off_rate=0.27)
    field.cycles(75, 90, 200)
    assert states() == ["firing"]


def test_a_breach_while_recovering_is_the_same_incident_without_mail(field: Field) -> None:
    incident = firing(field)
    update(incident.group, drop_off_rate=0.2)
    field.cycles(75)
    assert states() == ["recovering"]
    update(incident.group, drop_off_rate=0.4)
    field.cycles(80)
    assert states() == ["firing"]
    assert kinds() == ["fire"]


def test_it_is_over_after_staying_clear_for_its_time(field: Field) -> None:
    incident = firing(field)
    update(incident.group, drop_off_rate=0.2)
    field.cycles(75, 90, 104)
    assert states() == ["recovering"]
    field.cycles(106)
    assert states() == ["resolved"]


def test_a_ripe_breach_fires_between_cycles_by_the_clock(field: Field) -> None:
    leaving(field)
    field.cycles(0, 15, 30, 45, 58)
    detect.evaluate_by_time(now=after(61))
    assert states() == ["firing"]


def test_the_clock_moves_nothing_on_stale_data(field: Field) -> None:
    leaving(field)
    field.cycles(0, 30)
    detect.evaluate_by_time(now=after(61))
    assert states() == ["pending"]


def test_the_clock_moves_nothing_while_the_account_is_refused(field: Field) -> None:
    leaving(field)
    field.cycles(0, 15, 30, 45, 58)
    update(field.account, health=ExchangeAccount.Health.ERROR)
    detect.evaluate_by_time(now=after(61))
    assert states() == ["pending"]


def test_what_fires_is_repeated_each_day_until_acknowledged(field: Field) -> None:
    field.paused()
    field.cycles(0, 24 * 60)
    detect.evaluate_by_time(now=after(24 * 60))
    assert kinds() == ["fire", "repeat"]
    acknowledge_and_mute.acknowledge_incident(
        incident=Incident.objects.get(), by=field.pm, now=after(24 * 60 + 1)
    )
    field.cycles(48 * 60)
    detect.evaluate_by_time(now=after(48 * 60 + 1))
    assert kinds() == ["fire", "repeat"]


def test_what_becomes_critical_is_told_again_whoever_acknowledged(field: Field) -> None:
    group = field.group(median_loi_seconds=800, last_complete_at=after(10**5))
    field.cycles(0, 15, 30, 45, 60)
    incident = Incident.objects.get()
    assert incident.severity == Incident.Severity.WARNING
    acknowledge_and_mute.acknowledge_incident(incident=incident, by=field.pm, now=after(62))
    update(group, median_loi_seconds=960)
    field.cycles(65)
    incident.refresh_from_db()
    assert incident.severity == Incident.Severity.CRITICAL
    assert incident.acknowledged_at is None
    assert kinds() == ["fire", "fire"]


def test_a_mute_tells_nobody_and_its_end_tells_what_still_fires(field: Field) -> None:
    group = field.paused()
    acknowledge_and_mute.mute_scope(
        account=field.account, group=group, by=field.pm, until=after(60), now=after(-1)
    )
    field.cycles(0)
    assert states() == ["firing"]
    assert kinds() == []
    detect.evaluate_by_time(now=after(60))
    detect.evaluate_by_time(now=after(60.1))
    assert kinds() == ["repeat"]


def test_a_mute_of_one_rule_lets_the_others_speak(field: Field) -> None:
    field.paused()
    acknowledge_and_mute.mute_scope(
        account=field.account, by=field.pm, rule="stalled", until=after(60), now=after(-1)
    )
    field.cycles(0)
    assert kinds() == ["fire"]


@pytest.mark.parametrize("until", [after(0), after(-5), after(31 * 24 * 60)])
def test_a_mute_must_end_within_a_month(field: Field, until: Any) -> None:
    with pytest.raises(ValueError, match="at most 30 days"):
        acknowledge_and_mute.mute_scope(
            account=field.account, by=field.pm, until=until, now=after(0)
        )


def test_an_unmuted_group_tells_at_the_next_round(field: Field) -> None:
    muted = acknowledge_and_mute.mute_scope(
        account=field.account, by=field.pm, until=after(600), now=after(-1)
    )
    field.paused()
    field.cycles(0)
    acknowledge_and_mute.end_mute(mute=muted, now=after(5))
    detect.evaluate_by_time(now=after(5))
    assert kinds() == ["repeat"]
    assert Mute.objects.get().ended_at == after(5)


def test_a_value_that_swings_all_day_is_at_most_two_mails(field: Field) -> None:
    group = field.paused()
    for minute in range(0, 24 * 60, 5):
        paused = minute % 10 == 0
        update(group, status="paused" if paused else "live", last_complete_at=after(minute))
        field.cycle(after(minute))
        outbox.compose_due_mails(now=after(minute + 2))
    assert Incident.objects.filter(rule="paused_by_exchange").count() == 144
    assert len(mails()) == 2


def test_the_third_firing_in_a_day_waits_for_the_digest(field: Field) -> None:
    group = field.paused()
    for minute in range(0, 30, 5):
        update(group, status="live" if minute % 10 else "paused", last_complete_at=after(minute))
        field.cycle(after(minute))
    fires = Notice.objects.filter(kind="fire", incident__rule="paused_by_exchange")
    assert list(fires.order_by("pk").values_list("in_digest", flat=True)) == [False, False, True]


def test_editing_a_rule_closes_its_incidents_as_superseded_without_mail(field: Field) -> None:
    incident = firing(field)
    book.save_rule(
        account=field.account,
        code="drop_off",
        settings={"fires": 0.5, "clears": 0.4},
        enabled=True,
        by=field.admin,
        now=after(65),
    )
    field.cycles(70, 200)
    incident.refresh_from_db()
    assert incident.close_reason == "superseded"
    assert states() == ["resolved"]
    assert kinds() == ["fire"]


def test_a_groups_own_threshold_wins_over_the_accounts(field: Field) -> None:
    strict = leaving(field, drop_off_rate=0.2)
    leaving(field, drop_off_rate=0.2)
    book.save_rule(
        account=field.account,
        code="drop_off",
        settings={"fires": 0.15, "clears": 0.1, "for_minutes": 0},
        enabled=True,
        by=field.admin,
        now=after(-1),
        group=strict,
    )
    field.cycles(0, 5)
    assert [incident.group for incident in Incident.objects.all()] == [strict]


def test_a_rule_that_is_switched_off_opens_nothing(field: Field) -> None:
    book.save_rule(
        account=field.account,
        code="paused_by_exchange",
        settings={},
        enabled=False,
        by=field.admin,
        now=after(-1),
    )
    field.paused()
    field.cycles(0)
    assert states() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"fires": float("nan")},
        {"fires": -1},
        {"fires": "0.3"},
        {"fires": True},
        {"fires": 10**10},
        {"for_minutes": 10**9},
        {"wires": 1},
        {"severity": 9},
        {"mail": "fax"},
        {"fires": 0.2, "clears": 0.4},
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^(fires|for_minutes|wires|severity|mail|clears): "):
        book.clean_settings("drop_off", settings)


@pytest.mark.parametrize(
    ("code", "name"), [("no_data", "intervals"), ("paused_and_forgotten", "ends_hours")]
)
def test_a_time_that_is_longer_than_the_calendar_stops_no_alert(
    field: Field, code: str, name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name}: at most"):
        book.clean_settings(code, {name: 1e9})
    given = {"account": field.account, "scope": "account", "code": code}
    Rule.objects.create(**given, settings={name: 1e9}, edited_at=after(-1))  # as it once could be
    field.paused(status_reason="", status_changed_by="pm-1", ends_at=after(6000))
    field.cycles(0)
    detect.check_accounts(now=after(5))
    assert states() == []


def test_three_silent_intervals_are_one_incident_of_the_account(field: Field) -> None:
    field.cycles(0)
    detect.check_accounts(now=after(20))
    assert states() == []
    detect.check_accounts(now=after(21))
    detect.check_accounts(now=after(22))
    assert states() == ["firing"]
    assert kinds() == ["no-data", "no-data"]


def test_data_that_comes_again_settles_after_two_cycles(field: Field) -> None:
    field.cycles(0)
    detect.check_accounts(now=after(25))
    field.cycles(30)
    detect.check_accounts(now=after(31))
    detect.check_accounts(now=after(32))
    assert states() == ["recovering"]
    field.cycles(35)
    detect.check_accounts(now=after(36))
    assert states() == ["resolved"]


def test_a_connection_whose_polling_is_paused_is_not_missed(field: Field) -> None:
    field.cycles(0)
    detect.check_accounts(now=after(25))
    update(field.account, polling=False)
    detect.check_accounts(now=after(26))
    assert Incident.objects.get().close_reason == "polling is paused"


def test_a_day_without_the_exchange_recovers_nothing_and_is_few_mails(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    for minute in range(5, 24 * 60 + 30, 5):
        detect.evaluate_by_time(now=after(minute))
        detect.check_accounts(now=after(minute))
        outbox.compose_due_mails(now=after(minute))
    assert not Incident.objects.filter(group=group).exclude(state="firing").exists()
    theirs = [mail for mail in mails() if mail.recipient == field.pm and not mail.digest_day]
    assert len(theirs) - 1 <= 3
    assert timedelta(minutes=20) <= theirs[1].created_at - factories.NOW <= timedelta(minutes=30)


def test_a_group_that_cannot_be_read_does_not_hold_up_what_others_breach(field: Field) -> None:
    leaving(field)
    field.cycle(after(-60))
    for minute in range(0, 61, 5):
        field.cycle(after(minute), complete=False, errors=["Group 7: 403"])
    assert states() == ["firing"]


def test_projects_that_cannot_be_read_are_no_data_though_the_accounts_list_is_there(
    field: Field,
) -> None:
    field.cycles(0)
    for minute in range(5, 26, 5):
        factories.cycle(field.project, after(minute), listed=False, complete=False)
        own = factories.cycle(field.project, after(minute))
        update(own, project=None)
        detect.check_accounts(now=after(minute))
    assert states() == ["firing"]
    assert "for 25 min" in Incident.objects.get().headline


def test_a_mute_that_ends_while_it_recovers_tells_it_to_whoever_never_heard(field: Field) -> None:
    group = leaving(field)
    acknowledge_and_mute.mute_scope(
        account=field.account, group=group, by=field.pm, until=after(80), now=after(-1)
    )
    field.cycles(*range(0, 61, 15))
    update(group, drop_off_rate=0.2)
    field.cycles(75)
    assert states() == ["recovering"]
    detect.evaluate_by_time(now=after(80))
    assert kinds() == ["repeat"]


def test_what_is_repeated_within_half_a_day_is_repeated_together(field: Field) -> None:
    field.paused()
    field.cycles(0)
    field.paused(name="Six hours later")
    field.cycles(6 * 60, 24 * 60)
    field.paused(name="Today")
    field.cycles(24 * 60 - 1)
    detect.evaluate_by_time(now=after(24 * 60))
    again = Notice.objects.filter(kind="repeat").values_list("incident__group__name", flat=True)
    assert sorted(again) == ["Japan 25–54", "Six hours later"]
    detect.evaluate_by_time(now=after(30 * 60))
    assert Notice.objects.filter(kind="repeat").count() == 2


def test_what_is_open_and_muted_of_a_group_goes_along_to_its_new_manager(field: Field) -> None:
    new = factories.person("editor", field.account, exchange_user_id="pm-2")
    told, quiet = field.paused(), field.paused(name="Quiet")
    acknowledge_and_mute.mute_scope(
        account=field.account, group=quiet, by=field.pm, until=after(26 * 60), now=after(-1)
    )
    field.cycles(0)
    update(told, project_manager_id="pm-2")
    update(quiet, project_manager_id="pm-2")
    field.cycles(24 * 60 - 1)
    detect.evaluate_by_time(now=after(24 * 60))
    heard = Notice.objects.order_by("pk").values_list("kind", "incident__group", "recipient")
    assert list(heard) == [("fire", told.pk, field.pm.pk), ("repeat", told.pk, new.pk)]
    detect.evaluate_by_time(now=after(26 * 60))
    assert heard.last() == ("repeat", quiet.pk, new.pk)
