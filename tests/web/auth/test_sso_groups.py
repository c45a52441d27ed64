"""Roles follow the groups of the identity provider, for those that the groups decide."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from dashboard.fielding import people
from dashboard.fielding.audit import SYSTEM
from dashboard.fielding.models import AuditEvent, ExchangeAccount, Membership, User
from dashboard.web.auth.sso.claims import read_identity
from tests import factories
from tests.fakes.openid_provider import LEFT_OUT, OpenIdProvider
from tests.web.auth.single_sign_on import come_back, turn_on_factor, who

pytestmark = pytest.mark.django_db
DANA = {"sub": "42", "email": "dana@example.com", "email_verified": True, "name": "Dana Reyes"}
ROLES = [("staff", "viewer", ""), ("pms=eu", "editor", "main"), ("leads", "administrator", "main")]


@pytest.fixture
def main(settings: Settings) -> ExchangeAccount:
    settings.OIDC_ROLES = ROLES
    account = factories.account(name="main")
    factories.person("administrator", account)
    return account


@pytest.fixture
def other() -> ExchangeAccount:
    return factories.account(name="other")


def sign_in(provider: OpenIdProvider, groups: object, **claims: object) -> Any:
    provider.claims = DANA | {"groups": groups} | claims
    return come_back(Client(), provider)


def roles(email: str = "dana@example.com") -> dict[str, str]:
    rows = Membership.objects.filter(user__email=email).select_related("account")
    return {row.account.name: row.role for row in rows}


def test_each_sign_in_grants_and_withdraws_as_the_groups_say(
    provider: OpenIdProvider, main: ExchangeAccount, other: ExchangeAccount
) -> None:
    for groups, expected in (
        (["staff", "cooks"], {"main": "viewer", "other": "viewer"}),
        (["pms=eu", "staff"], {"main": "editor", "other": "viewer"}),
        (["staff", "pms=eu", "leads"], {"main": "administrator", "other": "viewer"}),
        ("leads", {"main": "administrator"}),  # a single group as text
        (["pms=eu"], {"main": "editor"}),
        (["PMS=EU"], {}),
        (["staff"], {"main": "viewer", "other": "viewer"}),
        (LEFT_OUT, {}),  # a provider that leaves an empty list out
    ):
        sign_in(provider, groups)
        assert roles() == expected, groups
    user = User.objects.get(email="dana@example.com")
    assert (str(user), user.username, user.has_usable_password()) == (
        "Dana Reyes",
        "dana@example.com",
        False,
    )
    rows = AuditEvent.objects.filter(subject_id=user.pk).order_by("pk")
    assert [row.kind for row in rows if row.kind != "identity-joined"] == [
        "person-added",
        *["role-changed"] * 2,  # viewer of both
        "role-changed",
        "role-changed",
        "member-removed",  # of other
        "role-changed",
        "member-removed",
        *["role-changed"] * 2,
        *["member-removed"] * 2,
    ]
    last = rows.last()
    assert last
    assert last.person_id == user.pk
    assert last.details == {"from": "viewer", "to": None, "by": "groups of single sign-on"}
    assert last.address == "127.0.0.1"


def test_groups_that_cannot_be_read_change_nothing(
    provider: OpenIdProvider, main: ExchangeAccount
) -> None:
    sign_in(provider, ["leads"])
    for groups, more in (
        (LEFT_OUT, {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}),
        (LEFT_OUT, {"hasgroups": True}),
        ({"leads": 1}, {}),
        (["leads", 7], {}),
        (None, {}),
    ):
        assert sign_in(provider, groups, **more).status_code == 302
        assert roles() == {"main": "administrator"}, groups


def test_roles_given_by_hand_stay_until_groups_are_to_decide(
    provider: OpenIdProvider, main: ExchangeAccount, other: ExchangeAccount
) -> None:
    dana = factories.person("editor", main, email="dana@example.com")
    sign_in(provider, ["staff"])
    assert roles() == {"main": "editor", "other": "viewer"}
    boss = Client()
    boss.force_login(User.objects.get(memberships__role="administrator"))
    page = f"/connections/{main.pk}/people/"
    text = boss.get(page).content.decode()
    assert "Follow groups" in text
    assert "Follows the groups of Company" not in text
    row = Membership.objects.get(user=dana, account=main)
    boss.post(f"{page}{row.pk}/", {"do": "follow"})
    assert "Follows the groups of Company" in boss.get(page).content.decode()
    assert AuditEvent.objects.get(kind="role-source-changed").subject_id == dana.pk
    sign_in(provider, ["staff"])
    assert roles() == {"main": "viewer", "other": "viewer"}
    boss.post(f"{page}{row.pk}/", {"do": "administrator"})
    sign_in(provider, [])
    assert roles() == {"main": "administrator"}


def test_the_last_administrator_stays_whatever_their_groups(
    provider: OpenIdProvider, main: ExchangeAccount
) -> None:
    sign_in(provider, ["leads"])
    first = Membership.objects.get(account=main, by_groups=False)
    people.remove_member(membership=first, origin=SYSTEM, now=factories.NOW)
    for groups in (["staff"], []):
        sign_in(provider, groups)
        assert roles() == {"main": "administrator"}
    kept = AuditEvent.objects.filter(kind="role-kept").order_by("pk")
    assert [row.details["to"] for row in kept] == ["viewer", None]
    factories.person("administrator", main)
    sign_in(provider, [])
    assert roles() == {}


def test_nobody_comes_in_without_a_group_that_has_access_or_under_a_doubtful_address(
    provider: OpenIdProvider, main: ExchangeAccount, settings: Settings
) -> None:
    closed = factories.person(
        "viewer", main, email="gone@example.com", is_active=False, closed_at=factories.NOW
    )
    before = User.objects.count()
    for groups, claims in (
        ([], {}),
        (["cooks"], {}),
        (LEFT_OUT, {}),
        (["leads"], {"email_verified": False}),
        (["leads"], {"email": LEFT_OUT}),
        (["leads"], {"email": "gone@example.com"}),
        (["leads"], {"email": "GONE@example.com"}),
    ):
        assert sign_in(provider, groups, **claims).status_code == 403
        assert User.objects.count() == before, (groups, claims)
    assert "add you to a group" in " ".join(sign_in(provider, []).content.decode().split())
    refused = AuditEvent.objects.filter(kind="single-sign-on-refused").order_by("pk")
    assert [row.details["reason"] for row in refused[:4]] == [*["stranger"] * 3, "unverified"]
    assert [row.target for row in refused[2:4]] == ["dana@example.com", ""]
    closed.refresh_from_db()
    assert closed.memberships.get().role == "viewer"
    settings.OIDC_ROLES = []
    assert sign_in(provider, ["leads"]).status_code == 403
    settings.OIDC_ROLES = [("leads", "viewer", "no such connection")]
    assert sign_in(provider, ["leads"]).status_code == 403


def test_roles_change_only_after_the_second_factor(
    provider: OpenIdProvider, main: ExchangeAccount
) -> None:
    dana = factories.person(email="dana@example.com")
    codes = turn_on_factor(dana)
    browser = Client()
    provider.claims = DANA | {"groups": ["pms=eu"]}
    come_back(browser, provider)
    assert (who(browser), roles()) == (None, {})
    browser.post("/sign-in/code/", {"code": codes[0]})
    assert (who(browser), roles()) == (str(dana.pk), {"main": "editor"})
    provider.claims |= {"groups": ["leads"]}
    come_back(browser, provider)  # signed in already
    assert roles() == {"main": "administrator"}


def test_the_claim_and_the_scope_are_those_of_the_settings(
    provider: OpenIdProvider, main: ExchangeAccount, settings: Settings
) -> None:
    settings.OIDC_GROUPS_CLAIM, settings.OIDC_SCOPE = "roles", "openid email groups"
    sign_in(provider, ["leads"], roles=["staff"])
    assert roles() == {"main": "viewer"}
    away = Client().post("/sign-in/with/sso/").headers["Location"]
    assert "scope=openid+email+groups" in away


def test_userinfo_lists_groups_that_the_token_leaves_out() -> None:
    token: dict[str, object] = {"iss": "i", "sub": "42"}
    cases: list[tuple[dict[str, object], dict[str, object], frozenset[str]]] = [
        ({}, {"groups": ["a"]}, frozenset("a")),
        ({"groups": ["b"]}, {"groups": ["a"]}, frozenset("b")),
        ({}, {}, frozenset()),
    ]
    for first, second, expected in cases:
        identity = read_identity(token | first, token | second, groups_claim="groups")
        assert identity.groups == expected
