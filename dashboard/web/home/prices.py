"""The CPIs that groups of projects need, kept in this process while a project is unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from dashboard.alerts.items.needed_cpi import NeededCpi, load_needed_cpis
from dashboard.web.projects.kept_figures import KeptByProject


class PricedGroup(NamedTuple):
    """A group whose CPI is wanted, its project, and the version of that."""

    pk: int
    project_pk: int
    version: int


class ProjectPrices(KeptByProject[Mapping[int, NeededCpi | None]]):
    """The CPI that each group needs, as last worked out; None where it needs none."""

    def load(self, groups: Iterable[PricedGroup], *, now: datetime) -> dict[int, NeededCpi]:
        """Return the CPI that each of these groups needs, by primary key.

        Five queries for all whose project changed, none without such a group.
        """
        by_project: dict[tuple[int, int], list[int]] = {}
        for group in groups:
            by_project.setdefault((group.project_pk, group.version), []).append(group.pk)
        known = {
            (project, version): self.find(project, version, now=now) or {}
            for project, version in by_project
        }
        missing = [pk for key, pks in by_project.items() for pk in pks if pk not in known[key]]
        worked_out = load_needed_cpis(missing, now=now)
        needed: dict[int, NeededCpi] = {}
        for (project, version), pks in by_project.items():
            added = {pk: worked_out.get(pk) for pk in pks if pk not in known[project, version]}
            prices = known[project, version]
            if added:
                prices = {**prices, **added}
                self.keep(project, version, value=prices, now=now)
            needed |= {pk: price for pk in pks if (price := prices[pk]) is not None}
        return needed
