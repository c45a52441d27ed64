"""Signs of life for machines: alive, ready, and in figures."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

import dashboard
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.monitoring import health, metrics


@requires(Permission.OPEN)
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The web process is alive, and which release it runs; nothing else is asked."""
    return HttpResponse(
        "alive\n",
        content_type="text/plain",
        headers={"Fieldwatch-Version": dashboard.__version__},
    )


@requires(Permission.OPEN)
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """503 while the database is away or behind this code; `degraded` and why for the rest.

    Connections are named only to who has METRICS_TOKEN.
    """
    found = health.check_health(now=timezone.now(), named=_has_token(request))
    return JsonResponse(found.shown(), status=503 if found.broken else 200)


@requires(Permission.OPEN)
@require_safe
def metrics_figures(request: HttpRequest) -> HttpResponse:
    """Prometheus text; whoever has METRICS_TOKEN may read it, everybody where none is needed."""
    if not _may_read(request):
        words = "Set METRICS_TOKEN, and send it as 'Authorization: Bearer TOKEN'.\n"
        return HttpResponse(words, status=401, content_type="text/plain")
    return HttpResponse(metrics.metrics_text(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return not settings.PRODUCTION
    return _has_token(request)


def _has_token(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return False
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
