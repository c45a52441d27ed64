"""Signing in and out, second factors, and how pages look to a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LogoutView
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
)
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.fielding.models import AuditKind, User
from dashboard.web.auth import audit, throttle
from dashboard.web.auth import sessions as devices
from dashboard.web.auth.backends import ASKED, SSO_ONLY, SignInForm
from dashboard.web.auth.permissions import Permission, View, current_user, requires
from dashboard.web.auth.sso import flow
from dashboard.web.auth.sso.identities import SSO
from dashboard.web.formatting.row_ids import parse_row_id

FORM = ["GET", "HEAD", "POST"]


class SignIn(account.LoginView):  # type: ignore[misc]
    """Name or address, and password; or on to the identity provider."""

    form_class = SignInForm
    template_name = "sign_in.html"
    extra_context = {"sso": settings.OIDC_NAME if settings.OIDC_URL else ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With SSO_ONLY the password is asked for only of who opens `?password=1`, in need."""
        asks = "password" in self.request.GET or self.request.method == "POST"
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"passwords": asks or not settings.SSO_ONLY, "sso_only": settings.SSO_ONLY}

    def form_invalid(self, form: SignInForm) -> HttpResponseBase:
        """A try that came too early is 429, for whoever counts."""
        answer: HttpResponseBase = super().form_invalid(form)
        if form.has_error("__all__", "too_early"):
            answer.status_code = 429
            answer["Retry-After"] = str(throttle.LONGEST_WAIT)
        return answer


def _known_afterwards(view: View) -> View:
    """A browser in which somebody has just signed in is known for them from now on."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        before = request.user.is_authenticated
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated and not before:
            throttle.know_device(request, response, request.user.username, request.user.email)
        return response

    return wrapped


def mails_afterwards(view: View) -> View:
    """What a view mails is stored after its answer: how long that takes must not tell who is known.

    Only the views that anybody may ask for need it; those of people who are signed in store their
    mails in the transaction of what they tell.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        waiting: list[Callable[[], None]] = []
        request.afterwards = waiting  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        close = response.close

        def closing() -> None:
            request.afterwards = None  # type: ignore[attr-defined]
            try:
                for work in waiting:
                    work()
            finally:
                close()

        response.close = closing  # type: ignore[method-assign]
        return response

    return wrapped


def _form(of: Permission, view: View) -> View:
    """A form of the sign-in library under our rule, with the verbs that forms have."""
    inner = mails_afterwards(view) if of is Permission.OPEN else view
    return requires(of)(require_http_methods(FORM)(inner))


def _where_passwords_are(view: View) -> View:
    """Passwords set by mail, where passwords let anybody in: not with SSO_ONLY."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.SSO_ONLY:
            messages.error(request, SSO_ONLY)
            return redirect("account_login")
        return view(request, *args, **kwargs)

    return wrapped


class SignOut(LogoutView):
    """Ends the session, and keeps in the audit log that it ended."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out."""
        audit.record(request, AuditKind.SIGNED_OUT)
        return super().post(request, *args, **kwargs)


class NewPassword(account.PasswordResetFromKeyView):  # type: ignore[misc]
    """A password set by a link in a mail; who has the mail is who they say."""

    extra_context = {"asked": ASKED}

    def form_valid(self, form: Any) -> HttpResponseBase:
        """This browser never waits for others' wrong passwords."""
        user = self.reset_user
        self.request.first_password = user.last_login is None and not user.has_usable_password()
        answer: HttpResponseBase = super().form_valid(form)
        throttle.know_device(self.request, answer, user.username, user.email)
        return answer


def _where_configured(view: View) -> View:
    """Single sign-on, where the company has it."""

    @wraps(view)
    def wrapped(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        if not settings.OIDC_URL or provider_id != SSO:
            raise Http404
        return view(request, provider_id)

    return wrapped


sign_in = _form(Permission.OPEN, _known_afterwards(SignIn.as_view()))
second_factor = _form(Permission.OPEN, _known_afterwards(factor.authenticate))
sign_out = requires(Permission.SIGNED_IN)(SignOut.as_view())

forgotten = _form(Permission.OPEN, _where_passwords_are(account.password_reset))
forgotten_sent = _form(Permission.OPEN, account.password_reset_done)
new_password = _form(Permission.OPEN, _where_passwords_are(NewPassword.as_view()))
new_password_set = _form(Permission.OPEN, account.password_reset_from_key_done)
inactive = _form(Permission.OPEN, account.account_inactive)

sso = _form(Permission.OPEN, _where_configured(flow.start))
sso_back = requires(Permission.OPEN)(
    require_GET(mails_afterwards(_known_afterwards(_where_configured(flow.come_back))))
)
sso_failed = _form(Permission.OPEN, social.login_error)
sso_left = _form(Permission.OPEN, social.login_cancelled)

confirm = _form(Permission.SIGNED_IN, account.reauthenticate)
confirm_code = _form(Permission.SIGNED_IN, factor.reauthenticate)
factors = _form(Permission.SIGNED_IN, factor.index)
app_on = _form(Permission.SIGNED_IN, totp.activate_totp)
recovery_codes = _form(Permission.SIGNED_IN, recovery.view_recovery_codes)
recovery_codes_new = _form(Permission.SIGNED_IN, recovery.generate_recovery_codes)
app_off = _form(Permission.SIGNED_IN, totp.deactivate_totp)
identities = _form(Permission.SIGNED_IN, flow.mine)


@requires(Permission.SIGNED_IN)
@require_http_methods(FORM)
def session_list(request: HttpRequest) -> HttpResponse:
    """Where I am signed in; ending a session elsewhere asks for the password once more."""
    if request.method == "POST":
        answer: HttpResponse = _ended(request)
        return answer
    return render(
        request,
        "account/sessions.html",
        {"devices": devices.sessions_of(current_user(request), request)},
    )


@reauthentication_required  # type: ignore[untyped-decorator]
def _ended(request: HttpRequest) -> HttpResponse:
    """One session, or all others."""
    wanted = request.POST.get("end", "")
    pk = None if wanted == "others" else parse_row_id(wanted)
    if pk == 0:
        return HttpResponseBadRequest("Which session is to end?\n", content_type="text/plain")
    with transaction.atomic():
        ended = devices.end_sessions(current_user(request), pk)
        audit.record(request, AuditKind.SESSIONS_ENDED, details={"count": ended})
    said = "Nothing was left to end." if not ended else f"Ended: {ended}."
    messages.success(request, said)
    return redirect("sessions")


@requires(Permission.SIGNED_IN)
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or as the device says, and go back."""
    user = current_user(request)
    wanted = request.POST.get("theme", "")
    if wanted in User.Theme.values:
        user.theme = wanted
        user.save(update_fields=["theme"])
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if safe and back.startswith("/") else "home")
