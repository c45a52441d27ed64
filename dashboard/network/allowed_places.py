"""An allow-list of hosts, and the addresses that are not on the internet."""

import ipaddress
from collections.abc import Iterable

DEFAULT_PORTS = {"http": 80, "https": 443}
# Networks that gateways translate into IPv4 (RFC 6052, 8215).
_TRANSLATED = [ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48")]
_INTERNET = ipaddress.IPv6Network("2000::/3")  # all that is given out of IPv6 (RFC 4291)
# Public by their number, yet answered by the cloud that a machine runs in: Azure's wire server,
# Oracle's metadata, and the services of IBM.
_OF_CLOUDS = [
    ipaddress.IPv4Network(each)
    for each in ("168.63.129.16/32", "192.0.0.0/24", "161.26.0.0/16", "166.8.0.0/14")
]


class AllowedPlaces:
    """Entries `host`, or `.domain` for every host below a domain; perhaps with `:port` or `:*`.

    An entry without a port admits the ports of http and https alone, one with `:*` all ports.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        names = [entry.strip().lower().rstrip(".") for entry in entries]
        self._exact = frozenset(name for name in names if name and not name.startswith("."))
        self._domains = tuple(name for name in names if name.startswith("."))

    def is_named(self, host: str, port: int) -> bool:
        """Whether this very host is listed, for this port."""
        return any(entry in self._exact for entry in _entries_for(host, port))

    def is_named_with_port(self, host: str, port: int) -> bool:
        """Whether this very host is listed with this port."""
        return f"{_name_of(host)}:{port}" in self._exact

    def is_in_domain(self, host: str, port: int) -> bool:
        """Whether a domain above this host is listed, for this port."""
        return any(entry.endswith(self._domains or ("\0",)) for entry in _entries_for(host, port))

    def lacks_port_alone(self, host: str, port: int) -> bool:
        """Whether the host or its domain is listed, but for other ports only."""
        default = DEFAULT_PORTS["https"]
        is_listed = self.is_named(host, default) or self.is_in_domain(host, default)
        return is_listed and not (self.is_named(host, port) or self.is_in_domain(host, port))


def _name_of(host: str) -> str:
    return host.lower().rstrip(".")


def _entries_for(host: str, port: int) -> list[str]:
    """The entries that admit a host on a port."""
    name = _name_of(host)
    entries = [f"{name}:{port}", f"{name}:*"]
    return [*entries, name] if port in DEFAULT_PORTS.values() else entries


def is_internal(address: str) -> bool:
    """Whether `address` is an IP address, in any notation, that is not reached over the internet.

    Private networks, this machine, and what only the machines of a cloud reach.
    """
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0].strip("[]"))
    except ValueError:
        return False
    if ip.version == 6 and not any(ip in network for network in (_INTERNET, *_TRANSLATED)):
        return True
    return ip.is_multicast or any(map(_is_off_the_internet, (ip, *_embedded_ipv4(ip))))


def _is_off_the_internet(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not ip.is_global or any(ip in network for network in _OF_CLOUDS)


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
