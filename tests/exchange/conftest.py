"""Clients whose exchange is a function, on a clock that tests turn."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from tests.exchange.clock import FastClock, NoChance

Handler = Callable[[httpx.Request], httpx.Response]
MakeClient = Callable[..., ExchangeClient]


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def make_client(clock: FastClock) -> MakeClient:
    """`make_client(handler)`: a client that asks `handler` instead of a network."""

    def make(handler: Handler, **settings: Any) -> ExchangeClient:
        settings = {
            "auth": ApiKey("key-of-the-test"),
            "clock": clock,
            "chance": NoChance(),
        } | settings
        return ExchangeClient(account_id="101", http=httpx.MockTransport(handler), **settings)

    return make
