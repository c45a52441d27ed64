"""What every request goes through: one log line with an id, and text that is text."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse

from dashboard import logs

log = logging.getLogger(__name__)
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
LARGEST_ID = 2**63 - 1
PROBES = ("/healthz", "/readyz", "/metrics")


def log_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Middleware: takes the proxy's `X-Request-ID` or makes one, and gives it back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        began = time.monotonic()
        with logs.log_context(request_id=request_id):
            response = get_response(request)
            if _is_made_as_it_goes(response):
                response.streaming_content = _told_at_end(request, response, began)
            elif request.path not in PROBES:
                _tell(request, response, time.monotonic() - began)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def _is_made_as_it_goes(response: HttpResponseBase) -> TypeGuard[StreamingHttpResponse]:
    """A file is there already, and servers send it without reading it."""
    return isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse)


def _told_at_end(
    request: HttpRequest, response: StreamingHttpResponse, began: float
) -> Iterator[bytes]:
    """The parts of a stream; the line about it comes once the last is sent, or nobody waits."""
    parts, of = cast("Iterable[bytes]", response.streaming_content), logs.current_facts()

    def told() -> Iterator[bytes]:
        with logs.log_context(**of):
            try:
                yield from parts
            finally:
                _tell(request, response, time.monotonic() - began)

    return told()


def no_store(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: nobody on the way keeps a page, unless its view says how; files are no pages.

    Where the session of an open page has ended, the whole window goes to sign in, and then on to
    the page, or to that of the form which was sent.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(settings.STATIC_URL):
            response.setdefault("Cache-Control", "private, no-store")
        leads = response.headers.get("Location", "")
        if request.headers.get("HX-Request") and leads.startswith(reverse("account_login")):
            ended = HttpResponse(status=204)
            ended["HX-Redirect"] = (
                f"{reverse('account_login')}?{urlencode({'next': _page(request)})}"
            )
            return ended
        return response

    return middleware


def _page(request: HttpRequest) -> str:
    """The page that a part of one was asked for from."""
    if request.method == "POST":
        return request.get_full_path()
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    return shown._replace(scheme="", netloc="").geturl() or "/"


def _tell(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Method, address without its query, status, milliseconds, and who asked."""
    user = getattr(request, "user", None)
    facts = {
        "method": request.method,
        "path": request.path[:200],
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "person": user.pk if user is not None and user.is_authenticated else None,
    }
    log.info("request", extra={"of": facts})


class RejectNulBytes:
    """Middleware: text with a NUL byte is no text; no database keeps it, so no view gets it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As it comes; what is wrong is found once the view is known."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> HttpResponse | None:
        """400 for such a query, address or form; the raw body of a webhook is its view's own.

        404 for a number that no table could hold as an id.
        """
        if any(isinstance(one, int) and one > LARGEST_ID for one in kwargs.values()):
            raise Http404
        texts = [*kwargs.values(), *_values(request.GET)]
        if not getattr(view, "csrf_exempt", False):
            texts += _values(request.POST)
        if any(isinstance(one, str) and "\x00" in one for one in texts):
            return render(request, "errors/not_text.html", status=400)
        return None


def _values(given: QueryDict) -> list[str]:
    return [one for values in given.lists() for one in (values[0], *values[1])]
