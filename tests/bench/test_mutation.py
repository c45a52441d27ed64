"""The benchmark of mutants, on a product of one module with tests of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.mutation.forks import TIMEOUT
from bench.mutation.mutants import Mutant, draw_mutants, make_mutant, places_in, read_sources
from bench.mutation.mutation import ROOT, TriedMutant, figure_of, read_equivalents, try_mutants
from bench.mutation.reach import Reach, record_rooms

OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:django"]
PRODUCT = '''"""Prices of a shop."""

import logging
from functools import cache

log = logging.getLogger(__name__)
LIMIT = 10
Price = int | None


def is_free(price: int | None) -> bool:
    """Whether a price is nothing: price == 0."""
    log.info("asked %s", price == 0)
    return price == 0


@cache
def is_dear(price: int) -> bool:
    """Whether a price is above the limit."""
    return price > LIMIT


def is_cheap(price: int) -> bool:
    """Whether a price is far below the limit."""
    return price < 5


def in_halves(price: int) -> int:
    """How often two goes into a price: it ends after its last round."""
    rounds = 0
    while price > 1:
        price, rounds = price // 2, rounds + 1
    return rounds


def is_odd(price: int) -> bool:
    """No test asks this."""
    return price % 2 == 1
'''
TESTS = """import os

from dashboard.prices import LIMIT, in_halves, is_cheap, is_dear, is_free


def test_nothing_is_free():
    assert is_free(0) and not is_free(1) and not is_free(-1)


def test_much_is_dear():
    assert is_dear(11) and not is_dear(9)


def test_the_limit_is_ten():
    assert LIMIT == 10


def test_the_same_in_each_process(pid=os.getpid()):
    assert is_cheap(1) and os.getpid() == pid


def test_halves():
    assert in_halves(4)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product of one module, and a room of tests."""
    root = tmp_path_factory.mktemp("shop")
    for path, text in {
        "dashboard/__init__.py": "",
        "dashboard/prices.py": PRODUCT,
        "tests/prices/test_prices.py": TESTS,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture(scope="module")
def reach(shop: Path) -> Reach:
    """Which test begins which statement of the product."""
    recording = record_rooms(
        shop, ["tests/prices"], sources=["dashboard"], kept=shop / "kept", options=OPTIONS
    )
    return Reach(recording, read_sources(shop, ["dashboard"]))


def mutants_of(reach: Reach) -> list[Mutant]:
    """All changes of the product."""
    return [
        mutant
        for path, source in reach.sources.items()
        for place in places_in(path, source)
        for change in place.changes
        if (mutant := make_mutant(place, source, change))
    ]


def tried(shop: Path, reach: Reach, *after: str, patience: float = 60) -> dict[str, TriedMutant]:
    """What became of the changes that leave these lines."""
    chosen = [mutant for mutant in mutants_of(reach) if mutant.after in after]
    assert len(chosen) == len(after)
    outcomes = try_mutants(shop, chosen, reach, first=[], options=OPTIONS, patience=patience)
    return {outcome.mutant.after: outcome for outcome in outcomes}


def test_changes_of_types_texts_logs_and_caches_are_not_made(reach: Reach) -> None:
    changed = {mutant.before for mutant in mutants_of(reach)}
    assert changed == {
        "LIMIT = 10",
        "return price == 0",
        "return price > LIMIT",
        "return price < 5",
        "while price > 1:",
        "price, rounds = price // 2, rounds + 1",
        "rounds = 0",
        "return price % 2 == 1",
    }


def test_a_seed_draws_the_same_places_again_and_none_twice(reach: Reach) -> None:
    drawn = draw_mutants(reach.sources, seed=5, count=6)
    assert drawn == draw_mutants(reach.sources, seed=5, count=6)
    assert drawn != draw_mutants(reach.sources, seed=6, count=6)
    every = draw_mutants(reach.sources, seed=5, count=1000)
    assert every[:6] == drawn
    places = [place for item in reach.sources.items() for place in places_in(*item)]
    assert len(every) == len(places) == 18


def test_a_mutant_is_killed_by_a_test_that_notices_it_and_survives_where_none_does(
    shop: Path, reach: Reach, capsys: pytest.CaptureFixture[str]
) -> None:
    room = "tests/prices/test_prices.py"
    outcomes = tried(
        shop,
        reach,
        "return price != 0",
        "return price < LIMIT",  # behind a cache
        "LIMIT = 11",  # seen where the module is imported
        "return price % 2 != 1",  # no test asks
        "price, rounds = price // 2, rounds + 2",  # a test asks, but not for the number
        "return price <= 5",  # fails a test that fails without it too
    )
    assert outcomes["return price != 0"].killed_by == f"{room}::test_nothing_is_free"
    assert outcomes["return price < LIMIT"].killed_by == f"{room}::test_much_is_dear"
    assert outcomes["LIMIT = 11"].killed_by.startswith(room)
    survivors = [outcome for outcome in outcomes.values() if not outcome.killed_by]
    assert [(outcome.mutant.after, outcome.tests) for outcome in survivors] == [
        ("return price <= 5", 1),
        ("price, rounds = price // 2, rounds + 2", 1),
        ("return price % 2 != 1", 0),
    ]
    assert f"left out: {room}::test_the_same_in_each_process" in capsys.readouterr().err


def test_a_mutant_that_never_ends_is_killed(shop: Path, reach: Reach) -> None:
    endless = "price, rounds = price // 1, rounds + 1"
    assert tried(shop, reach, endless, patience=2)[endless].killed_by == TIMEOUT


def test_the_figure_is_the_share_of_killed_and_names_survivors_with_their_reasons(
    reach: Reach, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = draw_mutants(reach.sources, seed=1, count=10)
    outcomes = [TriedMutant(mutant, "a test" if mutant in drawn[:8] else "", 3) for mutant in drawn]
    known = {(drawn[8].path, drawn[8].before, drawn[8].after): "nobody can tell"}
    assert str(figure_of(1, outcomes, known)) == (
        "mutants_killed_share=0.8 goal=>=0.9 short (8 of 10, seed 1; 1 survivors are equivalent)"
    )
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"seed 1: {drawn[8]} (equivalent: nobody can tell)",
        f"seed 1: {drawn[9]} (survived 3 tests)",
    ]


def test_every_reason_belongs_to_a_change_that_can_still_be_made() -> None:
    known = read_equivalents()
    for path, before, after in known:
        lines = [line.strip() for line in (ROOT / path).read_text().splitlines()]
        assert before in lines, f"{path} has no such line: {before}"
        assert after not in lines, after
