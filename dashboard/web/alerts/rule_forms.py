"""The forms of rules and of who is told."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from dashboard.alerts.recipients.settings import ROLES, RecipientChoice
from dashboard.alerts.rules.settings import Effective, clean_settings
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.fielding.models import Membership
from dashboard.web.formatting import numbers as figures
from dashboard.web.http.ticks import TickBox

SEVERITIES = [(CRITICAL, "Critical"), (WARNING, "Warning"), (NOTICE, "Notice")]
MAIL = [("now", "At once, to those who want its severity at once"), ("digest", "In the digest")]
DELAYS = {
    "for_minutes": "Alert after (minutes)",
    "keep_minutes": "Resolve after (minutes)",
}
MOST_ADDRESSES = 20


def is_share(chosen: Effective, name: str) -> bool:
    """Return whether a number is a share, which a person reads and writes in %."""
    return name not in DELAYS and chosen.rule.thresholds[name].is_share


def label_of(chosen: Effective, name: str) -> str:
    """Return the label of a number of a rule."""
    return DELAYS[name] if name in DELAYS else chosen.rule.thresholds[name].label


def number_to_type(chosen: Effective, name: str) -> str:
    """A number as a person reads and writes it."""
    return number_in_words(chosen, name, chosen.settings[name])


def number_in_words(chosen: Effective, name: str, number: float) -> str:
    """A number of this rule as a person reads it: shares in %."""
    number = number * 100 if is_share(chosen, name) else number
    return figures.typed_amount(Decimal(str(round(number, 6))))


class RuleForm(forms.Form):
    """The numbers of one rule where it holds; what is left as it was is not stored."""

    enabled = forms.BooleanField(label="This rule is on", required=False, widget=TickBox)

    def __init__(self, chosen: Effective, outer: Effective, given: Any = None) -> None:
        self.outer, self.chosen = outer, chosen
        start: dict[str, Any] = {"enabled": chosen.enabled, "severity": chosen.severity}
        start["mail"] = "digest" if chosen.in_digest else "now"
        start |= {name: number_to_type(chosen, name) for name in chosen.settings}
        super().__init__(given, initial=start)
        for name in chosen.settings:
            self.fields[name] = self._number(name)
        self.fields["severity"] = forms.TypedChoiceField(
            label="Severity", choices=SEVERITIES, coerce=int
        )
        self.fields["mail"] = forms.ChoiceField(label="Mail", choices=MAIL)

    def _number(self, name: str) -> forms.FloatField:
        unit = " (%)" if is_share(self.chosen, name) else ""
        label = label_of(self.chosen, name) + unit
        usual = number_in_words(self.outer, name, self.outer.settings[name])
        told = f"unless changed here: {usual}"
        field = forms.FloatField(label=label, min_value=0, help_text=told)
        field.widget.attrs = {"inputmode": "decimal", "step": "any"}
        return field

    def clean(self) -> dict[str, Any]:
        """Numbers that the rule can take, said at the one that it cannot."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                clean_settings(self.chosen.rule.code, self.settings(data))
            except ValueError as exc:
                name, _, why = str(exc).partition(": ")
                self.add_error(
                    name if name in self.fields else None, f"{why[:1].upper()}{why[1:]}."
                )
        return data

    def settings(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """All of the rule's numbers, as it stores them."""
        numbers = {
            name: data[name] / 100 if is_share(self.chosen, name) else data[name]
            for name in self.chosen.settings
        }
        return numbers | {"severity": data["severity"], "mail": data["mail"]}

    def different(self) -> dict[str, Any]:
        """What differs from the wider scope: only that is stored here."""
        outer: dict[str, Any] = dict(self.outer.settings) | {
            "severity": self.outer.severity,
            "mail": "digest" if self.outer.in_digest else "now",
        }
        given = self.settings(self.cleaned_data)
        return {name: value for name, value in given.items() if not _same(value, outer[name])}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return abs(one - other) < 1e-9
    return bool(one == other)


class RecipientsForm(forms.Form):
    """Who is told."""

    managers = forms.BooleanField(
        label="Whoever manages the group",
        required=False,
        widget=TickBox,
        help_text="By their exchange user; without one the project's, then all who may edit.",
    )
    roles = forms.MultipleChoiceField(
        label="Everybody who is",
        required=False,
        choices=[(one.value, Membership.Role(one).label) for one in ROLES],
        widget=forms.CheckboxSelectMultiple,
    )
    addresses = forms.CharField(
        label="Further addresses, one a line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="They get mail and cannot sign in.",
    )

    @classmethod
    def showing(cls, choice: RecipientChoice) -> dict[str, Any]:
        """What the form starts with."""
        addresses = "\n".join(choice.addresses)
        return {"managers": choice.managers, "roles": choice.roles, "addresses": addresses}

    def clean_addresses(self) -> tuple[str, ...]:
        """Addresses in lower case, each once."""
        given = str(self.cleaned_data["addresses"]).replace(",", "\n").split("\n")
        found = tuple(dict.fromkeys(one.strip().lower() for one in given if one.strip()))
        if len(found) > MOST_ADDRESSES:
            raise ValidationError(f"At most {MOST_ADDRESSES}; a mailing list takes more.")
        for one in found:
            try:
                validate_email(one)
            except ValidationError as exc:
                raise ValidationError(f"{one} is not an address.") from exc
        return found

    def choice(self) -> RecipientChoice:
        """What was chosen."""
        data = self.cleaned_data
        return RecipientChoice(data["managers"], tuple(data["roles"]), data["addresses"])
