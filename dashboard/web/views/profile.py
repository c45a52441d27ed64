"""Who I am: name, time zone, theme, who I am on the exchange, password."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.fielding.models import AuditKind, ExchangeUser, Membership, User
from dashboard.fielding.models.querysets.rows import ExchangeUserQuerySet
from dashboard.web.auth import audit, backends, sessions
from dashboard.web.auth.permissions import Permission, current_user, memberships_of, requires


class MeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person may set about themselves."""

    time_zone = forms.ChoiceField(label="Time zone")

    class Meta:
        """The columns."""

        model = User
        fields = ("first_name", "last_name", "time_zone", "theme")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
        self.fields["time_zone"].choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]


class WhoForm(forms.Form):
    """Who the person is on the exchange: a choice for each account that they are on."""

    def __init__(self, *args: Any, of: Iterable[Membership], names: Iterable[ExchangeUser]) -> None:
        super().__init__(*args)
        self.of = {f"on_{one.account_id}": one for one in of}
        known: dict[str, list[tuple[str, str]]] = {}
        for name in sorted(names, key=lambda one: str(one).casefold()):
            said = f"{name} ({name.email})" if name.email and name.name else str(name)
            known.setdefault(f"on_{name.account_id}", []).append((name.exchange_id, said))
        for key, one in self.of.items():
            self.fields[key] = forms.ChoiceField(
                choices=[("", "Not said"), *known.get(key, [])],
                label=f"On {one.account.name} I am",
                required=False,
                initial=one.exchange_user_id,
            )

    def save(self) -> None:
        """Keep what changed."""
        for key, one in self.of.items():
            if key in self.changed_data:
                one.exchange_user_id = self.cleaned_data[key]
                one.save(update_fields=["exchange_user_id"])


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def profile_page(request: HttpRequest) -> HttpResponse:
    """Name, time zone, theme; who I am on the exchange, and which accounts I am on."""
    roles = list(memberships_of(request).values())
    names = ExchangeUserQuerySet(ExchangeUser).visible_to(current_user(request))
    before = str(current_user(request))
    form = MeForm(request.POST or None, instance=current_user(request))
    who = WhoForm(request.POST or None, of=roles, names=names)
    if request.method == "POST" and form.is_valid() and who.is_valid():
        renamed = bool({"first_name", "last_name"} & set(form.changed_data))
        with transaction.atomic():
            form.save()
            who.save()
            if renamed:
                audit.record(request, AuditKind.NAME_CHANGED, details={"before": before})
        messages.success(request, "Saved.")
        return redirect("me")
    context = {"form": form, "who": who, "roles": roles, "sso": bool(settings.OIDC_URL)}
    return render(request, "account/profile.html", context)


@requires(Permission.SIGNED_IN)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password; other sessions of the person end."""
    if not backends.may_use_password(current_user(request)):
        messages.error(request, backends.SSO_ONLY)
        return redirect("me")
    form = backends.NewPasswordForm(current_user(request), request.POST or None)
    form.fields["new_password1"].help_text = backends.ASKED
    form.fields["new_password2"].label, form.fields["new_password2"].help_text = "Once more", ""
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            update_session_auth_hash(request, form.save())
            sessions.record_session(request)
            backends.Accounts(request).send_notification_mail(
                "account/email/password_changed", current_user(request)
            )
        messages.success(request, "The password is changed. Other sessions of yours have ended.")
        return redirect("me")
    return render(request, "account/password.html", {"form": form})
