"""What a client says of the host or the port that it came by is never believed."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "Forwarded": "host=evil.example;proto=https",
}


def test_forged_hosts_reach_no_page_and_no_redirect(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for path in ("/sign-in/", "/", "/groups/", "/healthz"):
        for name, value in FORGED.items():
            answer = client.get(path, headers={name: value})
            plain = client.get(path)
            assert answer.status_code == plain.status_code, (path, name)
            assert answer.get("Location") == plain.get("Location"), (path, name)
            assert b"evil" not in answer.content, (path, name)
