"""The proxy that an address is asked through, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY
name it, and the pool of connections to an address."""

import ipaddress
import ssl
import urllib.request
from dataclasses import dataclass

import httpcore
import httpx

from dashboard.network.backends import Check, CheckedBackend, ProxyBackend
from dashboard.network.streams import Deadline, DeadlineStream


def find_proxy(url: httpx.URL) -> httpx.URL | None:
    """The proxy for this address; None if it is asked directly, as this machine itself always is.

    ALL_PROXY counts where the variable of the scheme is not set. The variables also count in lower
    case. NO_PROXY has hosts and domains, separated by commas.
    """
    proxies = urllib.request.getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or _is_this_machine(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    return httpx.URL(named if "://" in named else f"http://{named}")


@dataclass(frozen=True, kw_only=True)
class Pools:
    """How to open the connections to an address, directly or through the environment's proxy.

    check: of each address that a host resolves to. stream: what wraps their sockets. keep_alive:
    seconds for which an idle connection stays open; None: as long as its pool.
    """

    tls: ssl.SSLContext
    deadline: Deadline
    check: Check
    keep_alive: float | None = None
    stream: type[DeadlineStream] = DeadlineStream

    def open(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """A pool for this address; https goes through a proxy in a tunnel that it cannot read."""
        proxy = find_proxy(url)
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=self.tls,
                keepalive_expiry=self.keep_alive,
                network_backend=CheckedBackend(self.check, self.deadline, stream=self.stream),
            )
        auth = (proxy.username.encode(), proxy.password.encode()) if proxy.username else None
        return httpcore.HTTPProxy(
            proxy_url=str(proxy.copy_with(username=None, password=None)),
            proxy_auth=auth,
            ssl_context=self.tls,
            proxy_ssl_context=self.tls if proxy.scheme == "https" else None,
            keepalive_expiry=self.keep_alive,
            network_backend=ProxyBackend(self.deadline, stream=self.stream),
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
