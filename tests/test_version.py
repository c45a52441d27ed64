"""The release is written once: in `dashboard/__init__.py`."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dashboard

ROOT = Path(__file__).resolve().parent.parent


def test_the_changelog_begins_with_this_release() -> None:
    releases = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(name for name in releases if name != "Unreleased") == dashboard.__version__


def test_the_packaging_reads_the_release_from_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    attribute = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "dashboard.__version__"


@pytest.mark.parametrize(
    "command",
    [["manage.py"], ["manage.py", "run"], ["-m", "dashboard.simulator"]],
    ids=" ".join,
)
def test_commands_print_the_release(command: list[str]) -> None:
    printed = subprocess.run(
        [sys.executable, *command, "--version"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert printed.decode().strip() == dashboard.__version__
