"""Which addresses may be asked: an allow-list of hosts, and no private network by accident."""

import ipaddress
from collections.abc import Iterable

import httpx

from dashboard.exchange.errors import HostRefused

EXCHANGE_HOSTS = ("api.cint.com", "auth.lucidhq.com")

_PORTS = {"http": 80, "https": 443}
# What gateways translate into IPv4 (RFC 6052, 8215), and the old way to write it (RFC 4291).
_TRANSLATED = [
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")
]


class AllowedHosts:
    """The allow-list: `host`, `host:port`, or `.domain` for every host below a domain.

    A host that is named exactly may live in a private network (a simulator, a proxy);
    one that is allowed by its domain only may not. Without TLS only what is named with its port
    or does not look like a name of the internet is asked: a key never leaves in the clear.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        names = [host.strip().lower().rstrip(".") for host in hosts]
        self._exact = frozenset(name for name in names if name and not name.startswith("."))
        self._domains = tuple(name for name in names if name.startswith("."))

    def check(self, url: str) -> httpx.URL:
        """`url` if it may be asked; HostRefused if not, in words for people."""
        try:
            parsed = httpx.URL(url)
            host = parsed.host.lower().rstrip(".")  # where odd international names are found out
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise HostRefused("This is not a web address") from exc
        if parsed.scheme not in _PORTS or not host or parsed.userinfo or parsed.query:
            raise HostRefused("This is not a plain http or https address")
        port = parsed.port or _PORTS[parsed.scheme]
        if not self.names(host, port) and (
            not host.endswith(self._domains or ("\0",)) or _is_inside(host)
        ):
            raise HostRefused(f"The host {host} is not on the list of allowed hosts")
        if parsed.scheme != "https" and not self._may_be_plain(host, port):
            raise HostRefused(f"The host {host} may only be asked over https")
        return parsed

    def _may_be_plain(self, host: str, port: int) -> bool:
        """Whether a named host is one of a machine's or a company's own."""
        near = "." not in host or _is_inside(host)
        return f"{host}:{port}" in self._exact or (host in self._exact and near)

    def names(self, host: str, port: int) -> bool:
        """Whether this very host is on the list, with or without its port."""
        name = host.lower().rstrip(".")
        return name in self._exact or f"{name}:{port}" in self._exact

    def check_address(self, host: str, port: int, address: str) -> None:
        """HostRefused if `host` turns out to live in a private network without being named."""
        if not self.names(host, port) and _is_inside(address):
            raise HostRefused(f"The host {host} leads into a private network")


def _is_inside(address: str) -> bool:
    """Whether `address` is an IP address that the open internet does not reach."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return ip.is_multicast or any(not each.is_global for each in (ip, *_embedded_ipv4(ip)))


def _embedded_ipv4(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 one may lead to, by any of the ways to write one in it."""
    if ip.version == 4:
        return []
    embedded = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _TRANSLATED):
        embedded.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [address for address in embedded if address is not None]
