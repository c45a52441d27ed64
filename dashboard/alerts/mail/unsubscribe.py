"""One-click unsubscribe: a signed token in each mail, valid for its kind of mail only."""

from __future__ import annotations

from django.conf import settings
from django.core import signing

from dashboard.fielding.models import MailPreferences, User

NOW, DIGEST = "now", "digest"
_SIGNER = "fieldwatch.alerts.stop"


def unsubscribe_token(user: User, kind: str) -> str:
    """Return the token that proves that a click came from a mail to this person; it is constant."""
    return signing.Signer(salt=_SIGNER).sign_object([user.pk, kind])


def unsubscribe_url(user: User, kind: str) -> str:
    """Return the unsubscribe page of a kind of mail; a POST to it unsubscribes (RFC 8058)."""
    return f"{settings.FIELDWATCH_URL}/mail/stop/{unsubscribe_token(user, kind)}/"


def read_unsubscribe_token(token: str) -> tuple[User, str] | None:
    """Return the user and the kind of mail of a token; None without a valid signature."""
    try:
        pk, kind = signing.Signer(salt=_SIGNER).unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(
        pk=pk, closed_at=None
    ).first()  # links of a closed user account are void
    return (user, kind) if user else None


def stop_mail(token: str) -> str | None:
    """Unsubscribe by a token; return the kind of mail, None for an invalid token."""
    owner_and_kind = read_unsubscribe_token(token)
    if owner_and_kind is None:
        return None
    user, kind = owner_and_kind
    choice, _ = MailPreferences.objects.get_or_create(user=user)
    row = MailPreferences.objects.filter(pk=choice.pk)
    if kind == NOW:
        row.update(now=MailPreferences.Now.NOTHING)
    else:
        row.update(digest=False)
    return kind
