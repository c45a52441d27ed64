"""An exchange of canned answers, in a process of its own, whose CPU counts on neither side.

Projects of a hundred live groups with two weeks of hourly completes behind them. Which of them
move, and what time it is, is told by the control address; every request is on record.
"""

import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from bench.client import group, performance

A_PROJECT = 100  # groups
DAYS = 14
# The same hour for every process of a run.
_BEGAN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0).isoformat()
START = datetime.fromisoformat(os.environ.setdefault("BENCH_START", _BEGAN))
_RUN = b'{"data":[{"id":"run","status":"live","start_fielding_at":"%s","end_fielding_at":"%s"'
_RUN += b',"version":1}],"has_more":false}'
_PROFILES = json.dumps(
    {
        "locale": "eng_us",
        "completes_goal": 500,
        "profiles": [
            {
                "id": f"{number}",
                "name": name,
                "quotas_enabled": True,
                "targets": [
                    {
                        "id": f"{number}-{part}",
                        "text": f"{name} {part}",
                        "conditions": [{"object": "option", "option_id": part}],
                        "quota": {"completes_goal": 100, "completes": 30, "prescreens": 90},
                    }
                    for part in range(4)
                ],
            }
            for number, name in enumerate(("Age", "Gender", "Region"))
        ],
    }
).encode()


def project_id(number: int) -> str:
    """The id of a project; its groups are a hundred times its number and the 99 after it."""
    return f"01P{number:023d}"


@lru_cache(maxsize=2000)
def wire(moment: datetime) -> str:
    """A moment as the exchange writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def goal(number: int) -> int:
    """A goal that is reached at the end of three weeks, though fields fade."""
    return int((100 + number % 97) * 1.4)


class World:
    """What the groups are now."""

    def __init__(self) -> None:
        self.now = START
        self.moves: dict[int, list[datetime]] = {}
        self.log: list[str] = []
        self.share = 0  # of each project's groups that move whenever its list is asked for
        self.leaving: set[int] = set()  # of a project's groups, by place: many leave in the middle

    def move(self, *, share: int, turn: int, now: datetime) -> None:
        """So many of every hundred groups get a complete; another turn, other groups."""
        self.now = now
        for number in self.chosen(share=share, turn=turn, among=10_000):
            self.moves.setdefault(number, []).append(now - timedelta(seconds=30))

    @staticmethod
    def chosen(*, share: int, turn: int, among: int) -> Iterator[int]:
        """The numbers of the groups that move in a turn, as many in every project."""
        return (n for n in range(among) if (n + turn * share) % 100 < share)

    def completes(self, number: int) -> int:
        """The completes of a group now."""
        return 100 + number % 97 + len(self.moves.get(number, ()))

    def row(self, number: int) -> dict[str, Any]:
        """A group as the list shows it."""
        row = group(number)
        row["created_at"] = row["updated_at"] = wire(START - timedelta(days=DAYS))
        figures = row["statistics"]
        progress = figures["progress"]["value"]
        progress["current_completes"] = self.completes(number)
        progress["current_prescreens"] = self.completes(number) * 3
        progress["filling_goal"] = goal(number)
        figures["incidence_rate"]["value"], figures["conversion_rate"]["value"] = 0.34, 0.25
        figures["median_length_of_interview_seconds"]["value"] = 541
        figures["earnings_per_click"]["issues"] = []
        if not number % 20:  # one group in twenty is in trouble, the others are as agreed
            figures["median_length_of_interview_seconds"]["value"] = 871
        if number % A_PROJECT in self.leaving:
            figures["drop_off_rate"]["value"] = 0.45
        moves = self.moves.get(number, [START - timedelta(minutes=20)])
        figures["last_complete_date"]["value"] = wire(moves[-1])
        return row

    def answer(self, target: str) -> bytes:
        """The body for a path below the base address."""
        path = urlsplit(target).path.split("/")  # '', v1, demand, accounts, 101, projects, …
        if len(path) < 8:
            return self._projects()
        if len(path) == 8:
            first = int(path[6][3:]) * A_PROJECT
            if self.share:
                self._keep_moving(first)
            rows = [self.row(number) for number in range(first, first + A_PROJECT)]
            return json.dumps({"target_groups": rows, "url": "", "has_more": False}).encode()
        return self._of_group(int(path[8][3:]), path[9])

    def _keep_moving(self, first: int) -> None:
        self.now = datetime.now(UTC)
        for number in random.sample(range(first, first + A_PROJECT), self.share):
            self.moves.setdefault(number, []).append(self.now)

    def _series(self, number: int) -> bytes:
        """The completes of a group by the hour: two weeks as they were, then each move."""
        told = [
            {"timestamp": wire(START - timedelta(hours=back)), "count": count}
            for back, count in zip(
                reversed(range(DAYS * 24)), counts(100 + number % 97, number % 8), strict=True
            )
        ]
        moves, hour = self.moves.get(number, []), START
        while hour + timedelta(hours=1) <= self.now:
            hour += timedelta(hours=1)
            count = 100 + number % 97 + sum(at <= hour for at in moves)
            told.append({"timestamp": wire(hour), "count": count})
        return json.dumps({"aggregated_completes_intervals": told, "url": ""}).encode()

    def _projects(self) -> bytes:
        return b'{"projects":[],"url":"","has_more":false}'

    def _of_group(self, number: int, what: str) -> bytes:
        completes = self.completes(number)
        money = {"value": "2.7352", "currency_code": "USD"}
        begin, end = wire(START - timedelta(days=DAYS)), wire(START + timedelta(days=7))
        if what == "performance":
            counts = {"entrants": completes * 4, "prescreens": completes * 3}
            counts["completes"] = completes
            return json.dumps(performance() | counts).encode()
        if what == "completes-aggregated-by-interval":
            return self._series(number)
        if what == "changelog":
            return _changelog(begin)
        if what == "profiles":
            return _PROFILES
        if what == "fielding-runs":
            return _RUN % (begin.encode(), end.encode())
        row = self.row(number)
        told = {"id": row["id"], "name": row["name"], "status": row["status"]}
        told |= {"expected_length_of_interview_minutes": 9, "expected_incidence_rate": 0.35}
        told |= {"completes_goal": goal(number), "progress": row["statistics"]["progress"]["value"]}
        told |= {"pricing_model": "dynamic", "is_pricing_restricted": False, "country_code": "us"}
        told |= {"language_code": "eng", "current_cost_per_interview": money}
        told |= {"current_cost": money | {"value": f"{completes * 2.7352:.2f}"}}
        return json.dumps(told).encode()


def counts(completes: int, kind: int) -> list[int]:
    """Cumulative completes at the end of each hour of two weeks, more of them by day."""
    weights = _weights(kind)
    return [int(completes * weight) for weight in weights]


@lru_cache(maxsize=8)
def _weights(kind: int) -> list[float]:
    chance = random.Random(kind)  # noqa: S311
    steps = [chance.random() * (1.5 if 8 <= hour % 24 < 22 else 0.3) for hour in range(DAYS * 24)]
    sums = [sum(steps[: hour + 1]) for hour in range(len(steps))]
    return [part / sums[-1] for part in sums]


def _changelog(at: str) -> bytes:
    change = {"object": "status_change", "old_value": "draft", "new_value": "live"}
    batch = {"id": "1", "occurred_at": at, "user": {"type": "las_user"}, "changes": [change]}
    return json.dumps({"changelog": [batch]}).encode()


def _told(world: World, target: str) -> bytes:
    """What the control address answers."""
    path, values = urlsplit(target).path, parse_qs(urlsplit(target).query)
    if path == "/control/log":
        log, world.log = world.log, []
        return json.dumps(log).encode()
    if path == "/control/leave":
        world.leaving.add(int(values["place"][0]))
        return b"{}"
    share = int(values["share"][0])
    if path == "/control/keep-moving":
        world.share = share
        return b"{}"
    turn = int(values["turn"][0])
    world.move(share=share, turn=turn, now=datetime.fromisoformat(values["now"][0]))
    return b"{}"


def serve() -> None:
    """Answer on a free port until killed."""
    world = World()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while received := connection.recv(65536):
            waiting += received
            while b"\r\n\r\n" in waiting:
                asked, waiting = waiting.split(b"\r\n\r\n", 1)
                target = asked.split(b" ", 2)[1].decode()
                status = b"200 OK"
                if target.startswith("/control"):
                    body = _told(world, target)
                elif "/respondent-unique-codes/" in target:  # the account does not have them
                    status, body = b"403 Forbidden", b"{}"
                else:
                    world.log.append(target)
                    body = world.answer(target)
                connection.sendall(head % (status, len(body)) + body)

    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


class Canned:
    """The running exchange, as a benchmark commands it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.base_url = f"{root}/v1"
        # One client: each loads the roots of trust anew, a megabyte that waits for the collector.
        self._client = httpx.Client(trust_env=False, timeout=60)

    def move(self, *, share: int, turn: int, now: datetime) -> None:
        """Let groups move, and time pass."""
        self._tell("move", share=share, turn=turn, now=now.isoformat())

    def keep_moving(self, *, share: int) -> None:
        """From now on so many of a project's groups move whenever its list is asked for."""
        self._tell("keep-moving", share=share)

    def leave(self, *, place: int) -> None:
        """From now on many leave the group at this place of every project."""
        self._tell("leave", place=place)

    def log(self) -> list[str]:
        """The requests since the last look, in their order."""
        found: list[str] = self._tell("log").json()
        return found

    def _tell(self, what: str, **values: str | int) -> httpx.Response:
        return self._client.get(f"{self.root}/control/{what}", params=values)


@contextmanager
def canned() -> Iterator[Canned]:
    """An exchange on a port of its own."""
    command = [sys.executable, "-c", "from bench.shared.canned_exchange import serve; serve()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Canned(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()
