"""What an action on selected groups would do, row by row, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.http import QueryDict

from dashboard.fielding.models import TargetGroup
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.edits.forms.base import Value
from dashboard.web.formatting import times


@dataclass(frozen=True, slots=True)
class PriceImpact:
    """What a new CPI does to the costs of a group, each as "450 → 498 USD".

    needs: the CPI that reaches the goal by the end date; empty while that is not known.
    """

    cost_by_end: str
    cost_if_goal_reached: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A group that the action changes: its value before and after, and a note.

    impact: of a new CPI.
    """

    chosen: Chosen
    old: str = ""
    new: str = ""
    note: str = ""
    impact: PriceImpact | None = None


@dataclass(slots=True)
class Preview:
    """The groups that an action changes, those it cannot change and why, or the form's errors."""

    rows: list[PreviewRow] = field(default_factory=list)
    refused: list[tuple[TargetGroup, str]] = field(default_factory=list)
    wanted: dict[str, Value] = field(default_factory=dict)
    cost: list[str] = field(default_factory=list)  # the change in cost, a text for each currency
    errors: Mapping[str, str] = field(default_factory=dict)
    again: bool = False

    @property
    def knows_needs(self) -> bool:
        """Whether it is known of any group which CPI it needs."""
        return any(row.impact is not None and row.impact.needs for row in self.rows)

    @property
    def total(self) -> int:
        """The number of selected groups."""
        return len(self.rows) + len(self.refused)


Names = Mapping[str, str]
Planner = Callable[[Sequence[TargetGroup], QueryDict, Names, datetime], Preview]


def local_moment(group: TargetGroup, moment: datetime) -> str:
    """Return a moment in the time zone of a group."""
    zone = times.zone_of(group)
    return f"{moment.astimezone(zone):%a %d %b %H:%M} {times.zone_city(zone)}"
