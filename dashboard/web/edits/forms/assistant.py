"""The fielding assistant: soft launch, pacing, quotas and pricing, all sent back together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import assistant_modules
from dashboard.web.edits.forms.assistant_modules import PACING, PRICING, QUOTAS, SOFT, Texts
from dashboard.web.edits.forms.base import NO_CHANGE, BoundForm, Form, FormError, Value
from dashboard.web.formatting import labels as words
from dashboard.web.formatting import numbers, times
from dashboard.web.formatting.values import Names, Parts, format_value
from dashboard.web.http.ticks import is_ticked

OFF = "switch_off"  # agreed: what was on ends
WORDS = {SOFT: "the soft launch", PACING: "pacing", QUOTAS: "help with quotas", PRICING: "pricing"}
Choice = tuple[str, str, bool]  # value, word, chosen


class Module(NamedTuple):
    """A module of the assistant: its fields, and how it is read from them and typed into them."""

    fields: tuple[str, ...]
    read: Callable[[BoundForm, Texts], Value]
    texts: Callable[[Value, BoundForm], Texts]


MODULES: Mapping[str, Module] = {
    SOFT: Module(
        (SOFT, assistant_modules.END, assistant_modules.SHARE, assistant_modules.STRICT),
        assistant_modules.soft_launch,
        assistant_modules.soft_launch_texts,
    ),
    PACING: Module(
        (PACING, assistant_modules.EVERY, assistant_modules.UNIT, assistant_modules.EXPOSED),
        assistant_modules.clean_pacing,
        assistant_modules.pacing_texts,
    ),
    QUOTAS: Module(
        (assistant_modules.STOP, assistant_modules.BALANCE),
        assistant_modules.clean_quotas,
        assistant_modules.quotas_texts,
    ),
    PRICING: Module(
        (PRICING, *assistant_modules.AMOUNTS),
        assistant_modules.clean_pricing,
        assistant_modules.pricing_texts,
    ),
}
UNTYPED = {assistant_modules.UNIT: "H"}  # what a list says that nobody has touched
FIELDS = tuple(field for module in MODULES.values() for field in module.fields)


def clean_assistant(entry: BoundForm) -> Value:
    """All four modules: one that was not touched goes back as it came."""
    value: dict[str, Any] = dict(entry.seen)
    wrong: dict[str, str] = {}
    again = False
    were = assistant_initial(entry.seen, entry)
    for name, module in MODULES.items():
        texts = {field: entry.typed.get(field, "").strip() for field in module.fields}
        if all(text == were.get(field, UNTYPED.get(field, "")) for field, text in texts.items()):
            continue
        try:
            value[name] = module.read(entry, texts)
        except FormError as exc:
            wrong |= exc.fields
            again |= exc.again
    if wrong:
        raise FormError(wrong, again=again)
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    if said := _ends(entry, value):
        raise FormError({OFF: said})
    return value


def _ends(entry: BoundForm, value: Value) -> str:
    """What is switched off, until that is agreed to."""
    off = [WORDS[name] for name in MODULES if entry.seen[name] and not value[name]]
    if not off or is_ticked(entry.typed, OFF):
        return ""
    what = " and ".join(filter(None, (", ".join(off[:-1]), off[-1])))
    return f"This switches {what} off on the exchange, with all that is set for it."


def assistant_initial(value: Value, entry: BoundForm) -> Texts:
    """Every module that is on; with all of them off, the form is typed all the same."""
    texts = {"typed": "1"}
    if any(entry.seen[name] and not value[name] for name in MODULES):
        texts[OFF] = "on"
    for name, module in MODULES.items():
        if value[name]:
            texts |= module.texts(value[name], entry)
    return texts


class AssistantField(NamedTuple):
    """A field of a module as it is shown."""

    name: str
    label: str
    text: str
    error: str
    help: str = ""
    mode: str = "numeric"
    again: str = ""  # what is wrong with the amount that has to be typed twice


def assistant_context(entry: BoundForm) -> dict[str, Any]:
    """Every module as typed, else as the exchange has it."""
    texts: Texts = assistant_initial(entry.seen, entry)
    if entry.typed:
        texts = {name: str(entry.typed[name]) for name in entry.typed}
    pace = texts.get(PACING, "")
    return {
        "zone": times.zone_of(entry.group).key,
        "soft_launch": is_ticked(texts, SOFT),
        "soft_launch_end": _field(entry, texts, assistant_modules.END, "Ends"),
        "soft_launch_fields": [
            _field(entry, texts, assistant_modules.SHARE, "Share of the goal in %", "1 to 100"),
            _field(
                entry,
                texts,
                assistant_modules.STRICT,
                "Strictness in %",
                "100: the same mix of people as later",
            ),
        ],
        "pacing": _choices(words.PACING | {pace: words.PACING.get(pace, pace)}, pace),
        "pacing_error": entry.errors.get(PACING, ""),
        "step": _field(entry, texts, assistant_modules.EVERY, "A step every"),
        "units": _choices(
            assistant_modules.UNITS,
            texts.get(assistant_modules.UNIT) or UNTYPED[assistant_modules.UNIT],
        ),
        "exposed": _field(entry, texts, assistant_modules.EXPOSED, "Paced like"),
        "others": _others(entry, texts.get(assistant_modules.EXPOSED, "")),
        "stop": is_ticked(texts, assistant_modules.STOP),
        "balance": is_ticked(texts, assistant_modules.BALANCE),
        "stop_error": entry.errors.get(assistant_modules.STOP, ""),
        "balance_error": entry.errors.get(assistant_modules.BALANCE, ""),
        "ends": entry.errors.get(OFF, ""),
        "off_agreed": is_ticked(entry.typed, OFF),
        **_pricing(entry, texts),
    }


def _others(entry: BoundForm, chosen: str) -> list[Choice]:
    """The groups of the project by name, and the one that is set, whatever it is."""
    known = dict(entry.names)
    if held := (entry.seen[PACING] or {}).get("exposed_target_group_id"):
        known.setdefault(held, f"a group that is not of this project ({held})")
    return _choices(dict(sorted(known.items(), key=lambda pair: pair[1].casefold())), chosen)


def _field(
    entry: BoundForm, texts: Texts, name: str, label: str, help_: str = ""
) -> AssistantField:
    errors = entry.errors
    again = errors.get(f"{name}_again", "")
    return AssistantField(
        name, label, texts.get(name, ""), errors.get(name, ""), help_, again=again
    )


def _choices(words_of: Mapping[str, str], chosen: str) -> list[Choice]:
    return [(value, word, value == chosen) for value, word in words_of.items()]


def _pricing(entry: BoundForm, texts: Texts) -> dict[str, Any]:
    """The amounts of the group's own pricing model; of another one, what the exchange has."""
    kind = (entry.seen[PRICING] or {}).get("type") or entry.group.pricing_model or "dynamic"
    labels = {
        assistant_modules.BUDGET: ("Total budget", "Either this or a highest CPI"),
        assistant_modules.HIGHEST: (
            "Highest CPI",
            "" if kind == "rate_card" else "Either this or a total budget",
        ),
        assistant_modules.LOWEST: ("Lowest CPI", "Optional"),
        assistant_modules.BOOST: ("Boost", "Optional, on top of the rate card"),
    }
    names = (
        (assistant_modules.HIGHEST, assistant_modules.BOOST)
        if kind == "rate_card"
        else (assistant_modules.BUDGET, assistant_modules.HIGHEST, assistant_modules.LOWEST)
    )
    return {
        "pricing": texts.get(PRICING, ""),
        "pricing_kind": kind,
        "pricing_error": entry.errors.get(PRICING, ""),
        "amounts": [
            _field(entry, texts, name, f"{label} in {entry.group.currency}", said)._replace(
                mode="decimal"
            )
            for name, (label, said) in labels.items()
            if name in names
        ],
    }


def assistant_field_for(name: str, made: Edit) -> str:
    """The field that an objection is about, of those that the form shows."""
    found = next((one for one in sorted(FIELDS, key=len, reverse=True) if one in name), "")
    if found not in assistant_modules.AMOUNTS:
        return found
    sent = (made.wanted or {}).get(PRICING) or {}
    return found if found.partition(".")[2] in sent else PRICING


def assistant_parts(value: Value, names: Names, zone: ZoneInfo | None) -> Parts:
    """Every setting of every module; what is off says nothing."""
    soft, pacing, quotas, pricing = (
        value.get(name) or {} for name in ("soft_launch", "pacing", "quota_overlay", "pricing")
    )
    shares = ("filling_goal_percentage", "demographics_strictness_percentage")
    goal, strict = (f"{soft[name]} %" if name in soft else numbers.DASH for name in shares)
    pace = pacing.get("type", "")
    exposed = pacing.get("exposed_target_group_id", "")
    parts = {
        "Soft launch": "on" if soft else "off",
        "Soft launch ends": format_value(soft.get("end_at"), names, zone),
        "Soft launch: share of the goal": goal,
        "Soft launch: strictness": strict,
        "Pacing": words.PACING.get(pace, pace).partition(":")[0].lower(),
        "Pacing: step": assistant_modules.format_duration(pacing.get("increment_interval")),
        "Pacing: like": names.get(exposed, exposed) or numbers.DASH,
        "Stop at the goal of each quota": format_value(quotas.get("prevent_overfill", False)),
        "Fill quotas evenly": format_value(quotas.get("balance_fill", False)),
        "Dynamic CPI": "on" if pricing else "off",
    }
    amounts = (
        ("total budget", "total_budget"),
        ("highest CPI", "maximum_cpi"),
        ("lowest CPI", "minimum_cpi"),
        ("boost", "boost_cpi"),
    )
    return parts | {
        f"Dynamic CPI: {word}": format_value(pricing.get(name)) for word, name in amounts
    }


FORM = Form(
    "assistant",
    Edit.Kind.ASSISTANT,
    "Fielding assistant",
    clean_assistant,
    assistant_context,
    assistant_initial,
    place=assistant_field_for,
    parts=assistant_parts,
)
