"""The value of a setting in words, part by part: what forms, history and exports show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Edit
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.draft import ASSISTANT
from dashboard.web.edits import supplier_labels
from dashboard.web.edits.forms import details, goals
from dashboard.web.edits.forms.assistant_modules import UNITS, in_one_unit
from dashboard.web.edits.forms.draft import questions
from dashboard.web.formatting import labels, numbers, times

Names = Mapping[str, str]
Parts = dict[str, str]


def format_value(value: Any, names: Names | None = None, zone: ZoneInfo | None = None) -> str:
    """A value in words, whatever its shape; moments in this zone, else in UTC."""
    if value is None or value == "":
        return numbers.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return _say_object(value, names or {}, zone)
    if isinstance(value, str):
        known = {**labels.STATUSES, **labels.STRATEGIES}
        return known.get(value) or (names or {}).get(value) or _say_moment(value, zone)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _say_object(value: Mapping[str, Any], names: Names, zone: ZoneInfo | None) -> str:
    if "value" in value and "currency_code" in value:
        try:
            return numbers.format_money(Decimal(str(value["value"])), str(value["currency_code"]))
        except InvalidOperation:
            return f"{value['value']} {value['currency_code']}"
    if "las_user_id" in value:
        user = value["las_user_id"]
        return names.get(str(user), str(user)) if user else numbers.DASH
    told = ((key.replace("_", " "), format_value(item, names, zone)) for key, item in value.items())
    return ", ".join(f"{word}: {said}" for word, said in told)


def _say_moment(text: str, zone: ZoneInfo | None) -> str:
    """A time as a time, any other text as it is."""
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return text
    if moment is None or moment.tzinfo is None:
        return text
    if zone is None:
        return numbers.short_utc(moment)
    return f"{moment.astimezone(zone):%a %-d %b %Y %H:%M} {times.zone_city(zone)}"


def value_parts(kind: str, value: Any, names: Names, zone: ZoneInfo | None = None) -> Parts:
    """What a value of this kind of edit says, by the words for each part."""
    value = merge.bare(value)
    if value is not None and (special := _SPECIAL.get(kind)):
        return special(value, names, zone)
    label = Edit.Kind(kind).label if kind in Edit.Kind else labels.sentence_case(kind)
    return {label: format_value(value, names, zone)}


def _details(value: Any, names: Names, _zone: ZoneInfo | None) -> Parts:
    told = {word: format_value(value.get(name), names) for name, word in details.WORDS.items()}
    manager, loi, rate = (value.get(n) for n in (details.MANAGER_ID, details.LOI, details.IR))
    told["Project manager"] = names.get(str(manager), str(manager)) if manager else numbers.DASH
    told["Expected LOI"] = numbers.DASH if loi is None else f"{loi} min"
    told["Expected IR"] = numbers.format_percent(rate)
    return told


def _dates(value: Any, names: Names, zone: ZoneInfo | None) -> Parts:
    return {
        "Start": format_value(value.get("start_fielding_at"), names, zone),
        "End": format_value(value.get("end_fielding_at"), names, zone),
    }


def _goals(value: Any, names: Names, _zone: ZoneInfo | None) -> Parts:
    told, said = {}, {**goals.quota_labels(value), **names}
    if "completes_goal" in value:
        told["Completes goal"] = numbers.format_count(value["completes_goal"])
    for profile in value.get("profiles") or []:
        for target in profile["targets"]:
            word = f"{profile['name'] or 'Quota'} {said[target['id']]}"
            told[word] = numbers.format_count(target["completes_goal"])
    return told


def _re_entry(value: Any, _names: Names, _zone: ZoneInfo | None) -> Parts:
    return {
        f"{labels.RE_ENTRY_STATUSES.get(status, status)}, "
        f"{labels.RE_ENTRY_SIDES.get(side, side).lower()}, "
        f"{labels.RE_ENTRY_TARGETS.get(target, target)}": "allowed" if allowed else "not allowed"
        for status, sides in value.items()
        for side, targets in sides.items()
        for target, allowed in targets.items()
    }


def _assistant(value: Any, names: Names, zone: ZoneInfo | None) -> Parts:
    """Every setting of every module; what is off says nothing."""
    soft, pacing, quotas, pricing = (
        value.get(name) or {} for name in ("soft_launch", "pacing", "quota_overlay", "pricing")
    )
    shares = ("filling_goal_percentage", "demographics_strictness_percentage")
    goal, strict = (f"{soft[one]} %" if one in soft else numbers.DASH for one in shares)
    pace = pacing.get("type", "")
    exposed = pacing.get("exposed_target_group_id", "")
    told = {
        "Soft launch": "on" if soft else "off",
        "Soft launch ends": format_value(soft.get("end_at"), names, zone),
        "Soft launch: share of the goal": goal,
        "Soft launch: strictness": strict,
        "Pacing": labels.PACING.get(pace, pace).partition(":")[0].lower(),
        "Pacing: step": format_duration(pacing.get("increment_interval")),
        "Pacing: like": names.get(exposed, exposed) or numbers.DASH,
        "Stop at the goal of each quota": format_value(quotas.get("prevent_overfill", False)),
        "Fill quotas evenly": format_value(quotas.get("balance_fill", False)),
        "Price assistance": "on" if pricing else "off",
    }
    amounts = (
        ("total budget", "total_budget"),
        ("highest CPI", "maximum_cpi"),
        ("lowest CPI", "minimum_cpi"),
        ("boost", "boost_cpi"),
    )
    return told | {
        f"Price assistance: {word}": format_value(pricing.get(one)) for word, one in amounts
    }


def format_duration(duration: Any) -> str:
    """An ISO 8601 duration as people say it: "12 hours"."""
    length = assistant_modules.duration_of(duration)
    if length is None:
        return str(duration) if duration else numbers.DASH
    number, unit = in_one_unit(length)
    word = UNITS[unit]
    return f"every {word.removesuffix('s')}" if number == 1 else f"every {number} {word}"


def _zone(value: Any, _names: Names, _zone: ZoneInfo | None) -> Parts:
    return {"Time zone": value or "as for its country"}


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
        settings = _assistant(value[ASSISTANT] or {}, names, zone).items()
        on = {word: said for word, said in settings if said not in (numbers.DASH, "off", "no")}
        told[DRAFT[ASSISTANT]] = "on" if on else "off"
        told |= on
    if re_entry := value.get("re_entry_configuration"):
        del told["Re-entry"]
        told |= {f"Re-entry: {k}": v for k, v in _re_entry(re_entry, names, zone).items()}
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


_SPECIAL: Mapping[str, Callable[[Any, Names, ZoneInfo | None], Parts]] = {
    Edit.Kind.DETAILS: _details,
    Edit.Kind.DATES: _dates,
    Edit.Kind.GOALS: _goals,
    Edit.Kind.RE_ENTRY: _re_entry,
    Edit.Kind.TIME_ZONE: _zone,
    Edit.Kind.ASSISTANT: _assistant,
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
