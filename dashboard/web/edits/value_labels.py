"""The value of a setting in words, part by part: what forms, history and exports show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.draft import ASSISTANT
from dashboard.web.edits import supplier_labels
from dashboard.web.edits.forms import FORMS, assistant, details, goals, re_entry
from dashboard.web.edits.forms.draft import questions
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import Names, Parts, WordParts, format_value


def value_parts(kind: str, value: Any, names: Names, zone: ZoneInfo | None = None) -> Parts:
    """What a value of this kind of edit says, by the words for each part."""
    value = merge.bare(value)
    if value is not None and (parts_of := PARTS.get(kind)):
        return parts_of(value, names, zone)
    label = Edit.Kind(kind).label if kind in Edit.Kind else labels.sentence_case(kind)
    return {label: format_value(value, names, zone)}


def _manager(value: Any, names: Names, _zone: ZoneInfo | None) -> Parts:
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
    details.PRICE_NOTE: "Client's CPI",
    "fielding_specification": "Dates",
    details.MANAGER_ID: "Project manager",
    details.LIVE: "Live URL",
    details.TEST: "Test URL",
    details.LOCKOUT: "Industry lockout",
    "exclusion": "Exclusion within the project",
    "respondent_activity_exclusions": "Exclusion of others' participants",
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
PRICING = {"dynamic": "A CPI of your own", "rate_card": "The rate card"}


def _draft(value: Any, names: Names, zone: ZoneInfo | None) -> Parts:
    """A draft, or what a draft became; what it does not say is left out."""
    told = {
        word: format_value(value.get(name), names) for name, word in DRAFT.items() if name in value
    }
    special: dict[str, Callable[[Any], str]] = {
        "locale": locale_label,
        details.MANAGER_ID: lambda one: names.get(str(one), str(one)),
        "business_unit_id": lambda one: names.get(str(one), str(one)),
        "client_id": lambda one: names.get(str(one), str(one)),
        "study_type_code": labels.sentence_case,
        "industry_code": labels.sentence_case,
        details.LOCKOUT: labels.sentence_case,
        "pricing_model": lambda one: PRICING.get(one, one),
        details.LOI: lambda one: f"{one} min",
        details.IR: numbers.format_percent,
        "respondent_activity_exclusions": _exclusions,
        "exclusion": lambda one: "on" if one else "off",
        "allocations": supplier_labels.in_words,
    }
    for name, word in special.items():
        if value.get(name) is not None:
            told[DRAFT[name]] = word(value[name])
    if period := value.get("fielding_specification"):
        del told["Dates"]
        told |= {"Start": format_value(period["start_at"], names, zone)}
        told |= {"End": format_value(period["end_at"], names, zone)}
    if "Profiles" in told:
        del told["Profiles"]
        told |= questions.in_words(value["profiling"])
    if ASSISTANT in value:
        settings = assistant.assistant_parts(value[ASSISTANT] or {}, names, zone).items()
        on = {word: said for word, said in settings if said not in (numbers.DASH, "off", "no")}
        told[DRAFT[ASSISTANT]] = "on" if on else "off"
        told |= on
    if configuration := value.get("re_entry_configuration"):
        del told["Re-entry"]
        told |= {
            f"Re-entry: {k}": v
            for k, v in re_entry.re_entry_parts(configuration, names, zone).items()
        }
    return told


def locale_label(code: str) -> str:
    """ "eng_us" as "United States (eng_us)"."""
    return f"{labels.country_name(code.partition('_')[2])} ({code})"


def _exclusions(value: Any) -> str:
    said = [f"{one.get('type')} {one.get('id')} {one.get('duration') or ''}" for one in value]
    return "; ".join(one.strip() for one in said) or "none"


def starts(edit: Edit, zone: ZoneInfo | None) -> str:
    """When a draft that is scheduled by an edit starts; empty for every other edit."""
    wanted = edit.wanted if edit.is_scheduling else None
    return format_value(wanted.get("start_fielding_at"), {}, zone) if wanted else ""


def _launch(value: Any, names: Names, zone: ZoneInfo | None) -> Parts:
    told = {"Status": format_value(value.get("status"))}
    ends = (("Start", "start_fielding_at"), ("End", "end_fielding_at"))
    return told | {word: format_value(value[n], names, zone) for word, n in ends if value.get(n)}


# Each form says the values of its kind; here are the kinds without a form of one group.
PARTS: Mapping[str, WordParts] = {
    form.kind: form.parts for form in FORMS.values() if form.parts
} | {
    Edit.Kind.MANAGER: _manager,
    Edit.Kind.DRAFT: _draft,
    Edit.Kind.NEW_DRAFT: lambda value, names, zone: _draft(
        {name: told for name, told in value.items() if told is not None}, names, zone
    ),
    Edit.Kind.NEW_PROJECT: lambda value, names, _: {
        DRAFT[DRAFT_NAMES.get(name, name)]: names.get(str(told), format_value(told))
        for name, told in value.items()
    },
    Edit.Kind.LAUNCH: _launch,
}


class Changed(NamedTuple):
    """A part that an edit was to change: before, wanted, and what is held after it."""

    word: str
    before: str
    wanted: str
    after: str


def change_rows(edit: Edit, names: Names, zone: ZoneInfo | None = None) -> list[Changed]:
    """The parts that an edit was to change."""
    after = (
        value_parts(edit.kind, edit.after, goals.names_with_quotas(edit, names), zone)
        if edit.is_settled
        else {}
    )
    return [
        Changed(word, was, to, after.get(word, numbers.DASH))
        for word, was, to in changed_parts(edit, names, zone)
    ]


def changed_parts(
    edit: Edit, names: Names, zone: ZoneInfo | None = None
) -> list[tuple[str, str, str]]:
    """The parts that an edit was to change: their word, what was, what was wanted."""
    names = goals.names_with_quotas(edit, names)
    was = value_parts(edit.kind, edit.before, names, zone)
    wanted = value_parts(edit.kind, edit.wanted, names, zone)
    return [
        (word, was.get(word, numbers.DASH), to)
        for word, to in wanted.items()
        if was.get(word) != to
    ]
