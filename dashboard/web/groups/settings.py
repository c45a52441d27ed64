"""The settings of a group as we last read them, and the forms that change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.urls import reverse

from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Change, TargetGroup, User
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms import FORMS, cpi
from dashboard.web.edits.forms.base import Form, Value
from dashboard.web.formatting import numbers, times


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, and the form that changes it."""

    kind: str  # the form's name
    label: str
    value: str
    note: str
    offered: bool


class Quick(NamedTuple):
    """A change that one click opens, filled in and with its cost; another click sends it."""

    id: str
    word: str
    address: str


def quick_changes(group: TargetGroup) -> list[Quick]:
    """The changes that are a click away on the strip; none where nobody is sought any more."""
    if group.status == "completed":
        return []
    found = []
    if not form_messages.not_offered(group, FORMS["cpi"]):
        price = reverse("edit", args=[group.pk, "cpi"])
        found += [Quick(f"cpi-{by}", f"CPI +{by} %", f"{price}?by={by}") for by in cpi.QUICK]
    if group.ends_at and not form_messages.not_offered(group, FORMS["dates"]):
        dates = reverse("edit", args=[group.pk, "dates"])
        found.append(Quick("end", "End +24 h", f"{dates}?hours=24"))
    return found


def settings_of(
    group: TargetGroup, user: User, names: Mapping[str, str], changes: Sequence[Change]
) -> list[Setting]:
    """What can be changed from here, price first. `changes`: the newest of its changelog."""
    budget = (
        numbers.format_total(group.budget, group.currency) if group.budget is not None else "none"
    )
    manager = names.get(group.project_manager_id, "")
    # What needs more than the group, or has a note; the other forms say it themselves.
    values_and_notes = {
        "cpi": (numbers.format_money(group.cpi, group.currency), _price(group)),
        "dates": _dates(group, user),
        "re_entry": (_re_entry(group), _no_re_entry(group)),
        "assistant": _assistant(group, changes),
        "project_manager": (manager or numbers.DASH, ""),
        "details": _details(group),
        "budget": (budget, "Ours; the exchange does not know it"),
        "time_zone": (times.zone_of(group).key, _zone(group)),
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


def _price(group: TargetGroup) -> str:
    if group.pricing_model == "rate_card":
        return "The rate card sets it"
    return "Limited by the fielding assistant" if group.is_pricing_restricted else ""


def _dates(group: TargetGroup, user: User) -> tuple[str, str]:
    """The end with the person's own time; the start beside it."""
    end = times.time_for_person(group.ends_at, group, user)
    word = "from" if group.status == "scheduled" else "since"
    start = (
        f"{word} {times.time_for_person(group.starts_at, group, user)}" if group.starts_at else ""
    )
    return f"until {end}" if group.ends_at else numbers.DASH, start


def _details(group: TargetGroup) -> tuple[str, str]:
    loi = group.expected_loi_minutes
    said = f"LOI {numbers.DASH if loi is None else loi} min"
    said += f", IR {numbers.format_percent(group.expected_incidence_rate)}"
    return said, "Name, links, lockout, reference"


def _assistant(group: TargetGroup, changes: Sequence[Change]) -> tuple[str, str]:
    """What of the fielding assistant is known to be on: its changelog tells, and its draft."""
    told = [
        (one.occurred_at, one.kind, one.new)
        for one in changes
        if one.kind in assistant_modules.KINDS
    ]
    known = assistant_modules.modules_of(told, group.details)
    on = []
    if known.soft_launch:
        on.append(f"soft launch of {known.soft_launch.share:.0%}".replace("%", " %"))
    if known.pacing:
        on.append(f"{known.pacing.kind} pacing")
    if known.cpi_limit is not None:
        on.append(f"CPI up to {numbers.format_money(known.cpi_limit, group.currency)}")
    said = ", ".join(on) or "nothing is on, as far as known"
    return said[0].upper() + said[1:], "Soft launch, pacing, quotas, price; read when opened"


def _zone(group: TargetGroup) -> str:
    if group.time_zone:
        return ""
    return "As for its country" if group.country_code else "Its country is not known"


def _no_re_entry(group: TargetGroup) -> str:
    return "" if group.re_entry_offered is not False else "Not offered by this exchange"


def _re_entry(group: TargetGroup) -> str:
    """How many cells of the re-entry grid are allowed."""
    if not isinstance(group.re_entry, Mapping):
        return "not read yet"
    cells = [
        value
        for sides in group.re_entry.values()
        if isinstance(sides, Mapping)
        for targets in sides.values()
        if isinstance(targets, Mapping)
        for value in targets.values()
    ]
    return f"{sum(map(bool, cells))} of {len(cells)} ways allowed"
