"""The verdict on a project in sentences, from its stored outlook: is something wrong, how wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from dashboard.fielding.domain.figures import format_count
from dashboard.fielding.domain.money import format_total, format_totals
from dashboard.fielding.figures.project_outlook import (
    CurrencyOutlook,
    ProjectOutlook,
    outlook_of_project,
)
from dashboard.fielding.models import Project

TOLERANCE = 0.01  # of the goal: a projected shortfall below it is on track
LATE_AT_MOST = 14.0  # days after the end dates, up to which an extension is the remedy


class VerdictKind(StrEnum):
    """What the verdict is; each is also how it reads in short, before its number."""

    NOT_READ = "Not read yet"
    NOTHING_PLANNED = "Nothing planned"
    NO_GOAL = "No goal"
    COMPLETED = "Completed"
    ENDED_SHORT = "Ended short"
    NOTHING_LIVE = "Nothing live"
    SCHEDULED = "Scheduled"
    NO_FORECAST = "No forecast yet"
    SHORT = "Short"
    LATE = "Late"
    OVER_BUDGET = "Over budget"
    ON_TRACK = "On track"


TONES = {
    VerdictKind.SHORT: "bad",
    VerdictKind.ENDED_SHORT: "bad",
    VerdictKind.LATE: "warn",
    VerdictKind.OVER_BUDGET: "warn",
    VerdictKind.NOTHING_LIVE: "warn",
    VerdictKind.ON_TRACK: "good",
    VerdictKind.COMPLETED: "good",
}


class Budget(NamedTuple):
    """What all groups of one currency may cost."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ProjectVerdict:
    """What a project's figures mean.

    short: a few words for a table. sentences: whole ones, the answer first. over_budget: by how
    much, such as "6,000 GBP"; empty if it is not.
    """

    kind: VerdictKind
    short: str
    sentences: tuple[str, ...]
    over_budget: str = ""

    @property
    def tone(self) -> str:
        """Return the class of its colour; empty where nothing is good or bad."""
        tone = TONES.get(self.kind, "")
        return "warn" if self.over_budget and tone == "good" else tone

    @property
    def in_a_file(self) -> str:
        """Return the short form, with what is over the budget."""
        if not self.over_budget or self.kind is VerdictKind.OVER_BUDGET:
            return self.short
        return f"{self.short}; over budget {self.over_budget}"


def project_verdict(
    outlook: ProjectOutlook | None, budget: Budget | None, *, zone: tzinfo
) -> ProjectVerdict:
    """Return the verdict on a project; outlook: as stored. zone: of the dates in the sentences."""
    if outlook is None:
        return _bare(VerdictKind.NOT_READ, "Not read yet: its figures come with the first sync.")
    if not outlook.groups:
        return _bare(
            VerdictKind.NOTHING_PLANNED,
            "Nothing is planned: no group is scheduled, live, paused or completed.",
        )
    excess = budget_excess(outlook, budget)
    over = format_total(excess, budget.currency) if budget and excess else ""
    kind = _kind_of(outlook, is_over_budget=bool(over))
    sentences = [
        _lead_sentence(kind, outlook, zone),
        *_group_sentences(kind, outlook),
        *_money_sentences(outlook, budget, over),
    ]
    return ProjectVerdict(kind, _short_form(kind, outlook, over), tuple(sentences), over)


def verdict_of_project(project: Project, *, zone: tzinfo) -> ProjectVerdict:
    """Return the verdict on a project from its stored outlook; zone: of the dates in it."""
    return project_verdict(outlook_of_project(project), budget_of_project(project), zone=zone)


def budget_of_project(project: Project) -> Budget | None:
    """Return a project's budget; None without one."""
    if project.budget is None:
        return None
    return Budget(project.budget, project.budget_currency)


def budget_excess(outlook: ProjectOutlook, budget: Budget | None) -> Decimal | None:
    """Return how far the cost by the end date is above the budget; None if it is not."""
    money = outlook.money.get(budget.currency) if budget else None
    if budget is None or money is None:
        return None
    excess = cost_by_end(money) - budget.amount
    return excess if excess >= Decimal("0.5") else None


def cost_by_end(money: CurrencyOutlook) -> Decimal:
    """Return the cost by the end date: the middle, and what is spent where nothing is projected."""
    return money.so_far if money.by_end is None else Decimal(str(money.by_end.p50))


def missing_at_end(outlook: ProjectOutlook) -> float:
    """Return the completes that are missing on the end dates: the middle."""
    return outlook.shortfall.p50 if outlook.shortfall else 0.0


def projected_at_end(outlook: ProjectOutlook) -> float:
    """Return the completes on the end dates: the middle."""
    return outlook.projected.p50 if outlook.projected else outlook.completes


def _bare(kind: VerdictKind, sentence: str) -> ProjectVerdict:
    return ProjectVerdict(kind, kind.value, (sentence,))


def _kind_of(outlook: ProjectOutlook, *, is_over_budget: bool) -> VerdictKind:
    missing = missing_at_end(outlook)
    is_short = missing >= 1 and missing >= TOLERANCE * outlook.goal
    if not outlook.goal:
        return VerdictKind.NO_GOAL
    if not outlook.open_groups:
        return VerdictKind.ENDED_SHORT if is_short else VerdictKind.COMPLETED
    if outlook.live_groups == 0:
        return VerdictKind.NOTHING_LIVE if outlook.paused_groups else VerdictKind.SCHEDULED
    if outlook.unprojected_groups == outlook.open_groups:
        return VerdictKind.NO_FORECAST
    if is_short:
        return VerdictKind.LATE if _comes_late(outlook) else VerdictKind.SHORT
    return VerdictKind.OVER_BUDGET if is_over_budget else VerdictKind.ON_TRACK


def _comes_late(outlook: ProjectOutlook) -> bool:
    """Return whether all that is missing would come soon after the end dates."""
    if outlook.late_days is None or outlook.unseen_groups or outlook.ended_short >= 1:
        return False
    return outlook.late_days <= LATE_AT_MOST


def _short_form(kind: VerdictKind, outlook: ProjectOutlook, over: str) -> str:
    numbers = {
        VerdictKind.SHORT: format_count(missing_at_end(outlook)),
        VerdictKind.ENDED_SHORT: format_count(missing_at_end(outlook)),
        VerdictKind.LATE: f"{_whole_days(outlook)} d",
        VerdictKind.OVER_BUDGET: over,
    }
    return f"{kind.value} {numbers.get(kind, '')}".strip()


def _whole_days(outlook: ProjectOutlook) -> int:
    return max(round(outlook.late_days or 0.0), 1)


def _lead_sentence(kind: VerdictKind, outlook: ProjectOutlook, zone: tzinfo) -> str:
    """Return the answer: what the project ends with, of its goal, by when."""
    done, goal = format_count(outlook.completes), format_count(outlook.goal)
    end = f" by {outlook.last_end.astimezone(zone):%-d %b}" if outlook.last_end else ""
    about = f"about {format_count(projected_at_end(outlook))} of {goal}{end}"
    missing = f"{format_count(missing_at_end(outlook))} short"
    if _passes_other_goals(outlook):
        missing += " (what other groups have above their goals does not count)"
    projected = outlook.unprojected_groups < outlook.open_groups
    if kind is VerdictKind.NOTHING_LIVE:
        resumed = f" If paused groups resumed now, it would be {about}." if projected else ""
        return f"Nothing is live: {done} of {goal} completes so far.{resumed}"
    if kind is VerdictKind.SCHEDULED:
        number = _open_groups(outlook.open_groups)
        verb = "is" if outlook.open_groups == 1 else "are"
        ahead = f" The projection is {about}." if projected else ""
        return f"Nothing is live yet: {number} {verb} scheduled.{ahead}"
    if kind is VerdictKind.SHORT:
        return f"Will miss: {about}, {missing}."
    if kind is VerdictKind.LATE:
        days = _whole_days(outlook)
        return (
            f"Will be late: {about}, {missing}. They would come up to {days} "
            f"day{'' if days == 1 else 's'} after the end dates."
        )
    return {
        VerdictKind.NO_GOAL: f"No group has a goal. There are {done} completes so far.",
        VerdictKind.COMPLETED: f"Completed: {done} of {goal} completes.",
        VerdictKind.ENDED_SHORT: f"Ended short: {done} of {goal} completes, {missing}.",
        VerdictKind.NO_FORECAST: (
            f"No forecast yet: {done} of {goal} completes so far, and no open group is projected."
        ),
        VerdictKind.OVER_BUDGET: f"Over budget, and on track: {about}.",
        VerdictKind.ON_TRACK: f"On track: {about}.",
    }[kind]


def _passes_other_goals(outlook: ProjectOutlook) -> bool:
    """Return whether completes above goals hide a part of what is missing in the sum."""
    hidden = projected_at_end(outlook) + missing_at_end(outlook) - outlook.goal
    return missing_at_end(outlook) >= 1 and hidden > 1 + TOLERANCE / 2 * outlook.goal


def _group_sentences(kind: VerdictKind, outlook: ProjectOutlook) -> list[str]:
    """Return which groups are late, paused, ended short, or without a forecast."""
    number = outlook.open_groups
    found = []
    if outlook.short_groups:
        verb, short = "falls" if outlook.short_groups == 1 else "fall", outlook.short_groups
        found.append(f"{format_count(short)} of {_open_groups(number)} {verb} short.")
    if outlook.paused_groups:
        found.append(_paused_sentence(outlook))
    if outlook.ended_short >= 1 and number:
        found.append(f"Completed and ended groups lack {format_count(outlook.ended_short)}.")
    if outlook.unprojected_groups and kind is not VerdictKind.NO_FORECAST:
        is_one = outlook.unprojected_groups == 1
        found.append(
            f"{format_count(outlook.unprojected_groups)} of {_open_groups(number)} "
            f"{'has' if is_one else 'have'} no forecast yet, and "
            f"{'counts as reaching its goal' if is_one else 'count as reaching their goals'}."
        )
    return found


def _open_groups(number: int) -> str:
    return f"{format_count(number)} open group{'' if number == 1 else 's'}"


def _paused_sentence(outlook: ProjectOutlook) -> str:
    """Return how many groups are paused, by whom, and what is missing in them."""
    paused, by_exchange = outlook.paused_groups, outlook.paused_by_exchange
    verb = "is" if paused == 1 else "are"
    by = " by Cint" if by_exchange == paused else f", {format_count(by_exchange)} by Cint"
    lacking = (
        f"; {format_count(outlook.paused)} completes are missing in paused groups"
        if outlook.paused >= 1
        else ""
    )
    lead = f"{format_count(paused)} of {_open_groups(outlook.open_groups)} {verb} paused"
    return f"{lead}{by if by_exchange else ''}{lacking}."


def _money_sentences(outlook: ProjectOutlook, budget: Budget | None, over: str) -> list[str]:
    """Return the cost by the end date beside the budget; money of other currencies apart."""
    costs = {code: cost_by_end(money) for code, money in outlook.money.items()}
    costs = {code: cost for code, cost in costs.items() if cost > 0}
    subject = "The cost by end date is" if outlook.open_groups else "The spend is"
    if budget is None:
        return [f"{subject} {_totals(costs)}."] if costs else []
    if budget.currency not in outlook.money:
        amount = format_total(budget.amount, budget.currency)
        found = [f"No group costs the currency of the budget of {amount}."]
        return [*found, f"{subject} {_totals(costs)}."] if costs else found
    cost = format_total(costs.pop(budget.currency, Decimal(0)), budget.currency)
    amount = format_total(budget.amount, budget.currency)
    beside = f"{over} over the budget of {amount}" if over else f"within the budget of {amount}"
    found = [f"{subject} {cost}, {beside}."]
    return [*found, f"In other currencies it is {_totals(costs)}."] if costs else found


def _totals(costs: Mapping[str, Decimal]) -> str:
    return format_totals(costs).replace("\N{NO-BREAK SPACE}", " ")
