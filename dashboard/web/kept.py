"""A form whose sign-in ran out, or whose answer never came: shown as it was typed, and not sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest

FIELD = "kept"  # the browser's tab kept what was typed, and sends it back (`static/js/app.js`)
SAID = "This is what you typed. Send it when it is right; sent twice, it is made once all the same."


def is_back(request: HttpRequest) -> bool:
    """Whether it is such a form; says so to the person then."""
    if FIELD not in request.POST:
        return False
    messages.warning(request, SAID)
    return True
