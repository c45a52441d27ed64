"""Time and chance that tests decide."""

import threading


class FastClock:
    """A clock on which sleeping takes no time; every sleep is written down."""

    def __init__(self, now: float = 1_760_000_000.0) -> None:
        self._lock = threading.Lock()
        self.now = now
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


class NoChance:
    """Always the same: the middle."""

    def random(self) -> float:
        return 0.5
