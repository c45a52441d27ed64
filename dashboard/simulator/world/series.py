"""Counts of one group: closed stretches of field, the open one, and completes over time."""

from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

Outcomes = tuple[int, int, int, int, int, int]
NOTHING: Outcomes = (0, 0, 0, 0, 0, 0)


class Counts(NamedTuple):
    """Respondents so far by outcome; the first five entered the client's survey."""

    completes: int
    terminates: int
    overquota: int
    security: int
    drops: int
    screened: int

    @property
    def prescreens(self) -> int:
        return self[0] + self[1] + self[2] + self[3] + self[4]

    @property
    def entrants(self) -> int:
        return self.prescreens + self.screened


NOBODY = Counts(*NOTHING)


class Stretch(NamedTuple):
    """What happens from `start` to `span_end` without intervention: levels are nested counts.

    `levels[i]` counts the first i+1 outcomes together, so that every count only grows.
    """

    start: int
    span_end: int
    levels: Outcomes
    shift: float
    cpi: Decimal
    loi_seconds: int

    def outcomes(self, moment: int) -> Outcomes:
        """The counts of each outcome from the start to the moment."""
        a, b, c, d, e, f = self.levels
        if moment < self.span_end:
            part, shift = (moment - self.start) / (self.span_end - self.start), self.shift
            a, b, c = int(a * part + shift), int(b * part + shift), int(c * part + shift)
            d, e, f = int(d * part + shift), int(e * part + shift), int(f * part + shift)
        return (a, b - a, c - b, d - c, e - d, f - e)

    def moment_of(self, level: int, count: int) -> int:
        """When the nested count with this index first reaches this number (1 or more)."""
        part = (count - self.shift) / self.levels[level]
        return self.start + max(1, -int(-part * (self.span_end - self.start) // 1))


@dataclass(slots=True)
class Tally:
    """Everything that was counted in closed stretches, and the history of completes."""

    counts: Counts = NOBODY
    cost: Decimal = Decimal(0)
    loi_total: int = 0
    loi_weight: int = 0
    first_complete: int | None = None
    last_complete: int | None = None
    changed_at: int = 0
    ends: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    stretches: list[Stretch | None] = field(default_factory=list)

    def close(self, stretch: Stretch, until: int) -> None:
        """Take over what a stretch brought up to this moment."""
        gained = stretch.outcomes(until)
        if gained == NOTHING:
            return
        a, b, c, d, e, f = self.counts
        u, v, w, x, y, z = gained
        self.counts = Counts(a + u, b + v, c + w, d + x, e + y, f + z)
        self.changed_at = until
        completes = gained[0]
        if completes:
            self.cost += stretch.cpi * completes
            self.loi_total += stretch.loi_seconds * completes
            self.loi_weight += completes
            if self.first_complete is None:
                self.first_complete = stretch.moment_of(0, 1)
            self.last_complete = min(until, stretch.moment_of(0, completes))
            self._record(until, stretch)

    def move(self, completes: int, *, at: int, cpi: Decimal) -> None:
        """Add completes, or turn that many into terminates if negative (reconciliation)."""
        now = self.counts
        completes = max(completes, -now.completes)
        if completes < 0 and now.completes:
            cpi = round(self.cost / now.completes, 6)
        terminates = now.terminates + max(0, -completes)
        self.counts = now._replace(completes=now.completes + completes, terminates=terminates)
        self.cost = self.cost + cpi * completes if self.counts.completes else Decimal(0)
        self.changed_at = at
        if completes > 0:
            self.first_complete = self.first_complete or at
            self.last_complete = at
        self._record(at, None)

    def _record(self, end: int, stretch: Stretch | None) -> None:
        self.ends.append(end)
        self.totals.append(self.counts.completes)
        self.stretches.append(stretch)

    def completes_at(self, moment: int) -> int:
        """Completes by this moment, over closed stretches."""
        index = bisect_right(self.ends, moment)
        before = self.totals[index - 1] if index else 0
        if index < len(self.ends):
            stretch = self.stretches[index]
            if stretch is not None and stretch.start < moment:
                return before + stretch.outcomes(moment)[0]
        return before
