"""Real fields from public replication data, cut at 25, 40 and 60 % of their time.

`data/README.md` names the sources. The goal is the final count. Where the last 2 % of the
completes took over a quarter of the time, the field ends when 98 % of them were in.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from bench.forecast.fields.chance import Floats
from bench.forecast.fields.generated_fields import Field

DATA = Path(__file__).parent / "data" / "real_fields.jsonl"
CUTS = (0.25, 0.40, 0.60)
OPEN = frozenset({"social-ads", "open-link", "surveymonkey"})  # no panel behind them
SHORTEST = 24  # hours; a field of a few hours has no history to cut
TAIL, TAIL_TIME = 0.98, 0.25
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RealField:
    """One field: completes of each hour from `start` (UTC)."""

    id: str
    source: str  # the repository
    panel: str
    zone: str
    start: datetime
    hourly: Floats

    @property
    def is_long(self) -> bool:
        """Whether it took a day or more."""
        return self.hourly.size >= SHORTEST

    @property
    def is_panel(self) -> bool:
        """Whether a panel or an exchange delivered it."""
        return self.panel not in OPEN


@dataclass(frozen=True, slots=True)
class Cut:
    """A real field up to a moment, with its truth."""

    real: RealField
    share: float
    field: Field


@cache
def real_fields() -> tuple[RealField, ...]:
    """All fields of the file, each cut off where its last 2 % became a trickle."""
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return tuple(
        RealField(
            row["id"],
            row["source"].split(":")[1],
            row["panel"],
            row["zone"],
            datetime.fromisoformat(row["start"]),
            without_trickle(np.array(row["hourly"], dtype=float)),
        )
        for row in rows
    )


def without_trickle(hourly: Floats) -> Floats:
    """The hours until 98 % of the completes were in, if the rest took over a quarter of them."""
    total = np.cumsum(hourly)
    end = int(np.searchsorted(total, TAIL * total[-1])) + 1
    return hourly[:end] if hourly.size - end > TAIL_TIME * hourly.size else hourly


def cut_field(real: RealField, share: float, *, goal: float | None = None) -> Cut:
    """The field up to a share of its time; goal: the final count unless another is given."""
    known = max(1, int(share * real.hourly.size))
    total = np.cumsum(real.hourly)
    stamps = [real.start + (i + 1) * HOUR for i in range(real.hourly.size)]
    history = [(real.start, 0.0)]
    history += [(stamps[i], float(total[i])) for i in range(known)]
    return Cut(
        real,
        share,
        Field(
            process=real.panel,
            history=history,
            goal=int(total[-1]) if goal is None else int(goal),
            starts_at=real.start,
            now=stamps[known - 1],
            ends_at=stamps[-1],
            zone=ZoneInfo(real.zone),
            pauses=(),
            truth=float(total[-1]),
            finish=stamps[-1],
            futures=np.empty(0),
        ),
    )


def panel_cuts(shares: tuple[float, ...] = CUTS) -> list[Cut]:
    """Every cut of every panel field of a day or more."""
    return [
        cut_field(real, share)
        for real in real_fields()
        if real.is_panel and real.is_long
        for share in shares
    ]
