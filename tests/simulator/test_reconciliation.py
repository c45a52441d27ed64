"""Which completes of the simulated exchange can still be reconciled."""

from collections.abc import Iterator

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller

PATH = "/demand/accounts/101/reconciliations/eligible-target-groups"


@pytest.fixture
def running() -> Iterator[Simulator]:
    """An exchange of the test's own, whose clock stands still."""
    with Simulator(groups=36, history_days=4, speed=0) as simulator:
        yield simulator


def test_both_months_together_have_no_complete_twice(caller: Caller) -> None:
    counts: dict[str, int] = {}
    for due in ("current_month", "next_month"):
        page = caller.get(PATH, due_month=due, page_size=100)
        assert page["summary"]["target_group_count"] == str(len(page["target_groups"]))
        for row in page["target_groups"]:
            group = row["target_group_id"]
            counts[group] = counts.get(group, 0) + int(row["eligible_completes"])
    assert counts
    for group_id, eligible in counts.items():
        overview = caller.get(f"/demand/target-groups/{group_id}/overview")
        assert 0 < eligible <= overview["progress"]["current_completes"]


def test_pages_and_filters_narrow_the_list(caller: Caller) -> None:
    rows = caller.get(PATH, due_month="next_month", page_size=100)["target_groups"]
    rows += caller.get(PATH, page_size=100)["target_groups"]
    status = rows[0]["status"]
    same = caller.get(PATH, due_month="next_month", page_size=100, status=status)["target_groups"]
    assert {row["status"] for row in same} <= {status}
    caller.get(PATH, due_month="last_month", expect=400)


def test_a_switch_takes_reconciliation_from_every_account(running: Simulator) -> None:
    running.control("POST", "switches", {"reconciliation": 403})
    Caller(running).get(PATH, expect=403)
