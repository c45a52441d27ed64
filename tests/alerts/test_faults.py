"""A seeded story for each marked step of detecting and delivering; `make soak` tells 1,000."""

from __future__ import annotations

from bench.faults.crash_points import STEPS
from bench.faults.faults import stories
from bench.faults.measured_process import AIMS
from bench.shared.environment import SQLITE


def test_a_worker_killed_at_any_step_loses_nothing_and_repeats_nothing_without_cause() -> None:
    told = stories(SQLITE, range(0, 2 * -(-len(STEPS) // AIMS), 2))
    assert told["never"] == [], "a worker died at each step"
    assert told["mails"] > 0
    assert (told["lost"], told["notices_twice"], told["mails_repeated_without_cause"]) == (0, 0, 0)
