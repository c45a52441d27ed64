"""Confirming one's identity again, before a sensitive action."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import time as unix_time

from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    get_reauthentication_flows,
    is_reauthentication_required,
)
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from dashboard.web.auth.permissions import View, current_user

TOO_LONG_AGO = (
    "Nothing was changed. Your single sign-on session is too old for this: sign out and in again, "
    "then repeat the action within five minutes."
)


def proof_before_secrets(*names: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """Wrap the view of a form with secrets: ask for proof before it is shown, and again if it is
    sent too late.

    names: the fields with secrets. A form that waits for the proof is kept in the session without
    them, so that no secret is stored there: they have to be typed again.
    """

    def wrap(view: View) -> Callable[..., HttpResponse]:
        inner = proof_required(view)

        @wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if is_reauthentication_required(request, app=""):
                typed = request.POST.copy()
                for name in names:
                    typed.pop(name, None)
                request.POST = typed  # type: ignore[assignment]
            return inner(request, *args, **kwargs)

        return wrapped

    return wrap


def proof_required(view: View, *, back: str = "connections") -> Callable[..., HttpResponse]:
    """Wrap a view: ask for password or code again, or for a fresh single sign-on.

    back: the page that says so to somebody whose single sign-on is too old.
    The sign-in library would not ask people who only have single sign-on.
    """
    asks_again = reauthentication_required(view)

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        user = current_user(request)
        if not get_reauthentication_flows(user):
            records = get_authentication_records(request, user)
            signed_in_at = records[-1]["at"] if records else 0.0
            if unix_time() - signed_in_at > REAUTHENTICATION_TIMEOUT:
                messages.error(request, TOO_LONG_AGO)
                return redirect(back)
        answer: HttpResponse = asks_again(request, *args, **kwargs)
        return answer

    return wrapped
