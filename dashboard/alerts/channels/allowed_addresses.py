"""Where messages may go: to allowed hosts, over https, and into no private network by accident."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import httpx

from dashboard.alerts.channels.services.registry import FORMATS, SERVICE_HOSTS

_PORTS = {"http": 80, "https": 443}
# Networks that gateways translate into IPv4 (RFC 6052, 8215).
_TRANSLATED = [ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48")]
_INTERNET = ipaddress.IPv6Network("2000::/3")  # all that is given out of IPv6 (RFC 4291)


class AddressRefused(ValueError):
    """No message may go to this address; the text is for the person who gave it."""


class AllowedAddresses:
    """The list of CHANNEL_ALLOWED_HOSTS: `host`, `host:port`, or `.domain` for all hosts below it.

    A host of one's own that is named exactly may be in a private network, and may have any service
    behind it (a relay, Mattermost). Plain http is only for such a host, and not in production.
    """

    def __init__(self, hosts: Iterable[str], *, production: bool) -> None:
        names = [host.strip().lower() for host in hosts]
        self._exact = {name for name in names if name and not name.startswith(".")}
        self._domains = tuple(name for name in names if name.startswith("."))
        self._production = production

    def check_address(self, address: str, service: str) -> httpx.URL:
        """Parse an address of a service; AddressRefused, in words for people, if it will not do."""
        form = FORMATS[service]
        try:
            url = httpx.URL(address)
            host = url.host.lower()
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise AddressRefused("This is not a web address.") from exc
        if url.scheme not in _PORTS or not host or url.userinfo or url.fragment:
            raise AddressRefused(f"This is not an address of the form {form.example}")
        port = url.port or _PORTS[url.scheme]
        if not self.is_own(host, port):
            self._check_service(url, host, port, service)
        if url.scheme != "https" and (self._production or not self.is_own(host, port)):
            raise AddressRefused("The address has to begin with https://.")
        return url

    def _check_service(self, url: httpx.URL, host: str, port: int, service: str) -> None:
        """Check a host that is not one's own: the service's hosts, as far as they are allowed."""
        form = FORMATS[service]
        is_theirs = _matches(host, form.hosts) and port == _PORTS["https"]
        if form.hosts and not (is_theirs and form.path.fullmatch(url.raw_path.decode())):
            raise AddressRefused(f"An address of this service looks like {form.example}")
        is_allowed = host in self._exact or host.endswith(self._domains or ("\0",))
        if not is_allowed or _is_private(host):
            raise AddressRefused(
                f"The host {host} is not allowed here. Whoever runs this Fieldwatch can add it to "
                "CHANNEL_ALLOWED_HOSTS."
            )

    def is_own(self, host: str, port: int) -> bool:
        """Whether this very host is listed, and is not one of the services' own."""
        if _matches(host, SERVICE_HOSTS):
            return False
        return host in self._exact or f"{host}:{port}" in self._exact

    def check_resolved(self, host: str, port: int, address: str) -> None:
        """AddressRefused if a host is in a private network without being listed by its name."""
        if not self.is_own(host, port) and _is_private(address):
            raise AddressRefused(f"The host {host} is in a private network")


def _matches(host: str, names: Iterable[str]) -> bool:
    return any(host.endswith(name) if name[0] == "." else host == name for name in names)


def _is_private(address: str) -> bool:
    """Whether it is an IP address that is not reachable from the internet, in any notation."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0].strip("[]"))
    except ValueError:
        return False
    inner: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        inner += [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        is_translated = any(ip in network for network in _TRANSLATED)
        if not is_translated and ip not in _INTERNET:
            return True
        if is_translated:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip.is_multicast or any(each is not None and not each.is_global for each in inner)
