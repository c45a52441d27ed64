"""The exchange's what-if of a launched group: the completes that it expects at several CPIs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class WhatIfState(StrEnum):
    """Whether there are points to use; only the first two have any."""

    READ = "read"  # at most an hour old
    OUT_OF_DATE = "out of date"  # older; the exchange could not be asked again
    NOT_OFFERED = "not offered"  # asking again does not help
    COULD_NOT_READ = "could not read"  # asking again may help
    NOT_ASKED = "not asked"  # nothing is stored, and nothing was sent


class CellRange(Struct, frozen=True):
    """The completes of one quota by the end date, and its share of the group in percent (0-100)."""

    profile: str
    name: str
    low: int
    high: int
    share: tuple[float, float] | None = None


class SupplierRange(Struct, frozen=True):
    """The completes of a group of suppliers by the end date; private: not the open exchange."""

    name: str
    low: int
    high: int
    is_private: bool = False


class WhatIfPoint(Struct, frozen=True):
    """The completes of the whole group by the end date at one CPI, collected ones included.

    That collected completes are included is our reading of the contract, which does not say.
    `suggested_cpi`: the price that the exchange suggests for this case, in the group's currency.
    """

    cpi: Decimal
    low: int
    high: int
    read_at: datetime
    suggested_cpi: Decimal | None = None
    cells: tuple[CellRange, ...] = ()
    supplier_groups: tuple[SupplierRange, ...] = ()


class WhatIf(Struct, frozen=True):
    """What the exchange expects of a group, by CPI from low to high.

    `reason`: a sentence on what is missing, empty if nothing is. `missing`: CPIs without a point.
    """

    state: WhatIfState
    currency: str
    points: tuple[WhatIfPoint, ...] = ()
    missing: tuple[Decimal, ...] = ()
    reason: str = ""

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of the points was read; None without any."""
        return min((point.read_at for point in self.points), default=None)
