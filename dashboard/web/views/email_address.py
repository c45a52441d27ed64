"""Another address for a person's mail: theirs only once a link that was sent there is followed.

Until then it could be anybody's: whoever is invited under it later would find somebody else there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
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
TAKEN = "Somebody else has this address."
SET_ONE_FIRST = (
    "You have no password yet. Sign out, choose “Forgotten the password?” and set one by the link "
    "that we mail to your present address."
)
_SALT = "fieldwatch.web.address"


class AddressForm(forms.Form):
    """Another address, by whoever knows the password."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    password = forms.CharField(label="Your password", widget=forms.PasswordInput, required=False)

    def __init__(self, user: User, given: Any = None) -> None:
        self.user = user
        super().__init__(given, initial={"email": user.email})

    def clean_password(self) -> str:
        """Right. Who has none sets one first: a session that was left open must not be enough."""
        if not self.user.has_usable_password():
            raise ValidationError(SET_ONE_FIRST)
        password = str(self.cleaned_data["password"])
        backends.own_password(self.user, lambda: self._checked(password))
        return ""

    def _checked(self, password: str) -> str:
        if not self.user.check_password(password):
            raise ValidationError("This is not your password.")
        return password


@requires(Permission.SIGNED_IN)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: HttpRequest) -> HttpResponse:
    """Ask for another address; the one that is there already is tried again at once."""
    user = current_user(request)
    form = AddressForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if email.casefold() == user.email.casefold():
            with transaction.atomic():
                _mail_goes_to(request, user, email)
        else:
            with transaction.atomic():
                audit.record(request, AuditKind.ADDRESS_ASKED, details={"address": email})
                _ask(user, email, now=timezone.now())
            messages.success(
                request, f"A link is on its way to {email}: mail goes there once you follow it."
            )
        return redirect("mail-choice")
    return render(request, "account/email_address.html", {"form": form})


def token_of(user: User, email: str) -> str:
    """What proves that this person, who has the address that they have now, gets mail there."""
    return signing.dumps([user.pk, user.email, email], salt=_SALT)


def _ask(user: User, email: str, *, now: datetime) -> None:
    """Mail a link to the address; to one that is somebody's already, that it stays theirs.

    Both mails are written, and one of them stored, under the same subject and for who asks: neither
    the answer nor how long it takes nor the list of mails tells which addresses are known.
    """
    taken = User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists()
    link = f"{settings.FIELDWATCH_URL}{reverse('address-shown', args=[token_of(user, email)])}"
    words = {"user": user, "link": link, "email": email}
    texts = [
        render_to_string(f"account/email/{name}_message.txt", words)
        for name in ("new_address", "taken_address")
    ]
    subject = render_to_string("account/email/new_address_subject.txt", words)
    purpose = Mail.Purpose.ADDRESS
    security.queue_mail(
        to=user, address=email, subject=subject, text=texts[taken], purpose=purpose, now=now
    )


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Who follows the link, signed in as the one who asked, has the address."""
    user = current_user(request)
    try:
        pk, before, email = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError):
        pk, before, email = None, "", ""
    good = (pk, before) == (user.pk, user.email)
    if good and request.method == "POST":
        try:
            with transaction.atomic():
                _mail_goes_to(request, user, email)
        except IntegrityError:
            messages.error(request, TAKEN)
        return redirect("mail-choice")
    return render(
        request,
        "account/email_address_confirmed.html",
        {"email": email if good else ""},
        status=200 if good else 404,
    )


def _mail_goes_to(request: HttpRequest, user: User, email: str) -> None:
    """The address from now on; that the old one was refused is forgotten."""
    before, user.email, user.email_refused = user.email, email, ""
    user.save(update_fields=["email", "email_refused"])
    outbox.compose_test(to=user, now=timezone.now())
    if before.casefold() != email.casefold():
        backends.Accounts(request).send_notification_mail(
            "account/email/address_changed", user, email=before
        )
    messages.success(request, f"Mail goes to {email} now; a test mail is on its way.")
