"""A worker's rounds beside a bare client that asks the same, turn about, on one database."""

import statistics
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from django.db import connection

from bench.client import KEY, Listing
from bench.shared.canned_exchange import START, Canned
from bench.shared.environment import Meter
from bench.shared.processes import peak_memory
from dashboard import celery
from dashboard.alerts.incidents import detect
from dashboard.exchange.shapes.groups import (
    CompletesPoint,
    TargetGroupChangelogList,
    TargetGroupOverview,
    TargetGroupPerformance,
)
from dashboard.exchange.shapes.profiling import Profiles
from dashboard.fielding.models import Project
from dashboard.sync.pull import rounds as work

EVERY = timedelta(minutes=5)


class Series(msgspec.Struct):
    """The completes of a group as a bare user of msgspec would decode them."""

    aggregated_completes_intervals: list[CompletesPoint]


DECODERS = {
    name: msgspec.json.Decoder(shape)
    for name, shape in (
        ("target-groups", Listing),
        ("overview", TargetGroupOverview),
        ("performance", TargetGroupPerformance),
        ("completes-aggregated-by-interval", Series),
        ("changelog", TargetGroupChangelogList),
        ("profiles", Profiles),
    )
}


def bare_cycle(client: httpx.Client, root: str, targets: list[str]) -> None:
    """The same requests, each answer decoded and thrown away."""
    for target in targets:
        name = target.partition("?")[0].rpartition("/")[2]
        DECODERS[name].decode(client.get(root + target).content)


def one_round(keys: list[int], now: datetime) -> float:
    """What a worker does with each project that is due; the CPU seconds of judging alone."""
    judging = 0.0
    for pk in keys:
        cycle = work.project_round(pk, clock=lambda: now, force=True)
        assert cycle
        assert cycle.complete, cycle.errors
        started = time.process_time()
        detect.after_cycle(cycle=cycle, now=now)
        judging += time.process_time() - started
    return judging


def rounds(root: str, share: int, turns: list[int], beside: bool = True) -> list[dict[str, float]]:
    """CPU seconds of rounds in which so many of a hundred groups move, and of the bare client.

    The sweeps are not due: they would only add requests that both sides make.
    """
    celery.collect_less()  # as every worker does
    exchange, meter = Canned(root), Meter()
    keys = list(Project.objects.order_by("pk").values_list("pk", flat=True))
    bare = httpx.Client(headers={"Authorization": KEY}, trust_env=False)
    measured = []
    for turn in turns:
        now = START + EVERY * turn
        Project.objects.update(overviews_at=now, details_at=now)
        exchange.move(share=share, turn=turn, now=now)
        exchange.log()
        spent: list[float] = []
        begun = time.process_time()
        ours = meter.of(lambda now=now, spent=spent: spent.append(one_round(keys, now)))  # type: ignore[misc]
        working = time.process_time() - begun
        targets = exchange.log()
        started = time.process_time()
        if beside:
            bare_cycle(bare, root, targets)
        theirs = time.process_time() - started
        measured.append(
            {"ours": ours, "bare": theirs, "requests": len(targets)}
            | {"judging": spent[0], "working": working}
        )
    return measured


def large(root: str, turns: list[int]) -> dict[str, float]:
    """CPU seconds of the median round of a tenth, and the most memory of this process (MB)."""
    spent = statistics.median(one["ours"] for one in rounds(root, 10, turns, beside=False))
    return {"ours": spent, "memory": peak_memory()}


class Writes:
    """Counts the statements that change tables, by table."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb, *rest = sql.replace('"', " ").split()
        if verb in ("INSERT", "UPDATE", "DELETE"):
            table = next(word for word in rest if word.startswith("fielding_"))
            self.found[table.removeprefix("fielding_")] += len(params) if many else 1
        return execute(sql, params, many, context)


def idle(root: str, turn: int) -> dict[str, Any]:
    """Requests and writes of rounds in which nothing moves: plain, and with every sweep due."""
    exchange = Canned(root)
    keys = list(Project.objects.order_by("pk").values_list("pk", flat=True))
    found: dict[str, Any] = {}
    # Two hours later, so that what had moved before is settled; then each kind twice.
    for name, later in (("settled", 24), ("plain", 25), ("swept", 26), ("by_time", 38)):
        now = START + EVERY * (turn + later)
        at = now if name == "plain" else None
        Project.objects.update(overviews_at=at, details_at=at)
        exchange.move(share=0, turn=0, now=now)
        exchange.log()
        with connection.execute_wrapper(writes := Writes()):
            one_round(keys, now)
        asked = len(exchange.log()) / len(keys)
        found[name] = {"requests": asked, "writes": writes.found, "tasks": len(keys)}
    return found
