"""Which addresses may be asked: an allow-list of hosts, and no private network by accident."""

import ipaddress
from collections.abc import Iterable

import httpx

from dashboard.exchange.errors import HostRefused

EXCHANGE_HOSTS = ("api.cint.com", "auth.lucidhq.com")

_PORTS = {"http": 80, "https": 443}


class AllowedHosts:
    """The allow-list: `host`, `host:port`, or `.domain` for every host below a domain.

    A host that is named exactly may live in a private network (a simulator, a proxy);
    one that is allowed by its domain only may not.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        names = [host.strip().lower().rstrip(".") for host in hosts]
        self._exact = frozenset(name for name in names if name and not name.startswith("."))
        self._domains = tuple(name for name in names if name.startswith("."))

    def check(self, url: str) -> httpx.URL:
        """`url` if it may be asked; HostRefused if not, in words for people."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as exc:
            raise HostRefused("This is not a web address") from exc
        host = parsed.host.lower().rstrip(".")
        if parsed.scheme not in _PORTS or not host or parsed.userinfo:
            raise HostRefused("This is not a plain http or https address")
        if self.names(host, parsed.port or _PORTS[parsed.scheme]):
            return parsed
        if not host.endswith(self._domains or ("\0",)) or _is_inside(host):
            raise HostRefused(f"The host {host} is not on the list of allowed hosts")
        if parsed.scheme != "https":
            raise HostRefused(f"The host {host} may only be asked over https")
        return parsed

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
    mapped = getattr(ip, "ipv4_mapped", None)
    return not (mapped or ip).is_global or ip.is_multicast
