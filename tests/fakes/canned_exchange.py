"""A small exchange for tests of sync: its answers are set by hand, its requests are on record."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from tests.factories import ulid

PM = "3F1A0C52-8B1E-4E83-9A3C-0F6F0F7E0001"
Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]  # status, body, headers


def money(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency_code": currency}


def project_row(number: int, **fields: Any) -> dict[str, Any]:
    """A project as the list shows it."""
    return {
        "id": ulid(number),
        "human_readable_id": f"P{number:05d}",
        "account_id": 101,
        "name": f"Project {number}",
        "target_group_count": 1,
        "status": "active",
        "last_activity_at": "2026-11-20T11:00:00.000Z",
        "statistics": {
            "filling_goal": 200,
            "current_completes": 100,
            "current_prescreens": 300,
            "incidence_rate_median": 0.3,
            "length_of_interview_median_seconds": 540,
            "conversion_rate_average": 0.1,
            "drop_off_rate_average": 0.1,
        },
    } | fields


def group_row(number: int, *, completes: int = 100, **fields: Any) -> dict[str, Any]:
    """A target group as the list shows it."""
    statistics = {
        "progress": {
            "value": {
                "current_completes": completes,
                "current_prescreens": completes * 3,
                "filling_goal": 200,
                "filling_strategy": "completes",
            },
            "issues": [],
        },
        "earnings_per_click": {"value": money("0.30"), "issues": []},
        "incidence_rate": {"value": 0.33, "issues": []},
    }
    return {
        "id": ulid(number),
        "human_readable_id": f"T{number:06d}",
        "name": f"Group {number}",
        "project_manager_id": PM,
        "locale": "eng_us",
        "status": "live",
        "created_at": "2026-11-06T09:00:00.000Z",
        "statistics": statistics,
    } | fields


@dataclass
class Exchange:
    """What the server answers; tests change it between two pulls."""

    projects: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cpi: dict[str, dict[str, str]] = field(default_factory=dict)
    strategy: dict[str, str] = field(default_factory=dict)
    rates: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the overview
    completes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    changelog: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    re_entry: dict[str, dict[str, Any]] = field(default_factory=dict)
    special: list[tuple[str, str, Callable[[], Reply]]] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    spoil: Callable[[bytes], bytes] = bytes  # what becomes of every answer on its way
    url: str = ""

    def on(self, method: str, pattern: str, reply: Callable[[], Reply]) -> None:
        """Answer requests of this kind in another way."""
        self.special.insert(0, (method, pattern, reply))

    def asked(self, pattern: str, method: str = "GET") -> int:
        """How many requests of this kind came."""
        return sum(1 for how, path in self.log if how == method and re.search(pattern, path))

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        self.log.append((method, path))
        for how, pattern, special in self.special:
            if how == method and re.search(pattern, path):
                return special()
        for how, pattern, answer in _ROUTES:
            if how == method and (match := re.fullmatch(pattern, path.split("?", maxsplit=1)[0])):
                return answer(self, body, *match.groups())
        return 404, {"object": "not_found_error", "detail": "no such thing"}

    def row(self, project: str, group: str) -> dict[str, Any]:
        """The list row of a group."""
        return next(row for row in self.groups[project] if row["id"] == group)


def _projects(exchange: Exchange, _body: Any) -> Reply:
    return 200, {"projects": exchange.projects, "url": "", "has_more": False}


def _groups(exchange: Exchange, _body: Any, project: str) -> Reply:
    rows = exchange.groups.get(project, [])
    return 200, {"target_groups": rows, "url": "", "has_more": False}


def _overview(exchange: Exchange, _body: Any, project: str, group: str) -> Reply:
    row = exchange.row(project, group)
    progress = row["statistics"]["progress"]["value"]
    return 200, {
        "project_name": "Project",
        "target_group_name": row["name"],
        "project_manager_id": PM,
        "progress": progress | {"filling_strategy": exchange.strategy.get(group, "completes")},
        "pricing_model": "dynamic",
        "is_pricing_restricted": False,
        "current_cost_per_interview": exchange.cpi.get(group, money("2.75")),
        "current_cost": money("270.5"),
        "status": row["status"],
        "country_code": "us",
        "language_code": "eng",
        "created_at": row["created_at"],
    } | exchange.rates.get(group, {})


def _performance(exchange: Exchange, _body: Any, project: str, group: str) -> Reply:
    done = exchange.row(project, group)["statistics"]["progress"]["value"]["current_completes"]
    return 200, {"entrants": done * 9, "prescreens": done * 3, "completes": done}


def _completes(exchange: Exchange, _body: Any, _project: str, group: str) -> Reply:
    return 200, {"aggregated_completes_intervals": exchange.completes.get(group, [])}


def _changelog(exchange: Exchange, _body: Any, _project: str, group: str) -> Reply:
    return 200, {"changelog": exchange.changelog.get(group, [])}


def _details(exchange: Exchange, _body: Any, project: str, group: str) -> Reply:
    return 200, {
        "id": group,
        "name": exchange.row(project, group)["name"],
        "expected_length_of_interview_minutes": 9,
        "expected_incidence_rate": 0.35,
        "completes_goal": 200,
    }


def _runs(_exchange: Exchange, _body: Any, _project: str, group: str) -> Reply:
    run = {
        "id": f"run-{group}",
        "status": "live",
        "start_fielding_at": "2026-11-13T09:00:00.000Z",
        "end_fielding_at": "2026-11-27T09:00:00.000Z",
        "version": 1,
    }
    return 200, {"data": [run], "has_more": False}


def _re_entry(exchange: Exchange, _body: Any, _project: str, group: str) -> Reply:
    if group not in exchange.re_entry:
        return 404, {"object": "not_found_error", "detail": "no such thing"}
    return 200, exchange.re_entry[group]


def _put_re_entry(exchange: Exchange, body: Any, _project: str, group: str) -> Reply:
    exchange.re_entry[group] = body
    return 200, body


def _put_cpi(exchange: Exchange, body: Any, _project: str, group: str) -> Reply:
    exchange.cpi[group] = body["target_group_cpi"]
    return 200, body


def _put_strategy(exchange: Exchange, body: Any, _project: str, group: str) -> Reply:
    exchange.strategy[group] = body["filling_strategy"]
    return 200, body


def _users(_exchange: Exchange, _body: Any) -> Reply:
    return 200, {"users": [{"id": PM, "name": "Anna", "email": "anna@example.com"}]}


def _units(_exchange: Exchange, _body: Any) -> Reply:
    return 200, {"business_units": [{"id": 7, "name": "Unit", "currency_code": "USD"}]}


_ALL = r"/demand/accounts/101/projects"
_ONE = _ALL + r"/(\w+)/target-groups/(\w+)"
_ROUTES: list[tuple[str, str, Callable[..., Reply]]] = [
    ("GET", _ALL, _projects),
    ("GET", _ALL + r"/(\w+)/target-groups", _groups),
    ("GET", _ONE + "/overview", _overview),
    ("GET", _ONE + "/performance", _performance),
    ("GET", _ONE + "/completes-aggregated-by-interval", _completes),
    ("GET", _ONE + "/changelog", _changelog),
    ("GET", _ONE + "/details", _details),
    ("GET", _ONE + "/fielding-runs", _runs),
    ("GET", _ONE + "/re-entry-configuration", _re_entry),
    ("PUT", _ONE + "/re-entry-configuration", _put_re_entry),
    ("PUT", _ONE + "/cost-per-interview", _put_cpi),
    ("PUT", _ONE + "/filling-strategy", _put_strategy),
    ("GET", r"/accounts/101/users", _users),
    ("GET", r"/accounts/101/business-units", _units),
]


Served = TypeVar("Served", bound=Exchange)


@contextmanager
def serving(exchange: Served) -> Iterator[Served]:
    """The exchange over real HTTP on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, said, *more = exchange.reply(self.command, self.path, body)
            if status == 0:  # take the request and hang up
                self.close_connection = True
                return
            sent = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            sent = exchange.spoil(sent)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_PUT = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    exchange.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield exchange
    finally:
        server.shutdown()
        server.server_close()
