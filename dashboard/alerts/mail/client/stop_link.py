"""One-click unsubscribe from a scheduled status: a signed token for each address."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core import signing

from dashboard.fielding.models import StatusAddress

_SIGNER = "fieldwatch.alerts.status-stop"


def stop_url(address_id: int) -> str:
    """Return the page of an address; a POST to it unsubscribes (RFC 8058)."""
    token = signing.Signer(salt=_SIGNER).sign_object(address_id)
    return f"{settings.FIELDWATCH_URL}/mail/stop/status/{token}/"


def read_stop_token(token: str) -> StatusAddress | None:
    """Return the address of a token; None without a valid signature."""
    try:
        pk = signing.Signer(salt=_SIGNER).unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    rows = StatusAddress.objects.select_related("schedule__status__account")
    return rows.filter(pk=pk).first()


def stop_status_mail(address: StatusAddress, *, now: datetime) -> bool:
    """Unsubscribe an address from its status; False if it was so already."""
    rows = StatusAddress.objects.filter(pk=address.pk, stopped_at=None)
    return rows.update(stopped_at=now) > 0
