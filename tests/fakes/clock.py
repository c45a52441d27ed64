"""Time and chance that tests decide."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta


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


class QuickClock:
    """The real time, in which waiting for another try takes none."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class NappingClock:
    """The real clock with naps for the waits between two tries, and no jitter."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def random(self) -> float:
        return 0.0


@dataclass(kw_only=True)
class HandClock:
    """A clock as the product's functions take it, moved by hand and by every wait on it."""

    now: datetime
    waited: list[float] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)
