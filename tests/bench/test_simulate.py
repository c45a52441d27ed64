"""Simulated installations: five hundred seeds hold, and each check sees what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.simulate.stories import tell_stories
from tests import prepared

SEEDS, PART, HOURS = 500, 100, 3.0  # hours of faults in each story


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a new installation."""
    home = tmp_path_factory.mktemp("simulated")
    prepared.prepare_tables(home)
    return home / "fieldwatch.sqlite3"


@pytest.mark.parametrize("first", range(1, SEEDS, PART))
def test_whatever_goes_wrong_the_installation_comes_right(first: int, tables: Path) -> None:
    told = tell_stories(range(first, first + PART), tables, hours=HOURS)
    assert told["wrong"] == []
    assert told["stories"] == PART
    assert min(told["counts"].values()) > 0  # each kind of thing did happen


def test_a_seed_is_the_same_story_in_another_process(tables: Path) -> None:
    first, again = (tell_stories(range(7, 12), tables, hours=HOURS) for _ in range(2))
    assert first["digests"] == again["digests"]
    assert len(set(first["digests"].values())) == 5


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ("writes_twice", "was sent again after it may have been taken"),
        ("drops_mail", "is called sent and never arrived"),
        ("drops_messages", "is called sent and never arrived"),
        ("wrong_completes", "completes, which it never had"),
        ("no_such_group", "is marked as gone and is there"),
    ],
)
def test_a_check_sees_what_no_installation_could_withstand(
    lie: str, sentence: str, tables: Path
) -> None:
    told = tell_stories(range(1, 13), tables, hours=4.0, lie=lie)
    assert any(sentence in line for line in told["wrong"])
