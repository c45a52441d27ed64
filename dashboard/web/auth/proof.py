"""Showing once more who one is, before something grave."""

from __future__ import annotations

from functools import wraps
from time import time as clock
from typing import Any

from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from dashboard.web.auth.permissions import View, current_user

TOO_LONG_AGO = (
    "You signed in by single sign-on some time ago. Sign out and in again, then do this within "
    "five minutes: nothing was changed."
)


def proof_required(view: View) -> Any:
    """Asks for the password or a code once more; of who has neither, for a fresh sign-in.

    The sign-in library would not ask somebody at all who signs in by single sign-on alone.
    """
    asks_again = reauthentication_required(view)

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = current_user(request)
        if not get_reauthentication_flows(user):
            records = get_authentication_records(request, user)
            signed_in_at = records[-1]["at"] if records else 0.0
            if clock() - signed_in_at > REAUTHENTICATION_TIMEOUT:
                messages.error(request, TOO_LONG_AGO)
                return redirect("connections")
        answer: HttpResponse = asks_again(request, *args, **kwargs)
        return answer

    return wrapped
