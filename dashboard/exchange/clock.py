"""Clock and random source as arguments: the real ones here, controlled ones in tests."""

import time
from typing import Protocol


class Clock(Protocol):
    """Use `monotonic` for intervals and `time` for moments."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""


class SystemClock:
    """This machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some moment, never jumping."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)


class Chance(Protocol):
    """A source of jitter, such as `random.Random`."""

    def random(self) -> float:
        """A number from 0 up to 1."""
