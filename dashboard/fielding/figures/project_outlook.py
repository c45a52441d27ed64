"""Where a project stands and ends: worked out with each pull, and stored with the project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from dashboard.fielding.domain.scope import THE_EXCHANGE, is_in_plan, is_open
from dashboard.fielding.figures.joint_sum import JointDraws
from dashboard.fielding.figures.project_path import HasDates, target_by
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.insight import at_end
from dashboard.fielding.insight.at_end import (
    GroupAtEnd,
    group_at_end,
    read_expected,
    shortfall_in_plan,
)
from dashboard.fielding.insight.document import EndPercentiles, StoredPart
from dashboard.fielding.models import Project, TargetGroup


class HasPrice(HasDates, Protocol):
    """A group, or a row of FIELDS."""

    @property
    def insight__forecast__at_end(self) -> object: ...
    @property
    def currency(self) -> str: ...
    @property
    def cpi(self) -> Decimal | None: ...
    @property
    def cost(self) -> Decimal | None: ...
    @property
    def finish_at(self) -> datetime | None: ...
    @property
    def status_changed_by(self) -> str: ...


FIELDS = (
    *at_end.FIELDS,
    at_end.EXPECTED,
    "currency",
    "cpi",
    "cost",
    "finish_at",
    "status_changed_by",
)

DAY = timedelta(days=1)

MONEY_DIGITS = 3  # of the currencies with most; a cost by the end date never reads below the spend


class CurrencyOutlook(StoredPart, frozen=True):
    """Money of one currency. so_far: cost as the exchange reports it, of every group (archived and
    missing ones too: their money is spent). by_end: cost on the end dates as projected. if_full:
    cost if every open group reaches its goal."""

    so_far: Decimal = Decimal(0)
    by_end: EndPercentiles | None = None
    if_full: Decimal = Decimal(0)


class ProjectOutlook(StoredPart, frozen=True):
    """What a project's groups add up to; drafts, archived and no longer listed groups are outside.

    at: when it was worked out (ISO 8601). goal and completes: sums over all groups in the plan, in
    completes. projected: completes on the end dates, each group capped at its goal. shortfall:
    completes missing then. ended_short: the part of it in groups that are over already. paused:
    what is missing today to the goals of paused groups, which are projected as if they resumed
    now, and paused_by_exchange: those of them that the exchange paused. live_groups: None in an
    outlook of an older release.
    short_groups: open groups whose middle projection misses the goal; unseen_groups: those of them
    whose finish is not in sight; late_days: from the end date to the projected finish, of the
    latest of the others. unprojected_groups: open groups without a projection, which count as
    reaching their goals. target: the completes
    of straight lines to the goals by then; None without dates. ends_at: the
    last end date of open groups (ISO 8601); empty without one.
    """

    at: str = ""
    groups: int = 0
    open_groups: int = 0
    short_groups: int = 0
    paused_groups: int = 0
    goal: float = 0.0
    completes: float = 0.0
    projected: EndPercentiles | None = None
    shortfall: EndPercentiles | None = None
    ended_short: float = 0.0
    paused: float = 0.0
    live_groups: int | None = None
    paused_by_exchange: int = 0
    unseen_groups: int = 0
    unprojected_groups: int = 0
    late_days: float | None = None
    target: float | None = None
    ends_at: str = ""
    money: dict[str, CurrencyOutlook] = msgspec.field(default_factory=dict)

    @property
    def worked_out_at(self) -> datetime | None:
        """When the pull worked it out."""
        return _moment_of(self.at)

    @property
    def last_end(self) -> datetime | None:
        """The last end date of open groups; None without one."""
        return _moment_of(self.ends_at)


def outlook_of_groups(rows: Iterable[HasPrice], *, now: datetime) -> ProjectOutlook:
    """Add up the groups of a project (or any other set): rows of FIELDS, of every status."""
    everything = list(rows)
    planned = [row for row in everything if is_in_plan(row)]
    ends = [
        group_at_end(row, read_expected(row.insight__forecast__at_end), now=now) for row in planned
    ]
    draws = JointDraws(ends)
    open_now = [is_open(row, now) for row in planned]
    missing = [max((end.goal or 0.0) - end.completes, 0.0) for end in ends]
    paused = [is_open(row, now) and row.status == "paused" for row in planned]
    end_dates = [row.ends_at for row in planned if is_open(row, now) and row.ends_at]
    unseen, late_days = _lateness(zip(planned, ends, strict=True))
    return ProjectOutlook(
        at=now.isoformat(timespec="seconds"),
        groups=len(planned),
        open_groups=sum(open_now),
        short_groups=sum(end.is_short for end in ends),
        paused_groups=sum(paused),
        goal=sum(end.goal or 0.0 for end in ends),
        completes=sum(end.completes for end in ends),
        projected=_stored(draws.projected()),
        shortfall=_stored(draws.shortfall()),
        ended_short=sum(
            count for count, is_now in zip(missing, open_now, strict=True) if not is_now
        ),
        paused=sum(count for count, is_paused in zip(missing, paused, strict=True) if is_paused),
        live_groups=sum(row.status == "live" for row in planned),
        paused_by_exchange=sum(
            row.status_changed_by in THE_EXCHANGE
            for row, is_paused in zip(planned, paused, strict=True)
            if is_paused
        ),
        unseen_groups=unseen,
        unprojected_groups=sum(
            not (end.is_projected or end.is_over) and end.goal is not None for end in ends
        ),
        late_days=late_days,
        target=target_by(planned, now),
        ends_at=max(end_dates).isoformat(timespec="seconds") if end_dates else "",
        money={
            currency: _money_of(
                so_far=sum(
                    (row.cost or Decimal(0) for row in everything if row.currency == currency),
                    Decimal(0),
                ),
                prices=[
                    (row.cpi or Decimal(0)) if row.currency == currency and is_now else Decimal(0)
                    for row, is_now in zip(planned, open_now, strict=True)
                ],
                missing=missing,
                draws=draws,
            )
            for currency in sorted({row.currency for row in everything if row.currency})
        },
    )


def _lateness(pairs: Iterable[tuple[HasPrice, GroupAtEnd]]) -> tuple[int, float | None]:
    """Return how many short groups have no finish in sight, and the most days late of others."""
    short = [row for row, end in pairs if end.is_short]
    delays = [
        max((row.finish_at - row.ends_at) / DAY, 0.0)
        for row in short
        if row.finish_at and row.ends_at
    ]
    unseen = sum(row.finish_at is None for row in short)
    return unseen, round(max(delays), 2) if delays else None


def _moment_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _money_of(
    *,
    so_far: Decimal,
    prices: Sequence[Decimal],
    missing: Sequence[float],
    draws: JointDraws,
) -> CurrencyOutlook:
    """The cost in one currency; prices: the CPI of each open group, 0 for the others."""
    to_goal = sum(
        (Decimal(str(count)) * price for count, price in zip(missing, prices, strict=True)),
        Decimal(0),
    )
    by_end = draws.cost([float(price) for price in prices], float(so_far))
    stored = _stored(by_end, digits=MONEY_DIGITS)
    return CurrencyOutlook(so_far=so_far, by_end=stored, if_full=so_far + to_goal)


def _stored(points: Percentiles, digits: int = 1) -> EndPercentiles:
    return EndPercentiles(*(round(point, digits) for point in points))


def refresh_project_outlook(project_pk: int, *, now: datetime) -> None:
    """Work a project's outlook out from its groups and store it.

    The shortfall of each group is stored anew where it differs by now: since its forecast was made
    its count may have risen, its goal may have changed, or its end date may have passed. Two
    statements, and one for each shortfall that differs.
    """
    groups = TargetGroup.objects.filter(project=project_pk)
    rows = list(groups.values_list("pk", "short_at_end", *FIELDS, named=True))
    outlook = outlook_of_groups(rows, now=now)
    Project.objects.filter(pk=project_pk).update(outlook=msgspec.to_builtins(outlook))
    by_shortfall: dict[float | None, list[int]] = {}
    for row in rows:
        expected = read_expected(row.insight__forecast__at_end)
        shortfall = shortfall_in_plan(row, expected, now=now)
        if shortfall != row.short_at_end:
            by_shortfall.setdefault(shortfall, []).append(row.pk)
    for shortfall, pks in by_shortfall.items():
        groups.filter(pk__in=pks).update(short_at_end=shortfall)


def outlook_of_project(project: Project) -> ProjectOutlook | None:
    """Read the stored outlook; None before the first pull has worked one out."""
    return ProjectOutlook.from_stored(project.outlook) if project.outlook else None
