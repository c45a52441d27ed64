"""A new email address takes effect once the person follows a link that was sent to it.

Until then it could be anybody's: a person who is invited under it later would find it taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.alerts.mail import outbox, security
from dashboard.fielding.models import AuditKind, Mail, User
from dashboard.web.auth import audit, backends
from dashboard.web.auth.permissions import Permission, current_user, requires

GOOD_FOR = timedelta(days=1)
TAKEN = "This address is already in use."
SET_ONE_FIRST = (
    "You have no password yet. Sign out, choose “Forgot your password?” and set one with the link "
    "that is sent to your current address."
)
_SALT = "fieldwatch.web.address"


class AddressForm(forms.Form):
    """A new address, confirmed by the password."""

    email = forms.EmailField(label="Email address", max_length=254)
    password = forms.CharField(label="Your password", widget=forms.PasswordInput, required=False)

    def __init__(self, user: User, data: QueryDict | None) -> None:
        self.user = user
        super().__init__(data, initial={"email": user.email})

    def clean_password(self) -> str:
        """Check the password; a person without one sets it first, since a session is not enough."""
        if not self.user.has_usable_password():
            raise ValidationError(SET_ONE_FIRST)
        password = str(self.cleaned_data["password"])
        backends.own_password(self.user, lambda: self._checked(password))
        return ""

    def _checked(self, password: str) -> str:
        if not self.user.check_password(password):
            raise ValidationError("Wrong password.")
        return password


@requires(Permission.SIGNED_IN)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: HttpRequest) -> HttpResponse:
    """Request a new address; the current one is tested again immediately."""
    user = current_user(request)
    form = AddressForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if email.casefold() == user.email.casefold():
            with transaction.atomic():
                _set_address(request, user, email)
        else:
            with transaction.atomic():
                audit.record(request, AuditKind.ADDRESS_ASKED, details={"address": email})
                _mail_link(user, email, now=timezone.now())
            messages.success(request, f"We sent a link to {email}. Follow it to use this address.")
        return redirect("mail-choice")
    return render(request, "account/email_address.html", {"form": form})


def token_of(user: User, email: str) -> str:
    """Return a signed token that binds person, current address and new address."""
    return signing.dumps([user.pk, user.email, email], salt=_SALT)


def _mail_link(user: User, email: str, *, now: datetime) -> None:
    """Mail a link to the address; an address that is taken gets a mail saying so.

    Both texts are rendered and one is stored, with the same subject and recipient, so that neither
    the response, its timing nor the list of mails reveals which addresses have accounts.
    """
    is_taken = User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists()
    link = f"{settings.FIELDWATCH_URL}{reverse('address-shown', args=[token_of(user, email)])}"
    context = {"user": user, "link": link, "email": email}
    texts = [
        render_to_string(f"account/email/{name}_message.txt", context)
        for name in ("new_address", "taken_address")
    ]
    subject = render_to_string("account/email/new_address_subject.txt", context)
    purpose = Mail.Purpose.ADDRESS
    security.queue_mail(
        to=user, address=email, subject=subject, text=texts[is_taken], purpose=purpose, now=now
    )


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Set the address of the signed-in person who follows the link."""
    user = current_user(request)
    try:
        pk, previous, email = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError):
        pk, previous, email = None, "", ""
    is_valid = (pk, previous) == (user.pk, user.email)
    if is_valid and request.method == "POST":
        try:
            with transaction.atomic():
                _set_address(request, user, email)
        except IntegrityError:
            messages.error(request, TAKEN)
        return redirect("mail-choice")
    return render(
        request,
        "account/email_address_confirmed.html",
        {"email": email if is_valid else ""},
        status=200 if is_valid else 404,
    )


def _set_address(request: HttpRequest, user: User, email: str) -> None:
    """Set the address, clear the delivery error of the old one, and send a test mail."""
    before, user.email, user.email_refused = user.email, email, ""
    user.save(update_fields=["email", "email_refused"])
    outbox.compose_test(to=user, now=timezone.now())
    if before.casefold() != email.casefold():
        backends.Accounts(request).send_notification_mail(
            "account/email/address_changed", user, email=before
        )
    messages.success(request, f"Your email address is now {email}. We sent a test email.")
