"""What an action on a selection of groups would do, row by row, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict

from dashboard.fielding.models import TargetGroup
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.formatting import times


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A group that the action is taken on, with what changes."""

    chosen: Chosen
    old: str = ""
    new: str = ""
    note: str = ""


@dataclass(slots=True)
class Preview:
    """What would happen: to which groups, to which not and why; or what was typed wrongly."""

    rows: list[PreviewRow] = field(default_factory=list)
    refused: list[tuple[TargetGroup, str]] = field(default_factory=list)
    wanted: dict[str, Any] = field(default_factory=dict)
    cost: list[str] = field(default_factory=list)  # what it costs in all, a sentence a currency
    errors: Mapping[str, str] = field(default_factory=dict)
    again: bool = False

    @property
    def total(self) -> int:
        """How many groups were picked."""
        return len(self.rows) + len(self.refused)


Names = Mapping[str, str]
Planner = Callable[[Sequence[TargetGroup], QueryDict, Names, datetime], Preview]


def local_moment(group: TargetGroup, moment: datetime) -> str:
    """A moment where a group's people live."""
    zone = times.zone_of(group)
    return f"{moment.astimezone(zone):%a %d %b %H:%M} {times.zone_city(zone)}"
