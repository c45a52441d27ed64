"""The forms of *Share status*: what is shared, for how long a link works, who gets emails."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from dashboard.fielding.domain.text import breaks_line, one_line
from dashboard.fielding.models import SharedStatus, StatusSchedule
from dashboard.web.alerts.mail_preferences import WeekdayField

MOST_ADDRESSES = 20
LINK_DAYS = {"7": "7 days", "30": "30 days", "90": "90 days"}
UNFIT = "This contains control characters. Type it again."


class StatusOptionsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Title, closing line, and the parts that a client sees."""

    class Meta:
        """The columns of the form."""

        model = SharedStatus
        fields = (
            "title",
            "shows_projection",
            "shows_chart",
            "shows_countries",
            "shows_groups",
            "closing",
        )
        labels = {
            "title": "Title",
            "closing": "Closing line",
            "shows_projection": "Projection",
            "shows_chart": "Chart",
            "shows_countries": "Countries",
            "shows_groups": "Groups by name",
        }
        help_texts = {
            "title": "Leave empty for the name of the project.",
            "closing": "Shown below the figures, such as whom to ask.",
            "shows_projection": "Projected completes, their range, and late groups.",
            "shows_groups": "Clients read the names of groups as they are on Cint.",
        }
        widgets = {"closing": forms.Textarea(attrs={"rows": 3})}

    # Any: the signature is Django's own.
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.project is not None:
            self.fields["title"].widget.attrs["placeholder"] = self.instance.project.name

    def clean_title(self) -> str:
        """Return the title on one line; a selection needs one."""
        title = str(self.cleaned_data["title"]).strip()
        if breaks_line(title):
            raise ValidationError(UNFIT)
        if not title and self.instance.project_id is None:
            raise ValidationError("Enter a title: a selection of groups has no name.")
        return title

    def clean_closing(self) -> str:
        """Return the closing text, of at most a few lines."""
        lines = str(self.cleaned_data["closing"]).strip().splitlines()
        if any(breaks_line(line) for line in lines):
            raise ValidationError(UNFIT)
        return "\n".join(lines)


class StatusLinkForm(forms.Form):
    """How long a new link works."""

    days = forms.ChoiceField(
        label="Works for",
        choices=list(LINK_DAYS.items()),
        error_messages={"invalid_choice": "Choose 7, 30 or 90 days."},
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)


class AddressesField(forms.CharField):
    """Email addresses, one a line or separated by commas; the value is a list in lower case."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def clean(self, value: str) -> list[str]:
        """Return each address once; ValidationError names the first that is none."""
        texts = [text for text in re.split(r"[\s,;]+", super().clean(value)) if text]
        addresses = list(dict.fromkeys(text.lower() for text in texts))
        if len(addresses) > MOST_ADDRESSES:
            raise ValidationError(
                f"Enter at most {MOST_ADDRESSES} addresses; these are {len(addresses)}."
            )
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError as exc:
                raise ValidationError(
                    f"“{one_line(address)[:60]}” is not an email address."
                ) from exc
        return addresses


class StatusScheduleForm(forms.Form):
    """To whom a status is emailed, and when."""

    addresses = AddressesField(
        label="Email addresses",
        help_text=f"At most {MOST_ADDRESSES}, one a line. Each gets an email of its own.",
        error_messages={"required": "Enter an email address."},
        max_length=6000,
    )
    days = WeekdayField("Days")
    at = forms.TimeField(
        label="Time",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Enter a time as in 09:00.", "required": "Enter a time."},
    )

    def clean_days(self) -> str:
        """Return the ISO weekdays; at least one."""
        days = str(self.cleaned_data["days"])
        if not days:
            raise ValidationError("Choose a day.")
        return days

    def refuse_unsubscribed(self, schedule: StatusSchedule | None) -> bool:
        """Add an error for addresses that unsubscribed; return whether there are any."""
        if schedule is None:
            return False
        stopped = schedule.addresses.filter(
            address__in=self.cleaned_data["addresses"], stopped_at__isnull=False
        )
        names = ", ".join(stopped.order_by("address").values_list("address", flat=True))
        if names:
            self.add_error("addresses", f"Remove {names}: unsubscribed from this status.")
        return bool(names)
