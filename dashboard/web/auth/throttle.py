"""Slow down guessing of passwords and codes, without locking anybody out.

Wrong passwords count per name and address, per address over all names, and, with a higher limit,
per name from everywhere. Beyond a few, each attempt has to wait, longer each time, up to a limit.
An attempt that comes too early is not checked, so it reveals nothing and prolongs nothing. A
browser that has signed in as this person before, or set their password by mail, is counted
separately: others cannot make it wait. Wrong codes of the second factor count per person, since
whoever is asked for one has entered the password.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time as clock

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
TURN_SECONDS = 30  # for which a turn is kept if its process dies
FREE_LINKS = 60  # openings of shared links by one address
IPV6_HOME = 64  # bits of an address; one household or machine usually owns the rest
NOWHERE = "0.0.0.0"  # noqa: S104  the address is unknown
SALT = "device"  # of the cookie's signature
COOKIE_AGE = 365 * 24 * 3600
_PEOPLE_PER_DEVICE = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts wrong attempts; beyond `free` of them, each has to wait."""

    key: str
    free: int
    longest: int = LONGEST_WAIT

    def wait(self, now: float) -> int:
        """Return the seconds until the next attempt is checked."""
        tries, last = self._so_far()
        if tries < self.free:
            return 0
        pause = min(2.0 ** min(tries - self.free, 10), self.longest)
        return max(math.ceil(last + pause - now), 0)

    def _so_far(self) -> tuple[int, float]:
        """Return the wrong attempts and the time of the last (Unix seconds)."""
        state: tuple[int, float] = cache.get(self.key, (0, 0.0))
        return state

    def add(self, now: float) -> None:
        """Count one more wrong attempt."""
        tries, _ = self._so_far()
        cache.set(self.key, (tries + 1, now), FORGOTTEN_AFTER)


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the peer, or the entry that trusted proxies added.

    Each of the TRUSTED_PROXIES adds one entry at the right of `X-Forwarded-For`; everything further
    left can be forged. An unknown address, such as behind a Unix socket, is 0.0.0.0.
    """
    hops = settings.TRUSTED_PROXIES
    hops_named = request.headers.get("X-Forwarded-For", "").split(",")
    address = hops_named[-hops] if hops and len(hops_named) >= hops else ""
    return (
        _parse_address(address)
        or _parse_address(str(request.META.get("REMOTE_ADDR", "")))
        or NOWHERE
    )


def _parse_address(text: str) -> str:
    """Parse an address, ignoring brackets, port and zone; empty if it is none."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return ""


def name_counters(request: HttpRequest, name: str) -> list[Counter]:
    """Return the counters of a wrong password for this name."""
    name_key = _normalise_name(name)
    if device := _known_device(request, name_key):
        return [Counter(_key("device", device, name_key), FREE_PER_NAME)]
    network = _network_of(client_address(request))
    return [
        Counter(_key("name", network, name_key), FREE_PER_NAME),
        Counter(_key("address", network), FREE_PER_ADDRESS),
        Counter(_key("everywhere", name_key), FREE_EVERYWHERE, LONGEST_WAIT_EVERYWHERE),
    ]


def code_counters(request: HttpRequest, name: str) -> list[Counter]:
    """Return the counters of a wrong code for this person's second factor."""
    name_key = _normalise_name(name)
    device = _known_device(request, name_key)
    return [Counter(_key("code", device, name_key), FREE_CODES, LONGEST_WAIT_FOR_CODE)]


def again_counters(request: HttpRequest) -> list[Counter]:
    """Return the counter of a wrong password by somebody who is signed in: this session's.

    Somebody who took over a session cannot guess faster with it, and makes nobody else wait.
    """
    return [Counter(_key("again", request.session.session_key or ""), FREE_PER_NAME)]


def link_counters(request: HttpRequest) -> list[Counter]:
    """Return the counter of shared links that this address opens, right or wrong."""
    return [Counter(_key("link", _network_of(client_address(request))), FREE_LINKS)]


def setup_counters(request: HttpRequest) -> list[Counter]:
    """Return the counters of wrong setup codes: this address's, and those of everywhere."""
    return [
        Counter(_key("setup", _network_of(client_address(request))), FREE_CODES),
        Counter(_key("setup"), FREE_EVERYWHERE, LONGEST_WAIT_EVERYWHERE),
    ]


def seconds_to_wait(counted: list[Counter]) -> int:
    """Return the seconds until an attempt with these counters is checked; 0 for now."""
    now = clock()
    return max(counter.wait(now) for counter in counted)


def count_failure(counted: list[Counter]) -> None:
    """Count a wrong password or code, or a shared link that was opened."""
    for counter in counted:
        counter.add(clock())


@contextmanager
def take_turn(counted: list[Counter]) -> Iterator[bool]:
    """Check one attempt after another; False for one that comes while another is being checked.

    Many at the same moment would otherwise all be checked before the first is counted.
    """
    key = f"{counted[0].key}:turn"
    has_turn = cache.add(key, 1, TURN_SECONDS)
    try:
        yield has_turn
    finally:
        if has_turn:
            cache.delete(key)


def know_device(request: HttpRequest, response: HttpResponseBase, *names: str) -> None:
    """Remember this browser for a person who has just signed in with it."""
    opened = _read_cookie(request)
    marks = [_hash_name(_normalise_name(name)) for name in names]
    if opened and set(marks) <= set(opened[1]):
        return
    device, people = opened or (secrets.token_hex(8), [])
    others = [mark for mark in people if mark not in marks]
    value = signing.dumps([device, (marks + others)[:_PEOPLE_PER_DEVICE]], salt=SALT)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        value,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        path="/",  # as `__Host-` asks for
    )


def _known_device(request: HttpRequest, name_key: str) -> str:
    """Return the id of a device that this person signed in with before; else empty."""
    opened = _read_cookie(request)
    return opened[0] if opened and _hash_name(name_key) in opened[1] else ""


def _read_cookie(request: HttpRequest) -> tuple[str, list[str]] | None:
    """Return device id and hashed names from the cookie; None without a valid one."""
    try:
        device, people = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=COOKIE_AGE
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(device), list(people)


def _network_of(address: str) -> str:
    """Return an IPv4 address itself, or the network of an IPv6 address."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((ip, IPV6_HOME), strict=False))


def _normalise_name(name: str) -> str:
    """Normalise a name, so that spellings that a database treats as equal count together."""
    return name.strip().upper().casefold()


def _hash_name(name_key: str) -> str:
    """Hash a name, so that the cookie does not reveal it."""
    return hashlib.sha256(f"{settings.SECRET_KEY} {name_key}".encode()).hexdigest()[:16]


def _key(*parts: str) -> str:
    return "try:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
