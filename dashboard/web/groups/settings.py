"""The settings of a group as last read, and the forms that change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.urls import reverse

from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Change, TargetGroup, User
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import Form, Value
from dashboard.web.formatting import numbers, times


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, with the form that changes it."""

    kind: str  # the form's name
    label: str
    value: str
    note: str
    offered: bool


class Quick(NamedTuple):
    """A shortcut to a form, as empty as it is or filled in already."""

    id: str
    word: str
    address: str


def quick_changes(group: TargetGroup) -> list[Quick]:
    """Return the shortcuts of the page's header; none for a completed group."""
    if group.status == "completed":
        return []
    changes = []
    if not form_messages.not_offered(group, FORMS["cpi"]):
        changes.append(Quick("cpi", "Change CPI", reverse("edit", args=[group.pk, "cpi"])))
    if group.ends_at and not form_messages.not_offered(group, FORMS["dates"]):
        dates = reverse("edit", args=[group.pk, "dates"])
        changes.append(Quick("end", "Extend 24 h", f"{dates}?hours=24"))
    return changes


def settings_of(
    group: TargetGroup, user: User, names: Mapping[str, str], changes: Sequence[Change]
) -> list[Setting]:
    """Return the settings that can be changed, price first, from the newest changelog rows."""
    budget = (
        numbers.format_total(group.budget, group.currency)
        if group.budget is not None
        else "Not set"
    )
    manager = names.get(group.project_manager_id, "")
    # Settings that need more than the group, or have a note; other forms format their own.
    values_and_notes = {
        "cpi": (numbers.format_money(group.cpi, group.currency), _price_note(group)),
        "dates": _format_dates(group, user),
        "re_entry": (_format_re_entry(group), _re_entry_note(group)),
        "assistant": _format_assistant(group, changes),
        "project_manager": (manager or numbers.DASH, ""),
        "details": _format_details(group),
        "budget": (budget, "Fieldwatch only"),
        "time_zone": (times.zone_of(group).key, _zone_note(group)),
    }
    return [
        _setting(group, form, *values_and_notes.get(form.name, (form.current(group), "")))
        for form in FORMS.values()
    ]


def _setting(group: TargetGroup, form: Form[Value], value: str, note: str) -> Setting:
    offered = not form_messages.not_offered(group, form)
    if form.name == "re_entry" and group.re_entry_offered is False:
        offered = False
    return Setting(form.name, form.title, value, note, offered)


def _price_note(group: TargetGroup) -> str:
    if group.pricing_model == "rate_card":
        return "Set by the rate card"
    return "Limited by the fielding assistant" if group.is_pricing_restricted else ""


def _format_dates(group: TargetGroup, user: User) -> tuple[str, str]:
    """Return the end date in both zones, and the start date as a note."""
    end = times.time_for_person(group.ends_at, group, user)
    word = "from" if group.status == "scheduled" else "since"
    start = (
        f"{word} {times.time_for_person(group.starts_at, group, user)}" if group.starts_at else ""
    )
    return f"until {end}" if group.ends_at else numbers.DASH, start


def _format_details(group: TargetGroup) -> tuple[str, str]:
    loi = group.expected_loi_minutes
    text = f"LOI {numbers.DASH if loi is None else loi} min"
    text += f", IR {numbers.format_percent(group.expected_incidence_rate)}"
    return text, "Name, links, lockout, reference"


def _format_assistant(group: TargetGroup, changes: Sequence[Change]) -> tuple[str, str]:
    """Return which modules of the fielding assistant are on, from changelog and draft."""
    assistant_changes = [
        (change.occurred_at, change.kind, change.new)
        for change in changes
        if change.kind in assistant_modules.KINDS
    ]
    modules = assistant_modules.modules_of(assistant_changes, group.details)
    active = []
    if modules.soft_launch:
        share = numbers.format_percent(modules.soft_launch.share)
        active.append(f"soft launch of {share}")
    if modules.pacing:
        active.append(f"{modules.pacing.kind} pacing")
    if modules.cpi_limit is not None:
        active.append(f"CPI up to {numbers.format_money(modules.cpi_limit, group.currency)}")
    text = ", ".join(active) or "off (not checked yet)"
    return text[0].upper() + text[
        1:
    ], "Soft launch, pacing, quotas, dynamic CPI; loaded when opened"


def _zone_note(group: TargetGroup) -> str:
    if group.time_zone:
        return ""
    return "Country default" if group.country_code else "Country unknown"


def _re_entry_note(group: TargetGroup) -> str:
    return "" if group.re_entry_offered is not False else "Not available on this account"


def _format_re_entry(group: TargetGroup) -> str:
    """Return how many re-entry settings are allowed."""
    if not isinstance(group.re_entry, Mapping):
        return "Not loaded yet"
    cells = [
        value
        for sides in group.re_entry.values()
        if isinstance(sides, Mapping)
        for targets in sides.values()
        if isinstance(targets, Mapping)
        for value in targets.values()
    ]
    allowed = sum(map(bool, cells))
    return f"{allowed} of {len(cells)} re-entries allowed" if allowed else "No re-entry allowed"
