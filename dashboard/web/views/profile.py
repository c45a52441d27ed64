"""My account: name, time zone, theme, exchange user, password."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.fielding.models import AuditKind, ExchangeUser, Membership, User
from dashboard.fielding.models.querysets.rows import ExchangeUserQuerySet
from dashboard.web.auth import audit, backends, sessions
from dashboard.web.auth.permissions import Permission, current_user, memberships_of, requires


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """The settings that people change themselves."""

    time_zone = forms.ChoiceField(label="Time zone")
    density = forms.ChoiceField(label="Rows of tables", choices=User.Density, required=False)

    class Meta:
        """The columns."""

        model = User
        fields = ("first_name", "last_name", "time_zone", "theme", "density")

    def __init__(self, data: QueryDict | None, *, instance: User) -> None:
        super().__init__(data, instance=instance)
        zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
        self.fields["time_zone"].choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]

    def clean_density(self) -> str:
        """Return the choice; without one it stays as it is."""
        density: str = self.cleaned_data["density"]
        return density or self.instance.density


class ExchangeUserForm(forms.Form):
    """The person's exchange user on each of their accounts."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        memberships: Iterable[Membership],
        names: Iterable[ExchangeUser],
    ) -> None:
        super().__init__(data)
        self.by_field = {f"on_{membership.account_id}": membership for membership in memberships}
        choices: dict[str, list[tuple[str, str]]] = {}
        for name in sorted(names, key=lambda name: str(name).casefold()):
            label = f"{name} ({name.email})" if name.email and name.name else str(name)
            choices.setdefault(f"on_{name.account_id}", []).append((name.exchange_id, label))
        for key, membership in self.by_field.items():
            self.fields[key] = forms.ChoiceField(
                choices=[("", "Not linked"), *choices.get(key, [])],
                label=f"Exchange user on “{membership.account.name}”",
                required=False,
                initial=membership.exchange_user_id,
            )

    def save(self) -> None:
        """Save the changed choices."""
        for key, membership in self.by_field.items():
            if key in self.changed_data:
                membership.exchange_user_id = self.cleaned_data[key]
                membership.save(update_fields=["exchange_user_id"])


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def profile_page(request: HttpRequest) -> HttpResponse:
    """Show the profile with its accounts; POST saves it."""
    roles = list(memberships_of(request).values())
    names = ExchangeUserQuerySet(ExchangeUser).visible_to(current_user(request))
    previous_name = str(current_user(request))
    form = ProfileForm(request.POST or None, instance=current_user(request))
    exchange_form = ExchangeUserForm(request.POST or None, memberships=roles, names=names)
    if request.method == "POST" and form.is_valid() and exchange_form.is_valid():
        renamed = bool({"first_name", "last_name"} & set(form.changed_data))
        with transaction.atomic():
            form.save()
            exchange_form.save()
            if renamed:
                audit.record(request, AuditKind.NAME_CHANGED, details={"before": previous_name})
        messages.success(request, "Saved.")
        return redirect("me")
    context = {"form": form, "who": exchange_form, "roles": roles, "sso": bool(settings.OIDC_URL)}
    return render(request, "account/profile.html", context)


@requires(Permission.SIGNED_IN)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password; the person's other sessions end."""
    if not backends.may_use_password(current_user(request)):
        messages.error(request, backends.SSO_ONLY)
        return redirect("me")
    form = backends.NewPasswordForm(current_user(request), request.POST or None)
    form.fields["old_password"].label = "Current password"
    form.fields["new_password1"].help_text = backends.PASSWORD_HINT
    form.fields["new_password2"].label, form.fields["new_password2"].help_text = (
        "Repeat new password",
        "",
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            update_session_auth_hash(request, form.save())
            sessions.record_session(request)
            backends.Accounts(request).send_notification_mail(
                "account/email/password_changed", current_user(request)
            )
        messages.success(request, "Password changed. Your other sessions have ended.")
        return redirect("me")
    return render(request, "account/password.html", {"form": form})
