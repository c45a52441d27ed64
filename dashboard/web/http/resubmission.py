"""A form whose sign-in ran out, or whose answer never came: shown as it was typed, and not sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from dashboard.fielding.models import Edit

FIELD = "kept"  # sent by static/js/resubmission.js: the browser had kept what was typed
SAID = "This is what you typed. Send it when it is right; sent twice, it is made once all the same."
ARRIVED = "What you sent from this form before has arrived."


def is_resubmission(request: HttpRequest) -> bool:
    """Whether it is such a form; says so to the person then."""
    if FIELD not in request.POST:
        return False
    messages.warning(request, SAID)
    return True


def already_received(request: HttpRequest, token: str) -> HttpResponse | None:
    """A form opened afresh, where this one had arrived though its answer was not seen."""
    made = Edit.objects.filter(token=token).first() if FIELD in request.POST else None
    if made is None:
        return None
    page = reverse("made", args=[made.pk])
    said = format_html('{} <a href="{}">See how it ended</a>', ARRIVED, page)
    messages.info(request, said)
    return redirect(request.get_full_path())
