"""The tiles at the top of a project's page, below its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.fielding.figures.goal_cost import COST_BY_END_DATE
from dashboard.fielding.figures.margin import Margin, margins_of_project
from dashboard.fielding.figures.project_outlook import ProjectOutlook, outlook_of_project
from dashboard.fielding.figures.project_verdict import (
    Budget,
    budget_excess,
    budget_of_project,
    cost_by_end,
    missing_at_end,
    projected_at_end,
)
from dashboard.fielding.models import Project
from dashboard.web.formatting import numbers


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of the page. notes: what it is measured against, each with its tone."""

    label: str
    value: str
    of: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    wide: bool = False


def project_tiles(project: Project) -> list[Tile]:
    """Return the tiles of a project; none before its first pull or without a group in the plan.

    The last one is the margin; where no client CPI is known, the paused groups have a tile instead.
    """
    outlook = outlook_of_project(project)
    if outlook is None or not outlook.groups:
        return []
    spend = _spend_tile(outlook, budget_of_project(project))
    margins = {
        code: margin for code, margin in margins_of_project(project).items() if margin.is_known
    }
    return [
        _completes_tile(outlook),
        _target_tile(outlook),
        _projected_tile(outlook),
        _late_tile(outlook),
        *((spend, _margin_tile(margins)) if margins else (_paused_tile(outlook), spend)),
    ]


def _completes_tile(outlook: ProjectOutlook) -> Tile:
    done = numbers.format_count(outlook.completes)
    if not outlook.goal:
        return Tile("Completes", done, notes=(("no group has a goal", ""),), hint="Completes")
    share = f"{numbers.format_percent(outlook.completes / outlook.goal)} of goal"
    of = f"of {numbers.format_count(outlook.goal)}"
    return Tile("Completes", done, of, ((share, ""),), hint="Completes")


def _target_tile(outlook: ProjectOutlook) -> Tile:
    if outlook.target is None:
        return Tile("Target by now", numbers.DASH, hint="Target by now")
    gap = round(outlook.completes) - round(outlook.target)
    note = f"{numbers.format_count(abs(gap))} {'behind' if gap < 0 else 'ahead'}"
    return Tile(
        "Target by now",
        numbers.format_count(outlook.target),
        notes=((note, "warn" if gap < 0 else ""),) if gap else (("exactly as many", ""),),
        hint="Target by now",
    )


def _projected_tile(outlook: ProjectOutlook) -> Tile:
    """Return completes on the end dates, with the range that holds 80 % of outcomes."""
    missing = missing_at_end(outlook)
    notes = [(f"shortfall {numbers.format_count(missing)}", "warn" if missing >= 1 else "")]
    if outlook.projected and round(outlook.projected.p10) != round(outlook.projected.p90):
        low = numbers.format_count(outlook.projected.p10)
        notes.insert(0, (f"{low}–{numbers.format_count(outlook.projected.p90)}", ""))
    return Tile(
        "Projected at end",
        numbers.format_count(projected_at_end(outlook)),
        notes=tuple(notes),
        hint="Projected at end",
    )


def _late_tile(outlook: ProjectOutlook) -> Tile:
    if not outlook.open_groups:
        return Tile("Late groups", "–", notes=(("no group is open", ""),), hint="Late")
    notes = []
    if outlook.late_days is not None:
        days = max(round(outlook.late_days), 1)
        notes.append((f"up to {days} d late", ""))
    if outlook.unseen_groups:
        unseen = numbers.format_count(outlook.unseen_groups)
        notes.append((f"{unseen} with no finish in sight", "warn"))
    late, of = map(numbers.format_count, (outlook.short_groups, outlook.open_groups))
    return Tile("Late groups", late, f"of {of}", tuple(notes), hint="Late")


def _paused_tile(outlook: ProjectOutlook) -> Tile:
    notes = []
    if outlook.paused_by_exchange:
        notes.append((f"{numbers.format_count(outlook.paused_by_exchange)} by Cint", ""))
    if outlook.paused >= 1:
        notes.append((f"{numbers.format_count(outlook.paused)} missing in paused groups", "warn"))
    return Tile("Paused groups", numbers.format_count(outlook.paused_groups), notes=tuple(notes))


def _spend_tile(outlook: ProjectOutlook, budget: Budget | None) -> Tile:
    """Return cost to date, the cost by end date and the budget; currencies stay apart."""
    spent = {code: money.so_far for code, money in outlook.money.items() if money.so_far}
    notes = []
    ends = {code: cost_by_end(money) for code, money in outlook.money.items()}
    ends = {code: cost for code, cost in ends.items() if cost}
    tone = "warn" if budget_excess(outlook, budget) else ""
    if outlook.open_groups and ends:
        name = f"{COST_BY_END_DATE[:1].lower()}{COST_BY_END_DATE[1:]}"
        notes.append((f"{name} {numbers.format_totals(ends)}", tone))
    if budget:
        notes.append((f"budget {numbers.format_total(budget.amount, budget.currency)}", tone))
    return Tile("Spend", numbers.format_totals(spent), notes=tuple(notes), hint="Spend", wide=True)


def _margin_tile(margins: Mapping[str, Margin]) -> Tile:
    """Return the margin to date by currency, with its share, and of which completes it is."""
    amounts = {code: margin.billed - margin.cost for code, margin in margins.items()}
    notes = []
    for code, margin in sorted(margins.items()):
        if margin.share is not None:
            name = f" {code}" if len(margins) > 1 else ""
            share = numbers.format_percent(round(margin.share, 4))
            notes.append((f"{share} of what the client pays{name}", ""))
    unpriced = sum(margin.unpriced for margin in margins.values())
    if unpriced:
        notes.append((f"without {numbers.format_count(unpriced)} completes: no client CPI", ""))
    tone = "warn" if any(amount < 0 for amount in amounts.values()) else ""
    if tone:
        notes.insert(0, ("a loss", tone))
    return Tile("Margin", numbers.format_totals(amounts), notes=tuple(notes), hint="Margin")
