"""`manage.py exchange add`, `change` and `list`, `person add`, and a run without the demo."""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from dashboard.fielding.models import ExchangeAccount, Reading, TargetGroup
from tests import factories
from tests.management.commands import run_command
from tests.management.machine import Machine
from tests.prepared import prepare_tables

ADD = ["exchange", "add", "main", "--account-id", "101", "--base-url", "https://api.cint.com/v1/"]
TOKEN = ["--token-url", "https://auth.lucidhq.com/oauth/token", "--client-id", "we"]
READ_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEPT = (
    "from dashboard.fielding.models import ExchangeAccount as E; a = E.objects.get();"
    "print(a.base_url, a.auth, a.secret, a.client_id, a.poll_seconds, a.requests_per_minute)"
)


class Run(Protocol):
    """What a command prints; it must end with this code."""

    def __call__(self, *words: str, code: int = 0) -> str: ...


@pytest.fixture
def run(db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Commands on empty tables, with three secrets in their environment."""
    for name, value in {
        "KEY": "a-key",
        "SECRET": "a-secret",
        "WORDS": "correct horse battery",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NOTHING", raising=False)

    def run_words(*words: str, code: int = 0) -> str:
        ended, printed = run_command(words, capsys)
        assert ended == code, printed
        return printed

    return run_words


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a machine with empty tables."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    home.mkdir()
    prepare_tables(home, "own.sqlite3")
    return home


@pytest.fixture
def machine(tmp_path: Path, migrated: Path) -> Machine:
    """A machine with empty tables, whose commands are processes of their own."""
    shutil.copytree(migrated, tmp_path / "home")
    machine = Machine(tmp_path / "home")
    machine.environment["KEY"] = "a-key"
    return machine


def kept() -> tuple[object, ...]:
    """What the only connection holds."""
    account = ExchangeAccount.objects.get()
    return (
        account.base_url,
        account.auth,
        account.secret,
        account.client_id,
        account.poll_seconds,
        account.requests_per_minute,
    )


WITH_KEY = ("https://api.cint.com/v1", "api_key", "a-key", "", None, None)


def mark_as_read() -> ExchangeAccount:
    """Store that the only connection was read."""
    ExchangeAccount.objects.update(read_at=READ_AT, first_pull_completed_at=READ_AT)
    return ExchangeAccount.objects.get()


def test_a_connection_is_stored_with_its_key(machine: Machine) -> None:
    assert machine.run(*ADD, "--api-key-env", "KEY").strip() == "1"
    assert machine.do(KEPT) == "https://api.cint.com/v1 api_key a-key  None None"
    assert "already a connection" in machine.run(*ADD, "--api-key-env", "KEY", code=1)


def test_what_is_changed_is_changed_and_the_rest_stays(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*ADD, *TOKEN, "--client-secret-env", "SECRET")
    run("exchange", "change", "main", "--poll-seconds", "60", "--requests-per-minute", "0")
    monkeypatch.setenv("SECRET", "a-newer-one")
    printed = run("exchange", "change", "main", "--client-secret-env", "SECRET")
    assert printed.strip() == "changed: secret"
    assert kept() == (WITH_KEY[0], "client_credentials", "a-newer-one", "we", 60, 0)


def test_a_key_takes_the_place_of_client_credentials_and_back(run: Run) -> None:
    run(*ADD, *TOKEN, "--client-secret-env", "SECRET")
    run("exchange", "change", "main", "--api-key-env", "KEY")
    assert kept()[1:3] == ("api_key", "a-key")
    assert "together" in run("exchange", "change", "main", *TOKEN, code=1)
    run("exchange", "change", "main", *TOKEN, "--client-secret-env", "SECRET")
    assert kept()[1:4] == ("client_credentials", "a-secret", "we")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "nothing to change"),
        (["--base-url", "http://169.254.169.254/"], "not on the list"),
        (["--api-key-env", "NOTHING"], "NOTHING is empty or not set"),
        (["--api-version", "v" * 200], "--api-version: Ensure this value has at most"),
        (["--account-id", "1" * 200], "--account-id: Ensure this value has at most"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(run: Run, words: list[str], why: str) -> None:
    run(*ADD, "--api-key-env", "KEY")
    assert why in run("exchange", "change", "main", *words, code=1)
    assert kept() == WITH_KEY


def test_a_mistyped_account_is_mended_while_nothing_was_read(run: Run) -> None:
    run(*ADD, "--api-key-env", "KEY")
    mark_as_read()  # a list without a project, of the wrong account
    changed = run("exchange", "change", "main", "--account-id", "102")
    assert changed.strip() == "changed: account_id"
    assert run("exchange", "list").strip() == (
        "main: api.cint.com, account 102, polling on, never read"
    )


def test_what_was_read_of_one_account_never_becomes_another_s(run: Run) -> None:
    run(*ADD, "--api-key-env", "KEY")
    factories.project(mark_as_read())
    change = ["exchange", "change", "main", "--account-id"]
    assert "already holds data of account 101" in run(*change, "102", code=1)
    run(*change, "101", "--poll-seconds", "60")  # the same one is no change
    assert "account 101" in run("exchange", "list")


def test_an_account_keeps_its_id_while_a_worker_reads_it(run: Run) -> None:
    run(*ADD, "--api-key-env", "KEY")
    until = datetime(2126, 1, 1, tzinfo=UTC)
    ExchangeAccount.objects.update(lease="x", leased_until=until)
    change = ["exchange", "change", "main", "--account-id", "102"]
    assert "is being synced at the moment" in run(*change, code=1)


def test_a_connection_is_removed_with_all_that_is_stored_of_it_when_that_is_meant(
    run: Run,
) -> None:
    run(*ADD, "--api-key-env", "KEY")
    other = [{"main": "other", "101": "102"}.get(word, word) for word in ADD]
    run(*other, "--api-key-env", "KEY")
    account = ExchangeAccount.objects.get(name="main")
    project = factories.project(account)
    groups = [
        TargetGroup(account=account, project=project, exchange_id=str(number))
        for number in range(250)
    ]
    TargetGroup.objects.bulk_create(groups)
    Reading.objects.bulk_create([Reading(group=group, at=READ_AT) for group in groups])
    held = "1 project, 250 target groups, 0 edits, 0 memberships"
    refused = run("exchange", "remove", "main", code=1)
    assert f"main holds {held}. Nothing was removed" in refused
    assert left() == (["main", "other"], 250, 250)
    assert f"removed: main with {held}" in run("exchange", "remove", "main", "--yes")
    assert left() == (["other"], 0, 0)
    assert "no connection is named main" in run("exchange", "remove", "main", code=1)


def left() -> tuple[list[str], int, int]:
    """The names of the connections, and how many groups and readings there are."""
    names = ExchangeAccount.objects.order_by("name").values_list("name", flat=True)
    return list(names), TargetGroup.objects.count(), Reading.objects.count()


def test_connections_are_listed_a_line_each(run: Run) -> None:
    assert "No connections yet" in run("exchange", "list")
    run(*ADD, "--api-key-env", "KEY")
    mark_as_read()
    ExchangeAccount.objects.update(polling=False)
    line = "main: api.cint.com, account 101, polling off, last read 2026-11-20 12:00Z"
    assert run("exchange", "list").strip() == line


def test_a_person_needs_a_password_that_somebody_gives(run: Run) -> None:
    run(*ADD, "--api-key-env", "KEY")
    add = ["person", "add", "anna", "anna@example.com", "--role", "editor", "--on", "main"]
    assert "--password-env" in run(*add, code=1)
    assert "empty or not set" in run(*add, "--password-env", "NOTHING", code=1)
    added = run(*add, "--password-env", "WORDS")
    assert added.strip() == "anna was added as editor of main."
    add[5] = "viewer"
    assert run(*add).strip() == "anna is now viewer of main."


def test_the_demo_and_a_company_never_share_a_database(machine: Machine) -> None:
    machine.do(
        "from dashboard.management.demo import ensure_demo; ensure_demo(base_url='http://x')"
    )
    machine.environment["PORT"] = "18412"
    assert "belongs to the demo" in machine.run("run", "--without-demo", code=1)


def test_a_taken_port_is_told_with_the_command_that_was_used(machine: Machine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        machine.environment["PORT"] = str(port)
        own = f"PORT={port + 1} {sys.executable} manage.py run --without-demo"
        assert own in machine.run("run", "--without-demo", code=1)
        said = machine.run("run", "--with-parent", code=1)
    assert f"PORT={port + 1} make run" in said


def test_the_demo_does_not_run_in_production(machine: Machine) -> None:
    machine.environment |= {
        "FIELDWATCH_PRODUCTION": "1",
        "FIELDWATCH_URL": "https://fieldwatch.example.com",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATABASE_URL": "postgres://nowhere.invalid/fieldwatch",  # it ends before it connects
        "TRUSTED_PROXIES": "none",
        "PORT": "18413",
    }
    assert "demo's passwords" in machine.run("run", code=1)
