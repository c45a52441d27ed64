"""What tests of pages share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider


@pytest.fixture
def provider(settings: Settings) -> Iterator[OpenIdProvider]:
    """The company's identity provider, as the settings name it."""
    server = OpenIdProvider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    settings.OIDC_URL = server.url
    settings.OIDC_CLIENT_ID = CLIENT_ID
    settings.OIDC_CLIENT_SECRET = CLIENT_SECRET
    settings.OIDC_NAME = "Company"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
