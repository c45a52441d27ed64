"""The home page's list of groups that need attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.rules.widespread import is_widespread
from dashboard.alerts.text import lower_title
from dashboard.fielding.models import Incident
from dashboard.fielding.models.querysets.expressions import OPEN_INCIDENT
from dashboard.web.formatting import labels, numbers

# The leading cause of a group, first to last: what has stopped before what is slow.
LEADING = (
    "paused_by_exchange",
    "paused_and_forgotten",
    "stalled",
    "about_to_pause",
    "interview_long",
    "drop_off",
    "epc",
    "incidence_low",
    "conversion",
    "issue_error",
    "ends_soon",
    "behind_pace",
)
RANKS = {rule: rank for rank, rule in enumerate(LEADING)}
FIELDS = (
    "pk",
    "account_id",
    "project_id",
    "group_id",
    "rule",
    "severity",
    "state",
    "sentence",
    "fired_at",
    "breached_at",
    "closed_at",
    "close_reason",
    "account_name",
    "project_name",
    "group_name",
    "group_status",
    "short",
    "ends_at",
    "seen_by",
)
IncidentRow = Any  # Any: a named row of FIELDS, which Django does not type


# Incidents that share a row: of a project and rule, of a group, or a single one.
RowKey = tuple[int, str] | int | str


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """One group with its leading cause, or one cause shared by many groups of a project."""

    severity: str
    rule: str
    sentence: str
    since: datetime
    recovering: bool
    acknowledged: str
    account_pk: int
    project_pk: int | None
    project: str
    group_pk: int | None
    group: str
    live: bool
    paused: bool
    risk: str
    more: int
    incident_pk: int


def attention_rows(
    incidents: Iterable[IncidentRow], *, live_groups: Mapping[int, int], in_field: Mapping[int, int]
) -> list[AttentionRow]:
    """Return a row per group with its leading cause; a widespread cause is one row per project.

    Sorted by severity, then completes at risk, then time left. `live_groups` and `in_field` count
    the live, and the live and paused groups of each project, by primary key.
    """
    firing = [incident for incident in incidents if incident.state in OPEN_INCIDENT]
    widespread = _widespread_causes(firing, in_field)
    together: dict[RowKey, list[IncidentRow]] = {}
    for incident in firing:
        shared = (incident.project_id, incident.rule)
        key = (
            shared
            if incident.group_id and shared in widespread
            else incident.group_id or f"i{incident.pk}"
        )
        together.setdefault(key, []).append(incident)
    rows = []
    for key, group_incidents in together.items():
        row = (
            _widespread_row(group_incidents, live_groups)
            if isinstance(key, tuple)
            else _group_row(group_incidents)
        )
        rows.append((_urgency(group_incidents), row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _widespread_causes(
    firing: Sequence[IncidentRow], in_field: Mapping[int, int]
) -> set[tuple[int, str]]:
    """Return the projects and rules that fire on so many groups that one row covers them."""
    groups = Counter(
        (incident.project_id, incident.rule) for incident in firing if incident.group_id
    )
    return {
        (project, rule)
        for (project, rule), number in groups.items()
        if is_widespread(number, in_field.get(project, 0))
    }


def _urgency(incidents: Sequence[IncidentRow]) -> tuple[int, float, float]:
    """Return a sort key: severity, completes at risk (most first), time left (least first)."""
    groups = {incident.group_id: incident.short or 0.0 for incident in incidents}
    ends = [incident.ends_at.timestamp() for incident in incidents if incident.ends_at]
    severity = min(incident.severity for incident in incidents)
    return severity, -sum(groups.values()), min(ends, default=float("inf"))


def rule_title(rule: str) -> str:
    """Return a rule's title; an unknown code in words."""
    return RULES[rule].title if rule in RULES else labels.sentence_case(rule)


def _widespread_row(
    incidents: Sequence[IncidentRow], live_groups: Mapping[int, int]
) -> AttentionRow:
    count = f"{len(incidents)} groups"
    if all(incident.group_status == "live" for incident in incidents):
        live = max(live_groups.get(incidents[0].project_id or 0, 0), len(incidents))
        count = f"{len(incidents)} of {live} live groups"
    sentence = f"{count}: {lower_title(rule_title(incidents[0].rule))}."
    return _build_row(incidents, sentence=sentence, together=True)


def _group_row(incidents: list[IncidentRow]) -> AttentionRow:
    incidents.sort(
        key=lambda incident: (RANKS.get(incident.rule, len(RANKS)), incident.severity, incident.pk)
    )
    return _build_row(
        incidents,
        sentence=labels.without_group_name(incidents[0].group_name or "", incidents[0].sentence),
    )


def _build_row(
    incidents: Sequence[IncidentRow], *, sentence: str, together: bool = False
) -> AttentionRow:
    first = incidents[0]
    risk = -_urgency(incidents)[1]
    return AttentionRow(
        severity=Incident.Severity(min(incident.severity for incident in incidents)).label,
        rule=rule_title(first.rule),
        sentence=sentence,
        since=min(incident.breached_at for incident in incidents[: None if together else 1]),
        recovering=all(incident.state == Incident.State.RECOVERING for incident in incidents),
        acknowledged=first.seen_by or "",
        account_pk=first.account_id,
        project_pk=first.project_id,
        project=first.project_name or first.account_name,
        group_pk=None if together else first.group_id,
        group="" if together else first.group_name or "",
        live=first.group_status == "live",
        paused=first.group_status == "paused",
        risk=numbers.format_count(risk) if risk >= 1 else "",
        more=0 if together else len(incidents) - 1,
        incident_pk=first.pk,
    )
