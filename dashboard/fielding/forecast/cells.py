"""What quota cells let through: a forecast and a chance for each, and the one that holds it up.

People arrive at the group's own rate and fall into a cell by that cell's share; a full cell
sends its people away, and no other cell gets them. So a group ends with the sum of what each
cell can still take, and a group whose rate is ample ends short all the same where one cell stays
empty. Shares of open cells are read from their completes, all of which came while they were
open, and are drawn to the shares of their limits while there are few (a Dirichlet distribution).

Where a group asks several quota questions, each person falls into one cell of each, and the
group gets what the question that lets least through lets through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

import numpy as np

from dashboard.fielding.forecast.group_forecast import Forecast
from dashboard.fielding.forecast.joint import Percentiles, spread_ends
from dashboard.fielding.series.readings import Floats, Reading

DRAWS = 1000
LEVELS = (0.1, 0.5, 0.9)
LIMITS_WORTH = 8.0  # completes that the shares of the limits are worth as a guess
SHARE_DRIFTS = 0.15  # sd of the log of a share: it is never quite the one of before
SHORT_BELOW = 0.15  # chance to fill under which a cell is named
LATEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class CellState:
    """A cell of a quota question: completes at which it closes, completes so far."""

    name: str
    limit: float
    completes: float
    question: str = ""

    @property
    def room(self) -> float:
        """Completes that it still takes."""
        return max(0.0, self.limit - self.completes)


@dataclass(frozen=True, slots=True)
class CellForecast:
    """Completes of a cell at the end date, at most its limit; chance: that it fills (0–1).

    full_at: when it fills by the even bet, None when not within 90 days. ends_short: it is so
    unlikely to fill that it is named.
    """

    cell: CellState
    at_end: Percentiles
    chance: float
    full_at: datetime | None
    ends_short: bool


@dataclass(frozen=True, slots=True)
class CellsForecast:
    """Every cell, what they let through together (completes of the group at the end, at most
    its goal), the chance of the group's goal, and the cell that holds the field up: the open
    cell that fills last, if another one fills before the end or it stays short; None without one.
    """

    cells: tuple[CellForecast, ...]
    at_end: Percentiles
    chance: float
    last_to_fill: CellForecast | None


def sum_of_open_cells(
    cells: Sequence[CellState], histories: Sequence[Sequence[Reading]]
) -> list[Reading]:
    """The cumulative completes of the cells that are still open: the history to forecast from.

    histories: (end of interval, cumulative completes) of each cell. The group's own count also
    holds cells that are full, whose people no longer count.
    """
    totals: dict[datetime, float] = {}
    for cell, history in zip(cells, histories, strict=True):
        if cell.room > 0:
            for moment, count in history:
                totals[moment] = totals.get(moment, 0.0) + count
    return sorted(totals.items())


def forecast_cells(
    cells: Sequence[CellState],
    *,
    open_cells: Forecast,
    goal: float,
    completes: float,
    now: datetime,
    ends_at: datetime,
) -> CellsForecast:
    """The forecast of each cell, and of the group as its cells let it through.

    open_cells: the forecast of the completes of the cells of one question that are open
    (`sum_of_open_cells`), or of the group where no cell has filled yet; completes, goal: of the
    group. The answer is the same for the same figures. ValueError for negative limits or counts.
    """
    if any(cell.limit < 0 or cell.completes < 0 for cell in cells):
        raise ValueError("limits and completes of a cell are not negative")
    questions = list(dict.fromkeys(cell.question for cell in cells))
    rng = np.random.default_rng(_seed(cells, open_cells))
    luck = rng.standard_normal(DRAWS)
    results: dict[int, CellForecast] = {}
    through = np.full(DRAWS, max(goal - completes, 0.0))
    for question in questions:
        places = [place for place, cell in enumerate(cells) if cell.question == question]
        asked = [cells[place] for place in places]
        arrivals = _arrivals(asked, open_cells, luck, rng)
        room = np.array([[cell.room] for cell in asked])
        taken = np.minimum(arrivals, room)
        through = np.minimum(through, taken.sum(axis=0))
        for place, row in zip(places, range(len(asked)), strict=True):
            results[place] = _cell_forecast(
                cells[place], arrivals[row], taken[row], now=now, ends_at=ends_at
            )
    forecasts = tuple(results[place] for place in range(len(cells)))
    return CellsForecast(
        forecasts,
        Percentiles(*(completes + np.quantile(through, LEVELS)).tolist()),
        float((completes + through >= goal).mean()),
        _last_to_fill(forecasts, ends_at),
    )


def _seed(cells: Sequence[CellState], open_cells: Forecast) -> int:
    figures = [(cell.limit, cell.completes) for cell in cells]
    ends = open_cells.completes_at_end_p10, open_cells.completes_at_end_p90
    return crc32(np.array([*figures, ends]).tobytes())


def _arrivals(
    cells: Sequence[CellState], outlook: Forecast, luck: Floats, rng: np.random.Generator
) -> Floats:
    """Completes that would come for each cell if none were full: (cells, draws)."""
    is_open = np.array([cell.room > 0 for cell in cells])
    counts = np.array([cell.completes for cell in cells])
    limits = np.array([cell.limit for cell in cells])
    now = float(counts[is_open].sum())
    ends = np.array(
        [outlook.completes_at_end_p10, outlook.completes_at_end_p50, outlook.completes_at_end_p90]
    )
    coming = np.maximum(spread_ends(now, ends, luck) - now, 0.0)
    guess = LIMITS_WORTH * limits / max(float(limits[is_open].sum()), 1e-9)
    shares = rng.standard_gamma((counts + guess)[:, None], (len(cells), luck.size))
    shares *= np.exp(SHARE_DRIFTS * rng.standard_normal(shares.shape))
    shares *= is_open[:, None]
    shares /= np.maximum(shares.sum(axis=0), 1e-9)
    return np.asarray(rng.poisson(shares * coming), dtype=np.float64)


def _cell_forecast(
    cell: CellState, arrivals: Floats, taken: Floats, *, now: datetime, ends_at: datetime
) -> CellForecast:
    chance = float((arrivals >= cell.room).mean())
    middle = float(np.median(arrivals))
    wait: timedelta | None = timedelta(0)
    if cell.room > 0:
        wait = (ends_at - now) * (cell.room / middle) if middle > 0 else None
    full_at = now + wait if wait is not None and wait <= LATEST else None
    at_end = Percentiles(*(cell.completes + np.quantile(taken, LEVELS)).tolist())
    return CellForecast(cell, at_end, chance, full_at, chance < SHORT_BELOW)


def _last_to_fill(cells: Sequence[CellForecast], ends_at: datetime) -> CellForecast | None:
    """The open cell that is least likely to fill, if it holds the field up."""
    is_open = [forecast for forecast in cells if forecast.cell.room > 0]
    if not is_open:
        return None
    last = min(is_open, key=lambda forecast: forecast.chance)
    another_fills = any(
        forecast is not last and forecast.full_at is not None and forecast.full_at < ends_at
        for forecast in cells
    )
    return last if another_fills or last.chance < 0.5 else None
