"""The gate for all processes and machines of an account, in Redis.

Redis holds hints only. While it is away, every process follows the gate's rules by itself, with its
part of the budget, and returns to Redis on its own.
"""

import math
import random
from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard.exchange.clock import Chance, Clock, SystemClock
from dashboard.exchange.errors import CircuitOpen
from dashboard.exchange.limits.gate import GatePolicy, LocalGate

T = TypeVar("T")

REDIS_TIMEOUT = 0.3
REDIS_RETRY_SECONDS = 5.0
# Seconds for which "go" is valid without a budget; after that, other workers' pauses are noticed.
GO_VALID_SECONDS = 0.1
EXPIRE_SECONDS = 86_400

# Every script reads one hash: free (when the next request is due), paused, rest (until), level,
# failures, why (paused). Times are seconds, by the clock of Redis unless another clock is given.
_PREAMBLE = """
if redis.replicate_commands then redis.replicate_commands() end
local now = tonumber(ARGV[1])
if now < 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local function get(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local function set(name, value)
  redis.call('HSET', KEYS[1], name, string.format('%.6f', value))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
local function rest()
  local level = get('level')
  local whole = math.min(tonumber(ARGV[3]) * 2 ^ math.min(level, 30), tonumber(ARGV[4]))
  set('rest', now + whole * (0.8 + 0.2 * tonumber(ARGV[5])))
  set('level', level + 1)
end
"""

_ADMIT = (
    _PREAMBLE
    + """
local resting, failures = get('rest'), get('failures')
if resting > now then return {'rest', string.format('%.6f', resting - now), 1} end
local interval, burst = tonumber(ARGV[6]), tonumber(ARGV[7])
local free = get('free')
local paused = get('paused') - now
local wait = math.max(paused, free - now - interval * (burst - 1))
if wait > 0 then
  local why = paused > 0 and redis.call('HGET', KEYS[1], 'why') or ''
  return {'wait', string.format('%.6f', wait), 1, why}
end
if interval > 0 then set('free', math.max(free, now) + interval) end
if resting > 0 then rest() end
local troubled = 0
if resting > 0 or failures > 0 then troubled = 1 end
return {'go', '0', troubled}
"""
)

_PAUSE = (
    _PREAMBLE
    + """
local until_then = now + tonumber(ARGV[3])
if until_then > get('paused') then
  set('paused', until_then)
  redis.call('HSET', KEYS[1], 'why', ARGV[4])
end
return 1
"""
)

_SUCCEEDED = "redis.call('HDEL', KEYS[1], 'rest', 'level', 'failures') return 1"

_FAILED = (
    _PREAMBLE
    + """
local failures = get('failures') + 1
set('failures', failures)
if get('rest') == 0 and failures >= tonumber(ARGV[6]) then rest() end
return 1
"""
)


def connect_redis(url: str) -> "redis.Redis":
    """A Redis client that gives up within a second and never retries."""
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return client


class RedisGate:
    """A gate for all workers of an account; falls back to a local one while Redis is away."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        account: str,
        policy: GatePolicy | None = None,
        processes: int = 1,
        clock: Clock | None = None,
        chance: Chance | None = None,
    ) -> None:
        """`client`: from `connect_redis`. Without `clock` the time is that of Redis.

        While Redis is away, each of the `processes` that share the budget uses its part.
        """
        self._policy = policy or GatePolicy()
        self._shared_clock = clock
        self._clock = clock or SystemClock()
        self._chance = chance or random.Random()  # noqa: S311
        self._local = LocalGate(
            self._policy.part(processes), clock=self._clock, chance=self._chance
        )
        self._key = f"fieldwatch:gate:{account}"
        self._admit = client.register_script(_ADMIT)
        self._pause = client.register_script(_PAUSE)
        self._succeeded = client.register_script(_SUCCEEDED)
        self._failed = client.register_script(_FAILED)
        self._away_until = -math.inf
        self._go_until = -math.inf
        self._troubled = True
        self.why = ""

    def admit(self) -> float:
        """Seconds to wait, 0.0: send now. Raises CircuitOpen while the breaker is open."""
        policy = self._policy
        if self._clock.monotonic() < self._go_until:
            return 0.0
        rest = self._rest_arguments()
        answer = self._try(
            lambda: self._admit(
                keys=[self._key], args=[*self._now(), *rest, policy.interval, policy.burst]
            )
        )
        if answer is None:
            wait = self._local.admit()
            self.why = self._local.why
            return wait
        kind, seconds, troubled, *why = answer
        self.why = str(why[0]) if why else ""
        self._troubled = bool(troubled)
        if kind == "rest":
            raise CircuitOpen(retry_after=float(seconds))
        if kind == "go" and not (policy.interval or self._troubled):
            self._go_until = self._clock.monotonic() + GO_VALID_SECONDS
        return float(seconds)

    def pause(self, seconds: float, *, why: str = "") -> None:
        """Pause all requests for `seconds`, capped by the policy."""
        self._local.pause(seconds, why=why)
        self._go_until = -math.inf
        capped = min(seconds, self._policy.longest_pause)
        self._try(lambda: self._pause(keys=[self._key], args=[*self._now(), capped, why]))

    def succeeded(self) -> None:
        """Close the breaker for all workers; calls Redis only after failures."""
        self._local.succeeded()
        if self._troubled:
            self._try(lambda: self._succeeded(keys=[self._key]))

    def failed(self) -> None:
        """Count a failure; too many in a row open the breaker for all workers."""
        self._local.failed()
        self._go_until, self._troubled = -math.inf, True
        arguments = [*self._now(), *self._rest_arguments(), self._policy.failures_to_open]
        self._try(lambda: self._failed(keys=[self._key], args=arguments))

    def _now(self) -> tuple[float, int]:
        return (-1.0 if self._shared_clock is None else self._shared_clock.time(), EXPIRE_SECONDS)

    def _rest_arguments(self) -> tuple[float, float, float]:
        return (self._policy.first_rest, self._policy.longest_rest, self._chance.random())

    def _try(self, call: Callable[[], T]) -> T | None:
        """The result of a Redis call; None while Redis is away, which is retried after 5 s."""
        now = self._clock.monotonic()
        if now < self._away_until:
            return None
        try:
            return call()
        except redis.RedisError:
            self._away_until = now + REDIS_RETRY_SECONDS
            return None
