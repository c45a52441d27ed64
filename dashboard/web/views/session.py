"""Signing in and out, and how pages look to a person."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dashboard.fielding.models import User
from dashboard.web.access import Rule, person, rule


class SignInForm(AuthenticationForm):
    """Name or e-mail address, and password; one sentence for every way to be wrong."""

    error_messages = {
        "invalid_login": "This name and password do not belong together.",
        "inactive": "This name and password do not belong together.",
    }


_sign_in = LoginView.as_view(
    template_name="sign_in.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
)
sign_in = rule(Rule.OPEN)(_sign_in)
sign_out = rule(Rule.SIGNED_IN)(LogoutView.as_view())


@rule(Rule.SIGNED_IN)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or as the device says, and go back."""
    user = person(request)
    wanted = request.POST.get("theme", "")
    if wanted in User.Theme.values:
        user.theme = wanted
        user.save(update_fields=["theme"])
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if safe and back.startswith("/") else "home")
