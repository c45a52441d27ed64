"""What would run, unpack or show text of others as code is nowhere in the product."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = sorted((ROOT / "dashboard").rglob("*.py"))
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
UNSAFE_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "yaml",
    "xml",
    "lxml",
    "jinja2",
    "ldap",
    "telnetlib",
}
SHELL = {"system", "popen", "getoutput", "getstatusoutput"}
TRUSTED = {"mark_safe", "SafeString", "Template", "from_string"}
# Rows and documents of our own, rendered from templates that escape.
MAY_TRUST = {"dashboard/web/help/markdown.py", "dashboard/web/tables/grouping.py"}
IN_SCRIPTS = re.compile(
    r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function|"
    r"__proto__|\.prototype\b|\.constructor\b|setTimeout\([\"']|"
    r"addEventListener\(\"message\"(?!, \(\) =>)"
)


def dangers(tree: ast.AST) -> Iterator[str]:
    """What a module of the product may not do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and "hazmat.primitives.ciphers" in (node.module or ""):
            yield "ciphers"  # Fernet chooses cipher, mode and padding
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name for name in modules if name.split(".")[0] in UNSAFE_MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in RUNS_TEXT | TRUSTED:
            yield called.id
        if isinstance(called, ast.Attribute) and called.attr in SHELL | {"from_string"}:
            yield called.attr
        yield from ("shell" for word in node.keywords if word.arg == "shell")


def test_no_module_runs_or_unpacks_text() -> None:
    wrong = {}
    for path in PRODUCT:
        name = str(path.relative_to(ROOT))
        seen = set(dangers(ast.parse(path.read_text())))
        if seen := seen - (TRUSTED if name in MAY_TRUST else set()):
            wrong[name] = seen
    assert len(PRODUCT) > 300
    assert wrong == {}


@pytest.mark.parametrize(
    ("code", "danger"),
    [
        ("eval(text)", "eval"),
        ("import pickle", "pickle"),
        ("from xml.etree import ElementTree", "xml.etree"),
        ("subprocess.run(text, shell=True)", "shell"),
        ("os.system(text)", "system"),
        ("from cryptography.hazmat.primitives.ciphers import modes", "ciphers"),
        ("mark_safe(text)", "mark_safe"),
        ("engine.from_string(text)", "from_string"),
    ],
)
def test_what_is_looked_for_is_seen(code: str, danger: str) -> None:
    assert danger in set(dangers(ast.parse(code)))


def test_templates_escape_everything_but_the_text_of_emails() -> None:
    for path in (ROOT / "templates").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "|safe" not in text, path
            assert "autoescape off" not in text or path.suffix == ".txt", path
            assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", text), path
            assert not re.search(r"\son[a-z]+=\"", text), path


def test_scripts_put_text_into_pages_as_text() -> None:
    scripts = sorted((ROOT / "static" / "js").glob("*.js"))
    assert len(scripts) > 10
    for path in scripts:
        assert IN_SCRIPTS.findall(path.read_text()) == [], path.name
    assert IN_SCRIPTS.search("row.innerHTML = name")
