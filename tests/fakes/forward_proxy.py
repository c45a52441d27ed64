"""A company's proxy: tunnels for https, and plain http forwarded; it alone knows every host."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ForwardProxy:
    """`seen`: each request line. With a `password` only user `field` may pass; 403 to `barred`."""

    port: int = 0
    password: str = ""
    barred: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until a side ends."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarding(tls_port: int, plain: bytes) -> Iterator[ForwardProxy]:
    """Every https host is the one at `tls_port`; plain http is answered with `plain`."""
    proxy = ForwardProxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            if self._refuses(self.path.rpartition(":")[0]):
                return
            with socket.create_connection(("127.0.0.1", tls_port), 5) as beyond:
                self.send_response(200)
                self.end_headers()
                threading.Thread(target=_copy, args=(beyond, self.connection), daemon=True).start()
                _copy(self.connection, beyond)
            self.close_connection = True

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self._refuses(self.path.split("/")[2]):
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(plain)))
            self.end_headers()
            self.wfile.write(plain)

        do_POST = do_GET  # noqa: N815

        def _refuses(self, host: str) -> bool:
            proxy.seen.append(f"{self.command} {self.path}")
            expected = f"Basic {base64.b64encode(f'field:{proxy.password}'.encode()).decode()}"
            status = 403 if host in proxy.barred else 0
            if proxy.password and self.headers.get("Proxy-Authorization") != expected:
                status = 407
            if status:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            return bool(status)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
