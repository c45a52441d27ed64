"""Another address for a person's mail, once a link that was sent there was followed."""

from __future__ import annotations

import re

import pytest
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.models import ExchangeAccount, Mail, User
from dashboard.web.auth import throttle
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db
NEW = {"email": "new@example.com", "password": "demo"}


@pytest.fixture
def account() -> ExchangeAccount:
    cache.clear()
    return factories.account(name="main")


@pytest.fixture
def dana(client: Client, account: ExchangeAccount) -> User:
    user = factories.person("viewer", account, username="dana", email="dana@example.com")
    client.force_login(user)
    return user


def asked(client: Client) -> str:
    """The link that goes to the new address."""
    client.post("/me/address/", NEW)
    assert delivered()[-1].to == ["new@example.com"]
    link = re.search(r"http://127.0.0.1:8000(/me/address/\S+)", str(delivered()[-1].body))
    assert link
    return link[1]


def email_of(user: User) -> str:
    """Where their mail goes now."""
    return User.objects.get(pk=user.pk).email


def test_it_is_used_once_the_link_was_followed_though_the_old_one_was_refused(
    client: Client, dana: User
) -> None:
    User.objects.update(email_refused="550 no such user")
    link = asked(client)
    assert email_of(dana) == "dana@example.com"
    assert "new@example.com" in client.get(link).content.decode()
    assert email_of(dana) == "dana@example.com"  # what looks at links in mails changes nothing
    client.post(link)
    dana.refresh_from_db()
    assert (dana.email, dana.email_refused) == ("new@example.com", "")
    assert Mail.objects.get(purpose="").address == "new@example.com"


def test_a_link_works_once_and_only_for_who_asked(client: Client, dana: User) -> None:
    link = asked(client)
    other = Client()
    other.force_login(factories.person())
    assert other.post(link).status_code == 404
    client.post(link)
    assert client.get(link).status_code == 404


@pytest.mark.parametrize(
    "token",
    ["x", signing.dumps([1, "a", "b"]), "e30:1xWJvD:AAAA"],
    ids=["no signature", "signed for something else", "a false signature"],
)
def test_a_link_that_we_never_made_leads_nowhere(client: Client, dana: User, token: str) -> None:
    assert client.post(f"/me/address/{token}/").status_code == 404


def test_an_address_that_somebody_got_meanwhile_stays_theirs(client: Client, dana: User) -> None:
    link = asked(client)
    factories.person(email="NEW@example.com")
    page = client.post(link, follow=True).content.decode()
    assert "This address is already in use." in page
    assert email_of(dana) == "dana@example.com"


def test_nobody_waits_under_an_address_for_an_invitation_of_its_owner(
    client: Client, dana: User, account: ExchangeAccount
) -> None:
    asked(client)
    boss = Client()
    boss.force_login(factories.person("administrator", account))
    form = {"email": "new@example.com", "role": "administrator"}
    boss.post(f"/connections/{account.pk}/people/", form)
    assert dana.memberships.get().role == "viewer"
    assert account.memberships.filter(user__email="new@example.com", role="administrator").exists()


def test_the_password_is_asked_for_and_guessing_it_gets_slow(
    client: Client, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "clock", lambda: 1000.0)
    for _ in range(throttle.FREE_PER_NAME):
        page = client.post("/me/address/", NEW | {"password": "x"}).content.decode()
        assert "Wrong password." in page
    assert "Too many wrong passwords." in client.post("/me/address/", NEW).content.decode()
    assert delivered() == []


def test_who_has_no_password_sets_one_before_the_address_moves(client: Client) -> None:
    user = factories.person(email="dana@example.com")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    for password in ("", "demo", "!"):
        page = client.post("/me/address/", {"email": "new@example.com", "password": password})
        assert "You have no password yet" in page.content.decode()
    assert delivered() == []


def answer_for(client: Client, email: str) -> tuple[int, str, str]:
    """What asking for an address says: status, where it leads, and the page there."""
    answer = client.post("/me/address/", NEW | {"email": email})
    page = client.get(answer.headers["Location"]).content.decode()
    return answer.status_code, answer.headers["Location"], page.replace(email, "…")


@pytest.mark.parametrize("closed", [False, True], ids=["in use", "of a closed account"])
def test_a_taken_address_is_answered_as_a_free_one_and_its_owner_is_told(
    client: Client, dana: User, closed: bool
) -> None:
    owner = factories.person(email="owner@example.com")
    if closed:
        User.objects.filter(pk=owner.pk).update(is_active=False, closed_at=factories.NOW)
    free, taken = (answer_for(client, name) for name in ("new@example.com", "OWNER@example.com"))
    shown = [
        [re.sub(r'csrf[^>]*>|nonce[^>]*>|data-now="\d+"', "", str(part)) for part in answer]
        for answer in (free, taken)
    ]
    assert shown[0] == shown[1]
    to = [(one.to[0], "/me/address/" in str(one.body)) for one in delivered()]
    told = [] if closed else [("OWNER@example.com", False)]
    assert to == [("new@example.com", True), *told]
    states = Mail.objects.values_list("state", "subject", "recipient", "sealed").distinct()
    assert len(states) == 1  # nor does the list of mails tell which one was taken
    assert "example.com" not in client.get("/mails/").content.decode()


def test_asking_for_a_taken_address_takes_the_same_queries(client: Client, dana: User) -> None:
    factories.person(email="owner@example.com")
    client.post("/me/address/", NEW)
    counts = []
    for email in ("new2@example.com", "owner@example.com"):
        with CaptureQueriesContext(connection) as queries:
            client.post("/me/address/", NEW | {"email": email})
        counts.append(len(queries))
    assert counts[0] == counts[1]
