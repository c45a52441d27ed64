"""What the home page says: where a person is needed, and what happened lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from dashboard.alerts.rules import RULES
from dashboard.fielding.models import Edit, Incident
from dashboard.web import figures, history, words

WIDESPREAD_GROUPS = 3
WIDESPREAD_SHARE = 0.30


@dataclass(frozen=True, slots=True)
class Row:
    """One group that needs somebody, with its leading cause; or one cause of many groups."""

    severity: str
    rule: str
    sentence: str
    since: datetime
    recovering: bool
    acknowledged: str
    project_pk: int | None
    project: str
    group_pk: int | None
    group: str
    more: int


def rows(incidents: Iterable[Incident], sizes: dict[int, int]) -> list[Row]:
    """A row a group, led by its most urgent incident; widespread causes become one row.

    `incidents` come in order of urgency; `sizes` counts the live groups of each project.
    """
    firing = list(incidents)
    spread = Counter((one.project_id, one.rule) for one in firing if one.group_id)
    wide = {
        key for key, number in spread.items()
        if number >= WIDESPREAD_GROUPS
        and number >= WIDESPREAD_SHARE * max(sizes.get(key[0] or 0, 0), number)
    }  # fmt: skip
    told: list[Row] = []
    seen: set[Any] = set()
    for one in firing:
        together = (one.project_id, one.rule) in wide and one.group_id
        key = (one.project_id, one.rule) if together else one.group_id or f"i{one.pk}"
        if key in seen:
            continue
        seen.add(key)
        number = spread[(one.project_id, one.rule)]
        size = sizes.get(one.project_id or 0, number)
        told.append(_together(one, number, size) if together else _alone(one, firing))
    return told


def title(rule: str) -> str:
    """A rule's name in words."""
    return RULES[rule].title if rule in RULES else words.sentence_case(rule)


def _together(one: Incident, number: int, size: int) -> Row:
    sentence = f"{number} of {max(size, number)} live groups: {title(one.rule).lower()}."
    return _row(one, sentence=sentence, group_pk=None, group="", more=0)


def _alone(one: Incident, firing: Sequence[Incident]) -> Row:
    others = sum(1 for other in firing if other.group_id == one.group_id) - 1
    return _row(
        one,
        sentence=one.sentence,
        group_pk=one.group_id,
        group=one.group.name if one.group else "",
        more=others if one.group_id else 0,
    )


def _row(one: Incident, *, sentence: str, group_pk: int | None, group: str, more: int) -> Row:
    return Row(
        severity=Incident.Severity(one.severity).label,
        rule=title(one.rule),
        sentence=sentence,
        since=one.fired_at or one.breached_at,
        recovering=one.state == Incident.State.RECOVERING,
        acknowledged=str(one.acknowledged_by) if one.acknowledged_by else "",
        project_pk=one.project_id,
        project=one.project.name if one.project else one.account.name,
        group_pk=group_pk,
        group=group,
        more=more,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures above the list."""

    live: int
    paused: int
    short: str
    today: str
    spend: str
    sizes: dict[int, int]


# Automation and staff: whoever of the exchange paused a group, no colleague did.
THE_EXCHANGE = ("system_user", "system_marketplace_user")


def summary(groups: Iterable[dict[str, Any]]) -> Summary:
    """From the status, insight and money of every group in the field, in one query."""
    live = paused = today = 0
    short = 0.0
    spend: dict[str, Decimal] = {}
    sizes: Counter[int] = Counter()
    for group in groups:
        short += group["short_at_end"] or 0
        if group["cost"]:
            spend[group["currency"]] = spend.get(group["currency"], Decimal(0)) + group["cost"]
        insight = group["insight"]
        count = insight.get("today") if isinstance(insight, dict) else None
        today += count if isinstance(count, int) else 0
        if group["status"] == "live":
            live += 1
            sizes[group["project_id"]] += 1
        elif group["status_changed_by"] in THE_EXCHANGE:
            paused += 1
    money = " + ".join(figures.total(spend[code], code) for code in sorted(spend)) or figures.DASH
    return Summary(live, paused, figures.count(short), figures.count(today), money, dict(sizes))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened lately."""

    at: datetime
    word: str
    tone: str
    text: str
    group_pk: int | None


def since(incidents: Sequence[Incident], edits: Iterable[Edit], start: datetime) -> list[Event]:
    """What opened, closed and was edited since a moment, newest first."""
    told = [
        Event(one.fired_at, "Opened", "warn", one.sentence, one.group_id)
        for one in incidents
        if one.fired_at and one.fired_at >= start
    ]
    told += [
        Event(one.closed_at, "Closed", "good", _closed(one), one.group_id)
        for one in incidents
        if one.closed_at and one.closed_at >= start
    ]
    for edit in edits:
        line = history.edit_line(edit)
        change = f"{line.what} {line.old} → {line.new}" if line.old else f"{line.what}: {line.new}"
        text = f"{line.who}: {edit.of.name}, {change} ({line.outcome})"
        told.append(Event(line.at, "Edited", "info", text, edit.group_id))
    return sorted(told, key=lambda event: event.at, reverse=True)


def _closed(one: Incident) -> str:
    return f"{one.sentence} ({one.close_reason})" if one.close_reason else one.sentence
