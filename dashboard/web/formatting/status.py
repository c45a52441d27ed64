"""What a row of a table shows: every cell worked out here, so that templates only print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from dashboard.alerts.rules.judges.status import THE_EXCHANGE
from dashboard.alerts.text import pause_cause
from dashboard.fielding.models import Incident, Project, TargetGroup
from dashboard.web.formatting import labels, numbers

SHAPES = {"live", "paused", "draft", "scheduled", "completed", "archived"}
STALE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class StatusLabel:
    """A status as a word and a shape."""

    word: str
    shape: str
    why: str = ""


def status_label(code: str, reason: str = "", by: str = "") -> StatusLabel:
    """Plain words; a pause that no person made says so, and why."""
    word = labels.STATUSES.get(code, labels.sentence_case(code) or numbers.DASH)
    if code == "paused" and (reason or by in THE_EXCHANGE):
        return StatusLabel("Paused by the exchange", "stopped", pause_cause(reason).what)
    return StatusLabel(word, code if code in SHAPES else "other")


def is_stale(read_at: datetime | None, poll_seconds: int | None, now: datetime) -> bool:
    """Whether numbers are older than three rounds of polling."""
    limit = timedelta(seconds=STALE_ROUNDS * (poll_seconds or settings.POLL_SECONDS))
    return read_at is not None and now - read_at > limit


def reading_remark(group: TargetGroup) -> str:
    """What is odd about reading this group, if anything."""
    if group.missing_since:
        return "No longer listed by the exchange"
    return group.error


def severity_word(incident: Incident | None) -> str:
    """An incident's severity as a word."""
    return Incident.Severity(incident.severity).label if incident else ""


def leading_incidents(incidents: Iterable[Incident]) -> dict[int, Incident]:
    """The most urgent incident of each group; they come in order of urgency."""
    first: dict[int, Incident] = {}
    for incident in incidents:
        if incident.group_id is not None:
            first.setdefault(incident.group_id, incident)
    return first


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in a table."""

    pk: int
    name: str
    human_readable_id: str
    reference: str
    manager: str
    status: StatusLabel
    live: int
    groups: int
    progress: numbers.GroupProgress
    short: str
    finish: datetime | None
    ends: datetime | None
    late: bool
    unseen: int
    spent: str
    incidents: int
    activity: datetime | None
    read_at: datetime | None
    stale: bool
    remark: str


def project_row(project: Project, spent: Mapping[str, Decimal], now: datetime) -> ProjectRow:
    """A project's row; it carries the annotations of `ProjectQuerySet.for_list`."""
    of: Any = project
    return ProjectRow(
        pk=project.pk,
        name=project.name,
        human_readable_id=project.human_readable_id,
        reference=project.reference_number,
        manager=of.pm_name or numbers.DASH,
        status=status_label(project.status),
        live=of.live,
        groups=of.groups,
        progress=numbers.group_progress("completes", project.completes, None, project.filling_goal),
        short=numbers.format_count(of.short),
        finish=of.finish_at,
        ends=of.ends_at,
        late=bool(of.finish_at and of.ends_at and of.finish_at > of.ends_at),
        unseen=int(of.unseen),
        spent=numbers.format_totals(spent),
        incidents=of.firing,
        activity=project.last_activity_at,
        read_at=project.read_at,
        stale=is_stale(project.read_at, project.account.poll_seconds, now),
        remark="No longer listed by the exchange" if project.missing_since else project.error,
    )
