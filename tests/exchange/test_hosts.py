"""Whom the client asks: nobody off the list, and nobody inside by accident."""

import socket

import pytest

from dashboard.exchange.auth import ApiKey, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    HostRefused,
)
from tests.exchange.examples import CPI, IN
from tests.fakes.clock import FastClock


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://127.0.0.1:8000",
        "http://[::1]/",
        "http://2130706433/",
        "https://api.cint.com.evil.example",
        "https://evil.example/api.cint.com",
        "https://api.cint.com@evil.example/",
        "ftp://api.cint.com/",
        "file:///etc/passwd",
        "//api.cint.com",
        "api.cint.com",
        "https://",
        "http://exchange.example.org/",
        "https://example.org/",
        "http://api.cint.com/v1",
        "https://api.cint.com/v1?key=",
        "https://xn--example-.org/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
    ],
)
def test_an_address_off_the_list_is_refused(url: str) -> None:
    hosts = ["api.cint.com", ".example.org"]
    with pytest.raises(HostRefused):
        ExchangeClient(account_id="1", auth=ApiKey("k"), base_url=url, allowed_hosts=hosts)


def test_the_token_address_is_on_the_list_too() -> None:
    auth = ClientCredentials("https://evil.example/token", "id", "secret")
    with pytest.raises(HostRefused, match=r"evil\.example"):
        ExchangeClient(account_id="1", auth=auth)


@pytest.mark.parametrize("listed", ["localhost", "localhost:80", "127.0.0.1", " LOCALHOST. "])
def test_a_private_address_is_asked_when_it_is_named(listed: str) -> None:
    host = "127.0.0.1" if listed == "127.0.0.1" else "localhost"
    url = f"http://{host}:80" if ":" in listed else f"http://{host}"
    ExchangeClient(account_id="1", auth=ApiKey("k"), base_url=url, allowed_hosts=[listed])


def test_a_host_of_the_company_is_asked_without_tls_only_with_its_port() -> None:
    url = "http://exchange.example.com:8080/v1"
    ExchangeClient(account_id="1", auth=ApiKey("k"), base_url=url, allowed_hosts=[url[7:-3]])
    with pytest.raises(HostRefused, match="https"):
        ExchangeClient(
            account_id="1",
            auth=ApiKey("k"),
            base_url="http://exchange.example.com/v1",
            allowed_hosts=["exchange.example.com"],
        )


def test_a_host_that_is_listed_for_another_port_is_refused_with_the_name_of_the_setting() -> None:
    url = "https://exchange.example.com:8443/v1"
    with pytest.raises(
        HostRefused, match=r"EXCHANGE_ALLOWED_HOSTS has to name exchange\.example\.com:8443"
    ):
        ExchangeClient(
            account_id="1", auth=ApiKey("k"), base_url=url, allowed_hosts=["exchange.example.com"]
        )


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.7",
        "169.254.169.254",
        "::ffff:10.0.0.7",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:7",
        "2002:a00:7::",
        "::127.0.0.1",
        "fe80::1%eth0",
        "168.63.129.16",
    ],
)
def test_a_name_below_an_allowed_domain_may_not_lead_inside(
    monkeypatch: pytest.MonkeyPatch, clock: FastClock, address: str
) -> None:
    def inside(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    client = ExchangeClient(
        account_id="1",
        auth=ApiKey("k"),
        base_url="https://api.example.org",
        allowed_hosts=[".example.org"],
        clock=clock,
    )
    with pytest.raises(HostRefused, match="private network") as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
