"""Links in mails that lead to a form: signed, for a week, and only a way there.

Following one changes nothing and signs nobody in; the form asks once, whoever may.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.core import signing

from dashboard.fielding.models import Incident

ACKNOWLEDGE, MUTE, PRICE = "acknowledge", "mute", "cpi"
GOOD_FOR = timedelta(days=7)
_SALT = "fieldwatch.alerts.act"


class Errand(NamedTuple):
    """Which form of which incident a link leads to, and whether it still does."""

    incident: int
    form: str
    expired: bool


def address(incident: Incident, form: str) -> str:
    """The link to a form of an incident."""
    token = signing.dumps([incident.pk, form], salt=_SALT)
    return f"{settings.FIELDWATCH_URL}/act/{token}/"


def read(token: str, *, good_for: timedelta = GOOD_FOR) -> Errand | None:
    """Where a link leads; None for one that we never signed."""
    try:
        pk, form = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    try:
        signing.loads(token, salt=_SALT, max_age=good_for)
    except signing.SignatureExpired:
        return Errand(pk, form, expired=True)
    return Errand(pk, form, expired=False)
