"""The lines of spend in sections with subtotals: by reference, project, country or month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.urls import reverse

from dashboard.fielding.figures.margin import Margin
from dashboard.fielding.figures.project_outlook import outlook_of_project
from dashboard.fielding.figures.project_verdict import (
    budget_excess,
    budget_of_project,
    cost_by_end,
)
from dashboard.fielding.models import Project
from dashboard.web.formatting import numbers
from dashboard.web.reports.spending import SpendLine

GROUPINGS = {
    "project": "Project",
    "reference": "Client reference",
    "country": "Country",
    "month": "Month",
}
DEFAULT_GROUPING = "project"
NO_REFERENCE = "No reference"


class ProjectEnd(NamedTuple):
    """What a project will have cost on its end dates, of its budget; over: by how much."""

    text: str
    over: str


@dataclass(slots=True)
class SpendSum:
    """Lines of one currency together. whole: the spend that its share is of."""

    title: str
    currency: str
    url: str = ""
    note: str = ""
    groups: int = 0
    completes: int = 0
    spent: Decimal = Decimal(0)
    whole: Decimal = Decimal(0)
    margin: Margin = field(default_factory=Margin)
    final: datetime | None = None
    end: ProjectEnd | None = None

    def add_line(self, line: SpendLine) -> None:
        """Add a line of the same currency."""
        self.groups += line.groups
        self.completes += line.completes
        self.spent += line.spent
        self.margin.add_margin(line.margin)
        self.final = max(filter(None, (self.final, line.final)), default=None)

    @property
    def average(self) -> Decimal | None:
        """Return the average CPI; None without completes."""
        return self.spent / self.completes if self.completes > 0 else None

    @property
    def share(self) -> float:
        """Return the share of the whole spend in this currency, from 0 to 1."""
        return float(self.spent / self.whole) if self.whole else 0.0

    @property
    def share_text(self) -> str:
        """Return that share in percent."""
        return numbers.format_percent(round(self.share, 4))

    @property
    def margin_share(self) -> str:
        """Return the margin of what the client pays; empty where it is not known."""
        share = self.margin.share
        return "" if share is None else numbers.format_percent(round(share, 4))

    @property
    def margin_covers(self) -> str:
        """Return of how many completes the margin is, if not of all; empty otherwise."""
        if not self.margin.completes or not self.margin.unpriced:
            return ""
        done, all_ = self.margin.completes, self.margin.completes + self.margin.unpriced
        return f"of {numbers.format_count(done)} of {numbers.format_count(all_)} completes"


@dataclass(slots=True)
class SpendSection:
    """A subtotal with the lines below it; none where there would be only one.

    below: what these are, such as "3 countries".
    """

    total: SpendSum
    rows: list[SpendSum]
    below: str = ""


@dataclass(slots=True)
class CurrencySpend:
    """The spend in one currency: its total, and its sections, the largest first."""

    total: SpendSum
    sections: list[SpendSection]


class _Level(NamedTuple):
    """How lines are put together: the key of each, its title, and its address."""

    key: Callable[[SpendLine], str]
    title: Callable[[SpendLine], str]
    url: Callable[[SpendLine], str] = lambda _line: ""


_LEVELS: Mapping[str, _Level] = {
    "project": _Level(
        lambda line: str(line.project_pk),
        lambda line: line.project,
        lambda line: reverse("project", args=[line.project_pk]),
    ),
    "reference": _Level(lambda line: line.reference, lambda line: line.reference or NO_REFERENCE),
    "country": _Level(lambda line: line.country_code, lambda line: line.country),
    "month": _Level(lambda line: line.month, lambda line: line.month_name),
}
_BELOW = {"project": "country", "reference": "project", "country": "project", "month": "project"}
_NOUNS = {"country": "countries", "project": "projects"}


def sections_by_currency(
    lines: Iterable[SpendLine], grouping: str, ends: Mapping[tuple[int, str], ProjectEnd]
) -> list[CurrencySpend]:
    """Return the spend of each currency in sections; a month's are in the order of time.

    ends: by project and currency.
    """
    by_currency: dict[str, list[SpendLine]] = {}
    for line in lines:
        by_currency.setdefault(line.currency, []).append(line)
    return [
        _currency_spend(rows, currency, grouping, ends)
        for currency, rows in sorted(by_currency.items())
    ]


def _currency_spend(
    lines: Sequence[SpendLine],
    currency: str,
    grouping: str,
    ends: Mapping[tuple[int, str], ProjectEnd],
) -> CurrencySpend:
    total = SpendSum(f"All {currency}", currency)
    for line in lines:
        total.add_line(line)
    total.whole = total.spent
    sections = []
    for rows in _split_lines(lines, grouping).values():
        section = _section(rows, grouping, total.spent)
        if grouping == "project":
            section.total.end = ends.get((rows[0].project_pk, currency))
        sections.append(section)
    if grouping != "month":
        sections.sort(key=lambda section: (-section.total.spent, section.total.title.casefold()))
    return CurrencySpend(total, sections)


def _section(lines: Sequence[SpendLine], grouping: str, whole: Decimal) -> SpendSection:
    total = _sum_of(lines, grouping, whole)
    parts = _split_lines(lines, _BELOW[grouping])
    rows = [_sum_of(part, _BELOW[grouping], whole) for part in parts.values()]
    if grouping == "reference":  # which stands above them
        for row in rows:
            row.note = ""
    if len(rows) == 1:
        total.note = " · ".join(filter(None, (total.note, rows[0].title)))
        return SpendSection(total, [])
    rows.sort(key=lambda row: (-row.spent, row.title.casefold()))
    return SpendSection(total, rows, f"{len(rows)} {_NOUNS[_BELOW[grouping]]}")


def _split_lines(lines: Iterable[SpendLine], grouping: str) -> dict[str, list[SpendLine]]:
    parts: dict[str, list[SpendLine]] = {}
    for line in sorted(lines, key=_LEVELS[grouping].key):
        parts.setdefault(_LEVELS[grouping].key(line), []).append(line)
    return parts


def _sum_of(lines: Sequence[SpendLine], grouping: str, whole: Decimal) -> SpendSum:
    level, first = _LEVELS[grouping], lines[0]
    total = SpendSum(level.title(first), first.currency, level.url(first), whole=whole)
    if grouping == "project":
        total.note = first.reference
    for line in lines:
        total.add_line(line)
    return total


def project_ends(pks: Iterable[int]) -> dict[tuple[int, str], ProjectEnd]:
    """Return what each project will have cost, by currency, as the last pull worked it out."""
    ends: dict[tuple[int, str], ProjectEnd] = {}
    columns = ("pk", "outlook", "budget", "budget_currency")
    for project in Project.objects.filter(pk__in=[*pks]).only(*columns):
        outlook, budget = outlook_of_project(project), budget_of_project(project)
        for currency, money in outlook.money.items() if outlook else ():
            planned = budget.amount if budget and budget.currency == currency else None
            excess = budget_excess(outlook, budget) if outlook and planned is not None else None
            cost = numbers.format_total(cost_by_end(money), "" if planned is not None else currency)
            ends[project.pk, currency] = ProjectEnd(
                cost if planned is None else f"{cost} of {numbers.format_total(planned, currency)}",
                f"{numbers.format_total(excess, '')} over" if excess else "",
            )
    return ends
