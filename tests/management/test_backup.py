"""A back-up that was restored holds what was there; a new key opens what the old one closed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.conftest import missing
from tests.management.machine import NEW, OLD, Machine
from tests.prepared import create_postgresql, prepare_tables

FILL = """
from allauth.mfa.totp.internal.auth import TOTP
from tests import factories
TOTP.activate(factories.person(username="dana"), "JBSWY3DPEHPK3PXP")
factories.group(factories.project(factories.account(name="main", secret="the-exchange-key")))
"""
READ = """
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
assert decrypt(Authenticator.objects.get().data["secret"]) == "JBSWY3DPEHPK3PXP"
from dashboard.fielding.models import ExchangeAccount, TargetGroup
print(ExchangeAccount.objects.get(name="main").secret, TargetGroup.objects.count())
"""


class Filled(Machine):
    """A machine that can be filled, and asked what it holds."""

    def fill(self) -> None:
        """One connection and one group."""
        self.do(FILL)

    def holds(self) -> str:
        """The secret of its connection and the number of its groups."""
        return self.do(READ)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a machine that was filled."""
    home = tmp_path_factory.mktemp("filled") / "home"
    machine = Filled(home)
    prepare_tables(home, "own.sqlite3")
    machine.fill()
    return home


@pytest.fixture
def filled(tmp_path: Path, template: Path) -> Filled:
    shutil.copytree(template, tmp_path / "old")
    return Filled(tmp_path / "old")


@pytest.fixture
def databases() -> Iterator[tuple[str, str]]:
    """Two databases of PostgreSQL: one with all tables, one empty."""
    url = os.environ.get("TEST_DATABASE_URL", "")
    if not url:
        missing("TEST_DATABASE_URL names no PostgreSQL")
    names = [f"fieldwatch_backup_{secrets.token_hex(4)}" for _ in range(2)]
    create_postgresql(url, names[0])
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{names[1]}"')
    yield tuple(urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for name in names)  # type: ignore[misc]
    with psycopg.connect(url, autocommit=True) as server:
        for name in names:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_back_up_of_sqlite_is_restored_on_another_machine(filled: Filled, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    filled.run("backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    other = Filled(tmp_path / "new")
    assert "1 connections, 1 target groups" in other.run("restore", str(file))
    assert other.holds() == "the-exchange-key 1"


@pytest.mark.services
def test_a_back_up_of_postgresql_is_restored_in_another_database(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    old, new = (Filled(tmp_path / str(n), url) for n, url in enumerate(databases))
    old.fill()
    old.run("backup", str(tmp_path / "backup.dump"))
    new.run("restore", str(tmp_path / "backup.dump"))
    assert new.holds() == "the-exchange-key 1"


def test_nothing_is_ever_written_over(filled: Filled, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    filled.run("backup", str(file))
    assert "already exists" in filled.run("backup", str(file), code=1)
    assert "restore into an empty one" in filled.run("restore", str(file), code=1)


@pytest.mark.parametrize("name", ["own.sqlite3-2026-12-01", "own.sqlite3-backup"])
def test_a_back_up_beside_the_database_is_restored_and_stays(
    filled: Filled, tmp_path: Path, name: str
) -> None:
    """Whatever begins like the database's name was deleted before: the back-up itself."""
    home = tmp_path / "new"
    other, file = Filled(home), home / name
    filled.run("backup", str(file))
    for leftover in ("-wal", "-shm", "-journal"):
        (home / f"own.sqlite3{leftover}").touch()
    assert "1 connections, 1 target groups" in other.run("restore", str(file))
    assert file.is_file()
    assert other.holds() == "the-exchange-key 1"


def test_the_database_is_not_restored_from_itself(tmp_path: Path) -> None:
    """Opening an empty file makes it a database without tables, which may be filled."""
    other, database = Filled(tmp_path), tmp_path / "own.sqlite3"
    link = tmp_path / "link"
    link.symlink_to(database)
    for file in (link, database):
        database.write_bytes(b"")
        assert "is the database itself" in other.run("restore", str(file), code=1)
        assert database.is_file()


def test_a_restore_without_the_key_says_so(filled: Filled, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    filled.run("backup", str(file))
    stranger = Machine(tmp_path / "new", keys=NEW)
    assert "ENCRYPTION_KEYS no longer holds" in stranger.run("restore", str(file), code=1)


def test_after_rekey_the_old_key_is_not_needed(filled: Filled) -> None:
    filled.environment["ENCRYPTION_KEYS"] = f"{NEW},{OLD}"
    assert filled.holds() == "the-exchange-key 1"
    said = filled.run("rekey")
    assert "exchange accounts: 1" in said
    assert "two-factor secrets: 1" in said
    filled.environment["ENCRYPTION_KEYS"] = NEW
    assert filled.holds() == "the-exchange-key 1"
