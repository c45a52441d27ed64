"""One story: the same figure of the same thing is equal on every page, file and chart.

Seeded worlds of groups (all strategies and statuses, currencies with 0, 2 and 3 decimals, ended
short and over, soft launches, no longer listed, zones whose clocks change or stand half an hour
off) go through the pull's own computation. Then each surface is read, and held against a reckoning
in this module that takes only what the exchange said and the stored forecast of each group.
`STORY_SEEDS=20` tries more worlds.
"""

from __future__ import annotations

import csv
import io
import math
import os
import random
import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.insight import compute
from dashboard.fielding.insight.group_history import JustRead
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(minute=0, second=0, microsecond=0)  # pages look at the clock
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SEEDS = range(int(os.environ.get("STORY_SEEDS", "2")))
CURRENCIES = {"EUR": "2.75", "JPY": "310", "KWD": "0.815"}
PLACES = {"us": "America/New_York", "au": "Australia/Lord_Howe", "in": "Asia/Kolkata", "de": ""}
STATUSES = ("live", "live", "live", "paused", "scheduled", "completed", "archived", "draft")


# The world


def make_group(project: Project, chance: random.Random) -> None:
    """A group with a series, whose figures contradict nothing."""
    status = chance.choice(STATUSES)
    goal = chance.randrange(40, 900)
    began = NOW - chance.randrange(2, 14) * DAY
    ends = NOW + timedelta(hours=chance.randrange(-60, 200))
    if status == "scheduled":
        began, ends = NOW + 1 * DAY, NOW + 9 * DAY
    done = 0 if status in ("scheduled", "draft") else int(goal * chance.uniform(0.05, 1.1))
    by_prescreens = chance.random() < 0.25
    prescreens = done * 3 + chance.randrange(20)
    currency = chance.choice(list(CURRENCIES))
    country = chance.choice(list(PLACES))
    price = Decimal(CURRENCIES[currency])
    group = factories.group(
        project,
        status=status,
        country_code=country,
        time_zone=PLACES[country],
        completes=done,
        prescreens=prescreens,
        entrants=prescreens * 4,
        filling_strategy="prescreens" if by_prescreens else "completes",
        filling_goal=goal * 3 if by_prescreens else goal,
        completes_goal=None if by_prescreens else goal,
        starts_at=began,
        ends_at=ends,
        first_complete_at=began if done else None,
        last_complete_at=NOW - HOUR if done else None,
        currency=currency,
        cpi=price,
        cost=price * done,
        missing_since=NOW if chance.random() < 0.1 else None,
    )
    if done:
        hours = max(int((NOW - began) / HOUR), 2)
        counts = sorted(chance.randrange(done + 1) for _ in range(hours - 1))
        factories.completes(group, until=NOW, counts=[*counts, done])


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed{seed}")
def world(request: pytest.FixtureRequest, settings: Any) -> ExchangeAccount:
    """An account with three projects, as it stands after a pull at NOW."""
    chance = random.Random(request.param)  # noqa: S311
    account = factories.account(name="main")
    for _ in range(3):
        project = factories.project(account)
        for _ in range(chance.randrange(4, 12)):
            make_group(project, chance)
    groups = list(TargetGroup.objects.select_related("project", "account"))
    compute.refresh_insights(groups, fresh=JustRead(), now=NOW)
    TargetGroup.objects.bulk_update(groups, ["insight", "short_at_end", "finish_at"])
    for project in account.projects.all():
        refresh_project_outlook(project.pk, now=NOW)
    return account


@pytest.fixture
def viewer(world: ExchangeAccount, client: Client) -> Client:
    client.force_login(factories.person("viewer", world))
    return client


# The reckoning: nothing of the product's code


def in_plan(group: TargetGroup) -> bool:
    return group.missing_since is None and group.status not in ("draft", "archived")


def is_open(group: TargetGroup) -> bool:
    assert group.ends_at
    return group.status in ("scheduled", "live", "paused") and group.ends_at > NOW


def goal_of(group: TargetGroup) -> float | None:
    if group.filling_strategy != "prescreens":
        return group.filling_goal or group.completes_goal
    assert group.filling_goal is not None
    done, seen = group.completes or 0, group.prescreens or 0
    share = (done + 50 * (group.expected_incidence_rate or 0)) / (seen + 50)
    return max(done + round(max(group.filling_goal - seen, 0) * share), 1)


def ends_of(group: TargetGroup) -> tuple[float, float, float]:
    """Completes on the end date (p10, p50, p90), not capped."""
    done = float(group.completes or 0)
    stored = (group.insight.get("forecast") or {}).get("at_end")
    if not is_open(group):
        return done, done, done
    if not stored:
        reached = max(goal_of(group) or done, done)
        return reached, reached, reached
    low, middle, high = (max(float(end), done) for end in stored)
    return low, middle, high


def short_of(group: TargetGroup) -> float | None:
    goal = goal_of(group)
    if goal is None or not in_plan(group):
        return None
    if is_open(group) and not (group.insight.get("forecast") or {}).get("at_end"):
        return None
    return max(goal - ends_of(group)[1], 0.0)


def sums_of(groups: Iterable[TargetGroup], draws: int = 3000) -> tuple[list[float], list[float]]:
    """Draws of the projected sum and of the missing sum of a project's groups."""
    chance = random.Random(11)  # noqa: S311
    rows = [(group, goal_of(group), ends_of(group)) for group in groups]
    projected, missing = [], []
    for _ in range(draws):
        common = chance.gauss(0, 1)
        by_country: dict[str, float] = {}
        total = short = 0.0
        for group, goal, (low, middle, high) in rows:
            done = float(group.completes or 0)
            country = by_country.setdefault(group.country_code, chance.gauss(0, 1))
            score = 0.15**0.5 * common + 0.05**0.5 * country + 0.8**0.5 * chance.gauss(0, 1)
            logs = [math.log(end - done + 0.5) for end in (low, middle, high)]
            side = logs[1] - logs[0] if score < 0 else logs[2] - logs[1]
            end = done + math.exp(logs[1] + side / 1.28155 * score) - 0.5
            if low == high:
                end = middle
            end = max(end, min(done, low))
            if goal:
                end = min(end, max(goal, done))
                short += max(goal - end, 0)
            total += end
        projected.append(total)
        missing.append(short)
    return sorted(projected), sorted(missing)


def near_middle(value: float, draws: list[float]) -> bool:
    """Whether a value is the middle of draws, within what the draws themselves leave open."""
    width = draws[len(draws) * 9 // 10] - draws[len(draws) // 10]
    return abs(value - draws[len(draws) // 2]) <= 0.1 * width + 1


# What the surfaces say


def rows_of(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))


def download(client: Client, address: str) -> list[dict[str, str]]:
    response: Any = client.get(address)
    assert response.status_code == 200
    return rows_of(b"".join(response.streaming_content))


def number(text: str) -> int:
    return int(text.replace(",", "").replace("\u2212", "-"))


def planned(project: Project) -> list[TargetGroup]:
    return [group for group in project.target_groups.all() if in_plan(group)]


def test_the_projects_of_the_page_and_of_the_file_are_those_of_the_reckoning(
    viewer: Client, world: ExchangeAccount
) -> None:
    page = fold_white_space(viewer.get("/projects/").content.decode())
    listed = {row["Project"]: row for row in download(viewer, "/projects/export.csv")}
    for project in world.projects.all():
        groups = planned(project)
        goal = sum(goal_of(group) or 0 for group in groups)
        done = sum(group.completes or 0 for group in groups)
        late = sum(is_open(group) and (short_of(group) or 0) >= 0.5 for group in groups)
        row = listed[project.name]
        assert (number(row["Completes"]), number(row["Goal"])) == (done, goal)
        assert number(row["Late groups"]) == late
        short = number(row["Projected shortfall (completes)"])
        assert near_middle(short, sums_of(groups)[1])
        cells = page.partition(f'href="/projects/{project.pk}/"')[2].partition("</tr>")[0]
        assert f"{done:,} / {goal:,}" in cells
        found = re.search(r'data-label="Projected shortfall">([\d,]+)<', cells)
        assert found
        assert number(found[1]) == short
        open_groups = sum(map(is_open, groups))
        if open_groups:
            assert f"{late} of {open_groups}" in cells
        for currency in CURRENCIES:
            spent = [g.cost or 0 for g in project.target_groups.all() if g.currency == currency]
            assert Decimal(row.get(f"Spend ({currency})") or 0) == sum(spent, Decimal(0))


def test_a_groups_shortfall_is_the_same_in_the_table_the_file_and_on_its_page(
    viewer: Client, world: ExchangeAccount
) -> None:
    for project in world.projects.all():
        listed = {
            row["Group"]: row for row in download(viewer, f"/projects/{project.pk}/export.csv")
        }
        for group in project.target_groups.all():
            short = short_of(group)
            text = "" if short is None else str(round(short))
            assert listed[group.name]["Projected shortfall (completes)"] == text, group.status
            if short is None:
                continue
            page = fold_white_space(viewer.get(f"/groups/{group.pk}/").content.decode())
            strip = page.partition("<dt>Projected shortfall")[2].partition("</div>")[0]
            assert f"<dd>{round(short):,}" in strip, (group.status, strip)


def test_the_chart_of_a_project_ends_where_its_groups_do(
    viewer: Client, world: ExchangeAccount
) -> None:
    for project in world.projects.all():
        groups = planned(project)
        figure: Any = viewer.get(f"/projects/{project.pk}/chart.json").json()
        traces = {trace["name"]: trace for trace in figure["data"]}
        stacked = [trace for trace in figure["data"] if trace.get("stackgroup")]
        if not stacked:
            assert not any(group.completes for group in groups)
            continue
        done = sum(group.completes or 0 for group in groups)
        assert sum(trace["y"][-1] for trace in stacked) == done
        goal = sum(goal_of(g) or 0 for g in groups)
        assert traces["Target"]["y"][-1] == goal
        if "Forecast" not in traces:
            assert not any(map(is_open, groups))
            continue
        middle, high = traces["Forecast"]["y"], traces["Forecast (80 %)"]["y"]
        assert middle[0] == done
        assert near_middle(middle[-1], sums_of(groups)[0])
        assert high[-1] <= sum(max(goal_of(g) or 0, g.completes or 0) for g in groups) + 1


def test_home_says_what_its_projects_say_together(viewer: Client, world: ExchangeAccount) -> None:
    page = fold_white_space(viewer.get("/").content.decode())
    strip = page.partition("<dt>Projected shortfall")[2].partition("</div>")[0]
    found = re.search(r"<dd>([\d,]+)", strip)
    assert found
    running = [
        project
        for project in world.projects.all()
        if any(group.status in ("live", "paused") for group in project.target_groups.all())
    ]
    middle = sum(sums_of(planned(project))[1][1500] for project in running)
    width = sum(draws[2700] - draws[300] for draws in (sums_of(planned(p))[1] for p in running))
    assert abs(number(found[1]) - middle) <= 0.15 * width + 2
