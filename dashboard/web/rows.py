"""What a row of a table shows: every cell worked out here, so that templates only print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from dashboard.alerts.words import pause_cause
from dashboard.fielding.models import Incident, Project, TargetGroup
from dashboard.web import figures, words

SHAPES = {"live", "paused", "draft", "scheduled", "completed", "archived"}
STALE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Status:
    """A status as a word and a shape."""

    word: str
    shape: str
    why: str = ""


def status(code: str, reason: str = "", by: str = "") -> Status:
    """Plain words; a pause that no person made says so, and why."""
    word = words.STATUSES.get(code, words.sentence_case(code) or figures.DASH)
    if code == "paused" and (reason or by == "system_user"):
        return Status("Paused by the exchange", "stopped", pause_cause(reason).what)
    return Status(word, code if code in SHAPES else "other")


def is_stale(read_at: datetime | None, poll_seconds: int | None, now: datetime) -> bool:
    """Whether numbers are older than three rounds of polling."""
    limit = timedelta(seconds=STALE_ROUNDS * (poll_seconds or settings.POLL_SECONDS))
    return read_at is not None and now - read_at > limit


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A target group in a table."""

    pk: int
    name: str
    human_readable_id: str
    project: str
    project_pk: int
    country: str
    locale: str
    status: Status
    progress: figures.Progress
    spark: str
    short: str
    finish: datetime | None
    late: bool
    ends: datetime | None
    cpi: str
    loi: str
    incidence: str
    last_complete: datetime | None
    cause: str
    severity: str
    remark: str


def group_row(group: TargetGroup, incident: Incident | None) -> GroupRow:
    """A group's row, with its leading open incident."""
    insight = group.insight if isinstance(group.insight, dict) else {}
    late = bool(group.finish_at and group.ends_at and group.finish_at > group.ends_at)
    return GroupRow(
        pk=group.pk,
        name=group.name,
        human_readable_id=group.human_readable_id,
        project=group.project.name,
        project_pk=group.project_id,
        country=words.country(group.country_code) if group.country_code else figures.DASH,
        locale=group.locale,
        status=status(group.status, group.status_reason, group.status_changed_by),
        progress=figures.progress(
            group.filling_strategy, group.completes, group.prescreens, group.filling_goal
        ),
        spark=figures.spark(insight.get("spark")),
        short=figures.count(group.short_at_end),
        finish=group.finish_at,
        late=late,
        ends=group.ends_at,
        cpi=figures.money(group.cpi, group.currency),
        loi=figures.minutes(group.median_loi_seconds, group.expected_loi_minutes),
        incidence=figures.incidence(group.incidence_rate, group.expected_incidence_rate),
        last_complete=group.last_complete_at,
        cause=incident.sentence.removeprefix(f"{group.name}: ") if incident else "",
        severity=severity(incident),
        remark=remark(group),
    )


def remark(group: TargetGroup) -> str:
    """What is odd about reading this group, if anything."""
    if group.missing_since:
        return "No longer listed by the exchange"
    return group.error


def severity(incident: Incident | None) -> str:
    """An incident's severity as a word."""
    return Incident.Severity(incident.severity).label if incident else ""


def leading(incidents: Iterable[Incident]) -> dict[int, Incident]:
    """The most urgent incident of each group; they come in order of urgency."""
    first: dict[int, Incident] = {}
    for incident in incidents:
        if incident.group_id is not None:
            first.setdefault(incident.group_id, incident)
    return first


def group_rows(groups: Iterable[TargetGroup], incidents: Mapping[int, Incident]) -> list[GroupRow]:
    """Rows in the order of the groups."""
    return [group_row(group, incidents.get(group.pk)) for group in groups]


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in a table."""

    pk: int
    name: str
    human_readable_id: str
    manager: str
    status: Status
    live: int
    groups: int
    progress: figures.Progress
    short: str
    incidents: int
    activity: datetime | None
    read_at: datetime | None
    stale: bool
    remark: str


def project_row(project: Project, managers: Mapping[str, str], now: datetime) -> ProjectRow:
    """A project's row; it carries the annotations of `ProjectQuerySet.for_list`."""
    return ProjectRow(
        pk=project.pk,
        name=project.name,
        human_readable_id=project.human_readable_id,
        manager=managers.get(project.project_manager_id, figures.DASH),
        status=status(project.status),
        live=project.live,  # type: ignore[attr-defined]
        groups=project.groups,  # type: ignore[attr-defined]
        progress=figures.progress("completes", project.completes, None, project.filling_goal),
        short=figures.count(project.short),  # type: ignore[attr-defined]
        incidents=project.firing,  # type: ignore[attr-defined]
        activity=project.last_activity_at,
        read_at=project.read_at,
        stale=is_stale(project.read_at, project.account.poll_seconds, now),
        remark="No longer listed by the exchange" if project.missing_since else project.error,
    )
