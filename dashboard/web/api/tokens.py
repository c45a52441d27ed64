"""Tokens of people: create, find, count requests, revoke. Changes are in the audit log.

A token is 256 random bits, so nobody guesses one, and a plain SHA-256 is enough to store it.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest
from django.urls import reverse

from dashboard.alerts.mail import security
from dashboard.fielding.models import AccessToken, AuditKind, User
from dashboard.web.auth import audit
from dashboard.web.auth.throttle import client_address

PREFIX = "fw_"  # lets people and scanners of secrets recognise a token
TOKEN_BYTES = 32
MOST_TOKENS = {AccessToken.Purpose.API: 20, AccessToken.Purpose.CALENDAR: 5}  # of a person
_CREATED = {
    AccessToken.Purpose.API: AuditKind.API_TOKEN_CREATED,
    AccessToken.Purpose.CALENDAR: AuditKind.CALENDAR_LINK_CREATED,
}
_REVOKED = {
    AccessToken.Purpose.API: AuditKind.API_TOKEN_REVOKED,
    AccessToken.Purpose.CALENDAR: AuditKind.CALENDAR_LINK_REVOKED,
}
_SUBJECTS = {
    AccessToken.Purpose.API: "an API token was created",
    AccessToken.Purpose.CALENDAR: "a calendar address was created",
}


class TooManyTokens(Exception):
    """The person has as many working tokens as anybody may have; the message is for them."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many requests of one token in a window of time, counted from its first request."""

    requests: int
    window: timedelta


def limit_of_api() -> RateLimit:
    """Return the rate limit of a token for the API."""
    return RateLimit(settings.API_REQUESTS_PER_MINUTE, timedelta(minutes=1))


CALENDAR_LIMIT = RateLimit(60, timedelta(hours=1))


def hash_secret(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(
    request: HttpRequest,
    *,
    user: User,
    purpose: AccessToken.Purpose,
    name: str,
    form_token: str,
    now: datetime,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    only_mine: bool = False,
) -> str | None:
    """Create a token, which is known only now, and return it; None if the form was sent before.

    Its person gets an email, as for other ways into their account.

    TooManyTokens if the person has the most that anybody may have.
    """
    secret = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    try:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one form after another
            _require_room(user, purpose, now)
            AccessToken.objects.create(
                user=user,
                purpose=purpose,
                name=name,
                token_hash=hash_secret(secret),
                form_token=form_token,
                scopes=list(scopes),
                only_mine=only_mine,
                created_at=now,
                expires_at=expires_at,
            )
            details = {"scopes": list(scopes), "expires": expires_at and expires_at.isoformat()}
            audit.record(
                request,
                _CREATED[purpose],
                target=name,
                details=details if purpose == AccessToken.Purpose.API else None,
            )
            _notify_person(
                user, purpose, name=name, scopes=scopes, now=now, where=client_address(request)
            )
    except IntegrityError:
        return None
    return secret


def _notify_person(
    user: User,
    purpose: AccessToken.Purpose,
    *,
    name: str,
    scopes: Sequence[str],
    where: str,
    now: datetime,
) -> None:
    """Email the person about a new token, without the token."""
    is_api = purpose == AccessToken.Purpose.API
    labels = [str(AccessToken.Scope(scope).label).lower() for scope in scopes]
    security.notify_token_created(
        user=user,
        subject=_SUBJECTS[purpose],
        name=name,
        reads=" and ".join(labels) if is_api else "the dates of your projects and groups",
        where=where,
        page=reverse("api-tokens" if is_api else "calendars"),
        now=now,
    )


def _require_room(user: User, purpose: AccessToken.Purpose, now: datetime) -> None:
    """Raise TooManyTokens for a person who has the most; those that no longer work do not count."""
    working = AccessToken.objects.working(now).filter(user=user, purpose=purpose).count()
    if working >= MOST_TOKENS[purpose]:
        word = "tokens" if purpose == AccessToken.Purpose.API else "calendar addresses"
        raise TooManyTokens(f"You have {working} {word}, which is the most. Revoke one first.")


def revoke_token(request: HttpRequest, *, token: AccessToken, now: datetime) -> bool:
    """Revoke a token; False if it was revoked already."""
    with transaction.atomic():
        if not AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            return False
        purpose = AccessToken.Purpose(token.purpose)
        audit.record(request, _REVOKED[purpose], target=token.name)
    return True


def find_token(secret: str, purpose: AccessToken.Purpose, *, now: datetime) -> AccessToken | None:
    """Return the token with its person; None for one that is unknown or no longer works."""
    rows = AccessToken.objects.working(now).filter(purpose=purpose, token_hash=hash_secret(secret))
    return rows.select_related("user").first()


def count_request(token: AccessToken, limit: RateLimit, *, now: datetime) -> int:
    """Count a request; return 0, or the seconds to wait if the token has used up its window.

    One conditional UPDATE, so that all processes share the count.
    """
    since = now - limit.window
    is_open = Q(window_at__gt=since)
    rows = AccessToken.objects.filter(
        ~is_open | Q(window_at=None) | Q(window_count__lt=limit.requests), pk=token.pk
    )
    counted = rows.update(
        window_count=Case(When(is_open, then=F("window_count") + 1), default=Value(1)),
        window_at=Case(When(is_open, then=F("window_at")), default=Value(now)),
        last_used_at=now,
    )
    if counted:
        return 0
    began = AccessToken.objects.filter(pk=token.pk).values_list("window_at", flat=True).first()
    return max(math.ceil(((began or now) + limit.window - now).total_seconds()), 1)
