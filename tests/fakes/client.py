"""A client whose exchange is a function, on a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from tests.fakes.clock import FastClock, NoChance

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler, **settings: Any) -> ExchangeClient:
    """A client of account 101 that asks `handler` instead of a network."""
    arguments: dict[str, Any] = {
        "auth": ApiKey("key-of-the-test"),
        "clock": FastClock(),
        "chance": NoChance(),
    } | settings
    return ExchangeClient(account_id="101", http=httpx.MockTransport(handler), **arguments)
