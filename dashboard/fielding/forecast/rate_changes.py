"""When somebody changed what moves a group's rate: the forecast reads it from the changelog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.forecast.rates.evidence import BLOCK
from dashboard.fielding.series.readings import Floats, Record

PRICES = (
    ChangelogKind.CPI,
    ChangelogKind.USER_REQUESTED_CPI,
    ChangelogKind.PRIVATE_EXCHANGE_CPI,
)
KINDS = (
    *PRICES,
    ChangelogKind.FILLING_STRATEGY,
    ChangelogKind.RE_ENTRY_CONFIGURATION,
    ChangelogKind.PACING_ASSISTANCE,
    ChangelogKind.PACING_LINEAR_INCREMENT_INTERVAL,
    ChangelogKind.PACING_ADAPTIVE_INCREMENT_INTERVAL,
)
LEAST = Decimal("0.05")  # a price that moves by a smaller share moves nothing that can be seen

Flags = NDArray[np.bool_]


def rate_change_times(changes: Iterable[tuple[datetime, str, object, object]]) -> list[datetime]:
    """Return the times of changes that may move the rate; changes: (when, kind, old, new)."""
    return [
        at
        for at, kind, old, new in changes
        if kind in KINDS and (kind not in PRICES or _moves_the_rate(old, new))
    ]


def changed_blocks(records: Sequence[Record], changes: Sequence[Floats], blocks: int) -> Flags:
    """Return after which blocks a new rate may have begun: (groups, blocks), the last ends now.

    changes: times in seconds since 1970, of each group. One that fell inside a block may have begun
    a new rate with that block or with the next; one before the first live hour began none.
    """
    changed = np.zeros((len(records), blocks), dtype=bool)
    for row, (record, at) in enumerate(zip(records, changes, strict=True)):
        if not at.size or not record.start.size:
            continue
        begun = np.searchsorted(record.start, at, side="right")
        inside = blocks - 1 - (record.start.size - begun[begun > 0]) // BLOCK
        for block in (inside - 1, inside):
            changed[row, block[block >= 0]] = True
    return changed


def _moves_the_rate(old: object, new: object) -> bool:
    """Return whether two prices differ enough to show; what is no price always does."""
    before, after = price_from_changelog(old), price_from_changelog(new)
    return not before or not after or abs(after - before) >= LEAST * before


def price_from_changelog(value: object) -> Decimal | None:
    """Return a price of the changelog (text, a number or {"value": …}), or None for no price."""
    if isinstance(value, dict):
        value = value.get("value", value.get("amount"))
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
