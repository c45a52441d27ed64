"""What tests of the pages share: plain static files, and an exchange that does as it is told."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.web import fake_urls
from tests.web.fake_exchange import FakeExchange

PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Settings) -> None:
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": PLAIN}}


@pytest.fixture
def exchange(settings: Settings) -> FakeExchange:
    """The exchange behind the forms; each test gets it fresh."""
    settings.ROOT_URLCONF = "tests.web.fake_urls"
    fake_urls.EXCHANGE.start_over()
    return fake_urls.EXCHANGE
