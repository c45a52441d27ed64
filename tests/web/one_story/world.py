"""Seeded worlds: an account after a pull, with a group of each kind that figures stumble over.

`plan_world` says what the exchange reports, without a database; `build_world` stores it and lets
the product's own pull work out forecasts and sums.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.insight import compute
from dashboard.fielding.insight.group_history import JustRead
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    ExchangeAccount,
    GroupPanels,
    Project,
    TargetGroup,
    User,
)
from dashboard.fielding.series.completes import pack_days
from tests import factories

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CURRENCIES = {"EUR": "2.75", "JPY": "310", "KWD": "0.815"}  # 2, 0 and 3 decimals
COUNTRIES = {"de": "Europe/Berlin", "us": "America/New_York", "gb": "Europe/London"}
OLD = 250 * DAY  # so long that clocks change in it, wherever they do
PM = "pm-1"

Point = tuple[datetime, int]


@dataclass
class GroupPlan:
    """What the exchange reports of one group.

    points: its hourly counts, gaps left out. count_later: its completes at a second reading,
    for which no series was read. read_before_midnight: it was last read on an earlier day.
    profiles: its quotas.
    """

    kind: str
    fields: dict[str, Any]
    points: list[Point] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    count_later: int | None = None
    read_before_midnight: bool = False
    profiles: list[dict[str, Any]] = field(default_factory=list)
    project: int = 0


@dataclass
class World:
    """An account with its projects, as it stands after a pull at `now`."""

    account: ExchangeAccount
    now: datetime
    plans: dict[int, GroupPlan]  # by the key of the group
    pm: User

    def groups(self, project: Project | None = None) -> list[TargetGroup]:
        """The stored groups, of one project or of all."""
        rows = TargetGroup.objects.filter(account=self.account).order_by("pk")
        return list(rows.filter(project=project) if project else rows)

    def projects(self) -> list[Project]:
        """The projects, as they are stored now."""
        return list(self.account.projects.order_by("pk"))


class _Planner:
    """One world's groups, drawn from one source of chance."""

    def __init__(self, seed: int, now: datetime) -> None:
        self.now, self.chance = now, random.Random(seed)  # noqa: S311
        self.hour = now.replace(minute=0, second=0, microsecond=0)

    def plan(self, kind: str, **fields: Any) -> GroupPlan:
        """A live group with a series up to the last full hour, whose figures fit together."""
        chance = self.chance
        began = fields.pop("began", self.hour - chance.randrange(2, 14) * DAY)
        until = fields.pop("until", self.hour)
        goal = fields.pop("goal", chance.randrange(60, 900))
        done = fields.pop("done", int(goal * chance.uniform(0.15, 0.7)))
        currency = chance.choice(list(CURRENCIES))
        country = chance.choice(list(COUNTRIES))
        points = self.series(began, until, done) if done else []
        price = Decimal(CURRENCIES[currency])
        given: dict[str, Any] = {
            "status": "live",
            "country_code": country,
            "time_zone": "",
            "completes": done,
            "prescreens": done * 3 + chance.randrange(9),
            "entrants": done * 12,
            "filling_strategy": "completes",
            "filling_goal": goal,
            "completes_goal": goal,
            "expected_incidence_rate": 0.35,
            "starts_at": began,
            "ends_at": self.hour + chance.randrange(30, 240) * HOUR,
            "first_complete_at": _first_rise(points, began),
            "last_complete_at": _last_rise(points),
            "currency": currency,
            "cpi": price,
            "cost": price * done,
        }
        return GroupPlan(kind, given | fields, points)

    def series(self, began: datetime, until: datetime, done: int) -> list[Point]:
        """Hourly counts that reach `done` at `until`."""
        hours = max(int((until - began) / HOUR), 2)
        counts = sorted(self.chance.randrange(done + 1) for _ in range(hours - 1))
        return [
            (until - HOUR * back, count)
            for back, count in zip(range(hours - 1, -1, -1), [*counts, done], strict=True)
        ]


def _first_rise(points: Sequence[Point], began: datetime) -> datetime | None:
    rises = [at for at, count in points if count]
    return max(rises[0] - timedelta(minutes=20), began) if rises else None


def _last_rise(points: Sequence[Point]) -> datetime | None:
    last = None
    for (_, before), (at, count) in zip([(None, 0), *points], points, strict=False):
        last = at - timedelta(minutes=10) if count > before else last
    return last


# Each kind of group, by what is odd about it


def _by_prescreens(draw: _Planner) -> GroupPlan:
    goal = draw.chance.randrange(50, 400)
    return draw.plan(
        "by prescreens",
        goal=goal,
        filling_strategy="prescreens",
        filling_goal=goal * 3,
        completes_goal=None,
    )


def _by_prescreens_with_goal(draw: _Planner) -> GroupPlan:
    goal = draw.chance.randrange(50, 400)
    return draw.plan(
        "by prescreens, goal in completes",
        goal=goal,
        filling_strategy="prescreens",
        filling_goal=goal * 3,
        completes_goal=goal,
    )


def _unknown_goal(draw: _Planner) -> GroupPlan:
    return draw.plan(
        "few prescreens and no bid",
        done=4,
        prescreens=20,
        filling_strategy="prescreens",
        filling_goal=600,
        completes_goal=None,
        expected_incidence_rate=None,
    )


def _paused(draw: _Planner, kind: str, **fields: Any) -> GroupPlan:
    """A group that is paused since some time; its series goes on without a complete."""
    at = draw.hour - draw.chance.randrange(2, 20) * HOUR
    plan = draw.plan(kind, until=at, status="paused", status_changed_at=at, **fields)
    while plan.points and plan.points[-1][0] < draw.hour:
        plan.points.append((plan.points[-1][0] + HOUR, plan.points[-1][1]))
    return plan


def _paused_by_cint(draw: _Planner) -> GroupPlan:
    return _paused(
        draw, "paused by Cint", status_reason="high_median_loi", status_changed_by="system_user"
    )


def _scheduled(draw: _Planner) -> GroupPlan:
    return draw.plan(
        "scheduled",
        done=0,
        status="scheduled",
        starts_at=draw.hour + DAY,
        ends_at=draw.hour + 9 * DAY,
    )


def _over(draw: _Planner, kind: str, share: float, **fields: Any) -> GroupPlan:
    """A group whose field is over, at a share of its goal."""
    ended = draw.hour - draw.chance.randrange(3, 70) * HOUR
    goal = draw.chance.randrange(60, 500)
    given = {
        "status": "completed",
        "began": ended - 6 * DAY,
        "until": ended,
        "ends_at": ended,
        "goal": goal,
        "done": int(goal * share),
    }
    return draw.plan(kind, **(given | fields))


def _soft_launch(draw: _Planner) -> GroupPlan:
    goal = draw.chance.randrange(200, 900)
    return draw.plan("soft launch", goal=goal, done=goal // 20, details=_assistant(draw.now + DAY))


def _waiting(draw: _Planner, kind: str, **fields: Any) -> GroupPlan:
    goal = draw.chance.randrange(20, 90) * 10
    return _paused(
        draw,
        kind,
        goal=goal,
        done=goal // 10,
        status_reason="total_completes_reached",
        status_changed_by="system_user",
        details=_assistant(draw.now + DAY),
        **fields,
    )


def _assistant(until: datetime) -> dict[str, Any]:
    soft = {"end_at": until.isoformat(), "filling_goal_percentage": 10}
    return {"fielding_assistant_assignment": {"soft_launch": soft}}


def _goal_lowered(draw: _Planner) -> GroupPlan:
    plan = draw.plan("goal lowered below its completes", goal=400, done=260)
    plan.fields |= {"filling_goal": 200, "completes_goal": 200}
    plan.changes.append(
        {"kind": "filling_goal_change", "at": draw.hour - HOUR, "old": 400, "new": 200}
    )
    return plan


def _count_falls(draw: _Planner) -> GroupPlan:
    plan = draw.plan("count fell", completes_may_fall=True)
    middle = len(plan.points) // 2
    removed = plan.points[middle][1] // 3 + 1
    plan.points = [
        (at, max(count - removed, 0) if place >= middle else count)
        for place, (at, count) in enumerate(plan.points)
    ]
    done = plan.points[-1][1]
    plan.fields |= {"completes": done, "cost": plan.fields["cpi"] * done}
    return plan


def _gap(draw: _Planner) -> GroupPlan:
    """Two days without a count, over two midnights."""
    plan = draw.plan("gap", began=draw.hour - 9 * DAY)
    away = draw.hour - 5 * DAY, draw.hour - 3 * DAY
    plan.points = [point for point in plan.points if not away[0] < point[0] < away[1]]
    return plan


def _gap_at_midnight(draw: _Planner) -> GroupPlan:
    """Its day began twelve hours ago, within eight hours without a count."""
    offset = 12 - draw.hour.hour
    zone = f"Etc/GMT{-offset:+d}" if offset else "UTC"
    plan = draw.plan("gap at midnight", time_zone=zone)
    away = draw.hour - 16 * HOUR, draw.hour - 8 * HOUR
    plan.points = [point for point in plan.points if not away[0] < point[0] < away[1]]
    return plan


def _old(draw: _Planner, zone: str) -> GroupPlan:
    """A group in field for so long that clocks changed in the meantime."""
    return draw.plan(f"clocks of {zone}", began=draw.hour - OLD, done=400, goal=800, time_zone=zone)


def _long_over(draw: _Planner) -> GroupPlan:
    """Ended before the days that a project's chart shows."""
    ended = draw.hour - 80 * DAY
    return _over(draw, "over for months", 0.8, until=ended, began=ended - 9 * DAY, ends_at=ended)


def _just_past_midnight(draw: _Planner) -> GroupPlan:
    """The group's day began within this hour or the one before."""
    offset = -draw.hour.hour if draw.hour.hour < 12 else 24 - draw.hour.hour
    zone = f"Etc/GMT{-offset:+d}" if offset else "UTC"
    return draw.plan("just past midnight", time_zone=zone)


def _missing(draw: _Planner) -> GroupPlan:
    return draw.plan("no longer listed", missing_since=draw.now - DAY)


def _missing_since_today(draw: _Planner) -> GroupPlan:
    return draw.plan("no longer listed since today", missing_since=draw.now)


def _unread(draw: _Planner) -> GroupPlan:
    """An outage: nothing was read of it since the day before."""
    plan = draw.plan("not read since midnight", until=draw.hour - 30 * HOUR)
    plan.read_before_midnight = True
    return plan


def _quotas(draw: _Planner) -> GroupPlan:
    """One of its two quotas trickles, the other one is full."""
    plan = draw.plan("held up by a quota", goal=400, done=215)
    cells = [("Women", 200, 200), ("Men", 200, 15)]
    targets = [
        {"id": name, "name": name, "goal": goal, "completes": done, "prescreens": done * 3}
        for name, goal, done in cells
    ]
    plan.profiles = [{"id": "sex", "name": "Sex", "quotas": True, "targets": targets}]
    return plan


def _read_again(draw: _Planner, kind: str, **fields: Any) -> GroupPlan:
    """Its list row was read once more, too soon for another forecast."""
    plan = draw.plan(kind, **fields)
    plan.count_later = plan.fields["completes"] + draw.chance.randrange(1, 40)
    return plan


def _prescreens_read_again(draw: _Planner) -> GroupPlan:
    plan = _by_prescreens(draw)
    plan.kind, plan.count_later = "by prescreens, read again", plan.fields["completes"] + 25
    return plan


KINDS: tuple[Callable[[_Planner], GroupPlan], ...] = (
    lambda draw: draw.plan("live"),
    lambda draw: draw.plan("slow", done=25, goal=900),
    lambda draw: draw.plan("nearly full", done=195, goal=200),
    lambda draw: draw.plan("automated", filling_strategy="automated"),
    lambda draw: draw.plan("without an end date", ends_at=None),
    lambda draw: draw.plan("without a goal", filling_goal=None, completes_goal=None),
    lambda draw: draw.plan("full", done=310, goal=300),
    _by_prescreens,
    _by_prescreens_with_goal,
    _unknown_goal,
    _paused_by_cint,
    lambda draw: _paused(draw, "paused by a person", status_changed_by="las_user"),
    _scheduled,
    lambda draw: draw.plan("draft", done=0, status="draft", cost=None, cpi=None),
    lambda draw: _over(draw, "completed", 1.0),
    lambda draw: _over(draw, "completed short", 0.6),
    lambda draw: _over(draw, "ended short", 0.7, status="paused"),
    lambda draw: _over(draw, "ended over", 1.2, status="live"),
    lambda draw: _over(draw, "archived", 0.9, status="archived"),
    _long_over,
    _soft_launch,
    lambda draw: _waiting(draw, "waiting for the full launch"),
    lambda draw: _waiting(draw, "ended in its soft launch", ends_at=draw.hour - HOUR),
    _goal_lowered,
    _count_falls,
    _gap,
    _gap_at_midnight,
    lambda draw: _old(draw, "America/New_York"),
    lambda draw: _old(draw, "Australia/Sydney"),
    lambda draw: _old(draw, "Australia/Lord_Howe"),
    lambda draw: _old(draw, "Asia/Kolkata"),
    _just_past_midnight,
    _missing,
    _missing_since_today,
    _unread,
    _quotas,
    lambda draw: _read_again(draw, "read again"),
    lambda draw: _read_again(draw, "read again, past its forecast", done=12, goal=500),
    _prescreens_read_again,
)
PROJECTS = 3


def plan_world(seed: int, now: datetime) -> list[GroupPlan]:
    """One group of each kind and a few more, over the projects by chance."""
    draw = _Planner(seed, now)
    kinds = [*KINDS, *draw.chance.choices(KINDS, k=draw.chance.randrange(8))]
    plans = [kind(draw) for kind in kinds]
    for number, plan in enumerate(plans):
        plan.project = draw.chance.randrange(PROJECTS)
        plan.fields["name"] = f"{plan.kind} {number:02d} W2"
    return plans


def build_world(seed: int) -> World:
    """Store a world as the pull does: series, then insights, then the sums of its projects.

    A fourth project is the previous wave of the live groups.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    account = factories.account(name=f"main {seed}", read_at=now)
    pm = factories.person(
        "editor", account, exchange_user_id=PM, date_joined=now - 30 * DAY, time_zone="UTC"
    )
    projects = [factories.project(account, read_at=now) for _ in range(PROJECTS + 1)]
    plans = plan_world(seed, now)
    groups = [_store(projects[plan.project], plan) for plan in plans]
    earlier = [_store(projects[PROJECTS], plan) for plan in plans_of_earlier_wave(plans, seed, now)]
    compute.refresh_insights([*groups, *earlier], fresh=JustRead(), now=now)
    for group, plan in zip(groups, plans, strict=True):
        if plan.count_later is not None:
            before = group.__dict__.copy()
            group.completes = plan.count_later
            compute.advance_today(group, before)
        if plan.read_before_midnight:
            group.insight = group.insight | {"at": (now - 26 * HOUR).isoformat()}
    columns = ["insight", "short_at_end", "finish_at", "completes"]
    TargetGroup.objects.bulk_update([*groups, *earlier], columns)
    for project in projects:
        refresh_project_outlook(project.pk, now=now)
    return World(account, now, {g.pk: plan for g, plan in zip(groups, plans, strict=True)}, pm)


def plans_of_earlier_wave(wave: Sequence[GroupPlan], seed: int, now: datetime) -> list[GroupPlan]:
    """Groups that ended some weeks ago, each named like one of this wave."""
    draw = _Planner(seed + 10_000, now)
    live = [plan for plan in wave if plan.kind in ("live", "slow", "full", "gap")]
    plans = []
    for plan in live:
        began = draw.hour - 40 * DAY
        earlier = draw.plan(
            "previous wave",
            began=began,
            until=began + 10 * DAY,
            ends_at=began + 10 * DAY,
            status="completed",
            country_code=plan.fields["country_code"],
            name=plan.fields["name"].replace("W2", "W1"),
        )
        plans.append(earlier)
    return plans


def _store(project: Project, plan: GroupPlan) -> TargetGroup:
    group = factories.group(project, project_manager_id=PM, **plan.fields)
    CompletesDay.objects.bulk_create(
        CompletesDay(group=group, day=day, hours=packed.hours, odd=packed.odd)
        for day, packed in pack_days(plan.points).items()
    )
    if plan.profiles:
        GroupPanels.objects.create(group=group, profiles=plan.profiles)
    for number, change in enumerate(plan.changes):
        Change.objects.create(
            account=group.account,
            group=group,
            batch_id=factories.ulid(group.pk * 100 + number),
            kind=change["kind"],
            occurred_at=change["at"],
            seen_at=change["at"],
            old=change["old"],
            new=change["new"],
        )
    return group


def clock_changes(plan: GroupPlan) -> int:
    """How often the clocks of its zone change within its series."""
    zone = ZoneInfo(plan.fields["time_zone"] or COUNTRIES[plan.fields["country_code"]])
    offsets = [at.astimezone(zone).utcoffset() for at, _ in plan.points]
    return sum(before != after for before, after in pairwise(offsets))
