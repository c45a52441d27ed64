"""Which host and port an allow-list admits, and which addresses are not on the internet."""

from __future__ import annotations

import pytest

from dashboard.network.allowed_places import AllowedPlaces, is_internal


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_admitted"),
    [
        ("api.example", "api.example", 443, True),
        ("api.example", "api.example", 80, True),
        ("api.example", "api.example", 8443, False),
        ("api.example", "API.example.", 443, True),
        ("api.example:8443", "api.example", 8443, True),
        ("api.example:8443", "api.example", 443, False),
        ("api.example:*", "api.example", 9, True),
        ("api.example", "x.api.example", 443, False),
        (".example", "api.example", 443, True),
        (".example", "api.example", 8443, False),
        (".example:8443", "api.example", 8443, True),
        (".example:*", "api.example", 8443, True),
        (".example", "example", 443, False),
        ("", "", 443, False),
    ],
)
def test_an_entry_admits_its_ports_alone(
    entry: str, host: str, port: int, is_admitted: bool
) -> None:
    places = AllowedPlaces([entry])
    assert (places.is_named(host, port) or places.is_in_domain(host, port)) is is_admitted


@pytest.mark.parametrize(
    ("port", "lacks"), [(8443, True), (443, False)], ids=["another port", "its port"]
)
def test_a_listed_host_on_a_port_that_is_not_is_known_as_such(port: int, lacks: bool) -> None:
    assert AllowedPlaces(["api.example"]).lacks_port_alone("api.example", port) is lacks
    assert not AllowedPlaces(["api.example"]).lacks_port_alone("other.example", port)


@pytest.mark.parametrize(
    "address",
    ["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "192.0.0.192", "161.26.0.10",
     "100.100.100.200", "169.254.169.254", "fd00:ec2::254"],
)  # fmt: skip
def test_what_only_the_machines_of_a_cloud_reach_is_internal(address: str) -> None:
    assert is_internal(address)


@pytest.mark.parametrize("address", ["168.63.129.17", "3.68.170.153", "2606:4700::1", "a.name"])
def test_what_is_on_the_internet_is_not_internal(address: str) -> None:
    assert not is_internal(address)
