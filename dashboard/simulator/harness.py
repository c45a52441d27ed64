"""Running a simulated exchange in tests: `with Simulator(groups=10) as exchange: …`."""

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.server.run import Options, make_exchange, serve_exchange
from dashboard.simulator.world.messages import PERSON, SimulatedRequest

_WAIT = 20.0
Inspector = Callable[[str, SimulatedRequest], list[str]]


class Simulator:
    """A simulated exchange on a free port, in its own process or (quicker) in a thread.

    Options are those of the command line (`projects`, `groups`, `seed`, `speed`,
    `history_days`, `client_id`, `client_secret`, `state`, `faults`). Account 101; any key is taken.
    In a thread the wall's clock is an argument, and `inspect` may refuse requests with reasons.
    """

    def __init__(
        self,
        *,
        process: bool = False,
        wall: Callable[[], float] = time.time,
        inspect: Inspector | None = None,
        **options: Any,  # Any: `Options` names the type of each
    ) -> None:
        self.process = process
        self.wall, self.inspect = wall, inspect
        self.options = {"projects": 1, "groups": 36, "history_days": 4, **options}
        self.base_url = ""
        self._child: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, or start again: with `state` the world continues, on the same port."""
        if self.base_url:
            self.options["port"] = int(self.base_url.rsplit(":", 1)[1])
        if self.process:
            self._start_process()
        else:
            self._start_thread()

    def _start_process(self) -> None:
        command = [sys.executable, "-m", "dashboard.simulator"]
        for name, value in {"port": 0, **self.options}.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        root = Path(__file__).resolve().parents[2]
        self._child = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, text=True, cwd=root
        )
        line = self._child.stdout.readline() if self._child.stdout else ""
        if not line.startswith("simulator ready: "):
            raise RuntimeError(f"the simulator did not start: {line!r}")
        self.base_url = line.split()[2]

    def _start_thread(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(ready)), name="simulator", daemon=True
        )
        self._thread.start()
        if not ready.wait(_WAIT):
            raise RuntimeError("the simulator did not start")

    async def _run(self, ready: threading.Event) -> None:
        options = Options(**self.options)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        def opened(port: int) -> None:
            self.base_url = f"http://{options.host}:{port}"
            ready.set()

        exchange = make_exchange(options, wall=self.wall)
        exchange.inspect = self.inspect
        await serve_exchange(exchange, options, stop=self._stop, ready=opened)

    def stop(self) -> None:
        """Stop in an orderly way; SIGTERM for a process."""
        if self._child is not None:
            self._child.terminate()
            self._end_child()
        if self._thread is not None and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_WAIT)
            self._thread = None

    def kill(self) -> None:
        """SIGKILL the process, as a crash would."""
        if self._child is None:
            raise RuntimeError("only a process can be killed")
        self._child.kill()
        self._end_child()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.wait(_WAIT)
            if self._child.stdout:
                self._child.stdout.close()
            self._child = None

    def control(self, method: str, path: str, body: object = None) -> Json:
        """Ask the control address; `path` is what follows `/_control/`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}/_control/{path}", data=data, method=method
        )
        with urllib.request.urlopen(request, timeout=_WAIT) as answer:  # noqa: S310
            content: Json = json.load(answer)
        return content

    def advance(self, **parts: float) -> None:
        """Let the field's clock jump ahead: `days`, `hours`, `minutes`, `seconds`."""
        units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
        self.control("POST", "clock", {"advance": sum(units[k] * v for k, v in parts.items())})

    def groups(self, **wanted: object) -> list[Json]:
        """Groups of account 101 whose fields (`status`, `pricing_model` …) are as wanted."""
        wanted = {"account_id": 101, **wanted}
        everything = self.control("GET", "groups")["groups"]
        return [g for g in everything if all(g[k] == v for k, v in wanted.items())]

    def force(self, group_id: str, event: str, **body: object) -> Json:
        """Make an event happen to a group now; the events are those of the control address."""
        return dict(self.control("POST", f"groups/{group_id}/{event}", body))

    def fault(self, kind: str, **fields: object) -> None:
        """Switch a fault on: `rate`, `operation`, `seed`, `count`, `value`, `group`."""
        self.control("POST", "faults", {"kind": kind, **fields})

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.control("DELETE", "faults")

    def lag(self, **fields: object) -> None:
        """Let reads lag: `low` and `high`, or `replicas`, in seconds; `operations`, `spared`."""
        self.control("POST", "lag", fields)

    def end_lag(self) -> None:
        """Let reads see the present."""
        self.control("DELETE", "lag")

    def keep_states(self) -> None:
        """Keep what every group is set to after each change, from now on."""
        self.control("POST", "chronicle")

    def states(self, group_id: str) -> list[Json]:
        """What a group was set to after each change: `at`, `cause` and `settings`."""
        return list(self.control("GET", f"chronicle/{group_id}")["states"])

    def truth(self, group_id: str) -> Json:
        """What a group is set to now."""
        return dict(self.control("GET", f"truth/{group_id}")["settings"])

    def market(self, group_id: str) -> Json:
        """How people respond to a group's price: what no operation of the API shows."""
        return dict(self.control("GET", f"truth/{group_id}")["market"])

    def violations(self) -> list[Json]:
        """Return the requests that violated the contract."""
        return list(self.control("GET", "violations")["violations"])

    def act(self, person: str, method: str, path: str, body: object = None, etag: str = "*") -> int:
        """Send a request as a person at the exchange; return the status. `path`: of the API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {PERSON: person, "Authorization": "person", "Cint-API-Version": "person"}
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}/v1{path}",
            data=data,
            method=method,
            headers=headers | {"If-Match": etag, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_WAIT) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as exc:
            return exc.code

    def interrupt(self, **fields: object) -> None:
        """Run a person's request just before one of the client; see `Interruption`."""
        self.control("POST", "interruptions", fields)

    def edits(self, group_id: str = "") -> list[Json]:
        """Return all requests for a change in their order, accepted or not."""
        return list(self.control("GET", f"edits/{group_id}".rstrip("/"))["edits"])

    def requests(self) -> dict[str, int]:
        """Return the number of requests by operation."""
        return dict(self.control("GET", "requests")["operations"])
