"""The first page of a new installation: a one-time code makes the first administrator."""

from __future__ import annotations

import logging

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.fielding import setup
from dashboard.fielding.domain.text import breaks_line
from dashboard.fielding.models import AuditKind, User
from dashboard.fielding.models.people import NOT_ONE_LINE
from dashboard.fielding.setup import SetupRefused
from dashboard.sync.connections import remove
from dashboard.web.auth import audit, throttle
from dashboard.web.auth.backends import PASSWORD_HINT
from dashboard.web.auth.permissions import Permission, requires

log = logging.getLogger(__name__)


class SetupForm(forms.Form):
    """The one-time code, and who the first administrator is."""

    code = forms.CharField(
        label="One-time code",
        max_length=60,
        help_text="It is in the terminal in which Fieldwatch was started.",
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(
        label="Your name", max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    email = forms.EmailField(
        label="Email address",
        max_length=150,
        help_text="You sign in with it, and get alerts there.",
        widget=forms.EmailInput({"autocomplete": "username"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=254,
        help_text=PASSWORD_HINT,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label="Repeat password",
        max_length=254,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST or None)
        self.request = request
        if not self.is_bound:
            self.fields["code"].widget.attrs["autofocus"] = True

    def clean_code(self) -> str:
        """Refuse a wrong code; wrong ones make the next attempt wait."""
        counters, code = throttle.setup_counters(self.request), str(self.cleaned_data["code"])
        if seconds := throttle.seconds_to_wait(counters):
            raise ValidationError(
                f"Too many wrong codes. Please try again in {seconds} s.", code="too_early"
            )
        if not setup.is_setup_code(code):
            throttle.count_failure(counters)
            address = throttle.client_address(self.request)
            log.warning("setup code refused", extra={"of": {"address": address}})
            audit.record(self.request, AuditKind.SETUP_CODE_REFUSED)
            raise ValidationError(
                "This is not the code. Each start of Fieldwatch prints a new one; use the latest."
            )
        return code

    def clean_name(self) -> str:
        """Refuse a name with line breaks."""
        name = str(self.cleaned_data["name"])
        if breaks_line(name):
            raise ValidationError(NOT_ONE_LINE)
        return name

    def clean_email(self) -> str:
        """Refuse the address of somebody who is stored already; say so only to who has the code."""
        email = str(self.cleaned_data["email"])
        if "code" in self.cleaned_data and User.objects.filter(email__iexact=email).exists():
            raise ValidationError("Someone with this address exists already; use another.")
        return email

    def clean_repeated(self) -> str:
        """Refuse a password that was not typed twice alike."""
        repeated = str(self.cleaned_data["repeated"])
        if "password" in self.cleaned_data and repeated != self.cleaned_data["password"]:
            raise ValidationError("The two passwords differ.")
        return repeated

    def clean(self) -> dict[str, object]:
        """Refuse a weak password, by the same rules as everywhere.

        Not without the code: a hash takes time and memory, which nobody else is to use up.
        """
        password = self.cleaned_data.get("password")
        if password and "code" in self.cleaned_data:
            try:
                validate_password(password, self.new_user())
            except ValidationError as exc:
                self.add_error("password", exc)
        return self.cleaned_data

    def new_user(self) -> User:
        """Return the person as typed; not stored."""
        first, _, last = str(self.cleaned_data.get("name", "")).strip().partition(" ")
        email = str(self.cleaned_data.get("email", ""))
        user = User(username=email, email=email, first_name=first, last_name=last)
        user.set_password(self.cleaned_data.get("password"))
        return user


@requires(Permission.OPEN)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def setup_page(request: HttpRequest) -> HttpResponse:
    """Make the first administrator and sign them in; redirect if there is one."""
    if settings.SSO_ONLY or not setup.is_setup_open():
        return redirect("home")
    form = SetupForm(request)
    if request.method == "POST" and form.is_valid():
        try:
            return _set_up(request, form)
        except SetupRefused as exc:
            form.add_error(None, str(exc))
    response = render(request, "setup.html", {"form": form, "demo": bool(setup.demo_accounts())})
    if form.is_bound and form.has_error("code", "too_early"):
        response.status_code = 429
        response["Retry-After"] = str(throttle.LONGEST_WAIT)
    return response


def _set_up(request: HttpRequest, form: SetupForm) -> HttpResponse:
    """Store the administrator, leave the demo, and go on to the exchange account."""
    origin, now, code = audit.origin_of(request), timezone.now(), form.cleaned_data["code"]
    with transaction.atomic():
        user = setup.create_first_administrator(
            user=form.new_user(), code=code, origin=origin, now=now
        )
        for account in setup.demo_accounts():
            remove.start_removal(account=account, origin=origin, now=now)
    to = reverse("home" if user.memberships.exists() else "connection-add")
    login = Login(user=user, email=user.email, redirect_url=to)
    response: HttpResponse = perform_password_login(request, {"email": user.email}, login)
    reauthenticate_by_password(request)  # the code and the new password prove who it is
    throttle.know_device(request, response, user.username, user.email)
    return response
