"""A service that knows stolen passwords by the beginning of their hash, over real HTTP."""

from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StolenPasswordService(ThreadingHTTPServer):
    """Answers with the rest of each hash that begins as asked, and how often it was seen."""

    daemon_threads = True

    def __init__(self, *stolen: str) -> None:
        super().__init__(("127.0.0.1", 0), _Range)
        self.hashes = [hashlib.sha1(each.encode()).hexdigest().upper() for each in stolen]  # noqa: S324
        self.asked: list[str] = []
        self.status = 200
        self.count = 7

    @property
    def url(self) -> str:
        """The address for the setting."""
        return f"http://127.0.0.1:{self.server_port}/range"


class _Range(BaseHTTPRequestHandler):
    server: StolenPasswordService

    def do_GET(self) -> None:
        """Answer one prefix, among lines of others."""
        self.server.asked.append(self.path)
        prefix = self.path.rpartition("/")[2]
        lines = [f"{'0' * 34}{digit}:0" for digit in "1234"]
        lines += [
            f"{each[5:]}:{self.server.count}"
            for each in self.server.hashes
            if each.startswith(prefix)
        ]
        body = "\r\n".join(lines).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
