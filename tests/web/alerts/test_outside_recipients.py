"""Addresses of people who cannot sign in get mail only where an administrator put them there."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dashboard.alerts.mail import digest
from dashboard.alerts.recipients import settings
from dashboard.alerts.recipients.resolve import People
from dashboard.alerts.recipients.settings import RecipientChoice
from dashboard.fielding.models import AuditEvent, ExchangeAccount, Incident, Rule, TargetGroup, User
from tests import factories

pytestmark = pytest.mark.django_db
OUT = "out@example.org"


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account(name="main")))


def scopes(group: TargetGroup) -> dict[str, str]:
    """Where recipients are chosen, as addresses say it."""
    return {
        "connections": f"/rules/connections/{group.account_id}/told/",
        "projects": f"/rules/projects/{group.project_id}/told/",
        "groups": f"/rules/groups/{group.pk}/told/",
    }


def gets_mail(account: ExchangeAccount, group: TargetGroup) -> bool:
    """Whether the address is told of an incident, or gets a digest."""
    incident = Incident(account=account, group=group, project=group.project, rule="drop_off")
    told = People(account.pk).recipients_of(incident, [])
    user = User.objects.filter(email=OUT).first()
    return user is not None and (user.pk in told or user in digest._readers())


@pytest.mark.parametrize("kind", ["projects", "groups"])
@pytest.mark.parametrize("typed", [OUT, OUT.upper(), f"boss@example.com, {OUT}", f"\n {OUT}\t"])
def test_an_editor_adds_none(client: Client, group: TargetGroup, kind: str, typed: str) -> None:
    factories.person("administrator", group.account, email="boss@example.com")
    client.force_login(factories.person("editor", group.account))
    page = client.post(scopes(group)[kind], {"addresses": typed}).content.decode()
    assert "only administrators of the account can add addresses" in page
    assert not gets_mail(group.account, group)
    assert not Rule.objects.filter(code="recipients").exists()
    assert not AuditEvent.objects.filter(kind="recipients-changed").exists()


@pytest.mark.parametrize("kind", ["connections", "projects", "groups"])
def test_an_administrator_adds_one_and_the_log_names_it(
    client: Client, group: TargetGroup, kind: str
) -> None:
    boss = factories.person("administrator", group.account)
    client.force_login(boss)
    assert client.post(scopes(group)[kind], {"addresses": OUT}).status_code == 302
    assert gets_mail(group.account, group)
    row = AuditEvent.objects.get(kind="recipients-changed")
    assert (row.person_id, row.account_id) == (boss.pk, group.account_id)
    assert row.details["added"] == [OUT]


def test_an_editor_may_choose_what_an_administrator_added(
    client: Client, group: TargetGroup
) -> None:
    client.force_login(factories.person("administrator", group.account))
    client.post(scopes(group)["connections"], {"managers": "on", "addresses": OUT})
    editor = Client()
    editor.force_login(factories.person("editor", group.account))
    assert editor.post(scopes(group)["groups"], {"addresses": OUT}).status_code == 302
    assert editor.post(scopes(group)["groups"], {"do": "inherit"}).status_code == 302


def test_what_an_administrator_of_another_connection_added_counts_there_alone(
    client: Client, group: TargetGroup
) -> None:
    other = factories.account()
    client.force_login(factories.person("administrator", other))
    client.post(f"/rules/connections/{other.pk}/told/", {"addresses": OUT})
    editor = Client()
    editor.force_login(factories.person("editor", group.account))
    page = editor.post(scopes(group)["groups"], {"addresses": OUT}).content.decode()
    assert "only administrators" in page
    assert not group.account.memberships.filter(role="mail").exists()


def test_an_administrator_elsewhere_is_none_here(client: Client, group: TargetGroup) -> None:
    other = factories.account()
    both = factories.person("administrator", other)
    both.memberships.create(account=group.account, role="editor")
    client.force_login(both)
    assert (
        "only administrators"
        in client.post(scopes(group)["projects"], {"addresses": OUT}).content.decode()
    )


@pytest.mark.parametrize("role", ["viewer", "editor", "mail"])
def test_the_writer_itself_refuses_whoever_calls_it(group: TargetGroup, role: str) -> None:
    by, choice = factories.person(role, group.account), RecipientChoice(addresses=(OUT,))
    with pytest.raises(ValueError, match="only administrators"):
        settings.set_recipients(account=group.account, choice=choice, by=by, now=factories.NOW)
    assert not gets_mail(group.account, group)


def test_a_stale_address_of_another_scope_comes_back_with_no_save_of_an_editor(
    client: Client, group: TargetGroup
) -> None:
    """Somebody who signs in was named, and left: their address is still in the row."""
    leaver = factories.person("viewer", group.account, email=OUT)
    editor = factories.person("editor", group.account)
    client.force_login(editor)
    client.post(scopes(group)["projects"], {"addresses": OUT})
    leaver.memberships.all().delete()
    User.objects.filter(pk=leaver.pk).update(is_active=False)
    assert client.post(scopes(group)["groups"], {"managers": "on"}).status_code == 302
    assert not gets_mail(group.account, group)


def test_an_address_of_a_closed_account_is_refused_to_administrators_too(
    client: Client, group: TargetGroup
) -> None:
    factories.person(email=OUT, is_active=False, closed_at=factories.NOW)
    client.force_login(factories.person("administrator", group.account))
    page = client.post(scopes(group)["connections"], {"addresses": OUT}).content.decode()
    assert "closed user account" in page
    assert not gets_mail(group.account, group)


def test_no_command_adds_one(group: TargetGroup) -> None:
    with pytest.raises(CommandError):
        call_command("person", "add", "out", OUT, "--role", "mail", "--on", "main")
    assert not User.objects.filter(email=OUT).exists()


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_no_other_form_of_people_adds_one(client: Client, group: TargetGroup, role: str) -> None:
    client.force_login(factories.person(role, group.account))
    for address in ("people/", "mail/"):
        form = {"email": OUT, "role": "mail"}
        assert client.post(f"/connections/{group.account_id}/{address}", form).status_code in (
            403,
            405,
        )
    assert not User.objects.filter(email=OUT).exists()


def test_an_invitation_takes_no_role_of_mail_alone(client: Client, group: TargetGroup) -> None:
    client.force_login(factories.person("administrator", group.account))
    client.post(f"/connections/{group.account_id}/people/", {"email": OUT, "role": "mail"})
    assert not User.objects.filter(email=OUT).exists()
