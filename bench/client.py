"""What the exchange's client costs beside bare httpx, and its decoding beside the alternatives.

Both sides ask the same local server for the same answers, turn about, in one run: what counts is
the ratio of their CPU times, which holds on any machine.
"""

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import httpx
import msgspec
import pydantic

from bench.shared.figure import Figure
from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import decode_page
from dashboard.exchange.shapes.groups import TargetGroupPerformance, TargetGroupsListItem

ROUNDS = 15
GROUPS = 100
KEY = "Bearer bench"
T = TypeVar("T")


class Listing(msgspec.Struct):
    """The page as a bare user of msgspec would decode it."""

    target_groups: list[TargetGroupsListItem]
    next_cursor: str | None = None
    has_more: bool | None = None


def group(number: int) -> dict[str, Any]:
    """A row as the contract has it, with every figure and one issue."""
    issues = [
        {
            "issue_type": "warning",
            "reason": {"code": "low_epc", "description": "Earnings per click are low"},
            "suggestions": [{"code": "raise_cpi", "description": "Raise the CPI"}],
        }
    ]
    money = {"value": "2.7352", "currency_code": "USD", "currency_scale": 2}
    progress = {
        "current_completes": number,
        "current_prescreens": number * 3,
        "filling_goal": 500,
        "filling_strategy": "completes",
    }
    return {
        "id": f"01J{number:023d}",
        "human_readable_id": f"TG{number:05d}",
        "name": f"Coffee drinkers, wave {number}",
        "project_manager_id": "5f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "exclusion_enabled": False,
        "locale": "eng_us",
        "status": "live",
        "created_at": "2026-03-01T10:00:00.000Z",
        "updated_at": "2026-03-02T10:00:00.000Z",
        "statistics": {
            "progress": {"value": progress, "issues": []},
            "last_complete_date": {"value": "2026-03-02T09:59:00.000Z", "issues": []},
            "earnings_per_click": {"value": money, "issues": issues},
            "earnings_per_click_per_minute": {"value": money, "issues": []},
            "average_cost_per_interview": {"value": money, "issues": []},
            "median_length_of_interview_seconds": {"value": 731, "issues": []},
            "incidence_rate": {"value": 0.31, "issues": []},
            "drop_off_rate": {"value": 0.12, "issues": []},
            "conversion_rate": {"value": 0.08, "issues": []},
        },
        "target_group_customer_reference_number": "PO-4711",
    }


def performance() -> dict[str, Any]:
    """The performance of a group, about 1.5 KB."""
    status = {"status": "33", "label": "Overquota", "description": "Quota was full", "count": 17}
    return {
        "entrants": 5120,
        "prescreens": 1911,
        "completes": 402,
        "completes_cost": {"value": "1099.5504", "currency_code": "USD", "currency_scale": 2},
        "first_complete": "2026-03-01T10:05:00.000Z",
        "last_complete": "2026-03-02T09:59:00.000Z",
        "incidence_rate": 0.31,
        "drop_off_rate": 0.12,
        "conversion_rate": 0.08,
        "respondent_analysis": {"live": [status] * 12, "test": [status]},
    }


SMALL = json.dumps(performance()).encode()
LARGE = json.dumps(
    {"url": "", "has_more": False, "target_groups": [group(n) for n in range(GROUPS)]}
).encode()


def serve() -> None:
    """A server that does nothing but answer: the small or the large answer, by the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    small, large = (head.format(len(body)).encode() + body for body in (SMALL, LARGE))

    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while received := connection.recv(65536):
            waiting += received
            while b"\r\n\r\n" in waiting:
                asked, waiting = waiting.split(b"\r\n\r\n", 1)
                connection.sendall(small if b"/performance " in asked else large)

    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


@contextmanager
def server() -> Iterator[str]:
    """The base address of a server in a process of its own."""
    command = [sys.executable, "-c", "from bench.client import serve; serve()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def ratio(
    ours: Callable[[], object], theirs: Callable[[], object], calls: int
) -> tuple[float, float, float]:
    """Median CPU seconds a call of both, turn about, and the median of their ratios."""
    pairs = []
    ours(), theirs()
    for _ in range(ROUNDS):
        pairs.append((cpu(ours, calls), cpu(theirs, calls)))
    mine = statistics.median(mine for mine, _ in pairs)
    other = statistics.median(other for _, other in pairs)
    return mine, other, statistics.median(mine / other for mine, other in pairs)


def cpu(run: Callable[[], object], calls: int) -> float:
    """CPU seconds of this process for one call."""
    started = time.process_time()
    for _ in range(calls):
        run()
    return (time.process_time() - started) / calls


def client_figures() -> list[Figure]:
    """The client beside bare httpx and msgspec, small and large answers."""
    with server() as base:
        client = ExchangeClient(
            account_id="101", auth=ApiKey(KEY), base_url=base, allowed_hosts=["127.0.0.1:*"]
        )
        headers = {"Authorization": KEY, "Cint-API-Version": "2025-12-18"}
        bare = httpx.Client(headers=headers, trust_env=False)
        root = f"{base}/demand/accounts/101/projects/p/target-groups"
        one = msgspec.json.Decoder(TargetGroupPerformance)
        many = msgspec.json.Decoder(Listing)
        sides: list[tuple[str, Callable[[], object], Callable[[], object], int]] = [
            (
                "1500_bytes",
                lambda: client.get_target_group_performance(project_id="p", target_group_id="t"),
                lambda: one.decode(bare.get(f"{root}/t/performance").content),
                200,
            ),
            (
                "150_kilobytes",
                lambda: client.get_list_target_groups(project_id="p"),
                lambda: many.decode(bare.get(f"{root}?page_size=100").content),
                50,
            ),
        ]
        return [_client_figure(name, *ratio(ours, bare_, n)) for name, ours, bare_, n in sides]


def _client_figure(name: str, ours: float, bare: float, value: float) -> Figure:
    note = f"{ours * 1e6:.0f} µs beside {bare * 1e6:.0f} µs of CPU a request"
    return Figure(f"client_cpu_vs_bare_httpx_{name}", value, "<=1.3", value <= 1.3, note)


class PydanticMoney(pydantic.BaseModel):
    value: Decimal
    currency_code: str
    currency_scale: int | None = None


class PydanticText(pydantic.BaseModel):
    code: str | None = None
    description: str | None = None


class PydanticIssue(pydantic.BaseModel):
    issue_type: str | None = None
    reason: PydanticText | None = None
    suggestions: list[PydanticText] = []


class PydanticProgress(pydantic.BaseModel):
    current_completes: int
    current_prescreens: int
    filling_goal: int
    filling_strategy: str | None = None


class PydanticStatistic(pydantic.BaseModel, Generic[T]):
    value: T | None = None
    issues: list[PydanticIssue] = []


class PydanticStatistics(pydantic.BaseModel):
    progress: "PydanticStatistic[PydanticProgress]"
    last_complete_date: "PydanticStatistic[datetime] | None" = None
    earnings_per_click: "PydanticStatistic[PydanticMoney] | None" = None
    earnings_per_click_per_minute: "PydanticStatistic[PydanticMoney] | None" = None
    average_cost_per_interview: "PydanticStatistic[PydanticMoney] | None" = None
    median_length_of_interview_seconds: "PydanticStatistic[int] | None" = None
    incidence_rate: "PydanticStatistic[float] | None" = None
    drop_off_rate: "PydanticStatistic[float] | None" = None
    conversion_rate: "PydanticStatistic[float] | None" = None


class PydanticGroup(pydantic.BaseModel):
    id: str
    name: str
    status: str
    statistics: PydanticStatistics
    human_readable_id: str | None = None
    project_manager_id: str | None = None
    exclusion_enabled: bool | None = None
    locale: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    target_group_customer_reference_number: str | None = None


class PydanticPage(pydantic.BaseModel):
    target_groups: list[PydanticGroup]
    next_cursor: str | None = None
    has_more: bool | None = None


def decode_figure() -> Figure:
    """Decoding a page of 100 groups beside pydantic (same fields) and json (without types)."""

    def ours() -> object:
        return decode_page(LARGE, "target_groups", TargetGroupsListItem)

    mine, other, share = ratio(ours, lambda: PydanticPage.model_validate_json(LARGE), 20)
    plain = ratio(ours, lambda: json.loads(LARGE), 20)[1]
    each = 1e6 / GROUPS
    note = f"pydantic {other * each:.1f}, json without types {plain * each:.1f}"
    return Figure("page_decode_us_per_group", mine * each, "<=0.5 of pydantic", share <= 0.5, note)


def figures() -> list[Figure]:
    """Every figure of the client."""
    return [*client_figures(), decode_figure()]


if __name__ == "__main__":
    for figure in figures():
        print(figure)
