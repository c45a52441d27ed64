"""A name that nobody knows, and a resolver that never answers."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dashboard.network import dns


def test_an_address_is_its_own_name() -> None:
    assert dns.resolve_addresses("127.0.0.1", 80, seconds=5) == ["127.0.0.1"]


def test_each_address_comes_once_in_the_resolvers_order() -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [
            (2, 1, 6, "", (address, 443)) for address in ("192.0.2.2", "192.0.2.1", "192.0.2.2")
        ]

    addresses = dns.resolve_addresses("api.example", 443, seconds=5, resolve=resolve)
    assert addresses == ["192.0.2.2", "192.0.2.1"]


def test_a_name_that_nobody_knows_is_said() -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise OSError("Name or service not known")

    with pytest.raises(dns.NoAddress, match="not known") as caught:
        dns.resolve_addresses("nowhere.invalid", 443, seconds=5, resolve=resolve)
    assert not caught.value.late


def test_a_name_that_cannot_exist_is_not_known_and_nobody_waits_for_it() -> None:
    with pytest.raises(dns.NoAddress) as caught:
        dns.resolve_addresses(f"{'a' * 70}.example", 443, seconds=60)
    assert not caught.value.late


def test_a_resolver_that_does_not_answer_is_left_behind() -> None:
    never = threading.Event()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        never.wait()
        return []

    with pytest.raises(dns.NoAddress) as caught:
        dns.resolve_addresses("api.example", 443, seconds=0.01, resolve=resolve)
    never.set()
    assert caught.value.late
