"""The bell, an incident's page, the links of mails, and what a person says of their mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import plotly.graph_objects as go
import pytest
from django.core import mail as outbox
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from dashboard.alerts import heartbeat
from dashboard.alerts.mail import action_links, compose
from dashboard.fielding.models import ExchangeAccount, Mail, MailPreferences, TargetGroup, User
from tests import factories
from tests.web.alerts.helpers import opened, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    return factories.group(factories.project(account))


def read(client: Client, address: str, **headers: str) -> str:
    return client.get(address, headers=headers).content.decode()


def test_the_bell_counts_what_there_is_to_do_on_every_page(
    client: Client, group: TargetGroup
) -> None:
    factories.item(group)
    factories.item(group, remedy="fix_loi", state="closed")
    factories.item(factories.group(factories.project(factories.account())))
    signed_in(client, "editor", group.account)
    for address in ("/", "/projects/", "/me/", "/mails/"):
        assert "1 to do<" in read(client, address)


def test_a_refresh_brings_the_bell_along(client: Client, group: TargetGroup) -> None:
    signed_in(client, "editor", group.account)
    address = f"/groups/{factories.group(group.project).pk}/"
    etag = client.get(address).headers["ETag"]
    factories.item(group, critical=True)
    part = read(client, address, HX_Request="true", If_None_Match=etag)
    assert 'hx-swap-oob="true"' in part
    assert "1 to do, 1 critical" in part


def test_the_box_under_the_bell_leads_to_each_group(client: Client, group: TargetGroup) -> None:
    factories.item(group)
    signed_in(client, "editor", group.account)
    assert f"/groups/{group.pk}/" in read(client, "/bell/")


def test_an_incident_tells_what_happened_and_who_was_told(
    client: Client, group: TargetGroup
) -> None:
    user = signed_in(client, "viewer", group.account)
    incident = opened(group, facts={"figures": [["drop-off", "38 %", "≤ 30 %"]]})
    sent = Mail.objects.create(
        recipient=user,
        address=user.email,
        message_id="<1@x>",
        subject="Dropping off",
        text="t",
        state="sent",
        created_at=factories.NOW,
        next_try_at=factories.NOW,
    )
    incident.notices.create(
        kind="fire", sequence=1, recipient=user, created_at=factories.NOW, mail=sent
    )
    other = factories.person("editor", group.account, username="bo")
    incident.notices.create(
        kind="fire",
        sequence=1,
        recipient=other,
        created_at=factories.NOW,
        skipped="address refused",
    )
    page = read(client, f"/incidents/{incident.pk}/")
    for said in ("≤ 30 %", "38 % leave.", f"/mails/{sent.pk}/", "not sent: address refused"):
        assert said in page


def test_the_chart_of_an_incident_says_whose_hours_it_shows(
    client: Client, account: ExchangeAccount
) -> None:
    there = factories.group(factories.project(account), country_code="jp")
    signed_in(client, "viewer", account)
    assert "Times in Tokyo" in read(client, f"/incidents/{opened(there).pk}/")


@pytest.mark.parametrize("rule", ["drop_off", "interview_long", "conversion", "epc", "stalled"])
def test_the_chart_of_an_incident_is_a_figure_with_its_thresholds(
    client: Client, group: TargetGroup, rule: str
) -> None:
    now = timezone.now()
    factories.completes(
        group, until=now.replace(minute=0, second=0, microsecond=0), counts=range(30)
    )
    group.readings.create(
        at=now,
        status="live",
        drop_off_rate=0.38,
        median_loi_seconds=900,
        conversion_rate=0.1,
        epc="0.1",
    )
    incident = opened(group, rule=rule)
    signed_in(client, "viewer", group.account)
    figure: dict[str, Any] = client.get(f"/incidents/{incident.pk}/chart.json").json()
    go.Figure(figure)
    names = [one["text"] for one in figure["layout"].get("annotations", [])]
    assert any(name.startswith("Alert at") for name in names) == (rule != "stalled")
    assert figure["layout"]["shapes"][-1]["type"] == "rect"


def test_a_link_of_a_mail_changes_nothing_and_the_form_asks_once(
    client: Client, group: TargetGroup
) -> None:
    incident = opened(group)
    link = action_links.action_url(incident, action_links.ACKNOWLEDGE).removeprefix(
        "http://127.0.0.1:8000"
    )
    assert "/sign-in/" in client.get(link).headers["Location"]
    user = signed_in(client, "editor", group.account)
    form = client.get(link).headers["Location"]
    assert "Acknowledge this alert?" in read(client, form)
    incident.refresh_from_db()
    assert incident.acknowledged_by is None
    client.post(form)
    incident.refresh_from_db()
    assert incident.acknowledged_by == user


def test_a_link_of_a_mail_gives_a_viewer_no_more_than_they_have(
    client: Client, group: TargetGroup
) -> None:
    link = action_links.action_url(opened(group), action_links.ACKNOWLEDGE)
    signed_in(client, "viewer", group.account)
    assert client.get(link, follow=True).status_code == 403


def test_a_link_of_a_mail_leads_an_administrator_to_the_connection(
    client: Client, group: TargetGroup
) -> None:
    signed_in(client, "administrator", group.account)
    link = action_links.action_url(opened(group), action_links.CONNECTION).removeprefix(
        "http://127.0.0.1:8000"
    )
    assert client.get(link).headers["Location"] == f"/connections/{group.account_id}/"


def test_a_link_ends_after_its_week_and_a_forged_one_never_began(group: TargetGroup) -> None:
    incident = opened(group)
    token = action_links.action_url(incident, action_links.MUTE).split("/")[-2]
    ended = action_links.read_action_token(token, valid_for=timedelta(seconds=-1))
    assert action_links.read_action_token(token) == (incident.pk, action_links.MUTE, False)
    assert ended == (incident.pk, action_links.MUTE, True)
    assert action_links.read_action_token(token + "x") is None


@pytest.mark.parametrize(("minutes", "said"), [(1, False), (6, True)])
def test_a_machine_that_stands_still_is_told_on_every_page(
    client: Client, group: TargetGroup, minutes: int, said: bool
) -> None:
    ExchangeAccount.objects.update(created_at=timezone.now() - timedelta(hours=1))
    for name in heartbeat.ROUNDS:
        heartbeat.record_heartbeat(name, now=timezone.now() - timedelta(minutes=minutes))
    signed_in(client, "viewer", group.account)
    for address in ("/", "/me/", f"/groups/{group.pk}/"):
        assert ("alert detection has stopped" in read(client, address)) == said


CHOICE = {
    "about": "everything",
    "now": "2",
    "digest": "on",
    "digest_days": ["1", "3"],
    "digest_at": "09:30",
    "quiet_from": "21:00",
    "quiet_until": "06:00",
}


def test_a_person_chooses_what_comes_when(client: Client, account: ExchangeAccount) -> None:
    user = signed_in(client, "viewer", account)
    client.post("/me/mail/", CHOICE)
    choice = MailPreferences.objects.get(user=user)
    assert (choice.now, choice.digest_days, str(choice.digest_at)) == (2, "13", "09:30:00")
    assert choice.quiet_days == ""


def test_a_digest_without_a_day_is_refused_at_the_days(
    client: Client, account: ExchangeAccount
) -> None:
    signed_in(client, "viewer", account)
    page = client.post("/me/mail/", CHOICE | {"digest_days": []}).content.decode()
    assert "Choose at least one day, or switch the digest off." in page
    assert not MailPreferences.objects.exists()


def test_a_refused_address_is_tried_again_on_demand(
    client: Client, account: ExchangeAccount
) -> None:
    user = signed_in(client, "viewer", account)
    User.objects.update(email_refused="550 no such user")
    assert "550 no such user" in read(client, "/mails/")
    client.post("/mails/test/")
    user.refresh_from_db()
    assert user.email_refused == ""
    assert Mail.objects.get().subject == "Fieldwatch test email"


def test_administrators_see_dead_mails_and_refused_addresses(
    client: Client, account: ExchangeAccount
) -> None:
    user = factories.person("editor", account, email_refused="550 gone")
    Mail.objects.create(
        account=account,
        recipient=user,
        address=user.email,
        message_id="<1@x>",
        subject="Dropping off",
        text="t",
        state="dead",
        error="550 gone",
        created_at=timezone.now(),
        next_try_at=timezone.now(),
    )
    signed_in(client, "administrator", account)
    page = read(client, f"/connections/{account.pk}/mail/")
    assert "Undelivered emails" in page
    assert page.count("550 gone") >= 2
    assert "1 email from the last two days could not be delivered" in page


def test_an_administrator_has_a_refused_address_tried_again(
    client: Client, account: ExchangeAccount
) -> None:
    user = factories.person("editor", account, email_refused="550 gone")
    stranger = factories.person("editor", factories.account(), email_refused="550 gone")
    here, there = user.memberships.get(), stranger.memberships.get()
    signed_in(client, "administrator", account)
    button = f"/connections/{account.pk}/mail/{here.pk}/again/"
    assert f'action="{button}"' in read(client, f"/connections/{account.pk}/mail/")
    assert client.post(f"/connections/{account.pk}/mail/{there.pk}/again/").status_code == 404
    assert client.post(button)["Location"] == f"/connections/{account.pk}/mail/"
    assert list(User.objects.exclude(email_refused="")) == [stranger]
    assert Mail.objects.get().recipient == user
    assert "Test email, or email about several connections" in read(
        client, f"/connections/{account.pk}/mail/"
    )
    assert f'action="{button}"' not in read(client, f"/connections/{account.pk}/mail/")


def test_a_test_that_failed_is_listed_but_is_no_complaint(
    client: Client, account: ExchangeAccount
) -> None:
    user = signed_in(client, "administrator", account)
    Mail.objects.create(
        recipient=user,
        address=user.email,
        message_id="<1@x>",
        subject="Test",
        text="t",
        state="dead",
        error="550 gone",
        created_at=timezone.now(),
        next_try_at=timezone.now(),
    )
    page = read(client, f"/connections/{account.pk}/mail/")
    assert "Undelivered emails" in page
    assert "of the last two days" not in page


def test_the_command_sends_a_test_mail(account: ExchangeAccount) -> None:
    factories.person("viewer", account, username="anna", email="anna@example.com")
    call_command("mail", "test", "anna")
    assert outbox.outbox[0].to == ["anna@example.com"]


def test_the_command_tries_an_address_again_that_was_refused(account: ExchangeAccount) -> None:
    user = factories.person("viewer", account, username="anna", email_refused="550 gone")
    call_command("mail", "test", "anna")
    assert outbox.outbox[0].to == [user.email]
    user.refresh_from_db()
    assert user.email_refused == ""


def test_the_command_says_why_nothing_went_out(account: ExchangeAccount) -> None:
    factories.person("viewer", account, username="anna", email="nowhere")
    with pytest.raises(CommandError, match="not an address"):
        call_command("mail", "test", "anna")
    with pytest.raises(CommandError, match="nobody has the username or email address bo"):
        call_command("mail", "test", "bo")


@pytest.mark.parametrize(
    ("rule", "reason", "ends"),
    [
        ("stalled", "", "/edit/cpi/"),
        ("ends_soon", "", "/edit/dates/"),
        ("overfilled", "", "/edit/goals/"),
        ("interview_long", "", "/edit/details/"),
        ("spend", "", "/edit/budget/"),
        ("paused_by_exchange", "past_scheduled_end_date", "/edit/dates/"),
        ("paused_by_exchange", "high_drop_rates", "/groups/{pk}/#do-resume"),
    ],
)
def test_a_link_of_a_mail_leads_to_the_form_that_may_help(
    client: Client, group: TargetGroup, rule: str, reason: str, ends: str
) -> None:
    group.status_reason = reason
    group.save()
    incident = opened(group, rule=rule)
    user = signed_in(client, "editor", group.account)
    offered = [address for _, address in compose.action_links_for(incident, user)]
    reached = [client.get(one.removeprefix("http://127.0.0.1:8000")) for one in offered]
    assert all(answer.status_code == 302 for answer in reached)
    assert any(one.headers["Location"].endswith(ends.format(pk=group.pk)) for one in reached)
    assert ends.format(pk=group.pk) in read(client, f"/incidents/{incident.pk}/")


def test_the_chart_of_too_many_completes_shows_the_goal(client: Client, group: TargetGroup) -> None:
    group.readings.create(at=timezone.now(), status="live", completes=230)
    incident = opened(group, rule="overfilled")
    signed_in(client, "viewer", group.account)
    figure = client.get(f"/incidents/{incident.pk}/chart.json").json()
    names = [one["text"] for one in figure["layout"]["annotations"]]
    assert names == ["Goal at 200 completes", "Alert at 204 completes"]


def test_many_incidents_come_in_pages(client: Client, group: TargetGroup) -> None:
    for number in range(53):
        opened(group, key=f"{number}", headline=f"incident {number:02d}.")
    signed_in(client, "viewer", group.account)
    first, second = read(client, "/incidents/"), read(client, "/incidents/?page=2")
    assert first.count("incident ") >= 50
    assert "1–50 of 53" in first
    assert "51–53 of 53" in second
    assert 'href="?page=1" rel="prev"' in second
    told = {
        number
        for number in range(53)
        for page in (first, second)
        if f"incident {number:02d}." in page
    }
    assert told == set(range(53))
    assert "51–53 of 53" in read(client, "/incidents/?page=999")
