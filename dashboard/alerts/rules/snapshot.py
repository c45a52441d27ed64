"""A group as the rules see it: its columns, its insight, and the time of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.alerts.text import format_count, one_line
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight.at_end import GroupAtEnd, group_at_end
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.launch_phase import LaunchPhase, Phase, launch_phase
from dashboard.fielding.models import TargetGroup


class GroupSnapshot(NamedTuple):
    """One group at one time. The first fields are columns, in the order in which they are read."""

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
    issues: Mapping[str, object]
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
    links_total: int | None
    links_left: int | None
    links_read_at: datetime | None
    # Not columns: the time of the evaluation, the last change of the CPI, the most completes in
    # the last day, and the entrants since the last complete.
    now: datetime
    cpi_changed_at: datetime | None = None
    most_completes: int | None = None
    entered: int | None = None

    @property
    def label(self) -> str:
        """Return the name on one line."""
        return one_line(self.name)

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of its respondents."""
        return zone_of(self.country_code, self.time_zone)

    @property
    def goal(self) -> int | None:
        """Return the completes that fill it; an estimate if its limit counts prescreens."""
        return completes_target(self)

    @property
    def counted(self) -> tuple[int | None, int | None, str]:
        """Return the count that the limit applies to, the limit, and its unit (singular)."""
        if counts_prescreens(self):
            return self.prescreens, self.filling_goal, "prescreen"
        return self.completes, self.goal, "complete"

    @property
    def progress(self) -> str:
        """Return the progress as text: 212 of 400 completes; 212 completes without a goal."""
        done, goal, unit = self.counted
        if not goal:
            return f"? {unit}s" if done is None else format_count(done, unit)
        count = "?" if done is None else f"{done:,}"
        return f"{count} of {format_count(goal, unit)}"

    @property
    def launch(self) -> LaunchPhase:
        """Return the phase of its launch, with the limit that applies now."""
        return launch_phase(self, self.insight.soft_launch, now=self.now)

    @property
    def is_waiting(self) -> bool:
        """Return whether it waits for its full launch."""
        return self.launch.phase is Phase.WAITING

    @property
    def at_end(self) -> GroupAtEnd | None:
        """Return where it ends, as every page says it; None before the full launch."""
        ends = group_at_end(self, self.insight.completes_at_end, now=self.now)
        return ends if ends.is_projected or ends.is_over else None

    @property
    def projected_finish(self) -> datetime | None:
        """Return when the goal is projected to be reached (p50)."""
        return self.insight.finish_dates[1]


COLUMNS = GroupSnapshot._fields[: GroupSnapshot._fields.index("now")]
_INSIGHT = COLUMNS.index("insight")


def snapshot_of_row(
    row: Sequence[object], *, now: datetime, cpi_changed_at: datetime | None
) -> GroupSnapshot:
    """Return the snapshot of a row that holds the values of COLUMNS in their order."""
    before, stored, after = row[:_INSIGHT], row[_INSIGHT], row[_INSIGHT + 1 :]
    insight = Insight.from_stored(stored)
    return GroupSnapshot._make((*before, insight, *after, now, cpi_changed_at, None, None))


def snapshot_of_group(group: TargetGroup, *, now: datetime) -> GroupSnapshot:
    """Return the snapshot of a group that is already loaded."""
    row = [getattr(group, name) for name in COLUMNS]
    return snapshot_of_row(row, now=now, cpi_changed_at=None)
