"""Compose what channels get from notices, in the words of the emails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from django.conf import settings

from dashboard.alerts.channels.message import AlertPart, ChannelMessage
from dashboard.alerts.mail.compose import (
    WORST_SHOWN,
    details_of,
    incident_url,
    latest_per_incident,
    state_label,
    subject_line,
)
from dashboard.alerts.mail.overview import (
    REMEDIES_SHOWN,
    at_stake,
    open_items,
    overview_of,
    place_of,
    remedy_lines,
    urgency_of,
)
from dashboard.alerts.rules.verdict import CRITICAL, WARNING
from dashboard.alerts.text import format_count, one_line
from dashboard.fielding.models import Channel, Incident, Notice

SHOWN = 5  # alerts in one message; the rest is a number and a link
State = Literal["critical", "warning", "notice", "resolved"]


def compose_alerts(notices: Sequence[Notice], *, now: datetime) -> ChannelMessage:
    """Compose a message about new alerts: each of a few, or many by remedy with the worst."""
    ordered = latest_per_incident(notices)
    overview = overview_of(ordered, now=now)
    shown = _worst_of(ordered) if overview else ordered[:SHOWN]
    if len(ordered) == 1 or overview:
        title = subject_line(ordered, overview)
    else:
        title = _count_alerts(ordered)
    lines = [line.text for line in overview.lines] if overview else []
    return ChannelMessage(
        kind="alerts",
        title=one_line(title, 300),
        account=_account_of(ordered),
        parts=tuple(_describe_part(notice, now=now) for notice in shown),
        lines=tuple(lines),
        more=overview.more if overview else len(ordered) - len(shown),
        link=f"{settings.FIELDWATCH_URL}/",
    )


def compose_first_sync(notices: Sequence[Notice], *, now: datetime) -> ChannelMessage:
    """Compose the one message about what was so already: at a first sync, or after an outage."""
    ordered = latest_per_incident(notices)
    items, where = open_items(ordered), place_of(notice.incident for notice in ordered)
    rank = {item.pk: place for place, item in enumerate(items[:WORST_SHOWN])}
    worst: dict[int, Notice] = {}
    for notice in ordered:
        if notice.incident.item_id in rank:
            worst.setdefault(rank[notice.incident.item_id], notice)
    title = f"We found {format_count(len(items), 'open problem')}" + (
        f" in {where}" if where else ""
    )
    return ChannelMessage(
        kind="first_sync",
        title=one_line(title, 300),
        account=_account_of(ordered),
        parts=tuple(_describe_part(worst[place], now=now) for place in sorted(worst)),
        lines=tuple(line.text for line in remedy_lines(items)[:REMEDIES_SHOWN]),
        more=max(0, len(items) - len(worst)),
        link=f"{settings.FIELDWATCH_URL}/",
    )


def compose_channel_digest(
    new: Sequence[Notice], still_open: Sequence[Notice], *, now: datetime
) -> ChannelMessage:
    """Compose a digest: how many alerts are new, resolved and still open, and the worst of them.

    new: the notices since the last digest; still_open: earlier ones whose alerts are open.
    """
    latest = latest_per_incident(new)
    resolved = [row for row in latest if row.incident.state == Incident.State.RESOLVED]
    fresh = [row for row in latest if row.incident.state != Incident.State.RESOLVED]
    older = latest_per_incident(still_open)
    counts = ((fresh, "new"), (older, "still open"), (resolved, "resolved"))
    summary = ", ".join(f"{len(rows):,} {word}" for rows, word in counts if rows)
    lines = [line.text for line in remedy_lines(open_items([*fresh, *older]))[:REMEDIES_SHOWN]]
    shown = [*fresh, *resolved][:SHOWN]
    return ChannelMessage(
        kind="digest",
        title=f"Digest: {summary}" if summary else "Digest: no alerts are open",
        account=_account_of([*fresh, *older, *resolved]),
        parts=tuple(_describe_part(notice, now=now) for notice in shown),
        lines=tuple(lines),
        more=len(fresh) + len(resolved) - len(shown),
        link=f"{settings.FIELDWATCH_URL}/",
    )


def compose_channel_test(channel: Channel) -> ChannelMessage:
    """Compose a test: it says what the channel will get."""
    sends = channel.get_sends_display()
    return ChannelMessage(
        kind="test",
        title=one_line(f"Fieldwatch test: {channel.name} gets {sends} about {about_of(channel)}"),
        link=f"{settings.FIELDWATCH_URL}/",
    )


def about_of(channel: Channel) -> str:
    """Return what a channel's messages are about, as a phrase."""
    if channel.project is not None:
        return one_line(channel.project.name, 60)
    if channel.account is not None:
        return f"all projects of {one_line(channel.account.name, 60)}"
    return f"what {one_line(str(channel.owner), 60)} is notified about"


def _count_alerts(ordered: Sequence[Notice]) -> str:
    """Return the project and how many alerts: Tracker W23 – 3 alerts, 1 critical."""
    states = [_state_of(notice.incident) for notice in ordered]
    resolved, critical = states.count("resolved"), states.count("critical")
    is_open = len(states) - resolved
    counts = [format_count(is_open, "alert")] if is_open else []
    counts += [f"{critical} critical"] if critical else []
    counts += [f"{resolved} resolved"] if resolved else []
    where = place_of(notice.incident for notice in ordered)
    return " – ".join(text for text in (where, ", ".join(counts)) if text)


def _worst_of(ordered: Sequence[Notice]) -> list[Notice]:
    """Return the notice of the item with the most completes at risk."""
    worst = open_items(ordered)[0].pk
    return [next(notice for notice in ordered if notice.incident.item_id == worst)]


def _account_of(notices: Iterable[Notice]) -> str:
    names = {notice.incident.account.name for notice in notices}
    return one_line(names.pop()) if len(names) == 1 else ""


def _state_of(incident: Incident) -> State:
    """Return how a message marks an alert."""
    if incident.state == Incident.State.RESOLVED:
        return "resolved"
    if urgency_of(incident) == CRITICAL:
        return "critical"
    return "warning" if incident.severity <= WARNING else "notice"


def _describe_part(notice: Notice, *, now: datetime) -> AlertPart:
    incident, item = notice.incident, notice.incident.item
    state = _state_of(incident)
    stakes = at_stake(item, now=now) if item and state != "resolved" else []
    return AlertPart(
        state=state,
        project=one_line(incident.project.name) if incident.project else "",
        group=one_line(incident.group.name) if incident.group else "",
        headline=one_line(state_label(notice) + incident.headline, 300),
        sentence=details_of(incident),
        at_stake=", ".join(stakes),
        link=incident_url(incident),
    )
