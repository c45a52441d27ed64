"""The form of a person's notification settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils.html import format_html

from dashboard.alerts.mail.about import About, OwnGroups
from dashboard.alerts.text import format_count
from dashboard.fielding.models import MailPreferences, Project, User

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
EVERY_DAY = "1234567"
Now = MailPreferences.Now
ONLY_COMMON = "only alerts about whole connections and about unconfirmed changes reach you"


class WeekdayField(forms.MultipleChoiceField):
    """Weekdays to tick; the value is their ISO numbers, such as "67"."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, label: str, help_text: str = "") -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            choices=[(str(number), day) for number, day in enumerate(DAYS, 1)],
        )

    def prepare_value(self, value: str | list[str] | None) -> list[str]:
        """Return the days to tick, as stored or as typed."""
        return list(value or ())

    def clean(self, value: list[str]) -> str:
        """Return the days as they are stored."""
        return "".join(sorted(set(super().clean(value))))


class ProjectsField(forms.TypedMultipleChoiceField):
    """Projects to tick among those that a person may see; the value is a list of their ids."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, user: User, chosen: Collection[int]) -> None:
        """Offer the projects that were chosen before, then the others that Cint lists."""
        offered = Q(missing_since=None) | Q(pk__in=[*chosen])
        rows = Project.objects.visible_to(user).filter(offered).order_by("name", "pk")
        named = sorted(rows.values_list("pk", "name"), key=lambda row: row[0] not in chosen)
        choices = [(pk, format_html("<bdi>{}</bdi>", name)) for pk, name in named]
        super().__init__(label="Projects", required=False, coerce=int, choices=choices)
        self.offered = {str(pk) for pk, _ in choices}


class MailPreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What emails are about, which come immediately, digest, quiet hours and days.

    All times are on the person's clock.
    """

    digest_days = WeekdayField("Days")
    quiet_days = WeekdayField("Quiet days", "No immediate emails on these days.")

    class Meta:
        """The columns of the form."""

        model = MailPreferences
        fields = (
            "about",
            "chosen_projects",
            "now",
            "recoveries_now",
            "digest",
            "digest_days",
            "digest_at",
            "quiet_from",
            "quiet_until",
            "quiet_days",
            "quiet_critical",
        )
        labels = {
            "about": "Emails are about",
            "now": "Email immediately for",
            "recoveries_now": "Also email when resolved",
            "digest": "Daily digest",
            "digest_at": "Time",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "quiet_critical": "Also for critical alerts",
        }
        help_texts = {
            "now": (
                "Critical: a group stands still where an hour counts. "
                "Everything else goes into the digest."
            ),
            "quiet_until": "Set both to the same time to switch quiet hours off.",
            "quiet_critical": (
                "Otherwise critical alerts are emailed at any hour, also on quiet days."
            ),
        }
        widgets = {"about": forms.RadioSelect}

    def __init__(self, data: QueryDict | None, *, instance: MailPreferences) -> None:
        super().__init__(data, instance=instance)
        self.projects = ProjectsField(instance.user, instance.chosen_projects)
        self.fields["chosen_projects"] = self.projects
        for name in ("digest_at", "quiet_from", "quiet_until"):
            self.fields[name].widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def count_chosen(self) -> int:
        """Return how many of the offered projects are ticked."""
        ticked = self["chosen_projects"].value() or ()
        return len(self.projects.offered & {str(value) for value in ticked})

    def clean(self) -> dict[str, object]:
        """Require projects where they are chosen, a day for the digest, and a day without quiet."""
        data: dict[str, Any] = super().clean() or {}  # Django's own type
        if data.get("about") == About.CHOSEN and data.get("chosen_projects") == []:
            self.add_error("chosen_projects", ValidationError("Choose at least one project."))
        if data.get("digest") and data.get("digest_days") == "":
            self.add_error(
                "digest_days", ValidationError("Choose at least one day, or switch the digest off.")
            )
        if data.get("quiet_days") == EVERY_DAY and _can_be_held(data):
            self.add_error(
                "quiet_days",
                ValidationError(
                    "Leave at least one day without quiet, or choose “nothing” at “Email "
                    "immediately for”: everything then goes into the digest."
                ),
            )
        return data


def _can_be_held(data: dict[str, Any]) -> bool:
    """Return whether quiet days hold anything back that is to be mailed immediately."""
    wanted = data.get("now", Now.NOTHING)
    return bool(wanted > Now.CRITICAL or (wanted == Now.CRITICAL and data.get("quiet_critical")))


def describe_coverage(own: OwnGroups, form: MailPreferencesForm) -> list[tuple[object, str, bool]]:
    """Return each choice of what emails are about: its button, what it covers, whether nothing.

    The buttons are Django's own.
    """
    chosen = form.count_chosen()
    covered = {
        About.GROUPS: (
            own.groups,
            f"{format_count(own.groups, 'open group')}: those that you manage, those that fall to "
            "you because their manager is no user here, and what is assigned to you",
            f"No open group is yours at the moment: {ONLY_COMMON}.",
        ),
        About.PROJECTS: (
            own.projects,
            f"{format_count(own.projects, 'open group')}: all of your projects, and your own "
            "groups in others",
            f"No open group is in a project of yours at the moment: {ONLY_COMMON}.",
        ),
        About.CHOSEN: (
            chosen or form.instance.about != About.CHOSEN,
            "Only the projects that you tick",
            f"No project is chosen: {ONLY_COMMON}.",
        ),
        About.EVERYTHING: (
            1,
            "Everything that you are a recipient of, as set under Alerts → Recipients",
            "",
        ),
    }
    return [
        (button, text if count else warning, not count)
        for button, (count, text, warning) in zip(form["about"], covered.values(), strict=True)
    ]
