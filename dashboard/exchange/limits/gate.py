"""The gate of an exchange account: request budget, requested pauses, and circuit breaker.

Every request asks the gate first. The gate returns the seconds to wait (for the budget of requests
a minute, or a `Retry-After` that another worker got), or raises CircuitOpen while requests are
paused after repeated failures. When that rest is over, exactly one request goes through as a probe;
the next, longer rest begins with it, and only the probe's success ends it.
"""

import random
import threading
from typing import Protocol

from msgspec import Struct, structs

from dashboard.exchange.clock import Chance, Clock, SystemClock
from dashboard.exchange.errors import CircuitOpen


class GatePolicy(Struct, frozen=True, kw_only=True):
    """The limits of a gate; times in seconds."""

    requests_per_minute: int | None = None
    failures_to_open: int = 5
    first_rest: float = 5.0
    longest_rest: float = 300.0
    longest_pause: float = 3600.0

    @property
    def burst(self) -> int:
        """The number of requests that may be sent together after a quiet time."""
        return max(1, (self.requests_per_minute or 0) // 10)

    @property
    def interval(self) -> float:
        """Seconds between requests once the burst is spent; no minute exceeds the budget."""
        rate = self.requests_per_minute
        return 0.0 if rate is None else 60.0 / max(1, rate - self.burst)

    def part(self, processes: int) -> "GatePolicy":
        """The same with one process's part of the budget: at least one request a minute."""
        budget = self.requests_per_minute
        rate = None if budget is None else max(1, budget // max(1, processes))
        return structs.replace(self, requests_per_minute=rate)

    def rest(self, level: int, chance: float) -> float:
        """Seconds to rest after `level` failed probes: doubled, capped, spread by up to a fifth."""
        longest = min(self.first_rest * 2.0 ** min(level, 30), self.longest_rest)
        return longest * (0.8 + 0.2 * chance)


class Gate(Protocol):
    """The gate as the transport uses it; shared by all workers of an account."""

    def admit(self) -> float:
        """Seconds to wait, 0.0: send now. Raises CircuitOpen while the breaker is open."""

    def pause(self, seconds: float, *, why: str = "") -> None:
        """Pause all requests for `seconds`, capped by the policy, because the exchange asked."""

    @property
    def why(self) -> str:
        """Why the last request had to wait, as given to `pause`; empty if for the budget."""

    def succeeded(self) -> None:
        """Note that a request was answered."""

    def failed(self) -> None:
        """Note that a request got no answer, or an error of the exchange."""


class LocalGate:
    """A gate for the threads of one process."""

    def __init__(
        self,
        policy: GatePolicy | None = None,
        *,
        clock: Clock | None = None,
        chance: Chance | None = None,
    ) -> None:
        self._policy = policy or GatePolicy()
        self._clock = clock or SystemClock()
        self._chance = chance or random.Random()  # noqa: S311
        self._lock = threading.Lock()
        self._next_free = 0.0
        self._paused_until = 0.0
        self._why = self.why = ""
        self._failures = 0
        self._resting_until: float | None = None
        self._level = 0

    def admit(self) -> float:
        """Seconds to wait, 0.0: send now. Raises CircuitOpen while the breaker is open."""
        with self._lock:
            now = self._clock.monotonic()
            if self._resting_until is not None and now < self._resting_until:
                raise CircuitOpen(retry_after=self._resting_until - now)
            wait = max(self._paused_until - now, self._over_budget(now))
            self.why = self._why if self._paused_until > now else ""
            if wait > 0:
                return wait
            if self._policy.interval:
                self._next_free = max(self._next_free, now) + self._policy.interval
            if self._resting_until is not None:
                self._rest(now)
            return 0.0

    def pause(self, seconds: float, *, why: str = "") -> None:
        """Pause all requests for `seconds`, capped by the policy."""
        with self._lock:
            until = self._clock.monotonic() + min(seconds, self._policy.longest_pause)
            if until > self._paused_until:
                self._paused_until, self._why = until, why

    def succeeded(self) -> None:
        """Close the breaker and forget the failures."""
        if self._failures or self._resting_until is not None:
            with self._lock:
                self._failures = self._level = 0
                self._resting_until = None

    def failed(self) -> None:
        """Count a failure; too many in a row open the breaker."""
        with self._lock:
            self._failures += 1
            if self._resting_until is None and self._failures >= self._policy.failures_to_open:
                self._rest(self._clock.monotonic())

    def _over_budget(self, now: float) -> float:
        interval = self._policy.interval
        return self._next_free - now - interval * (self._policy.burst - 1)

    def _rest(self, now: float) -> None:
        self._resting_until = now + self._policy.rest(self._level, self._chance.random())
        self._level += 1
