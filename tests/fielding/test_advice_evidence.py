"""How completes follow CPI: what measured changes of an account tell of a group."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.fielding.advice.audience import audience_of_group
from dashboard.fielding.advice.evidence import (
    USUAL,
    Elasticity,
    MeasuredChange,
    PriceEvidence,
    PricePoint,
    add_what_if,
    describe_evidence,
    pool_changes,
)
from dashboard.fielding.advice.response_curve import draw_curves, draw_luck

LONG = "over 20 min"


def change(
    slope: float, *, group: str = "1", country: str = "pl", move: float = 0.1, error: float = 0.05
) -> MeasuredChange:
    return MeasuredChange(group, country, LONG, move, slope * move, error)


def changes(slope: float, number: int, *, country: str = "pl") -> list[MeasuredChange]:
    return [change(slope, group=f"{country}-{n}", country=country) for n in range(number)]


def test_without_evidence_the_usual_range_holds_and_price_may_do_nothing() -> None:
    pooled = pool_changes([])
    elasticity = pooled.elasticity("pl", LONG)
    assert elasticity.mean == pytest.approx(USUAL)
    assert pooled.evidence("1", "pl").is_empty
    at_more = draw_curves([elasticity], draw_luck()).multipliers(np.array([np.log(1.2)]))
    assert 0.05 < (at_more == 1.0).mean() < 0.3


def test_many_changes_in_a_country_draw_its_groups_to_them() -> None:
    pooled = pool_changes([*changes(2.0, 60), *changes(0.2, 60, country="de")])
    poland, germany = (pooled.elasticity(country, LONG) for country in ("pl", "de"))
    assert poland.mean == pytest.approx(2.0, abs=0.35)
    assert germany.mean == pytest.approx(0.2, abs=0.35)
    assert poland.sd < pool_changes([]).elasticity("pl", LONG).sd / 2


def test_a_country_without_changes_leans_on_the_account() -> None:
    pooled = pool_changes([*changes(2.0, 40), *changes(1.8, 40, country="de")])
    other = pooled.elasticity("fr", LONG)
    assert USUAL < other.mean < 2.0
    assert other.sd > pooled.elasticity("pl", LONG).sd


def test_a_group_s_own_changes_weigh_more_than_those_of_others() -> None:
    own = [change(0.0, group="mine", move=0.4, error=0.02) for _ in range(3)]
    pooled = pool_changes([*changes(2.0, 40), *own])
    mine = pooled.elasticity_of_group("mine", "pl", LONG)
    assert mine.mean < 0.5
    assert pooled.elasticity_of_group("new", "pl", LONG).mean > 1.4
    assert pooled.evidence("mine", "pl") == PriceEvidence(own=3, country=40)


def test_a_small_or_uncertain_change_moves_next_to_nothing() -> None:
    usual = pool_changes([]).elasticity("pl", LONG)
    tiny = pool_changes([change(9.0, move=0.01)])
    vague = pool_changes([change(9.0, error=5.0)])
    assert tiny.elasticity("pl", LONG) == usual
    assert vague.elasticity("pl", LONG).mean == pytest.approx(usual.mean, abs=0.02)


def test_a_cut_counts_like_a_raise() -> None:
    raised, cut = (pool_changes([change(1.5, move=move)] * 5) for move in (0.2, -0.2))
    assert raised.elasticity("pl", LONG).mean == pytest.approx(cut.elasticity("pl", LONG).mean)


def test_the_exchange_s_estimate_draws_an_elasticity_but_never_settles_it() -> None:
    known = Elasticity(0.8, 0.8)
    steep = [PricePoint(cpi, 80 * cpi**2, 125 * cpi**2) for cpi in (1.0, 1.05, 1.25)]
    combined = add_what_if(known, steep)
    assert 1.3 < combined.mean < 2.0
    assert 0.3 < combined.sd < known.sd


@pytest.mark.parametrize(
    "points",
    [
        [],
        [PricePoint(1.0, 80, 120)],
        [PricePoint(1.0, 80, 120), PricePoint(1.0, 90, 130)],
        [
            PricePoint(1.0, 80, 120),
            PricePoint(0.0, 90, 130),
            PricePoint(1.2, 0, 0),
        ],
    ],
)
def test_an_estimate_of_fewer_than_two_prices_changes_nothing(
    points: list[PricePoint],
) -> None:
    known = Elasticity(0.8, 0.8)
    assert add_what_if(known, points) == known


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (PriceEvidence(), "no evidence yet: the usual range"),
        (PriceEvidence(own=3, country=41), "from 3 changes of this group and 41 in Poland"),
        (PriceEvidence(own=1), "from 1 change of this group"),
        (PriceEvidence(country=2, elsewhere=1200), "from 2 changes in Poland and 1,200 elsewhere"),
        (
            PriceEvidence(own=1, country=2, elsewhere=3, what_if=4),
            "from 1 change of this group, 2 in Poland, 3 elsewhere and Cint's own estimate",
        ),
    ],
)
def test_the_evidence_is_said_in_a_sentence(evidence: PriceEvidence, sentence: str) -> None:
    assert describe_evidence(evidence, "Poland") == sentence


@pytest.mark.parametrize(
    ("minutes", "audience"),
    [(None, ""), (5, "up to 10 min"), (10, "up to 10 min"), (20, "11 to 20 min"), (21, LONG)],
)
def test_an_audience_is_the_band_of_the_expected_loi(minutes: int | None, audience: str) -> None:
    assert audience_of_group(minutes) == audience
