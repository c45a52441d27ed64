"""Where messages may go: to allowed hosts, over https, and into no private network by accident."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from dashboard.alerts.channels.services.registry import FORMATS, SERVICE_HOSTS
from dashboard.network.allowed_places import DEFAULT_PORTS, AllowedPlaces, is_internal


class AddressRefused(ValueError):
    """No message may go to this address; the text is for the person who gave it."""


class AllowedAddresses:
    """The list of CHANNEL_ALLOWED_HOSTS: `host`, `host:port`, or `.domain` for all hosts below it.

    An entry without a port admits only the ports of https and http. A host of one's own that is
    named exactly may be in a private network, and may have any service behind it (a relay,
    Mattermost). Plain http is only for such a host, and not in production.
    """

    def __init__(self, hosts: Iterable[str], *, production: bool) -> None:
        self._places = AllowedPlaces(hosts)
        self._production = production

    def check_address(self, address: str, service: str) -> httpx.URL:
        """Parse an address of a service; AddressRefused, in words for people, if it will not do."""
        form = FORMATS[service]
        try:
            url = httpx.URL(address)
            host = url.host.lower()
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise AddressRefused("This is not a web address.") from exc
        if url.scheme not in DEFAULT_PORTS or not host or url.userinfo or url.fragment:
            raise AddressRefused(f"This is not an address of the form {form.example}")
        port = url.port or DEFAULT_PORTS[url.scheme]
        if not self.is_own(host, port):
            self._check_service(url, host, port, service)
        if url.scheme != "https" and (self._production or not self.is_own(host, port)):
            raise AddressRefused("The address has to begin with https://.")
        return url

    def _check_service(self, url: httpx.URL, host: str, port: int, service: str) -> None:
        """Check a host that is not one's own: the service's hosts, as far as they are allowed."""
        form = FORMATS[service]
        is_theirs = _matches(host, form.hosts) and port == DEFAULT_PORTS["https"]
        if form.hosts and not (is_theirs and form.path.fullmatch(url.raw_path.decode())):
            raise AddressRefused(f"An address of this service looks like {form.example}")
        if self._places.lacks_port_alone(host, port):
            raise AddressRefused(
                f"The host {host} is allowed here, but not its port {port}. Whoever runs this "
                f"Fieldwatch can add {host}:{port} to CHANNEL_ALLOWED_HOSTS."
            )
        is_listed = self._places.is_named(host, port) or self._places.is_in_domain(host, port)
        if not is_listed or is_internal(host):
            raise AddressRefused(
                f"The host {host} is not allowed here. Whoever runs this Fieldwatch can add it to "
                "CHANNEL_ALLOWED_HOSTS."
            )

    def is_own(self, host: str, port: int) -> bool:
        """Whether this very host is listed, and is not one of the services' own."""
        if _matches(host.lower().rstrip("."), SERVICE_HOSTS):
            return False
        return self._places.is_named(host, port)

    def check_resolved(self, host: str, port: int, address: str) -> None:
        """AddressRefused if a host is in a private network without being listed by its name."""
        if not self.is_own(host, port) and is_internal(address):
            raise AddressRefused(f"The host {host} is in a private network")


def _matches(host: str, names: Iterable[str]) -> bool:
    return any(host.endswith(name) if name[0] == "." else host == name for name in names)
