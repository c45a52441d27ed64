"""The house: which room may use which, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent / "dashboard"

# room → what it may import of dashboard; an entry with a dot is that module alone.
ARROWS: dict[str, set[str]] = {
    "exchange": set(),
    "simulator": set(),
    "fielding": set(),
    "sync": {"exchange", "fielding", "logs"},
    "alerts": {"fielding"},
    "web": {"fielding", "sync", "alerts", "exchange.errors", "logs"},
    "management": {"sync", "exchange", "alerts", "fielding", "web.apps", "celery"},
    "tasks": {"sync", "alerts", "fielding", "celery", "logs"},
    "celery": set(),
    "settings": {"logs"},
    "logs": set(),
    "urls": {"web"},
    "wsgi": {"web.http.prerender"},
    "__init__": set(),
}


def room_of(path: Path) -> str:
    """The first folder below dashboard/, or the file's own name."""
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def sources() -> Iterator[Path]:
    """Every source file of the product except generated migrations."""
    for path in sorted(HOUSE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where the arrow goes"
            base = node.module or ""
            yield from (f"{base}.{name.name}" for name in node.names)


def allowed(room: str, module: str) -> bool:
    """Whether this room may import that module of ours."""
    target = module.removeprefix("dashboard.")
    if target.split(".")[0] == room:
        return True
    return any(target == arrow or target.startswith(arrow + ".") for arrow in ARROWS[room])


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(HOUSE)))
def test_arrows_go_one_way(path: Path) -> None:
    ours = [name for name in imports(ast.parse(path.read_text())) if name.startswith("dashboard.")]
    wrong = [name for name in ours if not allowed(room_of(path), name)]
    assert not wrong, f"{path.relative_to(HOUSE)} may not import {wrong}"


def test_no_view_imports_a_view() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in (HOUSE / "web" / "views").glob("*.py")
        for name in imports(ast.parse(path.read_text()))
        if name.startswith("dashboard.web.views.")
    ]
    assert wrong == []


def test_every_room_is_in_the_table() -> None:
    assert {room_of(path) for path in sources()} == set(ARROWS)


def test_only_settings_read_the_environment() -> None:
    readers = [
        str(path.relative_to(HOUSE))
        for path in sources()
        if any(word in path.read_text() for word in ("os.environ.get", "os.getenv", "environ["))
    ]
    # Commands read secrets from the variables that they are told; run hands some on.
    assert set(readers) <= {
        "settings/__init__.py",
        "management/connection_options.py",
        "management/commands/person.py",
        "management/commands/run.py",
        "management/postgresql_tools.py",
    }


def test_what_a_check_of_the_arrows_refuses() -> None:
    assert not allowed("exchange", "dashboard.fielding.models")
    assert not allowed("web", "dashboard.exchange.client")
    assert allowed("web", "dashboard.exchange.errors.Refused")
    assert not allowed("fielding", "dashboard.web.views")
