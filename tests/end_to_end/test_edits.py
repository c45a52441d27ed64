"""Edits by several processes at once, on a field that loses answers."""

from __future__ import annotations

import pytest

from bench.faults import edits
from bench.shared.environment import POSTGRESQL, SQLITE, missing
from tests import conftest
from tests.prepared import prepare_environment

pytestmark = pytest.mark.timeout(300)
PEOPLE = 3


def test_no_lost_answer_is_repeated_and_no_crowd_overwrites_anybody() -> None:
    with edits.field(SQLITE, prepare_environment) as (given, simulator):
        lost = edits.lose_answers(given, simulator, answers=8, people=PEOPLE)
        assert lost["lost"] >= 8
        assert (lost["repeats"], lost["open"], lost["false"]) == (0, 0, 0), lost
        simulator.clear_faults()
        crowd = edits.crowd_in(given, simulator, edits=45, people=PEOPLE)
        assert crowd["sent"] >= 2
        assert (crowd["overwrites"], crowd["repeats"]) == (0, 0), str(crowd)


@pytest.mark.services
def test_no_crowd_on_postgresql_overwrites_anybody() -> None:
    if why := missing(POSTGRESQL):
        conftest.missing(why)
    with edits.field(POSTGRESQL, prepare_environment) as (given, simulator):
        crowd = edits.crowd_in(given, simulator, edits=45, people=PEOPLE)
        assert crowd["sent"] >= 2
        assert (crowd["overwrites"], crowd["repeats"]) == (0, 0), str(crowd)
