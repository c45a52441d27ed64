"""The active sessions of a person, and when each was last used.

The sign-in library would write a session's row with every request; here it is written every few
minutes. A timestamp in the session itself tells when, so that no page costs a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import time as clock

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse

from dashboard.fielding.models import User
from dashboard.web.monitoring.read_only import write_if_possible

USED = "used"  # in the session: when its row was last written (Unix seconds)
EVERY = 5 * 60  # seconds
# The first match counts: browsers also name the older ones that they imitate.
_BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"(Firefox|FxiOS)/"),
    ("Chrome", r"(Chrome|CriOS)/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("Windows", r"Windows"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("macOS", r"Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux"),
)


@dataclass(frozen=True, slots=True)
class Device:
    """One session as its owner sees it."""

    pk: int
    what: str
    address: str
    since: datetime
    used: datetime
    here: bool


def track_sessions(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Record every few minutes that a session is in use."""

    def middleware(request: HttpRequest) -> HttpResponse:
        used = request.session.get(USED, 0)  # a session from before an upgrade has no mark
        if clock() - used > EVERY and request.user.is_authenticated:
            record_session(request)
        return get_response(request)

    return middleware


def record_session(request: HttpRequest) -> None:
    """Record that this session is in use, with address and browser."""
    if write_if_possible(lambda: UserSession.objects.create_from_request(request)):
        request.session[USED] = int(clock())


def sessions_of(user: User, request: HttpRequest) -> list[Device]:
    """Return the person's sessions, the current one first, then by last use."""
    record_session(request)
    rows = [
        Device(
            row.pk,
            browser_name(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.is_current(),
        )
        for row in UserSession.objects.purge_and_list(user)
    ]
    return sorted(rows, key=lambda row: (not row.here, -row.used.timestamp()))


def end_sessions(user: User, pk: int | None) -> int:
    """End one session of this person, or all but the current one; return how many ended."""
    rows = [row for row in UserSession.objects.filter(user=user) if not row.is_current()]
    ended = [row for row in rows if pk in (None, row.pk)]
    for row in ended:
        row.end()
    return len(ended)


def browser_name(agent: str) -> str:
    """Return browser and system from a user agent string."""
    browser, system = (
        next((name for name, mark in known if re.search(mark, agent)), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return " on ".join(filter(None, (browser, system))) or "Unknown browser"
