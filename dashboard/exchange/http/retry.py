"""When another try helps, and how long to wait for it."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

from dashboard.exchange.clock import Chance, Clock
from dashboard.exchange.errors import ExchangeError, NoAnswer, RateLimited

T = TypeVar("T")

TRIES = 4
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
DEFAULT_RETRY_AFTER = 10.0
LONGEST_RETRY_AFTER = 3600.0

_WORTH_A_TRY = (NoAnswer, RateLimited)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]*)?")


def retry_after(header: str | None, *, now: float) -> float:
    """Seconds that a `Retry-After` asks for (17.5 too, or an HTTP date).

    At most an hour. Nothing, garbage, a negative number or a past date: 10 seconds.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        asked = float(text)
    else:
        try:
            asked = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return DEFAULT_RETRY_AFTER
        if asked <= 0:
            return DEFAULT_RETRY_AFTER
    return min(asked, LONGEST_RETRY_AFTER)


class Retries:
    """Tries again, with jitter, as long as the deadline leaves room for the wait."""

    def __init__(self, *, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance

    def call(self, once: Callable[[], T], *, deadline: float) -> T:
        """What `once` returns in the end, or its last error."""
        try:
            return once()  # most calls succeed at once and need none of what follows
        except _WORTH_A_TRY as exc:
            failures = [exc]

        def again() -> T:
            if failures:
                raise failures.pop()
            return once()

        waits = tenacity.Retrying(
            sleep=self._clock.sleep,
            retry=tenacity.retry_if_exception_type(_WORTH_A_TRY),
            wait=self._wait,
            stop=lambda state: (
                state.attempt_number >= TRIES
                or self._clock.monotonic() + state.upcoming_sleep >= deadline
            ),
            reraise=True,
        )
        return waits(again)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.retry_after if isinstance(failure, ExchangeError) else None
        grown = min(FIRST_WAIT * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT)
        return (asked or 0.0) + grown * (0.5 + 0.5 * self._chance.random())
