"""One click that stops mail of a kind: a signed token in each mail, good for that alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing

from dashboard.fielding.models import MailPreferences, User

NOW, DIGEST = "now", "digest"
_SIGNER = "fieldwatch.alerts.stop"


def unsubscribe_token(user: User, kind: str) -> str:
    """What proves that a click on "stop" came from a mail to this person; it never changes."""
    return signing.Signer(salt=_SIGNER).sign_object([user.pk, kind])


def unsubscribe_url(user: User, kind: str) -> str:
    """The page that a person stops mail of a kind on; a POST to it stops at once (RFC 8058)."""
    return f"{settings.FIELDWATCH_URL}/mail/stop/{unsubscribe_token(user, kind)}/"


def read_unsubscribe_token(given: str) -> tuple[User, str] | None:
    """Whom a token is of and which kind it stops; None for one that we never signed."""
    try:
        pk, kind = signing.Signer(salt=_SIGNER).unsign_object(given)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=pk, closed_at=None).first()  # a closed account's links are void
    return (user, kind) if user else None


def stop_mail(given: str) -> str | None:
    """Stop the mail that the token came with; what was stopped, None for a token not ours."""
    found = read_unsubscribe_token(given)
    if found is None:
        return None
    user, kind = found
    choice, _ = MailPreferences.objects.get_or_create(user=user)
    changed: dict[str, Any] = (
        {"now": MailPreferences.Now.NOTHING} if kind == NOW else {"digest": False}
    )
    MailPreferences.objects.filter(pk=choice.pk).update(**changed)
    return kind
