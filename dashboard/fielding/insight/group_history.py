"""A group with everything that its insight is computed from, loaded for many groups together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.json import Json
from dashboard.fielding.domain.quotas import StoredQuota, quota_targets, quota_unit
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast import rate_changes as turns
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.insight import baselines
from dashboard.fielding.insight.assistant_modules import (
    KINDS,
    Modules,
    changes_with_old_values,
    modules_of,
)
from dashboard.fielding.insight.baselines import Baselines
from dashboard.fielding.models import Change, CompletesDay, GroupPanels, TargetGroup
from dashboard.fielding.series import completes, daily
from dashboard.fielding.series.daily import Pauses
from dashboard.fielding.series.pace import FieldingPlan
from dashboard.fielding.series.readings import CleanReadings, Readings, clean_history
from dashboard.fielding.series.weekly_shape import Prior

Days = Mapping[date, completes.PackedDay]
FORECAST_STATUSES = ("live", "paused", "scheduled")
# Saves 0.4 to 0.6 ms of a round.
_DAYS = CompiledQuery(
    lambda: CompletesDay.objects.filter(group__among=Param("groups")).values_list(
        "group_id", "day", "hours", "odd"
    )
)
# Saves 0.5 to 0.7 ms of a round.
_CHANGES: CompiledQuery[tuple[int, datetime, str, Json, Json]] = CompiledQuery(
    lambda: Change.objects.filter(
        group__among=Param("groups"), kind__in=(ChangelogKind.STATUS, *KINDS, *turns.KINDS)
    ).values_list("group_id", "occurred_at", "kind", "old", "new")
)


class JustRead(NamedTuple):
    """Freshly read data of some groups: their series, and the profiles of their panels."""

    days: Mapping[int, Days] = {}
    profiles: Mapping[int, object] = {}


@dataclass(frozen=True)
class GroupHistory:
    """A group with its series up to `now`, its pauses and its baselines.

    Loaded once, then used by the forecast, the silence and the indicators. quotas: as they are now.
    """

    group: TargetGroup
    now: datetime
    series: CleanReadings
    pauses: Pauses
    zone: ZoneInfo
    modules: Modules
    pools: Baselines
    quotas: Sequence[StoredQuota] = ()
    turns: Sequence[datetime] = ()

    @cached_property
    def goal(self) -> int | None:
        """Return the goal in completes; an estimate if its limit counts prescreens."""
        return completes_target(self.group)

    @cached_property
    def prior(self) -> Prior | None:
        """Return the prior from the baselines of its project and country."""
        return self.pools.prior(self.group)

    @property
    def quotas_full(self) -> float | None:
        """Return the share (0 to 1) of its quotas that are full; None without quotas."""
        full = [target.is_full for target in self.quotas]
        return sum(full) / len(full) if full else None

    @property
    def is_forecast(self) -> bool:
        """Return whether the group is in field or scheduled and has a goal."""
        return self.group.status in FORECAST_STATUSES and bool(self.goal)

    def forecast_input(self) -> ForecastInput:
        """Return the input of its forecast."""
        return ForecastInput(
            history=self.series,
            goal=self.goal or 0,
            now=self.now,
            ends_at=self.group.ends_at,
            zone=self.zone,
            pauses=self.pauses,
            prior=self.prior,
            rate_changes=self.turns,
            soft_launch=self.modules.soft_launch,
        )

    @cached_property
    def plan(self) -> FieldingPlan | None:
        """Return the fielding plan; None without a start or a goal."""
        group = self.group
        by_prescreens = group.filling_strategy == "prescreens"
        goal = group.filling_goal if by_prescreens else self.goal
        if group.starts_at is None or not goal:
            return None
        return FieldingPlan(
            goal=goal,
            starts_at=group.starts_at,
            ends_at=group.ends_at,
            zone=self.zone,
            pauses=self.pauses,
            prior=self.prior,
            soft_launch=self.modules.soft_launch,
            pacing=self.modules.pacing,
        )


def load_histories(
    groups: Sequence[TargetGroup], *, fresh: JustRead, now: datetime
) -> list[GroupHistory]:
    """Return the history of each group; at most four queries, fewer with fresh data."""
    pks = [group.pk for group in groups]
    stored = stored_days([pk for pk in pks if pk not in fresh.days])
    profiles = {**fresh.profiles, **_load_profiles([pk for pk in pks if pk not in fresh.profiles])}
    changes, pools = _load_changes(pks), baselines.load_baselines(groups)
    histories = []
    for group in groups:
        days = fresh.days.get(group.pk) or stored.get(group.pk, {})
        group_changes = changes[group.pk]
        histories.append(
            GroupHistory(
                group=group,
                now=now,
                series=series_until(
                    completes.readings_of_days(days), group.completes, now.timestamp()
                ),
                pauses=daily.pauses_of(
                    (at, new) for at, kind, _, new in group_changes if kind == ChangelogKind.STATUS
                ),
                zone=zone_of(group.country_code, group.time_zone),
                modules=modules_of(
                    changes_with_old_values(row for row in group_changes if row[1] in KINDS),
                    group.details,
                ),
                pools=pools,
                quotas=tuple(
                    quota_targets(profiles.get(group.pk), quota_unit(group.filling_strategy))
                ),
                turns=turns.rate_change_times(group_changes),
            )
        )
    return histories


def series_until(series: Readings, count: int | None, now: float) -> CleanReadings:
    """Return a series up to now, ending with the group's own count, which is newer.

    It is cleaned here, once: forecast, pace, silence and indicators all take it as it is.
    """
    past = int(np.searchsorted(series.at, now, side="right"))
    at, counts = series.at[:past], series.count[:past]
    if count is not None and past:
        at, counts = np.append(at, now), np.append(counts, count)
    return clean_history(Readings(at, counts), now)


def series_of(pks: Sequence[int]) -> dict[int, Readings]:
    """Return the stored series of each group that has one; one query."""
    return {pk: completes.readings_of_days(days) for pk, days in stored_days(pks).items()}


def stored_days(pks: Collection[int]) -> dict[int, dict[date, completes.PackedDay]]:
    """Return the stored days of each group that has any; one query."""
    stored: dict[int, dict[date, completes.PackedDay]] = {}
    for pk, day, hours, odd in _DAYS(groups=pks) if pks else ():
        stored.setdefault(pk, {})[day] = completes.as_packed_day(hours, odd)
    return stored


def _load_changes(pks: Sequence[int]) -> Mapping[int, list[tuple[datetime, str, Json, Json]]]:
    """Return changes of the status, the fielding assistant and the rate, by group."""
    changes: dict[int, list[tuple[datetime, str, Json, Json]]] = defaultdict(list)
    for pk, at, kind, old, new in _CHANGES(groups=pks):
        changes[pk].append((at, kind, old, new))
    return changes


def _load_profiles(pks: Sequence[int]) -> dict[int, object]:
    rows = GroupPanels.objects.filter(group__in=pks).values_list("group_id", "profiles")
    return dict(rows) if pks else {}
