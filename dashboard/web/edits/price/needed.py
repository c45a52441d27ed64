"""The CPI that each of several groups needs, for lists of what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.advice.advised_groups import advise_together, load_advised_groups
from dashboard.fielding.models import TargetGroup
from dashboard.web.edits.price.ways import raise_of
from dashboard.web.formatting import numbers
from dashboard.web.projects.kept_figures import KeptByProject


@dataclass(frozen=True, slots=True)
class NeededCpi:
    """The CPI that a group needs, and today's."""

    cpi: Decimal
    today: Decimal
    currency: str

    def __str__(self) -> str:
        return f"about {numbers.format_money(self.cpi, self.currency)}"

    @property
    def percent(self) -> int:
        """The raise in per cent of today's CPI."""
        return round((self.cpi - self.today) / self.today * 100)


class ProjectPrices(KeptByProject[dict[int, NeededCpi]]):
    """The CPIs that groups of each project need, as they were last worked out."""

    def load(
        self, project_pk: int, version: int, pks: Iterable[int], *, now: datetime
    ) -> dict[int, NeededCpi]:
        """Return the CPI that each of these groups of a project needs."""
        wanted = tuple(sorted(pks))
        prices = self.find(project_pk, version, wanted, now=now)
        if prices is None:
            prices = load_needed_cpis(wanted, now=now)
            self.keep(project_pk, version, wanted, value=prices, now=now)
        return prices


def load_needed_cpis(pks: Iterable[int], *, now: datetime) -> dict[int, NeededCpi]:
    """Return the CPI that each of these groups needs, in five queries, none without a group.

    Groups that need none, or that none helps, are left out.
    """
    wanted = list(pks)
    if not wanted:
        return {}
    groups = TargetGroup.objects.filter(pk__in=wanted).select_related("project")
    return needed_cpis(list(groups), now=now)


def needed_cpis(groups: Sequence[TargetGroup], *, now: datetime) -> dict[int, NeededCpi]:
    """Return the CPI that each group needs, in four queries."""
    advised = load_advised_groups(groups, now=now)
    needed = {}
    for pk, advice in advise_together(advised).items():
        plan, group = raise_of(advice), advised[pk].group
        if plan is not None and group.cpi:
            needed[pk] = NeededCpi(plan.cpi, group.cpi, group.currency)
    return needed


def describe_raises(needed: Sequence[NeededCpi]) -> str:
    """Return "to about 3.80 USD" for one group, "by about 8 to 25 %" for several."""
    if len(needed) == 1:
        return f"to {needed[0]}"
    low, high = (limit(each.percent for each in needed) for limit in (min, max))
    return f"by about {low} %" if low == high else f"by about {low} to {high} %"
