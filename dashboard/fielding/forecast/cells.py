"""What quota cells let through: a forecast and a chance for each, and the one that holds it up.

People arrive at the group's own rate and fall into a cell by that cell's share; a full cell
sends its people away, and no other cell gets them. So a group ends with the sum of what each
cell can still take, and a group whose rate is ample ends short all the same where one cell stays
empty. Shares of open cells are read from their completes, all of which came while they were
open, and are drawn to the shares of their limits while there are few (a Dirichlet distribution).

Where a group asks several quota questions, each person falls into one cell of each, and the
group gets what the question that lets least through lets through.

The exchange gives the counts of cells as they are now and not their histories, so the history of
the open cells is the group's own with the part of the full ones taken out, up to the moment at
which they were first seen full (`without_full_cells`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zlib import crc32

import numpy as np

from dashboard.fielding.forecast.group_forecast import Forecast
from dashboard.fielding.forecast.joint import Percentiles, spread_ends
from dashboard.fielding.series.readings import CleanReadings, Floats, Reading

DRAWS = 501
RANKS = (50, 250, 450)  # of sorted draws: p10, p50, p90
LIMITS_WORTH = 8.0  # completes that the shares of the limits are worth as a guess
SHARE_DRIFTS = 0.15  # sd of the log of a share: it is never quite the one of before
SHORT_BELOW = 0.15  # chance to fill under which a cell is named
LATEST = timedelta(days=90)
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class CellState:
    """A cell of a quota question: completes at which it closes, completes so far.

    full_since: when it was first seen full, None while it is open and where nobody saw it.
    """

    name: str
    limit: float
    completes: float
    question: str = ""
    full_since: datetime | None = None

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


class QuotaDelays(NamedTuple):
    """How many times as long the goal takes as it would without quotas (1 or more, inf: it is
    not reached at all): at the early, the middle and the late end of the range."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class CellsForecast:
    """Every cell, what they let through together (completes of the group at the end, at most
    its goal), the chance of the group's goal, by how much they delay it, and the cell that the
    field waits for: the open one that fills last, if another one fills before the end.
    """

    cells: tuple[CellForecast, ...]
    at_end: Percentiles
    chance: float
    delays: QuotaDelays
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


def without_full_cells(series: CleanReadings, cells: Sequence[CellState]) -> CleanReadings:
    """The group's own series as if its full cells had never taken anybody.

    Up to the moment at which the last cell of a question was first seen full, only the part that
    its open cells had by then counts. Where nobody saw a cell fill, the series stays as it is.
    """
    if not series.at.size:
        return series
    kept = np.ones(series.at.size)
    for question in dict.fromkeys(cell.question for cell in cells):
        asked = [cell for cell in cells if cell.question == question]
        filled = [cell.full_since for cell in asked if cell.room <= 0 and cell.full_since]
        if not filled:
            continue
        before = int(np.searchsorted(series.at, max(filled).timestamp(), side="right"))
        had = float(series.count[before - 1]) if before else 0.0
        is_open = sum(cell.completes for cell in asked if cell.room > 0)
        had_open = is_open - (float(series.count[-1]) - had)
        kept[:before] *= min(max(had_open / had, 0.0), 1.0) if had else 1.0
    rises = np.diff(series.count, prepend=0.0) * kept
    return CleanReadings(series.at, np.cumsum(rises))


def forecast_cells(
    cells: Sequence[CellState],
    *,
    open_cells: Forecast,
    counted: float,
    goal: float,
    completes: float,
    now: datetime,
    ends_at: datetime,
) -> CellsForecast:
    """The forecast of each cell, and of the group as its cells let it through.

    open_cells: the forecast of a history without the cells that are full (`sum_of_open_cells`,
    `without_full_cells`); counted: the completes in that history; completes, goal: of the group.
    The answer is the same for the same figures. ValueError for negative limits or counts.
    """
    if any(cell.limit < 0 or cell.completes < 0 for cell in cells):
        raise ValueError("limits and completes of a cell are not negative")
    rng = np.random.default_rng(_seed(cells, open_cells))
    coming = _coming(open_cells, counted, rng.standard_normal(DRAWS))
    by_question: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        by_question.setdefault(cell.question, []).append(place)
    rooms = {
        question: np.array([[cells[place].room] for place in places])
        for question, places in by_question.items()
    }
    missing = max(goal - completes, 0.0)
    wanted = without_rounding(missing, list(rooms.values()))
    results: dict[int, CellForecast] = {}
    through, waits, free = np.full(DRAWS, missing), np.zeros(DRAWS), np.zeros(DRAWS)
    for question, places in by_question.items():
        room = rooms[question]
        arrivals = _arrivals([cells[place] for place in places], coming, rng)
        through = np.minimum(through, np.minimum(arrivals, room).sum(axis=0))
        waits = np.maximum(waits, wait_until_taken(arrivals, room, wanted))
        free = np.maximum(free, wanted / np.maximum(arrivals.sum(axis=0), _NOTHING))
        chances = (arrivals >= room).mean(axis=1).tolist()
        ranges = np.sort(arrivals, axis=1)[:, [*RANKS]].tolist()
        for place, chance, ranked in zip(places, chances, ranges, strict=True):
            results[place] = _cell_forecast(
                cells[place], Percentiles(*ranked), chance, now=now, ends_at=ends_at
            )
    through = np.where(through >= wanted, missing, through)
    forecasts = tuple(results[place] for place in range(len(cells)))
    return CellsForecast(
        forecasts,
        Percentiles(*(completes + np.sort(through)[[*RANKS]]).tolist()),
        float((through >= missing).mean()),
        _delays(waits, free),
        _last_to_fill(forecasts, ends_at),
    )


def _seed(cells: Sequence[CellState], open_cells: Forecast) -> int:
    figures = [(cell.limit, cell.completes) for cell in cells]
    ends = open_cells.completes_at_end_p10, open_cells.completes_at_end_p90
    return crc32(np.array([*figures, ends]).tobytes())


def _coming(outlook: Forecast, counted: float, luck: Floats) -> Floats:
    """Completes to come if no cell filled any more, for normal scores (draws)."""
    ends = np.array(
        [outlook.completes_at_end_p10, outlook.completes_at_end_p50, outlook.completes_at_end_p90]
    )
    return np.maximum(spread_ends(counted, ends, luck) - counted, 0.0)


def without_rounding(missing: float, rooms: Sequence[Floats]) -> float:
    """Completes that are missing to the goal, as far as the goals of cells were rounded down."""
    for room in rooms:
        least = float(room.sum())
        if least < missing <= least + len(room):
            missing = least
    return missing


def _arrivals(cells: Sequence[CellState], coming: Floats, rng: np.random.Generator) -> Floats:
    """Completes that would come for each cell if none were full: (cells, draws)."""
    is_open = np.array([cell.room > 0 for cell in cells])
    shares = draw_shares(cells, coming.size, rng) * is_open[:, None]
    return np.asarray(rng.poisson(shares * coming), dtype=np.float64)


def draw_shares(cells: Sequence[CellState], draws: int, rng: np.random.Generator) -> Floats:
    """Arrivals for each cell of a question over those for all of its open cells: (cells, draws)."""
    is_open = np.array([cell.room > 0 for cell in cells])
    counts = np.array([cell.completes for cell in cells])
    limits = np.array([cell.limit for cell in cells])
    guess = LIMITS_WORTH * limits / max(float(limits[is_open].sum()), 1e-9)
    shares = rng.standard_gamma((counts + guess)[:, None], (len(cells), draws))
    shares *= np.exp(SHARE_DRIFTS * rng.standard_normal(shares.shape))
    shares /= np.maximum(shares[is_open].sum(axis=0), 1e-9)
    return np.asarray(shares)


def wait_until_taken(arrivals: Floats, room: Floats, wanted: float) -> Floats:
    """How often the time to the end passes until the cells of a question have taken what is
    wanted (draws); inf where they never do. Each takes its arrivals evenly until it is full."""
    fills = np.where(room > 0, room / np.maximum(arrivals, _NOTHING), 0.0)
    order = fills.argsort(axis=0)
    fills, arriving = (np.take_along_axis(values, order, 0) for values in (fills, arrivals))
    full = np.take_along_axis(np.broadcast_to(room, arrivals.shape), order, 0).cumsum(axis=0)
    rate = np.maximum(arriving.sum(axis=0) - arriving.cumsum(axis=0), 0.0)
    taken = full + fills * rate
    place = (taken < wanted - _NOTHING).sum(axis=0)
    draws = np.arange(place.size)
    never = (place == room.shape[0]) | (arriving.sum(axis=0) <= 0)
    place = np.minimum(place, room.shape[0] - 1)
    before = np.where(place > 0, full[place - 1, draws], 0.0)
    speed = np.where(place > 0, rate[place - 1, draws], arriving.sum(axis=0))
    return np.where(never & (wanted > 0), np.inf, (wanted - before) / np.maximum(speed, _NOTHING))


def _delays(waits: Floats, free: Floats) -> QuotaDelays:
    """The waits with quotas over those without them, at each level."""
    late, usual = (np.sort(values)[[*RANKS]] for values in (waits, free))
    return QuotaDelays(*np.maximum(late / np.maximum(usual, _NOTHING), 1.0).tolist())


def _cell_forecast(
    cell: CellState, arrivals: Percentiles, chance: float, *, now: datetime, ends_at: datetime
) -> CellForecast:
    """arrivals: completes that would come until the end if the cell took them all."""
    wait: timedelta | None = timedelta(0)
    if cell.room > 0:
        wait = (ends_at - now) * (cell.room / arrivals.p50) if arrivals.p50 > 0 else None
    full_at = now + wait if wait is not None and wait <= LATEST else None
    at_end = Percentiles(*(cell.completes + min(count, cell.room) for count in arrivals))
    return CellForecast(cell, at_end, chance, full_at, chance < SHORT_BELOW)


def _last_to_fill(cells: Sequence[CellForecast], ends_at: datetime) -> CellForecast | None:
    """The open cell that is least likely to fill, if another one fills before the end."""
    is_open = [forecast for forecast in cells if forecast.cell.room > 0]
    if not is_open:
        return None
    last = min(is_open, key=lambda forecast: forecast.chance)
    another_fills = any(
        forecast is not last and forecast.full_at is not None and forecast.full_at < ends_at
        for forecast in cells
    )
    return last if another_fills else None
