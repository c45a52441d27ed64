"""What a forecast needs to know, and a group's readings laid out for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

import numpy as np

from dashboard.fielding.series.pace import SoftLaunch
from dashboard.fielding.series.readings import (
    HOUR,
    Floats,
    History,
    Pause,
    Readings,
    Record,
    as_zone,
    clean_history,
    epoch_seconds,
    live_hours,
    utc_datetime,
)
from dashboard.fielding.series.weekly_shape import Prior, prior_shape

NO_END = 28.0  # days until which completes are counted when there is no end date
PLANNED = 60.0  # days: an end that is further away says nothing about the rate
LOST_MOST, LOST_WORTH = 0.5, 1.4  # what was taken back so far came of fewer completes than now
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class ForecastInput:
    """What a forecast needs to know of one group; all datetimes aware.

    history: (end of interval, cumulative completes), hourly if possible; gaps, repeats and
    falls are allowed. goal: completes. pauses: (from, until) when the group was or will not
    be live, until = None when it still is not. prior: of its project and country. rate_changes:
    when its price, filling strategy or re-entry was changed. soft_launch: once its share of the
    goal is in, the exchange lets nobody in until it ends.
    """

    history: History
    goal: float
    now: datetime
    ends_at: datetime | None
    zone: tzinfo | str
    pauses: Sequence[Pause] = ()
    prior: Prior | None = None
    rate_changes: Sequence[datetime] = ()
    soft_launch: SoftLaunch | None = None


class PreparedInput(NamedTuple):
    """An input with its readings laid out: times in seconds since 1970."""

    question: ForecastInput
    now: float
    end: float
    start: float  # of the forecast: the last reading, or now when there is none
    read: Readings
    record: Record
    base: Floats
    zone: tzinfo
    changes: Floats
    halts: Sequence[Pause]  # pauses, and the wait for the end of a soft launch

    @property
    def completes(self) -> float:
        """The count of the last reading, 0 without one."""
        return float(self.read.count[-1]) if self.read.count.size else 0.0

    @property
    def planned(self) -> float:
        """Completes a day that the prior, or else the plan, takes to be likely."""
        prior = self.question.prior
        if prior is not None and prior.daily is not None:
            return prior.daily
        began = float(self.read.at[0]) if self.read.at.size else self.now
        days = min(max((self.end - began) / DAY, 1.0), PLANNED)
        return max(1.0, self.question.goal) / days

    @property
    def lost(self) -> float:
        """The share (0–0.5) of what comes that reconciliation may take back: as much as it took
        so far, once it did more than once."""
        rises = np.diff(self.read.count)
        fell = rises < 0
        falls = np.count_nonzero(fell)
        if falls < 2:
            return 0.0
        share = -rises[fell].sum() / max(float(rises[~fell].sum()), 1.0)
        return float(min(LOST_MOST, LOST_WORTH * share * (falls - 1) / falls))

    @property
    def is_over(self) -> bool:
        """Whether the end date has passed."""
        return self.question.ends_at is not None and self.end <= max(self.start, self.now)

    @property
    def knows_rate(self) -> bool:
        """Whether anything but the plan says how fast the group is."""
        prior = self.question.prior
        has_speed = prior is not None and prior.daily is not None
        return has_speed or bool(self.record.counts.sum() > 0)


def as_count(goal: object) -> float:
    """A goal as a number; ValueError for what is no count."""
    try:
        count = float(str(goal))
    except ValueError:
        count = math.nan
    if not 0 <= count < math.inf:
        raise ValueError(f"a goal is a number of completes, not {goal!r}")
    return count


def prepare_input(question: ForecastInput) -> PreparedInput:
    """Clean the readings and lay them on live hours."""
    as_count(question.goal)
    now = epoch_seconds(question.now, "now")
    zone = as_zone(question.zone)
    read = clean_history(question.history, now)
    base = prior_shape(question.prior)
    halts = [*question.pauses, *_soft_launch_waits(question, read)]
    hours = live_hours(read, zone=zone, pauses=halts, shape=base)
    end = now + NO_END * DAY
    if question.ends_at is not None:
        end = epoch_seconds(question.ends_at, "ends_at")
    start = float(read.at[-1]) if read.at.size else now
    changes = [epoch_seconds(at, "rate_changes") for at in question.rate_changes]
    past = np.array([at for at in changes if at <= now])
    return PreparedInput(question, now, end, start, read, hours, base, zone, past, halts)


def _soft_launch_waits(question: ForecastInput, read: Readings) -> list[Pause]:
    """From when a soft launch had its share of the goal until it ends, if it ever had."""
    launch = question.soft_launch
    if launch is None or not read.at.size:
        return []
    full = np.flatnonzero(read.count >= max(1.0, launch.share * question.goal))
    if not full.size:
        return []
    begins = utc_datetime(float(read.at[full[0]]))
    return [(begins, launch.ends_at)] if begins < launch.ends_at else []
