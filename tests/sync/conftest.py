"""An exchange over real HTTP, and a connection to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command

from dashboard.fielding.models import ExchangeAccount, User
from dashboard.simulator.harness import Simulator
from tests import factories
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, group_row, project_row, serving


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """One project of three groups."""
    rows = [group_row(number) for number in (11, 12, 13)]
    with serving(Exchange(projects=[project_row(1)], groups={ulid(1): rows})) as server:
        yield server


@pytest.fixture
def account(db: None, exchange: Exchange, settings: Any) -> ExchangeAccount:
    """A connection to the exchange, never read."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    never = {"health": "new", "read_at": None, "first_pull_completed_at": None}
    return factories.account(base_url=exchange.url, requests_per_minute=0, **never)


@pytest.fixture
def pull(
    account: ExchangeAccount, capsys: pytest.CaptureFixture[str]
) -> Callable[[], dict[str, Any]]:
    """Run `manage.py pull`; its JSON line with the exit code as `exit`."""

    def once() -> dict[str, Any]:
        with pytest.raises(SystemExit) as ended:
            call_command("pull", account.name)
        line: dict[str, Any] = json.loads(capsys.readouterr().out)
        return line | {"exit": ended.value.code}

    return once


@pytest.fixture
def pulled_account(db: None, simulator: Simulator) -> ExchangeAccount:
    """A connection to the `simulator` of the test's own module, read once."""
    account = factories.account(base_url=simulator.base_url, requests_per_minute=0, read_at=None)
    with pytest.raises(SystemExit):
        call_command("pull", account.name)
    return account


@pytest.fixture
def editor(account: ExchangeAccount) -> User:
    """A person who may edit on the test's account."""
    return factories.person("editor", on=account)
