"""A setting or a database that cannot be used: commands end with a sentence, not a traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from dashboard.management.database_errors import explain_database_error
from tests.management.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose database is an empty file."""
    return Machine(tmp_path / "home")


def refused(machine: Machine, database: str, *words: str) -> str:
    """The only line that a command prints with this database; it ends with code 1."""
    machine.environment["DATABASE_URL"] = database
    (line,) = machine.run(*words, code=1).strip().splitlines()
    return line


def test_a_server_that_does_not_answer_is_named_without_its_password(machine: Machine) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for words in (["exchange", "list"], ["migrate"], ["person", "close", "anna"]):
        line = refused(machine, f"postgres://anna:top-secret@127.0.0.1:{port}/x", *words)
        assert line.startswith("The database cannot be used: "), line
        assert f"port {port} failed: Connection refused. Check DATABASE_URL." in line
        assert "top-secret" not in line


def test_a_file_that_is_no_database_or_cannot_be_opened_is_named(
    machine: Machine, tmp_path: Path
) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear Anna, this is no database. " * 40)
    for path, reason in (
        (other, "file is not a database"),
        (tmp_path / "nowhere" / "x.sqlite3", "unable to open database file"),
    ):
        line = refused(machine, f"sqlite:///{path}", "exchange", "list")
        assert line == f"The database cannot be used: {reason}. Check DATABASE_URL."
    assert other.read_text().startswith("Dear Anna")


def test_a_database_without_tables_asks_for_a_migration(machine: Machine) -> None:
    database = machine.environment["DATABASE_URL"]
    sentence = "The database has no tables yet. Run manage.py migrate first."
    assert refused(machine, database, "exchange", "list") == sentence
    asked = machine.run("exchange", "--traceback", "list", code=1)
    assert "Traceback" in asked
    assert "no such table" in asked


def test_a_wrong_setting_is_named_in_one_line(machine: Machine) -> None:
    machine.environment["POLL_SECONDS"] = "-3"
    line = "POLL_SECONDS takes a whole number from 1 to 86400, not '-3'"
    assert machine.run("exchange", "list", code=1).strip() == line
    assert "Traceback" in machine.run("exchange", "--traceback", "list", code=1)


@pytest.mark.parametrize("words", [["pull", "\udcff"], ["person", "close", "a\udc80b"]])
def test_an_argument_of_other_bytes_is_named(machine: Machine, words: list[str]) -> None:
    assert machine.run(*words, code=1).strip() == "An argument is not valid UTF-8."


@pytest.mark.django_db
@pytest.mark.parametrize(("missing", "number"), [(1, "1 migration"), (3, "3 migrations")])
def test_a_database_of_an_earlier_release_asks_for_the_migrations_it_lacks(
    missing: int, number: str
) -> None:
    applied = MigrationRecorder(connection).migration_qs.filter(app="fielding")
    newest = applied.order_by("-name").values_list("pk", flat=True)[:missing]
    applied.filter(pk__in=list(newest)).delete()
    sentence = f"The database lacks {number} of this release. Run manage.py migrate first."
    assert explain_database_error(ProgrammingError("no such column")) == sentence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError("disk full.\nHint"), "The database refused: disk full."),
        (OperationalError(), "The database refused: OperationalError."),
        (ProgrammingError("syntax error"), None),
        (IntegrityError("UNIQUE constraint failed"), None),
    ],
)
def test_what_the_database_refuses_has_its_reason_and_a_fault_of_ours_its_traceback(
    error: DatabaseError, sentence: str | None
) -> None:
    assert explain_database_error(error) == sentence
