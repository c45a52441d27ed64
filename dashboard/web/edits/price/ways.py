"""The ways to the goal in words: what each changes, brings and costs, and the form that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.fielding.advice.advised_groups import AdvisedGroup
from dashboard.fielding.advice.plan import SAFE, TARGET, Advice, Plan, PlanKind, Standing
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.quotas import StoredQuota, quota_targets, quota_unit
from dashboard.fielding.insight.launch_phase import phase_of_group
from dashboard.fielding.models import GroupPanels, TargetGroup
from dashboard.web.edits.price.calendar import describe_extension, describe_holidays_ahead
from dashboard.web.edits.price.outlook import evidence_sentence
from dashboard.web.formatting import numbers, times

NO_OUTLOOK = "There is no advice on this group: it needs a goal, an end date and a forecast."
MOST_NAMED = 3  # quotas of a plan


@dataclass(frozen=True, slots=True)
class WayLink:
    """A form that does a part of a way; fill: the CPI that it fills in."""

    word: str
    address: str
    fill: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to the goal: what it changes, what it brings and costs, and its forms."""

    title: str
    figures: str
    links: list[WayLink]
    note: str = ""


@dataclass(frozen=True, slots=True)
class NeededPrice:
    """The CPI that meets the deadline, as a choice of the form."""

    label: str
    price: str
    address: str


@dataclass(frozen=True, slots=True)
class WaysToGoal:
    """What is to be said of a group, the ways to its goal (the cheapest first, then those that lose
    money, a lower goal last), a lower CPI that is still safe, and what all that rests on.

    holidays: those before the end date, a sentence.
    """

    verdict: str
    evidence: str = ""
    ways: tuple[Way, ...] = ()
    saving: Way | None = None
    needed: NeededPrice | None = None
    is_short: bool = False
    holidays: str = ""


def ways_to_goal(advised: AdvisedGroup, *, now: datetime) -> WaysToGoal:
    """Return the ways to the goal of a group, in words; one query."""
    group, outlook, advice = advised.group, advised.outlook, advised.advise()
    quotas = _quotas(group)
    if outlook is None or advice is None:
        return WaysToGoal(_reason_without_advice(group, now))
    plans = sorted(
        advice.plans,
        key=lambda plan: (plan.kind is PlanKind.LOWER_GOAL, not advice.is_to_follow(plan)),
    )
    ways = tuple(_way(advised, plan, quotas) for plan in plans)
    return WaysToGoal(
        f"{describe_standing(group, advice)} {_describe_loss(advised, advice)}".strip(),
        "" if advice.standing is Standing.NO_PRICE else evidence_sentence(group, outlook),
        ways,
        _saving(advised, advice.saving) if advice.saving else None,
        _needed_price(group, advice),
        advice.standing in (Standing.UNSURE, Standing.OUT_OF_REACH),
        describe_holidays_ahead(advised),
    )


def describe_need(group: TargetGroup, advice: Advice) -> str:
    """Return which CPI a group needs, in a few words."""
    plan = advice.raise_now
    if plan is None:
        beyond = next((each for each in advice.plans if each.kind is PlanKind.RAISE), None)
        if beyond is not None:
            return f"{_price(group, beyond.cpi)} is beyond the client's CPI"
        return {
            Standing.ON_TRACK: "On track at its CPI",
            Standing.NO_PRICE: "The rate card sets its CPI",
            Standing.AT_GOAL: "At its goal",
            Standing.ENDED: "Its end date has passed",
        }.get(advice.standing, "Out of reach at any price")
    text = _price(group, plan.cpi)
    if advice.standing is not Standing.NEEDS_MORE:
        text += f" (chance {numbers.format_likelihood(plan.chance)})"
    return f"{text}, beyond the client's CPI" if plan.loses_money else text


def describe_standing(group: TargetGroup, advice: Advice) -> str:
    """Return what is to be said of a group first, as a sentence."""
    standing, most = advice.standing, advice.most
    if standing is Standing.NEEDS_MORE:
        return f"Each of these reaches the goal at a chance of {_percent(TARGET)} or more."
    if standing is Standing.UNSURE and most is not None:
        return (
            f"May be out of reach: the highest CPI that is advised, {_price(group, most.cpi)}, "
            f"has a chance of {numbers.format_likelihood(most.chance)}."
        )
    if standing is Standing.OUT_OF_REACH and most is not None:
        return describe_reach(group, most)
    return {
        Standing.ON_TRACK: f"Today's CPI reaches the goal at a chance of {_percent(TARGET)} "
        "or more.",
        Standing.NO_PRICE: "The rate card sets the CPI. Other ways to the goal:",
        Standing.AT_GOAL: "The goal is reached.",
        Standing.ENDED: "The end date has passed.",
    }.get(standing, "")


def describe_reach(group: TargetGroup, most: Plan) -> str:
    """Return how far the highest CPI brings a group whose goal is out of reach."""
    goal = completes_target(group) or 0
    reach = numbers.format_count(min(round(most.result.completes.p50), round(goal)))
    return (
        f"Out of reach at any price: at most about {reach} of {numbers.format_count(goal)} by "
        f"{_day(group, group.ends_at)}, at {_price(group, most.cpi)}."
    )


def _percent(chance: float) -> str:
    return f"{chance * 100:.0f} %"


def _price(group: TargetGroup, cpi: Decimal) -> str:
    return numbers.format_money(cpi, group.currency)


def _change(group: TargetGroup, cpi: Decimal) -> str:
    """Return the change from today's CPI: "+20 %"."""
    old = group.cpi or cpi
    return f"{numbers.format_signed(round((cpi - old) / old * 100))} %"


def _day(group: TargetGroup, moment: datetime | None) -> str:
    if moment is None:
        return "the end date"
    return f"{moment.astimezone(times.zone_of(group)):%a %-d %b}"


def _reason_without_advice(group: TargetGroup, now: datetime) -> str:
    phase = phase_of_group(group, now=now)
    if not phase.is_full_launch:
        return f"{phase.text}. There is no advice before the full launch."
    return NO_OUTLOOK


def _quotas(group: TargetGroup) -> Mapping[str, StoredQuota]:
    """Return the quotas of a group by their key."""
    profiles = GroupPanels.objects.filter(group=group).values_list("profiles", flat=True).first()
    unit = quota_unit(group.filling_strategy)
    return {quota.key: quota for quota in quota_targets(profiles, unit)}


def _quota_name(quota: StoredQuota) -> str:
    return quota.name or quota.profile or "a quota"


def _describe_loss(advised: AdvisedGroup, advice: Advice) -> str:
    """Return that no way to the goal is within the client's CPI; empty where one is."""
    reaching = [plan for plan in advice.plans if plan.kind is not PlanKind.LOWER_GOAL]
    if not reaching or not all(plan.loses_money for plan in reaching):
        return ""
    return f"No way to the goal is within {_client_cpi(advised)}."


def _client_cpi(advised: AdvisedGroup) -> str:
    """Return "the client's CPI of 5.00 USD"."""
    client = advised.outlook.pricing.client_cpi if advised.outlook else None
    return f"the client's CPI of {numbers.format_money(client, advised.group.currency)}"


def _way(advised: AdvisedGroup, plan: Plan, quotas: Mapping[str, StoredQuota]) -> Way:
    parts, links, group = [], [], advised.group
    if plan.condition is not None:
        parts.append(_conditional_raise(group, plan))
    elif group.cpi is not None and plan.cpi != group.cpi:
        word = "Raise" if plan.cpi > group.cpi else "Lower"
        change = _change(group, plan.cpi)
        parts.append(f"{word} the CPI to {_price(group, plan.cpi)} ({change})")
        links.append(_price_link(group, plan))
    if plan.extra_days and group.ends_at is not None:
        end = _day(group, group.ends_at + timedelta(days=plan.extra_days))
        days = f"{plan.extra_days} day{'' if plan.extra_days == 1 else 's'}"
        parts.append(f"Extend the end date by {days}, to {end}")
        address = f"{reverse('edit', args=[group.pk, 'dates'])}?days={plan.extra_days}"
        links.append(WayLink("Extend…", address))
    if plan.relaxed:
        goals = _relaxed_goals(plan, quotas)
        parts.append(_relaxed_quotas(goals))
        query = urlencode([("quota", f"{quota.key}:{goal}") for quota, goal in goals])
        links.append(WayLink("Quotas…", f"{reverse('edit', args=[group.pk, 'goals'])}?{query}"))
    if plan.goal is not None:
        parts.append(f"Lower the goal to {numbers.format_count(plan.goal)}")
        address = f"{reverse('edit', args=[group.pk, 'goals'])}?goal={plan.goal}"
        links.append(WayLink("Goal…", address))
    first, *rest = parts
    title = " and ".join([first, *(part[:1].lower() + part[1:] for part in rest)])
    notes = ["Nothing to send now: come back then."] if plan.condition else []
    if plan.extra_days:
        notes += describe_extension(advised, plan)
    return Way(title, _figures(advised, plan), links, " ".join(notes))


def _conditional_raise(group: TargetGroup, plan: Plan) -> str:
    """Return "On Wed 2 Dec 14:00, if fewer than 198 are in, raise the CPI to 4.10 USD"."""
    condition = plan.condition
    if condition is None:
        return ""
    at = condition.at.astimezone(times.zone_of(group))
    fewer = numbers.format_count(condition.fewer_than)
    price = _price(group, plan.cpi)
    return f"On {at:%a %-d %b %H:%M}, if fewer than {fewer} are in, raise the CPI to {price}"


def _relaxed_goals(plan: Plan, quotas: Mapping[str, StoredQuota]) -> list[tuple[StoredQuota, int]]:
    """Return the quotas that a plan relaxes, each with its new goal in its own unit."""
    return [
        (quotas[cell.name], ceil(round(quotas[cell.name].goal * cell.times, 6)))
        for cell in plan.relaxed
        if cell.name in quotas
    ]


def _relaxed_quotas(goals: Sequence[tuple[StoredQuota, int]]) -> str:
    """Return "Relax the quotas Men to 120 · Women to 140 and 2 more"."""
    texts = [f"{_quota_name(quota)} to {numbers.format_count(goal)}" for quota, goal in goals]
    more = len(texts) - MOST_NAMED
    text = " · ".join(texts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"Relax the quota{'' if len(texts) == 1 else 's'} {text}"


def _price_link(group: TargetGroup, plan: Plan) -> WayLink:
    price = f"{plan.cpi:f}"
    return WayLink("Fill in", f"{reverse('edit', args=[group.pk, 'cpi'])}?to={price}", price)


def _figures(advised: AdvisedGroup, plan: Plan) -> str:
    """Return the chance, completes by the end date, costs and margin of a plan, in one line."""
    group = advised.group
    goal = plan.goal or completes_target(group) or 0
    limit = max(goal, group.completes or 0)
    ends = plan.result.completes
    low, high = (numbers.format_count(min(end, limit)) for end in (ends.p10, ends.p90))
    end = group.ends_at and group.ends_at + timedelta(days=plan.extra_days)
    completes = low if low == high else f"{low}–{high}"
    cost = numbers.format_total(plan.cost_by_end[1], group.currency)
    at_goal = numbers.format_total(plan.cost_at_goal, group.currency)
    parts = [
        f"Chance {numbers.format_likelihood(plan.chance)}",
        f"{completes} completes by {_day(group, end)}",
        f"costs {cost}" if cost == at_goal else f"costs {cost}, {at_goal} if the goal is reached",
    ]
    if plan.exceeds_budget and group.budget is not None:
        over = numbers.format_total(plan.cost_at_goal - group.budget, group.currency)
        parts.append(f"{over} over budget")
    if plan.over_project_budget:
        over = numbers.format_total(plan.over_project_budget, group.currency)
        parts.append(f"{over} beyond the project's budget")
    return " · ".join([*parts, *_margin_texts(advised, plan)])


def _margin_texts(advised: AdvisedGroup, plan: Plan) -> list[str]:
    """Return what a plan leaves of the margin if the goal is reached, and whether it loses money;
    nothing without a client CPI."""
    if plan.margin is None:
        return []
    billed = plan.margin + plan.cost_at_goal
    share = f" ({numbers.format_percent(float(plan.margin / billed))})" if billed else ""
    word = "leaves a margin of" if plan.margin >= 0 else "a margin of"
    texts = [f"{word} {numbers.format_total(plan.margin, advised.group.currency)}{share}"]
    return [*texts, f"beyond {_client_cpi(advised)}"] if plan.loses_money else texts


def _saving(advised: AdvisedGroup, plan: Plan) -> Way:
    """Return the lower CPI of a group that fills early."""
    group = advised.group
    price, change = _price(group, plan.cpi), _change(group, plan.cpi)
    title = (
        f"Fills early: the CPI may be {price} ({change}), and the chance stays {_percent(SAFE)} "
        "or more"
    )
    return Way(title, _figures(advised, plan), [_price_link(group, plan)])


def _needed_price(group: TargetGroup, advice: Advice) -> NeededPrice | None:
    """Return the CPI that meets the deadline as a choice; of an attempt, with its chance."""
    plan = advice.raise_now
    if plan is None:
        return None
    label = f"Meets the deadline: {numbers.format_amount(plan.cpi, group.currency)}"
    if advice.standing is not Standing.NEEDS_MORE:
        amount = numbers.format_amount(plan.cpi, group.currency)
        label = f"Best attempt: {amount} ({numbers.format_likelihood(plan.chance)})"
    if plan.loses_money:
        label += ", beyond the client's CPI"
    link = _price_link(group, plan)
    return NeededPrice(label, link.fill, link.address)
