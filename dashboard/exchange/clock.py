"""Time and chance as arguments: the real ones here, fast and certain ones in tests."""

import time
from typing import Protocol


class Clock(Protocol):
    """Intervals come from `monotonic`, moments from `time`."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        """Seconds since some moment, never jumping."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)


class Chance(Protocol):
    """A source of jitter, such as `random.Random`."""

    def random(self) -> float:
        """A number from 0 up to 1."""
