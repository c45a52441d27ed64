"""The modules of the fielding assistant as they are typed: texts by name of field, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from dashboard.fielding.insight import assistant_modules
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import (
    BoundForm,
    FormError,
    Value,
    format_change,
    is_again,
    is_large_step,
    is_untouched,
    parse_amount,
    parse_whole,
)
from dashboard.web.formatting import numbers, times
from dashboard.web.http.ticks import is_ticked

Texts = Mapping[str, str]
SOFT, PACING, QUOTAS, PRICING = "soft_launch", "pacing", "quota_overlay", "pricing"
END, SHARE = f"{SOFT}.end_at", f"{SOFT}.filling_goal_percentage"
STRICT = f"{SOFT}.demographics_strictness_percentage"
EVERY, UNIT = f"{PACING}.increment_interval", f"{PACING}.unit"
EXPOSED = f"{PACING}.exposed_target_group_id"
STOP, BALANCE = f"{QUOTAS}.prevent_overfill", f"{QUOTAS}.balance_fill"
BUDGET, HIGHEST = f"{PRICING}.total_budget", f"{PRICING}.maximum_cpi"
LOWEST, BOOST = f"{PRICING}.minimum_cpi", f"{PRICING}.boost_cpi"
AMOUNTS = {BUDGET: "total budget", HIGHEST: "highest CPI", LOWEST: "lowest CPI", BOOST: "boost"}
UNITS = {"D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
_SECONDS = {"D": 86_400, "H": 3_600, "M": 60, "S": 1}
LONGEST = timedelta(days=398)
_TYPED = "%Y-%m-%dT%H:%M"


def soft_launch_texts(module: Value, entry: BoundForm) -> Texts:
    """The end in the group's zone, and both shares in per cent."""
    end = datetime.fromisoformat(module["end_at"]).astimezone(times.zone_of(entry.group))
    return {
        SOFT: "on",
        END: end.strftime(f"{_TYPED}:%S" if end.second else _TYPED),
        SHARE: str(module["filling_goal_percentage"]),
        STRICT: str(module["demographics_strictness_percentage"]),
    }


def soft_launch(entry: BoundForm, texts: Texts) -> Value:
    """An end that is still to come, and both shares."""
    if not is_ticked(texts, SOFT):
        return None
    share = parse_whole(texts[SHARE], 1, 100, SHARE, "share of the goal in per cent")
    strict = parse_whole(texts[STRICT], 0, 100, STRICT, "strictness in per cent")
    return {
        "end_at": _end(entry, texts[END]),
        "filling_goal_percentage": share,
        "demographics_strictness_percentage": strict,
    }


def _end(entry: BoundForm, text: str) -> str:
    seen = entry.seen[SOFT]
    if seen and text == soft_launch_texts(seen, entry)[END]:
        return str(seen["end_at"])
    typed, zone = datetimes.parse_datetime(text, END), times.zone_of(entry.group)
    if why := datetimes.reason_skipped(typed, zone):
        raise FormError({END: why})
    end = typed.replace(tzinfo=zone)
    if end <= entry.now:
        raise FormError({END: "The soft launch must end in the future."})
    if entry.group.ends_at and end > entry.group.ends_at:
        raise FormError({END: "The soft launch must end before the fielding does."})
    return datetimes.rfc3339_stamp(end)


def pacing_texts(module: Value, _entry: BoundForm) -> Texts:
    """How it is paced, and by what step or which group."""
    texts = {PACING: str(module["type"])}
    if exposed := module.get("exposed_target_group_id"):
        texts[EXPOSED] = str(exposed)
    if step := assistant_modules.duration_of(module.get("increment_interval")):
        number, unit = in_one_unit(step)
        texts |= {EVERY: str(number), UNIT: unit}
    return texts


def format_duration(duration: Value) -> str:
    """An ISO 8601 duration as people say it: "12 hours"."""
    length = assistant_modules.duration_of(duration)
    if length is None:
        return str(duration) if duration else numbers.DASH
    number, unit = in_one_unit(length)
    word = UNITS[unit]
    return f"every {word.removesuffix('s')}" if number == 1 else f"every {number} {word}"


def in_one_unit(length: timedelta) -> tuple[int, str]:
    """A length as a whole number of the largest unit: (36, "H")."""
    seconds = int(length.total_seconds())
    unit = next(unit for unit, each in _SECONDS.items() if seconds % each == 0)
    return seconds // _SECONDS[unit], unit


def clean_pacing(entry: BoundForm, texts: Texts) -> Value:
    """A step of less than 398 days, or a group of the same project."""
    kind = texts[PACING]
    if not kind:
        return None
    held = entry.seen[PACING] or {}
    if kind == "gemini":
        if texts[EXPOSED] not in (*entry.names, held.get("exposed_target_group_id")):
            raise FormError({EXPOSED: "Choose a group of this project."})
        return {"type": kind, "exposed_target_group_id": texts[EXPOSED]}
    if kind not in ("linear", "adaptive"):
        raise FormError({PACING: "Choose one of the list."})
    shown = pacing_texts(held, entry) if held else {}
    if EVERY in shown and all(is_untouched(texts[name], shown[name]) for name in (EVERY, UNIT)):
        return {"type": kind, "increment_interval": held["increment_interval"]}
    number = parse_whole(texts[EVERY], 1, 999_999, EVERY, "step")
    unit = texts[UNIT]
    if unit not in UNITS:
        raise FormError({EVERY: "Choose days, hours or minutes."})
    if timedelta(seconds=number * _SECONDS[unit]) >= LONGEST:
        raise FormError({EVERY: f"A step is shorter than {LONGEST.days} days."})
    return {"type": kind, "increment_interval": f"P{'' if unit == 'D' else 'T'}{number}{unit}"}


def quotas_texts(module: Value, _entry: BoundForm) -> Texts:
    """The switches that are on."""
    names = {STOP: "prevent_overfill", BALANCE: "balance_fill"}
    return {field: "on" for field, name in names.items() if module[name]}


def clean_quotas(_entry: BoundForm, texts: Texts) -> Value:
    """Both switches; without either the module is off."""
    stop, balance = is_ticked(texts, STOP), is_ticked(texts, BALANCE)
    return {"prevent_overfill": stop, "balance_fill": balance} if stop or balance else None


def pricing_texts(module: Value, _entry: BoundForm) -> Texts:
    """The amounts that it is given."""
    given = {name: module.get(name.partition(".")[2]) for name in AMOUNTS}
    amounts = {
        name: numbers.typed_amount(Decimal(one["value"])) for name, one in given.items() if one
    }
    return {PRICING: str(module["type"])} | amounts


def clean_pricing(entry: BoundForm, texts: Texts) -> Value:
    """Amounts in the group's currency; with dynamic pricing one ceiling, and a floor below it."""
    kind = texts[PRICING]
    if not kind:
        return None
    if kind != entry.group.pricing_model:
        raise FormError({PRICING: "This group is priced another way."})
    fields = (HIGHEST, BOOST) if kind == "rate_card" else (BUDGET, HIGHEST, LOWEST)
    held = _held_amounts(entry, kind, texts)
    given = _amounts(entry, {n: texts[n] for n in fields if texts[n] and n not in held})
    given |= {name: Decimal(held[name]["value"]) for name in fields if name in held}
    if kind == "dynamic":
        _one_ceiling(given)
    _typed_twice(entry, given)
    amounts = {
        name.partition(".")[2]: held.get(name)
        or {"value": format(money, "f"), "currency_code": entry.group.currency}
        for name, money in given.items()
    }
    return {"type": kind} | amounts


def _held_amounts(entry: BoundForm, kind: str, texts: Texts) -> dict[str, Value]:
    """The amounts that came back as they were shown, to the digit as the exchange has them."""
    module = entry.seen[PRICING] or {}
    if module.get("type") != kind:
        return {}
    shown = pricing_texts(module, entry)
    return {
        name: module[name.partition(".")[2]]
        for name in AMOUNTS
        if name in shown and is_untouched(texts[name], shown[name])
    }


def _amounts(entry: BoundForm, texts: Texts) -> dict[str, Decimal]:
    """What was typed as amounts; each that is wrong is told at its field."""
    currency = entry.group.currency
    limit = settings.CPI_LIMITS.get(currency)
    given: dict[str, Decimal] = {}
    wrong: dict[str, str] = {}
    for name, text in texts.items():
        try:
            given[name] = parse_amount(text, currency, name, AMOUNTS[name])
        except FormError as exc:
            wrong |= exc.fields
            continue
        if name != BUDGET and limit is not None and given[name] > limit:
            wrong[name] = f"The exchange takes at most {numbers.format_money(limit, currency)}."
    if wrong:
        raise FormError(wrong)
    return given


def _one_ceiling(given: Mapping[str, Decimal]) -> None:
    if (BUDGET in given) == (HIGHEST in given):
        raise FormError({HIGHEST: "Type either a total budget or a highest CPI, not both."})
    if LOWEST in given and HIGHEST in given and given[LOWEST] >= given[HIGHEST]:
        raise FormError({LOWEST: "The lowest CPI must be below the highest."})


def _typed_twice(entry: BoundForm, given: Mapping[str, Decimal]) -> None:
    """A ceiling far from the one before it, or from today's CPI, is typed again."""
    seen = entry.seen[PRICING] or {}
    wrong: dict[str, str] = {}
    for name in (BUDGET, HIGHEST, BOOST):
        held = seen.get(name.partition(".")[2])
        old = Decimal(held["value"]) if held else entry.group.cpi if name == HIGHEST else None
        if name not in given or old is None or not is_large_step(old, given[name]):
            continue
        again = entry.typed.get(f"{name}_again", "").strip()
        if not again:
            against = "" if held else ", today's CPI"
            was = numbers.format_amount(old, entry.group.currency) + against
            said = f"That is {format_change(old, given[name])} against {was}."
            wrong[f"{name}_again"] = f"{said} Type the {AMOUNTS[name]} again to confirm it."
        elif not is_again(again, given[name], entry.group.currency):
            wrong[f"{name}_again"] = f"This is not the {AMOUNTS[name]} typed above."
    if wrong:
        raise FormError(wrong, again=True)
