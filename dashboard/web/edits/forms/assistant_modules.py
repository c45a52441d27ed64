"""The modules of the fielding assistant as typed text by field, and back."""

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
AMOUNTS = {BUDGET: "total budget", HIGHEST: "maximum CPI", LOWEST: "minimum CPI", BOOST: "boost"}
UNITS = {"D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
_SECONDS = {"D": 86_400, "H": 3_600, "M": 60, "S": 1}
LONGEST = timedelta(days=398)
_TYPED = "%Y-%m-%dT%H:%M"


def soft_launch_texts(module: Value, entry: BoundForm[Value]) -> Texts:
    """Return the end in the group's time zone, and both percentages."""
    end = datetime.fromisoformat(module["end_at"]).astimezone(times.zone_of(entry.group))
    return {
        SOFT: "on",
        END: end.strftime(f"{_TYPED}:%S" if end.second else _TYPED),
        SHARE: str(module["filling_goal_percentage"]),
        STRICT: str(module["demographics_strictness_percentage"]),
    }


def clean_soft_launch(entry: BoundForm[Value], texts: Texts) -> Value:
    """Return a soft launch that ends in the future; None where it is off."""
    if not is_ticked(texts, SOFT):
        return None
    share = parse_whole(texts[SHARE], 1, 100, SHARE, "part of the goal in %")
    strict = parse_whole(texts[STRICT], 0, 100, STRICT, "strictness in %")
    return {
        "end_at": _clean_end(entry, texts[END]),
        "filling_goal_percentage": share,
        "demographics_strictness_percentage": strict,
    }


def _clean_end(entry: BoundForm[Value], text: str) -> str:
    seen = entry.seen[SOFT]
    if seen and text == soft_launch_texts(seen, entry)[END]:
        return str(seen["end_at"])
    local, zone = datetimes.parse_datetime(text, END), times.zone_of(entry.group)
    if reason := datetimes.reason_skipped(local, zone):
        raise FormError({END: reason})
    end = local.replace(tzinfo=zone)
    if end <= entry.now:
        raise FormError({END: "The soft launch must end in the future."})
    if entry.group.ends_at and end > entry.group.ends_at:
        raise FormError({END: "The soft launch must end before the group's end date."})
    return datetimes.rfc3339_stamp(end)


def pacing_texts(module: Value, _entry: BoundForm[Value]) -> Texts:
    """Return the type of pacing, with its step or the group to match."""
    texts = {PACING: str(module["type"])}
    if exposed := module.get("exposed_target_group_id"):
        texts[EXPOSED] = str(exposed)
    if step := assistant_modules.duration_of(module.get("increment_interval")):
        number, unit = in_one_unit(step)
        texts |= {EVERY: str(number), UNIT: unit}
    return texts


def format_duration(duration: Value) -> str:
    """Return an ISO 8601 duration as "every 12 hours"."""
    length = assistant_modules.duration_of(duration)
    if length is None:
        return str(duration) if duration else numbers.DASH
    number, unit = in_one_unit(length)
    word = UNITS[unit]
    return f"every {word.removesuffix('s')}" if number == 1 else f"every {number} {word}"


def in_one_unit(length: timedelta) -> tuple[int, str]:
    """Return a duration as a whole number of the largest unit that fits: (36, "H")."""
    seconds = int(length.total_seconds())
    unit = next(unit for unit, each in _SECONDS.items() if seconds % each == 0)
    return seconds // _SECONDS[unit], unit


def clean_pacing(entry: BoundForm[Value], texts: Texts) -> Value:
    """Return a pacing with a step below 398 days or a group of the same project; None if off."""
    kind = texts[PACING]
    if not kind:
        return None
    current = entry.seen[PACING] or {}
    if kind == "gemini":
        if texts[EXPOSED] not in (*entry.names, current.get("exposed_target_group_id")):
            raise FormError({EXPOSED: "Choose a group of this project."})
        return {"type": kind, "exposed_target_group_id": texts[EXPOSED]}
    if kind not in ("linear", "adaptive"):
        raise FormError({PACING: "Choose an option from the list."})
    initial = pacing_texts(current, entry) if current else {}
    if EVERY in initial and all(is_untouched(texts[name], initial[name]) for name in (EVERY, UNIT)):
        return {"type": kind, "increment_interval": current["increment_interval"]}
    number = parse_whole(texts[EVERY], 1, 999_999, EVERY, "step")
    unit = texts[UNIT]
    if unit not in UNITS:
        raise FormError({EVERY: "Choose days, hours or minutes."})
    if timedelta(seconds=number * _SECONDS[unit]) >= LONGEST:
        raise FormError({EVERY: f"The step must be shorter than {LONGEST.days} days."})
    return {"type": kind, "increment_interval": f"P{'' if unit == 'D' else 'T'}{number}{unit}"}


def quotas_texts(module: Value, _entry: BoundForm[Value]) -> Texts:
    """Return the switches that are on."""
    names = {STOP: "prevent_overfill", BALANCE: "balance_fill"}
    return {field: "on" for field, name in names.items() if module[name]}


def clean_quotas(_entry: BoundForm[Value], texts: Texts) -> Value:
    """Return both switches; None, which switches the module off, without either."""
    stop, balance = is_ticked(texts, STOP), is_ticked(texts, BALANCE)
    return {"prevent_overfill": stop, "balance_fill": balance} if stop or balance else None


def pricing_texts(module: Value, _entry: BoundForm[Value]) -> Texts:
    """Return the pricing model and its amounts."""
    amounts_of = {name: module.get(name.partition(".")[2]) for name in AMOUNTS}
    amounts = {
        name: numbers.typed_amount(Decimal(amount["value"]))
        for name, amount in amounts_of.items()
        if amount
    }
    return {PRICING: str(module["type"])} | amounts


def clean_pricing(entry: BoundForm[Value], texts: Texts) -> Value:
    """Return amounts in the group's currency; dynamic pricing takes one ceiling and a floor."""
    kind = texts[PRICING]
    if not kind:
        return None
    if kind != entry.group.pricing_model:
        raise FormError({PRICING: "This group uses another pricing model."})
    fields = (HIGHEST, BOOST) if kind == "rate_card" else (BUDGET, HIGHEST, LOWEST)
    untouched = _untouched_amounts(entry, kind, texts)
    amounts_typed = _clean_amounts(
        entry, {name: texts[name] for name in fields if texts[name] and name not in untouched}
    )
    amounts_typed |= {
        name: Decimal(untouched[name]["value"]) for name in fields if name in untouched
    }
    if kind == "dynamic":
        _require_one_ceiling(amounts_typed)
    _require_confirmation(entry, amounts_typed)
    amounts = {
        name.partition(".")[2]: untouched.get(name)
        or {"value": format(money, "f"), "currency_code": entry.group.currency}
        for name, money in amounts_typed.items()
    }
    return {"type": kind} | amounts


def _untouched_amounts(entry: BoundForm[Value], kind: str, texts: Texts) -> dict[str, Value]:
    """Return the amounts that nobody touched, to the digit as the exchange has them."""
    module = entry.seen[PRICING] or {}
    if module.get("type") != kind:
        return {}
    initial = pricing_texts(module, entry)
    return {
        name: module[name.partition(".")[2]]
        for name in AMOUNTS
        if name in initial and is_untouched(texts[name], initial[name])
    }


def _clean_amounts(entry: BoundForm[Value], texts: Texts) -> dict[str, Decimal]:
    """Return the typed amounts; raises FormError with a sentence for each field that is wrong."""
    currency = entry.group.currency
    limit = settings.CPI_LIMITS.get(currency)
    amounts: dict[str, Decimal] = {}
    errors: dict[str, str] = {}
    for name, text in texts.items():
        try:
            most = None if name == BUDGET else limit
            amounts[name] = parse_amount(text, currency, name, AMOUNTS[name], most=most)
        except FormError as exc:
            errors |= exc.fields
            continue
        if name != BUDGET and limit is not None and amounts[name] > limit:
            errors[name] = f"Cint accepts at most {numbers.format_money(limit, currency)}."
    if errors:
        raise FormError(errors)
    return amounts


def _require_one_ceiling(amounts: Mapping[str, Decimal]) -> None:
    if (BUDGET in amounts) == (HIGHEST in amounts):
        raise FormError({HIGHEST: "Enter either a total budget or a maximum CPI, not both."})
    if LOWEST in amounts and HIGHEST in amounts and amounts[LOWEST] >= amounts[HIGHEST]:
        raise FormError({LOWEST: "The minimum CPI must be below the maximum CPI."})


def _require_confirmation(entry: BoundForm[Value], amounts: Mapping[str, Decimal]) -> None:
    """Require that an amount far from the previous one, or from the current CPI, is typed twice."""
    seen = entry.seen[PRICING] or {}
    errors: dict[str, str] = {}
    for name in (BUDGET, HIGHEST, BOOST):
        previous = seen.get(name.partition(".")[2])
        old = (
            Decimal(previous["value"]) if previous else entry.group.cpi if name == HIGHEST else None
        )
        if name not in amounts or old is None or not is_large_step(old, amounts[name]):
            continue
        again = entry.typed.get(f"{name}_again", "").strip()
        if not again:
            source = "" if previous else ", the current CPI"
            old_text = numbers.format_amount(old, entry.group.currency) + source
            sentence = f"{format_change(old, amounts[name])} compared with {old_text}."
            errors[f"{name}_again"] = f"{sentence} Re-enter the {AMOUNTS[name]} to confirm."
        elif not is_again(again, amounts[name], entry.group.currency):
            errors[f"{name}_again"] = "The two values differ."
    if errors:
        raise FormError(errors, again=True)
