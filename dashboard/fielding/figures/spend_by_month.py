"""How much of a group's cost falls in which month.

The exchange reports one cost to date. Each complete was bought at the CPI of its hour, and the
changelog has the CPI's steps, so a month costs its completes at the prices of its hours. A month
that is reconciled keeps that; what the exchange's cost differs by is in the months that are still
open. The parts add up to the exchange's cost exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.series.readings import Readings

Month = str  # "2026-11" (UTC); empty where nothing says when
_MICRO = Decimal("0.000001")


class PriceStep(NamedTuple):
    """The CPI from a moment on."""

    at: datetime
    cpi: Decimal


class MonthSpend(NamedTuple):
    """The completes of a month, and what they cost."""

    completes: int
    cost: Decimal


def split_by_month(
    series: Readings,
    prices: Sequence[PriceStep],
    *,
    completes: int,
    cost: Decimal,
    began: datetime | None,
    now: datetime,
    ended: datetime | None = None,
    final_before: Month = "",
) -> dict[Month, MonthSpend]:
    """Split completes and cost over months (UTC).

    series: cumulative completes; between two readings they are taken to have come evenly, so a gap
    at a month's end is shared by both months. prices: in order of time, the first one for all
    before it too; empty: one average price. completes and cost: as the exchange reports them now.
    ended: when the last complete came, if the exchange says so. final_before: months before this
    one are reconciled, and keep their price.
    """
    if began is None:
        return {"": MonthSpend(completes, cost)}
    ended = min(ended or now, now)
    began = min(began, ended)
    bounds = month_starts(began, ended)
    months = [f"{start:%Y-%m}" for start in bounds[:-1]]
    curve = _curve(series, completes=completes, began=began, ended=ended)
    counts = np.round(_count_at(curve, bounds)).tolist()
    gained = [int(after - before) for before, after in pairwise(counts)]
    raw = [_cost_between(curve, prices, span) for span in pairwise(bounds)] if prices else gained
    parts = _fit([Decimal(part) for part in raw], months, cost, final_before if prices else "")
    split = {
        month: MonthSpend(number, part)
        for month, number, part in zip(months, gained, parts, strict=True)
        if number or part
    }
    return split or {months[0]: MonthSpend(completes, cost)}


def month_starts(began: datetime, ended: datetime) -> list[datetime]:
    """Return the starts of the months (UTC) from `began` to `ended`, and of the one after."""
    day = began.astimezone(UTC).date().replace(day=1)
    starts = [day]
    while starts[-1] <= ended.astimezone(UTC).date():
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return [_midnight(start) for start in starts]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _curve(series: Readings, *, completes: int, began: datetime, ended: datetime) -> Readings:
    """Return the series from 0 at its beginning to the exchange's count, never above that."""
    known = (series.at > began.timestamp()) & (series.at < ended.timestamp())
    at = np.concatenate(([began.timestamp()], series.at[known], [ended.timestamp()]))
    count = np.concatenate(([0.0], series.count[known], [float(completes)]))
    if not known.any():  # nothing says when: all of it just came
        at = np.array([ended.timestamp() - 1, ended.timestamp()])
        count = np.array([0.0, float(completes)])
    return Readings(at, np.minimum(count, completes))


def _count_at(curve: Readings, moments: Sequence[datetime]) -> NDArray[np.float64]:
    counts: NDArray[np.float64] = np.interp(
        [moment.timestamp() for moment in moments], curve.at, curve.count
    )
    return counts


def _cost_between(
    curve: Readings, prices: Sequence[PriceStep], span: tuple[datetime, datetime]
) -> Decimal:
    """The completes of a month at the prices of their hours."""
    start, end = span
    inside = [step for step in prices if start < step.at < end]
    before = [step.cpi for step in prices if step.at <= start] or [prices[0].cpi]
    cpis = [before[-1], *(step.cpi for step in inside)]
    counts = np.round(_count_at(curve, [start, *(step.at for step in inside), end])).tolist()
    return sum(
        (cpi * int(high - low) for cpi, (low, high) in zip(cpis, pairwise(counts), strict=True)),
        Decimal(0),
    )


def _fit(
    weights: Sequence[Decimal], months: Sequence[Month], cost: Decimal, final_before: Month
) -> list[Decimal]:
    """Parts that add up to the cost: reconciled months at their prices, the rest in the others."""
    fixed = [month < final_before for month in months]
    settled = sum(
        (part for part, is_fixed in zip(weights, fixed, strict=True) if is_fixed), Decimal(0)
    )
    total = sum(weights, Decimal(0))
    if total - settled <= 0 or cost < settled:  # nothing is open, or Cint reports less: share it
        fixed, settled = [False] * len(weights), Decimal(0)
    if total - settled <= 0:
        return [Decimal(0)] * (len(weights) - 1) + [cost]
    parts = [
        part if is_fixed else (part * (cost - settled) / (total - settled)).quantize(_MICRO)
        for part, is_fixed in zip(weights, fixed, strict=True)
    ]
    last = max(place for place, is_fixed in enumerate(fixed) if not is_fixed)
    parts[last] += cost - sum(parts, Decimal(0))
    return parts
