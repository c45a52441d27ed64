"""Fields made by processes that the forecast does not know, cut at a moment, with their truth.

None of them is a Gamma–Poisson rate times a shape: respondents excite one another, invitation
waves decay by a power law, quota cells run full one by one, offices close, prices step. Those
of `real_traits` wander as real fieldwork does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.forecast.fields import real_traits
from bench.forecast.fields.chance import Chance, Floats
from dashboard.fielding.series.pace import SoftLaunch

Pauses = tuple[tuple[datetime, datetime], ...]

ZONES = ("Europe/Madrid", "America/Chicago", "Asia/Tokyo", "Asia/Kolkata", "Australia/Adelaide")


@dataclass(frozen=True, slots=True)
class Field:
    """A field up to `now`, and what came after: the count at the end, the finish if any.

    futures: counts at the end that were as likely as the truth, drawn by the process itself
    from the moment of the cut on.
    """

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
    futures: Floats
    turns: tuple[datetime, ...] = ()  # when its price was changed
    soft_launch: SoftLaunch | None = None


@dataclass(frozen=True, slots=True)
class _Clock:
    """The hours of a field in its own zone: index, hour of the day, weekday, all (hours,)."""

    index: Floats
    hour: Floats
    weekday: Floats


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


def _steady(chance: Chance, rate: Floats, _clock: _Clock) -> Floats:
    return chance.batches(rate, chance.rng.uniform(1.0, 1.4))


def _bursty(chance: Chance, rate: Floats, _clock: _Clock) -> Floats:
    """Each complete brings followers over the next hours (a branching process)."""
    excite, decay = chance.rng.uniform(0.3, 0.6), chance.rng.uniform(0.3, 0.7)
    counts, heat = np.zeros((chance.paths, rate.size)), np.zeros(chance.paths)
    for hour, base in enumerate(rate):
        counts[:, hour] = chance.hour(hour, base * (1 - excite) + heat)
        heat = heat * (1 - decay) + excite * decay * counts[:, hour]
    return counts


def _front_loaded(chance: Chance, rate: Floats, clock: _Clock) -> Floats:
    """One invitation wave: the rate falls by a power of time."""
    fall = (1 + clock.index / chance.rng.uniform(12, 60)) ** -chance.rng.uniform(0.3, 0.9)
    return chance.batches(rate * fall / fall[: chance.known].mean(), 1.1)


def _stalled(chance: Chance, rate: Floats, clock: _Clock) -> Floats:
    """A broken link for some hours, then as before."""
    begin, last = chance.rng.uniform(0.2, 0.9) * chance.known, chance.rng.uniform(8, 48)
    broken = (clock.index > begin) & (clock.index < begin + last)
    return chance.batches(np.where(broken, 0.02 * rate, rate), 1.1)


def _weekday_only(chance: Chance, rate: Floats, clock: _Clock) -> Floats:
    """Business people: office hours from Monday to Friday."""
    office = (clock.hour >= 8) & (clock.hour < 18)
    open_at = np.where(clock.weekday < 5, np.where(office, 2.2, 0.15), 0.02)
    return chance.batches(rate * open_at, 1.1)


def _price_steps(chance: Chance, rate: Floats, clock: _Clock) -> Floats:
    """One or two price edits before now, each moving the rate for good."""
    for _ in range(int(chance.rng.integers(1, 3))):
        at = chance.rng.uniform(0.15, 0.95) * chance.known
        chance.turns.append(at)
        rate = np.where(clock.index > at, rate * chance.rng.choice([0.6, 1.5, 1.8, 2.2]), rate)
    return chance.batches(rate, 1.2)


def _exhausted(chance: Chance, rate: Floats, _clock: _Clock) -> Floats:
    """Quota cells of unequal size that take people until each runs full."""
    share = chance.rng.dirichlet(np.full(6, 4.0))
    room = rate.sum() * chance.rng.dirichlet(np.full(6, 4.0)) * chance.rng.uniform(0.9, 1.8)
    room = np.tile(np.ceil(room), (chance.paths, 1))
    counts = np.zeros((chance.paths, rate.size))
    for hour, base in enumerate(rate):
        came = np.minimum(chance.hour(hour, np.tile(base * share, (chance.paths, 1))), room)
        room -= came
        counts[:, hour] = came.sum(axis=1)
    return counts


def _moody(chance: Chance, rate: Floats, clock: _Clock) -> Floats:
    """Good and bad days that follow one another at random."""
    days = chance.rng.choice([0.7, 1.0, 1.35], size=(chance.paths, int(clock.index.size / 24) + 2))
    begun = chance.known // 24 + 1
    days[:, :begun] = days[0, :begun]
    return chance.batches(rate * days[:, (clock.index / 24).astype(np.int64)], 1.1)


Process = Callable[[Chance, Floats, _Clock], Floats]
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
REAL_TRAITS: dict[str, Process] = {
    "wandering rate": real_traits.wandering,
    "soft launch, then silence": real_traits.soft_launch,
    "batch releases": real_traits.batches,
    "tail, re-opened": real_traits.tail_reopened,
    "quota trickle": real_traits.quota_trickle,
}


def _paused(rng: np.random.Generator, rate: Floats, stamps: list[datetime], known: int) -> Pauses:
    """One pause before now, of 10 to 95 hours; the rate is nothing meanwhile."""
    begin = int(rng.uniform(0.1, 0.75) * known)
    last = min(int(rng.integers(10, 96)), known - begin - 3)
    rate[begin : begin + last] = 0.0
    return ((stamps[begin] - timedelta(hours=1), stamps[begin + last - 1]),)


def field(process: str, seed: int, *, futures: int = 0) -> Field:
    """One field of a process: 5–21 days from working hours to an evening, cut anywhere."""
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
    )
    rate = _day_shape(rng, clock)
    rate *= np.exp(rng.uniform(np.log(12), np.log(250))) / 24 / rate.mean()
    pauses = _paused(rng, rate, stamps, known) if process == "pauses" else ()
    chance = Chance(rng, known, futures + 1, hours)
    paths = np.cumsum((PROCESSES | REAL_TRAITS)[process](chance, rate, clock), axis=1)
    total = paths[0]
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
        futures=paths[1:, -1],
        turns=tuple(starts_at + timedelta(hours=at) for at in chance.turns),
        soft_launch=_soft_launch(chance, total, goal, starts_at),
    )


def _soft_launch(
    chance: Chance, total: Floats, goal: int, starts_at: datetime
) -> SoftLaunch | None:
    """The soft launch as the exchange would tell of it: its end, its share of the goal."""
    if not chance.launch:
        return None
    full, ends = chance.launch
    share = max(1.0, total[int(full)]) / goal
    return SoftLaunch(starts_at + timedelta(hours=ends), float(share))
