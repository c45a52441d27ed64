"""One simulated exchange a module, in a thread; tests that break it start their own."""

from collections.abc import Iterator

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Two projects of 36 groups with four days behind them; the field's clock stands still."""
    with Simulator(projects=2, groups=36, history_days=4, speed=0) as running:
        yield running


@pytest.fixture(scope="module")
def caller(simulator: Simulator) -> Caller:
    """Asks the module's exchange and checks everything against the contract."""
    return Caller(simulator)
