"""Facts of the changelog: what somebody else changed is told, once."""

from __future__ import annotations

import pytest

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.fielding.models import Edit, Incident, Notice, TargetGroup
from tests import factories
from tests.fakes.alert_scenario import Field, after, change, kinds, states


def test_a_price_change_by_somebody_else_is_told_once(field: Field) -> None:
    change(field.group())
    field.cycles(0, 5)
    incident = Incident.objects.get()
    assert incident.headline == (
        "Japan 25–54: an unknown user changed the CPI from 2.00 to 2.20 USD (+10 %)"
    )
    assert incident.severity == Incident.Severity.WARNING
    assert kinds() == ["fire"]


def test_a_large_price_change_is_critical(field: Field) -> None:
    change(field.group(), new={"value": "2.40"})
    field.cycles(0)
    assert Incident.objects.get().severity == Incident.Severity.CRITICAL


@pytest.mark.parametrize(("new", "told"), [("2.10", True), ("2.09", False), ("1.90", True)])
def test_small_price_changes_are_not_worth_a_word(field: Field, new: str, told: bool) -> None:
    change(field.group(), new=new, old="2.00")
    field.cycles(0)
    assert Incident.objects.exists() is told


def edited(field: Field, group: TargetGroup, kind: Edit.Kind, wanted: object) -> None:
    Edit.objects.create(
        account=field.account,
        group=group,
        by=field.pm,
        kind=kind,
        token="form-1",
        state=Edit.State.CONFIRMED,
        before={},
        wanted=wanted,
        started_at=after(-11),
        settled_at=after(-10),
    )


def test_our_own_edit_is_no_news(field: Field) -> None:
    group = field.group()
    edited(field, group, Edit.Kind.CPI, {})
    change(group)
    field.cycles(0)
    assert states() == []


@pytest.mark.parametrize(("new", "told"), [("completed", False), ("paused", True)])
def test_a_status_that_we_asked_for_is_no_news_and_another_one_is(
    field: Field, new: str, told: bool
) -> None:
    group = field.group()
    edited(field, group, Edit.Kind.STATUS, "completed")
    change(group, kind="status_change", old="live", new=new)
    field.cycles(0)
    assert Incident.objects.exists() is told


def test_old_history_of_a_new_connection_is_not_news(field: Field) -> None:
    change(field.group(), at_minute=-25 * 60)
    field.cycles(0)
    assert states() == []


def test_a_change_by_the_exchange_itself_waits_for_the_digest(field: Field) -> None:
    change(field.group(), actor_type="system_user", new={"value": "3.00"})
    field.cycles(0)
    assert Notice.objects.get().in_digest


def test_a_changelog_fact_ends_after_a_day(field: Field) -> None:
    change(field.group(last_complete_at=after(10**5)))
    field.cycles(0)
    detect.evaluate_by_time(now=after(24 * 60))
    assert Incident.objects.get().close_reason == "a day has passed"
    assert kinds() == ["fire"]


def test_a_changelog_fact_ends_when_acknowledged_and_stays_ended(field: Field) -> None:
    change(field.group())
    field.cycles(0)
    acknowledge_and_mute.acknowledge_incident(
        incident=Incident.objects.get(), by=field.pm, now=after(1)
    )
    field.cycles(5)
    assert [i.close_reason for i in Incident.objects.all()] == ["acknowledged"]


def test_one_change_of_price_under_two_kinds_is_told_once(field: Field) -> None:
    group = field.group()
    change(group)
    change(group, kind="user_requested_cpi_change")
    field.cycles(0)
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("who", ["system_user", "system_marketplace_user"])
def test_a_pause_by_the_exchange_is_told_by_its_own_rule_alone(field: Field, who: str) -> None:
    group = field.paused(status_changed_by=who, status_reason="")
    change(group, kind="status_change", actor_type=who, old="live", new="paused")
    field.cycles(0)
    assert [incident.rule for incident in Incident.objects.all()] == ["paused_by_exchange"]


def test_a_start_as_planned_is_no_news(field: Field) -> None:
    who = "system_user"
    change(field.group(), kind="status_change", actor_type=who, old="scheduled", new="live")
    field.cycles(0)
    assert states() == []


def test_a_group_that_the_exchange_completed_is_worth_a_notice_only(field: Field) -> None:
    group = field.group(status="completed")
    who = "system_marketplace_user"
    change(group, kind="status_change", actor_type=who, old="live", new="completed")
    field.cycles(0)
    assert Incident.objects.get().severity == Incident.Severity.NOTICE


def test_who_made_a_change_is_named_where_the_exchange_names_them(field: Field) -> None:
    factories.exchange_user(field.account, exchange_id="u-7", name="Priya Raman")
    change(field.group(), actor_id="u-7")
    field.cycles(0)
    assert "Priya Raman changed the CPI" in Incident.objects.get().headline
