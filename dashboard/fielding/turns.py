"""When somebody changed what moves a group's rate: a forecast is told, not left to find out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.evidence import BLOCK
from dashboard.fielding.readings import Floats, Record

PRICES = ("cpi_change", "user_requested_cpi_change")
KINDS = (*PRICES, "filling_strategy_change", "re_entry_configuration_change")
LEAST = 0.05  # a price that moves by a smaller share moves nothing that can be seen

Flags = NDArray[np.bool_]


def turned_at(changes: Iterable[tuple[datetime, str, Any, Any]]) -> list[datetime]:
    """The times of those that may move the rate, from (when, kind, old, new) of the changelog."""
    return [
        at
        for at, kind, old, new in changes
        if kind in KINDS and (kind not in PRICES or _moves(old, new))
    ]


def blocks_turned(records: Sequence[Record], turns: Sequence[Floats], blocks: int) -> Flags:
    """After which blocks a new rate may have begun: (groups, blocks), the last one ends now.

    turns: times in seconds since 1970, of each group. One that fell inside a block may have begun
    a new rate with that block or with the next; what was before the first live hour began none.
    """
    found = np.zeros((len(records), blocks), dtype=bool)
    for row, (one, at) in enumerate(zip(records, turns, strict=True)):
        if not at.size or not one.start.size:
            continue
        begun = np.searchsorted(one.start, at, side="right")
        inside = blocks - 1 - (one.start.size - begun[begun > 0]) // BLOCK
        for block in (inside - 1, inside):
            found[row, block[block >= 0]] = True
    return found


def _moves(old: Any, new: Any) -> bool:
    """Whether one price differs from another enough; so does what is no price."""
    before, after = _amount(old), _amount(new)
    return not (before > 0 and after > 0) or abs(after - before) >= LEAST * before


def _amount(value: Any) -> float:
    """A price as the changelog has it; 0 for what is none."""
    told: Any = value.get("value") if isinstance(value, Mapping) else value
    try:
        return float(told)
    except (TypeError, ValueError):
        return 0.0
