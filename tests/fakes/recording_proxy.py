"""A way to an exchange that keeps what is asked to be changed there."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_PASSED = ("content-type", "location", "etag", "retry-after", "date")


class Write(NamedTuple):
    """A request that changes something."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@contextmanager
def recording(exchange: str) -> Iterator[tuple[str, list[Write]]]:
    """The address to ask instead of `exchange`, and the writes that came by."""
    writes: list[Write] = []
    to = urlsplit(exchange).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._pass_on()

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command != "GET":
                headers = {name.lower(): value for name, value in self.headers.items()}
                given = json.loads(body) if body else None
                writes.append(Write(self.command, self.path, headers, given))
            beyond = http.client.HTTPConnection(to)
            beyond.request(self.command, self.path, body, dict(self.headers.items()))
            answer = beyond.getresponse()
            told = answer.read()
            self.send_response(answer.status)
            for name in _PASSED:
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            beyond.close()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", writes
    finally:
        server.shutdown()
        server.server_close()
