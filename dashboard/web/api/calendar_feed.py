"""The calendar feed (iCalendar, RFC 5545): end dates and the ends of reconciliation, no prices.

An event keeps its UID while it lasts. Its LAST-MODIFIED is when Cint last listed a change of the
end date or of the name, and SEQUENCE grows with it, so that calendars take over what is newer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Max
from icalendar import Calendar, Event

import dashboard
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.scope import LISTED, OPEN_STATUSES
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import AccessToken, Change, Membership, TargetGroup
from dashboard.sync.lookup.reconciliation import due_dates
from dashboard.web.api.page_addresses import page_address

PAST = timedelta(days=31)  # for how long an event stays after its time
MOST_GROUPS = 1000
REFRESH = timedelta(hours=1)
MOVES = (ChangelogKind.FIELDING_PERIOD_END_DATE, ChangelogKind.NAME)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # of what says nothing about when it changed


class FeedEvent(NamedTuple):
    """One event: at a time, or on a whole day. key: part of its UID. page: where it is shown."""

    key: str
    title: str
    at: datetime | date
    changed_at: datetime
    text: str
    page: str


def load_events(token: AccessToken, *, now: datetime) -> list[FeedEvent]:
    """Return what the token's person may see at this moment, in the order of time.

    At most four queries. Groups beyond MOST_GROUPS are left out, those that end last.
    """
    memberships = list(Membership.objects.filter(user=token.user))
    if not memberships:
        return []
    groups = _load_groups(token, memberships, now)
    changed = _last_changes([group.pk for group in groups])
    ends = [_group_end(group, changed) for group in groups]
    events = [*ends, *_project_ends(groups, ends), *_reconciliation_ends(now)]
    return sorted(events, key=lambda event: (_moment(event.at), event.key))


def _load_groups(
    token: AccessToken, memberships: Sequence[Membership], now: datetime
) -> list[TargetGroup]:
    """Return the open groups whose end date is ahead, or passed a short while ago."""
    rows = TargetGroup.objects.visible_to(token.user)
    if token.only_mine:
        rows = rows.managed_by({row.account_id: row.exchange_user_id for row in memberships})
    rows = rows.filter(LISTED, status__in=OPEN_STATUSES, ends_at__gt=now - PAST)
    columns = ("name", "ends_at", "created_at", "project__name", "project__created_at")
    ordered = rows.select_related("project").only(*columns).order_by("ends_at", "pk")
    return list(ordered[:MOST_GROUPS])


def _last_changes(groups: Iterable[int]) -> dict[int, datetime]:
    rows = Change.objects.filter(group__in=list(groups), kind__in=MOVES).order_by()
    return dict(rows.values("group").annotate(last=Max("occurred_at")).values_list("group", "last"))


def _group_end(group: TargetGroup, changed: dict[int, datetime]) -> FeedEvent:
    project = one_line(group.project.name)
    return FeedEvent(
        f"group-{group.pk}",
        f"Group ends: {one_line(group.name)}",
        group.ends_at or _EPOCH,
        changed.get(group.pk) or group.created_at or _EPOCH,
        f"Target group of {project}",
        page_address("group", group.pk),
    )


def _project_ends(groups: Sequence[TargetGroup], ends: Sequence[FeedEvent]) -> list[FeedEvent]:
    """Return the end of each project: the last end date of these groups."""
    last: dict[int, tuple[TargetGroup, datetime]] = {}
    for group, end in zip(groups, ends, strict=True):
        _, changed_at = last.get(group.project_id, (group, _EPOCH))
        last[group.project_id] = (group, max(changed_at, end.changed_at))
    return [
        FeedEvent(
            f"project-{pk}",
            f"Project ends: {one_line(group.project.name)}",
            group.ends_at or _EPOCH,
            changed_at,
            "The last end date of its target groups",
            page_address("project", pk),
        )
        for pk, (group, changed_at) in last.items()
    ]


def _reconciliation_ends(now: datetime) -> list[FeedEvent]:
    """Return the days on which reconciliation ends, as whole days: the 25th in US Central."""
    events = []
    for end in due_dates(now).values():
        day = (end - timedelta(hours=12)).date()
        month = day.replace(day=1) - timedelta(days=1)
        events.append(
            FeedEvent(
                f"reconciliation-{day:%Y-%m}",
                f"Reconciliation ends: completes of {month:%B %Y}",
                day,
                datetime(month.year, month.month, 1, tzinfo=UTC),
                "Until the end of this day in US Central time.",
                page_address("spend"),
            )
        )
    return events


def _moment(at: datetime | date) -> datetime:
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)


def etag_of_events(events: Sequence[FeedEvent]) -> str:
    """Return the ETag of a feed, before it is written."""
    state = repr((dashboard.__version__, settings.FIELDWATCH_URL, events))
    return f'W/"{hashlib.blake2b(state.encode(), digest_size=12).hexdigest()}"'


def calendar_text(events: Iterable[FeedEvent]) -> bytes:
    """Return the feed as an iCalendar file."""
    calendar = Calendar()
    calendar.add("prodid", "-//Fieldwatch//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Fieldwatch")
    calendar.add("name", "Fieldwatch")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for event in events:
        calendar.add_component(_as_component(event))
    text: bytes = calendar.to_ical()
    return text


def _as_component(event: FeedEvent) -> Event:
    """Return an event. At a time it has no length, and neither kind blocks the time."""
    host = urlsplit(settings.FIELDWATCH_URL).hostname or "fieldwatch"
    component = Event()
    component.add("uid", f"{event.key}@{host}")
    component.add("summary", event.title)
    component.add("dtstart", event.at)
    if not isinstance(event.at, datetime):
        component.add("dtend", event.at + timedelta(days=1))
    component.add("dtstamp", event.changed_at)
    component.add("last-modified", event.changed_at)
    component.add("sequence", max(int((event.changed_at - _EPOCH).total_seconds()), 0) // 60)
    component.add("description", f"{event.text}\n{event.page}")
    component.add("url", event.page)
    component.add("transp", "TRANSPARENT")
    return component
