"""Resolve host names within a time limit."""

import socket
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

Entry = tuple[int, int, int, str, tuple[str | int | bytes, ...]]
"""One address, as `socket.getaddrinfo` returns it."""

Resolve = Callable[..., Sequence[Entry]]


class NoAddress(Exception):
    """The host name is not known, or was not resolved in time (`late`)."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(
            "the host name was not resolved in time" if late else "the host name is not known"
        )
        self.late = late


def resolve_addresses(
    host: str, port: int, *, seconds: float, resolve: Resolve | None = None
) -> list[str]:
    """The addresses of a host, each once, in the resolver's order; raises NoAddress.

    The system's resolver has no time limit of its own, so it runs in a thread that is abandoned
    when the time is over.
    """
    answer: SimpleQueue[Sequence[Entry] | OSError | UnicodeError] = SimpleQueue()

    def look_up() -> None:
        try:
            answer.put((resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as exc:  # the latter: no such name can exist
            answer.put(exc)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    try:
        entries = answer.get(timeout=seconds)
    except Empty as exc:
        raise NoAddress(late=True) from exc
    if isinstance(entries, OSError | UnicodeError):
        raise NoAddress(late=False) from entries
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
