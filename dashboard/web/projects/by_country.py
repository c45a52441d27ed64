"""What a project's groups add up to in each country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.fielding.figures import project_outlook
from dashboard.fielding.figures.project_outlook import outlook_of_groups
from dashboard.fielding.figures.project_verdict import missing_at_end, projected_at_end
from dashboard.fielding.models import Project
from dashboard.web.formatting import labels, numbers

GroupRow = Any  # Any: a named row of `project_outlook.FIELDS`, which Django does not type


@dataclass(frozen=True, slots=True)
class CountryRow:
    """One country; groups: those in the plan."""

    code: str
    country: str
    groups: int
    late: int
    open: int
    completes: float
    goal: float
    projected: float
    short: float
    spent: str


def country_rows(project: Project, *, now: datetime) -> list[CountryRow]:
    """Return a row a country, the most missing completes first, in one query.

    The sums are those of a project: drafts, archived and no longer listed groups are outside, but
    their money is spent.
    """
    by_country: dict[str, list[GroupRow]] = {}
    groups = project.target_groups.values_list(*project_outlook.FIELDS, named=True)
    for group in groups:
        by_country.setdefault(group.country_code, []).append(group)
    rows = [_country_row(code, groups, now) for code, groups in by_country.items()]
    shown = [row for row in rows if row.groups or row.spent != numbers.DASH]
    return sorted(shown, key=lambda row: (-row.short, row.country))


def _country_row(code: str, groups: list[GroupRow], now: datetime) -> CountryRow:
    sums = outlook_of_groups(groups, now=now)
    spent = {currency: money.so_far for currency, money in sums.money.items() if money.so_far}
    return CountryRow(
        code,
        labels.country_name(code) if code else "Not set",
        sums.groups,
        sums.short_groups,
        sums.open_groups,
        sums.completes,
        sums.goal,
        projected_at_end(sums),
        missing_at_end(sums),
        numbers.format_totals(spent),
    )
