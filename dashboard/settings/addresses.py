"""Settings that are addresses: of pages, servers, hosts and people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

import dj_database_url
import dj_email_url
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from dashboard.settings.base import POSTGRESQL, SQLITE
from dashboard.settings.kinds import Switch, list_entries

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"  # compose allows _ in the names of services
_NAME = rf"{_LABEL}(\.{_LABEL})*\.?"
_IPV6 = r"\[[0-9a-f:]{2,45}\]"
_HOST = re.compile(rf"(?=.{{1,253}}$)({_NAME}|{_IPV6})", re.IGNORECASE)
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.[a-z0-9-]{{2,63}}", re.IGNORECASE)
_PLACE = re.compile(rf"({_NAME}|{_IPV6})(:(?P<port>[0-9]{{1,5}}|\*))?", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_MAIL_OPTIONS = ("ssl", "tls", "timeout", "_server_email", "_default_from_email")


@dataclass(frozen=True)
class WebAddress:
    """An http or https address; its path may be a secret."""

    takes_path: bool = True
    is_secret = True

    @property
    def takes(self) -> str:
        """The schemes, and whether a path may follow."""
        path = "" if self.takes_path else " without a path, such as https://fieldwatch.example.com"
        return f"an http:// or https:// address{path}"

    def parse(self, text: str) -> str:
        """Read an address with a host; without a path it ends in no slash."""
        parts = _split_address(text, ("http", "https"))
        if self.takes_path:
            return text
        if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class WebAddressOrNone(WebAddress):
    """An http or https address, or the word that there is none."""

    @property
    def takes(self) -> str:
        """The schemes, and the word."""
        return f"{super().takes}, or none"

    def parse(self, text: str) -> str:
        """Read an address; empty if there is none."""
        return "" if text == "none" else super().parse(text)


@dataclass(frozen=True)
class ProxyAddress:
    """A proxy; the address may hold a password."""

    is_secret = True
    takes = "http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128"

    def parse(self, text: str) -> str:
        """Read an address without a path."""
        parts = _split_address(text, ("http", "https"))
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError
        return text


@dataclass(frozen=True)
class HostNames:
    """Names by which requests may call the web server, separated by commas."""

    is_secret = False
    takes = "host names such as fieldwatch.example.com, separated by commas, or *"

    def parse(self, text: str) -> list[str]:
        """Return the names in lower case; a dot before one admits its subdomains."""
        names = [name.lower() for name in list_entries(text)]
        if not all(name == "*" or _HOST.fullmatch(name.removeprefix(".")) for name in names):
            raise ValueError
        return names


@dataclass(frozen=True)
class Places:
    """Hosts to connect to, perhaps with a port, separated by commas."""

    is_secret = False
    takes = "hosts such as api.cint.com or 127.0.0.1:8080, separated by commas"

    def parse(self, text: str) -> list[str]:
        """Return the hosts in lower case."""
        places = [place.lower() for place in list_entries(text)]
        if not all(map(_is_place, places)):
            raise ValueError
        return places


@dataclass(frozen=True)
class PlacesOrDomains:
    """Hosts to connect to, or whole domains, perhaps with a port; separated by commas."""

    is_secret = False
    takes = "hosts such as hooks.example.com or 127.0.0.1:8080, or .example.com for all below it"

    def parse(self, text: str) -> list[str]:
        """Return hosts and domains in lower case."""
        places = [place.lower() for place in list_entries(text)]
        for place in places:
            is_domain = not place.startswith(".") or _DOMAIN.fullmatch(place[1:].partition(":")[0])
            if not is_domain or not _is_place(place.removeprefix(".")):
                raise ValueError
        return places


@dataclass(frozen=True)
class Domains:
    """Whole domains, separated by commas; subdomains are listed separately."""

    is_secret = False
    takes = "domains such as example.com,example.org"

    def parse(self, text: str) -> frozenset[str]:
        """Return the domains in lower case; a comma at the end is passed over."""
        domains = list_entries(text.removesuffix(","))
        if not all(map(_DOMAIN.fullmatch, domains)):
            raise ValueError
        return frozenset(domain.lower() for domain in domains)


@dataclass(frozen=True)
class DatabaseAddress:
    """PostgreSQL or SQLite; the address may hold a password."""

    is_secret = True
    takes = "postgres://user:password@host/name or sqlite:////absolute/path"

    def parse(self, text: str) -> dict[str, object]:
        """Return Django's settings of the database; SQLite in WAL mode with short waits."""
        if text.startswith("sqlite:////"):
            config = _parse_database(text)
            if Path(str(config["NAME"])).is_dir():
                raise ValueError
            return config | {"OPTIONS": SQLITE, "CONN_MAX_AGE": None}
        parts = _split_address(text, ("postgres", "postgresql"), or_socket=True)
        if not re.fullmatch(r"/[^/]+", parts.path):
            raise ValueError
        config = _parse_database(text)
        options = config.get("OPTIONS")
        return config | {
            "ENGINE": "dashboard.fielding.postgresql",
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": POSTGRESQL | (options if isinstance(options, dict) else {}),
        }


@dataclass(frozen=True)
class RedisAddress:
    """A Redis; the address may hold a password."""

    is_secret = True
    takes = "redis://host:6379/0, rediss://:password@host:6379/0 or unix:///path/of/socket"

    def parse(self, text: str) -> str:
        """Read an address with a host, or with the path of a socket."""
        if text.startswith("unix://"):
            if not re.fullmatch(r"unix:///[\x21-\x7e]+", text):
                raise ValueError
            return text
        parts = _split_address(text, ("redis", "rediss"))
        if not re.fullmatch(r"(/[0-9]{0,4})?", parts.path) or parts.fragment:
            raise ValueError
        return text


@dataclass(frozen=True)
class MailServer:
    """A mail server; the address may hold a password."""

    is_secret = True
    takes = (
        "smtp://host:25, submission://user:password@host:587 (with TLS) "
        "or smtp://user:password@host:465/?ssl=True"
    )

    def parse(self, text: str) -> dict[str, object]:
        """Return Django's settings of the server."""
        parts = _split_address(text, ("smtp", "smtps", "smtp+tls", "smtp+ssl", "submission"))
        if parts.path not in ("", "/") or parts.fragment:
            raise ValueError
        for name, values in parse_qs(parts.query, keep_blank_values=True).items():
            if name not in _MAIL_OPTIONS:
                raise ValueError
            if name in ("ssl", "tls"):
                Switch().parse(values[-1])
        return dict(dj_email_url.parse(text))


@dataclass(frozen=True)
class Sender:
    """The sender of emails."""

    is_secret = False
    takes = "an email address, or Name <address>"

    def parse(self, text: str) -> str:
        """Read one address, perhaps with a name before it."""
        name, address = parseaddr(text)
        try:
            validate_email(address)
        except ValidationError as exc:
            raise ValueError from exc
        if text not in (address, f"{name} <{address}>", f'"{name}" <{address}>'):
            raise ValueError
        return text


def _parse_database(text: str) -> dict[str, object]:
    """Return Django's settings of a database from its address."""
    try:
        return dict(dj_database_url.parse(text, conn_max_age=600))
    except (KeyError, TypeError) as exc:
        raise ValueError from exc


def _split_address(text: str, schemes: tuple[str, ...], *, or_socket: bool = False) -> SplitResult:
    """Return the parts of an address; ValueError if its scheme, host or port is wrong.

    With `or_socket` no host, or one that begins with %2F, names a local socket.
    """
    if not _VISIBLE.fullmatch(text):
        raise ValueError
    parts = urlsplit(text)
    place = parts.netloc.rpartition("@")[2]
    if parts.scheme not in schemes or not text.startswith(f"{parts.scheme}://"):
        raise ValueError
    if not _is_place(place) and not (or_socket and re.match(r"%2f|$", place, re.IGNORECASE)):
        raise ValueError
    return parts


def _is_place(text: str) -> bool:
    """Whether a text is a host, perhaps with a port."""
    match = _PLACE.fullmatch(text)
    if match is None or len(text) >= 260:
        return False
    return match["port"] == "*" or 1 <= int(match["port"] or 1) <= 65535
