"""Who asks: the person of the token. It grants what they may see at this moment, and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from django.http import HttpRequest
from ninja.security import HttpBearer

from dashboard.fielding.models import AccessToken
from dashboard.web.api import tokens
from dashboard.web.api.problems import ApiRefused, without_token

FIELDWORK, SPEND = AccessToken.Scope.FIELDWORK, AccessToken.Scope.SPEND


class BearerToken(HttpBearer):
    """Authenticate by token alone, never by a session; refuse what its scopes leave out."""

    def __init__(self, *scopes: AccessToken.Scope) -> None:
        """scopes: one of them is enough; none: any token will do."""
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> AccessToken:
        """Return the token, and make its person the one who asks; else raise ApiRefused."""
        now = datetime.now(UTC)
        stored = tokens.find_token(token.strip(), AccessToken.Purpose.API, now=now)
        if stored is None:
            raise without_token()
        request.user = stored.user
        if seconds := tokens.count_request(stored, tokens.limit_of_api(), now=now):
            raise ApiRefused(
                429,
                f"This token has made too many requests. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        if self.scopes and not {*self.scopes} & {*stored.scopes}:
            names = " or ".join(f"“{scope}”" for scope in self.scopes)
            raise ApiRefused(403, f"This needs a token with the scope {names}.")
        return stored


def token_of(request: HttpRequest) -> AccessToken:
    """Return the token of an authenticated request."""
    return cast("AccessToken", request.auth)  # type: ignore[attr-defined]


def may_read_spend(request: HttpRequest) -> bool:
    """Return whether amounts of money are part of the answer."""
    return SPEND in token_of(request).scopes
