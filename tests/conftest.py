"""What every test stands on."""

from __future__ import annotations

from django.conf import settings


def pytest_configure() -> None:
    """Hash passwords quickly: tests make hundreds of people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
