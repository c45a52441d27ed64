"""The token over a real socket: renewed once for all, and never in circles."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate

import httpx
import pytest

from dashboard.exchange.auth import ClientCredentials
from dashboard.exchange.errors import ExchangeError, RateLimited, Unauthorized
from dashboard.exchange.limits.gate import LocalGate
from tests.exchange.conftest import Begin, MakeClient
from tests.fakes.clock import FastClock
from tests.fakes.raw_http_exchange import Asked, Connection

CREDENTIALS = ClientCredentials("https://auth.lucidhq.com/oauth/token", "id", "secret")


def test_a_token_that_expires_in_mid_cycle_is_renewed_once_for_all_threads(begin: Begin) -> None:
    tokens = iter(range(1, 9))
    valid = ["token-1"]

    def reply(connection: Connection, request: Asked) -> None:
        if request.target.endswith("/oauth/token"):
            valid[0] = f"token-{next(tokens)}"
            connection.answer({"access_token": valid[0], "expires_in": 86400})
        elif request.headers["authorization"] == f"Bearer {valid[0]}":
            connection.answer({"industries": []})
        else:
            connection.answer({"detail": "expired"}, status=401)

    exchange, client = begin(reply, token=True)
    client.get_industries()
    valid[0] = "gone"
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: client.get_industries(), range(32)))
    assert len(pages) == 32
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_token_is_renewed_before_it_expires(begin: Begin) -> None:
    def reply(connection: Connection, request: Asked) -> None:
        if request.target.endswith("/oauth/token"):
            connection.answer({"access_token": "short", "expires_in": 0})
        else:
            connection.answer({"industries": []})

    exchange, client = begin(reply, token=True)
    client.get_industries()
    client.get_industries()
    assert len(exchange.targets("/oauth/token")) == 2


@pytest.mark.parametrize(("life", "tokens"), [("86400", 1), (None, 1), ("a day", 1), ("0", 2)])
def test_the_life_of_a_token_may_be_a_text(begin: Begin, life: str | None, tokens: int) -> None:
    def reply(connection: Connection, request: Asked) -> None:
        if request.target.endswith("/oauth/token"):
            connection.answer({"access_token": "good", "expires_in": life})
        else:
            connection.answer({"industries": []})

    exchange, client = begin(reply, token=True)
    client.get_industries()
    client.get_industries()
    assert len(exchange.targets("/oauth/token")) == tokens


def test_401_in_a_loop_is_one_renewal_and_then_said(begin: Begin) -> None:
    def reply(connection: Connection, request: Asked) -> None:
        if request.target.endswith("/oauth/token"):
            connection.answer({"access_token": "never-good"})
        else:
            connection.answer({"detail": "no"}, status=401)

    exchange, client = begin(reply, token=True)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            client.get_industries()
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_refused_api_key_is_asked_with_once(begin: Begin) -> None:
    exchange, client = begin(lambda c, _: c.answer({}, status=401))
    with pytest.raises(Unauthorized, match="API key"):
        client.get_industries()
    assert [each.headers["authorization"] for each in exchange.asked] == ["our-key"]


def test_a_token_address_that_is_none_does_not_blame_the_secret(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.answer(b"<html>", status=404), token=True)
    with pytest.raises(Unauthorized, match=r"issued no token \(404\)"):
        client.get_industries()


def test_a_refused_client_secret_is_said_without_the_secret(begin: Begin) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"detail": "bad our-secret"}, status=403)

    _, client = begin(reply, token=True)
    with pytest.raises(Unauthorized, match="client id and secret") as caught:
        client.get_industries()
    assert "our-secret" not in str(caught.value)


def token_first(status: int, headers: dict[str, str]) -> Callable[[Connection, Asked], None]:
    """A token address that answers so."""

    def reply(connection: Connection, request: Asked) -> None:
        if request.target.endswith("/oauth/token"):
            connection.answer({"detail": "our-secret"}, status=status, headers=headers)
        else:
            connection.answer({"industries": []})

    return reply


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120), ("date", 120), ("86400", 3600), ("1800", 1800)]
)
def test_the_token_address_is_left_alone_as_long_as_it_asks(
    make_client: MakeClient, clock: FastClock, status: int, header: str, seconds: float
) -> None:
    value = formatdate(clock.time() + 120, usegmt=True) if header == "date" else header
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.path)
        if len(hosts) > 1:
            return httpx.Response(200, json={"access_token": "t", "industries": []})
        return httpx.Response(status, headers={"Retry-After": value})

    gate = LocalGate(clock=clock)
    clients = [make_client(answer, auth=CREDENTIALS, gate=gate) for _ in range(3)]
    until = f"{datetime.fromtimestamp(clock.time() + seconds, UTC):%H:%M:%S}"
    with pytest.raises(ExchangeError) as caught:
        clients[0].get_industries()
    assert caught.value.retry_after == pytest.approx(seconds)
    assert str(caught.value).startswith("The token address ")
    assert f"no requests before {until} UTC" in str(caught.value)
    for client in clients:  # of the same account, in whatever process
        with pytest.raises(RateLimited, match=until):
            client.get_industries()
    assert len(hosts) == 1
    clock.sleep(seconds + 1)
    assert clients[1].get_industries().items == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_token_that_is_to_be_renewed_waits_as_well(
    make_client: MakeClient, clock: FastClock, status: int
) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.host != "auth.lucidhq.com":
            return httpx.Response(401)
        if paths.count("/oauth/token") == 1:
            return httpx.Response(200, json={"access_token": "old"})
        return httpx.Response(status, headers={"Retry-After": "90"})

    client = make_client(answer, auth=CREDENTIALS)
    for _ in range(3):
        with pytest.raises(ExchangeError, match="token address") as caught:
            client.get_industries()
        assert caught.value.waiting_helps
    assert paths.count("/oauth/token") == 2
    clock.sleep(91)
    with pytest.raises(ExchangeError, match="token address"):
        client.get_industries()
    assert paths.count("/oauth/token") == 3


def test_a_short_rest_of_the_token_address_is_waited_out(
    make_client: MakeClient, clock: FastClock
) -> None:
    statuses = [429, 200]

    def answer(request: httpx.Request) -> httpx.Response:
        status = statuses.pop(0) if request.url.path == "/oauth/token" else 200
        body = {"access_token": "t", "industries": []}
        return httpx.Response(status, json=body, headers={"Retry-After": "3"})

    began = clock.now
    assert make_client(answer, auth=CREDENTIALS).get_industries().items == []
    assert 3 <= clock.now - began < 10


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_token_address_says_is_no_part_of_the_message(begin: Begin, status: int) -> None:
    _, client = begin(token_first(status, {"Retry-After": "60"}), token=True)
    with pytest.raises(ExchangeError) as caught:
        client.get_industries()
    assert "our-secret" not in str(caught.value)


@pytest.mark.parametrize("audience", ["", "https://api.cint.com"])
def test_a_token_is_requested_with_the_credentials_and_with_an_audience_only_if_there_is_one(
    make_client: MakeClient, audience: str
) -> None:
    asked: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "good", "industries": []})

    make_client(reply, auth=replace(CREDENTIALS, audience=audience)).get_industries()
    token_request = asked[0]
    assert token_request.headers["Content-Type"] == "application/json"
    assert json.loads(token_request.content) == {
        "client_id": "id",
        "client_secret": "secret",
        "grant_type": "client_credentials",
        "lucid_scopes": "app:api",
    } | ({"audience": audience} if audience else {})


def test_a_silent_token_address_gets_half_of_the_time_that_a_token_may_take(
    make_client: MakeClient,
) -> None:
    patience: list[float] = []

    def reply(request: httpx.Request) -> httpx.Response:
        patience.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"access_token": "good", "industries": []})

    make_client(reply, auth=CREDENTIALS).get_industries()
    assert patience[0] == 5
