"""Each mistake at the command line ends with a sentence that names it, and never in a traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from dashboard.fielding.models import ExchangeAccount, Membership
from dashboard.sync.connections import clients
from tests import factories
from tests.management.commands import run_command

pytestmark = pytest.mark.django_db
NAMES = ["backup", "exchange", "mail", "person", "pull", "rekey", "restore", "run", "setup"]
URL = ["--base-url", "https://api.cint.com/v1"]
KEY = ["--api-key-env", "CINT_KEY"]
ADD = ["exchange", "add", "second", "--account-id", "202", *URL]
PERSON = ["--role", "viewer", "--on", "main", "--password-env", "WORDS"]


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def account(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> ExchangeAccount:
    """The connection `main`, on which Anna is the only administrator."""
    monkeypatch.setenv("CINT_KEY", "a-key")
    monkeypatch.setenv("WORDS", "correct horse battery")
    monkeypatch.setenv("SHORT", "abc")
    monkeypatch.delenv("NOTHING", raising=False)
    account = factories.account(name="main", exchange_id="101", base_url=URL[1])
    factories.person(
        Membership.Role.ADMINISTRATOR, account, username="anna", email="anna@example.com"
    )
    return account


def test_every_mistake_has_its_sentence(
    account: ExchangeAccount,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"no database")
    mistakes: list[tuple[list[str], str]] = [
        (["exchange", "add", "main", "--account-id", "202", *URL, *KEY], "already a connection"),
        (["exchange", "add", "MAIN", "--account-id", "202", *URL, *KEY], "already a connection"),
        (["exchange", "add", "twin", "--account-id", "101", *URL, *KEY], "reads account 101"),
        (["exchange", "add", "", "--account-id", "202", *URL, *KEY], "a connection needs a name"),
        (["exchange", "add", "x", "--account-id", "", *URL, *KEY], "--account-id"),
        (["exchange", "add", "x", "--account-id", "abc", *URL, *KEY], "account id is a number"),
        (["exchange", "add", "x", "--account-id", "1/2", *URL, *KEY], "--account-id"),
        ([*ADD, "--api-key-env", "NOTHING"], "NOTHING is empty or not set"),
        ([*ADD], "one of the arguments --api-key-env --token-url is required"),
        ([*ADD, "--token-url", "https://auth.lucidhq.com/oauth/token"], "together"),
        ([*ADD, "--token-url", "https://x.example/t", "--client-id", "we"], "not on the list"),
        ([*ADD, *KEY, "--webhook", "nowhere"], "give the address at which Cint reaches"),
        (["exchange", "add", "x", "--account-id", "1", "--base-url", "abc", *KEY], "--base-url"),
        (["exchange", "add"], "the following arguments are required: name"),
        (["exchange"], "the following arguments are required: verb"),
        (["exchange", "fly"], "invalid choice: 'fly'"),
        (["exchange", "change", "main"], "nothing to change"),
        (["exchange", "change", "other", "--poll-seconds", "60"], "no connection is named other"),
        (["exchange", "change", "main", "--poll-seconds", "abc"], "invalid int value: 'abc'"),
        (["exchange", "change", "main", "--poll-seconds", "86401"], "--poll-seconds"),
        (["exchange", "change", "main", "--poll-seconds", "-5"], "--poll-seconds"),
        (["exchange", "change", "main", "--poll-seconds", "9" * 30], "--poll-seconds"),
        (["exchange", "change", "main", "--requests-per-minute", "-1"], "--requests-per-minute"),
        (["exchange", "change", "main", "--account-id", "1/2"], "--account-id"),
        (["exchange", "check", "other"], "no connection is named other (connections: main)"),
        (["exchange", "remove", "other"], "no connection is named other"),
        (["exchange", "remove", "main"], "Nothing was removed"),
        (["exchange", "webhook", "main", "add"], "add needs --url"),
        (["exchange", "webhook", "main", "add", "--url", "abc"], "give the address"),
        (["exchange", "webhook", "main", "rotate"], "has no webhook"),
        (["exchange", "webhook", "main", "remove"], "has no webhook"),
        (["exchange", "webhook", "main", "fly"], "invalid choice: 'fly'"),
        (["mail", "test", "nobody"], "nobody has the username or email address nobody"),
        (["mail", "test", ""], "nobody has the username or email address"),
        (["mail"], "the following arguments are required: verb"),
        (["person", "add", "ben", "abc", *PERSON], "email: Enter a valid"),
        (["person", "add", "ben", "anna@example.com", *PERSON], "anna already has the email"),
        (["person", "add", "ben", "ANNA@example.com", *PERSON], "anna already has the email"),
        (["person", "add", "x" * 200, "b@example.com", *PERSON], "username: "),
        (["person", "add", "", "b@example.com", *PERSON], "username: This field"),
        (["person", "add", "ben", "b@example.com", *PERSON[:2], "--on", "other"], "is named other"),
        (["person", "add", "ben", "b@example.com", *PERSON[:-1], "NOTHING"], "NOTHING is empty"),
        (["person", "add", "ben", "b@example.com", *PERSON[:-1], "SHORT"], "too short"),
        (["person", "add", "ben", "b@example.com", *PERSON[:4]], "--password-env"),
        (["person", "add", "ben", "b@example.com", "--role", "owner", "--on", "main"],
         "invalid choice: 'owner'"),
        (["person", "add", "ben", "b@example.com", *PERSON, "--exchange-user-id", "x" * 300],
         "--exchange-user-id"),
        (["person", "add", "anna", "other@example.com", *PERSON], "anna@example.com"),
        (["person", "add", "anna", "anna@example.com", *PERSON], "administrator"),
        (["person", "close", "nobody"], "nobody has the username"),
        (["person", "close", "anna"], "administrator"),
        (["person", "reopen", "anna"], "the account of anna is not closed"),
        (["person", "delete", "anna"], "Nothing was deleted"),
        (["person", "delete", "anna", "--yes"], "administrator"),
        (["person", "reset-factor", "anna"], "has no two-factor authentication"),
        (["person", "take-off", "anna", "--on", "other"], "no connection is named other"),
        (["person", "take-off", "anna", "--on", "main"], "administrator"),
        (["person", "take-off", "anna"], "the following arguments are required: --on"),
        (["pull", "other"], "no connection is named other (connections: main)"),
        (["pull"], "the following arguments are required: name"),
        (["backup", str(there)], "already exists; a back-up never replaces a file"),
        (["backup", "/nowhere/at/all"], "/nowhere/at/all cannot be written: No such file"),
        (["backup", str(tmp_path)], "already exists"),
        (["backup", str(there / "x")], "cannot be written: Not a directory"),
        (["backup", "x" * 300], "cannot be written: File name too long"),
        (["restore", "/nowhere"], "/nowhere does not exist"),
        (["restore", str(tmp_path)], "is not a file"),
        (["restore", "x" * 300], "cannot be read: File name too long"),
        (["restore", str(there)], "restore into an empty one"),
        (["rekey", "abc"], "unrecognized arguments: abc"),
        (["run", "--with-demo"], "unrecognized arguments: --with-demo"),
        (["setup"], "Fieldwatch has an administrator"),
    ]  # fmt: skip
    problems = []
    for words, sentence in mistakes:
        try:
            with transaction.atomic():  # after an error of the database the next has its own
                code, printed = run_command(words, capsys)
        except Exception as exc:
            problems.append(f"{words}: a traceback: {exc!r}")
            continue
        if code not in (1, 2) or sentence.lower() not in printed.lower():
            problems.append(f"{words}: {code} {printed!r}, not {sentence!r}")
    assert {words[0] for words, _ in mistakes} == set(NAMES)
    assert problems == [], "\n".join(problems)


def test_what_does_not_answer_is_named(
    account: ExchangeAccount,
    closed_port: int,
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
) -> None:
    dead = f"127.0.0.1:{closed_port}"
    settings.EXCHANGE_ALLOWED_HOSTS = [dead]
    settings.EXCHANGE_TIMEOUT_SECONDS = 0.5
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port
    account.base_url = f"http://{dead}/v1"
    account.save()
    hook = ["--url", "https://fieldwatch.example.com"]
    for words, sentence in (
        (["exchange", "check", "main"], f"Nothing answers at {dead}."),
        (["exchange", "webhook", "main", "add", *hook], "Cint cannot be reached"),
        (["pull", "main"], "Cint cannot be reached"),
        (["mail", "test", "anna"], "not sent to anna@example.com: "),
    ):
        clients._clients.clear()  # each command is a process of its own
        code, printed = run_command(words, capsys)
        assert code == 1, (words, printed)
        assert sentence in printed, (words, printed)
