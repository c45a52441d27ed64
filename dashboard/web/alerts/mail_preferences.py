"""The form of a person's notification settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from dashboard.fielding.models import MailPreferences

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class MailPreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Immediate emails, digest, quiet hours; all times are on the person's clock."""

    digest_days = forms.MultipleChoiceField(
        label="Days",
        required=False,
        choices=[(str(number), day) for number, day in enumerate(DAYS, 1)],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        """The columns of the form."""

        model = MailPreferences
        fields = (
            "now",
            "recoveries_now",
            "digest",
            "digest_days",
            "digest_at",
            "quiet_from",
            "quiet_until",
            "quiet_weekends",
        )
        labels = {
            "now": "Email immediately for",
            "recoveries_now": "Also email when resolved",
            "digest": "Daily digest",
            "digest_at": "Time",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "quiet_weekends": "Quiet at weekends",
        }
        help_texts = {
            "now": (
                "Critical: a group stands still where an hour counts. "
                "Everything else goes into the digest."
            ),
            "quiet_until": (
                "Critical alerts ignore quiet hours. "
                "Set both to the same time to switch quiet hours off."
            ),
        }

    def __init__(self, data: QueryDict | None, *, instance: MailPreferences) -> None:
        super().__init__(data, instance=instance)
        self.initial["digest_days"] = list(self.instance.digest_days)
        for name in ("digest_at", "quiet_from", "quiet_until"):
            self.fields[name].widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def clean_digest_days(self) -> str:
        """Return the days as they are stored: "12345"."""
        return "".join(sorted(self.cleaned_data["digest_days"]))

    def clean(self) -> dict[str, object]:
        """Require a day for the digest."""
        data: dict[str, Any] = super().clean() or {}  # Django's own type
        if data.get("digest") and not data.get("digest_days"):
            self.add_error(
                "digest_days", ValidationError("Choose at least one day, or switch the digest off.")
            )
        return data
