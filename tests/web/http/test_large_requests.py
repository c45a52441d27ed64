"""Requests that hold much: they work, or a page says what to do."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(factories.person("editor", factories.account()))
    return client


@pytest.mark.parametrize("page", ["/groups/", "/projects/", "/", "/activity/", "/spend/"])
def test_a_filter_with_six_hundred_ids_works(viewer: Client, page: str) -> None:
    query = "&".join(f"project={number}&group={number}&country=c{number}" for number in range(600))
    assert viewer.get(f"{page}?{query}").status_code == 200


def test_a_form_with_thousands_of_fields_is_read(viewer: Client) -> None:
    """As many as a draft with 520 answered questions sends, and twice that."""
    fields = {f"answer-{number}": "1" for number in range(2 * 2 * 520)}
    answer = viewer.post("/me/", fields)
    assert answer.status_code != 400


def test_too_many_fields_and_too_many_bytes_have_a_page(viewer: Client) -> None:
    for fields in (
        {f"field-{number}": "1" for number in range(6000)},
        {"note": "x" * 3_000_000},
    ):
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        answer = viewer.post("/me/", body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400
        assert "Too much in one request" in answer.content.decode()


def test_another_host_has_a_page(client: Client) -> None:
    answer = client.get("/sign-in/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "This address is not known here" in answer.content.decode()
