"""Where the exchange tells what happened: one address an account, for machines alone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from dashboard.fielding.models import Webhook
from dashboard.sync.webhooks import delivery
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.formatting.row_ids import LONGEST


@requires(Permission.OPEN)
@csrf_exempt
@require_POST
def receive_delivery(request: HttpRequest, key: str) -> HttpResponse:
    """Take a delivery; its signature is all the right that it takes. The answers are bare."""
    found = Webhook.objects.filter(key=key).first()
    if found is None:
        return HttpResponse(status=404)
    now = timezone.now()
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdigit()):
        return HttpResponse(status=400)
    if len(length) > LONGEST or int(length) > delivery.LARGEST_BODY:
        delivery.count_refused_delivery(account_id=found.account_id, reason="too large", now=now)
        return HttpResponse(status=413)
    header = request.headers.get("Cint-Signature", "")
    heard = delivery.accept_delivery(webhook=found, header=header, body=request.body, now=now)
    return HttpResponse(status=heard.status)
