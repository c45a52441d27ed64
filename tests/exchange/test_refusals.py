"""Every refusal says why, whatever the exchange or a gateway before it makes of its words."""

import gzip
import json
from typing import Any

import httpx
import pytest

from dashboard.exchange.errors import (
    ExchangeError,
    InvalidParam,
    NotFound,
    Refused,
    spoken,
    spoken_name,
)
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient

WORDS = "The name is too short"
STATUSES = (400, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422, 451)
BODIES: dict[str, Any] = {
    "the contract's detail": {"object": "an_error", "title": "Bad request", "detail": WORDS},
    "its details": {"object": "an_error", "details": WORDS},
    "its title alone": {"object": "an_error", "title": WORDS},
    "a field": {"title": "Bad request", "invalid_params": [{"name": "name", "reason": WORDS}]},
    "a field deep inside": {"invalid_params": [{"name": "body.profiles[0].name", "reason": WORDS}]},
    "a field that nobody knows": {"invalid_params": [{"name": "zork", "reason": WORDS}]},
    "a field without a name": {"invalid_params": [{"reason": WORDS}]},
    "a field's detail": {"invalid_params": [{"name": "r_1", "reason": "x_y", "detail": WORDS}]},
    "reasons without fields": {"invalid_params": [WORDS]},
    "reasons by field": {"invalid_params": {"name": WORDS, "url": ["a", "b"]}},
    "hyphens": {"invalid-params": [{"name": "name", "reason": WORDS}]},
    "errors by field": {"message": "The request is invalid", "errors": {"name": [WORDS]}},
    "errors in a list": {"errors": [{"field": "name", "message": WORDS}]},
    "places and messages": {"detail": [{"loc": ["body", "name"], "msg": WORDS, "type": "short"}]},
    "a gateway's message": {"message": WORDS},
    "an error within": {"error": {"code": 17, "message": WORDS}},
    "OAuth's": {"error": "invalid_request", "error_description": WORDS},
    "a text": WORDS,
    "a web page": f"<!doctype html><html><head><title>{WORDS}</title></head><p>x".encode(),
    "a page without a title": f"<html><body><h1 class='a'><b>{WORDS}</b></h1></body>".encode(),
    "plain text": WORDS.encode(),
    "behind a mark": b"\xef\xbb\xbf" + json.dumps({"detail": WORDS}).encode(),
    "in UTF-16": json.dumps({"detail": WORDS}).encode("utf-16"),
    "with half an emoji": b'{"detail": "' + WORDS.encode() + rb' \ud83d"}',
}
SILENT: dict[str, bytes] = {
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "a number": b"7",
    "cut": b'{"detail": "The na',
    "no text": bytes(range(128, 200)),
    "empty words": b'{"detail": " ", "title": null, "invalid_params": [{}, 7, null]}',
    "an empty page": b"<html></html>",
}


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_refusal_of_any_operation_says_why(make_client: MakeClient, operation: str) -> None:
    content, status = b"", 400
    client = make_client(lambda _: httpx.Response(status, content=content))
    for status in STATUSES:
        for name, body in BODIES.items():
            content = raw(body)
            with pytest.raises(ExchangeError) as caught:
                CALLS[operation](client)
            assert WORDS in str(caught.value), (status, name)
            assert caught.value.status == status
            assert not caught.value.outcome_unknown


@pytest.mark.parametrize("name", SILENT)
def test_a_refusal_without_words_says_that_there_are_none(
    make_client: MakeClient, name: str
) -> None:
    with pytest.raises(Refused, match=r"gives no reason \(422\)"):
        make_client(lambda _: httpx.Response(422, content=SILENT[name])).get_industries()


def test_a_packed_refusal_is_read(make_client: MakeClient) -> None:
    content = gzip.compress(raw(BODIES["a field"]))
    answer = httpx.Response(
        400, stream=httpx.ByteStream(content), headers={"Content-Encoding": "GZIP"}
    )
    with pytest.raises(Refused) as caught:
        make_client(lambda _: answer).get_industries()
    assert caught.value.invalid_params == [InvalidParam("name", WORDS)]


def test_what_is_wrong_with_which_field_is_in_the_sentence(make_client: MakeClient) -> None:
    body = {
        "detail": "Two fields are wrong",
        "invalid_params": [{"name": "name", "reason": "too_short"}, {"name": "live_url"}],
    }
    with pytest.raises(Refused) as caught:
        make_client(lambda _: httpx.Response(400, json=body)).get_industries()
    assert str(caught.value) == (
        "Cint refused the request: Two fields are wrong (name: too short; live_url)"
    )


def test_a_place_is_told_as_a_path(make_client: MakeClient) -> None:
    body = {"detail": [{"loc": ["body", "profiles", 0, "name"], "msg": "too short"}]}
    with pytest.raises(Refused) as caught:
        make_client(lambda _: httpx.Response(422, json=body)).get_industries()
    assert caught.value.invalid_params == [InvalidParam("body.profiles.0.name", "too short")]


def test_what_is_gone_is_not_found(make_client: MakeClient) -> None:
    with pytest.raises(NotFound):
        make_client(lambda _: httpx.Response(410)).get_industries()


def test_a_page_without_end_takes_no_time(make_client: MakeClient) -> None:
    page = b"<title" * 400_000
    with pytest.raises(Refused):
        make_client(lambda _: httpx.Response(400, content=page)).get_industries()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("too_small", "too small"),
        ("A sentence.", "A sentence."),
        ("id_7 is wrong", "id_7 is wrong"),
    ],
)
def test_a_code_is_told_in_words(code: str, words: str) -> None:
    assert spoken(code) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("live_url", "live url"),
        ("$.live_url", "live url"),
        ("body/end_fielding_at", "end fielding at"),
        ("target_group_cpi.value", "target group cpi"),
        ("profiles[0].targets[1]", "targets"),
        ("total_goal_cannot_be_less_076", "total goal cannot be less"),
        ("body", "body"),
        ("", ""),
        ("[0]", "[0]"),
    ],
)
def test_a_path_is_told_in_words(path: str, words: str) -> None:
    assert spoken_name(path) == words
