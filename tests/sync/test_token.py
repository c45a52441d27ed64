"""A token address that asks for quiet: the connection rests, and its page says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync import scheduling
from dashboard.sync.connections import clients
from dashboard.sync.pull import account as accounts
from tests import factories
from tests.fakes.raw_http_exchange import Asked, Connection, FakeExchange


@pytest.mark.django_db
@pytest.mark.parametrize("status", [429, 503])
def test_a_rest_of_the_token_address_is_told_on_the_connections_page(
    client: Client, settings: Any, status: int
) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({}, status=status, headers={"Retry-After": "900"})

    exchange = FakeExchange(reply)
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    account = factories.account(
        exchange_id=f"token-{status}-{exchange.port}",
        base_url=exchange.url,
        auth=ExchangeAccount.Auth.CLIENT_CREDENTIALS,
        token_url=f"{exchange.url}/oauth/token",
        client_id="us",
        health="new",
    )
    client.force_login(factories.person("administrator", account))
    try:
        for _ in range(3):
            ExchangeAccount.objects.update(due_at=timezone.now(), lease="", leased_until=None)
            token = scheduling.claim_row(ExchangeAccount, account.pk, now=timezone.now())
            assert token
            accounts.pull_account(
                account=account,
                client=clients.client_for(account),
                token=token,
                clock=timezone.now,
            )
            account.refresh_from_db()
            assert account.health == ExchangeAccount.Health.STALE
            assert account.health_reason.startswith("The token address ")
            page = client.get(f"/connections/{account.pk}/").content.decode()
            assert account.health_reason in page
            assert "no requests before" in page
        assert len(exchange.asked) == 1
    finally:
        exchange.stop()
