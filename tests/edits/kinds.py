"""What a person changes: one field of a form, what may differ then, and what is to be held."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.edits.page import PageForm

Settings = Mapping[str, Any]

# Which requests a kind of edit sends.
SENT_BY = {
    "cpi": "update_cost_per_interview",
    "filling_strategy": "update_filling_strategy",
    "re_entry": "update_re_entry_configuration",
    "details": "update_launched_target_group_details",
    "dates": "update_fielding_run",
    "goals": "update_profile_filling_goal",
    "assistant": "create_or_update_fielding_assistant_assignment",
    "draft": "update_target_group",
}
JOBS = ("pause", "resume", "complete", "manager")
BULK = (*JOBS, "bulk_cpi", "bulk_end")


@dataclass
class Change:
    """One field that is touched: paths that may differ after it, and when the group holds it."""

    name: str
    typed: str
    paths: tuple[str, ...]
    holds: Callable[[Settings], bool] | None  # None: the end that the edit itself wants
    also: dict[str, str] = field(default_factory=dict)

    def allows(self, path: str) -> bool:
        """Whether this change may make this value differ."""
        return any(re.fullmatch(pattern, path) for pattern in self.paths)


def at(settings: Settings, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    value: Any = settings
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if value else None
    return value


def _is(path: str, wanted: Any) -> Callable[[Settings], bool]:
    return lambda settings: at(settings, path) == wanted


def costs(path: str, text: str) -> Callable[[Settings], bool]:
    def holds(settings: Settings) -> bool:
        value = at(settings, path)
        return value is not None and Decimal(value) == Decimal(text)

    return holds


def _price(chance: Random, old: str) -> str:
    """Another price, up to a third away, with two decimals or four."""
    was = Decimal(old or "3")
    digits = 2 if "." in old or was < 20 else 0
    if digits and chance.random() < 0.3:
        digits = 4
    new = was * Decimal(str(round(chance.uniform(0.75, 1.3), 4)))
    new = max(new, Decimal("0.5")).quantize(Decimal(1).scaleb(-digits))
    return f"{new + (1 if digits == 0 else 0) if new == was else new:f}"


def cpi(form: PageForm, chance: Random, truth: Settings) -> Change:
    """A price a little off the one that is shown; now and then the one that was before."""
    text = _price(chance, truth["cpi"])
    shown = Decimal(form.value("cpi") or "0")
    earlier = [
        p for p in truth.get("earlier", ()) if Decimal(p) not in (shown, Decimal(truth["cpi"]))
    ]
    if earlier and chance.random() < 0.4:
        text = chance.choice(earlier)
    return Change("cpi", text, ("cpi",), costs("cpi", text))


def filling_strategy(form: PageForm, chance: Random, _truth: Settings) -> Change:
    """Another strategy than the one that is chosen."""
    shown = form.value("filling_strategy")
    strategies = ("automated", "prescreens", "completes")
    others = [strategy for strategy in strategies if strategy != shown]
    text = chance.choice(others)
    return Change("filling_strategy", text, ("filling_strategy",), _is("filling_strategy", text))


def re_entry(form: PageForm, chance: Random, _truth: Settings) -> Change:
    """One box ticked or not."""
    box = chance.choice([field for field in form.fields if field.name.count(".") == 2])
    path = f"re_entry.{box.name}"
    typed = "" if box.checked else "on"
    return Change(box.name, typed, (re.escape(path),), _is(path, bool(typed)))


_DETAILS = {
    "name": "name",
    "expected_length_of_interview_minutes": "loi_minutes",
    "expected_incidence_rate": "incidence_rate",
    "live_url": "live_url",
    "test_url": "test_url",
    "target_group_customer_reference_number": "reference",
    "client_cost_per_interview_note": "cpi_note",
    "project_manager_id": "project_manager_id",
    "industry_lockout_code": "lockout_code",
}


def details(form: PageForm, chance: Random, truth: Settings, *more: str) -> Change:
    """One of the details, or of the further fields, typed anew."""
    name = chance.choice([detail for detail in (*_DETAILS, *more) if form.has(detail)])
    return detail(form, chance, truth, name)


def detail(form: PageForm, chance: Random, truth: Settings, name: str) -> Change:
    """This field typed anew."""
    path = _DETAILS.get(name, name)
    number = chance.randrange(1_000_000)
    shown = form.value(name)
    if name in ("project_manager_id", "industry_lockout_code"):
        options = [o for o in form.named(name)[0].options if o and o != shown]
        text = chance.choice(options)
        return Change(name, text, (path,), _is(path, text))
    if name == "client_cost_per_interview_note":
        text = f"{chance.randrange(2, 9)}.{chance.randrange(10, 99)}"
        return Change(name, text, (path,), costs(path, text))
    if name == "expected_length_of_interview_minutes":
        value = chance.choice([n for n in range(5, 30) if str(n) != shown])
        return Change(name, str(value), (path,), _is(path, value))
    if name == "expected_incidence_rate":
        value = chance.choice([n for n in range(20, 90) if str(n) != shown])
        return Change(name, str(value), (path,), _is(path, value / 100))
    text = {
        "name": f"Group {number} of the trial",
        "live_url": f"https://survey.example.com/live/{number}?rid=[%RID%]",
        "test_url": f"https://survey.example.com/test/{number}?rid=[%RID%]",
    }.get(name, f"PO-{number}")
    return Change(name, text, (path,), _is(path, text))


def dates(form: PageForm, chance: Random, _truth: Settings) -> Change:
    """The end some hours later than it is shown."""
    shown = datetime.fromisoformat(form.value("end_fielding_at"))
    hours = chance.randrange(1, 48)
    text = (shown + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")
    return Change("end_fielding_at", text, ("end",), None)


def goals(form: PageForm, chance: Random, truth: Settings) -> Change:
    """Another goal, or another goal of one quota."""
    quotas = [field for field in form.fields if field.name.startswith("quota.")]
    if quotas and chance.random() < 0.5:
        place = chance.randrange(len(quotas))
        value = max(1, int(quotas[place].value or 10) + chance.choice((-2, -1, 1, 2, 3)))
        value += value == int(quotas[place].value or 0)
        places = [
            f"profiles.{n}.targets.{m}"
            for n, profile in enumerate(truth["profiles"])
            for m, target in enumerate(profile["targets"])
            if "goal" in target and profile.get("quotas_enabled") is not None
        ]
        path = places[place]
        allowed = (rf"{re.escape(path)}\.(goal|share)",)
        return Change(quotas[place].name, str(value), allowed, _is(f"{path}.goal", value))
    was = truth["filling_goal"]
    value = max(30, round(was * chance.uniform(1.05, 1.3)))
    value += value in (was, int(form.value("completes_goal") or 0))
    paths = ("filling_goal", r"profiles\..*\.(goal|share)")
    also = {"quotas_anew": "on"} if form.has("quotas_anew") else {}
    return Change("completes_goal", str(value), paths, _is("filling_goal", value), also)


def assistant(form: PageForm, chance: Random, truth: Settings) -> Change:
    """A switch of the quotas, or a step of the pacing."""
    if form.value("pacing") not in ("linear", "adaptive") or chance.random() < 0.5:
        name = chance.choice(("quota_overlay.prevent_overfill", "quota_overlay.balance_fill"))
        typed = "" if form.value(name) else "on"
        other = next(n for n in ("prevent_overfill", "balance_fill") if not name.endswith(n))
        ends = not typed and not form.value(f"quota_overlay.{other}")
        wanted: Any = bool(typed)
        holds = _is(f"assistant.{name}", None if ends else wanted)
        return Change(name, typed, (r"assistant\.quota_overlay.*",), holds)
    value = chance.choice(
        [n for n in range(1, 20) if str(n) != form.value("pacing.increment_interval")]
    )
    unit = form.value("pacing.unit")
    length = f"P{'' if unit == 'D' else 'T'}{value}{unit}"
    path = "assistant.pacing.increment_interval"
    return Change("pacing.increment_interval", str(value), (re.escape(path),), _is(path, length))


def draft(form: PageForm, chance: Random, truth: Settings) -> Change:
    """One field of a draft."""
    name = chance.choice([detail for detail in (*_DETAILS, *_DRAFT) if form.has(detail)])
    if name == "cost_per_interview" and truth["pricing_model"] != "dynamic":
        name = "name"
    choose = _DRAFT.get(name, detail)
    change = choose(form, chance, truth, name)
    if truth["pricing_model"] != "dynamic":  # the card's price follows LOI and IR, and is named
        change.paths = (*change.paths, "cpi", r"assistant\.pricing")
    return change


def _draft_price(_form: PageForm, chance: Random, truth: Settings, name: str) -> Change:
    text = _price(chance, truth["cpi"])
    return Change(name, text, ("cpi",), costs("cpi", text))


def _draft_goal(form: PageForm, chance: Random, truth: Settings, name: str) -> Change:
    """Quotas in per cent follow the goal; nominal ones are scaled by nobody."""
    value = truth["filling_goal"] + chance.randrange(5, 60)
    value += str(value) == form.value(name)
    paths = ("filling_goal", r"profiles\..*\.goal")
    return Change(name, str(value), paths, _is("filling_goal", value))


def _draft_box(form: PageForm, _chance: Random, _truth: Settings, name: str) -> Change:
    typed = "" if form.value(name) else "on"
    path = "exclusion.enabled" if name == "exclusion" else name
    return Change(name, typed, (re.escape(path),), _is(path, bool(typed)))


def _draft_list(form: PageForm, chance: Random, _truth: Settings, name: str) -> Change:
    shown = form.value(name)
    text = chance.choice([o for o in form.named(name)[0].options if o and o != shown])
    return Change(name, text, (name,), _is(name, text))


def _draft_end(form: PageForm, chance: Random, _truth: Settings, name: str) -> Change:
    shown = datetime.fromisoformat(form.value(name))
    text = (shown + timedelta(hours=chance.randrange(1, 48))).strftime("%Y-%m-%dT%H:%M")
    return Change(name, text, ("end",), None)


_DRAFT: Mapping[str, Callable[[PageForm, Random, Settings, str], Change]] = {
    "cost_per_interview": _draft_price,
    "completes_goal": _draft_goal,
    "exclusion": _draft_box,
    "collects_pii": _draft_box,
    "study_type_code": _draft_list,
    "end_at": _draft_end,
}
CHOOSE: Mapping[str, Callable[[PageForm, Random, Settings], Change]] = {
    "cpi": cpi,
    "filling_strategy": filling_strategy,
    "re_entry": re_entry,
    "details": details,
    "dates": dates,
    "goals": goals,
    "assistant": assistant,
    "draft": draft,
}
