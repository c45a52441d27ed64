"""Cint's own estimate of a group in words, and whether it is worth asking for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.advice.advised_groups import AdvisedGroup
from dashboard.fielding.domain.what_if import WhatIf, WhatIfState
from dashboard.web.formatting import numbers


@dataclass(frozen=True, slots=True)
class WhatIfTable:
    """The estimate: (CPI, completes) from low to high, when it was read, and what is missing.

    may_ask_again: whether asking again may help.
    """

    rows: list[tuple[str, str]]
    read_at: datetime | None
    reason: str
    is_old: bool
    may_ask_again: bool


def should_ask(advised: AdvisedGroup) -> bool:
    """Whether Cint's estimate or calendar would tell more than what is stored."""
    is_missing = advised.what_if.state in (WhatIfState.OUT_OF_DATE, WhatIfState.NOT_ASKED)
    return advised.outlook is not None and (is_missing or not advised.calendar.is_read)


def what_if_table(what_if: WhatIf) -> WhatIfTable:
    """Return the estimate in words."""
    return WhatIfTable(
        [
            (
                numbers.format_money(point.cpi, what_if.currency),
                f"{numbers.format_count(point.low)}–{numbers.format_count(point.high)}",
            )
            for point in what_if.points
        ],
        what_if.read_at,
        what_if.reason,
        what_if.state is WhatIfState.OUT_OF_DATE,
        what_if.state in (WhatIfState.OUT_OF_DATE, WhatIfState.COULD_NOT_READ),
    )
