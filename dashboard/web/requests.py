"""One log line a request, and an id that joins it with every line that it caused."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dashboard import logs

log = logging.getLogger(__name__)
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
PROBES = ("/healthz", "/readyz", "/metrics")


def logged(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: takes the proxy's `X-Request-ID` or makes one, and gives it back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        began = time.monotonic()
        with logs.about(request_id=request_id):
            response = get_response(request)
            if request.path not in PROBES:
                _tell(request, response, time.monotonic() - began)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
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
