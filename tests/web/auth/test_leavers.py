"""Administrators reset lost second factors, close the accounts of leavers, and delete people."""

from __future__ import annotations

import base64
import pickle
import textwrap
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils.html import escape
from pytest_django import Settings

from dashboard.alerts.mail import digest, immediate, outbox, security, unsubscribe
from dashboard.alerts.mail.compose import MailBody
from dashboard.fielding.models import (
    AuditEvent,
    Edit,
    ExchangeAccount,
    Incident,
    Mail,
    Membership,
    Note,
    Notice,
    SavedView,
    User,
)
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db
RIGHT = "demo"
ACTS = ["factor", "sessions", "close", "delete"]


@pytest.fixture
def account() -> ExchangeAccount:
    cache.clear()
    return factories.account(name="main")


@pytest.fixture
def boss(account: ExchangeAccount) -> User:
    return factories.person("administrator", account, username="boss", email="boss@example.com")


@pytest.fixture
def dana(account: ExchangeAccount) -> User:
    user = factories.person("editor", account, username="dana", email="dana@example.com")
    TOTP.activate(user, generate_totp_secret())
    return user


def sign_in(name: str, password: str = RIGHT) -> Client:
    """A browser in which somebody gave their password."""
    client = Client()
    client.post("/sign-in/", {"username": name, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/me/").status_code == 200


def address(user: User, account: ExchangeAccount, act: str) -> str:
    membership = Membership.objects.get(user=user, account=account)
    return f"/connections/{account.pk}/people/{membership.pk}/{act}/"


def act(client: Client, user: User, account: ExchangeAccount, what: str) -> str:
    """Do it, giving the password when it is asked for; the page afterwards."""
    answer = client.post(address(user, account, what))
    if answer.headers["Location"].startswith("/me/confirm/"):
        answer = client.post(answer.headers["Location"], {"password": RIGHT})
    return client.get(answer.headers["Location"]).content.decode()


@pytest.mark.parametrize("what", ACTS)
def test_the_administrators_password_is_asked_for(
    what: str, boss: User, dana: User, account: ExchangeAccount
) -> None:
    client = sign_in("boss")
    answer = client.post(address(dana, account, what))
    assert answer.headers["Location"].startswith("/me/confirm/")
    client.post(answer.headers["Location"], {"password": "wrong"})
    dana.refresh_from_db()
    assert (dana.closed_at, dana.deleted_at) == (None, None)
    assert Authenticator.objects.filter(user=dana).exists()


def test_a_lost_factor_is_reset_mailed_and_logged_and_sessions_end(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    there = Client()
    there.force_login(dana)
    assert is_in(there)
    assert "was reset" in act(sign_in("boss"), dana, account, "factor")
    assert not Authenticator.objects.filter(user=dana).exists()
    assert not is_in(there)
    assert is_in(sign_in("dana"))
    told = delivered()[-1]
    assert (told.to, told.subject) == (
        ["dana@example.com"],
        "Fieldwatch: your two-factor authentication was reset",
    )
    assert "boss reset your two-factor authentication" in str(told.body)
    row = AuditEvent.objects.get(kind="factor-reset")
    assert (row.person_id, row.subject_id, row.address) == (boss.pk, dana.pk, "127.0.0.1")


def test_an_administrator_ends_the_sessions_of_one_person(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    there = Client()
    there.force_login(dana)
    assert is_in(there)
    client = sign_in("boss")
    assert "have ended" in act(client, dana, account, "sessions")
    assert [is_in(there), is_in(client)] == [False, True]
    row = AuditEvent.objects.get(kind="sessions-ended")
    assert (row.person_id, row.subject_id) == (boss.pk, dana.pk)
    assert "Nothing to change" in act(client, dana, account, "sessions")


def test_a_command_ends_the_sessions_of_one_person(dana: User, account: ExchangeAccount) -> None:
    there = Client()
    there.force_login(dana)
    assert is_in(there)
    call_command("person", "end-sessions", "dana", stdout=(out := StringIO()))
    assert out.getvalue() == "dana: signed out.\n"
    assert not is_in(there)


def test_a_reset_of_what_is_not_there_mails_nothing(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    Authenticator.objects.all().delete()
    assert "Nothing to change" in act(sign_in("boss"), dana, account, "factor")
    assert delivered() == []


@pytest.mark.parametrize("what", [*ACTS, "reopen"])
def test_never_for_oneself(what: str, boss: User, account: ExchangeAccount) -> None:
    factories.person("administrator", account)
    assert "This is your own user account" in act(sign_in("boss"), boss, account, what)
    boss.refresh_from_db()
    assert (boss.closed_at, boss.deleted_at) == (None, None)


@pytest.mark.parametrize("what", [*ACTS, "reopen"])
@pytest.mark.parametrize("role_there", ["", "viewer", "editor"])
def test_only_by_an_administrator_of_all_their_connections(
    what: str, role_there: str, boss: User, dana: User, account: ExchangeAccount
) -> None:
    other = factories.account()
    Membership.objects.create(user=dana, account=other, role="viewer")
    if role_there:
        Membership.objects.create(user=boss, account=other, role=role_there)
    assert "do not administer" in act(sign_in("boss"), dana, account, what)
    dana.refresh_from_db()
    assert (dana.closed_at, dana.deleted_at) == (None, None)
    assert Authenticator.objects.filter(user=dana).exists()
    assert dana.memberships.count() == 2


def test_an_administrator_of_all_of_them_may(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    other = factories.account()
    Membership.objects.create(user=dana, account=other, role="viewer")
    Membership.objects.create(user=boss, account=other, role="administrator")
    act(sign_in("boss"), dana, account, "close")
    assert User.objects.get(pk=dana.pk).closed_at is not None


@pytest.mark.parametrize("what", ["factor", "close", "reopen", "delete"])
def test_not_of_an_address_that_only_gets_mail(
    what: str, boss: User, account: ExchangeAccount
) -> None:
    outside = factories.person("mail", account, is_active=False)
    assert sign_in("boss").post(address(outside, account, what)).status_code == 404


def waiting_notice(user: User, account: ExchangeAccount) -> Notice:
    group = factories.group(factories.project(account))
    incident = Incident.objects.create(
        account=account,
        group=group,
        project=group.project,
        rule="drop_off",
        key="k",
        state="firing",
        severity=1,
        sentence="38 % leave.",
        breached_at=factories.NOW,
        fired_at=factories.NOW,
    )
    return Notice.objects.create(
        incident=incident, kind="fire", sequence=1, recipient=user, created_at=factories.NOW
    )


def test_of_a_closed_account_nothing_works_any_more(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    SocialAccount.objects.create(user=dana, provider="sso", uid="42")
    Authenticator.objects.all().delete()
    there = sign_in("dana")
    anonymous = Client()
    anonymous.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    reset = str(delivered()[-1].body).split("http://127.0.0.1:8000")[1].split()[0]
    one_click = f"/mail/stop/{unsubscribe.unsubscribe_token(dana, unsubscribe.NOW)}/"
    immediate.outbox_mail(dana, MailBody("Waits", "t", "h"), set(), now=factories.NOW)
    waiting_notice(dana, account)
    assert "was closed" in act(sign_in("boss"), dana, account, "close")
    assert not is_in(there)
    assert not is_in(sign_in("dana"))
    assert "no longer works" in anonymous.get(reset, follow=True).content.decode()
    assert anonymous.post(one_click).status_code == 404
    assert not SocialAccount.objects.filter(user=dana).exists()
    assert not UserSession.objects.filter(user=dana).exists()
    before = len(delivered())
    anonymous.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    outbox.compose_due_mails(now=factories.NOW)
    assert len(delivered()) == before
    assert not Mail.objects.filter(recipient=dana, state="waiting").exists()
    assert not Mail.objects.exclude(sealed="").exists()


@pytest.mark.parametrize("role", ["viewer", "editor", "administrator", "mail"])
def test_a_closed_account_is_told_of_nothing_whatever_its_role(
    role: str, boss: User, dana: User, account: ExchangeAccount
) -> None:
    Membership.objects.filter(user=dana).update(role=role)
    User.objects.filter(pk=dana.pk).update(is_active=False, closed_at=factories.NOW)
    notice = waiting_notice(dana, account)
    immediate.skip_unmailable(now=factories.NOW)
    notice.refresh_from_db()
    assert notice.skipped == immediate.LEFT
    assert dana not in digest._readers()
    closed, reset = User.objects.get(pk=dana.pk), Mail.Purpose.RESET
    queued = security.queue_mail(to=closed, subject="s", text="t", purpose=reset, now=factories.NOW)
    assert queued is None
    mail = immediate.outbox_mail(dana, MailBody("Race", "t", "h"), set(), now=factories.NOW)
    assert delivered() == []  # even what was frozen at the moment of closing
    mail.refresh_from_db()
    assert (mail.state, mail.error) == ("dead", "the account is closed")


def test_a_closed_account_is_reopened_with_its_roles_and_a_new_password(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    Authenticator.objects.all().delete()
    client = sign_in("boss")
    act(client, dana, account, "close")
    assert "Closed" in client.get(f"/connections/{account.pk}/people/").content.decode()
    assert "was reopened" in act(client, dana, account, "reopen")
    assert not is_in(sign_in("dana"))
    link = str(delivered()[-1].body).split("http://127.0.0.1:8000")[1].split()[0]
    guest = Client()
    form = guest.get(link).headers["Location"]
    guest.post(form, {"password1": "a-longer-one-7", "password2": "a-longer-one-7"})
    assert is_in(sign_in("dana", "a-longer-one-7"))
    assert dana.memberships.get().role == "editor"
    written = set(AuditEvent.objects.filter(subject_id=dana.pk).values_list("kind", flat=True))
    assert {"person-closed", "person-reopened", "invited", "password-set-by-link"} <= written


def test_a_closed_account_is_not_invited_anew(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    client = sign_in("boss")
    act(client, dana, account, "close")
    dana.memberships.all().delete()
    form = {"email": "dana@example.com", "role": "viewer"}
    page = client.post(f"/connections/{account.pk}/people/", form).content.decode()
    assert "account is closed" in page
    assert not dana.memberships.exists()


def test_who_is_deleted_leaves_a_stump_and_what_they_did(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    User.objects.filter(pk=dana.pk).update(first_name="Dana", last_name="Diaz")
    group = factories.group(factories.project(account))
    edit = factories.edit(group, by=dana)
    note = Note.objects.create(group=group, text="careful", by=dana, at=factories.NOW)
    SavedView.objects.create(user=dana, page="groups", name="mine", query="q=")
    waiting_notice(dana, account)
    client = sign_in("boss")
    assert "was deleted" in act(client, dana, account, "delete")
    stump = User.objects.get(pk=dana.pk)
    assert str(stump) == f"Deleted person {dana.pk}"
    assert "dana" not in " ".join(map(str, vars(stump).values())).lower()
    assert not Membership.objects.filter(user=dana).exists()
    assert not any(rows.objects.filter(user=dana).exists() for rows in (SavedView, Authenticator))
    assert not Notice.objects.filter(recipient=dana).exists()
    assert (Edit.objects.get(pk=edit.pk).by, Note.objects.get(pk=note.pk).by) == (stump, stump)
    assert str(stump) in client.get("/activity/").content.decode()
    assert str(stump) in client.get(f"/groups/{group.pk}/").content.decode()
    row = AuditEvent.objects.get(kind="person-deleted")
    assert (row.subject_id, row.subject_name) == (dana.pk, "Dana Diaz (dana)")
    log = client.get(f"/connections/{account.pk}/audit/").content.decode()
    assert "Dana Diaz (dana)" in log
    assert not is_in(sign_in("dana"))


def everywhere(*, but: str) -> dict[str, str]:
    """Every text of every row of every table, but of one; sessions as what they hold."""
    texts = {}
    for model in apps.get_models():
        for row in model._base_manager.values() if model.__name__ != but else ():
            texts[f"{model.__name__} {row.get('pk', row.get('id', ''))}"] = str(row).lower()
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM fielding_cache")
        for key, value in cursor.fetchall():
            texts[f"cache {key}"] = str(pickle.loads(base64.b64decode(value))).lower()  # noqa: S301
    for session in Session.objects.all():
        texts[f"session {session.pk}"] = str(session.get_decoded()).lower()
    return texts


def test_no_table_but_the_audit_log_names_who_is_deleted(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    User.objects.filter(pk=dana.pk).update(first_name="Dana", last_name="D'Íaz")
    Authenticator.objects.all().delete()
    group = factories.group(factories.project(account))
    browser = sign_in("dana")
    browser.get("/")
    sign_in("dana", "wrong")
    Client().post("/sign-in/forgotten/", {"email": "dana@example.com"})
    SocialAccount.objects.create(user=dana, uid="42", extra_data={"email": "dana@example.com"})
    mine = {"page": "groups", "name": "Dana's", "query": "q=dana"}
    SavedView.objects.create(user=dana, **mine)
    factories.status_link(factories.shared_status(group.project, created_by=dana), dana, token="t")
    by_boss = factories.shared_status(factories.project(account), created_by=boss)
    factories.status_address(by_boss, boss, address="dana@example.com")
    browser.post(f"/groups/{group.pk}/notes/", {"text": "careful"})
    factories.edit(group, by=User.objects.get(pk=dana.pk), state="uncertain")
    change = User.objects.get(pk=dana.pk)
    sentence = f"Japan: {change}'s CPI change was sent but not confirmed"
    incident = waiting_notice(boss, account).incident
    Incident.objects.filter(pk=incident.pk).update(sentence=sentence, headline=sentence)
    body = MailBody(sentence, textwrap.fill(sentence, 12), f"<p>{escape(sentence)}</p>")
    immediate.outbox_mail(boss, body, set(), now=factories.NOW)
    immediate.outbox_mail(change, body, set(), now=factories.NOW)
    before = everywhere(but="AuditEvent")
    named = {key.split()[0] for key, text in before.items() if "dana" in text or "íaz" in text}
    assert {"User", "SavedView", "Mail", "Incident", "StatusAddress", "EmailAddress"} <= named
    assert "was deleted" in act(sign_in("boss"), dana, account, "delete")
    after = everywhere(but="AuditEvent")
    assert [key for key, text in after.items() if "dana" in text or "íaz" in text] == []
    assert not [key for key, text in after.items() if f"'_auth_user_id': '{dana.pk}'" in text]
    stump = f"Deleted person {dana.pk}"
    incident.refresh_from_db()
    assert incident.sentence == f"Japan: {stump}'s CPI change was sent but not confirmed"
    mail = Mail.objects.get(recipient=boss, subject__contains="CPI change")
    assert stump in mail.subject
    assert stump in mail.html
    assert AuditEvent.objects.filter(subject_name__contains="D'Íaz").exists()


def test_a_deleted_person_stays_deleted_and_their_address_is_free(
    boss: User, dana: User, account: ExchangeAccount
) -> None:
    client = sign_in("boss")
    act(client, dana, account, "delete")
    form = {"email": "dana@example.com", "role": "viewer"}
    client.post(f"/connections/{account.pk}/people/", form)
    assert account.memberships.get(user__email="dana@example.com").user_id != dana.pk


def test_of_who_signs_in_elsewhere_a_fresh_sign_in_is_asked_for(
    boss: User, dana: User, account: ExchangeAccount, settings: Settings
) -> None:
    boss.set_unusable_password()
    boss.save()
    client = Client()
    client.force_login(boss)  # an old session: when it began is not known
    page = client.post(address(dana, account, "close"), follow=True).content.decode()
    assert "sign out and in again" in page
    assert User.objects.get(pk=dana.pk).closed_at is None
