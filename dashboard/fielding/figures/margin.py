"""Margin: what the client pays for completes, less what they cost; within one currency.

The client CPI of a group is the one that Cint has for it, else that of its project, as entered in
Fieldwatch; either counts only in the currency in which the group is bought.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.models import Project, TargetGroup

# The client CPI in a group's details, as `values_list` reads it.
CLIENT_CPI_NOTE = "client_cost_per_interview_note"
GROUP_CLIENT_CPI = f"details__{CLIENT_CPI_NOTE}"


class ClientPrice(NamedTuple):
    """What a client pays per complete."""

    cpi: Decimal
    currency: str


@dataclass(slots=True)
class Margin:
    """Completes with a client CPI in one currency: what they bring and cost.

    unpriced: completes without a client CPI, which are not in it.
    """

    billed: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    completes: int = 0
    unpriced: int = 0

    def add_completes(self, completes: int, cost: Decimal, client_cpi: Decimal | None) -> None:
        """Add completes with their cost; without a client CPI they are only counted."""
        if client_cpi is None:
            self.unpriced += completes
            return
        self.completes += completes
        self.billed += client_cpi * completes
        self.cost += cost

    def add_margin(self, other: Margin) -> None:
        """Add another margin in the same currency."""
        self.billed += other.billed
        self.cost += other.cost
        self.completes += other.completes
        self.unpriced += other.unpriced

    @property
    def amount(self) -> Decimal | None:
        """The margin; None where no complete has a client CPI."""
        return self.billed - self.cost if self.completes else None

    @property
    def is_known(self) -> bool:
        """Whether at least half of the completes have a client CPI."""
        return self.completes > 0 and self.completes >= self.unpriced

    @property
    def share(self) -> Decimal | None:
        """The margin of what the client pays, negative for a loss; None where that is unknown."""
        return (self.billed - self.cost) / self.billed if self.billed else None


def client_price_of_project(cpi: Decimal | None, currency: str) -> ClientPrice | None:
    """Return the client CPI that was entered for a project; None without one."""
    return None if cpi is None else ClientPrice(cpi, currency)


def client_cpi_of_group(
    own: object, currency: str, of_project: ClientPrice | None
) -> Decimal | None:
    """Return the client CPI of a group in its currency; None if it is not known.

    own: the amount that Cint has for the group, as its details hold it.
    """
    if isinstance(own, dict) and str(own.get("currency_code", "")).upper() == currency:
        price = price_from_changelog(own)
        if price:
            return price
    if of_project is not None and of_project.currency == currency:
        return of_project.cpi
    return None


def margins_of_project(project: Project) -> dict[str, Margin]:
    """Return the margin to date by currency, of all groups with a cost; one query."""
    groups = TargetGroup.objects.filter(project=project, cost__gt=0)
    price = client_price_of_project(project.client_cpi, project.client_cpi_currency)
    rows = groups.values_list("currency", "completes", "cost", GROUP_CLIENT_CPI)
    return sum_margins(
        (currency, completes or 0, cost, client_cpi_of_group(own, currency, price))
        for currency, completes, cost, own in rows
    )


def sum_margins(
    parts: Iterable[tuple[str, int, Decimal, Decimal | None]],
) -> dict[str, Margin]:
    """Return margins by currency of parts: currency, completes, cost, client CPI."""
    margins: dict[str, Margin] = {}
    for currency, completes, cost, client_cpi in parts:
        margins.setdefault(currency, Margin()).add_completes(completes, cost, client_cpi)
    return margins
