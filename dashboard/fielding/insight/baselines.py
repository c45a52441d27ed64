"""Baselines of projects, countries and accounts: learned every hour, used if a history is short."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple, TypeVar

import numpy as np
from django.db import transaction
from django.db.models import Q

from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast.pooling import GroupRecord, PooledLogs, pool_fades, pool_levels
from dashboard.fielding.models import (
    Baseline,
    Change,
    CompletesDay,
    ExchangeAccount,
    Project,
    TargetGroup,
)
from dashboard.fielding.series import completes, daily, weekly_shape
from dashboard.fielding.series.daily import Pauses
from dashboard.fielding.series.readings import (
    Floats,
    Record,
    clean_history,
    live_hours,
    stack_records,
)
from dashboard.fielding.series.weekly_shape import Prior, pool_shapes, waking_hours

LEARNED_FROM = timedelta(days=28)
MIN_COMPLETES = 20  # of a group whose week is learned from
MIN_GROUPS = 3  # for a level, a fade or a price; two for a week
MIN_DAYS = 3  # live days of a group whose level and fade are learned from
ACCOUNT = ""  # instead of a country: the whole account
FIELDED = ("live", "paused", "completed")
PROJECT_WORTH = 300.0  # completes by which a project's own week outweighs its country's
_DAY = timedelta(days=1)
# Saves 0.6 to 0.9 ms of a round.
_FOR_GROUPS = CompiledQuery(
    lambda: Baseline.objects.filter(
        Q(project__among=Param("projects"))
        | Q(project=None, country_code__among=Param("countries")),
        account=Param("account"),
    )
)
K = TypeVar("K", bound=Hashable)


class Week(NamedTuple):
    """One group's week (168 weights, mean 1), the completes behind it, and its level and fade;
    None before it ran for three days."""

    group: TargetGroup
    shape: Floats
    completes: float
    record: GroupRecord | None


@dataclass(frozen=True, slots=True)
class Baselines:
    """The stored baselines for some groups."""

    projects: Mapping[int, Baseline]
    countries: Mapping[str, Baseline]

    def prior(self, group: TargetGroup) -> Prior | None:
        """Return what is known of a group before its own readings; None without baselines."""
        project = self.projects.get(group.project_id)
        country = self.countries.get(group.country_code)
        account = self.countries.get(ACCOUNT)
        knows_level = account is not None and account.level is not None
        learned = [row for row in (project, country) if row is not None and row.groups > 1]
        if not learned and account is not None and knows_level:
            learned = [account]
        if not learned:
            return None
        worth = [row.completes / PROJECT_WORTH if row is project else 1.0 for row in learned]
        shapes = [np.array(row.shape, dtype=np.float64) for row in learned]
        week = pool_shapes(shapes, worth, None)
        if account is None or not knows_level:
            return week
        return _with_level(week, _planned_per_day(group), project, country or account, account)

    def price(self, group: TargetGroup) -> Decimal | None:
        """Return the median CPI of the project's groups in the same country and currency."""
        project = self.projects.get(group.project_id)
        price = project.prices.get(_market_of(group)) if project is not None else None
        return Decimal(str(price)) if price else None


def load_baselines(groups: Sequence[TargetGroup]) -> Baselines:
    """Return the baselines for groups of one account; one query."""
    if not groups:
        return Baselines({}, {})
    rows = _FOR_GROUPS(
        account=groups[0].account_id,
        projects={group.project_id for group in groups},
        countries={ACCOUNT, *(group.country_code for group in groups)},
    )
    return baselines_of(rows)


def baselines_of(rows: Iterable[Baseline]) -> Baselines:
    """Return rows of one account by project and country."""
    by_project: dict[int, Baseline] = {}
    by_country: dict[str, Baseline] = {}
    for row in rows:
        if row.project_id is None:
            by_country[row.country_code] = row
        else:
            by_project[row.project_id] = row
    return Baselines(by_project, by_country)


def learn_baselines(*, now: datetime) -> int:
    """Learn the baselines of every polled account; return the number of rows stored."""
    polled = ExchangeAccount.objects.filter(polling=True)
    return sum(learn_account(account, now=now) for account in polled)


def learn_account(account: ExchangeAccount, *, now: datetime) -> int:
    """Learn the baselines of each project and country of an account, and of the account itself;
    return their number."""
    weeks = [week for project in account.projects.all() for week in _weeks_of(project, now)]
    rows = pool_weeks(account, weeks, now=now)
    with transaction.atomic():
        Baseline.objects.filter(account=account).delete()
        Baseline.objects.bulk_create(rows)
    return len(rows)


def pool_weeks(account: ExchangeAccount, every: Sequence[Week], *, now: datetime) -> list[Baseline]:
    """Return the baselines (not saved) of an account, its projects and countries."""
    records = [week.record for week in every if week.record is not None]
    weeks = [week for week in every if week.completes >= MIN_COMPLETES]
    rows = [
        *([_baseline_of(account, weeks, now)] if weeks else ()),
        *(
            _baseline_of(account, pool, now, project_id=pk)
            for pk, pool in _group_by(weeks, _project_of).items()
        ),
        *(
            _baseline_of(account, pool, now, country_code=code)
            for code, pool in _group_by(weeks, _country_of).items()
            if code
        ),
    ]
    if len(records) >= MIN_GROUPS:
        _set_pooled(rows, pool_levels(records), pool_fades(records))
    return rows


def _set_pooled(rows: Iterable[Baseline], levels: PooledLogs, fades: PooledLogs) -> None:
    """Set the level and the fade of each baseline, and of the account's how far groups vary."""
    for row in rows:
        row.level, row.fade = (round(_part_of(row, logs), 4) for logs in (levels, fades))
        if row.project_id is None and row.country_code == ACCOUNT:
            row.varies = round(fades.spread, 4)


def _part_of(row: Baseline, logs: PooledLogs) -> float:
    """Return what a baseline has of a number: a project what it adds to its country."""
    if row.project_id is not None:
        return logs.projects.get(str(row.project_id), 0.0)
    return logs.countries.get(row.country_code, logs.account)


def _with_level(
    week: Prior,
    planned: float | None,
    project: Baseline | None,
    country: Baseline,
    account: Baseline,
) -> Prior:
    """Return the prior with the level and the fade of its project and country."""
    level, fade = (
        (getattr(country, name) or 0.0) + ((getattr(project, name) or 0.0) if project else 0.0)
        for name in ("level", "fade")
    )
    return replace(
        week,
        daily=None if planned is None else planned * float(np.exp(level)),
        fade=float(np.exp(fade)),
        varies=account.varies,
    )


def _weeks_of(project: Project, now: datetime) -> Iterator[Week]:
    """Yield the weeks of the project's groups with completes."""
    groups = list(
        project.target_groups.filter(
            status__in=FIELDED, completes__gte=1, missing_since=None
        ).order_by("pk")
    )
    series, pauses = _load_series(groups, now), _load_pauses(groups)
    records = [
        live_hours(
            clean_history(completes.readings_of_days(series[group.pk]), now.timestamp()),
            zone=zone_of(group.country_code, group.time_zone),
            pauses=pauses.get(group.pk, ()),
            shape=waking_hours(),
        )
        for group in groups
    ]
    yield from weeks_of(groups, records, now=now)


def weeks_of(
    groups: Sequence[TargetGroup], records: Sequence[Record], *, now: datetime
) -> Iterator[Week]:
    """Yield the weeks of groups with completes, from the live hours of each."""
    if not records:
        return
    shapes = weekly_shape.learn_weekly_shape(
        stack_records(records), np.tile(waking_hours(), (len(records), 1))
    )
    for group, record, shape in zip(groups, records, shapes, strict=True):
        if (total := float(record.counts.sum())) >= 1:
            yield Week(group, shape, total, _record_of(group, record, now))


def _record_of(group: TargetGroup, record: Record, now: datetime) -> GroupRecord | None:
    """Return the level and the fade of a group; None before it ran for three days, without a
    plan, and where its first day is too old to be read."""
    planned = _planned_per_day(group)
    if planned is None or group.starts_at is None or group.starts_at < now - LEARNED_FROM:
        return None
    counts = record.counts[: np.flatnonzero(record.counts)[-1] + 1]  # until its last complete
    live = record.live[: counts.size].cumsum()
    if live[-1] < 24 * MIN_DAYS:
        return None
    first = int(np.searchsorted(live, 24.0)) + 1
    on_it, after = counts[:first].sum(), counts[first:].sum()
    rate_on_it, rate_after = max(on_it, 1.0) / live[first - 1], after / (live[-1] - live[first - 1])
    return GroupRecord(
        project=str(group.project_id),
        country=group.country_code,
        level=float(counts.sum() / live[-1] * 24 / planned),
        fade=float(rate_after / rate_on_it),
    )


def _load_pauses(groups: Sequence[TargetGroup]) -> dict[int, Pauses]:
    changes: dict[int, list[tuple[datetime, object]]] = defaultdict(list)
    rows = Change.objects.filter(group__in=groups, kind=ChangelogKind.STATUS)
    for pk, at, new in rows.values_list("group_id", "occurred_at", "new"):
        changes[pk].append((at, new))
    return {pk: daily.pauses_of(of_group) for pk, of_group in changes.items()}


def _load_series(
    groups: Sequence[TargetGroup], now: datetime
) -> Mapping[int, dict[date, completes.PackedDay]]:
    series: dict[int, dict[date, completes.PackedDay]] = defaultdict(dict)
    rows = CompletesDay.objects.filter(group__in=groups, day__gte=(now - LEARNED_FROM).date())
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        series[pk][day] = completes.as_packed_day(hours, odd)
    return series


def _baseline_of(
    account: ExchangeAccount,
    pool: Sequence[Week],
    now: datetime,
    *,
    project_id: int | None = None,
    country_code: str = "",
) -> Baseline:
    week = pool_shapes(
        [member.shape for member in pool], [member.completes for member in pool], None
    )
    return Baseline(
        account=account,
        project_id=project_id,
        country_code=country_code,
        groups=len(pool),
        completes=sum(member.completes for member in pool),
        shape=[round(weight, 3) for weight in week.shape],
        prices=_median_prices(pool),
        learned_at=now,
    )


def _median_prices(pool: Iterable[Week]) -> dict[str, str]:
    """Return the median CPI of each market with enough groups."""
    paid: dict[str, list[Decimal]] = defaultdict(list)
    for week in pool:
        if week.group.cpi is not None:
            paid[_market_of(week.group)].append(week.group.cpi)
    return {market: str(median(cpis)) for market, cpis in paid.items() if len(cpis) >= MIN_GROUPS}


def _market_of(group: TargetGroup) -> str:
    return f"{group.country_code} {group.currency}"


def _planned_per_day(group: TargetGroup) -> float | None:
    """Return the completes a day of an even plan."""
    goal = completes_target(group)
    if not goal or group.starts_at is None or group.ends_at is None:
        return None
    return goal / max((group.ends_at - group.starts_at) / _DAY, 1.0)


def _project_of(week: Week) -> int:
    return week.group.project_id


def _country_of(week: Week) -> str:
    return week.group.country_code


def _group_by(weeks: Iterable[Week], key: Callable[[Week], K]) -> dict[K, list[Week]]:
    grouped: dict[K, list[Week]] = defaultdict(list)
    for week in weeks:
        grouped[key(week)].append(week)
    return grouped
