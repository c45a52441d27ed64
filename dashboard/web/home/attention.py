"""What the home page says of where a person is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.alerts.rules.catalogue import rule_title
from dashboard.alerts.rules.widespread import is_widespread
from dashboard.alerts.text import lower_title
from dashboard.fielding.models import Incident
from dashboard.fielding.models.querysets.expressions import IN_FIELD, OPEN_INCIDENT
from dashboard.web.formatting import labels, numbers

# The cause that is told first of a group: what stands still before what is slow.
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
Told = Any  # a row of FIELDS


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """One group that needs somebody, with its leading cause; or one cause of many groups."""

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


def attention_rows(incidents: Iterable[Told], *, in_field: Mapping[int, int]) -> list[AttentionRow]:
    """A row a group, led by its leading cause; a widespread cause is one row of its project.

    Sorted by severity, then completes at risk, then time left. in_field: the number of live and
    paused groups of each project, by its key.
    """
    firing = [one for one in incidents if one.state in OPEN_INCIDENT]
    widespread = _widespread_causes(firing, in_field)
    together: dict[Any, list[Told]] = {}
    for one in firing:
        shared = (one.project_id, one.rule)
        key = shared if one.group_id and shared in widespread else one.group_id or f"i{one.pk}"
        together.setdefault(key, []).append(one)
    told = []
    for key, some in together.items():
        row = _many(some, in_field) if isinstance(key, tuple) else _alone(some)
        told.append((_urgency(some), row))
    return [row for _, row in sorted(told, key=lambda pair: pair[0])]


def _widespread_causes(firing: Sequence[Told], in_field: Mapping[int, int]) -> set[tuple[int, str]]:
    """Projects and the rules that fire on so many of their groups that one row tells it."""
    groups = Counter((one.project_id, one.rule) for one in firing if one.group_id)
    return {
        (project, rule)
        for (project, rule), number in groups.items()
        if is_widespread(number, in_field.get(project, 0))
    }


def _urgency(some: Sequence[Told]) -> tuple[int, float, float]:
    """Severity, completes at risk (most first), time left (least first)."""
    groups = {one.group_id: one.short or 0.0 for one in some}
    ends = [one.ends_at.timestamp() for one in some if one.ends_at]
    severity = min(one.severity for one in some)
    return severity, -sum(groups.values()), min(ends, default=float("inf"))


def _many(some: Sequence[Told], in_field: Mapping[int, int]) -> AttentionRow:
    groups = f"{len(some)} groups"
    if all(one.group_status in IN_FIELD for one in some):
        total = max(in_field.get(some[0].project_id or 0, 0), len(some))
        groups = f"{len(some)} of {total} groups in field"
    sentence = f"{groups}: {lower_title(rule_title(some[0].rule))}."
    return _row(some, sentence=sentence, together=True)


def _alone(some: list[Told]) -> AttentionRow:
    some.sort(key=lambda one: (RANKS.get(one.rule, len(RANKS)), one.severity, one.pk))
    return _row(
        some, sentence=labels.without_group_name(some[0].group_name or "", some[0].sentence)
    )


def _row(some: Sequence[Told], *, sentence: str, together: bool = False) -> AttentionRow:
    first = some[0]
    risk = -_urgency(some)[1]
    return AttentionRow(
        severity=Incident.Severity(min(one.severity for one in some)).label,
        rule=rule_title(first.rule),
        sentence=sentence,
        since=min(one.breached_at for one in some[: None if together else 1]),
        recovering=all(one.state == Incident.State.RECOVERING for one in some),
        acknowledged=first.seen_by or "",
        account_pk=first.account_id,
        project_pk=first.project_id,
        project=first.project_name or first.account_name,
        group_pk=None if together else first.group_id,
        group="" if together else first.group_name or "",
        live=first.group_status == "live",
        paused=first.group_status == "paused",
        risk=numbers.format_count(risk) if risk >= 1 else "",
        more=0 if together else len(some) - 1,
        incident_pk=first.pk,
    )
