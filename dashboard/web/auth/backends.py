"""Passwords, second factors and account mails: the adapters of the sign-in library."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import LoginForm, ResetPasswordForm, default_token_generator
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard.alerts.mail import security
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount, Mail, User
from dashboard.fielding.models.fields import secret_box
from dashboard.web.auth import audit, hashing, sessions, throttle
from dashboard.web.auth.sso import group_roles, identities
from dashboard.web.monitoring import traffic

log = logging.getLogger(__name__)
PASSWORD_HINT = (
    f"At least {settings.SHORTEST_PASSWORD} characters of any kind; no common or stolen password, "
    "nothing similar to your name or email address, and not mostly the name of Fieldwatch or your "
    "company."
)
CODE_SECONDS = 30 * (2 * settings.MFA_TOTP_TOLERANCE + 1)  # for which a code is valid, at most
FIRST_STEP = "first-step"  # in the session between the steps of a sign-in
WRONG_CREDENTIALS = "Wrong username or password."
# By the library's mail template: the sentence of the notification, and the audit log event.
NOTICES = {
    "account/email/password_changed": (
        "your password was changed",
        AuditKind.PASSWORD_CHANGED,
    ),
    "account/email/password_reset": (
        "your password was reset with an emailed link",
        AuditKind.PASSWORD_SET_BY_LINK,
    ),
    "account/email/address_changed": (
        "your email address was changed",
        AuditKind.ADDRESS_CHANGED,
    ),
    "socialaccount/email/account_connected": (
        "single sign-on was linked to your account",
        AuditKind.IDENTITY_JOINED,
    ),
    "socialaccount/email/account_disconnected": (
        "single sign-on was removed from your account",
        AuditKind.IDENTITY_REMOVED,
    ),
    "mfa/email/totp_activated": (
        "two-factor authentication was turned on",
        AuditKind.FACTOR_ON,
    ),
    "mfa/email/totp_deactivated": (
        "two-factor authentication was turned off",
        AuditKind.FACTOR_OFF,
    ),
    "mfa/email/recovery_codes_generated": (
        "new recovery codes were created; the old ones no longer work",
        AuditKind.RECOVERY_CODES_MADE,
    ),
}
# After these nobody stays signed in who was so before, but in the session that made the change.
ENDS_OTHER_SESSIONS = frozenset(name for name in NOTICES if name.startswith("mfa/"))
PURPOSES = {
    "account/email/invitation": Mail.Purpose.INVITATION,
    "account/email/password_reset_key": Mail.Purpose.RESET,
}
# Any: the template context and the keyword arguments of the sign-in library.
MailContext = dict[str, Any]
SSO_ONLY = "Sign in with single sign-on: passwords are turned off."


class SignInForm(LoginForm):  # type: ignore[misc]
    """Username or email address, and password; every failure gives the same message."""

    def add_prefix(self, field_name: str) -> str:
        """Name the login field `username`, as browsers and password managers expect."""
        return "username" if field_name == "login" else str(super().add_prefix(field_name))


class PasswordResetForm(ResetPasswordForm):  # type: ignore[misc]
    """An address that gets a link for a new password; case does not matter."""

    def clean_email(self) -> str:
        """Find the person; the link goes to their stored address, not to the typed one."""
        typed = str(self.cleaned_data["email"])
        user = User.objects.filter(email__iexact=typed, is_active=True).first()
        is_known = (
            user is not None and user.email.lower() == typed.lower() and may_use_password(user)
        )
        self.users = [user] if is_known else []
        return user.email if is_known and user else typed


class Passwords(AuthenticationBackend):  # type: ignore[misc]
    """Check exactly one password per attempt, so that timing reveals no names."""

    def _authenticate(self, request: HttpRequest | None, **credentials: object) -> User | None:
        """Return the person of this name or address if the password is right and allowed.

        Signed-in people may confirm their identity by password with SSO_ONLY, too.
        """
        try:
            user = User.objects.get_by_natural_key(_login_name(credentials))
        except User.DoesNotExist:
            return None
        match: User | None = self._check_password(user, str(credentials.get("password", "")))
        is_reauthentication = request is not None and request.user.is_authenticated
        return match if match and (is_reauthentication or may_use_password(match)) else None


def may_use_password(user: User) -> bool:
    """Whether this person may sign in by password; with SSO_ONLY only SSO_ONLY_EXCEPT may."""
    return not settings.SSO_ONLY or user.username.casefold() in settings.SSO_ONLY_EXCEPT


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """The library's account adapter: people with a password."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": WRONG_CREDENTIALS,
        "email_password_mismatch": WRONG_CREDENTIALS,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Forbid sign-up; administrators invite people."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address, without trusting forged headers."""
        return throttle.client_address(request)

    def is_safe_url(self, url: str) -> bool:
        """Allow redirects to this host only."""
        hosts, secure = {self.request.get_host()}, self.request.is_secure()
        return url_has_allowed_host_and_scheme(url, hosts, require_https=secure)

    def pre_authenticate(self, request: HttpRequest, **credentials: object) -> None:
        """Refuse an attempt that comes too early or with too many others, unchecked."""
        if hashing.is_line_full():
            raise ValidationError(hashing.BUSY, code="busy")
        if seconds := throttle.seconds_to_wait(
            throttle.name_counters(request, _login_name(credentials))
        ):
            raise ValidationError(
                f"Too many wrong passwords. Please try again in {seconds} s.", code="too_early"
            )

    def _rollback_login_failed_rl_usage(self) -> None:
        """Do nothing: attempts are counted only after the password was checked."""

    def authentication_failed(self, request: HttpRequest, **credentials: object) -> None:
        """Count a wrong password, and record it in log and audit log."""
        throttle.count_failure(throttle.name_counters(request, _login_name(credentials)))
        traffic.REFUSED_SIGN_INS.inc()
        log.warning("sign-in refused", extra={"of": {"address": throttle.client_address(request)}})
        # Only known names are recorded: people also type passwords into the name field.
        try:
            account = User.objects.get_by_natural_key(_login_name(credentials))
        except User.DoesNotExist:
            account = None
        is_reauthentication = request.user.is_authenticated  # confirming their identity
        kind = AuditKind.PASSWORD_REFUSED if is_reauthentication else AuditKind.SIGN_IN_REFUSED
        audit.record(request, kind, subject=account)

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        """Keep which password the first step of a sign-in was made with."""
        request.session[FIRST_STEP] = user.get_session_auth_hash()
        answer: HttpResponse | None = super().pre_login(request, user, **options)
        return answer

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        """Start recording the use of this session, after any kind of sign-in.

        A new identity is linked now, after the second factor; roles follow the provider's groups.
        """
        request.session.pop(FIRST_STEP, None)
        sessions.mark_beginning(request)
        single_sign_on = options.get("signal_kwargs") or {}
        joining = single_sign_on.get("joining")
        if joining and identities.link_identity(user, **joining, unasked=True):
            self.send_notification_mail("socialaccount/email/account_connected", user)
        methods = [record.get("method") for record in get_authentication_records(request, user)]
        audit.record(request, AuditKind.SIGNED_IN, person=user, details={"method": methods})
        group_roles.apply_groups(request, user, single_sign_on.get("groups"))
        response: HttpResponse = super().post_login(request, user, **options)
        return response

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link under FIELDWATCH_URL, whatever host the request named."""
        person, _, token = key.partition("-")
        steps = {"uidb36": person, "key": token}
        return (
            f"{settings.FIELDWATCH_URL}{reverse('account_reset_password_from_key', kwargs=steps)}"
        )

    def send_password_reset_mail(self, user: User, email: str, context: MailContext) -> None:
        """Mail the link for a new password, and record the request in the audit log."""
        request = self.request

        def queue() -> None:
            audit.record(request, AuditKind.PASSWORD_RESET_ASKED, subject=user)

        self._now_or_afterwards(queue)
        self.send_mail("account/email/password_reset_key", email, context | {"user": user})

    def send_mail(self, template_prefix: str, email: str, context: MailContext) -> None:
        """Put a mail to `context["user"]` into the outbox, its text encrypted.

        In views wrapped by `mails_afterwards`, only after the response.
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
        context: MailContext | None = None,  # noqa: ARG002  nothing from the library is needed
        email: str | None = None,
    ) -> None:
        """Record a change of sign-in, and notify the owner by mail, with the address it came from.

        Other sessions end when two-factor authentication changes, as with a new password. A first
        password sends no mail: it was set with the invitation's link.
        """
        if template_prefix not in NOTICES:
            return
        sentence, kind = NOTICES[template_prefix]
        signed_in = self.request.user.is_authenticated
        person = None if signed_in else user  # the link from a mail identified them
        with transaction.atomic():
            details = {}
            if template_prefix in ENDS_OTHER_SESSIONS:
                details = {"sessions": sessions.end_sessions(self.request, user, None)}
            audit.record(self.request, kind, person=person, subject=user, details=details)
            if not getattr(self.request, "first_password", False):
                self.send_mail(
                    "account/email/changed",
                    email or user.email,
                    self._notice_context(user, sentence),
                )

    def _notice_context(self, user: User, what: str) -> MailContext:
        return {
            "user": user,
            "what": what,
            "when": timezone.now(),
            "where": self.get_client_ip(self.request),
            "home": f"{settings.FIELDWATCH_URL}/",
        }


def own_password(user: User, check: Callable[[], str]) -> str:
    """Check the password of the signed-in person; wrong ones make the next attempt wait."""
    counters = throttle.again_counters(allauth_context.request)
    if seconds := throttle.seconds_to_wait(counters):
        raise ValidationError(
            f"Too many wrong passwords. Please try again in {seconds} s.", code="too_early"
        )
    try:
        return check()
    except ValidationError:
        throttle.count_failure(counters)
        log.warning("password refused", extra={"of": {"person": user.pk}})
        audit.record(allauth_context.request, AuditKind.PASSWORD_REFUSED, subject=user)
        raise


class NewPasswordForm(PasswordChangeForm):
    """Change a password, confirmed by the old one."""

    def clean_old_password(self) -> str:
        """Return the old password if it is right and not too early."""
        return own_password(self.user, super().clean_old_password)


def _use_up_code(user: User, code: str) -> None:
    """Let a code count once, for as long as it is valid; ValidationError the second time.

    The library forgets a used code after 30 seconds; with a tolerance it is valid for longer.
    """
    digits = "".join(filter(str.isdigit, code))
    if not cache.add(f"used-code:{user.pk}:{digits}", 1, CODE_SECONDS):
        raise SecondFactor().validation_error("incorrect_code")


class _ThrottledCode:
    """Make the next attempt wait after wrong codes."""

    user: User

    def clean_code(self) -> str:
        """Return the code if it is right and not too early."""
        counters = throttle.code_counters(allauth_context.request, self.user.username)
        with throttle.take_turn(counters) as has_turn:
            seconds = throttle.seconds_to_wait(counters)
            if seconds or not has_turn:
                raise ValidationError(
                    f"Too many wrong codes. Please try again in {max(seconds, 1)} s.",
                    code="too_early",
                )
            try:
                code = str(super().clean_code())  # type: ignore[misc]
                _use_up_code(self.user, code)
            except ValidationError:
                throttle.count_failure(counters)
                log.warning("code refused", extra={"of": {"person": self.user.pk}})
                audit.record(allauth_context.request, AuditKind.CODE_REFUSED, subject=self.user)
                raise
            return code


class CodeForm(_ThrottledCode, AuthenticateForm):  # type: ignore[misc]
    """The second step of sign-in."""

    def clean_code(self) -> str:
        """Return the code if it is right; what ends sessions also ends half a sign-in."""
        if _has_ended(allauth_context.request, self.user):
            clear_login(allauth_context.request)
            raise ValidationError("This sign-in has ended. Please sign in again.", code="ended")
        return super().clean_code()


def _has_ended(request: HttpRequest, user: User) -> bool:
    """Whether the account, its password or its sessions ended since the first step of sign-in."""
    began = datetime.fromtimestamp(request.session[LOGIN_SESSION_KEY]["initiated_at"], UTC)
    known = str(request.session.get(FIRST_STEP, ""))
    ends = AuditEvent.objects.filter(
        Q(subject_id=user.pk) | Q(subject_id=None, person_id=user.pk),
        kind=AuditKind.SESSIONS_ENDED,
        at__gte=began,
    )
    is_same = constant_time_compare(known, user.get_session_auth_hash())
    return not (user.is_active and is_same) or ends.exists()


class CodeAgainForm(_ThrottledCode, ReauthenticateForm):  # type: ignore[misc]
    """Confirm one's identity by code before a sensitive action."""


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    """Codes from an authenticator app, and recovery codes; secrets are encrypted at rest."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong or was already used.",
    }

    def encrypt(self, text: str) -> str:
        """Encrypt with the first of ENCRYPTION_KEYS."""
        return secret_box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt with any of ENCRYPTION_KEYS."""
        return secret_box().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        """Return the name that the authenticator app shows."""
        return "Fieldwatch"


def mail_invitation(
    request: HttpRequest, user: User, *, role: str, account: ExchangeAccount
) -> None:
    """Mail an invitation; a person without a password gets a link to set one."""
    accounts, url = Accounts(request), ""
    passwords = may_use_password(user)
    if passwords and not user.has_usable_password():
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        url = accounts.get_reset_password_from_key_url(key)
    context: MailContext = {
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
        accounts.send_mail("account/email/invitation", user.email, context)


def _login_name(credentials: dict[str, object]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")
