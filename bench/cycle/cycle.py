"""What a round over a thousand and over ten thousand groups costs, beside a bare client that asks
the same and beside naive code; what idle groups cost; on SQLite and on PostgreSQL.

Counted is CPU: of the worker's process, and of the database's processes that serve it. Half an
hour of rounds five minutes apart is measured, each beside the bare client in turn.
"""

import statistics
from collections.abc import Iterator
from typing import Any

from bench.shared.canned_exchange import canned
from bench.shared.environment import ENGINES, missing, run, stage
from bench.shared.figure import Figure, skipped

HALF_AN_HOUR = 6  # rounds
GOALS = {
    "cycle_cpu_vs_bare_10_percent": "<=2.9",
    "cycle_cpu_vs_bare_100_percent": "<=1.9",
    "cycle_cpu_vs_naive": "<=0.02",
    "detect_cpu_share": "<=0.15",
    "requests_per_100_idle_groups": "<=1.1",
    "data_rows_written_when_nothing_changed": "<=0",
    "bookkeeping_writes_per_project_task": "<=3",
    "cycle_10k_cpu_seconds": ">0",
    "cycle_10k_memory_mb": "<=200",
    "cycle_10k_cpu_over_1k": "<=11",
}
BOOKS = ("project", "cycle", "heartbeat")


def figures() -> list[Figure]:
    """Every figure of a round, on each database."""
    return [figure for engine in ENGINES for figure in _on(engine)]


def _on(engine: str) -> Iterator[Figure]:
    if reason := missing(engine):
        yield from (skipped(f"{name}_{engine}", goal, reason) for name, goal in GOALS.items())
        return
    values, notes = _measure(engine)
    for name, goal in GOALS.items():
        kind, bound = goal.rstrip("0123456789."), float(goal.lstrip("<>="))
        ok = values[name] <= bound if kind == "<=" else values[name] > bound
        yield Figure(f"{name}_{engine}", values[name], goal, ok, notes.get(name, ""))


def _measure(engine: str) -> tuple[dict[str, float], dict[str, str]]:
    values: dict[str, float] = {}
    notes: dict[str, str] = {}
    with canned() as exchange, stage(engine) as given:
        run("bench.shared.seed_tables:fill", given, exchange.base_url, 10)
        early = run(
            "bench.cycle.measured_process:rounds", given, exchange.root, 10, _hour(0), False
        )
        for number, share in enumerate((10, 100), 1):
            hour = run(
                "bench.cycle.measured_process:rounds", given, exchange.root, share, _hour(number)
            )
            ours, bare, asked = (_mean(hour, name) for name in ("ours", "bare", "requests"))
            name = f"cycle_cpu_vs_bare_{share}_percent"
            values[name] = ours / bare
            notes[name] = f"{ours * 1e3:.0f} ms beside {bare * 1e3:.0f} ms of CPU for {asked:.0f}"
            notes[name] += " requests, a round of 1,000 groups"
            values.setdefault("cycle_cpu_vs_naive", ours)
            if share == 10:
                values["detect_cpu_share"] = _mean(hour, "judging") / _mean(hour, "working")
                notes["detect_cpu_share"] = "of the worker's own CPU, a tenth of the groups moving"
        naive = run("bench.cycle.naive_reference:each", given, exchange.base_url) * 1000
        values["cycle_cpu_vs_naive"] /= naive
        notes["cycle_cpu_vs_naive"] = f"naive: {naive:.0f} s of CPU for 1,000 groups"
    with canned() as exchange, stage(engine) as given:  # idle after ordinary rounds
        run("bench.shared.seed_tables:fill", given, exchange.base_url, 10)
        run("bench.cycle.measured_process:rounds", given, exchange.root, 10, _hour(0), False)
        _idle(
            run("bench.cycle.measured_process:idle", given, exchange.root, HALF_AN_HOUR),
            values,
            notes,
        )
    with canned() as exchange, stage(engine) as given:
        run("bench.shared.seed_tables:fill", given, exchange.base_url, 100)
        found = run("bench.cycle.measured_process:large", given, exchange.root, _hour(0)[:3])
        small = statistics.median(one["ours"] for one in early[:3])
        values["cycle_10k_cpu_seconds"] = found["ours"]
        values["cycle_10k_memory_mb"] = found["memory"]
        values["cycle_10k_cpu_over_1k"] = found["ours"] / small
    return values, notes


def _hour(number: int) -> list[int]:
    """The turns of half an hour of rounds."""
    return [number * HALF_AN_HOUR + turn for turn in range(1, HALF_AN_HOUR + 1)]


def _mean(rounds: list[dict[str, float]], name: str) -> float:
    return sum(one[name] for one in rounds) / len(rounds)


def _idle(found: dict[str, Any], values: dict[str, float], notes: dict[str, str]) -> None:
    """What rounds cost in which nothing moves."""

    def rows(kind: str) -> int:
        return sum(n for table, n in found[kind]["writes"].items() if table not in BOOKS)

    plain = found["plain"]
    values["requests_per_100_idle_groups"] = plain["requests"]
    notes["requests_per_100_idle_groups"] = f"{found['swept']['requests']:.0f} with every sweep due"
    values["data_rows_written_when_nothing_changed"] = rows("plain") + rows("swept")
    notes["data_rows_written_when_nothing_changed"] = (
        f"sweeps included; time alone moves {rows('by_time') / found['by_time']['tasks']:.0f} "
        "forecasts of 100 live groups an hour"
    )
    tasks = plain["tasks"]
    books = sum(plain["writes"].get(table, 0) for table in BOOKS[:2]) / tasks
    values["bookkeeping_writes_per_project_task"] = books
    notes["bookkeeping_writes_per_project_task"] = "and one a minute for all projects together"
