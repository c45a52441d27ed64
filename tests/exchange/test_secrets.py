"""Keys, tokens and secrets are sent where they belong and shown nowhere."""

import logging
import traceback

import httpx
import pytest

from dashboard.exchange.auth import ApiKey, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    Unreachable,
)
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import CPI, IN

SECRET = "s3cret-never-to-be-seen"


def test_an_api_key_is_sent_as_it_is(make_client: MakeClient) -> None:
    headers: list[str] = []

    def keep(request: httpx.Request) -> httpx.Response:
        headers.append(request.headers["authorization"])
        return httpx.Response(200, json={})

    for key in ("abc", "Bearer abc"):
        make_client(keep, auth=ApiKey(key)).get_industries()
    assert headers == ["abc", "Bearer abc"]


@pytest.mark.parametrize("key", ["", "a\nb", "ключ"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        ExchangeClient(account_id="1", auth=ApiKey(key))


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_a_secret_that_the_exchange_repeats_is_hidden(make_client: MakeClient, status: int) -> None:
    words = {
        "title": SECRET,
        "detail": f"token {SECRET} is bad",
        "invalid_params": [{"name": SECRET}],
    }
    client = make_client(lambda _: httpx.Response(status, json=words), auth=ApiKey(SECRET))
    with pytest.raises(ExchangeError) as caught:
        client.get_industries()
    assert SECRET not in str(caught.value) + repr(vars(caught.value))


def test_a_secret_is_in_no_traceback_and_no_log(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def write(buffer: dict[bytes, bytes]) -> httpx.Response:
        raise OSError(f"broken pipe after {len(buffer)} headers")

    def break_off(request: httpx.Request) -> httpx.Response:
        try:
            return write(dict(request.headers.raw))
        except OSError as exc:
            raise httpx.WriteError("broken pipe") from exc

    client = make_client(break_off, auth=ApiKey(SECRET))
    with pytest.raises(Unreachable) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(shown.format())
    assert SECRET not in caplog.text


def test_a_token_that_was_cut_off_is_in_no_traceback(make_client: MakeClient) -> None:
    auth = ClientCredentials("https://auth.lucidhq.com/oauth/token", "id", "other")
    cut = '{"access_token": "'
    client = make_client(lambda _: httpx.Response(200, text=cut + SECRET), auth=auth)
    with pytest.raises(BadAnswer) as caught:
        client.get_industries()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(shown.format())
