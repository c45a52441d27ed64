"""The allow-list of hosts for requests; no private network by accident."""

import ipaddress
from collections.abc import Iterable

import httpx

from dashboard.exchange.errors import HostRefused

EXCHANGE_HOSTS = ("api.cint.com", "auth.lucidhq.com")

_PORTS = {"http": 80, "https": 443}
# Networks that gateways translate into IPv4 (RFC 6052, 8215).
_TRANSLATED = [ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48")]
_INTERNET = ipaddress.IPv6Network("2000::/3")  # all that is given out of IPv6 (RFC 4291)


class AllowedHosts:
    """The allow-list: `host`, `host:port`, or `.domain` for every host below a domain.

    A host that is named exactly may be in a private network (a simulator, a proxy); one that is
    allowed by its domain only may not. Plain http is allowed only for a host that is named with its
    port or is local: a key is never sent unencrypted over the internet.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        names = [host.strip().lower().rstrip(".") for host in hosts]
        self._exact = frozenset(name for name in names if name and not name.startswith("."))
        self._domains = tuple(name for name in names if name.startswith("."))

    def check(self, url: str) -> httpx.URL:
        """Parse `url`; HostRefused, in words for people, if no request may go there."""
        try:
            parsed = httpx.URL(url)
            host = parsed.host.lower().rstrip(".")  # invalid international names raise here
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise HostRefused("This is not a valid web address") from exc
        if parsed.scheme not in _PORTS or not host or parsed.userinfo or parsed.query:
            raise HostRefused("This is not an http or https address without user name and query")
        port = parsed.port or _PORTS[parsed.scheme]
        if not self.is_named(host, port) and (
            not host.endswith(self._domains or ("\0",)) or _is_private_address(host)
        ):
            raise HostRefused(f"The host {host} is not on the list of allowed hosts")
        if parsed.scheme != "https" and not self._may_be_plain(host, port):
            raise HostRefused(f"The host {host} is only allowed over https")
        return parsed

    def _may_be_plain(self, host: str, port: int) -> bool:
        """Whether a named host may be used without TLS, because it is local."""
        is_local = "." not in host or _is_private_address(host)
        return f"{host}:{port}" in self._exact or (host in self._exact and is_local)

    def is_named(self, host: str, port: int) -> bool:
        """Whether this very host is on the list, with or without its port."""
        name = host.lower().rstrip(".")
        return name in self._exact or f"{name}:{port}" in self._exact

    def check_address(self, host: str, port: int, address: str) -> None:
        """HostRefused if `host` resolves to a private network without being named exactly."""
        if not self.is_named(host, port) and _is_private_address(address):
            raise HostRefused(f"The host {host} is in a private network")


def _is_private_address(address: str) -> bool:
    """Whether `address` is an IP address that is not reachable from the internet."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if ip.version == 6 and not any(ip in network for network in (_INTERNET, *_TRANSLATED)):
        return True
    return ip.is_multicast or any(not embedded.is_global for embedded in (ip, *_embedded_ipv4(ip)))


def _embedded_ipv4(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address may stand for, in any of its notations."""
    if ip.version == 4:
        return []
    embedded = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _TRANSLATED):
        embedded.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [address for address in embedded if address is not None]
