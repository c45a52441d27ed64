"""`manage.py exchange add` and `change`, `person add`, and a run without the demo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.management.machine import Machine

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
    Machine(home).run("migrate", "--verbosity", "0")
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
        ([], "say what changes"),
        (["--base-url", "http://169.254.169.254/"], "not on the list"),
        (["--api-key-env", "NOTHING"], "NOTHING is empty or not set"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    machine: Machine, words: list[str], why: str
) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    assert why in machine.run("exchange", "change", "main", *words, code=1)
    assert machine.do(KEPT) == "https://api.cint.com/v1 api_key a-key  None None"


def test_a_person_needs_a_password_that_somebody_gives(machine: Machine) -> None:
    machine.run(*ADD, "--api-key-env", "KEY")
    add = ["person", "add", "anna", "anna@example.com", "--role", "editor", "--on", "main"]
    assert "--password-env" in machine.run(*add, code=1)
    assert "empty or not set" in machine.run(*add, "--password-env", "NOTHING", code=1)
    assert machine.run(*add, "--password-env", "WORDS").strip() == "1"


def test_the_demo_and_a_company_never_share_a_database(machine: Machine) -> None:
    machine.do(
        "from dashboard.management.demo import ensure_demo; ensure_demo(base_url='http://x')"
    )
    machine.environment["PORT"] = "18412"
    assert "holds the demo" in machine.run("run", "--without-demo", code=1)


def test_the_demo_does_not_run_in_production(machine: Machine) -> None:
    machine.environment |= {"FIELDWATCH_PRODUCTION": "1", "PORT": "18413"}
    assert "demo's passwords" in machine.run("run", code=1)
