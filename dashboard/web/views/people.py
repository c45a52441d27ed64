"""People and roles on an exchange account, for its administrators."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.fielding.models import ExchangeAccount, Membership, User
from dashboard.web import signin
from dashboard.web.access import Rule, require_administrator, rule

LAST = "This is the last administrator; make somebody else one first."


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
        if User.objects.filter(email__iexact=email, is_active=False).exists():
            raise ValidationError("Nobody can sign in with this address: it only gets mail.")
        return email

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


@rule(Rule.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is on the account, and a form that invites."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    form = Invitation(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _invite(request, form.save())
        except IntegrityError:
            messages.error(request, "Somebody invited this person at the same moment.")
        return redirect("people", pk)
    rows = account.memberships.select_related("user").order_by("user__username")
    names = dict(account.exchange_users.values_list("exchange_id", "name"))
    shown = [(row, names.get(row.exchange_user_id, "")) for row in rows]
    context = {
        "connection": account,
        "rows": shown,
        "form": form,
        "roles": Membership.Role.of_people(),
    }
    return render(request, "people.html", context)


def _invite(request: HttpRequest, membership: Membership) -> None:
    role = Membership.Role(membership.role).label.lower()
    signin.invite(request, membership.user, role=role, connection=membership.account.name)
    messages.success(request, f"{membership.user.email} was invited as {role}.")


@rule(Rule.ADMINISTRATOR)
@require_POST
def person(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """Change somebody's role, take them off, or mail the invitation again."""
    require_administrator(request, pk)
    of = get_object_or_404(Membership.objects.select_related("user", "account"), pk=membership)
    get_object_or_404(ExchangeAccount, pk=pk, memberships=of)
    if of.role == Membership.Role.MAIL:
        raise Http404
    wanted = request.POST.get("do", "")
    if wanted == "invite":
        _invite(request, of)
    elif wanted == "remove" or wanted in dict(Membership.Role.of_people()):
        _change(request, of, wanted)
    return redirect("people", pk)


@transaction.atomic
def _change(request: HttpRequest, of: Membership, wanted: str) -> None:
    """Never the last administrator of an account."""
    rows = Membership.objects.select_for_update().filter(account=of.account_id)
    others = [row for row in rows if row.may_administer and row.pk != of.pk]
    if of.may_administer and wanted != Membership.Role.ADMINISTRATOR and not others:
        messages.error(request, LAST)
    elif wanted == "remove":
        of.delete()
        said = "<bdi>{}</bdi> is no longer on <bdi>{}</bdi>."
        messages.success(request, format_html(said, of.user, of.account))
    else:
        of.role = cast("Membership.Role", wanted)
        of.save(update_fields=["role"])
        said = format_html("<bdi>{}</bdi> is now {}.", of.user, of.get_role_display().lower())
        messages.success(request, said)
