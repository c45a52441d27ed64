"""A browser that opens a page with a chart has its head and its menu before the rest is made."""

from __future__ import annotations

import logging
import re

import pytest
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.models import TargetGroup
from dashboard.web.http import streaming

pytestmark = pytest.mark.django_db

OPENS = {"Sec-Fetch-Dest": "document"}


def words(page: str) -> list[str]:
    """Without the tokens of its forms and the second of its making, which differ each time."""
    differs = r'"[\w-]{64}"|name="token" value="[^"]+"|data-now="\d+"'
    return re.sub(differs, "", page).split()


def test_the_head_comes_first_and_the_whole_is_the_same_page(
    client: Client, group: TargetGroup, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    whole = client.get(f"/groups/{group.pk}/")
    parts = client.get(f"/groups/{group.pk}/", headers=OPENS)
    assert isinstance(parts, StreamingHttpResponse)
    sent = iter(parts)
    with django_assert_num_queries(0):
        head = next(sent).decode()
    assert "plotly-basic.min.js" in head
    assert 'id="completes-chart-drawn"' in head
    assert 'aria-label="Main"' in head
    assert "<main" not in head
    page = head + "".join(part.decode() for part in sent)
    assert words(page) == words(whole.content.decode())
    for name in ("ETag", "Cache-Control", "Content-Security-Policy", "X-Frame-Options"):
        assert parts.headers[name] == whole.headers[name]
    assert "csrftoken" in parts.cookies


def test_what_is_no_opening_of_a_page_gets_it_whole(client: Client, group: TargetGroup) -> None:
    address = f"/groups/{group.pk}/"
    assert not client.get(address, headers={"Sec-Fetch-Dest": "empty"}).streaming
    assert not client.get(address).streaming
    assert not client.head(address, headers=OPENS).streaming
    assert client.get("/groups/999999/", headers=OPENS).status_code == 404


def test_who_is_told_something_is_told_it_once(client: Client, group: TargetGroup) -> None:
    client.get(f"/groups/{group.pk}/launch/")
    told = "This group has already been launched"
    for times in (1, 0):
        page = b"".join(client.get(f"/groups/{group.pk}/", headers=OPENS)).decode()
        assert page.count(told) == times


def test_the_line_about_a_request_comes_when_its_last_part_is_sent(
    client: Client, group: TargetGroup, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="dashboard.web.http.middleware"):
        parts = client.get(f"/groups/{group.pk}/", headers=OPENS)
        assert not caplog.records
        list(parts)
    (record,) = caplog.records
    assert record.of["path"] == f"/groups/{group.pk}/"  # type: ignore[attr-defined]


def test_a_fault_after_the_head_is_told_on_the_page_and_in_the_log(
    rf: RequestFactory, caplog: pytest.LogCaptureFixture
) -> None:
    request = rf.get("/")
    request.resolver_match = None

    def broken() -> dict[str, object]:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, logger="dashboard.web.http.streaming"):
        answer = streaming.stream_page(request, "errors/not_found.html", {}, broken)
        page = b"".join(answer).decode()
    assert page.count("<!doctype html>") == page.count("<body>") == page.count("</html>") == 1
    assert "Something went wrong" in page
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError
