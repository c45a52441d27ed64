"""What a group looks like to a rule: its columns, its insight, and the moment it is judged at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.alerts.text import one_line
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import TargetGroup


class GroupSnapshot(NamedTuple):
    """One group at one moment. The first fields are columns, in the order they are read."""

    pk: int
    project_id: int
    name: str
    status: str
    country_code: str
    time_zone: str
    project_manager_id: str
    completes: int | None
    prescreens: int | None
    entrants: int | None
    filling_goal: int | None
    filling_strategy: str
    completes_goal: int | None
    last_complete_at: datetime | None
    incidence_rate: float | None
    drop_off_rate: float | None
    conversion_rate: float | None
    median_loi_seconds: int | None
    epc: Decimal | None
    cpi: Decimal | None
    cost: Decimal | None
    budget: Decimal | None
    currency: str
    issues: Mapping[str, Any]
    expected_loi_minutes: int | None
    expected_incidence_rate: float | None
    starts_at: datetime | None
    ends_at: datetime | None
    status_reason: str
    status_changed_at: datetime | None
    status_changed_by: str
    insight: Insight
    short_at_end: float | None
    completes_may_fall: bool
    # Not columns: when it is judged, when its CPI last changed, its most completes in the last
    # day, how many entered since its last complete.
    now: datetime
    cpi_changed_at: datetime | None = None
    most_completes: int | None = None
    entered: int | None = None

    @property
    def label(self) -> str:
        """The name as a sentence can carry it."""
        return one_line(self.name)

    @property
    def zone(self) -> ZoneInfo:
        """The zone that its respondents live in."""
        return zone_of(self.country_code, self.time_zone)

    @property
    def goal(self) -> int | None:
        """The completes that fill it; about as many where the limit counts prescreens."""
        return completes_target(self)

    @property
    def counted(self) -> tuple[int | None, int | None, str]:
        """What the limit counts: how many so far, the limit, and what they are."""
        if counts_prescreens(self):
            return self.prescreens, self.filling_goal, "prescreens"
        return self.completes, self.goal, "completes"

    @property
    def progress(self) -> str:
        """Completes of the goal: 212 of 400; prescreens where the limit counts them."""
        done, goal, what = self.counted
        said = "?" if done is None else f"{done:,}"
        if not goal:
            return f"{said} {what}"
        return f"{said} of {goal:,}" if what == "completes" else f"{said} of {goal:,} {what}"

    @property
    def at_end(self) -> float | None:
        """The completes at the end date that are as likely to be missed as passed (p50)."""
        at_end = self.insight.completes_at_end
        return at_end.p50 if at_end else None

    @property
    def likely_finish(self) -> datetime | None:
        """When it is as likely to have its goal as not to have it yet (p50)."""
        return self.insight.finish_dates[1]


COLUMNS = GroupSnapshot._fields[: GroupSnapshot._fields.index("now")]
_INSIGHT = COLUMNS.index("insight")


def snapshot_of_row(
    row: Sequence[Any], *, now: datetime, cpi_changed_at: datetime | None
) -> GroupSnapshot:
    """The snapshot of a row that holds COLUMNS, each of its own type."""
    before, stored, after = row[:_INSIGHT], row[_INSIGHT], row[_INSIGHT + 1 :]
    insight = Insight.from_stored(stored)
    return GroupSnapshot._make((*before, insight, *after, now, cpi_changed_at, None, None))


def figures_of(group: TargetGroup, *, now: datetime) -> GroupSnapshot:
    """The figures of one group that is already at hand."""
    row = [getattr(group, name) for name in COLUMNS]
    return snapshot_of_row(row, now=now, cpi_changed_at=None)
