"""Clients whose exchange is a function, on a clock that tests turn."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboard.exchange.auth import ApiKey, Auth, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from tests.fakes.client import Handler, client_of
from tests.fakes.clock import FastClock, NoChance, QuickClock
from tests.fakes.raw_http_exchange import Asked, Connection, FakeExchange

MakeClient = Callable[..., ExchangeClient]
Begin = Callable[..., tuple[FakeExchange, ExchangeClient]]


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def make_client(clock: FastClock) -> MakeClient:
    """`make_client(handler)`: a client that asks `handler` instead of a network."""

    def make(handler: Handler, **settings: Any) -> ExchangeClient:
        return client_of(handler, **({"clock": clock} | settings))

    return make


@pytest.fixture
def begin() -> Iterator[Begin]:
    """`begin(reply)`: a fake exchange that answers by `reply`, and a client that asks it."""
    running: list[FakeExchange] = []

    def start(
        reply: Callable[[Connection, Asked], None], *, token: bool = False, **settings: Any
    ) -> tuple[FakeExchange, ExchangeClient]:
        exchange = FakeExchange(reply)
        running.append(exchange)
        secret = ClientCredentials(f"{exchange.url}/oauth/token", "our-id", "our-secret")
        auth: Auth = secret if token else ApiKey("our-key")
        arguments: dict[str, Any] = {
            "clock": QuickClock(),
            "chance": NoChance(),
            "timeout": 5.0,
        } | settings
        client = ExchangeClient(
            account_id="101",
            auth=auth,
            base_url=exchange.url,
            allowed_hosts=["127.0.0.1:*"],
            **arguments,
        )
        return exchange, client

    yield start
    for exchange in running:
        exchange.stop()
