"""Pages are rendered before the web server forks, and nothing of that is kept."""

from __future__ import annotations

import logging

import pytest

from dashboard.web.http import prerender
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_main_pages_are_rendered_as_somebody_who_sees_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = factories.account()
    factories.group(factories.project(account))
    user = factories.person("viewer", on=account)
    with caplog.at_level(logging.WARNING):
        prerender.prerender_pages()
    assert not caplog.records
    user.refresh_from_db()
    assert user.seen_at is None, "a visit that nobody made is not noted"


def test_a_server_without_people_starts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        prerender.prerender_pages()
    assert not caplog.records
