"""What a person wants by mail and when, as a form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.fielding.models import MailPreferences

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class MailChoiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """At once, digest, quiet hours; all hours are the person's own."""

    digest_days = forms.MultipleChoiceField(
        label="Digest on",
        required=False,
        choices=[(str(number), day) for number, day in enumerate(DAYS, 1)],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        """The columns."""

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
            "now": "At once",
            "recoveries_now": "Also at once when it is over",
            "digest": "A daily digest",
            "digest_at": "Digest at",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "quiet_weekends": "Quiet at weekends",
        }
        help_texts = {
            "now": "What is not mailed at once waits for the digest.",
            "quiet_until": "What is critical is mailed at any hour. Two equal hours: never quiet.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["digest_days"] = list(self.instance.digest_days)
        for name in ("digest_at", "quiet_from", "quiet_until"):
            self.fields[name].widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def clean_digest_days(self) -> str:
        """The days as the row holds them."""
        return "".join(sorted(self.cleaned_data["digest_days"]))

    def clean(self) -> dict[str, Any]:
        """A digest without a day would never come."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("digest") and not data.get("digest_days"):
            self.add_error("digest_days", ValidationError("Choose a day, or no digest."))
        return data
