"""The image's steps and compose's commands, run as plain commands on what the image holds."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml
from cryptography.fernet import Fernet
from packaging.requirements import Requirement
from pytest_django import Settings

from dashboard.management import alive
from tests.conftest import missing
from tests.end_to_end.product import ROOT, free_port

DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
HOST = "fieldwatch.example"
BUILD, SCHEDULE = "/tmp/build", "/tmp/beat-schedule"  # noqa: S108  as the files name them


def steps(word: str) -> list[str]:
    """What follows this word, for each line of the Dockerfile that begins with it."""
    lines = (line.strip() for line in DOCKERFILE.splitlines())
    return [line.removeprefix(word).strip() for line in lines if line.startswith(f"{word} ")]


CMD = json.loads(steps("CMD")[-1])
HEALTHCHECK = json.loads(steps("HEALTHCHECK")[0].split("CMD", 1)[1])


@dataclass
class Image:
    """A folder that holds what the image holds, and its environment."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command that ends."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )

    def start(self, name: str, command: list[str], leaving: ExitStack) -> None:
        """A process that stays until the test ends; it writes only where the image lets it."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        leaving.callback(process.wait, 20)
        leaving.callback(process.terminate)


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    """Copied and built as the Dockerfile says, on a database of its own."""
    database, redis = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if not database or not redis:
        missing("TEST_DATABASE_URL and TEST_REDIS_URL name no PostgreSQL and Redis")
    assert database
    folder, name = tmp_path / "srv", f"fieldwatch_image_{secrets.token_hex(4)}"
    folder.mkdir()
    (tmp_path / "tmp").mkdir()
    for sources in (step.split() for step in steps("COPY") if not step.startswith("--from")):
        for source in sources[:-1]:
            _copy(ROOT / source, folder / source)
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    given = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "FIELDWATCH_PRODUCTION": "1",
        "LOG_FORMAT": "json",
        "TMPDIR": str(tmp_path / "tmp"),  # a container's own: no other worker marks it
        "FIELDWATCH_HOME": str(tmp_path / "home"),
        "FIELDWATCH_STATIC": str(tmp_path / "static"),
        "FIELDWATCH_URL": f"https://{HOST}",
        "TRUSTED_PROXIES": "none",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": urlunsplit(urlsplit(database)._replace(path=f"/{name}")),
        "REDIS_URL": redis or "",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "PORT": str(free_port()),
        "BEAT_SECONDS": "1",
    }
    yield Image(folder, given)
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _is_in_the_context(name: str) -> bool:
    """Whether .dockerignore lets this file into a build: the last pattern that matches decides."""
    parts = [name, *(str(parent) for parent in Path(name).parents)]
    is_excluded = False
    for pattern in (ROOT / ".dockerignore").read_text().split():
        wanted = pattern.removeprefix("!").removeprefix("**/")
        ends = [Path(part).name for part in parts] if "**/" in pattern else parts
        if any(fnmatch.fnmatch(part, wanted) for part in ends):
            is_excluded = not pattern.startswith("!")
    return not is_excluded


def _copy(source: Path, target: Path) -> None:
    """Copy what a build's COPY finds: a file, or the files below a folder."""
    found = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
    files = [file for file in found if _is_in_the_context(str(file.relative_to(ROOT)))]
    assert files, f"{source} is not in the context of the build"
    for file in files:
        goal = target if file == source else target / file.relative_to(source)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, goal)


def ready(image: Image) -> dict[str, Any]:
    """What /readyz of the web process says; empty while it does not listen."""
    address = f"http://127.0.0.1:{image.environment['PORT']}/readyz"
    request = urllib.request.Request(address, headers={"Host": HOST})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own address
            told: dict[str, Any] = json.load(answer)
            return told
    except (urllib.error.URLError, OSError):
        return {}


@pytest.mark.services
def test_what_the_image_holds_is_built_migrated_started_and_becomes_ready(image: Image) -> None:
    assert (image.folder / "docs" / "tour.md").exists()
    assert not list(image.folder.glob("docs/*.py"))
    build = next(step for step in steps("RUN") if "collectstatic" in step)
    image.run(["sh", "-c", build.replace(BUILD, str(image.folder / "build"))])
    image.run(COMPOSE["services"]["migrate"]["command"])
    web = [part.replace("0.0.0.0:8000", f"127.0.0.1:{image.environment['PORT']}") for part in CMD]
    with ExitStack() as leaving:
        image.start("web", web, leaving)
        for name in ("worker", "beat"):
            command = [
                part.replace(SCHEDULE, str(image.folder / "beat-schedule"))
                for part in COMPOSE["services"][name]["command"]
            ]
            image.start(name, command, leaving)
        until = time.monotonic() + 90
        while (told := ready(image)).get("status") != "ok":
            assert time.monotonic() < until, told
            time.sleep(0.3)
        image.run(HEALTHCHECK)
        image.run([*COMPOSE["services"]["worker"]["healthcheck"]["test"][1:]])
    back_up_and_restore(image)
    assert not (Path(image.environment["FIELDWATCH_HOME"]) / "secret_key").exists()


def back_up_and_restore(image: Image) -> None:
    """As docs/operate.md has it: back up, an empty database, restore, migrate."""
    tools = COMPOSE["services"]["tools"]["entrypoint"]
    file = str(image.folder / "backup.dump")
    image.run([*tools, "backup", file])
    address = urlsplit(image.environment["DATABASE_URL"])
    name = address.path.strip("/")
    admin = urlunsplit(address._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    restored = image.run([*tools, "restore", file]).stdout
    assert "restored: 0 connections" in restored
    image.run(COMPOSE["services"]["migrate"]["command"])


def test_a_worker_that_stands_still_is_unhealthy(tmp_path: Path, settings: Settings) -> None:
    settings.WORKER_MARK = tmp_path / "mark"
    assert alive.check_worker() == 1, "it never ran"
    settings.WORKER_MARK.touch()
    assert alive.check_worker() == 0
    long_ago = time.time() - alive.SILENT_SECONDS - 1
    os.utime(settings.WORKER_MARK, (long_ago, long_ago))
    assert alive.check_worker() == 1


def test_the_database_tools_are_those_of_the_database() -> None:
    release = COMPOSE["services"]["database"]["image"].partition(":-")[2].rstrip("}")
    assert f"POSTGRES={release}" in steps("ARG")
    major = release.partition(":")[2].partition(".")[0]
    tools = next(step for step in steps("COPY") if "pg_dump" in step)
    assert f"/usr/lib/postgresql/{major}/bin/pg_dump" in tools


def test_compose_limits_logs_and_memory_and_waits_for_what_runs() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert not service.get("image", "x:1").endswith("latest"), name
    assert COMPOSE["services"]["worker"]["stop_grace_period"] == "90s"
    assert "@" not in str(COMPOSE["x-fieldwatch"]["environment"]["PGPASSWORD"])
    assert "PASSWORD" not in COMPOSE["x-fieldwatch"]["environment"]["DATABASE_URL"]


def test_the_image_installs_as_make_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for flag in ("--require-hashes", "--no-deps"):
        assert flag in steps("RUN")[0]
        assert flag in makefile


def test_every_stage_begins_with_the_base_that_a_digest_can_pin() -> None:
    assert "BASE=python:3.11-slim" in steps("ARG")
    assert {step.split()[0] for step in steps("FROM")} == {"${BASE}", "${POSTGRES}"}
    assert COMPOSE["x-fieldwatch"]["build"]["args"]["BASE"] == "${BASE:-python:3.11-slim}"


def test_the_image_installs_the_releases_that_the_tests_run_with() -> None:
    pins = (ROOT / "requirements" / "app.txt").read_text()
    lines = [line.rstrip("\\ ") for line in pins.splitlines() if re.match(r"[a-z0-9]", line)]
    wanted = [Requirement(line) for line in lines]
    assert len(wanted) > 50
    here = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    assert [
        str(one) for one in here if not one.specifier.contains(importlib.metadata.version(one.name))
    ] == []


def test_the_image_takes_what_runs_and_neither_tests_nor_history() -> None:
    listed = (ROOT / ".dockerignore").read_text().split()
    assert listed[0] == "*"  # everything stays out but what follows
    taken = {line[1:].split("/")[0] for line in listed if line.startswith("!")}
    assert not taken & {".git", "tests", "bench", "var", ".venv", ".env", "Makefile"}
    assert _is_in_the_context("dashboard/wsgi.py")
    assert not _is_in_the_context("dashboard/simulator/__main__.py")
    copied = {name for step in steps("COPY") for name in step.split()[:-1]}
    assert not copied & {".", "./", ".git", "tests", "bench"}


def test_nothing_runs_as_root_and_no_key_is_in_the_image() -> None:
    assert steps("USER") == ["fieldwatch"]
    words = shlex.split(" ".join(steps("ENV")))
    assert not [word for word in words if "KEY" in word or "PASSWORD" in word or "TOKEN" in word]


def test_compose_names_every_process_and_asks_for_every_secret() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "redis", "migrate", "web", "worker", "beat", "tools"}
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == (
            "service_completed_successfully"
        )
        assert services[name]["env_file"] == [".env"]  # any other setting
        given = services[name]["environment"]
        wanted = ("SECRET_KEY", "ENCRYPTION_KEYS", "FIELDWATCH_URL", "TRUSTED_PROXIES", "EMAIL_URL")
        assert all(":?" in given[key] for key in wanted)
