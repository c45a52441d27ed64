"""Where a person is signed in: the sessions that they have, and when each was last used.

The sign-in library keeps a row a session. It would write it with every request; here that is done
every few minutes, by a mark in the session itself, so that no page costs a query for it.
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

USED = "used"  # in the session: when its row was last written (Unix seconds)
EVERY = 5 * 60  # seconds
# The first that is found counts: each browser names those before which it came, too.
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
    """One session as its owner reads it."""

    pk: int
    what: str
    address: str
    since: datetime
    used: datetime
    here: bool


def track_sessions(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Middleware: note now and then that a session is in use."""

    def answered(request: HttpRequest) -> HttpResponse:
        used = request.session.get(USED, 0)  # a session from before an upgrade has no mark
        if clock() - used > EVERY and request.user.is_authenticated:
            record_session(request)
        return get_response(request)

    return answered


def record_session(request: HttpRequest) -> None:
    """Write down that this session is in use, from where and by what."""
    UserSession.objects.create_from_request(request)
    request.session[USED] = int(clock())


def sessions_of(user: User, request: HttpRequest) -> list[Device]:
    """Every session in which this person is signed in, the one that asks first."""
    record_session(request)
    found = [
        Device(
            one.pk,
            browser_name(one.user_agent),
            one.ip,
            one.created_at,
            one.last_seen_at,
            one.is_current(),
        )
        for one in UserSession.objects.purge_and_list(user)
    ]
    return sorted(found, key=lambda one: (not one.here, -one.used.timestamp()))


def end_sessions(user: User, pk: int | None) -> int:
    """End one session of this person, or all but the one that asks; how many ended."""
    rows = [one for one in UserSession.objects.filter(user=user) if not one.is_current()]
    ending = [one for one in rows if pk in (None, one.pk)]
    for one in ending:
        one.end()
    return len(ending)


def browser_name(agent: str) -> str:
    """Browser and system, as far as a user agent says so."""
    browser, system = (
        next((name for name, mark in known if re.search(mark, agent)), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return " on ".join(filter(None, (browser, system))) or "Unknown browser"
