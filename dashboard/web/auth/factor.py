"""SECOND_FACTOR_REQUIRED: who has no second factor sets one up, and reaches nothing else before.

Single sign-on is the exception: there the company's provider decides how people show who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.fielding.models import User
from dashboard.web.auth.permissions import Permission

SET_UP = "mfa_activate_totp"
# What setting one up takes; everything that is open to everybody is reached anyway.
REACHED = frozenset({SET_UP, "account_reauthenticate", "account_logout", "theme"})
WHY = "A second factor is required here. Set one up to go on."


class SecondFactorRequired:
    """Middleware: leads whoever lacks a second factor to the page that sets one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """As it comes; it is known below which view is asked for."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: Sequence[Any],
        _kwargs: Mapping[str, Any],
    ) -> HttpResponse | None:
        """A way to the set-up page instead of the view that was asked for."""
        if not settings.SECOND_FACTOR_REQUIRED or not isinstance(request.user, User):
            return None
        match = request.resolver_match
        if getattr(view, "rule", None) is Permission.OPEN or (match and match.url_name in REACHED):
            return None
        if _came_by_provider(request, request.user) or _has_factor(request.user):
            return None
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = reverse(SET_UP)
            return answer
        messages.warning(request, WHY)
        return redirect(SET_UP)


def _has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def _came_by_provider(request: HttpRequest, user: User) -> bool:
    """Whether this session began at the identity provider."""
    records = get_authentication_records(request, user)
    return bool(records) and records[0].get("method") == "socialaccount"
