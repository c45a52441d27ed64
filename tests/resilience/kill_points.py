"""The steps of a cycle at which a process is killed, and what is held afterwards."""

from __future__ import annotations

import random
import signal
import time
from typing import NamedTuple

from tests.resilience import invariants
from tests.resilience.environment import LEASE_SECONDS, Stand
from tests.resilience.servers import wait_for

UNREACHED_AFTER_SECONDS = 120.0  # real ones, of a machine with other work


class Step(NamedTuple):
    """Where a process dies: at the nth statement, request or publication with these words."""

    name: str
    kind: str
    words: str
    when: str = "before"
    nth: int = 1


_PROJECT = 'UPDATE "fielding_project" SET '
_ACCOUNT = 'UPDATE "fielding_exchangeaccount" SET '
WORKER = (
    Step("the hint is noted, not yet published", "publish", "pull_project"),
    Step("the hint is published", "publish", "pull_project", "after"),
    Step("before the account is claimed", "sql", _ACCOUNT + '.*"attempts" = \\('),
    Step("the account is claimed", "http", "/projects\\?"),
    Step("the list of projects is read", "http", "/projects\\?", "after"),
    Step("the account's round is not yet on record", "sql", _ACCOUNT + '.*"version"'),
    Step("the account is written, its round is not", "sql", 'INTO "fielding_cycle"'),
    Step("before the project is claimed", "sql", _PROJECT + '.*"attempts" = \\('),
    Step("the project is claimed", "http", "/target-groups\\?"),
    Step("the list of groups is read", "http", "/target-groups\\?", "after"),
    Step("some groups are asked", "http", "/performance", "after", 3),
    Step("everything is asked, nothing written", "sql", _PROJECT + '"leased_until"'),
    Step("days are not yet written", "sql", 'INTO "fielding_completesday"'),
    Step("days are written, changes are not", "sql", 'INTO "fielding_change"'),
    Step("changes are written, groups are not", "sql", 'INTO "fielding_change"', "after"),
    Step("groups are written, readings are not", "sql", 'INTO "fielding_reading"'),
    Step("all is written, nothing committed", "sql", 'INTO "fielding_reading"', "after"),
    Step("all is committed, the round has no end", "sql", _PROJECT + '.*"read_at"'),
    Step("the project is free, its round not on record", "sql", 'INTO "fielding_cycle"', nth=2),
    Step("the round is written, not committed", "sql", 'INTO "fielding_cycle"', "after", 2),
    Step("the round is done, nothing is judged", "sql", 'FROM "fielding_incident"'),
    Step("an incident is not yet written", "sql", 'INTO "fielding_incident"'),
    Step("an incident is written, nobody is told", "sql", 'INTO "fielding_notice"'),
)
BEAT = (
    Step("beat has not yet waked", "publish", "wake"),
    Step("beat has waked", "publish", "wake", "after"),
)


def change(stand: Stand, seed: int) -> None:
    """Some hours of field: counts, a name, a pause by the exchange; all of it is due."""
    chance = random.Random(seed)  # noqa: S311
    hours = chance.randint(2, 4)
    stand.simulator.advance(hours=hours)
    live = stand.simulator.groups(status="live")
    for group in chance.sample(live, 2):
        stand.simulator.force(group["id"], "completes", add=3)
        stand.simulator.force(group["id"], "log", changes=[{"object": "target_group_name_change"}])
    if len(live) > 4:
        stand.simulator.force(live[-1]["id"], "pause", reason_code="low_epc")
    paused = stand.simulator.groups(status="paused")
    if len(live) < 8 and paused:
        stand.simulator.force(paused[0]["id"], "status", status="live")
    stand.pass_time(3600 * hours)


def end_of(stand: Stand, worker: int) -> int | None:
    """How a worker ends that is waked as beat does: a hint may go to one that just died."""
    until = time.monotonic() + UNREACHED_AFTER_SECONDS
    while time.monotonic() < until:
        stand.wake()
        if (ended := stand.wait(worker, 1)) is not None:
            return ended
    return None


def given_up(stand: Stand, worker: int) -> bool:
    """Whether a project says why it is not read, or the worker ended; wakes it as beat does."""
    stand.wake()
    ended = stand.wait(worker, 0.5) is not None
    return ended or bool(stand.one("SELECT error FROM fielding_project"))


def kill_worker(stand: Stand, step: Step, seed: int = 0) -> list[str]:
    """Kill a worker at a step, let another go on after the lease; what is wrong then."""
    change(stand, seed)
    worker = stand.worker()
    stand.control(step._asdict())
    ended = end_of(stand, worker)
    stand.control()
    if ended != -signal.SIGKILL:
        if ended is None:
            stand.kill(worker)
        return [f"{step.name}: it was never reached ({ended}; {stand.said('worker')[-500:]})"]
    wrong = invariants.halves(stand)
    stand.pass_time(LEASE_SECONDS)
    if leases := stand.leases():
        wrong.append(f"{leases} leases are held {LEASE_SECONDS:.0f} s after their worker died")
    worker = stand.worker()
    stand.drain()
    stand.kill(worker)
    wrong += invariants.halves(stand) + invariants.doubles(stand) + invariants.losses(stand)
    return [f"{step.name}: {one}" for one in wrong]


def kill_beat(stand: Stand, step: Step, seed: int = 0) -> list[str]:
    """Kill a beat at a step, let another go on; what is wrong then."""
    change(stand, seed)
    worker = stand.worker()
    beat = stand.beat()
    stand.control(step._asdict())
    ended = stand.wait(beat, UNREACHED_AFTER_SECONDS)
    stand.control()
    wrong = [] if ended == -signal.SIGKILL else [f"it was never reached ({ended})"]
    beat = stand.beat()
    wait_for(lambda: not stand.due(), of="the work is done")
    for process in (beat, worker):
        stand.kill(process)
    wrong += invariants.halves(stand) + invariants.doubles(stand) + invariants.losses(stand)
    return [f"{step.name}: {one}" for one in wrong]
