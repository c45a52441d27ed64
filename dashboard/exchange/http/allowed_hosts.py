"""The allow-list of hosts for requests; no private network by accident."""

from collections.abc import Iterable

import httpx

from dashboard.exchange.errors import HostRefused
from dashboard.network.allowed_places import DEFAULT_PORTS, AllowedPlaces, is_internal

EXCHANGE_HOSTS = ("api.cint.com", "auth.lucidhq.com")


class AllowedHosts:
    """The allow-list: `host`, `host:port`, or `.domain` for every host below a domain.

    An entry without a port admits only the ports of https and http. A host that is named exactly
    may be in a private network (a simulator, a proxy); one that is allowed by its domain only may
    not. Plain http is allowed only for a host that is named with its port or is local: a key is
    never sent unencrypted over the internet.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._places = AllowedPlaces(hosts)

    def check(self, url: str) -> httpx.URL:
        """Parse `url`; HostRefused, in words for people, if no request may go there."""
        try:
            parsed = httpx.URL(url)
            host = parsed.host.lower().rstrip(".")  # invalid international names raise here
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise HostRefused("This is not a valid web address") from exc
        if parsed.scheme not in DEFAULT_PORTS or not host or parsed.userinfo or parsed.query:
            raise HostRefused("This is not an http or https address without user name and query")
        port = parsed.port or DEFAULT_PORTS[parsed.scheme]
        if not self.is_named(host, port) and (
            not self._places.is_in_domain(host, port) or is_internal(host)
        ):
            raise HostRefused(self._reason_to_refuse(host, port))
        if parsed.scheme != "https" and not self._may_be_plain(host, port):
            raise HostRefused(f"The host {host} is only allowed over https")
        return parsed

    def _reason_to_refuse(self, host: str, port: int) -> str:
        if self._places.lacks_port_alone(host, port):
            return (
                f"The host {host} is allowed, but not its port {port}: "
                f"EXCHANGE_ALLOWED_HOSTS has to name {host}:{port}"
            )
        return f"The host {host} is not on the list of allowed hosts"

    def _may_be_plain(self, host: str, port: int) -> bool:
        """Whether a named host may be used without TLS, because it is local."""
        is_local = "." not in host or is_internal(host)
        if self._places.is_named_with_port(host, port):
            return True
        return is_local and self.is_named(host, port)

    def is_named(self, host: str, port: int) -> bool:
        """Whether this very host is on the list, with this port or for the default ports."""
        return self._places.is_named(host, port)

    def check_address(self, host: str, port: int, address: str) -> None:
        """HostRefused if `host` resolves to a private network without being named exactly."""
        if not self.is_named(host, port) and is_internal(address):
            raise HostRefused(f"The host {host} is in a private network")
