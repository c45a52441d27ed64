"""When a group reaches its goal, and how many completes it has at its end: both as ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from dashboard.fielding.readings import Pause, Reading, Readings
from dashboard.fielding.rhythm import Prior

Confidence = Literal["none", "low", "medium", "high"]
History = Sequence[Reading] | Readings


@dataclass(frozen=True, slots=True)
class Question:
    """What a forecast needs to know of one group; all datetimes aware.

    history: (end of interval, cumulative completes); goal in completes; pauses: (from, until)
    when the group was not live, until = None when it still is not.
    """

    history: History
    goal: float
    now: datetime
    ends_at: datetime | None
    zone: ZoneInfo | str
    pauses: Sequence[Pause] = ()
    prior: Prior | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Finish (UTC; None = not before the horizon; p10 is the early one) and completes at the end.

    completes_at_end is not capped at the goal. chance: that the goal is met by the end (0–1).
    confidence and note say in words how far to trust it.
    """

    goal: float
    finish_p10: datetime | None
    finish_p50: datetime | None
    finish_p90: datetime | None
    completes_at_end_p10: float
    completes_at_end_p50: float
    completes_at_end_p90: float
    chance: float
    confidence: Confidence
    note: str

    @property
    def short_p50(self) -> float:
        """Completes missing at the end, 0 when the goal is met."""
        return max(0.0, self.goal - self.completes_at_end_p50)


def forecast(  # noqa: PLR0913 - one group's whole question, each part by its name
    history: History,
    *,
    goal: float,
    now: datetime,
    ends_at: datetime | None,
    zone: ZoneInfo | str,
    pauses: Sequence[Pause] = (),
    prior: Prior | None = None,
) -> Forecast:
    """The forecast of one group: see forecast_many, which is the same for a table of them."""
    return forecast_many([Question(history, goal, now, ends_at, zone, pauses, prior)])[0]


def forecast_many(questions: Sequence[Question]) -> list[Forecast]:
    """The forecast of each group, in order."""
    raise NotImplementedError
