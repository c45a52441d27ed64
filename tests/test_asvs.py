"""docs/asvs.md has every requirement once, with a state, its tests or its reason."""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "asvs.md").read_text()
THREATS = (ROOT / "docs" / "threats.md").read_text()
STATES = ("met", "not applicable", "open")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = [
    match.groups()
    for match in re.finditer(
        r"^\| (\d+\.\d+\.\d+) \| (\d) \| (.+?) \| ([^|]+) \| (.+) \|$", PAGE, flags=re.M
    )
]


@cache
def levels() -> dict[str, str]:
    """The numbers of the standard and the level of each; level 3 is left out."""
    with (ROOT / "tests" / "asvs_5_0_0.csv").open() as file:
        return {row["number"]: row["level"] for row in csv.DictReader(file)}


@cache
def names_of_tests(file: str) -> set[str]:
    """The tests of a module, by its source."""
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def is_there(file: str, test: str) -> bool:
    return test.startswith("test_") and (ROOT / file).is_file() and test in names_of_tests(file)


def test_every_requirement_of_the_standard_is_on_the_page_once_with_its_level() -> None:
    assert Counter(levels().values()) == {"1": 70, "2": 183}
    assert len(ROWS) == len(re.findall(r"^\| \d+\.\d+\.\d+ ", PAGE, flags=re.M))
    assert {number: level for number, level, *_ in ROWS} == levels()
    assert [number for number, count in Counter(row[0] for row in ROWS).items() if count > 1] == []


def test_every_requirement_has_a_state_and_words_of_ours() -> None:
    for number, _, words, state, _ in ROWS:
        assert state in STATES, number
        assert 1 <= len(words.split()) <= 12, number


def test_what_is_met_names_its_tests_and_what_is_not_a_reason() -> None:
    for number, _, _, state, evidence in ROWS:
        if state == "met":
            assert NAMED.search(evidence), f"{number} names no test"
        else:
            reason = NAMED.sub("", evidence).strip(" ()")
            assert len(reason) >= 6, f"{number} has no reason"
        if state == "open":
            closes = re.search(r"close|need|only the owner", evidence)
            assert closes, f"{number} does not say what closes it"


@pytest.mark.parametrize("page", ["asvs", "threats"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = NAMED.findall((ROOT / "docs" / f"{page}.md").read_text())
    assert len(named) > 100
    assert [f"{file}::{test}" for file, test in named if not is_there(file, test)] == []


def test_what_is_looked_for_is_not_taken_for_there() -> None:
    assert is_there("tests/test_asvs.py", "test_what_is_looked_for_is_not_taken_for_there")
    assert not is_there("tests/test_asvs.py", "test_nothing_of_this_name")
    assert not is_there("tests/test_nothing.py", "test_anything")
    assert not is_there("tests/test_asvs.py", "is_there")


def test_the_counts_are_those_of_the_rows() -> None:
    states = Counter(state for _, _, _, state, _ in ROWS)
    met, absent, still_open = (states[state] for state in STATES)
    assert f"| all {len(ROWS)} | {met} | {absent} | {still_open} |" in PAGE
    told = (
        f"of {len(ROWS)}, {met} are met, each by a test that it names, {absent} do not apply, and"
    )
    assert told in " ".join(THREATS.split())
    assert f"{still_open} are open" in " ".join(THREATS.split())
    for chapter in {number.partition(".")[0] for number in levels()}:
        each = Counter(row[3] for row in ROWS if row[0].startswith(f"{chapter}."))
        counts = " | ".join(str(each[state]) for state in STATES)
        line = rf"^\| \[{chapter} [^|]+ \| {re.escape(counts)} \|$"
        assert re.search(line, PAGE, flags=re.M), chapter


def test_the_threats_name_requirements_of_the_standard() -> None:
    table = THREATS.partition("\n## ")[0]
    rows = re.findall(r"^\| (?!threat|---).* \| ([^|]+) \|$", table, flags=re.M)
    assert len(rows) > 40
    for row in rows:
        assert [number for number in row.split(", ") if number not in levels()] == [], row
