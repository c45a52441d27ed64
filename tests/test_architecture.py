"""The house: which room may use which, and which layer inside a room, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent / "dashboard"

# room → what it may import of dashboard; an entry with a dot is that module alone.
ARROWS: dict[str, set[str]] = {
    "network": set(),
    "exchange": {"network"},
    "simulator": set(),
    "fielding": set(),
    "sync": {"exchange", "fielding", "logs"},
    "alerts": {"fielding", "network"},
    "web": {"fielding", "sync", "alerts", "exchange.errors", "network.tls", "logs"},
    "management": {"sync", "exchange", "alerts", "fielding", "web.apps", "celery"},
    "tasks": {"sync", "alerts", "fielding", "celery", "logs"},
    "celery": set(),
    "settings": {"logs"},
    "logs": set(),
    "urls": {"web"},
    "wsgi": {"web.http.prerender"},
    "__init__": set(),
}


# Inside a room: a part may use those in the lines after its own, and none beside it.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "network": (
        ("proxies",),
        ("backends",),
        ("streams", "dns", "tls", "allowed_places"),
    ),
    "exchange": (
        ("client",),
        ("operations",),
        ("http",),
        ("auth", "limits", "pagination"),
        ("decode",),
        ("drift",),
        ("shapes", "repair", "sendable", "webhook_signature", "errors", "clock"),
        ("json_types",),
    ),
    "fielding": (
        ("advice",),
        ("figures",),
        ("insight", "setup"),
        ("forecast", "effects", "queries", "people"),
        ("audit", "erasure"),
        ("series", "models"),
        ("compiled_queries", "domain", "postgresql", "apps"),
    ),
    "sync": (
        ("retention",),
        ("pull", "batches", "lookup", "webhooks"),
        ("edits",),
        ("connections",),
        ("columns", "scheduling"),
    ),
    "alerts": (
        ("channels",),
        ("replay", "mail"),
        ("incidents",),
        ("items",),
        ("recipients",),
        ("rules",),
        ("heartbeat",),
        ("downtime",),
        ("text", "certificates"),
    ),
    "web": (
        ("views",),
        ("batches", "sharing", "api"),
        ("drafts", "alerts"),
        ("groups",),
        ("home",),
        ("edits", "reports"),
        ("tables", "projects"),
        ("charts", "connections", "http"),
        ("auth", "templatetags", "help"),
        ("monitoring",),
        ("formatting", "apps"),
    ),
    "simulator": (
        ("__main__",),
        ("harness",),
        ("server",),
        ("operations",),
        ("api",),
        ("world",),
        ("catalogue",),
    ),
}
MOST_MODULES = 12  # beside one another; more is a question which of them belong together
CROWDED = {"web/views"}  # one module a page, and nothing else
MOST_ONE_WORD = 0.20  # of the public functions of a module: a search for one word finds all others


def room_of(path: Path) -> str:
    """The first folder below dashboard/, or the file's own name."""
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def sources() -> Iterator[Path]:
    """Every source file of the product except generated migrations."""
    for path in sorted(HOUSE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a source file."""
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, at the top or inside a function."""
    return tuple(_imported(parsed(path)))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Every statement below a node. Imports are statements: no expression need be walked."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for below in getattr(node, block, ()):
            if isinstance(below, ast.stmt):
                yield below
            yield from _statements(below)


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in _statements(tree):
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


def test_arrows_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(HOUSE)} may not import {name}"
        for path in sources()
        for name in imports(path)
        if name.startswith("dashboard.") and not allowed(room_of(path), name)
    ]
    assert wrong == []


def test_no_view_imports_a_view() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in (HOUSE / "web" / "views").glob("*.py")
        for name in imports(path)
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


def part_of(module: str) -> str:
    """The part of its room that a module is in: `edits` of `dashboard.sync.edits.send`."""
    steps = module.split(".")
    return steps[2] if len(steps) > 2 else ""


MODULES = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sources()
}


def used_by(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, also where it only imports a name of it."""
    for name in imports(path):
        if name in MODULES:
            yield name
        elif name.rpartition(".")[0] in MODULES:
            yield name.rpartition(".")[0]


@pytest.mark.parametrize("room", LAYERS)
def test_every_part_of_a_room_has_its_layer(room: str) -> None:
    parts = {part_of(module) for module in MODULES if module.startswith(f"dashboard.{room}.")}
    assert {part for layer in LAYERS[room] for part in layer} == parts


@pytest.mark.parametrize("room", LAYERS)
def test_the_layers_inside_a_room_go_one_way(room: str) -> None:
    depth = {part: place for place, layer in enumerate(LAYERS[room]) for part in layer}
    wrong = []
    for module, path in MODULES.items():
        part = part_of(module)
        if not module.startswith(f"dashboard.{room}.") or not part:
            continue
        for used in used_by(path):
            other = part_of(used)
            inside = used.startswith(f"dashboard.{room}.") and other and other != part
            if inside and depth[other] <= depth[part]:
                wrong.append(f"{module} uses {used}")
    assert wrong == []


def test_no_folder_is_crowded() -> None:
    folders: dict[str, int] = {}
    for path in MODULES.values():
        if path.name != "__init__.py":
            folder = str(path.parent.relative_to(HOUSE))
            folders[folder] = folders.get(folder, 0) + 1
    crowded = {folder for folder, count in folders.items() if count > MOST_MODULES}
    assert crowded == CROWDED


def test_public_functions_say_what_they_do() -> None:
    names = [
        node.name
        for path in sources()
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    ]
    assert sum("_" not in name for name in names) / len(names) < MOST_ONE_WORD


def test_a_class_name_stands_once() -> None:
    """Not counted: Django's own name for commands, and what is nested in a class."""
    names: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and node.name != "Command":
                names.setdefault(node.name, []).append(module)
    assert {name: where for name, where in names.items() if len(where) > 1} == {}
