"""Sign-in and sign-out, two-factor authentication, sessions, and the theme."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
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

from dashboard.fielding import setup
from dashboard.fielding.models import AuditKind, User
from dashboard.web.auth import audit, hashing, sessions, throttle
from dashboard.web.auth.backends import PASSWORD_HINT, SSO_ONLY, SignInForm
from dashboard.web.auth.permissions import Permission, View, current_user, requires
from dashboard.web.auth.sso import flow
from dashboard.web.auth.sso.identities import SSO
from dashboard.web.formatting.row_ids import parse_row_id

FORM = ["GET", "HEAD", "POST"]


class SignIn(account.LoginView):  # type: ignore[misc]
    """Sign in with username or email address and password, or by the identity provider."""

    form_class = SignInForm
    template_name = "sign_in.html"
    extra_context = {"sso": settings.OIDC_NAME if settings.OIDC_URL else ""}

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Show the form; a new installation, where nobody can sign in, is set up first."""
        if setup.is_setup_open() and not User.objects.filter(is_active=True).exists():
            return redirect("setup")
        answer: HttpResponseBase = super().get(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Return the context; with SSO_ONLY the password form needs `?password=1`."""
        asks = "password" in self.request.GET or self.request.method == "POST"
        context: dict[str, object] = super().get_context_data(**kwargs)
        context["demo"] = setup.is_setup_open() and bool(setup.demo_accounts())
        return context | {"passwords": asks or not settings.SSO_ONLY, "sso_only": settings.SSO_ONLY}

    def form_invalid(self, form: SignInForm) -> HttpResponseBase:
        """Answer 429 to an attempt that came too early, 503 to one among too many."""
        answer: HttpResponseBase = super().form_invalid(form)
        if form.has_error("__all__", "too_early"):
            answer.status_code = 429
            answer["Retry-After"] = str(throttle.LONGEST_WAIT)
        if form.has_error("__all__", "busy"):
            answer.status_code = 503
            answer["Retry-After"] = str(hashing.RETRY_SECONDS)
        return answer


def _remember_browser(view: View) -> View:
    """Wrap a view: remember the browser of whoever signs in by it."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        before = request.user.is_authenticated
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated and not before:
            throttle.know_device(request, response, request.user.username, request.user.email)
        return response

    return wrapped


def mails_afterwards(view: View) -> View:
    """Wrap a view: store its mails after the response, so that timing does not reveal accounts.

    Only views that are open to everybody need it; those of signed-in people store their mails in
    the transaction of the change.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
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


def _library_form(rule: Permission, view: View) -> View:
    """Return a form view of the sign-in library with a permission and its HTTP methods."""
    inner = mails_afterwards(view) if rule is Permission.OPEN else view
    return requires(rule)(require_http_methods(FORM)(inner))


def _needs_passwords(view: View) -> View:
    """Wrap a view: refuse it with SSO_ONLY, where passwords are off."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if settings.SSO_ONLY:
            messages.error(request, SSO_ONLY)
            return redirect("account_login")
        return view(request, *args, **kwargs)

    return wrapped


def _renew_key_after_proof(view: View) -> View:
    """Wrap a view: a session whose person proved once more who they are gets a new key.

    Not with a failure: Django then neither stores the session nor sends its cookie.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        before = len(get_authentication_records(request, request.user))
        response = view(request, *args, **kwargs)
        proved = len(get_authentication_records(request, request.user)) > before
        if proved and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            sessions.renew_key(request)
        return response

    return wrapped


class SignOut(LogoutView):
    """Sign out, with a row in the audit log; the browser keeps nothing, and other tabs leave."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Sign out. Cookies are not cleared: one knows the browser (`throttle.py`)."""
        audit.record(request, AuditKind.SIGNED_OUT)
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def get_success_url(self) -> str:
        """Lead to the sign-in, with the mark by which `signed_out.js` tells other tabs."""
        return f"{super().get_success_url()}#signed-out"


class NewPassword(account.PasswordResetFromKeyView):  # type: ignore[misc]
    """Set a password by a link from a mail, which proves who somebody is."""

    extra_context = {"asked": PASSWORD_HINT}

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponseBase:
        """Set the password, and remember the browser; the link counts once, also for two at once.

        The library looks at the link before it hashes the password, which takes a moment.
        """
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=form.user.pk)
            if not default_token_generator.check_token(user, self.key):
                refusal: HttpResponseBase = self.render_to_response(
                    self.get_context_data(token_fail=True)
                )
                return refusal
            self.request.first_password = user.last_login is None and not user.has_usable_password()
            answer: HttpResponseBase = super().form_valid(form)
        throttle.know_device(self.request, answer, user.username, user.email)
        return answer


def _needs_single_sign_on(view: View) -> View:
    """Wrap a view: 404 unless single sign-on is configured."""

    @wraps(view)
    def wrapped(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        if not settings.OIDC_URL or provider_id != SSO:
            raise Http404
        return view(request, provider_id)

    return wrapped


sign_in = _library_form(Permission.OPEN, _remember_browser(SignIn.as_view()))
second_factor = _library_form(Permission.OPEN, _remember_browser(factor.authenticate))
sign_out = requires(Permission.SIGNED_IN)(SignOut.as_view())

forgotten = _library_form(Permission.OPEN, _needs_passwords(account.password_reset))
forgotten_sent = _library_form(Permission.OPEN, account.password_reset_done)
new_password = _library_form(Permission.OPEN, _needs_passwords(NewPassword.as_view()))
new_password_set = _library_form(Permission.OPEN, account.password_reset_from_key_done)
inactive = _library_form(Permission.OPEN, account.account_inactive)

sso = _library_form(Permission.OPEN, _needs_single_sign_on(flow.start))
sso_back = requires(Permission.OPEN)(
    require_GET(mails_afterwards(_remember_browser(_needs_single_sign_on(flow.come_back))))
)
sso_failed = _library_form(Permission.OPEN, social.login_error)
sso_left = _library_form(Permission.OPEN, social.login_cancelled)

confirm = _library_form(Permission.SIGNED_IN, _renew_key_after_proof(account.reauthenticate))
confirm_code = _library_form(Permission.SIGNED_IN, _renew_key_after_proof(factor.reauthenticate))
factors = _library_form(Permission.SIGNED_IN, factor.index)
app_on = _library_form(Permission.SIGNED_IN, totp.activate_totp)
recovery_codes = _library_form(Permission.SIGNED_IN, recovery.view_recovery_codes)
recovery_codes_new = _library_form(Permission.SIGNED_IN, recovery.generate_recovery_codes)
app_off = _library_form(Permission.SIGNED_IN, totp.deactivate_totp)
identities = _library_form(Permission.SIGNED_IN, flow.linked_identities)


@requires(Permission.SIGNED_IN)
@require_http_methods(FORM)
def session_list(request: HttpRequest) -> HttpResponse:
    """List active sessions; ending one asks for the password again."""
    if request.method == "POST":
        response: HttpResponse = _end_sessions(request)
        return response
    return render(
        request,
        "account/sessions.html",
        {"devices": sessions.sessions_of(current_user(request), request)},
    )


@reauthentication_required  # type: ignore[untyped-decorator]
def _end_sessions(request: HttpRequest) -> HttpResponse:
    """End one session, or all others."""
    choice = request.POST.get("end", "")
    pk = None if choice == "others" else parse_row_id(choice)
    if pk == 0:
        return HttpResponseBadRequest(
            "Choose a session to end.\n", content_type="text/plain; charset=utf-8"
        )
    with transaction.atomic():
        count = sessions.end_sessions(request, current_user(request), pk)
        audit.record(request, AuditKind.SESSIONS_ENDED, details={"count": count})
    sentence = f"{count} session{'' if count == 1 else 's'} ended."
    if not count:
        sentence = "No other sessions."
    messages.success(request, sentence)
    return redirect("sessions")


@requires(Permission.SIGNED_IN)
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Save the theme (light, dark or system) and go back."""
    user = current_user(request)
    theme = request.POST.get("theme", "")
    if theme in User.Theme.values:
        user.theme = theme
        user.save(update_fields=["theme"])
    next_url = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(next_url, {request.get_host()}, request.is_secure())
    return redirect(next_url if is_safe and next_url.startswith("/") else "home")
