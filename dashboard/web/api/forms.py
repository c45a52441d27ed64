"""The forms of *API tokens* and *Calendar*."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.fielding.domain.text import breaks_line
from dashboard.fielding.models import AccessToken
from dashboard.fielding.models.sharing.access_token import TOKEN_NAME_LENGTH

TOKEN_DAYS = {"30": "30 days", "90": "90 days", "180": "180 days", "365": "One year"}
UNFIT = "A name cannot contain line breaks or other control characters."


class TokenNameForm(forms.Form):
    """What every token has: a name, and the mark of the form that creates it."""

    name = forms.CharField(
        label="Name",
        max_length=TOKEN_NAME_LENGTH,
        error_messages={
            "required": "Enter a name, such as the program that uses it.",
            "max_length": f"A name has at most {TOKEN_NAME_LENGTH} characters.",
        },
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean_name(self) -> str:
        """Return the name, on one line."""
        name = str(self.cleaned_data["name"])
        if breaks_line(name):
            raise ValidationError(UNFIT)
        return name


class ApiTokenForm(TokenNameForm):
    """A token for the API: what it may read, and for how long."""

    scopes = forms.MultipleChoiceField(
        label="May read",
        choices=AccessToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=(
            "Fieldwork: projects, groups, completes, alerts, to-do items and changes. Spend: CPIs, "
            "costs, budgets and margins."
        ),
        error_messages={"required": "Choose at least one."},
    )
    days = forms.ChoiceField(
        label="Works for",
        choices=list(TOKEN_DAYS.items()),
        initial="90",
        error_messages={"invalid_choice": "Choose 30, 90, 180 or 365 days."},
    )
    field_order = ("name", "scopes", "days", "token")


class CalendarForm(TokenNameForm):
    """A calendar address: of which groups and projects."""

    only_mine = forms.TypedChoiceField(
        label="Shows",
        choices=[("", "All projects and groups"), ("mine", "Mine")],
        coerce=lambda value: value == "mine",
        required=False,
        help_text="Mine: those that your exchange user manages. Set it under My account.",
    )
    field_order = ("name", "only_mine", "token")

    # Any: the signature is Django's own.
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        required = self.fields["name"].error_messages
        required["required"] = "Enter a name, such as the calendar that reads it."
