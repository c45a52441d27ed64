"""Health checks and metrics for machines."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

import dashboard
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.monitoring import health, metrics, traffic


@requires(Permission.OPEN)
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that the web process is alive, with its release; check nothing else."""
    return HttpResponse(
        "alive\n",
        content_type="text/plain; charset=utf-8",
        headers={"Fieldwatch-Version": dashboard.__version__},
    )


@requires(Permission.OPEN)
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database is down or behind this code, else `ok` or `degraded` and why.

    Connections are named only for requests with METRICS_TOKEN.
    """
    report = health.check_health(now=timezone.now(), named=_has_token(request))
    return JsonResponse(report.shown(), status=503 if report.broken else 200)


@requires(Permission.OPEN)
@require_safe
def metrics_figures(request: HttpRequest) -> HttpResponse:
    """Return metrics for Prometheus; METRICS_TOKEN is required if set, and in production."""
    if not _may_read(request):
        hint = "Set METRICS_TOKEN, and send it as 'Authorization: Bearer TOKEN'.\n"
        return HttpResponse(hint, status=401, content_type="text/plain; charset=utf-8")
    text = metrics.metrics_text(now=timezone.now()) + traffic.traffic_text()
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return not settings.PRODUCTION
    return _has_token(request)


def _has_token(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return False
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
