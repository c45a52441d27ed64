"""The forms of rules and of recipients."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import QueryDict

from dashboard.alerts.recipients.settings import ROLES, RecipientChoice
from dashboard.alerts.rules.settings import Effective, clean_settings
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.fielding.models import Membership
from dashboard.web.formatting import numbers
from dashboard.web.formatting.typed_numbers import TypedFloatField
from dashboard.web.http.ticks import TickBox

SEVERITIES = [(CRITICAL, "Critical"), (WARNING, "Warning"), (NOTICE, "Notice")]
MAIL = [
    ("now", "As each recipient has chosen"),
    ("digest", "Only in the digest"),
]
DELAYS = {
    "for_minutes": "Alert after {} minutes",
    "keep_minutes": "Resolve after {} minutes",
}
MAX_ADDRESSES = 20
Settings = dict[str, Any]  # a rule's settings as JSON: numbers, and the texts of a few


def is_share(effective: Effective, name: str) -> bool:
    """Return whether a setting is a share, which people read and type in %."""
    return name not in DELAYS and effective.rule.thresholds[name].is_share


def sentence_of(effective: Effective, name: str) -> str:
    """Return the sentence of a threshold or delay of a rule, with {} for its number."""
    return DELAYS[name] if name in DELAYS else effective.rule.thresholds[name].sentence


def format_setting(effective: Effective, name: str) -> str:
    """Return a setting of a rule as a person reads and types it."""
    return format_threshold(effective, name, effective.settings[name])


def format_threshold(effective: Effective, name: str, number: float) -> str:
    """Return a number as a setting of this rule, shares in %."""
    is_percent = is_share(effective, name)
    return numbers.typed_amount(Decimal(str(round(number * 100 if is_percent else number, 6))))


class RuleForm(forms.Form):
    """The settings of a rule in a scope; only those that differ from the wider scope are stored."""

    enabled = forms.BooleanField(label="Enabled", required=False, widget=TickBox)

    def __init__(
        self, effective: Effective, outer: Effective, data: QueryDict | None = None
    ) -> None:
        self.outer, self.effective = outer, effective
        initial: dict[str, object] = {"enabled": effective.enabled, "severity": effective.severity}
        initial["mail"] = "digest" if effective.in_digest else "now"
        initial |= {name: format_setting(effective, name) for name in effective.settings}
        super().__init__(data, initial=initial)
        for name in effective.settings:
            self.fields[name] = self._threshold_field(name)
        self.fields["severity"] = forms.TypedChoiceField(
            label="Severity", choices=SEVERITIES, coerce=int
        )
        self.fields["mail"] = forms.ChoiceField(label="Email", choices=MAIL)

    def _threshold_field(self, name: str) -> TypedFloatField:
        blank = "… %" if is_share(self.effective, name) else "…"
        label = sentence_of(self.effective, name).format(blank)
        default = format_threshold(self.outer, name, self.outer.settings[name])
        help_text = f"Default: {default}"
        return TypedFloatField(label=label, min_value=0, help_text=help_text)

    def clean(self) -> dict[str, Any]:
        """Check the settings; an error is shown at the field that caused it."""
        data: dict[str, Any] = super().clean() or {}  # Django's own type
        if not self.errors:
            try:
                clean_settings(self.effective.rule.code, self.settings(data))
            except ValueError as exc:
                name, _, message = str(exc).partition(": ")
                self.add_error(
                    name if name in self.fields else None, f"{message[:1].upper()}{message[1:]}."
                )
        return data

    def settings(self, data: Mapping[str, Any]) -> Settings:
        """Return all settings of the rule, as they are stored."""
        thresholds = {
            name: data[name] / 100 if is_share(self.effective, name) else data[name]
            for name in self.effective.settings
        }
        return thresholds | {"severity": data["severity"], "mail": data["mail"]}

    def changed_settings(self) -> Settings:
        """Return the settings that differ from the wider scope: only they are stored."""
        outer: dict[str, object] = dict(self.outer.settings) | {
            "severity": self.outer.severity,
            "mail": "digest" if self.outer.in_digest else "now",
        }
        settings = self.settings(self.cleaned_data)
        return {
            name: value for name, value in settings.items() if not _is_equal(value, outer[name])
        }


def _is_equal(value: object, other: object) -> bool:
    if isinstance(value, float) and isinstance(other, (int, float)):
        return abs(value - other) < 1e-9
    return bool(value == other)


class RecipientsForm(forms.Form):
    """The recipients of a scope's alerts."""

    managers = forms.BooleanField(
        label="The group's project manager",
        required=False,
        widget=TickBox,
        help_text="Matched by exchange user; falls back to the project's PM, then all editors.",
    )
    roles = forms.MultipleChoiceField(
        label="Also notify all",
        required=False,
        choices=[(role.value, Membership.Role(role).label) for role in ROLES],
        widget=forms.CheckboxSelectMultiple,
    )
    addresses = forms.CharField(
        label="Additional email addresses (one per line)",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Email only, no sign-in.",
    )

    @classmethod
    def initial_for(cls, choice: RecipientChoice) -> dict[str, object]:
        """Return the initial values of the form."""
        addresses = "\n".join(choice.addresses)
        return {"managers": choice.managers, "roles": choice.roles, "addresses": addresses}

    def clean_addresses(self) -> tuple[str, ...]:
        """Return the addresses in lower case, without duplicates."""
        lines = str(self.cleaned_data["addresses"]).replace(",", "\n").split("\n")
        addresses = tuple(
            dict.fromkeys(address.strip().lower() for address in lines if address.strip())
        )
        if len(addresses) > MAX_ADDRESSES:
            raise ValidationError(
                f"At most {MAX_ADDRESSES} addresses; use a mailing list for more."
            )
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError as exc:
                raise ValidationError(f"{address} is not an email address.") from exc
        return addresses

    def choice(self) -> RecipientChoice:
        """Return the chosen recipients."""
        data = self.cleaned_data
        return RecipientChoice(data["managers"], tuple(data["roles"]), data["addresses"])
