"""A company's proxy and certificate authority, for everything that Fieldwatch asks elsewhere.

Real sockets: a proxy that alone knows the hosts, and hosts with certificates of a local authority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from dashboard.alerts import heartbeat
from dashboard.alerts.channels import post
from dashboard.alerts.channels.allowed_addresses import AllowedAddresses
from dashboard.exchange.auth import ApiKey, Auth, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import ExchangeAccount, Heartbeat
from dashboard.network.proxies import find_proxy
from dashboard.network.tls import shared_tls
from dashboard.sync.connections.diagnosis import diagnose_error
from dashboard.web.auth.sso import wire
from tests.fakes.clock import NoChance, QuickClock
from tests.fakes.forward_proxy import ForwardProxy, forwarding
from tests.fakes.tls_hosts import (
    BODY,
    EXPIRED,
    GOOD,
    STRANGE,
    WRONG,
    TlsHosts,
    serving_tls,
)

pytestmark = pytest.mark.django_db
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
Ask = Callable[[str], str]
"""Asks an https host, perhaps with a port; returns why that failed, empty if it did not."""


def forget_contexts() -> None:
    """Let the next request read the certificate store, as a new process does."""
    shared_tls.cache_clear()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsHosts]:
    with serving_tls(tmp_path_factory.mktemp("certificates")) as running:
        yield running


@pytest.fixture
def proxy(hosts: TlsHosts) -> Iterator[ForwardProxy]:
    with forwarding(hosts.port, BODY) as running:
        yield running


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without proxies and authorities."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)
    forget_contexts()
    yield monkeypatch
    forget_contexts()


def ask_exchange(host: str, *, ca_file: str = "", at_token: bool = False) -> str:
    base = f"https://{GOOD if at_token else host}/v1"
    token_url = f"https://{host}/oauth/token"
    auth: Auth = ClientCredentials(token_url, "we", "secret") if at_token else ApiKey("our-key")
    client = ExchangeClient(
        account_id="101",
        auth=auth,
        base_url=base,
        allowed_hosts=[GOOD, host],
        clock=QuickClock(),
        chance=NoChance(),
        timeout=5.0,
        ca_file=ca_file,
    )
    try:
        assert client.get_industries().items == []
    except ExchangeError as exc:
        return str(diagnose_error(exc, ExchangeAccount(base_url=base, token_url=token_url)))
    finally:
        client.close()
    return ""


def ask_token_address(host: str, *, ca_file: str = "") -> str:
    return ask_exchange(host, ca_file=ca_file, at_token=True)


def ask_channel(host: str) -> str:
    allowed = AllowedAddresses([host], production=True)
    url = httpx.URL(f"https://{host}/x")
    try:
        post.send_post(url, b"{}", {}, allowed=allowed, now=timezone.now(), seconds=5.0)
    except post.PostUnanswered as exc:
        return str(exc)
    return ""


def ask_provider(host: str) -> str:
    try:
        wire.fetch_object("GET", f"https://{host}/x", patience=5.0)
    except wire.ProviderAway as exc:
        return str(exc)
    return ""


def call_heartbeat(host: str, caplog: pytest.LogCaptureFixture) -> str:
    now = timezone.now()
    for name in heartbeat.ROUNDS:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
    caplog.clear()
    if heartbeat.ping_operator(f"https://{host}/x", now=now):
        return ""
    return caplog.records[-1].getMessage()


@pytest.fixture
def everybody(caplog: pytest.LogCaptureFixture) -> dict[str, Ask]:
    """All that asks other machines over https."""
    return {
        "the exchange": ask_exchange,
        "the token address": ask_token_address,
        "a channel": ask_channel,
        "the identity provider": ask_provider,
        "the heartbeat": lambda host: call_heartbeat(host, caplog),
    }


def test_everything_goes_through_the_proxy_and_trusts_the_authority(
    hosts: TlsHosts, proxy: ForwardProxy, environment: Any, everybody: dict[str, Ask]
) -> None:
    environment.setenv("SSL_CERT_FILE", str(hosts.ca_file))
    proxy.password = "p@ss/wörd"
    secret = "p%40ss%2Fw%C3%B6rd"
    environment.setenv("HTTPS_PROXY", f"http://field:{secret}@127.0.0.1:{proxy.port}")
    for name, ask in everybody.items():
        proxy.seen.clear()
        hosts.asked.clear()
        assert ask(GOOD) == "", name
        assert proxy.seen, name
        assert set(proxy.seen) == {f"CONNECT {GOOD}:443"}, (name, proxy.seen)
        assert hosts.asked, name


def test_hosts_in_no_proxy_are_asked_directly(
    hosts: TlsHosts, proxy: ForwardProxy, environment: Any, everybody: dict[str, Ask]
) -> None:
    environment.setenv("SSL_CERT_FILE", str(hosts.ca_file))
    environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    environment.setenv("NO_PROXY", "elsewhere.example,localhost")
    del everybody["the token address"]  # its exchange is known to the proxy alone
    for name, ask in everybody.items():
        assert ask(f"localhost:{hosts.port}") == "", name
    assert proxy.seen == []


def test_what_is_wrong_with_a_certificate_is_named_with_the_remedy(
    hosts: TlsHosts, proxy: ForwardProxy, environment: Any, everybody: dict[str, Ask]
) -> None:
    environment.setenv("SSL_CERT_FILE", str(hosts.ca_file))
    environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    for host, sentence, remedy in (
        (EXPIRED, "is not valid today (certificate has expired)", "clock of this machine"),
        (STRANGE, "cannot be trusted (unable to get local issuer certificate)", "_CA_FILE"),
        (WRONG, f"belongs to another host (Hostname mismatch, certificate is not valid for "
         f"'{WRONG}')", "the host name of the address"),
    ):  # fmt: skip
        for name, ask in everybody.items():
            reason = ask(host)
            assert f"he certificate of {host} {sentence}" in reason, (name, reason)
            is_exchange = name in ("the exchange", "the token address")
            wanted = remedy if is_exchange else remedy.replace("_CA_FILE", "SSL_CERT_FILE")
            assert wanted in reason, (name, reason)


def test_the_exchange_may_have_an_authority_of_its_own(
    hosts: TlsHosts, proxy: ForwardProxy, environment: Any
) -> None:
    environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    for ask in (ask_exchange, ask_token_address):
        assert "cannot be trusted" in ask(GOOD)
        assert ask(GOOD, ca_file=str(hosts.ca_file)) == ""
    assert "cannot be trusted" in ask_channel(GOOD)


def test_a_proxy_that_does_not_connect_is_named_and_not_the_host(
    hosts: TlsHosts,
    proxy: ForwardProxy,
    environment: Any,
    everybody: dict[str, Ask],
    free_tcp_port: int,
) -> None:
    environment.setenv("SSL_CERT_FILE", str(hosts.ca_file))
    environment.setenv("HTTPS_PROXY", f"http://field:wrong@127.0.0.1:{proxy.port}")
    del everybody["the heartbeat"], everybody["the identity provider"]  # httpx's own words
    proxy.password = "right"
    remedies = {}
    for name, ask in everybody.items():
        reason = ask(GOOD)
        assert f"he proxy does not connect to {GOOD} (407 Proxy Auth" in reason, (name, reason)
        assert "wrong" not in reason
        remedies[name] = reason
    assert "user name and password" in remedies["the exchange"]
    proxy.password = ""
    proxy.barred = {GOOD}
    assert f"let the proxy connect to {GOOD}" in ask_exchange(GOOD)
    environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_tcp_port}")
    reason = ask_exchange(GOOD)
    assert f"(127.0.0.1:{free_tcp_port} cannot be reached)" in reason
    assert "Check HTTPS_PROXY" in reason
    reason = ask_channel(GOOD)
    assert f"{GOOD} (127.0.0.1:{free_tcp_port} cannot be reached)" in reason


def test_plain_http_to_a_named_host_goes_through_its_own_proxy(
    proxy: ForwardProxy, environment: Any
) -> None:
    environment.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    client = ExchangeClient(
        account_id="101",
        auth=ApiKey("our-key"),
        base_url="http://relay:8080/v1",
        allowed_hosts=["relay:8080"],
        clock=QuickClock(),
        chance=NoChance(),
        timeout=5.0,
    )
    assert client.get_industries().items == []
    assert client.get_industries().items == []
    assert proxy.seen == ["GET http://relay:8080/v1/industries"] * 2
    proxy.password = "right"
    with pytest.raises(ExchangeError, match=r"The proxy does not connect to Cint: 407 Proxy"):
        client.get_industries()


def test_which_proxy_an_address_has(environment: Any, tmp_path: Path) -> None:
    def found(url: str) -> str:
        proxy = find_proxy(httpx.URL(url))
        return str(proxy) if proxy else ""

    assert found("https://api.cint.com/v1") == ""
    environment.setenv("HTTPS_PROXY", "proxy.corp:3128")
    environment.setenv("NO_PROXY", "cint.test, .corp,10.0.0.7")
    for url, proxy in (
        ("https://api.cint.com/v1", "http://proxy.corp:3128"),
        ("http://api.cint.com/v1", ""),  # no HTTP_PROXY
        ("https://cint.test/v1", ""),
        ("https://api.cint.test/v1", ""),
        ("https://relay.corp/v1", ""),
        ("https://10.0.0.7/v1", ""),
        ("https://10.0.0.8/v1", "http://proxy.corp:3128"),
        ("https://localhost:8080/v1", ""),
        ("https://127.0.0.1:8080/v1", ""),
        ("https://[::1]:8080/v1", ""),
    ):
        assert found(url) == proxy, url
    environment.setenv("NO_PROXY", "*")
    assert found("https://api.cint.com/v1") == ""
    environment.delenv("HTTPS_PROXY")
    environment.delenv("NO_PROXY")
    environment.setenv("https_proxy", "http://lower.corp:3128")
    assert found("https://api.cint.com/v1") == "http://lower.corp:3128"
