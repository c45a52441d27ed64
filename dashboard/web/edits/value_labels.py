"""The value of a setting in words, part by part, as forms, history and exports show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.draft import ASSISTANT
from dashboard.web.edits import supplier_labels
from dashboard.web.edits.forms import FORMS, assistant, details, goals, re_entry
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft import questions
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import Names, Parts, WordParts, format_value


def value_parts(kind: str, value: Value, names: Names, zone: ZoneInfo | None = None) -> Parts:
    """Return a value of this kind of edit in words, by the label of each part."""
    value = merge.bare(value)
    if value is not None and (parts_of := PARTS.get(kind)):
        return parts_of(value, names, zone)
    label = Edit.Kind(kind).label if kind in Edit.Kind else labels.sentence_case(kind)
    return {label: format_value(value, names, zone)}


def _manager_parts(value: Value, names: Names, _zone: ZoneInfo | None) -> Parts:
    return {details.WORDS[details.MANAGER_ID]: names.get(str(value), str(value)) or numbers.DASH}


DRAFT = {
    "name": "Name",
    "locale": "Country and language",
    "completes_goal": "Completes goal",
    details.LOI: "Expected LOI",
    details.IR: "Expected IR",
    "business_unit_id": "Business unit",
    "pricing_model": "Pricing",
    "cost_per_interview": "CPI",
    details.PRICE_NOTE: "Client CPI",
    "fielding_specification": "Dates",
    details.MANAGER_ID: "Project manager",
    details.LIVE: "Live URL",
    details.TEST: "Test URL",
    details.LOCKOUT: "Industry lockout",
    "exclusion": "Exclude participants of this project",
    "respondent_activity_exclusions": "Exclude participants of other groups",
    "study_type_code": "Study type",
    "industry_code": "Industry",
    "client_id": "Client",
    details.REFERENCE: "Reference number",
    "collects_pii": "Collects personal data",
    "re_entry_configuration": "Re-entry",
    "profiling": "Profiles",
    "allocations": "Suppliers",
    ASSISTANT: "Fielding assistant",
}
DRAFT_NAMES = {"project_customer_reference_number": details.REFERENCE}  # of a project
PRICING = {"dynamic": "Fixed CPI", "rate_card": "Rate card"}


def _draft_parts(value: Value, names: Names, zone: ZoneInfo | None) -> Parts:
    """Return a draft, or the group that it became, in words; members it lacks are left out."""
    parts = {
        word: format_value(value.get(name), names) for name, word in DRAFT.items() if name in value
    }
    special: dict[str, Callable[[Value], str]] = {
        "locale": labels.locale_name,
        details.MANAGER_ID: lambda code: names.get(str(code), str(code)),
        "business_unit_id": lambda code: names.get(str(code), str(code)),
        "client_id": lambda code: names.get(str(code), str(code)),
        "study_type_code": labels.sentence_case,
        "industry_code": labels.sentence_case,
        details.LOCKOUT: labels.sentence_case,
        "pricing_model": lambda code: PRICING.get(code, str(code)),
        details.LOI: lambda minutes: f"{minutes} min",
        details.IR: numbers.format_percent,
        "respondent_activity_exclusions": _describe_exclusions,
        "exclusion": lambda is_on: "on" if is_on else "off",
        "allocations": supplier_labels.describe_allocations,
    }
    for name, word in special.items():
        if value.get(name) is not None:
            parts[DRAFT[name]] = word(value[name])
    if period := value.get("fielding_specification"):
        del parts["Dates"]
        parts |= {"Start date": format_value(period["start_at"], names, zone)}
        parts |= {"End date": format_value(period["end_at"], names, zone)}
    if "Profiles" in parts:
        del parts["Profiles"]
        parts |= questions.describe_profiles(value["profiling"])
    if ASSISTANT in value:
        settings = assistant.assistant_parts(value[ASSISTANT] or {}, names, zone).items()
        active = {word: text for word, text in settings if text not in (numbers.DASH, "off", "no")}
        parts[DRAFT[ASSISTANT]] = "on" if active else "off"
        parts |= active
    if configuration := value.get("re_entry_configuration"):
        del parts["Re-entry"]
        parts |= {
            f"Re-entry: {word}": text
            for word, text in re_entry.re_entry_parts(configuration, names, zone).items()
        }
    return parts


def _describe_exclusions(value: Value) -> str:
    texts = [
        f"{exclusion.get('type')} {exclusion.get('id')} {exclusion.get('duration') or ''}"
        for exclusion in value
    ]
    return "; ".join(text.strip() for text in texts) or "none"


def format_scheduled_start(edit: Edit, zone: ZoneInfo | None) -> str:
    """Return when the draft that an edit schedules starts; empty for every other edit."""
    wanted = edit.wanted if edit.is_scheduling else None
    return format_value(wanted.get("start_fielding_at"), {}, zone) if wanted else ""


def _launch_parts(value: Value, names: Names, zone: ZoneInfo | None) -> Parts:
    parts = {"Status": format_value(value.get("status"))}
    ends = (("Start", "start_fielding_at"), ("End", "end_fielding_at"))
    return parts | {
        word: format_value(value[name], names, zone) for word, name in ends if value.get(name)
    }


# A form describes the values of its kind; the kinds without a form are described here.
PARTS: Mapping[str, WordParts] = {
    form.kind: form.parts for form in FORMS.values() if form.parts
} | {
    Edit.Kind.MANAGER: _manager_parts,
    Edit.Kind.DRAFT: _draft_parts,
    Edit.Kind.NEW_DRAFT: lambda value, names, zone: _draft_parts(
        {name: part for name, part in value.items() if part is not None}, names, zone
    ),
    Edit.Kind.NEW_PROJECT: lambda value, names, _: {
        DRAFT[DRAFT_NAMES.get(name, name)]: names.get(str(part), format_value(part))
        for name, part in value.items()
    },
    Edit.Kind.LAUNCH: _launch_parts,
}


class Changed(NamedTuple):
    """A part that an edit was to change: before, as wanted, and as the exchange holds it after."""

    word: str
    before: str
    wanted: str
    after: str


def change_rows(edit: Edit, names: Names, zone: ZoneInfo | None = None) -> list[Changed]:
    """Return the parts that an edit was to change, with what the exchange holds after it."""
    after = (
        value_parts(edit.kind, edit.after, goals.names_with_quotas(edit, names), zone)
        if edit.is_settled
        else {}
    )
    return [
        Changed(word, before, wanted, after.get(word, numbers.DASH))
        for word, before, wanted in changed_parts(edit, names, zone)
    ]


def changed_parts(
    edit: Edit, names: Names, zone: ZoneInfo | None = None
) -> list[tuple[str, str, str]]:
    """Return the parts that an edit was to change: (label, before, wanted)."""
    names = goals.names_with_quotas(edit, names)
    before = value_parts(edit.kind, edit.before, names, zone)
    wanted_parts = value_parts(edit.kind, edit.wanted, names, zone)
    return [
        (word, before.get(word, numbers.DASH), wanted)
        for word, wanted in wanted_parts.items()
        if before.get(word) != wanted
    ]
