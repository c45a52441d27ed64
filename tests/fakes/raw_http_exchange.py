"""An exchange of raw bytes on a real socket: each request is answered by a function."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

Reply = Callable[["Connection", "Asked"], None]


class Asked:
    """A request as it came: method, target, headers in lower case, body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode().split("\r\n")
        self.method, self.target, _ = first.split(" ")
        pairs = (line.split(": ", 1) for line in lines if ": " in line)
        self.headers = {name.lower(): value for name, value in pairs}
        self.body = body


class Connection:
    """The server's end of a connection."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self.sock = sock
        self.stopped = stopped

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(
        self, body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """A whole answer; `body` is JSON unless it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)

    def trickle(self, data: bytes, *, every: float) -> None:
        """Byte by byte until somebody hangs up."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            if self.stopped.wait(every):
                return

    def hang_up(self) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)


class FakeExchange:
    """Listens on this machine; `reply` may be changed while it runs."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def targets(self, path: str) -> list[Asked]:
        """The requests so far whose target ends with `path`."""
        return [each for each in self.asked if each.target.split("?")[0].endswith(path)]

    def stop(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        connection = Connection(sock, self._stopped)
        try:
            with sock, sock.makefile("rb") as stream:
                while asked := _read(stream):
                    self.asked.append(asked)
                    self.reply(connection, asked)
        except OSError:
            return


def _read(stream: Any) -> Asked | None:
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    if not lines:
        return None
    head = b"".join(lines)
    length = next(
        (int(x.split(b":")[1]) for x in lines if x.lower().startswith(b"content-length")), 0
    )
    return Asked(head, stream.read(length))
