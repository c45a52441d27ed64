"""The pages of channels: add, change, test, remove; secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from dashboard.alerts.channels.settings import MOST_CHANNELS
from dashboard.fielding.models import AuditEvent, Channel, ExchangeAccount, Mail, Project
from tests import factories
from tests.fakes.channel_receiver import KEY, ChannelReceiver, receiving
from tests.web.alerts.helpers import opened, signed_in

pytestmark = pytest.mark.django_db
FORM: dict[str, Any] = {
    "service": "slack",
    "name": "#fieldwork",
    "sends": "critical",
    "time_zone": "Europe/Berlin",
    "digest_at": "08:00",
    "digest_days": ["1", "2"],
    "quiet_from": "20:00",
    "quiet_until": "07:30",
    "quiet_days": ["6", "7"],
}


@pytest.fixture
def receiver(settings: Any) -> Iterator[ChannelReceiver]:
    with receiving() as running:
        settings.CHANNEL_ALLOWED_HOSTS = [f"127.0.0.1:{running.port}"]
        yield running


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(name="main")


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account, name="Tracker W23")


def homes(project: Project) -> dict[str, str]:
    """The three pages, as addresses say it."""
    return {
        "account": f"/rules/connections/{project.account_id}/channels/",
        "project": f"/rules/projects/{project.pk}/channels/",
        "person": "/me/channels/",
    }


@pytest.mark.parametrize("home", ["account", "project", "person"])
def test_a_channel_is_added_tested_changed_and_removed(
    client: Client, project: Project, receiver: ChannelReceiver, home: str
) -> None:
    user = signed_in(client, "administrator", project.account)
    page = homes(project)[home]
    assert "No channels yet" in client.get(page).content.decode()
    secret = receiver.address("slack")
    added = client.post(page, FORM | {"address": secret}, follow=True).content.decode()
    channel = Channel.objects.get()
    assert channel.address == secret
    assert (channel.owner, channel.account) == (
        (user, None) if home == "person" else (None, project.account)
    )
    assert channel.project == (project if home == "project" else None)
    assert "127.0.0.1 …xyzw" in added
    assert "Not used yet" in added
    tested = client.post(f"{page}{channel.pk}/test/", follow=True).content.decode()
    assert "Slack accepted the test message." in tested
    assert ">Works<" in tested
    assert "Fieldwatch test: #fieldwork gets critical alerts about" in str(receiver.taken[0].body)
    changed = FORM | {"name": "#renamed", "address": "", "sends": "all"}
    form = client.get(f"{page}{channel.pk}/").content.decode()
    assert client.post(f"{page}{channel.pk}/", changed).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.sends, channel.address) == ("#renamed", "all", secret)
    for text in (added, tested, form):
        assert "s3cr3t" not in text
    assert client.post(f"{page}{channel.pk}/remove/").status_code == 302
    assert not Channel.objects.exists()
    assert not Mail.objects.exists()
    kinds = ["channel-added", "channel-changed", "channel-removed"]
    events = list(AuditEvent.objects.filter(kind__in=kinds).order_by("pk"))
    assert [event.kind for event in events] == kinds
    assert "s3cr3t" not in str([event.details for event in events])


def test_what_is_wrong_is_said_where_it_was_typed_and_comes_back(
    client: Client, project: Project, receiver: ChannelReceiver
) -> None:
    signed_in(client, "administrator", project.account)
    page, good = homes(project)["account"], FORM | {"address": receiver.address("slack")}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"address": "https://evil.example/x"}, "looks like https://hooks.slack.com/services/"),
        ({"address": "not an address"}, "This is not an address of the form"),
        ({"address": ""}, "This field is required."),
        ({"service": "webhook", "address": "https://evil.example/"}, "CHANNEL_ALLOWED_HOSTS"),
        ({"service": "webhook"}, "Enter a signing key."),
        ({"service": "webhook", "signing_key": "short"}, "at least 16 characters"),
        ({"sends": "digest", "digest_days": []}, "Choose at least one day."),
        ({"quiet_days": list("1234567")}, "Leave at least one day without quiet."),
        ({"service": "pager"}, "Select a valid choice"),
    ]
    for changes, error in cases:
        answer = client.post(page, good | changes).content.decode()
        assert error in answer, error
        assert 'value="#fieldwork"' in answer
    assert not Channel.objects.exists()


def test_no_home_has_more_channels_than_the_most(
    client: Client, project: Project, receiver: ChannelReceiver
) -> None:
    """Those of one are not counted for another."""
    user = signed_in(client, "administrator", project.account)
    given = FORM | {"address": receiver.address("slack")}
    of_homes: tuple[dict[str, Any], ...] = ({}, {"project": project}, {"owner": user})
    for page, of_home in zip(homes(project).values(), of_homes, strict=True):
        account = None if "owner" in of_home else project.account
        for _ in range(MOST_CHANNELS - 1):
            factories.channel(account, address=given["address"], **of_home)
        assert client.post(page, given).status_code == 302, page
        answer = client.post(page, given)
        assert "20 channels here, which is the most" in answer.content.decode(), page
    assert Channel.objects.count() == 3 * MOST_CHANNELS


def test_a_webhook_keeps_its_key_and_a_new_address_ends_a_refusal(
    client: Client, project: Project, receiver: ChannelReceiver
) -> None:
    signed_in(client, "administrator", project.account)
    page = homes(project)["account"]
    hook: dict[str, Any] = {
        "service": "webhook",
        "address": receiver.address("webhook"),
        "signing_key": KEY,
    }
    client.post(page, FORM | hook)
    channel = Channel.objects.get()
    receiver.mood = "404"
    failed = client.post(f"{page}{channel.pk}/test/", follow=True).content.decode()
    assert "The test message did not get through: Webhook answered 404" in failed
    assert ">Stopped<" in failed
    receiver.mood = "ok"
    changed = FORM | {"address": f"{receiver.address('webhook')}-new", "signing_key": ""}
    client.post(f"{page}{channel.pk}/", changed)
    channel.refresh_from_db()
    assert not channel.refused
    assert channel.signing_key == KEY
    assert channel.address_hint.endswith("-new")
    client.post(f"{page}{channel.pk}/test/")
    assert len(receiver.taken) == 1


def test_an_editor_changes_a_channel_of_a_project_and_sends_nothing_elsewhere(
    client: Client, project: Project, receiver: ChannelReceiver
) -> None:
    signed_in(client, "editor", project.account)
    page = homes(project)["project"]
    refused = client.post(page, FORM | {"address": receiver.address("slack")}, follow=True)
    assert "Only administrators can add channels." in refused.content.decode()
    assert not Channel.objects.exists()
    channel = factories.channel(project.account, project=project)
    before = channel.address
    assert 'name="address"' not in client.get(f"{page}{channel.pk}/").content.decode()
    client.post(f"{page}{channel.pk}/", FORM | {"address": receiver.address("slack")})
    channel.refresh_from_db()
    assert (channel.sends, channel.address) == ("critical", before)


def test_what_could_not_be_delivered_is_listed_and_sent_again(
    client: Client, project: Project, receiver: ChannelReceiver
) -> None:
    signed_in(client, "administrator", project.account)
    channel = factories.channel(project.account, address=receiver.address("slack"))
    incident = opened(factories.group(project))
    notice = incident.notices.create(
        kind="fire", sequence=1, channel=channel, created_at=incident.breached_at
    )
    notice.mail = Mail.objects.create(
        account=project.account,
        channel=channel,
        message_id="1",
        subject="Tracker W23 – Dropping off",
        state="dead",
        error="Slack answered 500",
        message={"kind": "alerts", "title": "Tracker W23 – Dropping off"},
        created_at=incident.breached_at,
        next_try_at=incident.breached_at,
    )
    notice.save()
    page = homes(project)["account"]
    assert "1 message not delivered" in client.get(page).content.decode()
    outbox = client.get(f"/connections/{project.account_id}/mail/").content.decode()
    assert outbox.count("Tracker W23 – Dropping off") == 2
    assert "#fieldwork (Slack)" in outbox
    assert "#fieldwork (Slack)" in client.get(f"/incidents/{incident.pk}/").content.decode()
    again = client.post(f"{page}{channel.pk}/again/", follow=True).content.decode()
    assert "1 message queued again." in again
    assert Mail.objects.get().state == "waiting"


def test_nobody_reaches_a_channel_by_the_page_of_another(
    client: Client, project: Project, account: ExchangeAccount
) -> None:
    boss = signed_in(client, "administrator", account)
    other = factories.person("administrator", account)
    of_account, of_project = factories.channel(account), factories.channel(account, project=project)
    own, others = factories.channel(owner=boss), factories.channel(owner=other)
    pages = homes(project)
    reachable = {"account": {of_account.pk}, "project": {of_project.pk}, "person": {own.pk}}
    for home, page in pages.items():
        for channel in (of_account, of_project, own, others):
            status = client.get(f"{page}{channel.pk}/").status_code
            assert status == (200 if channel.pk in reachable[home] else 404)
            if status == 404:
                for act in ("test", "again", "remove"):
                    assert client.post(f"{page}{channel.pk}/{act}/").status_code == 404
    assert Channel.objects.count() == 4


def test_the_list_costs_the_same_however_many_there_are(
    client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    signed_in(client, "administrator", project.account)
    for number in range(30):
        factories.channel(project.account, name=f"#{number}")
    with django_assert_max_num_queries(14):
        assert client.get(homes(project)["account"]).status_code == 200
