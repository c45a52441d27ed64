"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "docs" / "faults.md"


@pytest.fixture(scope="module")
def settings_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "docs" / "settings.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_settings_is_made_from_the_settings(settings_page: ModuleType) -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page.table(), "run `make docs`"


def test_every_variable_is_described(settings_page: ModuleType) -> None:
    assert [name for name, words, _ in settings_page.variables() if not words] == []


def test_the_tests_that_the_threats_name_are_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs" / "threats.md").read_text()))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_fault_has_its_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", FAULTS.read_text(), flags=re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 41))
    for number, tests in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named, f"fault {number} has no test"
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(), f"{file} has no {test}"
