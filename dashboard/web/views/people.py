"""People and roles on an exchange account, for its administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.alerts.mail import security
from dashboard.fielding import people
from dashboard.fielding.domain.text import breaks_line
from dashboard.fielding.models import ExchangeAccount, Membership, User
from dashboard.fielding.models.people import NOT_ONE_LINE
from dashboard.fielding.people import PersonRefused
from dashboard.web.auth import audit, backends
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    require_administrator,
    requires,
)
from dashboard.web.auth.proof import proof_required

FOLLOWS = "The role of <bdi>{}</bdi> follows their groups from their next sign-in with {} on."


class Invitation(forms.Form):
    """An invitation of a new or an existing person, by email address."""

    email = forms.EmailField(label="Email address", max_length=254)
    name = forms.CharField(label="Name", max_length=150, required=False)
    role = forms.ChoiceField(label="Role", choices=Membership.Role.of_people())
    exchange_user_id = forms.ChoiceField(label="Exchange user", required=False)

    def __init__(self, account: ExchangeAccount, data: QueryDict | None) -> None:
        super().__init__(data)
        self.account = account
        choices = [
            (user.exchange_id, str(user)) for user in account.exchange_users.order_by("name")
        ]
        self.fields["exchange_user_id"].choices = [("", "Not linked"), *choices]  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        """Refuse members of the account, closed accounts, and mail-only recipients."""
        email = str(self.cleaned_data["email"])
        if self.account.memberships.filter(user__email__iexact=email).exists():
            raise ValidationError("This person already has access to the account.")
        if User.objects.filter(email__iexact=email).exclude(closed_at=None).exists():
            raise ValidationError(
                "This person's account is closed; an administrator of all their connections can "
                "reopen it, or use the command: manage.py person reopen."
            )
        if User.objects.filter(email__iexact=email, is_active=False).exists():
            raise ValidationError("This address only receives email; nobody can sign in with it.")
        return email

    def clean_name(self) -> str:
        """Refuse a name with line breaks."""
        name = str(self.cleaned_data["name"])
        if breaks_line(name):
            raise ValidationError(NOT_ONE_LINE)
        return name

    @transaction.atomic
    def save(self) -> Membership:
        """Create the membership, and the person if nobody has this address."""
        email = self.cleaned_data["email"]
        user = User.objects.filter(email__iexact=email).first() or people.create_without_password(
            email=email, full_name=self.cleaned_data["name"]
        )
        return Membership.objects.create(
            user=user,
            account=self.account,
            role=self.cleaned_data["role"],
            exchange_user_id=self.cleaned_data["exchange_user_id"],
        )


@requires(Permission.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def people_list(request: HttpRequest, pk: int) -> HttpResponse:
    """List the people of the account, with the invitation form."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    form = Invitation(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                _send_invitation(request, form.save())
        except IntegrityError:
            messages.error(request, "Someone else has just invited this person.")
        return redirect("people", pk)
    factors = Authenticator.objects.filter(user=OuterRef("user"), type=Authenticator.Type.TOTP)
    rows = (
        account.memberships.select_related("user")
        .annotate(has_factor=Exists(factors))
        .order_by("user__username")
    )
    names = dict(account.exchange_users.values_list("exchange_id", "name"))
    rows_with_names = [(row, names.get(row.exchange_user_id, "")) for row in rows]
    context = {
        "connection": account,
        "rows": rows_with_names,
        "form": form,
        "roles": Membership.Role.of_people(),
        "by_groups": bool(settings.OIDC_ROLES),
        "sso": settings.OIDC_NAME,
    }
    return render(request, "connections/people.html", context)


def _send_invitation(request: HttpRequest, membership: Membership) -> None:
    role = Membership.Role(membership.role).label.lower()
    backends.mail_invitation(request, membership.user, role=role, account=membership.account)
    messages.success(request, f"Invitation sent to {membership.user.email} ({role}).")


@requires(Permission.ADMINISTRATOR)
@require_POST
def change_membership(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """Change a person's role, remove them, or resend the invitation."""
    require_administrator(request, pk)
    row = get_object_or_404(Membership.objects.select_related("user", "account"), pk=membership)
    get_object_or_404(ExchangeAccount, pk=pk, memberships=row)
    if row.role == Membership.Role.MAIL:
        raise Http404
    action = request.POST.get("do", "")
    if action == "invite" and row.user.closed_at:
        messages.error(request, "This account is closed. Reopen it first.")
    elif action == "invite":
        _send_invitation(request, row)
    elif action == "follow" and settings.OIDC_ROLES:
        people.let_groups_decide(
            membership=row, origin=audit.origin_of(request), now=timezone.now()
        )
        messages.success(request, format_html(FOLLOWS, row.user, settings.OIDC_NAME))
    elif action == "remove" or action in dict(Membership.Role.of_people()):
        _change_role(request, row, action)
    return redirect("people", pk)


def _change_role(request: HttpRequest, membership: Membership, action: str) -> None:
    """Change or remove a role; the last administrator of an account keeps it."""
    origin, now = audit.origin_of(request), timezone.now()
    try:
        if action == "remove":
            people.remove_member(membership=membership, origin=origin, now=now)
            sentence = format_html(
                "<bdi>{}</bdi> was removed from <bdi>{}</bdi>.", membership.user, membership.account
            )
        else:
            role = Membership.Role(action)
            people.set_role(
                user=membership.user, account=membership.account, role=role, origin=origin, now=now
            )
            sentence = format_html("<bdi>{}</bdi> is now {}.", membership.user, role.label.lower())
    except PersonRefused as exc:
        messages.error(request, str(exc))
    else:
        messages.success(request, sentence)


class PersonAction(NamedTuple):
    """An action on a person's whole account, with the texts of its page."""

    title: str
    question: str
    button: str
    done: str
    do: Callable[..., object]


_PERSON_ACTIONS = {
    "factor": PersonAction(
        "Reset two-factor authentication",
        "Their authenticator app and recovery codes are removed and their sessions end. They sign "
        "in with only their password until they set up two-factor authentication again, and are "
        "notified by email. Make sure that the request really came from them.",
        "Reset",
        "Two-factor authentication of <bdi>{}</bdi> was reset.",
        people.reset_factor,
    ),
    "sessions": PersonAction(
        "End sessions",
        "They are signed out on every device, and sign in again as before. Tokens for the API and "
        "addresses of calendars stay; closing the account ends those too.",
        "End sessions",
        "The sessions of <bdi>{}</bdi> have ended.",
        people.sign_out,
    ),
    "close": PersonAction(
        "Close account",
        "For people who leave: their sessions, single sign-on and email links stop working "
        "immediately, and they get no more emails. Their roles are kept; you can reopen the "
        "account.",
        "Close account",
        "The account of <bdi>{}</bdi> was closed.",
        people.close,
    ),
    "reopen": PersonAction(
        "Reopen account",
        "They can sign in again with their previous roles. Their old password no longer works; "
        "they get an invitation to choose a new one.",
        "Reopen account",
        "The account of <bdi>{}</bdi> was reopened.",
        people.reopen,
    ),
    "delete": PersonAction(
        "Delete person",
        "Their name, address, roles, emails, saved views and shared links are deleted permanently. "
        "Their changes are kept under “Deleted person”; the audit log keeps their name.",
        "Delete permanently",
        "<bdi>{}</bdi> was deleted.",
        people.delete,
    ),
}


@requires(Permission.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def person_act(request: HttpRequest, pk: int, membership: int, act: str) -> HttpResponse:
    """Ask for confirmation, then reset two-factor, close, reopen or delete an account."""
    require_administrator(request, pk)
    memberships = Membership.objects.select_related("user", "account").exclude(
        role=Membership.Role.MAIL
    )
    membership_row = get_object_or_404(memberships, pk=membership, account=pk)
    if act not in _PERSON_ACTIONS:
        raise Http404
    action = _PERSON_ACTIONS[act]
    try:
        people.require_full_administrator(by=current_user(request), user=membership_row.user)
    except PersonRefused as exc:
        messages.error(request, str(exc))
        return redirect("people", pk)
    if request.method == "POST":
        answer: HttpResponse = _carry_out(request, membership_row, action)
        return answer
    return render(
        request,
        "connections/person_action.html",
        {"of": membership_row, "connection": membership_row.account, "act": action},
    )


@proof_required
def _carry_out(request: HttpRequest, membership: Membership, action: PersonAction) -> HttpResponse:
    """Carry out the action for somebody who has just confirmed their identity."""
    name, origin, now = str(membership.user), audit.origin_of(request), timezone.now()
    try:
        with transaction.atomic():
            changed = action.do(user=membership.user, origin=origin, now=now) is not False
            if changed:
                _notify_person(request, membership, action)
    except PersonRefused as exc:
        messages.error(request, str(exc))
    else:
        done = format_html(action.done, name)
        messages.success(request, done if changed else "Nothing to change.")
    return redirect("people", membership.account_id)


def _notify_person(request: HttpRequest, membership: Membership, action: PersonAction) -> None:
    """Notify the person by mail of changes to their sign-in."""
    user = User.objects.get(pk=membership.user_id)
    if action is _PERSON_ACTIONS["factor"]:
        security.notify_two_factor_reset(user=user, by=str(request.user), now=timezone.now())
    elif action is _PERSON_ACTIONS["reopen"]:
        membership.user = user
        _send_invitation(request, membership)
