"""Retry failed requests: which errors, and after how long."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

from dashboard.exchange.clock import Chance, Clock
from dashboard.exchange.errors import NoAnswer, RateLimited

T = TypeVar("T")

TRIES = 4
FIRST_WAIT = 1.0
DEFAULT_RETRY_AFTER = 10.0
LONGEST_RETRY_AFTER = 3600.0

_RETRYABLE = (NoAnswer, RateLimited)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]*)?")


def retry_after(header: str | None, *, now: float) -> float:
    """The seconds of a `Retry-After` header (decimals, or an HTTP date), at most an hour.

    10 seconds if it is missing, unreadable, negative or in the past.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return DEFAULT_RETRY_AFTER
        if seconds <= 0:
            return DEFAULT_RETRY_AFTER
    return min(seconds, LONGEST_RETRY_AFTER)


class Retries:
    """Retries with jitter, as long as the deadline leaves time for the wait."""

    def __init__(self, *, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance

    def call(self, send: Callable[[], T], *, deadline: float) -> T:
        """Call `send` until it succeeds; raises its last error."""
        attempt = 1
        while True:
            try:
                return send()
            except _RETRYABLE as exc:
                wait = self._seconds_to_wait(attempt, exc.retry_after)
                if attempt == TRIES or self._clock.monotonic() + wait >= deadline:
                    raise
            self._clock.sleep(wait)
            attempt += 1

    def _seconds_to_wait(self, attempt: int, retry_after: float | None) -> float:
        """The wait that the exchange asks for, plus a pause that grows with each attempt."""
        pause = FIRST_WAIT * 2.0 ** (attempt - 1)
        return (retry_after or 0.0) + pause * (0.5 + 0.5 * self._chance.random())
