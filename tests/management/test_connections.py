"""`manage.py exchange add`, `change` and `list`, `person add`, and a run without the demo."""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tests.management.machine import Machine
from tests.prepared import prepare_tables

ADD = ["exchange", "add", "main", "--account-id", "101", "--base-url", "https://api.cint.com/v1/"]
TOKEN = ["--token-url", "https://auth.lucidhq.com/oauth/token", "--client-id", "we"]
KEPT = (
    "from dashboard.fielding.models import ExchangeAccount as E; a = E.objects.get();"
    "print(a.base_url, a.auth, a.secret, a.client_id, a.poll_seconds, a.requests_per_minute)"
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a machine with empty tables."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    home.mkdir()
    prepare_tables(home, "own.sqlite3")
    return home


@pytest.fixture
def machine(tmp_path: Path, migrated: Path) -> Machine:
    """A machine with empty tables and two secrets in its environment."""
    shutil.copytree(migrated, tmp_path / "home")
    machine = Machine(tmp_path / "home")
    machine.environment |= {"KEY": "a-key", "SECRET": "a-secret", "WORDS": "correct horse battery"}
    return machine


def test_a_connection_is_stored_with_its_key(machine: Machine) -> None:
    assert machine.run(*ADD, "--api-key-env", "KEY").strip() == "1"
    assert machine.do(KEPT) == "https://api.cint.com/v1 api_key a-key  None None"
    assert "already a connection" in machine.run(*ADD, "--api-key-env", "KEY", code=1)


def test_what_is_changed_is_changed_and_the_rest_stays(machine: Machine) -> None:
    machine.run(*ADD, *TOKEN, "--client-secret-env", "SECRET")
    machine.run("exchange", "change", "main", "--poll-seconds", "60", "--requests-per-minute", "0")
    machine.environment["SECRET"] = "a-newer-one"
    said = machine.run("exchange", "change", "main", "--client-secret-env", "SECRET")
    assert said.strip() == "changed: secret"
    kept = "https://api.cint.com/v1 client_credentials a-newer-one we 60 0"
    assert machine.do(KEPT) == kept


def test_a_key_takes_the_place_of_client_credentials_and_back(machine: Machine) -> None:
    machine.run(*ADD, *TOKEN, "--client-secret-env", "SECRET")
    machine.run("exchange", "change", "main", "--api-key-env", "KEY")
    assert "api_key a-key" in machine.do(KEPT)
    assert "together" in machine.run("exchange", "change", "main", *TOKEN, code=1)
    machine.run("exchange", "change", "main", *TOKEN, "--client-secret-env", "SECRET")
    assert "client_credentials a-secret we" in machine.do(KEPT)


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
def test_a_change_that_makes_no_sense_is_refused(
    machine: Machine, words: list[str], why: str
) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    assert why in machine.run("exchange", "change", "main", *words, code=1)
    assert machine.do(KEPT) == "https://api.cint.com/v1 api_key a-key  None None"


READ = """
from django.utils import timezone; from dashboard.fielding.models import ExchangeAccount as E
a = E.objects.get(); now = "2026-11-20T12:00Z"
E.objects.update(read_at=now, first_pull_completed_at=now)
"""
PROJECT = "a.projects.create(exchange_id='1', created_at=timezone.now())"


def test_a_mistyped_account_is_mended_while_nothing_was_read(machine: Machine) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    machine.do(READ)  # a list without a project, of the wrong account
    change = ["exchange", "change", "main", "--account-id"]
    assert machine.run(*change, "102").strip() == "changed: account_id"
    assert machine.run("exchange", "list").strip() == (
        "main: api.cint.com, account 102, polling on, never read"
    )


def test_what_was_read_of_one_account_never_becomes_another_s(machine: Machine) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    machine.do(READ + PROJECT)
    change = ["exchange", "change", "main", "--account-id"]
    assert "already holds data of account 101" in machine.run(*change, "102", code=1)
    machine.run(*change, "101", "--poll-seconds", "60")  # the same one is no change
    assert "account 101" in machine.run("exchange", "list")


def test_an_account_keeps_its_id_while_a_worker_reads_it(machine: Machine) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    machine.do(READ + "E.objects.update(lease='x', leased_until='2126-01-01T00:00Z')")
    change = ["exchange", "change", "main", "--account-id", "102"]
    assert "is being synced at the moment" in machine.run(*change, code=1)


def test_a_connection_is_removed_with_all_that_is_stored_of_it_when_that_is_meant(
    machine: Machine,
) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    other = [{"main": "other", "101": "102"}.get(word, word) for word in ADD]
    machine.run(*other, "--api-key-env", "KEY")
    machine.do(MADE)
    held = "1 project, 250 target groups, 0 edits, 0 memberships"
    said = machine.run("exchange", "remove", "main", code=1)
    assert f"main holds {held}. Nothing was removed" in said
    assert machine.do(LEFT) == "main,other 250 250"
    assert f"removed: main with {held}" in machine.run("exchange", "remove", "main", "--yes")
    assert machine.do(LEFT) == "other 0 0"
    assert "no connection is named main" in machine.run("exchange", "remove", "main", code=1)


MADE = """
from django.utils import timezone
from dashboard.fielding.models import ExchangeAccount as E, TargetGroup as T, Reading
a = E.objects.get(name="main"); now = timezone.now()
p = a.projects.create(exchange_id="1", created_at=now)
made = [T(account=a, project=p, exchange_id=str(n)) for n in range(250)]
T.objects.bulk_create(made)
Reading.objects.bulk_create([Reading(group=one, at=now) for one in made])
"""
LEFT = """
from dashboard.fielding.models import ExchangeAccount as E, TargetGroup as T, Reading
names = ",".join(E.objects.order_by("name").values_list("name", flat=True))
print(names, T.objects.count(), Reading.objects.count())
"""


def test_connections_are_listed_a_line_each(machine: Machine) -> None:
    assert "No connections yet" in machine.run("exchange", "list")
    machine.run(*ADD, "--api-key-env", "KEY")
    machine.do(READ + "E.objects.update(polling=False)")
    line = "main: api.cint.com, account 101, polling off, last read 2026-11-20 12:00Z"
    assert machine.run("exchange", "list").strip() == line


def test_a_person_needs_a_password_that_somebody_gives(machine: Machine) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    add = ["person", "add", "anna", "anna@example.com", "--role", "editor", "--on", "main"]
    assert "--password-env" in machine.run(*add, code=1)
    assert "empty or not set" in machine.run(*add, "--password-env", "NOTHING", code=1)
    said = "anna was added as editor of main."
    assert machine.run(*add, "--password-env", "WORDS").strip() == said
    add[5] = "viewer"
    assert machine.run(*add).strip() == "anna is now viewer of main."


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
