"""`python docs/settings.py`: the table of settings, made from the code itself.

A variable is described by the `#:` lines above the statement that reads it; its kind says what it
takes; its default is the one in the code, unless the description says it in words.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dashboard import settings  # noqa: E402

SOURCE = ROOT / "dashboard" / "settings" / "__init__.py"
TABLE = ROOT / "docs" / "settings.md"
HEAD = """# Settings

Every variable that Fieldwatch reads; `make docs` writes this table from `dashboard/settings/`. With
an invalid value Fieldwatch does not start, and says what the variable takes.

| variable | what it is for | what it takes | default |
|---|---|---|---|
"""


def variables() -> Iterator[tuple[str, str, str]]:
    """Name, description and default of each variable, in the order of the file."""
    text = SOURCE.read_text()
    lines, seen = text.splitlines(), set()
    for statement in ast.walk(ast.parse(text)):
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        for call in (one for one in ast.walk(statement) if isinstance(one, ast.Call)):
            reader = call.func
            if isinstance(reader, ast.Attribute) and ast.unparse(reader.value) == "env":
                name = str(ast.literal_eval(call.args[0]))
                if name not in seen:
                    seen.add(name)
                    words, default = _described(lines, statement.lineno)
                    yield name, words, default or _default(call)


def _described(lines: list[str], lineno: int) -> tuple[str, str]:
    """What the `#:` lines above say, and the default where they name one."""
    above = []
    for line in reversed(lines[: lineno - 1]):
        if not line.strip().startswith("#: "):
            break
        above.append(line.strip().removeprefix("#: "))
    words = " ".join(reversed(above))
    named = re.search(r"\s*\(default: (.*)\)$", words)
    return (words[: named.start()], named[1]) if named else (words, "")


def _default(call: ast.Call) -> str:
    value = ast.literal_eval(call.args[2])  # of `read_if_set` the words say it
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{','.join(value) if isinstance(value, list) else value}`"


def _escape(words: str) -> str:
    return words.replace("<", "&lt;").replace(">", "&gt;").replace("*", "`*`")


def table() -> str:
    """The page."""
    rows = (
        f"| `{name}` | {words} | {_escape(settings.env.kinds[name].takes)} | {default} |\n"
        for name, words, default in variables()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    TABLE.write_text(table())
