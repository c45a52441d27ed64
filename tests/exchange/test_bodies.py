"""Bodies over a real socket: garbled ones are rejected whole, one wrong item costs itself."""

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dashboard.exchange.errors import (
    BadAnswer,
    TooLarge,
)
from dashboard.exchange.http.answer import read_body
from dashboard.exchange.pagination import iterate_pages
from tests.contract.validate import operations
from tests.exchange.answers import Answers
from tests.exchange.calls import CALLS
from tests.exchange.conftest import Begin, MakeClient
from tests.exchange.examples import CPI, IN, PROJECT
from tests.fakes.raw_http_exchange import Asked, Connection


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A plain row of a list of target groups."""
    progress = {"current_completes": number, "current_prescreens": 0, "filling_goal": 100}
    plain = {
        "id": f"{number:026d}",
        "name": f"Group {number}",
        "status": "live",
        "statistics": {"progress": {"value": progress, "issues": []}},
    }
    return plain | changes


BROKEN = {
    "cut off": (b'{"industries": [{"id": 1}', {}),
    "a web page": (b"<html>maintenance</html>", {}),
    "empty": (b"", {}),
    "not utf-8": (b'{"industries": [\xff]}', {}),
    "NaN": (b'{"industries": [NaN]}', {}),
    "a list": (b"[1, 2]", {}),
    "deep": (b"[" * 200_000, {}),
    "broken gzip": (b"\x1f\x8b broken", {"Content-Encoding": "gzip"}),
    "half gzip": (gzip.compress(b"{}" * 999)[:-9], {"Content-Encoding": "gzip"}),
    "gzip without its checksum": (
        gzip.compress(b'{"industries": []}')[:-8],
        {"Content-Encoding": "gzip"},
    ),
    "strange compression": (b"{}", {"Content-Encoding": "br"}),
    "strange compression below": (gzip.compress(b"{}"), {"Content-Encoding": "zstd, gzip"}),
    "half a member": (
        gzip.compress(b'{"industries"') + gzip.compress(b": []}")[:-4],
        {"Content-Encoding": "gzip"},
    ),
    "broken deflate": (b"\x78\x9c broken", {"Content-Encoding": "deflate"}),
    "packed without end": (b"{}", {"Content-Encoding": "gzip, gzip, gzip, gzip"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_garbled_page_is_rejected_whole(begin: Begin, name: str) -> None:
    body, headers = BROKEN[name]
    _, client = begin(lambda c, _: c.answer(body, headers=headers))
    with pytest.raises(BadAnswer) as caught:
        client.get_industries()
    assert caught.value.operation == "get_industries"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Cint sent an empty answer"),
        (b"<html>maintenance</html>", "Cint sent a web page instead of data"),
        (b"\n <!doctype html>", "Cint sent a web page instead of data"),
        (b"{", "Cint sent data that is truncated or garbled"),
    ],
)
def test_what_came_instead_of_data_is_named(begin: Begin, body: bytes, words: str) -> None:
    _, client = begin(lambda c, _: c.answer(body))
    with pytest.raises(BadAnswer, match=words):
        client.get_industries()


@pytest.mark.parametrize("name", ["broken gzip", "half gzip", "strange compression"])
def test_a_write_whose_answer_cannot_be_unpacked_may_have_been_carried_out(
    begin: Begin, name: str
) -> None:
    body, headers = BROKEN[name]
    _, client = begin(lambda c, _: c.answer(body, headers=headers))
    with pytest.raises(BadAnswer) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_an_answer_of_16_mib_is_read_and_one_byte_more_is_not(begin: Begin, encoding: str) -> None:
    packs: dict[str, Callable[[bytes], bytes]] = {
        "identity": bytes,
        "gzip": gzip.compress,
        "deflate": zlib.compress,
    }
    pack = packs[encoding]
    whole = b'{"industries": []}'.ljust(16 * 1024 * 1024)
    bodies = iter([whole, whole + b" "])
    headers = {"Content-Encoding": encoding}
    _, client = begin(lambda c, _: c.answer(pack(next(bodies)), headers=headers))
    assert client.get_industries().items == []
    with pytest.raises(TooLarge):
        client.get_industries()


def test_a_gzip_bomb_is_rejected_without_unpacking_it(begin: Begin) -> None:
    bomb = gzip.compress(b" " * 300_000_000, compresslevel=1)
    _, client = begin(lambda c, _: c.answer(bomb, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            client.get_industries()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000


def test_a_body_above_the_cap_is_rejected_before_it_is_here(begin: Begin) -> None:
    sent = 0

    def reply(connection: Connection, _: Asked) -> None:
        nonlocal sent
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _piece in range(100):
            connection.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            sent += 1

    _, client = begin(reply)
    with pytest.raises(TooLarge):
        client.get_industries()
    assert sent < 40


def raw_deflate(body: bytes) -> bytes:
    """What some servers call deflate: without the frame of zlib."""
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(body) + squeeze.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    " GZip ": gzip.compress,
    "x-gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "gzip, identity": gzip.compress,
    "identity": bytes,
    "Identity": bytes,
    "": bytes,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "deflate, gzip": lambda body: gzip.compress(zlib.compress(body)),
    "gzip,gzip": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_packed_answer_is_read_on_every_list_and_answer(
    make_client: MakeClient, operation: str
) -> None:
    status, body = Answers(1, full=True).of(operations()[operation])
    content = b"" if body is None else json.dumps(body).encode()
    plain = {"Location": "/v1/jobs/job-1", "ETag": 'W/"1"'}

    def result(sent: bytes, headers: dict[str, str]) -> object:
        raw = httpx.Response(status, stream=httpx.ByteStream(sent), headers=plain | headers)
        return CALLS[operation](make_client(lambda _: raw))

    wanted = result(content, {})
    for name, pack in PACKED.items():
        assert result(pack(content), {"Content-Encoding": name}) == wanted, name
        assert result(pack(b"\xef\xbb\xbf" + content), {"content-encoding": name}) == wanted, name
    parts = (content[:7], b"", content[7:11], content[11:])
    members = b"".join(map(gzip.compress, parts))
    for padding in (b"", b"\0" * 512):
        assert result(members + padding, {"Content-Encoding": "gzip"}) == wanted
    assert result(b"", {"Content-Encoding": "gzip"}) == wanted if body is None else True


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "klingon"])
def test_a_compression_that_is_not_known_is_named(make_client: MakeClient, encoding: str) -> None:
    raw = httpx.Response(
        200, stream=httpx.ByteStream(b"\x1b\x03\xf8"), headers={"Content-Encoding": encoding}
    )
    with pytest.raises(BadAnswer, match=f"unknown compression.*{encoding}"):
        make_client(lambda _: raw).get_industries()


# Made when they are asked for: they take seconds.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "in many members": (
        lambda: gzip.compress(b" " * 1_000_000, compresslevel=1) * 200,
        "gzip",
    ),
    "of empty members": (lambda: gzip.compress(b"") * 100_000, "gzip"),
    "in two layers": (
        lambda: gzip.compress(gzip.compress(b" " * 300_000_000, compresslevel=1)),
        "gzip, gzip",
    ),
    "deflated": (lambda: zlib.compress(b" " * 100_000_000, level=1), "deflate"),
    "deflated without a frame": (lambda: raw_deflate(b" " * 100_000_000), "deflate"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_takes_more_than_the_cap_or_longer_than_a_moment(
    make_client: MakeClient, name: str
) -> None:
    pack, encoding = BOMBS[name]
    raw = httpx.Response(
        200, stream=httpx.ByteStream(pack()), headers={"Content-Encoding": encoding}
    )
    client = make_client(lambda _: raw)
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer):
            client.get_industries()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000
    assert time.process_time() - began < 2


def test_a_gzipped_answer_is_read(begin: Begin) -> None:
    body = gzip.compress(b'{"industries": [{"id": 1, "code": "us"}]}')
    for name in ("gzip", "GZIP", "x-gzip"):
        _, client = begin(lambda c, _, n=name: c.answer(body, headers={"Content-Encoding": n}))
        assert [each.code for each in client.get_industries().items] == ["us"]


def test_one_wrong_item_of_a_hundred_costs_itself_only(begin: Begin) -> None:
    rows = [row(number) for number in range(100)]
    rows[42] = row(42, statistics=None)
    page = {"target_groups": rows, "has_more": False, "url": ""}
    _, client = begin(lambda c, _: c.answer(page))
    listed = client.get_list_target_groups(project_id=PROJECT)
    assert len(listed.items) == 99
    assert [bad.id for bad in listed.quarantined] == [f"{42:026d}"]
    assert "statistics" in listed.quarantined[0].reason


def test_unknown_values_and_members_are_kept_as_they_are(begin: Begin) -> None:
    page = {"target_groups": [row(1, status="hibernating", moon="full")], "has_more": False}
    _, client = begin(lambda c, _: c.answer(page))
    assert client.get_list_target_groups(project_id=PROJECT).items[0].status == "hibernating"


def test_a_repeating_cursor_ends_the_walk_as_incomplete(begin: Begin) -> None:
    page = {"target_groups": [row(1)], "has_more": True, "next_cursor": "again"}
    exchange, client = begin(lambda c, _: c.answer(page))
    groups = iterate_pages(
        lambda cursor: client.get_list_target_groups(project_id="p", start_after=cursor)
    )
    assert len(list(groups)) == 2
    assert not groups.complete
    assert "repeats a page" in groups.reason
    assert len(exchange.asked) == 2


@pytest.mark.parametrize(
    ("parts", "encoding"),
    [
        ([b"x" * 60, b"y" * 40], None),
        ([gzip.compress(b"x" * 60 + b"y" * 40)], "gzip"),
        ([gzip.compress(b"x" * 60), gzip.compress(b"y" * 40)], "gzip"),
        ([zlib.compress(b"x" * 60 + b"y" * 40)], "deflate"),
        ([raw_deflate(b"x" * 60 + b"y" * 40)], "deflate"),
        ([gzip.compress(gzip.compress(gzip.compress(b"x" * 60 + b"y" * 40)))], "gzip, gzip, gzip"),
    ],
)
def test_a_body_may_be_as_large_as_the_cap_and_no_larger(
    parts: list[bytes], encoding: str | None
) -> None:
    assert read_body(parts, encoding, cap=100) == b"x" * 60 + b"y" * 40
    with pytest.raises(TooLarge):
        read_body(parts, encoding, cap=99)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("gzip, gzip, gzip, gzip", "compressed too many times"),
        ("gzip, br", "unknown compression: br"),
        ("gzip", "compression is broken"),
    ],
)
def test_a_body_that_cannot_be_unpacked_says_why(encoding: str, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        read_body([b"{}"], encoding)
    with pytest.raises(BadAnswer, match="truncated"):
        read_body([gzip.compress(b"{}")[:-1]], "gzip")
