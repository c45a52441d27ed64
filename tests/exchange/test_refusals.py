"""Every refusal says why, whatever the exchange or a gateway before it makes of its words."""

import gzip
import json
from typing import Any

import httpx
import pytest

from dashboard.exchange import errors
from dashboard.exchange.errors import (
    ExchangeError,
    InvalidParam,
    NotFound,
    Refused,
    one_line,
    spoken,
    spoken_name,
)
from dashboard.exchange.http.answer import HttpAnswer, error_of
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


def error(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> ExchangeError:
    return error_of(HttpAnswer(status, headers or {}, body), now=0.0, hide=str)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words", "wait"),
    [
        (302, {}, errors.Redirected, errors.Redirected.words, None),
        (401, {}, errors.Unauthorized, "Cint does not accept the credentials", None),
        (403, {}, errors.Forbidden, "Cint does not allow this", None),
        (404, {}, errors.NotFound, "Cint cannot find this", None),
        (405, {}, errors.MethodNotAllowed, "Cint does not offer this", None),
        (409, {}, errors.Refused, "Cint refused the request and gives no reason (409)", None),
        (410, {}, errors.NotFound, "Cint cannot find this", None),
        (412, {}, errors.PreconditionFailed, errors.PreconditionFailed.words, None),
        (428, {}, errors.Refused, "Cint refused the request and gives no reason (428)", None),
        (429, {}, errors.RateLimited, "Cint asks for fewer requests", 10.0),
        (429, {"retry-after": "7"}, errors.RateLimited, "Cint asks for fewer requests", 7.0),
        (499, {}, errors.Refused, "Cint refused the request and gives no reason (499)", None),
        (500, {}, errors.Unavailable, "Cint had an internal error (500)", None),
        (503, {"retry-after": "7"}, errors.Unavailable, "Cint had an internal error (503)", 7.0),
    ],
)
def test_each_status_has_its_error(
    status: int,
    headers: dict[str, str],
    kind: type[ExchangeError],
    words: str,
    wait: float | None,
) -> None:
    refusal = error(status, headers=headers)
    assert (type(refusal), str(refusal)) == (kind, words)
    assert (refusal.status, refusal.retry_after, refusal.outcome_unknown) == (status, wait, False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"title": "Bad", "detail": "Too short"}, ": Too short"),
        ({"title": "Bad"}, ": Bad"),
        ({"errors": {"name": ["short", "odd"], "url": "bad"}},
         ": name: short; name: odd; url: bad"),
        ({"detail": "No", "invalid_params": ["a", 7, {}, {"name": "url"}]}, ": No (a; url)"),
        ({"invalid_params": [], "errors": [{"field": "name", "message": "too_short"}]},
         ": name: too short"),
        ({"error": {"message": "Within", "title": "Inner"}, "title": "Outer"}, ": Within"),
        ({"error": {"title": "Inner"}, "title": "Outer"}, ": Outer"),
        ({"invalid_params": [{"error_type": "structural_error", "name": "n", "reason": "r"}]},
         ": n: r"),
        ({"invalid_params": [{"metadata": {"question_id": 1}, "path": "$.a", "msg": "r"}]},
         ": $.a: r"),
        ({"detail": [{"loc": ["body", 0], "msg": "r"}]}, ": body.0: r"),
        ("a text", ": a text"),
        (b"plain text\nand a second line", ": plain text"),
        (b"<html><head><title>Bad &amp; <i>odd</i></title></head>", ": Bad & odd"),
        (b"<html><p>no title</p></html>", " and gives no reason (422)"),
        (b"[1, 2", " and gives no reason (422)"),
        (b'"cut', " and gives no reason (422)"),
        (b"{cut", " and gives no reason (422)"),
        (b"caf\xff", " and gives no reason (422)"),
        (7, " and gives no reason (422)"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_with_its_fields(body: Any, words: str) -> None:
    assert str(error(422, raw(body))) == f"Cint refused the request{words}"


def test_an_answer_shows_its_size_and_never_its_body() -> None:
    assert repr(HttpAnswer(200, {"etag": "x"}, b"secret")) == "Answer(200, 6 bytes)"


@pytest.mark.parametrize(
    ("wait", "advice"),
    [
        (None, "Try again in a moment"),
        (0.0, "Try again in a moment"),
        (0.2, "Try again in 1 s"),
        (119.0, "Try again in 119 s"),
        (119.1, "Try again in 2 min"),
        (120.0, "Try again in 2 min"),
        (179.0, "Try again in 2 min"),
        (180.0, "Try again in 3 min"),
    ],
)
def test_when_to_try_again_is_in_seconds_up_to_two_minutes(wait: float | None, advice: str) -> None:
    assert errors.RateLimited(retry_after=wait).retry_advice == advice
    assert errors.Refused(retry_after=wait).retry_advice == ""


def test_waiting_helps_only_where_the_next_answer_may_be_another() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    helped = {
        kind.__name__ for kind in kinds if issubclass(kind, ExchangeError) and kind().waiting_helps
    }
    assert helped == {
        "BadAnswer",
        "CircuitOpen",
        "HostUnknown",
        "NoAnswer",
        "NotSecure",
        "ProxyFailed",
        "RateLimited",
        "RetryLater",
        "TimedOut",
        "TooLarge",
        "Unavailable",
        "Unreachable",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" a\r\n\tb\x00c\u202ed ", "a b c d"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_a_message_is_one_line_of_at_most_five_hundred_characters(text: str, line: str) -> None:
    assert one_line(text) == line
