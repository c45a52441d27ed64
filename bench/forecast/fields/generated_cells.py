"""Fields with quota cells, cut at a moment, with what each cell had at the end.

People arrive in waves or steadily, fall into cells by shares that are not those of the limits
and that drift from day to day, and a full cell sends them away. In half of the fields one cell
trickles: its people are far rarer than the quota has it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.forecast.fields.chance import Floats

HOUR = timedelta(hours=1)
WALK, SCATTER = 0.3, 0.25  # sd of the log of the day's rate, of a share


@dataclass(frozen=True, slots=True)
class CellsField:
    """limits, totals by hour (cells, hours + 1) of one field, cut after `known` hours."""

    start: datetime
    limits: Floats
    totals: Floats
    known: int
    goal: float
    zone: ZoneInfo

    @property
    def now(self) -> datetime:
        return self.start + self.known * HOUR

    @property
    def ends_at(self) -> datetime:
        return self.start + (self.totals.shape[1] - 1) * HOUR

    def histories(self) -> list[list[tuple[datetime, float]]]:
        """(end of hour, cumulative completes) of each cell up to the cut."""
        stamps = [self.start + hour * HOUR for hour in range(self.known + 1)]
        return [
            list(zip(stamps, row.tolist(), strict=True)) for row in self.totals[:, : self.known + 1]
        ]


def cells_field(seed: int) -> CellsField:
    """4 to 8 cells, 6 to 20 days, cut at 25 to 75 % of them and 48 hours or more before the end."""
    rng = np.random.default_rng([seed, 2113])
    days = int(rng.integers(6, 21))
    hours, number = days * 24, int(rng.integers(4, 9))
    goal = float(np.round(np.exp(rng.uniform(np.log(150), np.log(1500)))))
    wanted = rng.dirichlet(np.full(number, 8.0))
    share = wanted * np.exp(rng.normal(0, 0.35, number))
    if rng.random() < 0.5:
        share[int(rng.integers(number))] *= rng.uniform(0.2, 0.6)
    share /= share.sum()
    clock = (np.arange(hours) + rng.integers(24)) % 24
    level = np.cumsum(rng.normal(0, WALK * rng.random(), days))
    level += rng.normal(0, 0.17, days) - 0.5 * level.var()
    rate = np.repeat(np.exp(level), 24) * (0.2 + np.exp(-0.5 * ((clock - 19) / 4) ** 2))
    rate *= goal * rng.uniform(0.9, 2.0) / rate.sum()
    daily = share[:, None] * np.exp(rng.normal(0, SCATTER, (number, days)))
    arrivals = rng.poisson(rate * np.repeat(daily / daily.sum(axis=0), 24, axis=1))
    limits = np.ceil(goal * wanted)
    totals = np.minimum(np.cumsum(arrivals, axis=1), limits[:, None])
    totals = np.concatenate((np.zeros((number, 1)), totals), axis=1)
    known = int(min(rng.uniform(0.25, 0.75) * hours, hours - 48))
    start = datetime(2026, 2, 2, int(rng.integers(24)), tzinfo=UTC) + timedelta(
        days=int(rng.integers(0, 200))
    )
    return CellsField(start, limits, totals, known, float(limits.sum()), ZoneInfo("Europe/Berlin"))
