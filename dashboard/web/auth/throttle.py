"""Guessing passwords and codes gets slow, and nobody can be locked out by somebody else.

Wrong passwords are counted for a name *from one address*, for an address over all names, and,
after many more, for a name from everywhere. Past a few, each further try has to wait, longer each
time, up to a limit. A try that came too early is not looked at, so it tells nothing and prolongs
nothing. A browser that signed in as this person before, or set their password by mail, is counted
apart: whatever others do, it does not wait for them. Wrong codes of a second factor are counted for
their person: who is asked for one knew the password.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
from dataclasses import dataclass
from time import time as clock
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

FORGOTTEN_AFTER = 15 * 60  # seconds
LONGEST_WAIT = 30  # seconds
LONGEST_WAIT_EVERYWHERE = 40  # so that one name sees fewer than a hundred guesses an hour
LONGEST_WAIT_FOR_CODE = 300
FREE_PER_NAME = 5
FREE_PER_ADDRESS = 40
FREE_EVERYWHERE = 60
FREE_CODES = 5
IPV6_HOME = 64  # bits of an address that one household or machine is given whole
NOWHERE = "0.0.0.0"  # noqa: S104  nothing listens there: who asks did not say from where
COOKIE = "device"
COOKIE_AGE = 365 * 24 * 3600
_PEOPLE_PER_DEVICE = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """How many wrong tries are free here before each has to wait."""

    key: str
    free: int
    longest: int = LONGEST_WAIT

    def wait(self, now: float) -> int:
        """Seconds until the next try is looked at."""
        tries, last = self._so_far()
        if tries < self.free:
            return 0
        pause = min(2.0 ** min(tries - self.free, 10), self.longest)
        return max(math.ceil(last + pause - now), 0)

    def _so_far(self) -> tuple[int, float]:
        """Wrong tries, and when the last one was (Unix seconds)."""
        found: tuple[int, float] = cache.get(self.key, (0, 0.0))
        return found

    def add(self, now: float) -> None:
        """One more wrong try."""
        tries, _ = self._so_far()
        cache.set(self.key, (tries + 1, now), FORGOTTEN_AFTER)


def client_address(request: HttpRequest) -> str:
    """Where the request comes from: the peer, or what so many proxies of ours say of it.

    `X-Forwarded-For` is believed only as far as TRUSTED_PROXIES says: each proxy adds one entry at
    the right, everything further left can be forged. Always an address: a proxy on a Unix socket
    that says nothing gives 0.0.0.0.
    """
    hops = settings.TRUSTED_PROXIES
    told = request.headers.get("X-Forwarded-For", "").split(",")
    said = told[-hops] if hops and len(told) >= hops else ""
    return _ip(said) or _ip(str(request.META.get("REMOTE_ADDR", ""))) or NOWHERE


def _ip(said: str) -> str:
    """An address without the brackets, port and zone that some proxies write; empty where none."""
    host = said.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return ""


def name_counters(request: HttpRequest, name: str) -> list[Counter]:
    """What a wrong try under this name counts for."""
    who = _who(name)
    if device := _device(request, who):
        return [Counter(_key("device", device, who), FREE_PER_NAME)]
    where = _home(client_address(request))
    return [
        Counter(_key("name", where, who), FREE_PER_NAME),
        Counter(_key("address", where), FREE_PER_ADDRESS),
        Counter(_key("everywhere", who), FREE_EVERYWHERE, LONGEST_WAIT_EVERYWHERE),
    ]


def code_counters(request: HttpRequest, name: str) -> list[Counter]:
    """What a wrong code of this person's second factor counts for."""
    who = _who(name)
    device = _device(request, who)
    return [Counter(_key("code", device, who), FREE_CODES, LONGEST_WAIT_FOR_CODE)]


def again_counters(request: HttpRequest) -> list[Counter]:
    """What a wrong password of who is signed in already counts for: this one session.

    Whoever took a session over can guess no faster with it, and makes nobody else wait.
    """
    return [Counter(_key("again", request.session.session_key or ""), FREE_PER_NAME)]


def seconds_to_wait(counted: list[Counter]) -> int:
    """Seconds until a try that counts there is looked at; 0 for now."""
    now = clock()
    return max(counter.wait(now) for counter in counted)


def count_failure(counted: list[Counter]) -> None:
    """A wrong password or code was given."""
    for counter in counted:
        counter.add(clock())


def know_device(request: HttpRequest, response: HttpResponseBase, *names: str) -> None:
    """Let this browser be known for a person who has just shown with it who they are."""
    known = _opened(request)
    marks = [_mark(_who(name)) for name in names]
    if known and set(marks) <= set(known[1]):
        return
    device, people = known or [secrets.token_hex(8), []]
    kept = [mark for mark in people if mark not in marks]
    value = signing.dumps([device, (marks + kept)[:_PEOPLE_PER_DEVICE]], salt=COOKIE)
    response.set_cookie(
        COOKIE,
        value,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        path="/sign-in/",
    )


def _device(request: HttpRequest, who: str) -> str:
    """The device's own mark, if this person signed in with it before; else empty."""
    known = _opened(request)
    return str(known[0]) if known and _mark(who) in known[1] else ""


def _opened(request: HttpRequest) -> list[Any] | None:
    """What the cookie says; None where there is none of ours."""
    try:
        device, people = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_AGE
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return [device, people]


def _home(where: str) -> str:
    """An address, or of IPv6 the network that its owner can choose addresses from."""
    ip = ipaddress.ip_address(where)
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((ip, IPV6_HOME), strict=False))


def _who(name: str) -> str:
    """One name however it is written: what a database takes for the same counts as the same."""
    return name.strip().upper().casefold()


def _mark(who: str) -> str:
    """A name that cannot be read back from the cookie."""
    return hashlib.sha256(f"{settings.SECRET_KEY} {who}".encode()).hexdigest()[:16]


def _key(*parts: str) -> str:
    return "try:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
