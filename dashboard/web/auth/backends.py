"""How people prove who they are: what the sign-in library asks of us."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import time as clock
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import LoginForm, ResetPasswordForm, default_token_generator
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context as asked
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard.alerts.mail import security
from dashboard.fielding.models import AuditKind, ExchangeAccount, Mail, User
from dashboard.fielding.models.fields import secret_box
from dashboard.web.auth import audit, sessions, throttle
from dashboard.web.auth.sso import identities

log = logging.getLogger(__name__)
ASKED = (
    f"At least {settings.SHORTEST_PASSWORD} characters, not digits alone; no password that many "
    "people use, and nothing like your name or address."
)
WRONG = "This name and password do not belong together."
# What a person is told by mail when the ways into their account change, and what the audit log
# keeps of it.
TOLD = {
    "account/email/password_changed": (
        "your password was changed",
        AuditKind.PASSWORD_CHANGED,
    ),
    "account/email/password_reset": (
        "your password was set anew, by a link in a mail",
        AuditKind.PASSWORD_SET_BY_LINK,
    ),
    "account/email/address_changed": (
        "mail for you goes to another address from now on",
        AuditKind.ADDRESS_CHANGED,
    ),
    "socialaccount/email/account_connected": (
        "single sign-on opens your account from now on",
        AuditKind.IDENTITY_JOINED,
    ),
    "socialaccount/email/account_disconnected": (
        "single sign-on was removed from your account",
        AuditKind.IDENTITY_REMOVED,
    ),
    "mfa/email/totp_activated": (
        "a second factor was turned on",
        AuditKind.FACTOR_ON,
    ),
    "mfa/email/totp_deactivated": (
        "the second factor was turned off",
        AuditKind.FACTOR_OFF,
    ),
    "mfa/email/recovery_codes_generated": (
        "new recovery codes were made; the old ones are void",
        AuditKind.RECOVERY_CODES_MADE,
    ),
}
PURPOSES = {
    "account/email/invitation": Mail.Purpose.INVITATION,
    "account/email/password_reset_key": Mail.Purpose.RESET,
}
SSO_ONLY = "Sign in with single sign-on: passwords are switched off here."


class SignInForm(LoginForm):  # type: ignore[misc]
    """Sign-in name or e-mail address, and password; one sentence for every way to be wrong."""

    def add_prefix(self, field_name: str) -> str:
        """The name's field is called `username`, as browsers and people's notes know it."""
        return "username" if field_name == "login" else str(super().add_prefix(field_name))


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]
    """An address that gets a link for a new password, whatever its case here and there."""

    def clean_email(self) -> str:
        """Whose it is; the link goes where the person's mail goes, not to what was typed."""
        typed = str(self.cleaned_data["email"])
        user = User.objects.filter(email__iexact=typed, is_active=True).first()
        known = user is not None and user.email.lower() == typed.lower() and may_use_password(user)
        self.users = [user] if known else []
        return user.email if known and user else typed


class Passwords(AuthenticationBackend):  # type: ignore[misc]
    """One look at one password, whoever is named and however, so that time tells nothing."""

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The person of this name or address, if the password is theirs and lets them in.

        Who is signed in already only shows once more who they are: that stays with SSO_ONLY, too.
        """
        try:
            user = User.objects.get_by_natural_key(_name(credentials))
        except User.DoesNotExist:
            return None
        found: User | None = self._check_password(user, str(credentials.get("password", "")))
        again = request is not None and request.user.is_authenticated
        return found if found and (again or may_use_password(found)) else None


def may_use_password(user: User) -> bool:
    """Whether a password lets this person in: with SSO_ONLY, those whom SSO_ONLY_EXCEPT names."""
    return not settings.SSO_ONLY or user.username.casefold() in settings.SSO_ONLY_EXCEPT


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """People with a password."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": WRONG,
        "email_password_mismatch": WRONG,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody lets themselves in; administrators invite."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Where a request comes from, forged headers aside."""
        return throttle.client_address(request)

    def is_safe_url(self, url: str) -> bool:
        """Only pages of ours."""
        here, secure = {self.request.get_host()}, self.request.is_secure()
        return url_has_allowed_host_and_scheme(url, here, require_https=secure)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuses a try that comes too early, unseen."""
        if seconds := throttle.seconds_to_wait(throttle.name_counters(request, _name(credentials))):
            raise ValidationError(
                f"Too many wrong passwords. Please try again in {seconds} s.", code="too_early"
            )

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing was counted before the password was looked at."""

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password counts, and is told to whoever reads the log."""
        throttle.count_failure(throttle.name_counters(request, _name(credentials)))
        log.warning("sign-in refused", extra={"of": {"address": throttle.client_address(request)}})
        # Only a name that we know is kept: people also type passwords where a name goes.
        try:
            known = User.objects.get_by_natural_key(_name(credentials))
        except User.DoesNotExist:
            known = None
        again = request.user.is_authenticated  # who is signed in gave a wrong password once more
        kind = AuditKind.PASSWORD_REFUSED if again else AuditKind.SIGN_IN_REFUSED
        audit.record(request, kind, subject=known)

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        """However somebody signed in: from now on it is kept when this session was used.

        An identity that is new here is joined at this moment, after the second factor.
        """
        request.session[sessions.USED] = int(clock())
        joining = (how.get("signal_kwargs") or {}).get("joining")
        if joining and identities.join(user, **joining, unasked=True):
            self.send_notification_mail("socialaccount/email/account_connected", user)
        methods = [one.get("method") for one in get_authentication_records(request, user)]
        audit.record(request, AuditKind.SIGNED_IN, person=user, details={"with": methods})
        answer: HttpResponse = super().post_login(request, user, **how)
        return answer

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Below the address that is set, whatever host the request named."""
        person, _, token = key.partition("-")
        steps = {"uidb36": person, "key": token}
        return (
            f"{settings.FIELDWATCH_URL}{reverse('account_reset_password_from_key', kwargs=steps)}"
        )

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Mail the link for a new password, and keep in the audit log that it was asked for."""
        request = self.request

        def queue() -> None:
            audit.record(request, AuditKind.PASSWORD_RESET_ASKED, subject=user)

        self._now_or_afterwards(queue)
        self.send_mail("account/email/password_reset_key", email, context | {"user": user})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put a mail to `context["user"]` into the outbox, its text encrypted.

        Where the view asks for it (`mails_afterwards`), only after the answer.
        """
        message = self.render_mail(template_prefix, email, context)
        user: User = context["user"]

        def queue() -> None:
            security.queue_mail(
                to=user,
                address=email,
                subject=message.subject,
                text=str(message.body),
                purpose=PURPOSES.get(template_prefix, Mail.Purpose.SECURITY),
                now=timezone.now(),
                account=context.get("account"),
            )

        self._now_or_afterwards(queue)

    def _now_or_afterwards(self, work: Callable[[], None]) -> None:
        later: list[Callable[[], None]] | None = getattr(self.request, "afterwards", None)
        if later is None:
            work()
        else:
            later.append(work)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # noqa: ARG002  none of the library's is needed
        email: str | None = None,
    ) -> None:
        """Record that a way into an account changed, and tell its owner by mail, and whence.

        Of a first password nobody is told: who set it followed the invitation.
        """
        if template_prefix not in TOLD:
            return
        what, kind = TOLD[template_prefix]
        signed_in = self.request.user.is_authenticated
        person = None if signed_in else user  # a link in a mail showed who they are
        with transaction.atomic():
            audit.record(self.request, kind, person=person, subject=user)
            if not getattr(self.request, "first_password", False):
                self.send_mail("account/email/changed", email or user.email, self._told(user, what))

    def _told(self, user: User, what: str) -> dict[str, Any]:
        return {
            "user": user,
            "what": what,
            "when": timezone.now(),
            "where": self.get_client_ip(self.request),
            "home": f"{settings.FIELDWATCH_URL}/",
        }


def own_password(user: User, check: Callable[[], str]) -> str:
    """What a look at the password of who is signed in gives; wrong ones make the next wait."""
    counted = throttle.again_counters(asked.request)
    if seconds := throttle.seconds_to_wait(counted):
        raise ValidationError(
            f"Too many wrong passwords. Please try again in {seconds} s.", code="too_early"
        )
    try:
        return check()
    except ValidationError:
        throttle.count_failure(counted)
        log.warning("password refused", extra={"of": {"person": user.pk}})
        audit.record(asked.request, AuditKind.PASSWORD_REFUSED, subject=user)
        raise


class NewPasswordForm(PasswordChangeForm):
    """A new password for the old one."""

    def clean_old_password(self) -> str:
        """The old one, if it is right and did not come too early."""
        return own_password(self.user, super().clean_old_password)


class _Slow:
    """Wrong codes make the next try wait."""

    user: User

    def clean_code(self) -> str:
        """The code, if it is right and did not come too early."""
        counted = throttle.code_counters(asked.request, self.user.username)
        if seconds := throttle.seconds_to_wait(counted):
            raise ValidationError(
                f"Too many wrong codes. Please try again in {seconds} s.", code="too_early"
            )
        try:
            return str(super().clean_code())  # type: ignore[misc]
        except ValidationError:
            throttle.count_failure(counted)
            log.warning("code refused", extra={"of": {"person": self.user.pk}})
            audit.record(asked.request, AuditKind.CODE_REFUSED, subject=self.user)
            raise


class CodeForm(_Slow, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class CodeAgainForm(_Slow, ReauthenticateForm):  # type: ignore[misc]
    """Who it is, once more, before something grave."""


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    """Codes from an app, and recovery codes; their secrets are encrypted at rest."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right, or it was used already.",
    }

    def encrypt(self, text: str) -> str:
        """With the first of ENCRYPTION_KEYS."""
        return secret_box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """With any of ENCRYPTION_KEYS."""
        return secret_box().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        """What the app on the phone calls us."""
        return "Fieldwatch"


def mail_invitation(
    request: HttpRequest, user: User, *, role: str, account: ExchangeAccount
) -> None:
    """Tell somebody that they may sign in; who has no password yet gets a link that sets one."""
    accounts, url = Accounts(request), ""
    passwords = may_use_password(user)
    if passwords and not user.has_usable_password():
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        url = accounts.get_reset_password_from_key_url(key)
    words = {
        "user": user,
        "by": request.user,
        "role": role,
        "connection": account.name,
        "account": account,
        "password_reset_url": url,
        "sso": "" if passwords else settings.OIDC_NAME,
        "home": f"{settings.FIELDWATCH_URL}/",
    }
    with transaction.atomic():
        audit.record(
            request, AuditKind.INVITED, account=account, subject=user, details={"role": role}
        )
        accounts.send_mail("account/email/invitation", user.email, words)


def _name(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")
