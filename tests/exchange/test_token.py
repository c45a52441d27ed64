"""The token over a real socket: renewed once for all, and never in circles."""

import json
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from dashboard.exchange.auth import ClientCredentials, Credentials, credentials_for
from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    HostUnknown,
    NotSecure,
    ProxyFailed,
    RateLimited,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from dashboard.exchange.limits.gate import LocalGate
from dashboard.network.dns import NoAddress
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


class TokenAddress:
    """Answers with these bodies in turn, or raises these errors."""

    def __init__(self, *answers: bytes | ExchangeError) -> None:
        self.answers = list(answers)
        self.asked = 0

    def ask(self, _: ClientCredentials) -> bytes:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ExchangeError):
            raise answer
        return answer

    def credentials(self, clock: FastClock) -> Credentials:
        return credentials_for(CREDENTIALS, ask=self.ask, clock=clock)


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        ("100", 50.0),
        ("120", 60.0),
        ("600", 540.0),
        ('"600"', 540.0),
        ("86400", 86_340.0),
        ("999999999", 86_340.0),
        ('"a day"', 86_340.0),
        ("null", 86_340.0),
    ],
)
def test_a_token_is_used_until_a_minute_before_its_end_or_for_half_of_a_short_life(
    clock: FastClock, life: str, seconds: float
) -> None:
    address = TokenAddress(b'{"access_token": "t", "expires_in": %s}' % life.encode())
    credentials = address.credentials(clock)
    assert credentials.header().value == "Bearer t"
    clock.sleep(seconds - 0.5)
    credentials.header()
    assert address.asked == 1
    clock.sleep(0.5)
    credentials.header()
    assert address.asked == 2
    assert credentials.secrets() == ("secret", "t")


@pytest.mark.parametrize("life", ["0", "-5"])
def test_a_token_that_is_over_at_once_is_used_once(clock: FastClock, life: str) -> None:
    address = TokenAddress(b'{"access_token": "t", "expires_in": %s}' % life.encode())
    credentials = address.credentials(clock)
    credentials.header()
    credentials.header()
    assert address.asked == 2


def test_a_refused_token_is_renewed_once_in_half_a_minute(clock: FastClock) -> None:
    address = TokenAddress(b'{"access_token": "one"}', b'{"access_token": "two"}')
    credentials = address.credentials(clock)
    first = credentials.header()
    credentials.refused(first)
    credentials.refused(first)  # another thread was refused with it, too
    assert (address.asked, credentials.header().value) == (2, "Bearer two")
    clock.sleep(29.5)
    with pytest.raises(Unauthorized, match="token that it has just issued") as caught:
        credentials.refused(credentials.header())
    assert caught.value.status == 401
    clock.sleep(0.5)
    credentials.refused(credentials.header())
    assert address.asked == 3


def test_a_failure_of_the_token_address_holds_for_a_second_and_is_forgotten_with_a_token(
    clock: FastClock,
) -> None:
    failure = Unavailable("down", status=503, retry_after=7.0)
    address = TokenAddress(failure, b'{"access_token": "t", "expires_in": 1}', failure)
    credentials = address.credentials(clock)
    for wait in (0.0, 0.9):
        clock.sleep(wait)
        with pytest.raises(Unavailable) as caught:
            credentials.header()
        assert (str(caught.value), caught.value.status) == ("down", 503)
        assert caught.value.retry_after == 7.0
    assert address.asked == 1
    clock.sleep(0.1)
    assert credentials.header().value == "Bearer t"
    clock.sleep(0.5)
    with pytest.raises(Unavailable):
        credentials.header()
    assert address.asked == 3


@pytest.mark.parametrize("token", ['""', '"a\\nb"', '"ключ"'])
def test_a_token_that_no_header_can_carry_is_not_used(clock: FastClock, token: str) -> None:
    body = f'{{"access_token": {token}}}'.encode()
    with pytest.raises(BadAnswer, match="token that cannot be used"):
        TokenAddress(body).credentials(clock).header()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (299, None, ""),
        (302, Unauthorized, "issued no token (302)"),
        (400, Unauthorized, "does not accept the client id and secret (400)"),
        (401, Unauthorized, "does not accept the client id and secret (401)"),
        (403, Unauthorized, "does not accept the client id and secret (403)"),
        (404, Unauthorized, "issued no token (404)"),
        (422, Unauthorized, "issued no token (422)"),
        (500, Unavailable, "had an internal error (500)"),
    ],
)
def test_each_status_of_the_token_address_has_its_words(
    make_client: MakeClient, status: int, kind: type[ExchangeError] | None, words: str
) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        code = status if request.url.path == "/oauth/token" else 200
        return httpx.Response(code, json={"access_token": "good", "industries": []})

    client = make_client(reply, auth=CREDENTIALS)
    if kind is None:
        assert client.get_industries().items == []
        return
    with pytest.raises(kind) as caught:
        client.get_industries()
    assert (str(caught.value), caught.value.status) == (f"The token address {words}", status)
    assert caught.value.operation == "get_industries"


def test_a_token_address_that_asks_for_fewer_requests_says_so_and_until_when(
    make_client: MakeClient,
) -> None:
    client = make_client(
        lambda _: httpx.Response(429, headers={"Retry-After": "90"}), auth=CREDENTIALS
    )
    with pytest.raises(RateLimited) as caught:
        client.get_industries()
    assert str(caught.value) == (
        "The token address asks for fewer requests (429): no requests before 08:54:50 UTC"
    )


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "cause", "kind", "words_of_each"),
    [
        (
            httpx.ConnectError,
            None,
            Unreachable,
            ("Cint cannot be reached", "cannot be reached"),
        ),
        (
            httpx.ConnectTimeout,
            None,
            TimedOut,
            ("Cint did not answer in time", "did not answer in time"),
        ),
        (
            httpx.ConnectError,
            NoAddress(late=False),
            HostUnknown,
            (
                "The host name of Cint's address is not known",
                "has a host name that is not known",
            ),
        ),
        (
            httpx.ConnectError,
            ssl.SSLError(1, "x"),
            NotSecure,
            ("No secure connection to Cint is possible", "offers no secure connection"),
        ),
        (
            httpx.ConnectError,
            untrusted(),
            NotSecure,
            (
                "No secure connection to Cint is possible: self-signed certificate",
                "offers no secure connection: self-signed certificate",
            ),
        ),
        (
            httpx.ProxyError,
            None,
            ProxyFailed,
            (
                "The proxy does not connect to Cint: no connection",
                "cannot be reached through the proxy: no connection",
            ),
        ),
    ],
)
def test_a_connection_that_fails_says_why_and_at_which_address(
    make_client: MakeClient,
    error: type[httpx.TransportError],
    cause: Exception | None,
    kind: type[ExchangeError],
    words_of_each: tuple[str, str],
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("no connection") from cause

    words, of_token = words_of_each
    messages: list[tuple[dict[str, Any], str]] = [
        ({}, words),
        ({"auth": CREDENTIALS}, f"The token address {of_token}"),
    ]
    for settings, message in messages:
        with pytest.raises(kind) as caught:
            make_client(fail, **settings).get_industries()
        assert (type(caught.value), str(caught.value)) == (kind, message)
        assert not caught.value.outcome_unknown
