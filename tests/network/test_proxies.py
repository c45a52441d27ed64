"""Which proxy the environment names for an address."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from dashboard.network.proxies import find_proxy

VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without proxies."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch


def proxy_of(address: str) -> str:
    return str(find_proxy(httpx.URL(address)) or "")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_all_proxy_counts_for_every_scheme_without_its_own(
    environment: pytest.MonkeyPatch, scheme: str
) -> None:
    environment.setenv("ALL_PROXY", "http://everything:3128")
    assert proxy_of(f"{scheme}://api.example/") == "http://everything:3128"
    environment.setenv(f"{scheme.upper()}_PROXY", "http://own:3128")
    assert proxy_of(f"{scheme}://api.example/") == "http://own:3128"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_asked_directly(environment: pytest.MonkeyPatch, host: str) -> None:
    environment.setenv("ALL_PROXY", "http://everything:3128")
    assert proxy_of(f"https://{host}:8443/") == ""


def test_a_proxy_without_a_scheme_is_asked_over_http(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_of("https://api.example/") == "http://proxy.example:3128"
