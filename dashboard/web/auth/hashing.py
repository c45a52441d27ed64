"""Argon2 in turn: many sign-ins at once take neither the memory nor the threads of a process.

One hash takes 100 MB and a core for a tenth of a second. A process computes one at a time; a few
more wait, and further attempts are refused at once, unchecked, so that threads are left for pages.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from django.contrib.auth.hashers import Argon2PasswordHasher

MOST_IN_LINE = 2  # of a process's threads: one computes, one waits
RETRY_SECONDS = 5
BUSY = "Many people are signing in right now. Please try again in a few seconds."
_turn = threading.Lock()
_line_lock = threading.Lock()
_in_line = 0


class Argon2InTurn(Argon2PasswordHasher):
    """Django's Argon2, one computation at a time in each process."""

    def encode(self, password: str, salt: str) -> str:
        """Return the hash, in turn."""
        with _take_turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password matches, in turn."""
        with _take_turn():
            return super().verify(password, encoded)


@contextlib.contextmanager
def _take_turn() -> Iterator[None]:
    global _in_line  # noqa: PLW0603  the line of this process
    with _line_lock:
        _in_line += 1
    try:
        with _turn:
            yield
    finally:
        with _line_lock:
            _in_line -= 1


def is_line_full() -> bool:
    """Whether as many passwords are being checked as threads may be spent on it."""
    return _in_line >= MOST_IN_LINE
