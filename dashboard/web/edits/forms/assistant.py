"""The fielding assistant: soft launch, pacing, quotas and pricing, always sent together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import assistant_modules
from dashboard.web.edits.forms.assistant_modules import PACING, PRICING, QUOTAS, SOFT, Texts
from dashboard.web.edits.forms.base import NO_CHANGE, BoundForm, Form, FormError, Value
from dashboard.web.formatting import labels, numbers, times
from dashboard.web.formatting.values import Names, Parts, format_value
from dashboard.web.http.ticks import is_ticked

OFF = "switch_off"  # ticked: the person confirms that a module is switched off
WORDS = {
    SOFT: "the soft launch",
    PACING: "pacing",
    QUOTAS: "quota assistance",
    PRICING: "dynamic CPI",
}
Choice = tuple[str, str, bool]  # value, word, chosen


class Module(NamedTuple):
    """A module of the assistant: its fields, how it is read from them and written to them."""

    fields: tuple[str, ...]
    read: Callable[[BoundForm[Value], Texts], Value]
    texts: Callable[[Value, BoundForm[Value]], Texts]


MODULES: Mapping[str, Module] = {
    SOFT: Module(
        (SOFT, assistant_modules.END, assistant_modules.SHARE, assistant_modules.STRICT),
        assistant_modules.clean_soft_launch,
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
UNTYPED = {assistant_modules.UNIT: "H"}  # the first choice of a list that nobody touched
FIELDS = tuple(field for module in MODULES.values() for field in module.fields)


def clean_assistant(entry: BoundForm[Value]) -> Value:
    """Return all four modules; one that was not touched is sent back as it came."""
    value: dict[str, Value] = dict(entry.seen)
    errors: dict[str, str] = {}
    again = False
    initial = assistant_initial(entry.seen, entry)
    for name, module in MODULES.items():
        texts = {field: entry.typed.get(field, "").strip() for field in module.fields}
        if all(text == initial.get(field, UNTYPED.get(field, "")) for field, text in texts.items()):
            continue
        try:
            value[name] = module.read(entry, texts)
        except FormError as exc:
            errors |= exc.fields
            again |= exc.again
    if errors:
        raise FormError(errors, again=again)
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    if sentence := _confirm_switch_off(entry, value):
        raise FormError({OFF: sentence})
    return value


def _confirm_switch_off(entry: BoundForm[Value], value: Value) -> str:
    """Return a sentence on what is switched off, unless the person has confirmed that."""
    switched_off = [WORDS[name] for name in MODULES if entry.seen[name] and not value[name]]
    if not switched_off or is_ticked(entry.typed, OFF):
        return ""
    names = " and ".join(filter(None, (", ".join(switched_off[:-1]), switched_off[-1])))
    return f"This switches off {names} on Cint and discards the settings."


def assistant_initial(value: Value, entry: BoundForm[Value]) -> Texts:
    """Return every module that is on as typed text; `typed` marks a form with all of them off."""
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
    again: str = ""  # the error of an amount that must be typed twice


def assistant_context(entry: BoundForm[Value]) -> dict[str, object]:
    """Return every module as typed, else as the exchange has it."""
    texts: Texts = assistant_initial(entry.seen, entry)
    if entry.typed:
        texts = {name: str(entry.typed[name]) for name in entry.typed}
    pace = texts.get(PACING, "")
    return {
        "zone": times.zone_of(entry.group).key,
        "soft_launch": is_ticked(texts, SOFT),
        "soft_launch_end": _build_field(entry, texts, assistant_modules.END, "Ends"),
        "soft_launch_fields": [
            _build_field(entry, texts, assistant_modules.SHARE, "Part of the goal (%)", "1 to 100"),
            _build_field(
                entry,
                texts,
                assistant_modules.STRICT,
                "Strictness (%)",
                "100: same demographic mix as the full launch",
            ),
        ],
        "pacing": _mark_chosen(labels.PACING | {pace: labels.PACING.get(pace, pace)}, pace),
        "pacing_error": entry.errors.get(PACING, ""),
        "step": _build_field(entry, texts, assistant_modules.EVERY, "Step every"),
        "units": _mark_chosen(
            assistant_modules.UNITS,
            texts.get(assistant_modules.UNIT) or UNTYPED[assistant_modules.UNIT],
        ),
        "exposed": _build_field(entry, texts, assistant_modules.EXPOSED, "Match another group"),
        "others": _group_choices(entry, texts.get(assistant_modules.EXPOSED, "")),
        "stop": is_ticked(texts, assistant_modules.STOP),
        "balance": is_ticked(texts, assistant_modules.BALANCE),
        "stop_error": entry.errors.get(assistant_modules.STOP, ""),
        "balance_error": entry.errors.get(assistant_modules.BALANCE, ""),
        "ends": entry.errors.get(OFF, ""),
        "off_agreed": is_ticked(entry.typed, OFF),
        **_pricing_context(entry, texts),
    }


def _group_choices(entry: BoundForm[Value], chosen: str) -> list[Choice]:
    """Return the groups of the project by name, and the one that is set, whatever it is."""
    known = dict(entry.names)
    if current := (entry.seen[PACING] or {}).get("exposed_target_group_id"):
        known.setdefault(current, f"Group of another project ({current})")
    return _mark_chosen(dict(sorted(known.items(), key=lambda pair: pair[1].casefold())), chosen)


def _build_field(
    entry: BoundForm[Value], texts: Texts, name: str, label: str, help_: str = ""
) -> AssistantField:
    errors = entry.errors
    again = errors.get(f"{name}_again", "")
    return AssistantField(
        name, label, texts.get(name, ""), errors.get(name, ""), help_, again=again
    )


def _mark_chosen(words_of: Mapping[str, str], chosen: str) -> list[Choice]:
    return [(value, word, value == chosen) for value, word in words_of.items()]


def _pricing_context(entry: BoundForm[Value], texts: Texts) -> dict[str, object]:
    """Return the amounts of the group's pricing model, or of the one that the exchange has set."""
    kind = (entry.seen[PRICING] or {}).get("type") or entry.group.pricing_model or "dynamic"
    amount_labels = {
        assistant_modules.BUDGET: ("Total budget", "Either this or a maximum CPI"),
        assistant_modules.HIGHEST: (
            "Maximum CPI",
            "" if kind == "rate_card" else "Either this or a total budget",
        ),
        assistant_modules.LOWEST: ("Minimum CPI", "Optional"),
        assistant_modules.BOOST: ("Boost", "Optional, added to the rate card"),
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
            _build_field(
                entry, texts, name, f"{label} ({entry.group.currency})", help_text
            )._replace(mode="decimal")
            for name, (label, help_text) in amount_labels.items()
            if name in names
        ],
    }


def assistant_field_for(name: str, edit: Edit) -> str:
    """Return the field that an objection is about, of those that the form shows."""
    longest_first = sorted(FIELDS, key=len, reverse=True)
    field = next((field for field in longest_first if field in name), "")
    if field not in assistant_modules.AMOUNTS:
        return field
    sent = (edit.wanted or {}).get(PRICING) or {}
    return field if field.partition(".")[2] in sent else PRICING


def assistant_parts(value: Value, names: Names, zone: ZoneInfo | None) -> Parts:
    """Return every setting of every module in words; those of a module that is off are dashes."""
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
        "Soft launch: part of the goal": goal,
        "Soft launch: strictness": strict,
        "Pacing": labels.PACING.get(pace, pace).partition(":")[0].lower(),
        "Pacing: step": assistant_modules.format_duration(pacing.get("increment_interval")),
        "Pacing: matched group": names.get(exposed, exposed) or numbers.DASH,
        "Prevent quota overfill": format_value(quotas.get("prevent_overfill", False)),
        "Fill quotas evenly": format_value(quotas.get("balance_fill", False)),
        "Dynamic CPI": "on" if pricing else "off",
    }
    amounts = (
        ("total budget", "total_budget"),
        ("maximum CPI", "maximum_cpi"),
        ("minimum CPI", "minimum_cpi"),
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
    field_for=assistant_field_for,
    parts=assistant_parts,
)
