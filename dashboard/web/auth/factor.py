"""SECOND_FACTOR_REQUIRED: people without a second factor must set one up before anything else.

Sessions by single sign-on are exempt: there the company's provider decides how people sign in.
"""

from __future__ import annotations

from collections.abc import Mapping

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.fielding.models import User
from dashboard.web.auth.permissions import WITHOUT_SESSION
from dashboard.web.auth.view_guard import GuardedView, ViewGuard

SET_UP = "mfa_activate_totp"
# Pages that setting one up needs; pages open to everybody are allowed anyway.
ALLOWED_PAGES = frozenset({SET_UP, "account_reauthenticate", "account_logout", "theme"})
WHY = "Two-factor authentication is required. Set it up to continue."


class SecondFactorRequired(ViewGuard):
    """Redirect people without a second factor to the page that sets one up."""

    def answer(
        self,
        request: HttpRequest,
        view: GuardedView,
        kwargs: Mapping[str, object],  # noqa: ARG002
    ) -> HttpResponse | None:
        """Return a redirect to the set-up page; None if the view may answer."""
        if not settings.SECOND_FACTOR_REQUIRED or not isinstance(request.user, User):
            return None
        match = request.resolver_match
        if getattr(view, "rule", None) in WITHOUT_SESSION or (
            match and match.url_name in ALLOWED_PAGES
        ):
            return None
        if _used_single_sign_on(request, request.user) or _has_factor(request.user):
            return None
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = reverse(SET_UP)
            return response
        messages.warning(request, WHY)
        return redirect(SET_UP)


def _has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def _used_single_sign_on(request: HttpRequest, user: User) -> bool:
    """Whether this session began at the identity provider."""
    records = get_authentication_records(request, user)
    return bool(records) and records[0].get("method") == "socialaccount"
