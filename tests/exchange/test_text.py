"""Text that is no text costs its own item, on every list and answer of the client."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from dashboard.exchange.decode import Page, decode_body, decode_page
from dashboard.exchange.errors import BadAnswer, Refused
from dashboard.exchange.repair import as_utf8, repair
from dashboard.exchange.shapes.accounts import BusinessUnitShape
from dashboard.exchange.shapes.base import Money
from tests.contract.validate import operations
from tests.exchange.answers import Answers
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient
from tests.exchange.test_bodies import row

HERE = "HERE"
HEADERS = {"Location": "/v1/jobs/job-1", "ETag": 'W/"1"'}
BAD = {
    "half an emoji": rb"\ud83d",
    "its other half": rb"\ude00",
    "half an emoji before a letter": rb"\uD83Dx",
    "half an emoji before another escape": rb"\ud83d\u0041",
    "a byte that is no UTF-8": b"\xff",
    "a cut letter of three bytes": b"\xe2\x82",
    "a cut letter of four bytes": b"\xf0\x9f\x98",
    "half an emoji in UTF-8": b"\xed\xa0\xbd",
    "an overlong NUL": b"\xc0\x80",
    "a NUL that is escaped": rb"\u0000",
    "a NUL that is not": b"\x00",
    "a raw control character": b"\x1b",
    "a cut escape": rb"\ud8",
    "an escape that is none": rb"\x41",
}


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of an answer are."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from texts(inner, (*path, place))
    elif isinstance(value, str):
        yield path


def spoiled(body: Any, path: tuple[Any, ...], bad: bytes) -> bytes:
    """An answer whose text at `path` ends with bytes that are no text."""
    copy = json.loads(json.dumps(body))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] += HERE
    return json.dumps(copy).encode().replace(HERE.encode(), bad)


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL takes all texts of a value: no NUL, no half of a pair."""
    text = msgspec.json.encode(value, enc_hook=vars).decode()
    return "\\u0000" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_bad_text_costs_its_own_item_on_every_list_and_answer(
    make_client: MakeClient, operation: str
) -> None:
    content, status = b"", 200
    client = make_client(lambda _: httpx.Response(status, content=content, headers=HEADERS))
    status, body = Answers(1, full=True).of(operations()[operation])
    content = json.dumps(body).encode()
    good = CALLS[operation](client)
    kinds = list(BAD.values())
    for number, path in enumerate(texts(body)):
        content = spoiled(body, path, kinds[number % len(kinds)])
        client.take_notes()
        try:
            result = CALLS[operation](client)
        except BadAnswer as exc:  # an id, a date or an amount, without which an answer is none
            assert not isinstance(good, Page) or path[0] == "next_cursor", path
            words = ("sent something unexpected", "unreadable characters in", "is not readable")
            assert any(each in str(exc) for each in words), path
            continue
        assert is_storable(result), path
        notes = client.take_notes()
        assert {noted_operation for noted_operation, _ in notes} <= {operation}
        if isinstance(good, Page) and isinstance(result, Page) and len(path) > 1:
            assert len(result.items) + len(result.quarantined) == len(good.items), path
            assert len(notes) + len(result.quarantined) <= 1, path
            assert sum(item not in good.items for item in result.items) <= len(notes), path


def test_what_is_shown_is_marked_and_says_where(make_client: MakeClient) -> None:
    rows = [row(number) for number in range(100)]
    rows[42]["name"] += HERE
    page = {"target_groups": rows, "has_more": False, "url": ""}
    for bad in BAD.values():
        content = json.dumps(page).encode().replace(HERE.encode(), bad)
        client = make_client(lambda _, c=content: httpx.Response(200, content=c))
        listed = client.get_list_target_groups(project_id="p")
        assert (len(listed.items), listed.quarantined) == (100, [])
        assert listed.items[42].name.startswith("Group 42\ufffd")
        ((operation, note),) = client.take_notes()
        assert (operation, note.id) == ("get_list_target_groups", rows[42]["id"])
        assert note.reason.endswith("in name")
        assert client.take_notes() == []


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_whose_a_row_is_is_never_guessed(bad: bytes) -> None:
    body = b'{"units": [{"id": "17"}, {"id": "18HERE"}, {"id": "19"}]}'.replace(b"HERE", bad)
    page = decode_page(body, "units", BusinessUnitShape)
    assert [unit.id for unit in page.items] == ["17", "19"]
    assert [item.id for item in page.quarantined] == [None]


def test_what_an_amount_is_worth_is_never_guessed() -> None:
    with pytest.raises(BadAnswer, match="currency_code"):
        decode_body(b'{"value": "1.5", "currency_code": "US\xff"}', Money)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_cursor_that_cannot_be_read_leads_nowhere(bad: bytes) -> None:
    body = b'{"units": [{"id": "17"}], "has_more": true, "next_cursor": "aHERE"}'
    with pytest.raises(BadAnswer, match="next_cursor"):
        decode_page(body.replace(b"HERE", bad), "units", BusinessUnitShape)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    "broken",
    [
        b'{"units": [{"id": "17", "name": "HERE"}',
        b'{"units": [{"id": "17", "name": "HERE"}]]',
        b'{"units": [{"id": "17", "name": "HERE}]}',
        b'{"units": [{"id": "17"}]HERE}',
        b'HERE{"units": []}',
    ],
)
def test_a_page_of_broken_structure_is_rejected_whole(broken: bytes, bad: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode_page(broken.replace(b"HERE", bad), "units", BusinessUnitShape)


@pytest.mark.parametrize(
    "good",
    [
        rb'{"id": "1", "name": "\\ud83d"}',
        rb'{"id": "1", "name": "\ud83d\ude00 \u00e9 \" \\ \/ \b\f\n\r\t"}',
        '{"id": "1", "name": "Zoë 🙂 \ufffd"}'.encode(),
    ],
)
def test_good_text_is_left_as_it_is(good: bytes) -> None:
    assert repair(good) == good
    assert decode_body(good, BusinessUnitShape).name == json.loads(good)["name"]


def test_a_line_break_that_is_not_escaped_is_still_a_line_break() -> None:
    assert (
        decode_body(b'{"id": 1, "name": "a\nb\tc\xff"}', BusinessUnitShape).name == "a\nb\tc\ufffd"
    )


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_refusal_whose_words_are_cut_is_still_read(make_client: MakeClient, bad: bytes) -> None:
    body = b'{"detail": "Too shortHERE", "invalid_params": [{"name": "name", "reason": "asHERE"}]}'
    content = body.replace(b"HERE", bad)
    with pytest.raises(Refused) as caught:
        make_client(lambda _: httpx.Response(400, content=content)).get_industries()
    assert caught.value.detail.startswith("Too short\ufffd")
    ((name, reason),) = caught.value.invalid_params
    assert (name, reason[:3]) == ("name", "as\ufffd")


NAMES = '{"industries": [{"id": "1", "code": "se", "name": "Åland ☃ 🙂"}]}'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (NAMES.encode("utf-8-sig"), "application/json"),
        (NAMES.encode("utf-16"), "application/json"),
        (NAMES.encode("utf-16-le"), "application/json"),
        (NAMES.encode("utf-16-be"), "application/json; charset=utf-16be"),
        (NAMES.encode("utf-32"), "application/json"),
        (NAMES.encode(), "application/json; charset=iso-8859-1"),
        (NAMES.encode(), "application/json; charset=klingon"),
    ],
)
@pytest.mark.parametrize("operation", ["get_industries"])
def test_an_answer_is_read_whatever_its_encoding(
    make_client: MakeClient, content: bytes, kind: str, operation: str
) -> None:
    answer = httpx.Response(200, content=content, headers={"Content-Type": kind})
    (industry,) = CALLS[operation](make_client(lambda _: answer)).items  # type: ignore[attr-defined]
    assert industry.name == "Åland ☃ 🙂"


@pytest.mark.parametrize("charset", ["ISO-8859-1", '"latin1"', "windows-1252"])
def test_a_charset_is_believed_where_the_bytes_are_not_utf_8(charset: str) -> None:
    assert as_utf8("Åland €".encode("cp1252"), f"application/json; charset={charset}").decode() == (
        "Åland €"
    )


def test_half_a_pair_in_utf_16_costs_its_own_item(make_client: MakeClient) -> None:
    content = NAMES.replace("☃", "\ud83d").encode("utf-16", "surrogatepass")
    client = make_client(lambda _: httpx.Response(200, content=content))
    assert client.get_industries().items[0].name == "Åland \ufffd\ufffd\ufffd 🙂"
