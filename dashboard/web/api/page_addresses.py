"""Addresses of pages for people, in answers of the API and in calendars."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse


def page_address(name: str, *args: int) -> str:
    """Return the address of a page for people."""
    return f"{settings.FIELDWATCH_URL}{reverse(name, args=args)}"
