"""Faults 14 to 16: processes that die, come twice, or die of their work."""

from __future__ import annotations

import signal

import pytest

from tests.resilience import invariants, kill_points
from tests.resilience.environment import LEASE_SECONDS, Stand
from tests.resilience.kill_points import Step
from tests.resilience.servers import wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("step", kill_points.WORKER, ids=lambda step: step.name)
def test_a_worker_killed_at_any_step_leaves_nothing_by_halves_lost_or_twice(
    stand: Stand, step: Step
) -> None:
    assert kill_points.kill_worker(stand, step) == []


@pytest.mark.parametrize("step", kill_points.BEAT, ids=lambda step: step.name)
def test_a_beat_killed_at_any_step_is_followed_by_the_next(stand: Stand, step: Step) -> None:
    assert kill_points.kill_beat(stand, step) == []


def test_two_beats_two_workers_and_many_hints_make_one_round(stand: Stand) -> None:
    kill_points.change(stand, seed=1)
    before = stand.cycles(), stand.cycles("project_id IS NULL")
    stand.simulator.fault("slow", operation="get_list_target_groups", value="0.4")
    for _ in range(2):
        stand.worker()
    project = stand.one("SELECT id FROM fielding_project")
    for _ in range(10):
        stand.wake("pull_project", project)
        stand.wake("pull_account", 1)
    beats = [stand.beat("one"), stand.beat("two")]
    wait_for(lambda: not stand.due(), of="the round is done")
    wait_for(lambda: not stand.redis.client.llen(stand.queue), of="every hint was taken")
    stand.simulator.clear_faults()
    assert stand.wait(beats[0], 0) is None
    assert stand.wait(beats[1], 0) is None
    assert (stand.cycles(), stand.cycles("project_id IS NULL")) == (before[0] + 1, before[1] + 1)
    assert invariants.losses(stand) == []


def test_work_that_kills_its_worker_is_set_aside_after_three_deliveries(stand: Stand) -> None:
    kill_points.change(stand, seed=2)
    deadly = Step("reading the groups is deadly", "http", "/target-groups\\?", "after")._asdict()
    before = stand.cycles()
    for _ in range(3):
        worker = stand.worker()
        stand.control(deadly)
        assert kill_points.end_of(stand, worker) == -signal.SIGKILL
        stand.control()
        stand.pass_time(LEASE_SECONDS)
    worker = stand.worker()
    stand.control(deadly)
    wait_for(lambda: kill_points.given_up(stand, worker), of="the work is set aside")
    assert stand.wait(worker, 0) is None, "the worker of the fourth delivery lives"
    assert "3 times" in stand.one("SELECT error FROM fielding_project")
    assert stand.cycles() == before + 1, "the end of it is on record"
    assert not stand.due()
    stand.control()
    stand.pass_time(3700)
    stand.drain()
    assert stand.one("SELECT error FROM fielding_project") == ""
    assert invariants.losses(stand) == []
