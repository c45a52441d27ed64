"""Pages and chart data are compressed where the browser takes that."""

from __future__ import annotations

import gzip
import zlib

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from dashboard.fielding.models import TargetGroup
from dashboard.web.http.compression import compress_parts
from tests.web.http.test_streaming import words

pytestmark = pytest.mark.django_db

TAKES = {"Accept-Encoding": "gzip, deflate, br"}
OPENS = {"Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("address", ["/", "/projects/", "/groups/{}/", "/groups/{}/chart.json"])
def test_pages_and_charts_are_compressed(client: Client, group: TargetGroup, address: str) -> None:
    address = address.format(group.pk)
    plain, packed = client.get(address), client.get(address, headers=TAKES)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert words(gzip.decompress(packed.content).decode()) == words(plain.content.decode())


def test_the_head_of_a_page_can_be_read_before_its_body_is_made(
    client: Client, group: TargetGroup
) -> None:
    address = f"/groups/{group.pk}/"
    response = client.get(address, headers=TAKES | OPENS)
    assert isinstance(response, StreamingHttpResponse)
    parts, unpacker = iter(response), zlib.decompressobj(wbits=31)
    page = unpacker.decompress(next(parts)).decode()
    assert 'id="completes-chart-drawn"' in page
    assert "<main" not in page
    page += b"".join(unpacker.decompress(part) for part in parts).decode()
    assert unpacker.eof
    assert words(page) == words(client.get(address).content.decode())


def test_the_same_page_has_another_length_each_time() -> None:
    packed = [b"".join(compress_parts([b"<p>", b"secret</p>"], padding)) for padding in (0, 1, 99)]
    assert {gzip.decompress(page) for page in packed} == {b"<p>secret</p>"}
    assert len({len(page) for page in packed}) == 3


def test_an_unchanged_page_is_not_sent_again(client: Client, group: TargetGroup) -> None:
    address = f"/projects/{group.project_id}/"
    etag = client.get(address, headers=TAKES).headers["ETag"]
    assert etag.startswith('W/"')
    for known in (etag, etag.removeprefix("W/")):
        seen = TAKES | {"If-None-Match": known, "HX-Request": "true"}
        assert client.get(address, headers=seen).status_code == 304


def test_files_are_sent_as_they_are_and_lists_as_text_compressed(
    client: Client, group: TargetGroup
) -> None:
    assert "Content-Encoding" not in client.get("/groups/export.xlsx", headers=TAKES).headers
    lines = client.get("/groups/export.csv", headers=TAKES)
    text = gzip.decompress(b"".join(lines)).decode("utf-8-sig")
    assert group.name in text
