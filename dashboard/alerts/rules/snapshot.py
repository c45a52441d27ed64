"""What a group looks like to a rule: its columns, its insight, and the moment it is judged at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.alerts.text import one_line
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.domain.time_zones import zone_of
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
    insight: Mapping[str, Any]
    short_at_end: float | None
    reconciling: bool
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

    def told(self, *path: str) -> Any:
        """A value of the insight by its keys; None where the pull did not write it."""
        value: Any = self.insight
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    @property
    def at_end(self) -> float | None:
        """The completes at the end date that are as likely to be missed as passed (p50)."""
        return _middle(self.told("forecast", "at_end"))


COLUMNS = GroupSnapshot._fields[: GroupSnapshot._fields.index("now")]


def _middle(band: Any) -> float | None:
    """The p50 of a band [p10, p50, p90]; None where it is not one."""
    if isinstance(band, (list, tuple)) and len(band) == 3 and isinstance(band[1], (int, float)):
        return float(band[1])
    return None


def figures_of(group: TargetGroup, *, now: datetime) -> GroupSnapshot:
    """The figures of one group that is already at hand."""
    return GroupSnapshot._make((*(getattr(group, name) for name in COLUMNS), now, None, None, None))
