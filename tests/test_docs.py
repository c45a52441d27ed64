"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
