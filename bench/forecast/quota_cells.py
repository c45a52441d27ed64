"""How well quota cells are forecast, on generated fields whose cells' ends are known.

Run by `python -m bench quota_cells`. A cell is named when it is unlikely to fill; every cut is
48 hours or more before the end, so each name comes at least two days ahead.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.forecast.fields.generated_cells import CellsField, cells_field
from bench.shared.figure import Figure
from dashboard.fielding.forecast.cells import (
    CellsForecast,
    CellState,
    forecast_cells,
    sum_of_open_cells,
)
from dashboard.fielding.forecast.group_forecast import Forecast, forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput

FIELDS = 300
LEAST_NAMED = 0.6


class Outcome(NamedTuple):
    """An open cell at the cut: whether its range held its end, was it named, did it end short."""

    covered: bool
    named: bool
    short: bool


def figures() -> list[Figure]:
    """Coverage of cells and of their groups, precision and reach of the names."""
    fields = [field for seed in range(FIELDS) if _has_open_cell(field := cells_field(seed))]
    forecasts = forecast_many([_open_input(field) for field in fields])
    replays = [
        (field, _forecast(field, outlook)) for field, outlook in zip(fields, forecasts, strict=True)
    ]
    outcomes = [outcome for field, cells in replays for outcome in _outcomes(field, cells)]
    covered = float(np.mean([outcome.covered for outcome in outcomes]))
    named = [outcome for outcome in outcomes if outcome.named]
    short = [outcome for outcome in outcomes if outcome.short]
    precision = float(np.mean([outcome.short for outcome in named]))
    reach = float(np.mean([outcome.named for outcome in short]))
    held = [
        cells.at_end.p10 <= field.totals[:, -1].sum() <= cells.at_end.p90
        for field, cells in replays
    ]
    group = float(np.mean(held))
    return [
        Figure("cells_coverage", covered, "0.72..0.90", 0.72 <= covered <= 0.90, "open cells"),
        Figure("cells_group_coverage", group, "0.72..0.90", 0.72 <= group <= 0.90, "their groups"),
        Figure(
            "cells_named_precision",
            precision,
            ">=0.85",
            precision >= 0.85,
            f"{len(named)} cells named 48 hours or more ahead",
        ),
        Figure(
            "cells_named_of_short",
            reach,
            f">={LEAST_NAMED:g}",
            reach >= LEAST_NAMED,
            f"of {len(short)} cells that ended short",
        ),
    ]


def _has_open_cell(field: CellsField) -> bool:
    return bool((field.totals[:, field.known] < field.limits).any())


def _cells(field: CellsField) -> list[CellState]:
    now = field.totals[:, field.known]
    return [
        CellState(str(place), limit, count)
        for place, (limit, count) in enumerate(zip(field.limits, now, strict=True))
    ]


def _open_input(field: CellsField) -> ForecastInput:
    cells = _cells(field)
    history = sum_of_open_cells(cells, field.histories())
    goal = sum(cell.limit for cell in cells if cell.room > 0)
    return ForecastInput(history, goal, field.now, field.ends_at, field.zone)


def _forecast(field: CellsField, open_cells: Forecast) -> CellsForecast:
    return forecast_cells(
        _cells(field),
        open_cells=open_cells,
        goal=field.goal,
        completes=float(field.totals[:, field.known].sum()),
        now=field.now,
        ends_at=field.ends_at,
    )


def _outcomes(field: CellsField, forecast: CellsForecast) -> Sequence[Outcome]:
    ends = zip(forecast.cells, field.totals[:, -1], field.limits, strict=True)
    return [
        Outcome(cell.at_end.p10 <= end <= cell.at_end.p90, cell.ends_short, bool(end < limit))
        for cell, end, limit in ends
        if cell.cell.room > 0
    ]
