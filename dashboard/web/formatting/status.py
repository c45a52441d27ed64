"""Status, age and severity in words, computed here so that templates only print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from dashboard.alerts.text import pause_cause
from dashboard.fielding.domain.scope import THE_EXCHANGE
from dashboard.fielding.models import Incident, TargetGroup
from dashboard.web.formatting import labels, numbers

# Any: a named row of `IncidentQuerySet.of_groups`, which Django does not type.
OpenIncidentRow = Any
SHAPES = {"live", "paused", "draft", "scheduled", "completed", "archived"}
STALE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class StatusLabel:
    """A status as a word and an icon shape; `why` gives the reason of a pause by Cint."""

    word: str
    shape: str
    why: str = ""


def status_label(code: str, reason: str = "", by: str = "") -> StatusLabel:
    """Return a status in words; a pause by Cint says so, and why."""
    word = labels.STATUSES.get(code, labels.sentence_case(code) or numbers.DASH)
    if code == "paused" and (reason or by in THE_EXCHANGE):
        return StatusLabel("Paused by Cint", "stopped", pause_cause(reason).label)
    return StatusLabel(word, code if code in SHAPES else "other")


def is_stale(read_at: datetime | None, poll_seconds: int | None, now: datetime) -> bool:
    """Whether numbers are older than three polling intervals."""
    limit = timedelta(seconds=STALE_ROUNDS * (poll_seconds or settings.POLL_SECONDS))
    return read_at is not None and now - read_at > limit


def reading_remark(group: TargetGroup) -> str:
    """Return the problem with reading this group, or an empty text."""
    if group.missing_since:
        return "No longer listed on Cint"
    return group.error


def severity_word(incident: OpenIncidentRow | None) -> str:
    """Return how urgent an open incident of a group is, in a word; empty without an incident."""
    if incident is None:
        return ""
    is_critical = bool(incident.item__critical)
    return Incident.urgency_while_open(incident.severity, is_item_critical=is_critical).label


def leading_incidents(incidents: Iterable[OpenIncidentRow]) -> dict[int, OpenIncidentRow]:
    """Return the first incident of each group; `incidents` are sorted by urgency."""
    first: dict[int, OpenIncidentRow] = {}
    for incident in incidents:
        if incident.group_id is not None:
            first.setdefault(incident.group_id, incident)
    return first
