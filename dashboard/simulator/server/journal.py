"""What was done to a world, line by line, so that a restart lives the same life again.

The file begins with the origin; each further line is a change with its moment and a checksum.
A line that a crash left half written is dropped.
"""

import base64
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import PERSON, SimulatedRequest

_KEPT_HEADERS = ("if-match", "if-none-match", "idempotency-key", PERSON)


class Journal:
    """An append-only file; without a path it forgets everything."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.lines: list[Json] = []
        self._file: int | None = None
        if path is not None:
            self.lines, good = _read(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.ftruncate(self._file, good)

    def write(self, kind: str, **facts: object) -> None:
        """Append a line and wait until it is on the disk."""
        if self._file is None:
            return
        body = msgspec.json.encode({"kind": kind, **facts})
        os.write(self._file, b"%08x %s\n" % (zlib.crc32(body), body))
        os.fsync(self._file)

    def write_request(self, ask: SimulatedRequest) -> None:
        """Append a request that changed something."""
        headers = {name: ask.headers[name] for name in _KEPT_HEADERS if name in ask.headers}
        self.write(
            "request",
            at=ask.now,
            method=ask.method,
            path=ask.path,
            query=ask.query,
            headers=headers,
            body=base64.b64encode(ask.body).decode(),
        )

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def ask_of(line: Json) -> SimulatedRequest:
    """The request of a journal line."""
    return SimulatedRequest(
        line["method"],
        line["path"],
        line["query"],
        line["headers"],
        base64.b64decode(line["body"]),
        line["at"],
    )


def _read(path: Path) -> tuple[list[Json], int]:
    """The sound lines of a file and how many bytes they take."""
    lines: list[Json] = []
    good = 0
    for raw in _raw_lines(path):
        check, _, body = raw.rstrip(b"\n").partition(b" ")
        if not raw.endswith(b"\n") or check != b"%08x" % zlib.crc32(body):
            break
        lines.append(msgspec.json.decode(body))
        good += len(raw)
    return lines, good


def _raw_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file
