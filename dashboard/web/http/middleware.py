"""Middleware of every request: a log line with a request id, caching rules, valid text."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeGuard, cast
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
from django.urls import resolve, reverse

from dashboard import logs
from dashboard.web.auth.permissions import Permission
from dashboard.web.auth.throttle import client_address
from dashboard.web.auth.view_guard import GuardedView, ViewGuard
from dashboard.web.monitoring import traffic

log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
PLAIN_TEXT = "text/plain; charset=utf-8"
ONLY_HTTPS = "Only over https. Replace a token that was sent without it.\n"
LARGEST_ID = 2**63 - 1
# What programs ask for; a browser that was given http:// is led to https instead.
MACHINE_ADDRESSES = ("/api/", "/webhooks/", "/calendar/")
PROBES = ("/healthz", "/readyz", "/metrics")
# What follows opens a shared status, or a calendar, to whoever reads it.
SECRET_ADDRESSES = ("/s/", "/calendar/")


def refuse_plain_http(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Refuse a program that asks without https, where pages redirect to it.

    A redirect would work, and hide that each request sends its token in the clear.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_plain = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if is_plain and request.path.startswith(MACHINE_ADDRESSES):
            log.warning("plain http refused", extra={"of": {"address": client_address(request)}})
            return HttpResponse(ONLY_HTTPS, status=403, content_type=PLAIN_TEXT)
        return get_response(request)

    return middleware


def answer_probes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Answer machines before anything else: whatever the Host, without session and database.

    Probes come by the address of a pod or the name of a service, which ALLOWED_HOSTS does not list.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path not in PROBES:
            return get_response(request)
        response: HttpResponse = resolve(request.path).func(request)
        response["Cache-Control"] = "private, no-store"
        response["Content-Length"] = str(len(response.content))
        return response

    return middleware


def log_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Log each request under the proxy's `X-Request-ID`, or a new one, and return the id.

    Probes are not logged.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path in PROBES:  # every few seconds, from each machine
            return get_response(request)
        proxy_id = request.headers.get("X-Request-ID", "")
        request_id = proxy_id if _REQUEST_ID.fullmatch(proxy_id) else secrets.token_hex(8)
        started = time.monotonic()
        with logs.log_context(request_id=request_id):
            response = get_response(request)
            if _is_streamed(response):
                response.streaming_content = _logged_at_end(request, response, started)
            else:
                _log_request(request, response, time.monotonic() - started)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def _is_streamed(response: HttpResponseBase) -> TypeGuard[StreamingHttpResponse]:
    """Whether a response is generated while it is sent, unlike a file."""
    return isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse)


def _logged_at_end(
    request: HttpRequest, response: StreamingHttpResponse, started: float
) -> Iterator[bytes]:
    """Return the parts of a stream; log the request once the stream ends or is abandoned."""
    parts, facts = cast("Iterable[bytes]", response.streaming_content), logs.current_facts()

    def logged_parts() -> Iterator[bytes]:
        with logs.log_context(**facts):
            try:
                yield from parts
            finally:
                _log_request(request, response, time.monotonic() - started)

    return logged_parts()


def no_store(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Forbid caching of pages unless their view sets a rule; static files are exempt.

    When the session of an open page has ended, its window goes to sign-in and then back; not for
    what the page asks by itself while somebody types (`X-Background`).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_file = request.path.startswith(settings.STATIC_URL) and response.status_code < 400
        if not is_file:
            response.setdefault("Cache-Control", "private, no-store")
        location = response.headers.get("Location", "")
        if request.headers.get("HX-Request") and location.startswith(reverse("account_login")):
            redirect_response = HttpResponse(status=204)
            if request.headers.get("X-Background"):
                return redirect_response
            redirect_response["HX-Redirect"] = (
                f"{reverse('account_login')}?{urlencode({'next': _page_of(request)})}"
            )
            return redirect_response
        return response

    return middleware


def _page_of(request: HttpRequest) -> str:
    """Return the page from which a partial request came."""
    if request.method == "POST":
        return request.get_full_path()
    try:
        url = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:  # no browser sends it
        return "/"
    return url._replace(scheme="", netloc="").geturl() or "/"


def _log_request(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Log method, path without query, status, milliseconds, and person."""
    user = getattr(request, "user", None)
    match = request.resolver_match
    traffic.count_answer(
        match.view_name if match else "", request.method or "", response.status_code, seconds
    )
    facts = {
        "method": request.method,
        "path": _path_without_secret(request.path),
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "person": user.pk if user is not None and user.is_authenticated else None,
    }
    log.info("request", extra={"of": facts})


def _path_without_secret(path: str) -> str:
    """Return a path for the log, without the token of an address that opens something."""
    secret = next((each for each in SECRET_ADDRESSES if path.startswith(each)), None)
    return path[:200] if secret is None else f"{secret}…"


class RejectNulBytes(ViewGuard):
    """Reject text with NUL bytes, which no database stores, and ids too large for any table."""

    def answer(
        self, request: HttpRequest, view: GuardedView, kwargs: Mapping[str, object]
    ) -> HttpResponse | None:
        """Return 400 for NUL bytes in URL, query or form, or raise 404 for an id out of range.

        The raw body of a webhook is left to its view, and all of it to the API, which says so in
        JSON.
        """
        if getattr(view, "rule", None) is Permission.TOKEN:
            return None
        if any(isinstance(value, int) and value > LARGEST_ID for value in kwargs.values()):
            raise Http404
        texts = [*kwargs.values(), *_list_values(request.GET)]
        if not getattr(view, "csrf_exempt", False):
            texts += _list_values(request.POST)
        if any(isinstance(value, str) and "\x00" in value for value in texts):
            return render(request, "errors/not_text.html", status=400)
        return None


def _list_values(query: QueryDict) -> list[str]:
    return [value for values in query.lists() for value in (values[0], *values[1])]
