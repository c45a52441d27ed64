"""Error pages: not found, not allowed, or broken."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token


def forbidden_page(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Render 403: the role does not allow this."""
    return render(request, "errors/forbidden.html", {"why": str(exception or "")}, status=403)


@requires_csrf_token
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django names it
    """Render 403: the form is not from Fieldwatch, or from before a new sign-in."""
    return render(request, "errors/csrf_failed.html", {"unread": True}, status=403)


def not_found_page(
    request: HttpRequest,
    exception: Exception | None = None,  # noqa: ARG001 - Django names it
) -> HttpResponse:
    """Render 404: not found, or not visible to this person."""
    return render(request, "errors/not_found.html", status=404)


def bad_request_page(
    _request: HttpRequest,
    exception: Exception | None = None,
) -> HttpResponse:
    """Render 400 without database and person: too much at once, another host, or no HTTP form."""
    if isinstance(exception, TooManyFieldsSent | RequestDataTooBig):
        heading, advice = "Too much in one request", "Select fewer rows, or enter less text."
    elif isinstance(exception, DisallowedHost):
        heading = "This address is not known here"
        advice = "Open Fieldwatch by the address in its emails, or ask whoever runs it."
    else:
        heading, advice = (
            "This request could not be read",
            "Go back, reload the page and try again.",
        )
    words = {"heading": heading, "advice": advice}
    return render(None, "errors/bad_request.html", words, status=400)


def broken_page(_request: HttpRequest) -> HttpResponse:
    """Render 500 without the database and without the person."""
    return render(None, "errors/broken.html", status=500)
