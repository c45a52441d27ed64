"""The webhook: where the exchange sends events, one address for each account."""

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
    """Accept a delivery, which its signature authorises. Responses have no body."""
    webhook = Webhook.objects.filter(key=key).first()
    if webhook is None:
        return HttpResponse(status=404)
    now = timezone.now()
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdigit()):
        return HttpResponse(status=400)
    if len(length) > LONGEST or int(length) > delivery.LARGEST_BODY:
        delivery.count_refused_delivery(account_id=webhook.account_id, reason="too large", now=now)
        return HttpResponse(status=413)
    header = request.headers.get("Cint-Signature", "")
    result = delivery.accept_delivery(webhook=webhook, header=header, body=request.body, now=now)
    return HttpResponse(status=result.status)
