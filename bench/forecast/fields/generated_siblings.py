"""Groups of an account whose projects and countries have levels, fades and weekends in common.

None is a model of `pooling`: levels are walks, a fade is a power of the age or a batch that
runs out, and what a project shares is drawn anew for each account.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.forecast.fields.chance import Floats

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
PROJECTS, COUNTRIES, GROUPS = 5, 4, 40
WALK, SCATTER = 0.25, 0.4  # sd a day of the log level; relative variance of a quarter day


@dataclass(frozen=True, slots=True)
class Sibling:
    """A group: its project and country, the goal, completes of every hour until its end."""

    project: str
    country: str
    start: datetime
    goal: float
    hourly: Floats

    @property
    def planned(self) -> float:
        """Completes a day by an even plan."""
        return self.goal / (self.hourly.size / 24)


def account_of_siblings(seed: int) -> list[Sibling]:
    """The groups of one account."""
    rng = np.random.default_rng([seed, 90210])
    level = rng.normal(0, 0.3) + _effects(rng, 0.5, 0.3)
    fade = rng.normal(0.4, 0.2) + _effects(rng, 0.4, 0.15)
    weekend = np.exp(rng.normal(-0.3, 0.2) + _effects(rng, 0.3, 0.2))
    return [_sibling(rng, level, fade, weekend) for _ in range(GROUPS)]


def _effects(rng: np.random.Generator, project: float, country: float) -> Floats:
    """What a project and a country add to a log: (projects, countries)."""
    return np.asarray(rng.normal(0, project, (PROJECTS, 1)) + rng.normal(0, country, COUNTRIES))


def _sibling(rng: np.random.Generator, level: Floats, fade: Floats, weekend: Floats) -> Sibling:
    project, country = int(rng.integers(PROJECTS)), int(rng.integers(COUNTRIES))
    at = project, country
    days = int(rng.integers(5, 15))
    goal = float(np.round(np.exp(rng.uniform(np.log(80), np.log(800)))))
    start = datetime(2026, 2, 2, 9, tzinfo=UTC) + timedelta(days=int(rng.integers(60)))
    local = [(start + (hour + 0.5) * HOUR).astimezone(BERLIN) for hour in range(days * 24)]
    shape = np.array([0.2 + np.exp(-0.5 * ((moment.hour - 18) / 4) ** 2) for moment in local])
    shape *= np.array([weekend[at] if moment.weekday() >= 5 else 1.0 for moment in local])
    age = np.arange(days * 24) / 24
    power = max(0.0, fade[at] + rng.normal(0, 0.15))
    drop = (1 + age) ** -power if rng.random() < 0.5 else 0.25 + np.exp(-age * power)
    walk = np.repeat(np.cumsum(rng.normal(0, WALK, days)), 24)
    worth = 1 / SCATTER
    scatter = np.repeat(rng.gamma(worth, 1 / worth, days * 4), 6)
    rate = goal / days / 24 * np.exp(level[at] + rng.normal(0, 0.2)) / shape.mean()
    hourly = rng.poisson(rate * shape * drop / drop.mean() * np.exp(walk) * scatter)
    return Sibling(f"project {project}", f"country {country}", start, goal, hourly.astype(float))
