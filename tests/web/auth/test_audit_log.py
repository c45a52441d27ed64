"""The audit log: what is written into it, that it stays, who reads it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.alerts.mail import unsubscribe
from dashboard.fielding import audit, people
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount, User
from dashboard.fielding.models.audit import LABELS, AuditIsAppendOnly
from dashboard.web.tables import audit_table
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
RIGHT = "demo"


def row(**given: Any) -> AuditEvent:
    """A row of the log."""
    fields: dict[str, Any] = {"kind": AuditKind.MUTED, "origin": audit.SYSTEM, "now": factories.NOW}
    return audit.record(**(fields | given))


def kinds() -> list[str]:
    """What the log holds, the oldest first."""
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


# It stays


CHANGES: dict[str, Callable[[AuditEvent], object]] = {
    "save": lambda event: event.save(),
    "save some": lambda event: event.save(update_fields=["kind"]),
    "delete": lambda event: event.delete(),
    "update many": lambda _: AuditEvent.objects.update(kind="x"),
    "update found": lambda _: AuditEvent.objects.filter(kind="muted").update(kind="x"),
    "delete many": lambda _: AuditEvent.objects.all().delete(),
    "raw delete": lambda _: AuditEvent.objects.all()._raw_delete("default"),
    "bulk update": lambda event: AuditEvent.objects.bulk_update([event], ["kind"]),
    "update or create": lambda _: AuditEvent.objects.update_or_create(
        kind="muted", defaults={"source": "web"}
    ),
    "create over": lambda event: AuditEvent.objects.bulk_create(
        [event], update_conflicts=True, update_fields=["kind"], unique_fields=["id"]
    ),
    "base manager": lambda _: AuditEvent._base_manager.filter(kind="muted").update(kind="x"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_code_of_ours_changes_or_deletes_a_row(change: Callable[[AuditEvent], object]) -> None:
    event = row()
    with pytest.raises((AuditIsAppendOnly, DatabaseError)), transaction.atomic():
        change(event)
    assert kinds() == ["muted"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fielding_auditevent SET kind = 'x'",
        "UPDATE fielding_auditevent SET details = '{}' WHERE kind = 'muted'",
        "DELETE FROM fielding_auditevent",
    ],
)
def test_the_database_itself_refuses(statement: str) -> None:
    row()
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert kinds() == ["muted"]


AGAIN = "INTO fielding_auditevent SELECT * FROM fielding_auditevent"
REPLACING = {
    "sqlite": [f"REPLACE {AGAIN}", f"INSERT OR REPLACE {AGAIN}", f"INSERT OR IGNORE {AGAIN}"],
    "postgresql": [f"INSERT {AGAIN} ON CONFLICT (id) DO UPDATE SET kind = 'another'"],
}


@pytest.mark.parametrize("statement", REPLACING[connection.vendor])
def test_nor_is_a_row_replaced(statement: str) -> None:
    row()
    before = AuditEvent.objects.values().get()
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEvent.objects.values().get() == before


def test_a_removed_connection_and_a_deleted_person_take_nothing_with_them() -> None:
    account = factories.account(name="main")
    user = factories.person("viewer", account, username="dana")
    row(account=account, subject=user)
    account.delete()
    user.delete()
    kept = AuditEvent.objects.get()
    assert (kept.account_name, kept.subject_name) == ("main", "dana")


def test_a_row_that_is_recorded_with_what_fails_is_gone_with_it() -> None:
    with pytest.raises(ValueError, match="x"), transaction.atomic():
        row()
        raise ValueError("x")
    assert kinds() == []


def test_every_kind_has_words() -> None:
    assert set(LABELS) == set(AuditKind)


def test_every_kind_is_written_somewhere() -> None:
    house = Path(audit.__file__).resolve().parent.parent
    written = set[str]()
    for path in house.rglob("*.py"):
        if path.parts[-2:] != ("models", "audit.py"):
            written |= set(re.findall(r"AuditKind\.([A-Z_]+)", path.read_text()))
    assert {kind.name for kind in AuditKind} <= written


@pytest.mark.parametrize(
    "name",
    ["secret", "webhook_secret", "password", "new_password1", "token", "api_key", "apikey", "code"],
)
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_named_as_a_secret_is_not_kept(name: str, deep: bool) -> None:
    details: dict[str, Any] = {"numbers": {name: "hunter2"}} if deep else {name: "hunter2"}
    assert "hunter2" not in str(row(details=details).details)


def test_texts_of_others_are_kept_on_one_line_and_short() -> None:
    kept = row(target="a\r\nb\u202e" + "c" * 999, details={"x": "1\n2", "many": ["y"] * 999})
    assert kept.target.startswith("a b c")
    assert len(kept.target) == 300
    assert kept.details["x"] == "1 2"
    assert len(kept.details["many"]) == 100


# What is written


@pytest.fixture
def account() -> ExchangeAccount:
    cache.clear()
    return factories.account(name="main")


@pytest.fixture
def boss(account: ExchangeAccount) -> User:
    return factories.person("administrator", account, username="boss", email="boss@example.com")


@pytest.fixture
def browser(boss: User) -> Client:
    client = Client(headers={"user-agent": FIREFOX})
    client.post("/sign-in/", {"username": "boss", "password": RIGHT})
    return client


def test_a_sign_in_is_kept_with_who_whence_and_how(browser: Client, boss: User) -> None:
    kept = AuditEvent.objects.get()
    assert (kept.kind, kept.person_id, kept.person_name) == ("signed-in", boss.pk, "boss")
    assert (kept.address, kept.browser) == ("127.0.0.1", FIREFOX)
    assert kept.details == {"method": ["password"]}


@pytest.mark.parametrize(
    ("typed", "known"),
    [("boss", True), ("BOSS@example.com", True), ("correct horse battery", False), ("", False)],
)
def test_of_a_refused_sign_in_only_a_known_name_is_kept(
    typed: str, known: bool, boss: User
) -> None:
    Client().post("/sign-in/", {"username": typed or " x", "password": "wrong-horse"})
    kept = AuditEvent.objects.get()
    assert (kept.kind, kept.person_id) == ("sign-in-refused", None)
    assert kept.subject_id == (boss.pk if known else None)
    assert "horse" not in str(vars(kept))


def muted(account: ExchangeAccount) -> str:
    return f"/rules/connections/{account.pk}/mute/"


def on_rules(account: ExchangeAccount, what: str) -> str:
    return f"/rules/connections/{account.pk}/{what}/"


def change_rule(client: Client, account: ExchangeAccount) -> None:
    address = on_rules(account, "drop_off")
    page = client.get(address)
    form = page.context["form"]
    data = {name: form[name].value() for name in form.fields}
    client.post(address, {k: v for k, v in data.items() if v not in (None, False)})


def mute_and_end(client: Client, account: ExchangeAccount) -> None:
    client.post(muted(account), {"end": "tomorrow", "rule": "all"})
    client.post(f"/mutes/{account.mutes.get().pk}/end/")


def turn_on_factor(client: Client, account: ExchangeAccount) -> None:
    from tests.web.auth.test_sign_in import turn_on  # noqa: PLC0415

    client.post("/me/confirm/", {"password": RIGHT})
    turn_on(client)


def ask_for_reset(client: Client, account: ExchangeAccount) -> None:
    Client().post("/sign-in/forgotten/", {"email": "boss@example.com"})


def set_by_link(client: Client, account: ExchangeAccount) -> None:
    ask_for_reset(client, account)
    guest = Client()
    link = str(delivered()[-1].body).split("http://127.0.0.1:8000")[1].split()[0]
    form = guest.get(link).headers["Location"]
    guest.post(form, {"password1": "a-longer-one-7", "password2": "a-longer-one-7"})


def change_password(client: Client, account: ExchangeAccount) -> None:
    new = {"new_password1": "a-longer-one-7", "new_password2": "a-longer-one-7"}
    client.post("/me/password/", {"old_password": "wrong"} | new)
    client.post("/me/password/", {"old_password": RIGHT} | new)


def change_address(client: Client, account: ExchangeAccount) -> None:
    client.post("/me/address/", {"email": "new@example.com", "password": RIGHT})
    link = str(delivered()[-1].body).split("http://127.0.0.1:8000")[1].split()[0]
    client.post(link)


def change_name(client: Client, account: ExchangeAccount) -> None:
    form = {"first_name": "B", "last_name": "Oss", "time_zone": "UTC", "theme": "auto"}
    client.post("/me/", form)


def invite_and_let_go(client: Client, account: ExchangeAccount) -> None:
    address = f"/connections/{account.pk}/people/"
    client.post(address, {"email": "new@example.com", "role": "viewer"})
    membership = account.memberships.get(user__email="new@example.com")
    for do in ("editor", "remove"):
        client.post(f"{address}{membership.pk}/", {"do": do})


def poll(client: Client, account: ExchangeAccount) -> None:
    for do in ("pause", "pause", "resume"):
        client.post(f"/connections/{account.pk}/polling/", {"do": do})


def stop_mail(client: Client, account: ExchangeAccount) -> None:
    token = unsubscribe.unsubscribe_token(User.objects.get(username="boss"), unsubscribe.NOW)
    Client().post(f"/mail/stop/{token}/")


def end_sessions(client: Client, account: ExchangeAccount) -> None:
    client.post("/me/confirm/", {"password": RIGHT})
    client.post("/me/sessions/", {"end": "others"})


ACTIONS: list[tuple[Callable[[Client, ExchangeAccount], object], list[str]]] = [
    (lambda client, _: client.post("/sign-out/"), ["signed-out"]),
    (change_rule, ["rule-changed"]),
    (
        lambda client, account: client.post(on_rules(account, "drop_off"), {"do": "inherit"}),
        ["rule-reset"],
    ),
    (
        lambda client, account: client.post(
            on_rules(account, "told"), {"managers": "on", "addresses": "out@example.org"}
        ),
        ["recipients-changed"],
    ),
    (mute_and_end, ["muted", "unmuted"]),
    (ask_for_reset, ["password-reset-asked"]),
    (set_by_link, ["password-reset-asked", "password-set-by-link"]),
    (change_password, ["password-refused", "password-changed"]),
    (change_address, ["address-asked", "address-changed"]),
    (change_name, ["name-changed"]),
    (invite_and_let_go, ["invited", "role-changed", "member-removed"]),
    (poll, ["polling-off", "polling-on"]),
    (
        lambda client, account: client.post(f"/connections/{account.pk}/test/"),
        ["connection-tested"],
    ),
    (stop_mail, ["mail-stopped"]),
    (
        lambda client, _: client.post("/me/confirm/", {"password": "wrong"}),
        ["password-refused"],
    ),
    (end_sessions, ["sessions-ended"]),
    (lambda client, _: client.get("/groups/export.csv"), ["exported"]),
    (lambda client, _: client.get("/activity/export.xlsx"), ["exported"]),
    (
        lambda client, account: client.get(f"/connections/{account.pk}/audit/export.csv"),
        ["exported"],
    ),
    (lambda client, _: client.head("/groups/export.csv"), []),
    (lambda client, _: client.get("/"), []),
]


@pytest.mark.parametrize(("action", "written"), ACTIONS)
def test_what_is_done_is_kept_with_who_did_it(
    action: Callable[[Client, ExchangeAccount], object],
    written: list[str],
    browser: Client,
    boss: User,
    account: ExchangeAccount,
) -> None:
    before = AuditEvent.objects.count()
    action(browser, account)
    events = list(AuditEvent.objects.order_by("pk")[before:])
    assert [event.kind for event in events] == written
    assert all(boss.pk in (event.person_id, event.subject_id) for event in events)
    assert all(event.address == "127.0.0.1" for event in events)
    assert not {RIGHT, "a-longer-one-7"} & set(str([vars(event) for event in events]).split("'"))


def test_a_second_factor_that_is_turned_on_and_off_is_kept(
    browser: Client, account: ExchangeAccount, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        turn_on_factor(browser, account)
        browser.post("/me/second-factor/off/")
    assert not Authenticator.objects.exists()
    assert {"factor-on", "factor-off"} <= set(kinds())


def test_a_download_is_kept_with_its_file_and_its_project(
    browser: Client, account: ExchangeAccount
) -> None:
    group = factories.group(factories.project(account), name="Japan 18-24")
    browser.get(f"/groups/{group.pk}/history/export.csv?q=a")
    kept = AuditEvent.objects.get(kind="exported")
    assert (kept.account_id, kept.target) == (account.pk, "Japan 18-24")
    assert kept.details["file"].startswith("history-")
    assert kept.details["path"] == f"/groups/{group.pk}/history/export.csv"


def test_a_download_that_is_refused_is_no_download(
    client: Client, account: ExchangeAccount
) -> None:
    client.force_login(factories.person("viewer", account))
    assert client.get(f"/connections/{account.pk}/audit/export.csv").status_code == 403
    assert kinds() == []


def test_a_change_of_recipients_names_who_came_and_went(
    browser: Client, account: ExchangeAccount
) -> None:
    for addresses in ("out@example.org", "else@example.org"):
        browser.post(on_rules(account, "told"), {"managers": "on", "addresses": addresses})
    kept = AuditEvent.objects.filter(kind="recipients-changed").latest("pk")
    assert (kept.details["added"], kept.details["removed"]) == (
        ["else@example.org"],
        ["out@example.org"],
    )


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (
            ["person", "add", "new", "n@example.com", "--role", "viewer", "--on", "main"],
            ["person-added", "role-changed"],
        ),
        (
            ["person", "add", "ann", "ann@example.com", "--role", "editor", "--on", "main"],
            ["role-changed"],
        ),
        (["person", "take-off", "ann", "--on", "main"], ["member-removed"]),
        (["person", "close", "ann"], ["person-closed"]),
        (["person", "delete", "ann", "--yes"], ["person-deleted"]),
        (["exchange", "change", "main", "--poll-seconds", "60"], ["connection-changed"]),
        (["exchange", "change", "main", "--api-key-env", "KEY"], ["connection-key-changed"]),
        (["exchange", "remove", "main", "--yes"], ["connection-removed"]),
        (["rekey"], ["secrets-rekeyed"]),
        (
            [
                "exchange",
                "add",
                "second",
                "--account-id",
                "102",
                "--api-key-env",
                "KEY",
                "--base-url",
                "https://api.cint.com/v1",
            ],
            ["connection-added"],
        ),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_what_commands_do_is_kept_with_who_runs_them(
    words: list[str],
    written: list[str],
    account: ExchangeAccount,
    boss: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEY", "a-secret-key")
    monkeypatch.setenv("WORDS", "correct horse battery")
    factories.person("viewer", account, username="ann", email="ann@example.com")
    if words[:3] == ["person", "add", "new"]:
        words = [*words, "--password-env", "WORDS"]
    call_command(*words)
    assert kinds() == written
    kept = AuditEvent.objects.latest("pk")
    assert (kept.source, kept.person_id) == ("command", None)
    assert kept.person_name.endswith("on the command line")
    assert "a-secret-key" not in str(vars(kept))


# Who reads it


def page(client: Client, account: ExchangeAccount, query: str = "") -> str:
    return client.get(f"/connections/{account.pk}/audit/{query}").content.decode()


def test_administrators_read_what_concerns_their_connection_and_its_people(
    browser: Client, boss: User, account: ExchangeAccount
) -> None:
    other = factories.account(name="elsewhere")
    dana = factories.person("viewer", account, username="dana")
    stranger = factories.person("viewer", other, username="stranger")
    by_dana = audit.Origin("web", person=dana)
    row(account=account, target="rows of ours")
    row(account=other, target="rows of theirs")
    row(kind=AuditKind.SIGNED_IN, origin=by_dana, details={"n": "sign-in of dana"})
    row(kind=AuditKind.SIGN_IN_REFUSED, origin=audit.Origin("web"), subject=dana, target="guess")
    row(kind=AuditKind.SIGNED_IN, origin=audit.Origin("web", person=stranger), target="theirs too")
    row(kind=AuditKind.FACTOR_RESET, origin=by_dana, subject=stranger, target="of a stranger")
    row(kind=AuditKind.SIGN_IN_REFUSED, origin=audit.Origin("web"), target="of nobody we know")
    gone = factories.person("viewer", account, username="gone")
    row(kind=AuditKind.SIGNED_IN, origin=audit.Origin("web", person=gone), target="before deletion")
    people.delete(user=gone, origin=audit.SYSTEM, now=factories.NOW)
    text = page(browser, account)
    seen = ("rows of ours", "sign-in of dana", "guess", "of nobody we know", "before deletion")
    assert all(words in text for words in seen)
    assert not any(words in text for words in ("rows of theirs", "theirs too", "of a stranger"))


def test_it_is_filtered_by_person_kind_and_day(
    browser: Client, boss: User, account: ExchangeAccount
) -> None:
    dana = factories.person("viewer", account, username="dana")
    for day, kind in enumerate([AuditKind.MUTED, AuditKind.UNMUTED, AuditKind.EXPORTED]):
        address = "10.1.2.3" if day else "10.9.2.3"
        by = audit.Origin("web", person=dana if day else boss, address=address)
        now = factories.NOW + timedelta(days=day)
        row(account=account, kind=kind, origin=by, now=now, target=f"row-{day}")

    def shown(query: str) -> str:
        text = page(browser, account, query)
        return "".join(str(day) for day in range(3) if f"row-{day}" in text)

    assert shown("") == "012"
    assert shown(f"?who={dana.pk}") == "12"
    assert shown("?kind=muted") == "0"
    assert shown("?from=2026-11-21") == "12"
    assert shown("?to=2026-11-21") == "01"
    assert shown(f"?who={dana.pk}&kind=exported&from=2026-11-22&to=2026-11-22") == "2"
    assert shown("?who=x") == ""
    assert shown("?area=settings") == "01"
    assert shown("?area=downloads") == "2"
    assert shown("?area=sign-ins") == shown("?area=x") == shown("?address=9") == ""
    assert shown("?address=10.1.") == "12"
    assert shown("?from=x&to=0000-99-99&sort=nothing&page=-3") == "012"
    for edge in ("0001-01-01", "9999-12-31"):  # neither is whole in every time zone
        assert shown(f"?from={edge}&to={edge}") == "012"


def test_it_is_paged_and_takes_the_same_queries_however_long_it_is(
    browser: Client,
    boss: User,
    account: ExchangeAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    page(browser, account)
    for _ in range(2):
        with django_assert_num_queries(QUERIES):
            page(browser, account)
        AuditEvent.objects.bulk_create(
            AuditEvent(at=factories.NOW, kind="muted", source="web", account_id=account.pk)
            for _ in range(250)
        )
    assert "1–50 of 501" in page(browser, account)
    assert "401–501 of 501" in page(browser, account, "?page=3&rows=200")


QUERIES = 8


def test_it_is_downloaded_as_filtered(browser: Client, account: ExchangeAccount) -> None:
    row(account=account, target="=1+1", details={"until": "tomorrow", "list": ["a", "b"]})
    row(account=account, kind=AuditKind.UNMUTED)
    answer = browser.get(f"/connections/{account.pk}/audit/export.csv?kind=muted")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    headings, *lines = csv.reader(io.StringIO(text))
    assert tuple(headings) == audit_table.HEADINGS
    assert len(lines) == 1
    assert lines[0][0] == "2026-11-20 12:00:00"
    assert lines[0][-2:] == ["'=1+1", "list: a, b; until: tomorrow"]
    book = browser.get(f"/connections/{account.pk}/audit/export.xlsx")
    assert book.status_code == 200


def test_hostile_texts_do_nothing(browser: Client, account: ExchangeAccount) -> None:
    agent = "<script>alert(1)</script>"
    origin = audit.Origin("web", name=agent, address="1.2.3.4", browser=agent)
    row(account=account, origin=origin, target=agent, details={agent: agent})
    assert "<script>alert" not in page(browser, account)


def test_a_kind_of_a_later_release_is_shown_as_it_is(
    browser: Client, account: ExchangeAccount
) -> None:
    AuditEvent.objects.create(
        at=timezone.now(), kind="beamed-up", source="web", account_id=account.pk
    )
    assert "beamed-up" in page(browser, account)
