"""Restore a form that was submitted after the session expired, or whose response was lost.

Nothing is sent until the person submits it again.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from dashboard.fielding.models import Edit

FIELD = "kept"  # sent by static/js/resubmission.js, where the browser kept the entries
RESTORED = (
    "Your entries were restored but not sent. Check and submit them; a form that is submitted "
    "twice is applied once."
)
RECEIVED = "This form was already received."


def is_resubmission(request: HttpRequest) -> bool:
    """Whether this is a restored form; the person is notified if so."""
    if FIELD not in request.POST:
        return False
    messages.warning(request, RESTORED)
    return True


def already_received(request: HttpRequest, token: str) -> HttpResponse | None:
    """Return a redirect to a fresh form if this one was received already; else None."""
    edit = Edit.objects.filter(token=token).first() if FIELD in request.POST else None
    if edit is None:
        return None
    url = reverse("made", args=[edit.pk])
    sentence = format_html('{} <a href="{}">View result</a>', RECEIVED, url)
    messages.info(request, sentence)
    return redirect(request.get_full_path())
