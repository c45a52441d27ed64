"""The page behind "stop these mails": a look changes nothing, one click stops."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.alerts.mail import unsubscribe as stopping
from dashboard.fielding.models import AuditKind
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import Permission, requires


@requires(Permission.OPEN)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Stop mails of one kind to one person; the signed token is all the right that it takes."""
    found = stopping.read_unsubscribe_token(token)
    if found is None:
        raise Http404
    user, kind = found
    if request.method == "POST":
        with transaction.atomic():
            stopping.stop_mail(token)
            audit.record(request, AuditKind.MAIL_STOPPED, subject=user, details={"mails": kind})
    told = {"address": user.email, "is_digest": kind == stopping.DIGEST}
    return render(request, "alerts/unsubscribe.html", told | {"stopped": request.method == "POST"})
