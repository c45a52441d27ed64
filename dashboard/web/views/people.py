"""People and roles on an exchange account, for its administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.alerts.mail import security
from dashboard.fielding import people as changes
from dashboard.fielding.domain.text import breaks_line
from dashboard.fielding.models import ExchangeAccount, Membership, User
from dashboard.fielding.models.people import NOT_ONE_LINE
from dashboard.fielding.people import PersonRefused
from dashboard.web.auth import audit, backends
from dashboard.web.auth.permissions import Permission, require_administrator, requires
from dashboard.web.auth.permissions import current_user as signed_in
from dashboard.web.auth.proof import proof_required


class Invitation(forms.Form):
    """Somebody new, or somebody who already signs in, by their address."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(label="Name", max_length=150, required=False)
    role = forms.ChoiceField(label="Role", choices=Membership.Role.of_people())
    exchange_user_id = forms.ChoiceField(label="On the exchange they are", required=False)

    def __init__(self, account: ExchangeAccount, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        known = [(one.exchange_id, str(one)) for one in account.exchange_users.order_by("name")]
        self.fields["exchange_user_id"].choices = [("", "Not said"), *known]  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        """Not somebody who is on the account already."""
        email = str(self.cleaned_data["email"])
        if self.account.memberships.filter(user__email__iexact=email).exists():
            raise ValidationError("This person is on the account already.")
        if User.objects.filter(email__iexact=email).exclude(closed_at=None).exists():
            raise ValidationError(
                "This person's account is closed; an administrator of all their connections can "
                "reopen it, or the command line: manage.py person reopen."
            )
        if User.objects.filter(email__iexact=email, is_active=False).exists():
            raise ValidationError("Nobody can sign in with this address: it only gets mail.")
        return email

    def clean_name(self) -> str:
        """On one line."""
        name = str(self.cleaned_data["name"])
        if breaks_line(name):
            raise ValidationError(NOT_ONE_LINE)
        return name

    @transaction.atomic
    def save(self) -> Membership:
        """The membership; the person is made where nobody has this address."""
        email = self.cleaned_data["email"]
        user = User.objects.filter(email__iexact=email).first() or self._new(email)
        return Membership.objects.create(
            user=user,
            account=self.account,
            role=self.cleaned_data["role"],
            exchange_user_id=self.cleaned_data["exchange_user_id"],
        )

    def _new(self, email: str) -> User:
        first, _, last = self.cleaned_data["name"].strip().partition(" ")
        user = User(username=_free_name(email), email=email, first_name=first, last_name=last)
        user.set_unusable_password()
        user.save()
        return user


def _free_name(email: str) -> str:
    """The address as a sign-in name; another where somebody kept it who has a new address now."""
    name, number = email[:150], 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{email[:140]} {number}"
    return name


@requires(Permission.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def people_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is on the account, and a form that invites."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    form = Invitation(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                _invite(request, form.save())
        except IntegrityError:
            messages.error(request, "Somebody invited this person at the same moment.")
        return redirect("people", pk)
    factors = Authenticator.objects.filter(user=OuterRef("user"), type=Authenticator.Type.TOTP)
    rows = (
        account.memberships.select_related("user")
        .annotate(has_factor=Exists(factors))
        .order_by("user__username")
    )
    names = dict(account.exchange_users.values_list("exchange_id", "name"))
    shown = [(row, names.get(row.exchange_user_id, "")) for row in rows]
    context = {
        "connection": account,
        "rows": shown,
        "form": form,
        "roles": Membership.Role.of_people(),
    }
    return render(request, "connections/people.html", context)


def _invite(request: HttpRequest, membership: Membership) -> None:
    role = Membership.Role(membership.role).label.lower()
    backends.mail_invitation(request, membership.user, role=role, account=membership.account)
    messages.success(request, f"{membership.user.email} was invited as {role}.")


@requires(Permission.ADMINISTRATOR)
@require_POST
def change_membership(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """Change somebody's role, take them off, or mail the invitation again."""
    require_administrator(request, pk)
    of = get_object_or_404(Membership.objects.select_related("user", "account"), pk=membership)
    get_object_or_404(ExchangeAccount, pk=pk, memberships=of)
    if of.role == Membership.Role.MAIL:
        raise Http404
    wanted = request.POST.get("do", "")
    if wanted == "invite" and of.user.closed_at:
        messages.error(request, "This account is closed: reopen it first.")
    elif wanted == "invite":
        _invite(request, of)
    elif wanted == "remove" or wanted in dict(Membership.Role.of_people()):
        _change(request, of, wanted)
    return redirect("people", pk)


def _change(request: HttpRequest, of: Membership, wanted: str) -> None:
    """Another role, or none; never for the last administrator of an account."""
    origin, now = audit.origin_of(request), timezone.now()
    try:
        if wanted == "remove":
            changes.remove_member(membership=of, origin=origin, now=now)
            said = format_html("<bdi>{}</bdi> is no longer on <bdi>{}</bdi>.", of.user, of.account)
        else:
            role = Membership.Role(wanted)
            changes.set_role(user=of.user, account=of.account, role=role, origin=origin, now=now)
            said = format_html("<bdi>{}</bdi> is now {}.", of.user, role.label.lower())
    except PersonRefused as exc:
        messages.error(request, str(exc))
    else:
        messages.success(request, said)


class GraveAct(NamedTuple):
    """What an administrator does to a person's whole account, and how its page words it."""

    title: str
    question: str
    button: str
    done: str
    do: Callable[..., object]


_GRAVE = {
    "factor": GraveAct(
        "Reset the second factor",
        "Their second factor and recovery codes are removed and their sessions end. They sign in "
        "with their password alone until they set up another one, and are told by mail. Make sure "
        "that it is really they who asked.",
        "Reset it",
        "The second factor of <bdi>{}</bdi> is reset.",
        changes.reset_factor,
    ),
    "close": GraveAct(
        "Close the account",
        "For somebody who leaves: their sessions, their single sign-on and the links in their "
        "mails end at once, and they get no more mail. Their roles stay; you can reopen the "
        "account.",
        "Close it",
        "The account of <bdi>{}</bdi> is closed.",
        changes.close,
    ),
    "reopen": GraveAct(
        "Reopen the account",
        "They can sign in again with the roles that they had. Their old password does not work: "
        "they get an invitation that lets them choose one.",
        "Reopen it",
        "The account of <bdi>{}</bdi> is open again.",
        changes.reopen,
    ),
    "delete": GraveAct(
        "Delete the person",
        "Their name, address, roles, mails and saved views are deleted for good. What they did "
        "stays, under “Deleted person”; the audit log keeps the name that they had.",
        "Delete for good",
        "<bdi>{}</bdi> is deleted.",
        changes.delete,
    ),
}


@requires(Permission.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def person_act(request: HttpRequest, pk: int, membership: int, act: str) -> HttpResponse:
    """Ask once, then reset a second factor, close, reopen or delete somebody's account."""
    require_administrator(request, pk)
    people_here = Membership.objects.select_related("user", "account").exclude(
        role=Membership.Role.MAIL
    )
    of = get_object_or_404(people_here, pk=membership, account=pk)
    if act not in _GRAVE:
        raise Http404
    grave = _GRAVE[act]
    try:
        changes.require_full_administrator(by=signed_in(request), user=of.user)
    except PersonRefused as exc:
        messages.error(request, str(exc))
        return redirect("people", pk)
    if request.method == "POST":
        answer: HttpResponse = _act(request, of, grave)
        return answer
    return render(
        request,
        "connections/person_action.html",
        {"of": of, "connection": of.account, "act": grave},
    )


@proof_required
def _act(request: HttpRequest, of: Membership, grave: GraveAct) -> HttpResponse:
    """Do it, by somebody who has just shown once more who they are."""
    name, origin, now = str(of.user), audit.origin_of(request), timezone.now()
    try:
        with transaction.atomic():
            changed = grave.do(user=of.user, origin=origin, now=now) is not False
            if changed:
                _tell(request, of, grave)
    except PersonRefused as exc:
        messages.error(request, str(exc))
    else:
        done = format_html(grave.done, name)
        messages.success(request, done if changed else "There was nothing left to do.")
    return redirect("people", of.account_id)


def _tell(request: HttpRequest, of: Membership, grave: GraveAct) -> None:
    """Mail to the person what concerns how they sign in."""
    user = User.objects.get(pk=of.user_id)
    if grave is _GRAVE["factor"]:
        security.notify_two_factor_reset(user=user, by=str(request.user), now=timezone.now())
    elif grave is _GRAVE["reopen"]:
        of.user = user
        _invite(request, of)
