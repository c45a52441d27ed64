"""The page behind "Unsubscribe": opening it changes nothing, one click unsubscribes."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.alerts.mail import unsubscribe
from dashboard.fielding.models import AuditKind
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import Permission, requires


@requires(Permission.OPEN)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Stop emails of one kind to one person, which the signed token authorises."""
    recipient = unsubscribe.read_unsubscribe_token(token)
    if recipient is None:
        raise Http404
    user, kind = recipient
    if request.method == "POST":
        with transaction.atomic():
            unsubscribe.stop_mail(token)
            audit.record(request, AuditKind.MAIL_STOPPED, subject=user, details={"mails": kind})
    context = {"address": user.email, "is_digest": kind == unsubscribe.DIGEST}
    return render(
        request, "alerts/unsubscribe.html", context | {"stopped": request.method == "POST"}
    )
