"""How well quota cells are forecast, on generated fields whose cells' ends are known.

Run by `python -m bench quota_cells`. A cell is named when it is unlikely to fill; every cut is
48 hours or more before the end, so each name comes at least two days ahead. Three times: with the
history of each cell; as the product has it, with the counts of now, the group's own series and the
hour in which each cell was first seen full; and where nobody saw any cell fill.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bench.forecast.backtest import below
from bench.forecast.fields.generated_cells import HOUR, CellsField, cells_field
from bench.shared.figure import Figure
from dashboard.fielding.forecast.cells import (
    CellsForecast,
    CellState,
    forecast_cells,
    sum_of_open_cells,
    without_full_cells,
)
from dashboard.fielding.forecast.group_forecast import forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.series.readings import History, clean_history

FIELDS = 300
LEAST_NAMED = 0.6
LEVELS = np.array([0.1, 0.5, 0.9])


class Outcome(NamedTuple):
    """An open cell at the cut: whether its range held its end, was it named, did it end short."""

    covered: bool
    named: bool
    short: bool


class Replay(NamedTuple):
    """A field, and what its cells were forecast to let through."""

    field: CellsField
    cells: CellsForecast

    @property
    def end(self) -> float:
        return float(self.field.totals[:, -1].sum())


def figures() -> list[Figure]:
    """Coverage of cells and of their groups, precision and reach of the names, by what is known
    of the cells; and the loss of groups over the loss of a forecast that knows no cells."""
    fields = [field for seed in range(FIELDS) if _has_open_cell(field := cells_field(seed))]
    replays = {
        "cells": _replay(fields, _sum_of_histories),
        "cells_as_read": _replay(fields, _own_series),
        "cells_fills_unseen": _replay(fields, _unchanged_series),
    }
    without = _loss_without_cells(fields)
    return [
        figure
        for name, rows in replays.items()
        for figure in (*_figures_of(name, rows), _loss_figure(name, rows, without))
    ]


def _replay(
    fields: Sequence[CellsField], history_of: Callable[[CellsField], History]
) -> list[Replay]:
    """Forecast each field from a history of its open cells."""
    questions = [_open_input(field, history_of(field)) for field in fields]
    return [
        Replay(
            field,
            forecast_cells(
                _cells(field),
                open_cells=outlook,
                counted=_last_count(question.history, field),
                goal=field.goal,
                completes=float(field.totals[:, field.known].sum()),
                now=field.now,
                ends_at=field.ends_at,
            ),
        )
        for field, question, outlook in zip(
            fields, questions, forecast_many(questions), strict=True
        )
    ]


def _figures_of(name: str, replays: Sequence[Replay]) -> list[Figure]:
    outcomes = [outcome for replay in replays for outcome in _outcomes(replay)]
    covered = float(np.mean([outcome.covered for outcome in outcomes]))
    named = [outcome for outcome in outcomes if outcome.named]
    short = [outcome for outcome in outcomes if outcome.short]
    precision = float(np.mean([outcome.short for outcome in named]))
    reach = float(np.mean([outcome.named for outcome in short]))
    held = [r.cells.at_end.p10 <= r.end <= r.cells.at_end.p90 for r in replays]
    group = float(np.mean(held))
    ahead = f"{len(named)} cells named 48 hours or more ahead"
    of_short = f"of {len(short)} cells that ended short"
    return [
        Figure(f"{name}_coverage", covered, "0.72..0.90", 0.72 <= covered <= 0.90, "open cells"),
        Figure(f"{name}_group_coverage", group, "0.72..0.90", 0.72 <= group <= 0.90, "groups"),
        Figure(f"{name}_named_precision", precision, ">=0.85", precision >= 0.85, ahead),
        Figure(f"{name}_named", reach, f">={LEAST_NAMED:g}", reach >= LEAST_NAMED, of_short),
    ]


def _loss_figure(name: str, replays: Sequence[Replay], without: float) -> Figure:
    loss = float(np.mean([_loss(r.cells.at_end, r.end, r.field.goal) for r in replays]))
    return below(f"{name}_loss_to_without", loss / without, 1.0, "groups, capped at their goals")


def _loss_without_cells(fields: Sequence[CellsField]) -> float:
    """The mean loss of forecasts that know the group's series and its goal only."""
    questions = [
        replace(_open_input(field, _unchanged_series(field)), goal=field.goal) for field in fields
    ]
    losses = []
    for field, outlook in zip(fields, forecast_many(questions), strict=True):
        ends = (
            outlook.completes_at_end_p10,
            outlook.completes_at_end_p50,
            outlook.completes_at_end_p90,
        )
        end = float(field.totals[:, -1].sum())
        losses.append(_loss(np.minimum(ends, field.goal), end, field.goal))
    return float(np.mean(losses))


def _loss(ends: Sequence[float] | np.ndarray, truth: float, goal: float) -> float:
    """The pinball losses of the three percentiles added up, over the goal."""
    miss = truth - np.asarray(ends)
    return float(np.maximum(LEVELS * miss, (LEVELS - 1) * miss).sum() / goal)


def _has_open_cell(field: CellsField) -> bool:
    return bool((field.totals[:, field.known] < field.limits).any())


def _cells(field: CellsField) -> list[CellState]:
    past = field.totals[:, : field.known + 1]
    return [
        CellState(
            str(place),
            limit,
            row[-1],
            full_since=field.start + int(np.argmax(row >= limit)) * HOUR
            if row[-1] >= limit
            else None,
        )
        for place, (limit, row) in enumerate(zip(field.limits, past, strict=True))
    ]


def _sum_of_histories(field: CellsField) -> History:
    return sum_of_open_cells(_cells(field), field.histories())


def _own_series(field: CellsField) -> History:
    """The group's own series, with the full cells taken out from when they were seen full."""
    series = clean_history(_unchanged_series(field), field.now.timestamp())
    return without_full_cells(series, _cells(field))


def _unchanged_series(field: CellsField) -> History:
    return [
        (field.start + hour * HOUR, float(total))
        for hour, total in enumerate(field.totals[:, : field.known + 1].sum(axis=0))
    ]


def _last_count(history: History, field: CellsField) -> float:
    read = clean_history(history, field.now.timestamp())
    return float(read.count[-1]) if read.count.size else 0.0


def _open_input(field: CellsField, history: History) -> ForecastInput:
    """The question of the open cells: what they can still take is their goal."""
    room = sum(cell.room for cell in _cells(field))
    goal = _last_count(history, field) + room
    return ForecastInput(history, goal, field.now, field.ends_at, field.zone)


def _outcomes(replay: Replay) -> Sequence[Outcome]:
    field = replay.field
    ends = zip(replay.cells.cells, field.totals[:, -1], field.limits, strict=True)
    return [
        Outcome(cell.at_end.p10 <= end <= cell.at_end.p90, cell.ends_short, bool(end < limit))
        for cell, end, limit in ends
        if cell.cell.room > 0
    ]
