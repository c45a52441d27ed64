"""The token over a real socket: renewed once for all, and never in circles."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.exchange.errors import (
    Unauthorized,
)
from tests.exchange.conftest import Begin
from tests.exchange.fake_exchange import Asked, Connection


def test_a_token_that_expires_in_mid_cycle_is_renewed_once_for_all_threads(begin: Begin) -> None:
    tokens = iter(range(1, 9))
    valid = ["token-1"]

    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            valid[0] = f"token-{next(tokens)}"
            connection.answer({"access_token": valid[0], "expires_in": 86400})
        elif asked.headers["authorization"] == f"Bearer {valid[0]}":
            connection.answer({"countries": []})
        else:
            connection.answer({"detail": "expired"}, status=401)

    exchange, client = begin(reply, token=True)
    client.get_countries()
    valid[0] = "gone"
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: client.get_countries(), range(32)))
    assert len(pages) == 32
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_token_is_renewed_before_it_expires(begin: Begin) -> None:
    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            connection.answer({"access_token": "short", "expires_in": 0})
        else:
            connection.answer({"countries": []})

    exchange, client = begin(reply, token=True)
    client.get_countries()
    client.get_countries()
    assert len(exchange.targets("/oauth/token")) == 2


@pytest.mark.parametrize(("life", "tokens"), [("86400", 1), (None, 1), ("a day", 1), ("0", 2)])
def test_the_life_of_a_token_may_be_a_text(begin: Begin, life: str | None, tokens: int) -> None:
    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            connection.answer({"access_token": "good", "expires_in": life})
        else:
            connection.answer({"countries": []})

    exchange, client = begin(reply, token=True)
    client.get_countries()
    client.get_countries()
    assert len(exchange.targets("/oauth/token")) == tokens


def test_401_in_a_loop_is_one_renewal_and_then_said(begin: Begin) -> None:
    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            connection.answer({"access_token": "never-good"})
        else:
            connection.answer({"detail": "no"}, status=401)

    exchange, client = begin(reply, token=True)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            client.get_countries()
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_refused_api_key_is_asked_with_once(begin: Begin) -> None:
    exchange, client = begin(lambda c, _: c.answer({}, status=401))
    with pytest.raises(Unauthorized, match="API key"):
        client.get_countries()
    assert [each.headers["authorization"] for each in exchange.asked] == ["our-key"]


def test_a_token_address_that_is_none_does_not_blame_the_secret(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.answer(b"<html>", status=404), token=True)
    with pytest.raises(Unauthorized, match=r"gives no token \(404\)"):
        client.get_countries()


def test_a_refused_client_secret_is_said_without_the_secret(begin: Begin) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"detail": "bad our-secret"}, status=403)

    _, client = begin(reply, token=True)
    with pytest.raises(Unauthorized, match="client id and secret") as caught:
        client.get_countries()
    assert "our-secret" not in str(caught.value)
