"""A real receiver of every service, and channels that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboard.fielding.models import Channel
from tests import factories
from tests.fakes.alert_scenario import Field
from tests.fakes.channel_receiver import KEY, ChannelReceiver, receiving

MakeChannel = Callable[..., Channel]


@pytest.fixture
def receiver(settings: Any) -> Iterator[ChannelReceiver]:
    """Every service on a port of this machine, which is allowed."""
    with receiving() as running:
        settings.CHANNEL_ALLOWED_HOSTS = [f"127.0.0.1:{running.port}"]
        yield running


@pytest.fixture
def channel(field: Field, receiver: ChannelReceiver) -> MakeChannel:
    """A function that adds a channel: of the account, of all alerts, unless a test says else."""

    def make(service: str = "slack", **fields: Any) -> Channel:
        given: dict[str, Any] = {
            "name": f"#{service}",
            "service": service,
            "address": receiver.address(service),
            "signing_key": KEY if service == "webhook" else "",
        }
        account = fields.pop("account", None if "owner" in fields else field.account)
        return factories.channel(account, **(given | fields))

    return make
