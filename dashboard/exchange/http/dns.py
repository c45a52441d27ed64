"""Looking names up, without waiting for longer than one may."""

import socket
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

Entry = tuple[int, int, int, str, tuple[str | int | bytes, ...]]
"""One address, as `socket.getaddrinfo` returns it."""

Resolve = Callable[..., Sequence[Entry]]


class NoAddress(Exception):
    """The name is not known, or nobody said in time; `late` tells which."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("nobody said in time" if late else "the name of the host is not known")
        self.late = late


def resolve_addresses(
    host: str, port: int, *, seconds: float, resolve: Resolve | None = None
) -> list[str]:
    """The addresses of a host, each once, in the resolver's order.

    The system's resolver has no time limit of its own, so it is asked in a thread that is left
    behind when the time is over. Raises NoAddress.
    """
    answer: SimpleQueue[Sequence[Entry] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put((resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM))
        except OSError as exc:
            answer.put(exc)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        entries = answer.get(timeout=seconds)
    except Empty as exc:
        raise NoAddress(late=True) from exc
    if isinstance(entries, OSError):
        raise NoAddress(late=False) from entries
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
