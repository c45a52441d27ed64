"""Where messages may go, and where not: a request forged by an address reaches nothing of ours."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from django.conf import settings as product

from dashboard.alerts.channels.allowed_addresses import AddressRefused, AllowedAddresses
from dashboard.alerts.channels.post import PostUnanswered, send_post
from tests import factories
from tests.fakes.channel_receiver import ChannelReceiver

DEFAULT = list(product.CHANNEL_ALLOWED_HOSTS)
GOOD = {
    "slack": "https://hooks.slack.com/services/T0/B0/abcdef",
    "teams": (
        "https://prod-12.westeurope.logic.azure.com:443/workflows/ab/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=x&sv=1.0&sig=abc"
    ),
    "google_chat": "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t",
    "discord": "https://discord.com/api/webhooks/123/abc-DEF_",
}


@pytest.mark.parametrize("service", GOOD)
def test_the_address_of_a_service_is_allowed_and_a_similar_one_is_not(service: str) -> None:
    allowed = AllowedAddresses(DEFAULT, production=True)
    good = GOOD[service]
    assert str(allowed.check_address(good, service)).startswith("https://")
    host = httpx.URL(good).host
    for wrong in (
        good.replace("https:", "http:"),
        good.replace(host, f"{host}.evil.example"),
        good.replace(host, f"evil-{host}" if service != "teams" else "logic.azure.com.evil"),
        good.replace("https://", "https://user:pass@"),
        f"https://{host}/",
        good + "#x",
        good.replace(":443", "").replace(host, f"{host}:22"),
        good.replace(":443", "").replace(host, f"{host}:99999"),
        "https://127.0.0.1/services/T/B/c",
        "nonsense",
        "https://[::1",
    ):
        with pytest.raises(AddressRefused):
            allowed.check_address(wrong, service)


def test_a_webhook_needs_a_host_that_is_listed() -> None:
    listed = [*DEFAULT, "hooks.corp.example", ".team.example:8443"]
    allowed = AllowedAddresses(listed, production=True)
    for good in ("https://hooks.corp.example/x?y=1", "https://a.team.example:8443/x"):
        allowed.check_address(good, "webhook")
    for wrong in (
        "https://other.example/",
        "https://team.example/",
        "https://a.team.example/x",
        "https://10.0.0.1/",
        "http://hooks.corp.example/",
        "ftp://hooks.corp.example/",
    ):
        with pytest.raises(AddressRefused):
            allowed.check_address(wrong, "webhook")


def test_a_host_that_is_listed_for_another_port_names_the_setting() -> None:
    allowed = AllowedAddresses(["hooks.corp.example"], production=True)
    with pytest.raises(
        AddressRefused, match=r"add hooks\.corp\.example:8443 to CHANNEL_ALLOWED_HOSTS"
    ):
        allowed.check_address("https://hooks.corp.example:8443/x", "webhook")


def test_a_dot_at_the_end_makes_no_host_of_a_service_one_of_ours() -> None:
    allowed = AllowedAddresses(DEFAULT, production=True)
    with pytest.raises(AddressRefused):
        allowed.check_address("https://hooks.slack.com./anything", "slack")
    with pytest.raises(AddressRefused):
        allowed.check_resolved("hooks.slack.com.", 443, "10.0.0.7")


def test_http_is_for_listed_hosts_and_not_in_production() -> None:
    listed = ["relay.corp:8080"]
    AllowedAddresses(listed, production=False).check_address("http://relay.corp:8080/x", "slack")
    for address, production in (("http://relay.corp:8080/", True), ("http://relay.corp/", False)):
        with pytest.raises(AddressRefused):
            AllowedAddresses(listed, production=production).check_address(address, "webhook")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1",
     "64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1", "100.64.0.1", "::", "::10.0.0.1",
     "168.63.129.16", "192.0.0.192", "::ffff:0:10.0.0.1", "fec0::1", "ff02::1",
     "fd00:ec2::254", "2001:db8::1", "5f00::1"],
)  # fmt: skip
def test_a_private_network_is_only_for_hosts_that_are_listed_by_name(address: str) -> None:
    allowed = AllowedAddresses([*DEFAULT, ".team.example", "own.corp"], production=True)
    for host in ("hooks.slack.com", "x.team.example"):
        with pytest.raises(AddressRefused):
            allowed.check_resolved(host, 443, address)
    allowed.check_resolved("own.corp", 443, address)
    allowed.check_resolved("hooks.slack.com", 443, "3.68.170.153")


def test_a_name_that_resolves_into_a_private_network_gets_no_request(
    receiver: ChannelReceiver,
) -> None:
    allowed = AllowedAddresses([".localhost"], production=False)
    url = httpx.URL(f"http://x.localhost:{receiver.port}/slack/x")
    if not socket.getaddrinfo("localhost", None):  # pragma: no cover
        raise AssertionError("this machine does not know localhost")
    with pytest.raises((AddressRefused, PostUnanswered)):
        send_post(url, b"{}", {}, allowed=allowed, now=factories.NOW)
    plain = httpx.URL(f"http://localhost:{receiver.port}/slack/x")
    with pytest.raises(AddressRefused):
        send_post(plain, b"{}", {}, allowed=allowed, now=factories.NOW)
    assert receiver.requests == 0


def test_a_proxy_of_the_environment_is_used_and_no_proxy_is_respected(
    receiver: ChannelReceiver, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    own = f"127.0.0.1:{receiver.port}"
    allowed = AllowedAddresses(["relay.corp", own], production=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://{own}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    receiver.mood = "400"
    url = httpx.URL("http://relay.corp/slack/x")  # only the proxy could resolve it
    answer = send_post(url, b"{}", {}, allowed=allowed, now=factories.NOW)
    assert answer.status == 400
    direct = httpx.URL(f"http://{own}/slack/x")
    assert send_post(direct, b"{}", {}, allowed=allowed, now=factories.NOW).status == 400
    assert receiver.requests == 2
