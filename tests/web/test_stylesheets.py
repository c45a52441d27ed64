"""One rule for one thing: no selector sets a property twice, and no class is styled for nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django_htmx
import pytest

ROOT = Path(__file__).parents[2]
SHEETS = sorted((ROOT / "static/css").glob("*.css"))
# Where classes are used: by ourselves, and by the two libraries that bring theirs.
OURS = [("templates", "*.html"), ("static/js", "*.js"), ("dashboard", "*.py")]
THEIRS = [
    ROOT / "static/plotly/plotly-basic.min.js",
    Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js",
]
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
WORD = re.compile(r"[\w-]+")
Declared = tuple[str, str, str, str]  # condition, selector, property, value


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """The parts of a text between separators, but for those inside brackets or strings."""
    parts = re.findall(rf'(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|"[^"]*"|[^{separator}("])+', text)
    return [part.strip() for part in parts if part.strip()]


def read_declarations(css: str, condition: str = "") -> Iterator[Declared]:
    """Each property that a stylesheet sets, by selector and by what it sets it on condition of."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    while css.strip():
        head, _, rest = css.partition("{")
        depth, end = 1, 0
        while depth:
            depth += {"{": 1, "}": -1}.get(rest[end], 0)
            end += 1
        body, css = rest[: end - 1], rest[end:]
        head = " ".join(head.split())
        if "{" in body:
            yield from read_declarations(body, head)
            continue
        for selector in split_outside_brackets(head, ","):
            for declaration in split_outside_brackets(body, ";"):
                name, _, value = declaration.partition(":")
                yield condition, selector, name.strip(), value.strip()


DECLARED = {sheet.name: list(read_declarations(sheet.read_text())) for sheet in SHEETS}


def test_a_stylesheet_is_read_as_browsers_read_it() -> None:
    css = (
        'a, b:is(c, d) { x: 1; y: url(";") } /* { */ @media print { a { x: 2 } } :root { --z: 3; }'
    )
    assert list(read_declarations(css)) == [
        ("", "a", "x", "1"),
        ("", "a", "y", 'url(";")'),
        ("", "b:is(c, d)", "x", "1"),
        ("", "b:is(c, d)", "y", 'url(";")'),
        ("@media print", "a", "x", "2"),
        ("", ":root", "--z", "3"),
    ]


@pytest.mark.parametrize("sheet", DECLARED)
def test_no_selector_sets_a_property_twice_under_one_condition(sheet: str) -> None:
    times = Counter(declared[:3] for declared in DECLARED[sheet])
    assert [where for where, count in times.items() if count > 1] == []


@pytest.mark.parametrize("sheet", DECLARED)
def test_only_what_is_hidden_and_paper_need_the_last_word(sheet: str) -> None:
    important = {d[:2] for d in DECLARED[sheet] if d[3].endswith("!important")}
    assert {where for where in important if where[0] != "@media print"} <= {("", "[hidden]")}


def test_every_class_in_a_stylesheet_is_used() -> None:
    texts = [path.read_text() for folder, kind in OURS for path in (ROOT / folder).rglob(kind)]
    used = set(WORD.findall("\n".join(texts + [path.read_text() for path in THEIRS])))
    styled = {
        name
        for declarations in DECLARED.values()
        for _condition, selector, *_ in declarations
        for name in CLASS.findall(re.sub(r'"[^"]*"', "", selector))
    }
    assert len(styled) > 150
    assert styled - used == set()
