"""What a client opens without an account: a shared status, and the way out of its emails."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.alerts.mail.client.stop_link import read_stop_token, stop_status_mail
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import AuditKind
from dashboard.web.auth import audit, throttle
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.sharing import changes
from dashboard.web.sharing.pages import status_context


@requires(Permission.OPEN)
@require_safe
def shared_status(request: HttpRequest, token: str) -> HttpResponse:
    """Show the status of a link. Whatever is wrong with a link, the answer is the same page."""
    counters, now = throttle.link_counters(request), datetime.now(UTC)
    if seconds := throttle.seconds_to_wait(counters):
        response = _unlisted(render(request, "sharing/busy.html", status=429))
        response["Retry-After"] = str(seconds)
        return response
    throttle.count_failure(counters)
    link = changes.find_working_link(token, now=now)
    if link is None:
        return _unlisted(render(request, "sharing/gone.html", status=404))
    if request.method == "GET" and request.user.pk != link.created_by_id:
        changes.count_opening(link, now=now)
    zone = zone_named(link.created_by.time_zone)
    context = status_context(link.status, zone=zone, now=now)
    return _unlisted(render(request, "sharing/public.html", {**context}))


@requires(Permission.OPEN)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop_status_emails(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the emails of a status to one address, which the signed token authorises."""
    address = read_stop_token(token)
    if address is None:
        raise Http404
    is_post = request.method == "POST"
    if is_post:
        with transaction.atomic():
            if stop_status_mail(address, now=datetime.now(UTC)):
                audit.record(
                    request,
                    AuditKind.STATUS_EMAIL_STOPPED,
                    account=address.schedule.status.account,
                    target=address.schedule.status.heading,
                    details={"address": address.address},
                )
    context = {"address": address.address, "stopped": is_post or address.stopped_at is not None}
    return _unlisted(render(request, "sharing/stop.html", context))


def _unlisted(response: HttpResponse) -> HttpResponse:
    """Keep a page out of search engines, and its address out of other sites' logs."""
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    return response
