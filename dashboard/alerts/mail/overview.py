"""Many alerts in a few lines: the project, three remedies, and the one worst group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from dashboard.alerts.items.needed_cpi import cpi_sentences
from dashboard.alerts.items.remedies import REMEDIES
from dashboard.alerts.rules.verdict import CRITICAL, WARNING
from dashboard.alerts.text import format_count, format_span, one_line
from dashboard.fielding.models import Incident, Item, Notice

IN_FULL = 3  # items in a mail that needs no overview
REMEDIES_SHOWN = 3


class RemedyLine(NamedTuple):
    """The items of one remedy in a mail."""

    title: str
    cause: str
    items: int
    groups: int
    value: int

    @property
    def text(self) -> str:
        """Return the line: Encryption errors: fix the signing key (8 groups, 310 at risk)."""
        count = (
            format_count(self.groups, "group") if self.groups else format_count(self.items, "item")
        )
        at_risk = f", {self.value:,} at risk" if self.value else ""
        return f"{self.title} ({count}{at_risk})"


class WorstGroup(NamedTuple):
    """An item with much to save: its group, what is wrong, the CPI that it needs (a sentence, if
    that helps), and the page that has the action."""

    name: str
    text: str
    advice: str
    link: str


class Overview(NamedTuple):
    """What a mail says of many items; `more`: items of further remedies."""

    where: str
    lines: list[RemedyLine]
    more: int
    at_risk: int
    worst: WorstGroup
    without_item: int  # alerts that need nobody, such as changes by people

    @property
    def subject(self) -> str:
        """Return the subject: Tracker W23 – 8 × encryption errors, 3 × no completes."""
        causes = ", ".join(
            f"{line.items:,} × {line.cause[:1].lower()}{line.cause[1:]}"
            if line.cause[1:2].islower()
            else f"{line.items:,} × {line.cause}"
            for line in self.lines
        )
        more = f" and {self.more:,} more" if self.more else ""
        risk = f" ({format_count(self.at_risk, 'complete')} at risk)" if self.at_risk else ""
        return f"{self.where} – {causes}{more}{risk}"


def urgency_of(incident: Incident) -> int:
    """Return how urgent an alert is for a mail: critical only if its item is."""
    if incident.item is not None and incident.item.critical:
        return CRITICAL
    return max(incident.severity, WARNING)


def open_items(notices: Iterable[Notice]) -> list[Item]:
    """Return the items of notices whose incidents are open, the most savable completes first."""
    items = {
        notice.incident.item.pk: notice.incident.item
        for notice in notices
        if notice.incident.item and notice.incident.state != Incident.State.RESOLVED
    }
    return sorted(items.values(), key=lambda item: (-item.value, not item.critical, item.pk))


def place_of(incidents: Iterable[Incident]) -> str:
    """Return the name of the only project, or the number of projects; empty without any."""
    names = {incident.project_id: incident.project for incident in incidents if incident.project}
    if len(names) == 1:
        (project,) = names.values()
        return one_line(project.name, 60) if project else ""
    return format_count(len(names), "project") if names else ""


def overview_of(notices: Sequence[Notice], *, now: datetime) -> Overview | None:
    """Return the overview of notices that are about more than a few items; else None."""
    items = open_items(notices)
    if len(items) <= IN_FULL:
        return None
    incidents = [notice.incident for notice in notices]
    lines = remedy_lines(items)
    return Overview(
        place_of(incidents),
        lines[:REMEDIES_SHOWN],
        sum(line.items for line in lines[REMEDIES_SHOWN:]),
        round(sum(item.value for item in items)),
        worst_groups(items[:1], incidents, now=now)[0],
        sum(incident.item_id is None for incident in incidents),
    )


def remedy_lines(items: Iterable[Item]) -> list[RemedyLine]:
    """Return a line for each remedy, the most savable completes first."""
    by_remedy: dict[str, list[Item]] = {}
    for item in items:
        by_remedy.setdefault(item.remedy, []).append(item)
    lines = [
        RemedyLine(
            REMEDIES[key].title(len(rows)) if key in REMEDIES else key,
            REMEDIES[key].cause if key in REMEDIES else key,
            len(rows),
            len({row.target_group_id for row in rows if row.target_group_id}),
            round(sum(row.value for row in rows)),
        )
        for key, rows in by_remedy.items()
    ]
    return sorted(lines, key=lambda line: (-line.value, -line.items, line.title))


def worst_groups(
    items: Sequence[Item], incidents: Sequence[Incident], *, now: datetime
) -> list[WorstGroup]:
    """Return items as a mail shows them, in some lines and a link to their groups."""
    advice = cpi_sentences(items, now=now)
    return [_worst_group(item, incidents, advice.get(item.pk, ""), now) for item in items]


def _worst_group(
    item: Item, incidents: Iterable[Incident], advice: str, now: datetime
) -> WorstGroup:
    incident = next(each for each in incidents if each.item_id == item.pk)
    group = incident.group
    name = one_line(group.name) if group else one_line(incident.account.name)
    parts = [one_line(item.sentence.partition(". ")[0], 110).rstrip("."), *at_stake(item, now=now)]
    link = f"{settings.FIELDWATCH_URL}/items/{item.pk}/"
    return WorstGroup(name, ". ".join(parts), advice, link)


def at_stake(item: Item, *, now: datetime) -> list[str]:
    """Return what an item puts at risk and how much time is left, each as a phrase."""
    phrases = []
    if round(item.value):
        phrases.append(f"{format_count(round(item.value), 'complete')} at risk")
    if item.ends_at and item.ends_at > now:
        phrases.append(f"{format_span(item.ends_at - now)} left")
    return phrases
