"""The page of a person's notification settings."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dashboard.fielding.models import ExchangeAccount, Mail, MailPreferences, TargetGroup
from tests import factories
from tests.web.alerts.helpers import signed_in

PAGE = "/me/mail/"
CHOICE = {
    "about": "everything",
    "now": "2",
    "digest": "on",
    "digest_days": ["1", "3"],
    "digest_at": "09:30",
    "quiet_from": "21:00",
    "quiet_until": "06:00",
    "quiet_days": ["7", "5"],
}
NOTHING_OWN = (
    "No open group is yours at the moment: only alerts about whole connections and about "
    "unconfirmed changes reach you."
)


@pytest.fixture
def account(db: None) -> ExchangeAccount:
    return factories.account()


def posted(client: Client, **fields: Any) -> str:
    answer = client.post(PAGE, CHOICE | fields)
    assert answer.status_code == 200
    return answer.content.decode()


def ticked(page: str, name: str) -> set[str]:
    """The values of a field's boxes or buttons that are checked."""
    boxes = re.findall(rf'<input [^>]*name="{name}"[^>]*>', page)
    values = {box: re.search(r'value="([^"]*)"', box) for box in boxes if " checked" in box}
    return {value[1] for value in values.values() if value}


def test_a_person_chooses_projects_and_quiet_days(client: Client, account: ExchangeAccount) -> None:
    user = signed_in(client, "editor", account)
    project = factories.project(account, name="Tracker W23")
    factories.project(account, name="<b>Other</b>")
    chosen = {"about": "chosen", "chosen_projects": [project.pk], "quiet_critical": "on"}
    assert client.post(PAGE, CHOICE | chosen).status_code == 302
    choice = MailPreferences.objects.get(user=user)
    assert (choice.about, choice.chosen_projects) == ("chosen", [project.pk])
    assert (choice.quiet_days, choice.quiet_critical) == ("57", True)
    page = client.get(PAGE).content.decode()
    assert "<bdi>&lt;b&gt;Other&lt;/b&gt;</bdi>" in page
    assert ticked(page, "about") == {"chosen"}
    assert ticked(page, "chosen_projects") == {str(project.pk)}
    assert ticked(page, "quiet_days") == {"5", "7"}


def test_who_never_chose_gets_everything(client: Client, account: ExchangeAccount) -> None:
    signed_in(client, "viewer", account)
    assert ticked(client.get(PAGE).content.decode(), "about") == {"everything"}


def test_the_page_says_that_nothing_is_ones_own(client: Client, account: ExchangeAccount) -> None:
    user = signed_in(client, "viewer", account)
    group = factories.group(factories.project(account), project_manager_id="pm-1")
    page = " ".join(client.get(PAGE).content.decode().split())
    assert NOTHING_OWN in page
    assert "Fieldwatch does not know which exchange user you are." in page
    user.memberships.update(exchange_user_id="pm-1")
    page = " ".join(client.get(PAGE).content.decode().split())
    assert NOTHING_OWN not in page
    assert "1 open group: those that you manage" in page
    assert "does not know which exchange user" not in page
    TargetGroup.objects.filter(pk=group.pk).update(status="completed")
    assert NOTHING_OWN in " ".join(client.get(PAGE).content.decode().split())


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"about": "chosen"}, "Choose at least one project."),
        ({"about": "mine"}, "Select a valid choice. mine is not one of the available choices."),
        ({"about": ""}, "This field is required."),
        ({"digest_days": []}, "Choose at least one day, or switch the digest off."),
        ({"digest_days": ["8"]}, "Select a valid choice. 8 is not one of the available choices."),
        ({"digest_at": "25:00"}, "Enter a valid time."),
        ({"quiet_from": ""}, "This field is required."),
        ({"quiet_days": list("1234567")}, "Leave at least one day without quiet"),
        (
            {"quiet_days": list("1234567"), "now": "1", "quiet_critical": "on"},
            "Leave at least one day without quiet",
        ),
    ],
)
def test_a_bad_value_is_refused_at_its_field_and_the_rest_is_kept(
    client: Client, account: ExchangeAccount, fields: dict[str, Any], error: str
) -> None:
    signed_in(client, "editor", account)
    page = posted(client, **({"recoveries_now": "on"} | fields))
    name = next(iter(fields))
    later = page[page.rindex(f'name="{name}"') :]
    assert error in later.partition('class="error"')[2][:200]
    assert page.count('class="error"') == 1
    kept = CHOICE | {"recoveries_now": "on"} | fields
    for box in ("about", "digest_days", "quiet_days", "recoveries_now"):
        values = kept[box] if isinstance(kept[box], list) else [kept[box]]
        offered = [value for value in values if f'value="{value}"' in page]
        assert ticked(page, box) - {""} == set(offered)
    assert f'value="{kept["digest_at"]}"' in page
    assert "counted once every setting is valid" in page
    assert not MailPreferences.objects.exists()


def test_every_day_can_be_quiet_where_nothing_is_held_back_for_good(
    client: Client, account: ExchangeAccount
) -> None:
    signed_in(client, "editor", account)
    every_day = {"quiet_days": list("1234567")}
    for fields in ({"now": "0"}, {"now": "1"}):
        assert client.post(PAGE, CHOICE | every_day | fields).status_code == 302


def test_projects_of_other_connections_are_neither_offered_nor_taken(
    client: Client, account: ExchangeAccount
) -> None:
    signed_in(client, "editor", account)
    factories.project(account, name="Tracker W23")
    foreign = factories.project(factories.account(name="Another"), name="Secret")
    assert "Secret" not in client.get(PAGE).content.decode()
    page = posted(client, about="chosen", chosen_projects=[foreign.pk])
    assert "is not one of the available choices" in page
    assert not MailPreferences.objects.exists()


def test_a_project_that_is_gone_is_not_counted_as_chosen(
    client: Client, account: ExchangeAccount
) -> None:
    user = signed_in(client, "editor", account)
    MailPreferences.objects.create(user=user, about="chosen", chosen_projects=[999])
    assert "No project is chosen: only alerts about" in client.get(PAGE).content.decode()


def test_the_emails_of_choices_are_counted_without_saving_or_sending(
    client: Client, account: ExchangeAccount
) -> None:
    signed_in(client, "editor", account)
    looked = CHOICE | {"look": "count"}
    page = client.post(PAGE, looked, headers={"HX-Request": "true"}).content.decode()
    words = " ".join(page.replace("<strong>", "").replace("</strong>", "").split())
    assert (
        words == "<p> In the last 14 days you would have had 4 emails: 0 immediate, 4 digests. </p>"
    )
    assert "<html" in client.post(PAGE, looked).content.decode()  # without scripts
    wrong = client.post(PAGE, looked | {"digest_days": []}, headers={"HX-Request": "true"})
    assert "Days: Choose at least one day, or switch the digest off." in wrong.content.decode()
    assert not MailPreferences.objects.exists()
    assert not Mail.objects.exists()


def test_the_page_costs_the_same_however_much_there_is(
    client: Client, account: ExchangeAccount, django_assert_num_queries: Any
) -> None:
    user = signed_in(client, "editor", account)
    MailPreferences.objects.create(user=user, about="groups")
    for _ in range(3):
        project = factories.project(account)
        for number in range(3):
            factories.group(project, project_manager_id=f"pm-{number}")
    client.get(PAGE)  # stores the new session
    with django_assert_num_queries(9):
        client.get(PAGE).content.decode()


def test_administrators_see_what_the_emails_of_people_are_about(
    client: Client, account: ExchangeAccount
) -> None:
    signed_in(client, "administrator", account)
    other = factories.person("editor", account)
    MailPreferences.objects.create(user=other, about="groups", quiet_days="57", quiet_critical=True)
    page = client.get(f"/connections/{account.pk}/mail/").content.decode()
    for words in ("My groups", "Fri, Sun", "Also for critical"):
        assert words in page
