"""A group with all that its insight is worked out from, read for many groups at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast import rate_changes as turns
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.insight import baselines
from dashboard.fielding.insight.assistant_modules import KINDS, Modules, modules_of
from dashboard.fielding.insight.baselines import Baselines
from dashboard.fielding.models import Change, CompletesDay, GroupPanels, TargetGroup
from dashboard.fielding.series import completes, daily
from dashboard.fielding.series.daily import Pauses
from dashboard.fielding.series.pace import FieldingPlan
from dashboard.fielding.series.readings import Readings
from dashboard.fielding.series.weekly_shape import Prior

Days = Mapping[date, completes.PackedDay]
FORECAST_STATUSES = ("live", "paused", "scheduled")
_DAYS = CompiledQuery(
    lambda: CompletesDay.objects.filter(group__among=Param("groups")).values_list(
        "group_id", "day", "hours", "odd"
    )
)
_CHANGES: CompiledQuery[Any] = CompiledQuery(
    lambda: Change.objects.filter(
        group__among=Param("groups"), kind__in=(ChangelogKind.STATUS, *KINDS, *turns.KINDS)
    ).values_list("group_id", "occurred_at", "kind", "old", "new")
)
_PROFILES = CompiledQuery(
    lambda: GroupPanels.objects.filter(group__among=Param("groups")).values_list(
        "group_id", "profiles"
    )
)


class JustRead(NamedTuple):
    """What was read just now of some groups: their series, and the profiles of their panels."""

    days: Mapping[int, Days] = {}
    profiles: Mapping[int, Any] = {}


@dataclass(frozen=True)
class GroupHistory:
    """A group with its series up to `now`, when it was not live, and what is usual around it:
    read once, and handed on whole to the forecast, the silence and the indicators.

    quotas_full: the share (0–1) of its quotas that are full, None without quotas.
    """

    group: TargetGroup
    now: datetime
    series: Readings
    pauses: Pauses
    zone: ZoneInfo
    modules: Modules
    pools: Baselines
    quotas_full: float | None = None
    turns: Sequence[datetime] = ()

    @cached_property
    def goal(self) -> int | None:
        """The goal in completes; for a limit of prescreens those that it is likely to give."""
        return completes_target(self.group)

    @cached_property
    def prior(self) -> Prior | None:
        """What its project and its country know of it."""
        return self.pools.prior(self.group)

    @property
    def is_forecast(self) -> bool:
        """Whether there is anything left to foresee."""
        return self.group.status in FORECAST_STATUSES and bool(self.goal)

    def forecast_input(self) -> ForecastInput:
        """What a forecast needs to know."""
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
        """What was agreed; None without a start or a goal."""
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
    """The history of each group. Four queries, less those that `fresh` spares."""
    pks = [group.pk for group in groups]
    stored = stored_days([pk for pk in pks if pk not in fresh.days])
    profiles = {**fresh.profiles, **_profiles([pk for pk in pks if pk not in fresh.profiles])}
    changes, pools = _changes(pks), baselines.load_baselines(groups)
    histories = []
    for group in groups:
        days = fresh.days.get(group.pk) or stored.get(group.pk, {})
        of_group = changes[group.pk]
        histories.append(
            GroupHistory(
                group=group,
                now=now,
                series=series_until(
                    completes.readings_of_days(days), group.completes, now.timestamp()
                ),
                pauses=daily.pauses_of(
                    (at, new) for at, kind, _, new in of_group if kind == ChangelogKind.STATUS
                ),
                zone=zone_of(group.country_code, group.time_zone),
                modules=modules_of(
                    ((at, kind, new) for at, kind, _, new in of_group if kind in KINDS),
                    group.details,
                ),
                pools=pools,
                quotas_full=_share_full(profiles.get(group.pk)),
                turns=turns.rate_change_times(of_group),
            )
        )
    return histories


def series_until(series: Readings, count: int | None, now: float) -> Readings:
    """A series up to now, with the list's own count at its end: that is newer."""
    past = int(np.searchsorted(series.at, now, side="right"))
    at, counts = series.at[:past], series.count[:past]
    if count is None or not past:
        return Readings(at, counts)
    return Readings(np.append(at, now), np.append(counts, count))


def series_of(pks: Sequence[int]) -> dict[int, Readings]:
    """The whole stored series of each group that has one; one query."""
    return {pk: completes.readings_of_days(days) for pk, days in stored_days(pks).items()}


def stored_days(pks: Collection[int]) -> dict[int, dict[date, completes.PackedDay]]:
    """The days of the stored series of each group that has one; one query."""
    stored: dict[int, dict[date, completes.PackedDay]] = {}
    for pk, day, hours, odd in _DAYS(groups=pks) if pks else ():
        stored.setdefault(pk, {})[day] = completes.as_packed_day(hours, odd)
    return stored


def _changes(pks: Sequence[int]) -> Mapping[int, list[tuple[datetime, str, Any, Any]]]:
    """Changes of status, of the fielding assistant and of what moves the rate, by group."""
    changes: dict[int, list[tuple[datetime, str, Any, Any]]] = defaultdict(list)
    for pk, *change in _CHANGES(groups=pks):
        changes[pk].append(tuple(change))
    return changes


def _profiles(pks: Sequence[int]) -> dict[int, Any]:
    return dict(_PROFILES(groups=pks)) if pks else {}


def _share_full(profiles: Any) -> float | None:
    """The share of a group's quotas that are full; None without quotas."""
    quotas = list(_quotas(profiles))
    return sum(quotas) / len(quotas) if quotas else None


def _quotas(profiles: Any) -> Iterable[bool]:
    """Whether each quota is full."""
    for profile in profiles if isinstance(profiles, list) else ():
        for target in profile.get("targets") or ():
            goal, done = target.get("goal"), target.get("completes")
            if goal and done is not None:
                yield done >= goal
