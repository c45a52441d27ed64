"""A second exchange, written from the contract alone: what it answers has other habits.

Pages hold three rows, whatever was asked for; times have an offset and no milliseconds; series come
newest first, with gaps, off the hour, falling, or long over; amounts have zeros at their end, and
currencies 0, 2 and 3 decimals; goals count prescreens with and without a goal in completes.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.fakes.canned_exchange import Exchange, Reply, serving

__all__ = ["SecondExchange", "serving"]

Json = dict[str, Any]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFSET = timezone(timedelta(hours=5, minutes=45))
PERSON = "9A1B2C3D-0000-4000-8000-00000000000A"
PAGE = 3
CURRENCIES = {"BHD": ("1.2050", 3), "CLP": ("2150", 0), "CHF": ("3.1000", 2)}
LOCALES = ("hin_in", "nep_np", "ger_ch", "ice_is", "spa_cl", "jpn_jp")
KINDS: tuple[Json, ...] = (
    {"status": "live"},
    {"status": "live", "filling_strategy": "prescreens"},
    {"status": "live", "filling_strategy": "prescreens", "own_goal": True},
    {"status": "live", "filling_strategy": "automated", "gap": True},
    {"status": "live", "minute": 30},
    {"status": "live", "falls": True},
    {"status": "paused", "over_by": 2 * DAY},
    {"status": "completed", "over_by": 5 * DAY},
    {"status": "completed", "over_by": 90 * DAY},
    {"status": "archived", "over_by": 20 * DAY},
    {"status": "scheduled"},
)
_PROJECTS = r"/demand/accounts/101/projects"
_GROUPS = _PROJECTS + r"/(\w+)/target-groups"


def stamp(moment: datetime) -> str:
    """A time as this exchange writes it."""
    return moment.astimezone(OFFSET).isoformat(timespec="seconds")


@dataclass
class Field:
    """One group: its answers by their path below the group's own."""

    row: Json
    answers: dict[str, Json]


@dataclass
class SecondExchange(Exchange):
    """Two projects with a group of every kind each; `seed` draws the numbers."""

    seed: int = 5
    fields: dict[str, list[Field]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance, now = random.Random(self.seed), datetime.now(UTC)  # noqa: S311
        hour = now.replace(minute=0, second=0, microsecond=0)
        for number in range(2):
            project = f"01JZPROJECT{number:015d}"
            self.fields[project] = [
                _field(chance, hour, 100 * number + place, dict(kind))
                for place, kind in enumerate(KINDS)
            ]
            self.projects.append(_project(project, number, self.fields[project], hour))

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """Answer a GET; this exchange takes no changes."""
        self.log.append((method, path))
        place, _, query = path.partition("?")
        after = re.search(r"start_after=(\d+)", query)
        first = int(after[1]) if after else 0
        if re.fullmatch(_PROJECTS, place):
            return 200, _page("projects", self.projects, first)
        if found := re.fullmatch(_GROUPS, place):
            rows = [one.row for one in self.fields[found[1]]]
            return 200, _page("target_groups", rows, first)
        if found := re.fullmatch(_GROUPS + r"/(\w+)/([\w-]+)", place):
            answers = {one.row["id"]: one.answers for one in self.fields[found[1]]}
            if found[3] in answers.get(found[2], {}):
                return 200, answers[found[2]][found[3]]
        if place == "/accounts/101/users":
            return 200, {"users": [{"id": PERSON, "name": "Q", "email": "q@example.com"}]}
        if place == "/accounts/101/business-units":
            return 200, {"business_units": [{"id": 7, "name": "U", "currency_code": "CHF"}]}
        return 404, {"object": "not_found_error", "detail": "there is no such thing"}


def _page(member: str, rows: list[Json], first: int) -> Json:
    last = first + PAGE
    has_more = last < len(rows)
    page = {member: rows[first:last], "has_more": has_more, "url": "/demand"}
    return page | {"next_cursor": str(last) if has_more else None}


def _project(ulid: str, number: int, fields: list[Field], hour: datetime) -> Json:
    return {
        "id": ulid,
        "human_readable_id": f"P9{number:04d}",
        "account_id": 101,
        "name": f"R&D <wave> {number}",
        "target_group_count": len(fields),
        "status": "active",
        "last_activity_at": stamp(hour),
        "statistics": {
            "filling_goal": 1,
            "current_completes": 1,
            "current_prescreens": 1,
            "incidence_rate_median": 0.5,
            "length_of_interview_median_seconds": 61,
            "conversion_rate_average": 0.5,
            "drop_off_rate_average": 0.0,
        },
    }


def _field(chance: random.Random, hour: datetime, number: int, kind: Json) -> Field:
    """A group of a kind: its row, and the answers about it."""
    ulid, currency = f"01JZGROUP{number:017d}", chance.choice(list(CURRENCIES))
    price, scale = CURRENCIES[currency]
    until = hour - kind.get("over_by", timedelta(0))
    began = until - chance.randrange(3, 12) * DAY
    goal = chance.randrange(37, 1234)
    unstarted = kind["status"] == "scheduled"
    points = [] if unstarted else _series(chance, began, until, int(goal * chance.random()), kind)
    done = points[-1][1] if points else 0
    by_prescreens = kind.get("filling_strategy") == "prescreens"
    progress = {
        "current_completes": done,
        "current_prescreens": done * 2 + (7 if done else 0),
        "filling_goal": goal * 2 if by_prescreens else goal,
        "filling_strategy": kind.get("filling_strategy", "completes"),
    }

    def money(amount: Decimal) -> Json:
        return {"value": f"{amount:f}", "currency_code": currency, "currency_scale": scale}

    cost = Decimal(price) * done
    row = {
        "id": ulid,
        "human_readable_id": f"T9{number:05d}",
        "name": f"<{kind['status']}> & {number}",
        "project_manager_id": PERSON,
        "locale": chance.choice(LOCALES),
        "status": kind["status"],
        "created_at": stamp(began - DAY),
        "updated_at": stamp(hour),
        "statistics": {"progress": {"value": progress, "issues": []}},
    }
    if points:
        last = {"value": stamp(points[-1][0] - timedelta(minutes=3)), "issues": []}
        row["statistics"]["last_complete_date"] = last
    ends = until if "over_by" in kind else hour + chance.randrange(30, 200) * HOUR
    starts = hour + DAY if unstarted else began
    return Field(
        row,
        {
            "overview": _overview(row, progress, money(Decimal(price)), money(cost)),
            "performance": {"entrants": done * 5, "prescreens": done * 2, "completes": done}
            | ({"first_complete": stamp(points[0][0] - HOUR / 2)} if done else {}),
            "completes-aggregated-by-interval": {
                "aggregated_completes_intervals": [
                    {"timestamp": stamp(at), "count": count} for at, count in reversed(points)
                ]
            },
            "changelog": {"changelog": []},
            "details": _details(row, goal if not by_prescreens or kind.get("own_goal") else 0),
            "fielding-runs": {
                "data": [_run(row, starts, ends)],
                "has_more": False,
            },
        },
    )


def _series(
    chance: random.Random, began: datetime, until: datetime, done: int, kind: Json
) -> list[tuple[datetime, int]]:
    """Cumulative counts up to `until`, of which some may be left out, late, or taken back."""
    hours = int((until - began) / HOUR)
    counts = sorted(chance.randrange(done + 1) for _ in range(hours - 1))
    points = [
        (began + HOUR * (place + 1) - timedelta(minutes=kind.get("minute", 0)), count)
        for place, count in enumerate([*counts, done])
    ]
    if kind.get("gap"):
        points = [point for point in points if not 9 * HOUR < until - point[0] < 40 * HOUR]
    if kind.get("falls"):
        taken = points[-1][1] // 4
        half = len(points) // 2
        points = points[:half] + [(at, max(n - taken, 0)) for at, n in points[half:]]
    return points


def _overview(row: Json, progress: Json, price: Json, cost: Json) -> Json:
    return {
        "project_name": "R&D",
        "target_group_name": row["name"],
        "human_readable_id": row["human_readable_id"],
        "project_manager_id": PERSON,
        "progress": progress,
        "pricing_model": "rate_card",
        "is_pricing_restricted": True,
        "current_cost_per_interview": price,
        "current_cost": cost,
        "status": row["status"],
        "country_code": row["locale"][-2:],
        "language_code": row["locale"][:3],
        "conversion_rate": 0.2,
        "drop_off_rate": 0.0,
        "incidence_rate": 0.5,
        "created_at": row["created_at"],
    }


def _details(row: Json, goal: int) -> Json:
    """The settings; a goal of 0 completes stands for none."""
    return {
        "id": row["id"],
        "name": row["name"],
        "account_name": "Q",
        "business_unit_id": "7",
        "project_manager_id": PERSON,
        "study_type_code": "adhoc",
        "industry_code": "other",
        "industry_lockout_code": "none",
        "locale": row["locale"],
        "completes_goal": goal,
        "expected_length_of_interview_minutes": 7,
        "expected_incidence_rate": 0.45,
        "collects_pii": False,
        "created_at": row["created_at"],
    }


def _run(row: Json, starts: datetime, ends: datetime) -> Json:
    status = row["status"] if row["status"] != "archived" else "completed"
    return {
        "id": f"01JZRUN{row['human_readable_id'][1:]:0>19}",
        "last_changed_at": stamp(starts),
        "last_changed_by": PERSON,
        "start_fielding_at": stamp(starts),
        "end_fielding_at": stamp(ends),
        "status": status,
        "version": 3,
    }
