"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

from dashboard.fielding.figures.definitions import FIGURES

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "docs" / "faults.md"
THREATS = ROOT / "docs" / "threats.md"


def script(name: str) -> ModuleType:
    """Return a script of the folder of documents as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def settings_page() -> ModuleType:
    return script("settings")


def test_the_glossary_is_made_from_the_terms_of_the_pages() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text() == script("glossary").glossary()


def test_the_table_of_figures_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / "figures.md").read_text() == script("figures").figures()


def test_the_operations_of_the_api_are_made_from_the_code() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == script("openapi").page_with_operations()


def test_the_function_of_a_figure_exists() -> None:
    for figure in FIGURES:
        assert pkgutil.resolve_name(figure.function) is not None, figure.name


def test_a_figure_has_one_entry() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(names) == len(set(names))


def test_the_table_of_settings_is_made_from_the_settings(settings_page: ModuleType) -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page.table(), "run `make docs`"


def test_every_variable_is_described(settings_page: ModuleType) -> None:
    assert [name for name, words, _ in settings_page.variables() if not words] == []


def test_the_tests_that_the_threats_name_are_there() -> None:
    threats, _, attacks = THREATS.read_text().partition("\n## ")
    rows = re.findall(r"^\| (?!threat|---)(.*) \|$", threats, flags=re.M)
    assert len(rows) > 20
    for row in rows:
        numbers = r"\| \d+\.\d+\.\d+(, \d+\.\d+\.\d+)*$"
        assert re.search(numbers, row), f"no requirement of the standard: {row}"
        assert _tests(row), f"no test: {row}"
    tried = re.findall(r"^\| .* \| (\d+) \| (\d+) \| (.*) \|$", attacks, flags=re.M)
    assert sum(int(number) for number, _, _ in tried) >= 60
    for number, held, mended in tried:
        assert number == held or _tests(mended) or "Known limits" in mended, mended


def _tests(text: str) -> list[tuple[str, str]]:
    """The tests that a row names, each of which must be there."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file} has no {test}"
    return named


def test_every_fault_has_its_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", FAULTS.read_text(), flags=re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 41))
    for number, tests in rows:
        assert _tests(tests), f"fault {number} has no test"
