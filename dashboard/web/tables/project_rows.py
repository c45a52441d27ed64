"""A row of the projects table, computed here so that templates only print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from dashboard.fielding.figures.project_verdict import (
    ProjectVerdict,
    VerdictKind,
    verdict_of_project,
)
from dashboard.fielding.models import Project
from dashboard.web.formatting import numbers
from dashboard.web.formatting.status import StatusLabel, is_stale, status_label

# The verdicts whose number is the projected shortfall.
SAYS_SHORT = (VerdictKind.SHORT, VerdictKind.ENDED_SHORT)


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in the table."""

    pk: int
    name: str
    human_readable_id: str
    reference: str
    manager: str
    status: StatusLabel
    verdict: ProjectVerdict
    live: int
    groups: int
    progress: numbers.GroupProgress
    short: str
    missing_in_paused: str
    late_groups: int
    open_groups: int
    ends: datetime | None
    spent: str
    incidents: int
    activity: datetime | None
    read_at: datetime | None
    stale: bool
    remark: str


def project_row(
    project: Project, spent: Mapping[str, Decimal], *, now: datetime, zone: tzinfo
) -> ProjectRow:
    """Return a project's row; `project` has the annotations of `ProjectQuerySet.for_list`."""
    listed: Any = project  # Any: Django types no annotations
    verdict, shortfall = verdict_of_project(project, zone=zone), numbers.format_count(listed.short)
    return ProjectRow(
        pk=project.pk,
        name=project.name,
        human_readable_id=project.human_readable_id,
        reference=project.reference_number,
        manager=listed.pm_name or numbers.DASH,
        status=status_label(project.status),
        verdict=verdict,
        live=listed.live,
        groups=listed.groups,
        progress=numbers.group_progress(
            "completes", round(listed.completes_sum), None, round(listed.goal_sum)
        ),
        short="" if listed.short < 1 or verdict.kind in SAYS_SHORT else shortfall,
        missing_in_paused=(
            numbers.format_count(listed.missing_in_paused) if listed.missing_in_paused >= 1 else ""
        ),
        late_groups=int(listed.late_groups),
        open_groups=int(listed.open_groups),
        ends=listed.ends_at,
        spent=numbers.format_totals(spent),
        incidents=listed.firing,
        activity=project.last_activity_at,
        read_at=project.read_at,
        stale=is_stale(project.read_at, project.account.poll_seconds, now),
        remark="No longer listed on Cint" if project.missing_since else project.error,
    )
