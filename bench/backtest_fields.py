"""Fields made by processes that the forecast does not know, cut at a moment, with their truth.

None of them is a Gamma–Poisson rate times a shape: respondents excite one another, invitation
waves decay by a power law, quota cells run full one by one, offices close, prices step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pauses = tuple[tuple[datetime, datetime], ...]

ZONES = ("Europe/Madrid", "America/Chicago", "Asia/Tokyo", "Asia/Kolkata", "Australia/Adelaide")


@dataclass(frozen=True, slots=True)
class Field:
    """A field up to `now`, and what came after: the count at the end, the finish if any."""

    process: str
    history: list[tuple[datetime, float]]
    goal: int
    starts_at: datetime
    now: datetime
    ends_at: datetime
    zone: ZoneInfo
    pauses: Pauses
    truth: float
    finish: datetime | None


@dataclass(frozen=True, slots=True)
class _Clock:
    """The hours of a field in its own zone: index, hour of the day, weekday, all (hours,)."""

    index: Floats
    hour: Floats
    weekday: Floats
    known: int  # hours that lie before now


def _day_shape(rng: np.random.Generator, clock: _Clock) -> Floats:
    """Panel habits: a lunch and an evening hump over a quiet night, weekends of their own."""
    lunch, evening = rng.uniform(11, 14), rng.uniform(18, 21.5)
    humps = [
        height * np.exp(-0.5 * (((clock.hour - at + 12) % 24 - 12) / width) ** 2)
        for height, at, width in ((rng.uniform(0.4, 1), lunch, 3.0), (1.0, evening, 2.5))
    ]
    shape = rng.uniform(0.03, 0.25) + humps[0] + humps[1]
    weekend = np.where(clock.weekday >= 5, rng.uniform(0.5, 1.25), 1.0)
    return np.asarray(shape * weekend)


def _counts(rng: np.random.Generator, rate: Floats, batch: float) -> Floats:
    """Completes that arrive in batches (mean size `batch`), so their dispersion is above 1."""
    arrivals = rng.poisson(rate / batch)
    extra = rng.poisson(arrivals * (batch - 1.0))
    return np.asarray(arrivals + extra, dtype=np.float64)


def _steady(rng: np.random.Generator, rate: Floats, _clock: _Clock) -> Floats:
    return _counts(rng, rate, rng.uniform(1.0, 1.4))


def _bursty(rng: np.random.Generator, rate: Floats, _clock: _Clock) -> Floats:
    """Each complete brings followers over the next hours (a branching process)."""
    excite, decay = rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.7)
    counts, heat = np.zeros(rate.size), 0.0
    for hour, base in enumerate(rate):
        counts[hour] = rng.poisson(base * (1 - excite) + heat)
        heat = heat * (1 - decay) + excite * decay * counts[hour]
    return counts


def _front_loaded(rng: np.random.Generator, rate: Floats, clock: _Clock) -> Floats:
    """One invitation wave: the rate falls by a power of time."""
    fall = (1 + clock.index / rng.uniform(12, 60)) ** -rng.uniform(0.3, 0.9)
    return _counts(rng, rate * fall / fall[: clock.known].mean(), 1.1)


def _stalled(rng: np.random.Generator, rate: Floats, clock: _Clock) -> Floats:
    """A broken link for some hours, then as before."""
    begin, last = rng.uniform(0.2, 0.9) * clock.known, rng.uniform(8, 48)
    broken = (clock.index > begin) & (clock.index < begin + last)
    return _counts(rng, np.where(broken, 0.02 * rate, rate), 1.1)


def _weekday_only(rng: np.random.Generator, rate: Floats, clock: _Clock) -> Floats:
    """Business people: office hours from Monday to Friday."""
    office = (clock.hour >= 8) & (clock.hour < 18)
    return _counts(rng, rate * np.where(clock.weekday < 5, np.where(office, 2.2, 0.15), 0.02), 1.1)


def _price_steps(rng: np.random.Generator, rate: Floats, clock: _Clock) -> Floats:
    """One or two price edits before now, each moving the rate for good."""
    for _ in range(int(rng.integers(1, 3))):
        at = rng.uniform(0.15, 0.95) * clock.known
        rate = np.where(clock.index > at, rate * rng.choice([0.6, 1.5, 1.8, 2.2]), rate)
    return _counts(rng, rate, 1.2)


def _exhausted(rng: np.random.Generator, rate: Floats, _clock: _Clock) -> Floats:
    """Quota cells of unequal size that take people until each runs full."""
    share = rng.dirichlet(np.full(6, 4.0))
    room = rate.sum() * rng.dirichlet(np.full(6, 4.0)) * rng.uniform(0.9, 1.8)
    counts = np.zeros(rate.size)
    for hour, base in enumerate(rate):
        came = np.minimum(rng.poisson(base * share), np.ceil(room))
        room = np.maximum(room - came, 0.0)
        counts[hour] = came.sum()
    return counts


def _moody(rng: np.random.Generator, rate: Floats, clock: _Clock) -> Floats:
    """Good and bad days that follow one another at random."""
    days = rng.choice([0.7, 1.0, 1.35], size=int(clock.index.size / 24) + 2)
    return _counts(rng, rate * days[(clock.index / 24).astype(np.int64)], 1.1)


Process = Callable[[np.random.Generator, Floats, _Clock], Floats]
PROCESSES: dict[str, Process] = {
    "steady": _steady,
    "bursty": _bursty,
    "front-loaded": _front_loaded,
    "stalled and revived": _stalled,
    "weekday-only": _weekday_only,
    "price steps": _price_steps,
    "pauses": _steady,
    "quota exhaustion": _exhausted,
    "good and bad days": _moody,
}


def _paused(rng: np.random.Generator, rate: Floats, stamps: list[datetime], known: int) -> Pauses:
    """One pause before now, of 10 to 95 hours; the rate is nothing meanwhile."""
    begin = int(rng.uniform(0.1, 0.75) * known)
    last = min(int(rng.integers(10, 96)), known - begin - 3)
    rate[begin : begin + last] = 0.0
    return ((stamps[begin] - timedelta(hours=1), stamps[begin + last - 1]),)


def field(process: str, seed: int) -> Field:
    """One field of a process: 5–21 days from a weekday morning to an evening, cut anywhere."""
    rng = np.random.default_rng([seed, *process.encode()])
    zone = ZoneInfo(str(rng.choice(ZONES)))
    local = datetime(2026, 1, 5, int(rng.integers(8, 17)), tzinfo=zone)
    local += timedelta(days=int(rng.integers(0, 300)))
    ends = local + timedelta(days=int(rng.integers(5, 22)))
    starts_at = local.astimezone(UTC).replace(minute=0)
    ends_at = ends.replace(hour=int(rng.choice([18, 23]))).astimezone(UTC).replace(minute=0)
    hours = int((ends_at - starts_at) / timedelta(hours=1))
    known = int(min(rng.uniform(0.2, 0.9) * hours, 14 * 24))
    stamps = [starts_at + timedelta(hours=i + 1) for i in range(hours)]
    places = [(stamp - timedelta(minutes=30)).astimezone(zone) for stamp in stamps]
    clock = _Clock(
        np.arange(hours, dtype=np.float64),
        np.array([p.hour for p in places], dtype=np.float64),
        np.array([p.weekday() for p in places], dtype=np.float64),
        known,
    )
    rate = _day_shape(rng, clock)
    rate *= np.exp(rng.uniform(np.log(12), np.log(250))) / 24 / rate.mean()
    pauses = _paused(rng, rate, stamps, known) if process == "pauses" else ()
    total = np.cumsum(PROCESSES[process](rng, rate, clock))
    goal = max(10, int(total[-1] * np.exp(rng.normal(0, 0.3))))
    met = np.flatnonzero(total >= goal)
    return Field(
        process=process,
        history=[(stamps[i], float(total[i])) for i in range(known)],
        goal=goal,
        starts_at=starts_at,
        now=stamps[known - 1],
        ends_at=ends_at,
        zone=zone,
        pauses=pauses,
        truth=float(total[-1]),
        finish=stamps[int(met[0])] if met.size else None,
    )
