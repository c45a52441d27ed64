"""A rate card: what an interview costs by its length and its incidence rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.fielding.domain.money import minor_digits


@dataclass(frozen=True, slots=True)
class RateCard:
    """Prices in `currency` by minutes (rows) and IR in % (columns); bound, or only predicted."""

    currency: str
    minutes: Sequence[float]
    percents: Sequence[float]
    prices: Sequence[Sequence[Decimal]]
    bound: bool

    def cell(self, minutes: float | None, share: float | None) -> tuple[int, int] | None:
        """Row and column of an interview this long (minutes) at this IR (0–1).

        A row reaches up to its minutes, a column down to its IR; beyond the table its edge counts.
        """
        if minutes is None or share is None:
            return None
        rows = range(len(self.minutes))
        fitting = [row for row in rows if self.minutes[row] >= minutes]
        longest = max(rows, key=lambda row: self.minutes[row])
        row = min(fitting, key=lambda row: self.minutes[row], default=longest)
        columns = range(len(self.percents))
        reached = [column for column in columns if self.percents[column] <= share * 100 + 1e-9]
        lowest = min(columns, key=lambda column: self.percents[column])
        column = max(reached, key=lambda column: self.percents[column], default=lowest)
        return row, column

    def neighbours(self, cell: tuple[int, int]) -> list[tuple[int, int]]:
        """Return the cells above, below, left and right of a cell that exist."""
        row, column = cell
        around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        return [
            (r, c) for r, c in around if 0 <= r < len(self.prices) and 0 <= c < len(self.percents)
        ]


# Any: stored JSON, whose shape is checked here.
def read_rate_card(stored: Any) -> RateCard | None:
    """A card as it is stored; None where there is none, or it is no whole table."""
    if not isinstance(stored, Mapping):
        return None
    minutes, percents, prices = (stored.get(key) for key in ("minutes", "percents", "prices"))
    if not minutes or not percents or not prices:
        return None
    if len(prices) != len(minutes) or any(len(row) != len(percents) for row in prices):
        return None
    currency = str(stored.get("currency") or "").upper()
    # The contract does not name the unit: the currency's minor unit is our assumption.
    digits = minor_digits(currency)
    return RateCard(
        currency=currency,
        minutes=minutes,
        percents=percents,
        prices=[[Decimal(str(price)).scaleb(-digits) for price in row] for row in prices],
        bound=bool(stored.get("bound")),
    )
