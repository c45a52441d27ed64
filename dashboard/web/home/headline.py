"""The figures above the home page's list, from groups in field and those with completes today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import THE_EXCHANGE
from dashboard.fielding.figures.joint_sum import sum_of_ranges
from dashboard.fielding.figures.project_outlook import ProjectOutlook
from dashboard.fielding.figures.today import completes_of_today, local_midnight
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.models.querysets.expressions import BEHIND_PACE, IN_FIELD
from dashboard.web.formatting import numbers
from dashboard.web.projects.kept_figures import KeptByProject

DAY = timedelta(days=1)
FIELDS = (
    "pk",
    "name",
    "project_id",
    "status",
    "status_changed_by",
    "missing_since",
    "currency",
    "cpi",
    "completes",
    "prescreens",
    "expected_incidence_rate",
    "filling_strategy",
    "filling_goal",
    "completes_goal",
    "ends_at",
    "last_complete_at",
    "completes_read_at",
    "details_read_at",
    "country_code",
    "time_zone",
    "insight__at",
    "insight__today",
    "insight__pace__band",
)

SUMMED = ("live", "behind", "paused", "today", "needed", "unread", "no_history", "no_details")

GroupRow = Any  # Any: a named row of FIELDS, which Django does not type


class NextEnd(NamedTuple):
    """The end date of a group, with the group."""

    ends_at: datetime
    group_pk: int
    group: str


@dataclass(slots=True)
class Headline:
    """Sums over groups in field that are listed; of today, also over those that left it today.

    unread: groups whose completes of today are not known; they are in none of today's sums.
    no_history, no_details: groups in field whose completes history and quotas, and whose details
    were never read. next_end: of the group in field that ends first.
    """

    live: int = 0
    behind: int = 0
    paused: int = 0
    short: float = 0.0
    missing_in_paused: float = 0.0
    today: int = 0
    needed: float = 0.0
    unread: int = 0
    no_history: int = 0
    no_details: int = 0
    spent: dict[str, Decimal] = field(default_factory=dict)
    next_end: NextEnd | None = None
    # Groups of each project: the live ones, and the live and paused ones.
    in_field: Counter[int] = field(default_factory=Counter)

    def add(self, other: Headline) -> None:
        """Add the figures of further groups."""
        for name in SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, amount in other.spent.items():
            self.spent[currency] = self.spent.get(currency, Decimal(0)) + amount
        self.in_field += other.in_field
        self.next_end = min(filter(None, (self.next_end, other.next_end)), default=None)

    @property
    def spend(self) -> str:
        """Return the cost of today's completes, per currency."""
        return numbers.format_totals(self.spent)

    @property
    def never_read(self) -> str:
        """Return what was never read of groups in field, in words; empty if all was."""
        parts = [
            f"{what} of {count:,} group{'' if count == 1 else 's'}"
            for what, count in (
                ("the completes history and quotas", self.no_history),
                ("the details (LOI, IR, dates)", self.no_details),
            )
            if count
        ]
        return " and ".join(parts)


class ProjectHeadlines(KeptByProject[Headline]):
    """The figures of each project as they were last computed."""

    def sum_of(
        self,
        versions: Mapping[int, int],
        load: Callable[[Collection[int]], Iterable[GroupRow]],
        *,
        now: datetime,
    ) -> Headline:
        """Return the sum over projects by id and version; load: rows of FIELDS of projects."""
        known = {pk: self._find_current(pk, version, now) for pk, version in versions.items()}
        groups: dict[int, list[GroupRow]] = {pk: [] for pk in known if known[pk] is None}
        for group in load(list(groups)) if groups else ():
            groups[group.project_id].append(group)
        for pk, rows in groups.items():
            headline = headline_of(rows, now=now)
            known[pk] = self.keep(pk, versions[pk], value=headline, now=now)
        total = Headline()
        for one in filter(None, known.values()):
            total.add(one)
        return total

    def _find_current(self, pk: int, version: int, now: datetime) -> Headline | None:
        """Return the kept figures, unless the group that ends first has ended since."""
        headline = self.find(pk, version, now=now)
        has_ended = headline and headline.next_end and headline.next_end.ends_at <= now
        return None if has_ended else headline


def headline_of(groups: Iterable[GroupRow], *, now: datetime) -> Headline:
    """Sum up rows of FIELDS."""
    headline = Headline()
    for group in groups:
        _add_today(headline, group, now)
        if group.missing_since is not None:
            continue
        if group.status in IN_FIELD:
            headline.in_field[group.project_id] += 1
            headline.no_history += group.completes_read_at is None
            headline.no_details += group.details_read_at is None
            if group.ends_at is not None and group.ends_at > now:
                end = NextEnd(group.ends_at, group.pk, group.name)
                headline.next_end = min(filter(None, (headline.next_end, end)))
        if group.status == "live":
            headline.live += 1
            headline.behind += group.insight__pace__band in BEHIND_PACE
        elif group.status == "paused" and group.status_changed_by in THE_EXCHANGE:
            headline.paused += 1
    return headline


def _add_today(headline: Headline, group: GroupRow, now: datetime) -> None:
    """Add completes, spend and what was needed of a group that was live today."""
    today = completes_of_today(group, now=now)
    if today is None:
        headline.unread += 1
        return
    headline.today += today
    if today and group.cpi:
        spent = headline.spent.get(group.currency, Decimal(0))
        headline.spent[group.currency] = spent + today * group.cpi
    if today or (group.status == "live" and group.missing_since is None):
        headline.needed += needed_today(group, today, now)


def add_shortfalls(headline: Headline, outlooks: Iterable[object]) -> None:
    """Add what the projects miss together, the median, and what their paused groups miss.

    outlooks: as stored.
    """
    stored = [ProjectOutlook.from_stored(outlook) for outlook in outlooks if outlook]
    shortfalls = [outlook.shortfall for outlook in stored if outlook.shortfall]
    ranges = [Percentiles(part.p10, part.p50, part.p90) for part in shortfalls]
    headline.short = sum_of_ranges(ranges).p50
    headline.missing_in_paused = sum(outlook.paused for outlook in stored)


def needed_today(group: GroupRow, today: int, now: datetime) -> float:
    """Return the completes missing at local midnight, spread over the days to the end date."""
    goal = completes_target(group)
    if not goal or group.completes is None:
        return 0.0
    missing = max(goal - (group.completes - today), 0)
    if group.ends_at is None:
        return float(missing)
    days = max((group.ends_at - local_midnight(group, now)) / DAY, 1.0)
    return float(missing / days)
