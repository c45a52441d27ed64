"""Rules on pages: who may change them, what a preview says, where errors stand, who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.alerts.recipients.resolve import People
from dashboard.alerts.rules.settings import RuleSet
from dashboard.fielding.models import (
    ExchangeAccount,
    Membership,
    Mute,
    Rule,
    TargetGroup,
    User,
)
from dashboard.web.alerts.mutes import MuteForm
from tests import factories
from tests.web.alerts.helpers import opened, signed_in

pytestmark = pytest.mark.django_db

DROP_OFF = {
    "enabled": "on",
    "fires": "40",
    "clears": "35",
    "entrants": "50",
    "for_minutes": "60",
    "keep_minutes": "30",
    "severity": "2",
    "mail": "now",
}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    return factories.group(factories.project(account), drop_off_rate=0.38)


def test_a_saved_rule_holds_its_number_and_ends_what_the_old_one_opened(
    client: Client, group: TargetGroup
) -> None:
    incident = opened(group)
    signed_in(client, "editor", group.account)
    answer = client.post(f"/rules/groups/{group.pk}/drop_off/", DROP_OFF)
    assert answer.status_code == 302
    chosen = RuleSet.of(group.account_id).rule_for("drop_off", group.project_id, group.pk)
    assert (chosen.settings["fires"], chosen.settings["clears"]) == (0.4, 0.35)
    incident.refresh_from_db()
    assert (incident.state, incident.close_reason) == ("resolved", "superseded")
    assert incident.notices.count() == 0


def test_only_what_differs_is_stored_so_the_rest_follows_the_wider_rule(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "editor", group.account)
    client.post(f"/rules/projects/{group.project_id}/drop_off/", DROP_OFF)
    assert Rule.objects.get().settings == {"fires": 0.4, "clears": 0.35}


def test_a_large_number_is_shown_as_it_was_typed(client: Client, group: TargetGroup) -> None:
    Rule.objects.create(
        account=group.account, scope="account", code="spend", settings={"budget": 1234567.5}
    )
    signed_in(client, "administrator", group.account)
    page = client.get(f"/rules/connections/{group.account_id}/spend/").content.decode()
    assert 'value="1234567.5"' in page


def test_a_number_that_cannot_be_is_said_at_its_field_and_kept(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "editor", group.account)
    page = client.post(
        f"/rules/groups/{group.pk}/drop_off/", DROP_OFF | {"clears": "45"}
    ).content.decode()
    assert 'id="id_clears_error"' in page
    assert 'value="45"' in page
    assert not Rule.objects.exists()


def test_a_preview_tells_what_would_have_been_and_stores_nothing(
    client: Client, group: TargetGroup
) -> None:
    now = timezone.now()
    for hours, rate in ((50, 0.1), (30, 0.45), (20, 0.1)):
        group.readings.create(
            at=now - timedelta(hours=hours), status="live", entrants=900, drop_off_rate=rate
        )
    signed_in(client, "viewer", group.account)
    address = f"/rules/groups/{group.pk}/drop_off/preview/"
    assert "would have opened 1 alert, 10 h" in client.get(address, DROP_OFF).content.decode()
    calm = DROP_OFF | {"fires": "50"}
    assert "would have opened no alerts" in client.get(address, calm).content.decode()
    assert not Rule.objects.exists()


def test_a_viewer_sees_the_rules_and_is_offered_no_change(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "viewer", group.account)
    page = client.get(f"/rules/groups/{group.pk}/").content.decode()
    assert "High drop-off" in page
    assert f"/rules/groups/{group.pk}/drop_off/" not in page


def test_an_editor_may_not_change_the_rules_of_a_whole_connection(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "editor", group.account)
    address = f"/rules/connections/{group.account_id}/drop_off/"
    assert client.post(address, DROP_OFF).status_code == 403
    assert address not in client.get(f"/rules/connections/{group.account_id}/").content.decode()


def test_a_rule_that_is_let_go_follows_the_wider_one_again(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "editor", group.account)
    address = f"/rules/groups/{group.pk}/drop_off/"
    client.post(address, DROP_OFF | {"enabled": ""})
    client.post(address, {"do": "inherit"})
    chosen = RuleSet.of(group.account_id).rule_for("drop_off", group.project_id, group.pk)
    assert chosen.enabled
    assert chosen.settings["fires"] == 0.3


def test_a_further_address_is_told_and_cannot_sign_in(client: Client, group: TargetGroup) -> None:
    signed_in(client, "administrator", group.account)
    client.post(
        f"/rules/connections/{group.account_id}/told/",
        {"managers": "", "roles": [], "addresses": "Desk@Example.com\n"},
    )
    desk = User.objects.get(email="desk@example.com")
    assert not desk.is_active
    assert not desk.has_usable_password()
    assert People(group.account_id).recipients_of(opened(group), ()) == [desk.pk]


def test_an_address_that_nobody_names_any_more_leaves_the_connection(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "administrator", group.account)
    address = f"/rules/connections/{group.account_id}/told/"
    client.post(address, {"addresses": "desk@example.com"})
    client.post(address, {"managers": "on", "addresses": ""})
    assert not Membership.objects.filter(role="mail").exists()


def test_somebody_of_another_connection_cannot_be_added_as_an_address(
    client: Client, group: TargetGroup
) -> None:
    other = factories.person("viewer", factories.account())
    signed_in(client, "administrator", group.account)
    page = client.post(
        f"/rules/connections/{group.account_id}/told/", {"addresses": other.email}
    ).content.decode()
    assert "can invite them" in page
    assert not Rule.objects.exists()


def test_a_wrong_address_is_said_at_its_field(client: Client, group: TargetGroup) -> None:
    signed_in(client, "editor", group.account)
    page = client.post(
        f"/rules/groups/{group.pk}/told/", {"addresses": "not an email address"}
    ).content.decode()
    assert "not an email address is not an email address" in page


def test_the_nearest_choice_of_recipients_holds(client: Client, group: TargetGroup) -> None:
    viewer = factories.person("viewer", group.account)
    editor = signed_in(client, "editor", group.account)
    client.post(f"/rules/groups/{group.pk}/told/", {"roles": ["viewer"]})
    people, incident = People(group.account_id), opened(group)
    assert people.recipients_of(incident, ()) == [viewer.pk]
    incident.group = None
    assert people.recipients_of(incident, ()) == [editor.pk]


def test_when_nobody_chosen_is_left_those_who_may_edit_are_told(group: TargetGroup) -> None:
    editor = factories.person("editor", group.account)
    Rule.objects.create(
        account=group.account, scope="account", code="recipients", settings={"roles": ["viewer"]}
    )
    assert People(group.account_id).recipients_of(opened(group), ()) == [editor.pk]


def test_a_group_is_muted_to_tomorrow_morning_where_the_person_is(
    client: Client, group: TargetGroup
) -> None:
    user = signed_in(client, "editor", group.account)
    User.objects.filter(pk=user.pk).update(time_zone="Asia/Tokyo")
    client.post(f"/rules/groups/{group.pk}/mute/", {"end": "tomorrow", "rule": "all"})
    mute = Mute.objects.get()
    assert mute.until.hour == 23  # 08:00 in Tokyo
    assert (mute.group, mute.by) == (group, user)
    assert f"Muted by {user}" in client.get(f"/groups/{group.pk}/").content.decode()


@pytest.mark.parametrize("at", ["", "2001-01-01T08:00", "2999-01-01T08:00", "soon"])
def test_a_mute_without_an_end_that_can_be_is_refused_at_its_field(
    client: Client, group: TargetGroup, at: str
) -> None:
    signed_in(client, "editor", group.account)
    page = client.post(f"/rules/groups/{group.pk}/mute/", {"end": "at", "at": at}).content.decode()
    assert 'id="id_at_error"' in page
    assert not Mute.objects.exists()


def test_a_mute_of_a_project_asks_which_alerts(client: Client, group: TargetGroup) -> None:
    signed_in(client, "editor", group.account)
    address = f"/rules/projects/{group.project_id}/mute/"
    page = client.get(address).content.decode()
    assert "Mute this project" in page
    assert '<option value="" selected>Choose…</option>' in page
    page = client.post(address, {"end": "hours", "rule": ""}).content.decode()
    assert "Choose which alerts to mute." in page
    assert not Mute.objects.exists()
    page = client.post(address, {"end": "hours", "rule": "all"}, follow=True).content.decode()
    assert f"Muted: All alerts of {group.project.name}" in page
    assert (Mute.objects.get().rule, Mute.objects.get().group) == ("", None)


@pytest.mark.parametrize(("day", "offered"), [(27, True), (29, False)])  # Friday, Sunday
def test_monday_is_offered_unless_it_is_tomorrow(day: int, offered: bool) -> None:
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    form = MuteForm(User(), now, None, rule="", is_wide=False)
    assert ("Monday morning" in str(form["end"])) is offered


def test_a_mute_is_ended_from_the_page_that_lists_it(client: Client, group: TargetGroup) -> None:
    signed_in(client, "editor", group.account)
    client.post(f"/rules/groups/{group.pk}/mute/", {"end": "hours", "rule": "drop_off"})
    mute = Mute.objects.get()
    page = client.get(f"/rules/groups/{group.pk}/").content.decode()
    assert f"/mutes/{mute.pk}/end/" in page
    assert '<span class="sub">High drop-off</span>' in page
    client.post(f"/mutes/{mute.pk}/end/")
    mute.refresh_from_db()
    assert mute.until <= timezone.now()
