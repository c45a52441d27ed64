"""The active sessions of a person, when each was last used, and when it ends.

The sign-in library would write a session's row with every request; here it is written every few
minutes. Timestamps in the session itself tell when, so that no page costs a query.

A session ends SESSION_HOURS after its sign-in, however busy it is, and after SESSION_IDLE_MINUTES
without use. What a page asks by itself is no use: a screen that nobody looks at signs nobody in.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import time as clock

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from dashboard.fielding.models import User
from dashboard.web.monitoring.read_only import write_if_possible

log = logging.getLogger(__name__)
BEGAN = "began"  # in the session: when the person signed in (Unix seconds)
USED = "used"  # in the session: when its row was last written (Unix seconds)
AUTOMATIC = ("X-Automatic", "X-Background")  # headers of what a page asks by itself
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
    """Record every few minutes that a session is in use, and end one that is over."""

    def middleware(request: HttpRequest) -> HttpResponse:
        now = clock()
        used = request.session.get(USED, 0)  # a session from before an upgrade has no mark
        if why := _why_over(used, request.session.get(BEGAN, now), now):
            _end_here(request, why)
        elif now - used > EVERY and not is_automatic(request) and request.user.is_authenticated:
            record_session(request)
        return get_response(request)

    return middleware


def is_automatic(request: HttpRequest) -> bool:
    """Whether a page asks by itself, by the clock: nobody has clicked."""
    return any(request.headers.get(name) for name in AUTOMATIC)


def mark_beginning(request: HttpRequest) -> None:
    """Begin to count the lifetime of a session, at its sign-in."""
    request.session[BEGAN] = request.session[USED] = int(clock())


def _why_over(used: float, began: float, now: float) -> str:
    """Return why a session is over; empty while it is not, and before anybody signed in."""
    if now - began > settings.SESSION_HOURS * 3600:
        return "lifetime"
    if used and now - used > settings.SESSION_IDLE_MINUTES * 60 + EVERY:
        return "inactivity"
    return ""


def _end_here(request: HttpRequest, why: str) -> None:
    """End the session of this request; while the database takes no writes, only for it."""
    log.info("session over: %s", why)
    if not write_if_possible(lambda: logout(request)):
        request.user = AnonymousUser()


def renew_key(request: HttpRequest) -> None:
    """Give the session a new key, which its row follows; the old key opens nothing."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def record_session(request: HttpRequest) -> None:
    """Record that this session is in use, with address and browser."""
    if write_if_possible(lambda: UserSession.objects.create_from_request(request)):
        request.session[USED] = int(clock())
        request.session.setdefault(BEGAN, int(clock()))


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


def end_sessions(request: HttpRequest, user: User, pk: int | None) -> int:
    """End one session of this person, or all but the request's own; return how many ended."""
    here = request.session.session_key
    rows = UserSession.objects.filter(user=user).exclude(session_key=here)
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
