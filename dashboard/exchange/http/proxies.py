"""The proxy that an address is asked through, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY name it."""

import ipaddress
import ssl
import urllib.request

import httpcore
import httpx


def find_proxy(url: httpx.URL) -> httpx.URL | None:
    """The proxy for this address; None if it is asked directly, as this machine itself always is.

    The variables also count in lower case. NO_PROXY has hosts and domains, separated by commas.
    """
    named = urllib.request.getproxies().get(url.scheme)
    if not named or _is_this_machine(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    return httpx.URL(named if "://" in named else f"http://{named}")


def open_proxy_pool(
    proxy: httpx.URL,
    *,
    tls: ssl.SSLContext,
    keep_alive: float,
    backend: httpcore.NetworkBackend,
) -> httpcore.HTTPProxy:
    """A pool whose https requests go through a tunnel, so that the proxy reads none of them.

    `keep_alive`: seconds for which an idle connection stays open.
    """
    auth = (proxy.username.encode(), proxy.password.encode()) if proxy.username else None
    return httpcore.HTTPProxy(
        proxy_url=str(proxy.copy_with(username=None, password=None)),
        proxy_auth=auth,
        ssl_context=tls,
        proxy_ssl_context=tls if proxy.scheme == "https" else None,
        keepalive_expiry=keep_alive,
        network_backend=backend,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
