"""One story: the same figure of the same thing is equal on every page, file, chart and mail.

Seeded worlds go through the pull's own computation (`world`). Then each surface is read
(`surfaces`), and held against an independent reckoning (`reckoning`). `STORY_SEEDS=20` tries more
worlds; `make soak ARGS=story` does on SQLite and, where TEST_DATABASE_URL names one, on
PostgreSQL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import digest, outbox
from dashboard.fielding.models import Incident, Mail, Notice, TargetGroup
from tests import factories
from tests.web.one_story import reckoning, surfaces
from tests.web.one_story.reckoning import near_middle, planned, short_of, sums_of
from tests.web.one_story.surfaces import NUMBER, number, number_in
from tests.web.one_story.world import (
    CURRENCIES,
    KINDS,
    World,
    build_world,
    clock_changes,
    plan_world,
)

# On one worker: each would build the world again.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("one_story")]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUARTER = timedelta(minutes=15)
SEEDS = range(int(os.environ.get("STORY_SEEDS", "1")))
EVERY_COLUMN = "?cols=progress.short.status.spend.projected.pace.chance.finish"
T = TypeVar("T")


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def world(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[World]:
    """One world for all tests of a seed; each test leaves it as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world(request.param)
        transaction.set_rollback(True)


@pytest.fixture
def viewer(world: World, client: Client) -> Client:
    client.force_login(factories.person("viewer", world.account, time_zone="UTC"))
    return client


def read_at_one_time(read: Callable[[], T]) -> tuple[T, datetime]:
    """What is read, and when: no day begins anywhere between the two."""
    while True:
        before = datetime.now(UTC)
        found, after = read(), datetime.now(UTC)
        if before.timestamp() // 900 == after.timestamp() // 900:
            return found, after


# The worlds


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_has_all_that_figures_stumble_over(seed: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    plans = plan_world(seed, now)
    kinds = {plan.kind for plan in plans}
    assert len(kinds) == len(KINDS)
    fields = [plan.fields for plan in plans]
    statuses = {"draft", "scheduled", "live", "paused", "completed", "archived"}
    assert {one["status"] for one in fields} == statuses
    assert {one["filling_strategy"] for one in fields} == {"completes", "prescreens", "automated"}
    assert {one["currency"] for one in fields} == set(CURRENCIES)
    ended = [one for one in fields if one["ends_at"] and one["ends_at"] < now]
    assert any(one["completes"] < one["filling_goal"] for one in ended)
    assert any(one["completes"] > one["filling_goal"] for one in ended)
    assert any(one.get("details") for one in fields)
    assert any(one.get("missing_since") for one in fields)
    for zone in ("America/New_York", "Australia/Sydney", "Australia/Lord_Howe"):
        assert any(p.fields["time_zone"] == zone and clock_changes(p) for p in plans)
    assert any(one["time_zone"] == "Asia/Kolkata" for one in fields)
    assert any(change["new"] < p.fields["completes"] for p in plans for change in p.changes)
    pairs = [pair for p in plans for pair in pairwise(p.points)]
    assert any(after[1] < before[1] for before, after in pairs)
    assert any(after[0] - before[0] > HOUR for before, after in pairs)
    assert any(now - p.points[0][0] > 60 * DAY for p in plans if p.points)
    assert any(plan.read_before_midnight for plan in plans)
    midnights = [
        now.astimezone(ZoneInfo(one["time_zone"])).hour == 0 for one in fields if one["time_zone"]
    ]
    assert any(midnights)


# Projects


def test_projects_have_the_sums_of_their_groups_on_the_page_and_in_files(
    viewer: Client, world: World
) -> None:
    html = surfaces.page(viewer, "/projects/")
    listed = {row["Project"]: row for row in surfaces.csv_rows(viewer, "/projects/export.csv")}
    workbook = {row["Project"]: row for row in surfaces.xlsx_rows(viewer, "/projects/export.xlsx")}
    for project in world.projects():
        groups, row = world.groups(project), listed[project.name]
        plan = planned(groups)
        goal = sum(reckoning.goal_of(group) or 0 for group in plan)
        done = sum(group.completes or 0 for group in plan)
        late = reckoning.late_groups(groups, world.now)
        live = sum(g.status == "live" and g.missing_since is None for g in groups)
        short = number(row["Projected shortfall (completes)"])
        assert (number(row["Completes"]), number(row["Goal"])) == (done, goal)
        assert number(row["Late groups"]) == late
        assert (number(row["Live groups"]), number(row["Groups"])) == (live, len(groups))
        assert near_middle(short, sums_of(groups, world.now)[1])
        paused = reckoning.missing_in_paused(groups, world.now)
        assert number(row["Missing in paused groups (completes)"]) == paused
        cells = surfaces.cells_of(html, f'href="/projects/{project.pk}/"')
        assert f"{done:,} / {goal:,}" in cells["Progress"]
        more = f" {paused:,} missing in paused groups" if paused else ""
        said = surfaces.text_of(cells["Verdict"])
        assert f"hort {short:,}" in said or f"shortfall {short:,}" in said or not short
        assert said.endswith(more)
        assert said.startswith(row["Verdict"].partition(";")[0])
        assert cells["Live groups"] == f"{live:,} of {len(groups):,}"
        open_groups = sum(reckoning.is_open(group, world.now) for group in plan)
        assert cells["Late groups"].startswith(f"{late} of {open_groups}" if open_groups else "–")
        ends = [g.ends_at for g in plan if g.status in reckoning.OPEN and g.ends_at]
        end = f"{max(ends):%Y-%m-%d %H:%M:%S}" if ends else ""
        assert row["End date (UTC)"] == end  # of scheduled groups too
        spent = reckoning.spent(groups)
        for currency in CURRENCIES:
            assert Decimal(row.get(f"Spend ({currency})") or 0) == spent.get(currency, 0)
            if currency in spent:
                assert f"{round(spent[currency]):,} {currency}" in cells["Spend"].replace(
                    "\xa0", " "
                )
        sheet = workbook[project.name]
        for heading in ("Completes", "Goal", "Late groups", "Projected shortfall (completes)"):
            assert sheet[heading] == number(row[heading])


def test_a_projects_page_says_what_its_row_and_file_say(viewer: Client, world: World) -> None:
    listed = {row["Project"]: row for row in surfaces.csv_rows(viewer, "/projects/export.csv")}
    for project in world.projects():
        html, row = surfaces.page(viewer, f"/projects/{project.pk}/"), listed[project.name]
        strip, groups = surfaces.strip_of(html), world.groups(project)
        done, goal, short = (
            number(row[name]) for name in ("Completes", "Goal", "Projected shortfall (completes)")
        )
        assert strip["Completes"].startswith(f"{done:,} of {goal:,}")
        assert number_in(strip["Projected at end"], f"shortfall {NUMBER}") == short
        projected = number_in(strip["Projected at end"], NUMBER)
        assert near_middle(projected, sums_of(groups, world.now)[0])
        open_groups = sum(reckoning.is_open(group, world.now) for group in planned(groups))
        late = f"{row['Late groups']} of {open_groups}" if open_groups else "–"
        assert strip["Late groups"].startswith(late)
        target = reckoning.target_by_now(groups, world.now)
        assert abs(number_in(strip["Target by now"], NUMBER) - target) <= 1
        missing = number(row["Missing in paused groups (completes)"])
        said = f"{missing:,} missing in paused groups"
        assert (said in strip["Paused groups"]) == bool(missing)
        for currency, cost in reckoning.spent(groups).items():
            assert f"{round(cost):,} {currency}" in strip["Spend"].replace("\xa0", " ")
        verdict = surfaces.text_of(html.partition('class="verdict')[2].partition(">")[2])
        sentences = verdict.partition("</p>")[0]
        if row["Late groups"] != "0":
            assert f"{row['Late groups']} of {open_groups} open group" in sentences
        if row["Verdict"].startswith("Short"):
            assert f"about {projected:,} of {goal:,}" in sentences
            assert f"{short:,} short" in sentences
        if missing:
            assert f"{missing:,} completes are missing in paused groups" in sentences


def test_the_countries_of_a_project_have_the_sums_of_its_groups(
    viewer: Client, world: World
) -> None:
    for project in world.projects():
        html = surfaces.page(viewer, f"/projects/{project.pk}/countries/")
        by_country: dict[str, list[TargetGroup]] = {}
        for group in world.groups(project):
            by_country.setdefault(group.country_code, []).append(group)
        for code, groups in by_country.items():
            link = f'href="/projects/{project.pk}/?country={code}"'
            if link not in html:
                assert not planned(groups)
                continue
            row = html.partition(link)[2].partition("</tr>")[0]
            cells = [surfaces.text_of(c) for c in re.findall(r'<td class="num">(.*?)</td>', row)]
            done, goal, projected, short = map(number, cells[:4])
            plan = planned(groups)
            assert done == sum(group.completes or 0 for group in plan)
            assert goal == sum(reckoning.goal_of(group) or 0 for group in plan)
            draws = sums_of(groups, world.now)
            assert near_middle(projected, draws[0])
            assert near_middle(short, draws[1])
            late = reckoning.late_groups(groups, world.now)
            assert cells[4].startswith(f"{late} of ")


def test_the_rows_of_a_projects_file_add_up_to_its_row(viewer: Client, world: World) -> None:
    listed = {row["Project"]: row for row in surfaces.csv_rows(viewer, "/projects/export.csv")}
    everywhere = surfaces.csv_rows(viewer, f"/groups/export.csv{EVERY_COLUMN}")
    for project in world.projects():
        inside = {group.name for group in planned(world.groups(project))}
        rows = surfaces.csv_rows(viewer, f"/projects/{project.pk}/export.csv{EVERY_COLUMN}")
        of_project = [row for row in everywhere if row["Project"] == project.name]
        assert sorted(map(str, of_project)) == sorted(map(str, rows))
        counted = [row for row in rows if row["Group"] in inside]
        whole = listed[project.name]
        for heading, in_whole in (("Completes", "Completes"), ("Goal (completes)", "Goal")):
            assert sum(int(row[heading] or 0) for row in counted) == number(whole[in_whole])
        for currency in CURRENCIES:
            costs = [Decimal(row["Spend"] or 0) for row in rows if row["Currency"] == currency]
            assert sum(costs, Decimal(0)) == Decimal(whole.get(f"Spend ({currency})") or 0)
        finishes = [
            row for row in counted if number(row["Projected shortfall (completes)"] or "0") > 0
        ]
        open_names = {
            group.name for group in world.groups(project) if reckoning.is_open(group, world.now)
        }
        late = sum(row["Group"] in open_names for row in finishes)
        assert late == number(whole["Late groups"])


@pytest.mark.parametrize("by", ["status", "country"])
def test_subtotals_are_sums_like_a_projects(viewer: Client, world: World, by: str) -> None:
    for project in world.projects():
        html = surfaces.page(viewer, f"/projects/{project.pk}/?by={by}")
        found = re.findall(r'<tr class="subtotal">(.*?)</tr>', html)
        subtotals = [surfaces.text_of(heading).replace("\xa0", " ") for heading in found]
        parts: dict[str, list[TargetGroup]] = {}
        for group in world.groups(project):
            parts.setdefault(group.status if by == "status" else group.country_code, []).append(
                group
            )
        assert len(subtotals) == len(parts)
        done = goal = 0
        for groups in parts.values():
            plan = planned(groups)
            part_done = sum(group.completes or 0 for group in plan)
            part_goal = sum(reckoning.goal_of(group) or 0 for group in plan)
            done, goal = done + part_done, goal + part_goal
            lead = f"{len(groups)} group{'' if len(groups) == 1 else 's'}"
            if plan:
                lead += f" · {part_done:,} / {part_goal:,} completes · projected shortfall "
            (text,) = [text for text in subtotals if lead in text][:1]
            if plan:
                short = number_in(text, f"projected shortfall {NUMBER}")
                assert near_middle(short, sums_of(groups, world.now)[1])
            for currency, cost in reckoning.spent(groups).items():
                assert f"{round(cost):,} {currency}" in text
        listed = {r["Project"]: r for r in surfaces.csv_rows(viewer, "/projects/export.csv")}
        assert number(listed[project.name]["Completes"]) == done
        assert number(listed[project.name]["Goal"]) == goal


# Groups


def test_a_groups_figures_are_the_same_in_table_files_page_text_and_chart(
    viewer: Client, world: World
) -> None:
    for project in world.projects():
        address = f"/projects/{project.pk}/export"
        listed = {
            row["Group"]: row for row in surfaces.csv_rows(viewer, f"{address}.csv{EVERY_COLUMN}")
        }
        workbook = {
            row["Group"]: row for row in surfaces.xlsx_rows(viewer, f"{address}.xlsx{EVERY_COLUMN}")
        }
        table = surfaces.page(viewer, f"/projects/{project.pk}/{EVERY_COLUMN}")
        for group in world.groups(project):
            row, sheet = listed[group.name], workbook[group.name]
            short, goal = short_of(group, world.now), reckoning.goal_of(group)
            text = "" if short is None else str(short)
            assert row["Projected shortfall (completes)"] == text, group.name
            assert sheet.get("Projected shortfall (completes)") == short
            assert row["Completes"] == str(group.completes or 0)
            assert row["Goal (completes)"] == ("" if goal is None else str(goal))
            cells = surfaces.cells_of(table, f'href="/groups/{group.pk}/"')
            assert cells["Projected shortfall"] == ("—" if short is None else f"{short:,}")
            at_goal = reckoning.cost_at_goal(group)
            is_open = reckoning.is_open(group, world.now)
            wanted = at_goal if is_open else None
            assert row["Cost if the goal is reached"] == ("" if wanted is None else plain(wanted))
            check_cost_by_end_date(world, group, row["Cost by end date"])
            if group.status != "draft":
                check_group_page(viewer, world, group, cells)


def check_cost_by_end_date(world: World, group: TargetGroup, text: str) -> None:
    """Cost to date and whole completes at today's CPI, to its last decimal, up to the goal."""
    forecast, plan = reckoning.forecast_of(group), world.plans.get(group.pk)
    if forecast is None or plan is None or plan.count_later is not None:
        return
    assert group.cost is not None
    assert group.cpi
    to_come, rest = divmod(Decimal(text) - group.cost, group.cpi)
    done, goal = group.completes or 0, reckoning.goal_of(group)
    end = min(forecast[1], max(goal or 0, done))
    assert (rest, abs(float(to_come) - max(end - done, 0)) <= 1) == (0, True), group.name


def plain(amount: Decimal) -> str:
    """An amount as a file has it, without zeros at the end beyond two decimals."""
    whole, _, parts = f"{amount:f}".partition(".")
    parts = parts.rstrip("0")
    return f"{whole}.{parts.ljust(2, '0')}" if parts else whole


def check_group_page(viewer: Client, world: World, group: TargetGroup, cells: surfaces.Row) -> None:
    """The strip, the client's text and the chart of a group against the reckoning."""
    html = surfaces.page(viewer, f"/groups/{group.pk}/")
    strip = surfaces.strip_of(html)
    short, goal = short_of(group, world.now), reckoning.goal_of(group)
    shown = strip["Projected shortfall"]
    assert shown.split(" ")[0] == ("—" if short is None else f"{short:,}"), (group.name, shown)
    by_prescreens = group.filling_strategy == "prescreens"
    done = group.prescreens if by_prescreens else group.completes
    limit = "—" if group.filling_goal is None else f"{group.filling_goal:,}"
    assert strip["Progress"].startswith(f"{done:,} / {limit}")
    assert cells["Progress"].startswith(f"{done:,} / {limit}")
    assert strip["Spend"].startswith(f"{round(group.cost or 0):,} {group.currency}")
    at_goal = reckoning.cost_at_goal(group)
    is_open = reckoning.is_open(group, world.now)
    said = f"cost if the goal is reached {round(at_goal or 0):,} {group.currency}"
    assert (said in strip["Spend"]) == (is_open and at_goal is not None), (group.name, strip)
    check_client_text(html, world, group, goal)
    check_verdict(html, world, group)
    traces = surfaces.chart(viewer, f"/groups/{group.pk}/chart.json")
    if "Forecast" in traces and goal:
        ends = reckoning.ends_of(group, world.now)
        highest = max(goal, group.completes or 0)
        assert is_open
        assert traces["Forecast"]["y"][-1] == pytest.approx(min(ends[1], highest))
        assert traces["Forecast (80 %)"]["y"][-1] == pytest.approx(min(ends[2], highest))


def check_client_text(html: str, world: World, group: TargetGroup, goal: int | None) -> None:
    found = re.search(r'<textarea id="client-text"[^>]*>(.*?)</textarea>', html, re.DOTALL)
    assert found
    text = surfaces.text_of(found[1])
    done = group.completes or 0
    if group.filling_strategy == "prescreens" and group.completes_goal in (
        None,
        group.filling_goal,
    ):
        assert f"Prescreens: {group.prescreens:,} of {group.filling_goal:,}" in text
        assert f"Completes: {done:,}" in text
    else:
        assert f"Completes: {done:,} of {'—' if goal is None else f'{goal:,}'}" in text
    if "Projected by the end date" not in text:
        return
    assert goal
    short = short_of(group, world.now)
    assert short is not None
    projected = number_in(text, rf"Projected by the end date, .*?: {NUMBER}")
    assert projected == goal - short
    assert group.status in ("live", "scheduled")


def check_verdict(html: str, world: World, group: TargetGroup) -> None:
    """The first sentence of a group's page: it ends where the tiles and the files say."""
    found = re.search(r'id="verdict">(.*?)</p>', html)
    assert found, group.name
    text = surfaces.text_of(found[1])
    lead = text.partition(":")[0]
    short, goal = short_of(group, world.now), reckoning.goal_of(group)
    if lead in ("Will miss", "Late"):
        assert short, (group.name, text)
    if lead in ("On track", "Just on track", "Full early"):
        assert short == 0, (group.name, text)
    if about := re.search(f"[Aa]bout {NUMBER} of {NUMBER}", text):
        assert goal is not None
        assert short is not None
        assert (number(about[1]), number(about[2])) == (goal - short, goal), (group.name, text)
    if counted := re.search(f"{NUMBER} of {NUMBER} (completes|prescreens)", text):
        by_prescreens = counted[3] == "prescreens"
        done = group.prescreens if by_prescreens else group.completes
        assert number(counted[1]) == done, (group.name, text)
    ends = reckoning.ends_of(group, world.now)
    if gets := re.search(r"Needs ([\d.,]+) completes a day, gets ([\d.,]+)", text):
        assert group.ends_at
        assert goal is not None
        days = (group.ends_at - world.now) / DAY
        needed, comes = (float(one.replace(",", "").rstrip(".")) for one in gets.groups())
        done = group.completes or 0
        assert needed == pytest.approx((goal - done) / days, rel=0.05, abs=0.1), group.name
        assert comes == pytest.approx((ends[1] - done) / days, rel=0.05, abs=0.1), group.name


def test_the_days_of_a_group_add_up_and_are_those_of_its_calendar(
    viewer: Client, world: World
) -> None:
    for pk, plan in world.plans.items():
        if not plan.points:
            continue
        group = TargetGroup.objects.get(pk=pk)
        bars = surfaces.chart(viewer, f"/groups/{pk}/chart.json?per=day")["Completes gained"]
        days = reckoning.completes_by_day(group, plan.points)
        seen = dict(zip((x[:10] for x in bars["x"]), bars["y"], strict=True))
        assert sum(bars["y"]) == plan.points[-1][1], plan.kind
        assert {str(day) for day, gained in days.items() if gained} <= set(seen), plan.kind
        for day, gained in days.items():
            assert abs(seen.get(str(day), 0) - gained) <= 1, (plan.kind, day)
        if len(plan.points) > 1000 and not plan.kind.endswith("Lord_Howe"):
            continue  # of the long ones, the hours of the oddest clocks are enough
        hours = surfaces.chart(viewer, f"/groups/{pk}/chart.json?per=hour")["Completes gained"]
        assert sum(hours["y"]) == plan.points[-1][1]
        assert len(set(hours["x"])) == len(hours["x"])  # hours that come twice stand apart


# A project's chart


def test_the_chart_of_a_project_ends_where_its_groups_do(viewer: Client, world: World) -> None:
    for project in world.projects():
        groups = planned(world.groups(project))
        done = sum(group.completes or 0 for group in groups)
        goals = {group.pk: reckoning.goal_of(group) or 0 for group in groups}
        whole = surfaces.chart(viewer, f"/projects/{project.pk}/chart.json")
        traces = surfaces.chart(viewer, f"/projects/{project.pk}/chart.json?per=group")
        assert whole["Completes"]["y"][-1] == done
        # The two are asked one after the other: a line that passes a half is rounded otherwise.
        for name in ("Target", "Forecast", "Forecast (80 %)"):
            line = traces.get(name, {}).get("y") or []
            assert (whole.get(name, {}).get("y") or []) == pytest.approx(line, abs=1)
        assert sum(trace["y"][-1] for trace in traces["stack"]) == done
        dated = [group for group in groups if group.starts_at and group.ends_at]
        assert traces["Target"]["y"][-1] == sum(goals[group.pk] for group in dated)
        html = surfaces.page(viewer, f"/projects/{project.pk}/completes/")
        newest = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2])[0]
        counts = [number(cell) for cell in re.findall(r'<td class="num">(.*?)</td>', newest)]
        assert counts[-1] == sum(counts[:-1]) == done
        if not any(reckoning.is_open(group, world.now) for group in groups):
            assert "Forecast" not in traces
            continue
        middle, high = traces["Forecast"]["y"], traces["Forecast (80 %)"]["y"]
        assert middle[0] == done
        assert near_middle(middle[-1], sums_of(groups, world.now)[0])
        limits = [max(goals[g.pk], g.completes or 0) for g in groups if goals[g.pk]]
        if len(limits) == len(groups):
            assert high[-1] <= sum(limits) + 1


# Home, metrics


def test_home_has_the_sums_of_projects_and_groups(viewer: Client, world: World) -> None:
    html, now = read_at_one_time(lambda: surfaces.page(viewer, "/"))
    strip = surfaces.strip_of(html)
    groups = world.groups()
    listed = [group for group in groups if group.missing_since is None]
    live = [group for group in listed if group.status == "live"]
    behind = [g for g in live if g.insight.get("pace", {}).get("band") in ("behind", "far behind")]
    assert number(strip["Live groups"]) == len(live)
    assert number_in(strip["Behind pace"], NUMBER) == len(behind)
    by_cint = [g for g in listed if g.status_changed_by == "system_user" and g.status == "paused"]
    assert number(strip["Paused by Cint"]) == len(by_cint)
    check_today(world, strip, now)
    running = [
        project
        for project in world.projects()
        if any(g.status in ("live", "paused") for g in listed if g.project_id == project.pk)
    ]
    draws = [sums_of(world.groups(project), world.now)[1] for project in running]
    middle = sum(map(reckoning.middle_of, draws))
    width = sum(map(reckoning.width_of, draws))
    short = number_in(strip["Projected shortfall"], NUMBER)
    assert abs(short - middle) <= 0.15 * width + 2
    missing = sum(reckoning.missing_in_paused(world.groups(one), world.now) for one in running)
    assert number_in(strip["Projected shortfall"], f"{NUMBER} missing in paused") == missing


def check_today(world: World, strip: surfaces.Row, now: datetime) -> None:
    """Completes, spend and need of today, of the groups that count in them."""
    today = unread = 0
    needed = 0.0
    costs: dict[str, Decimal] = {}
    for group in world.groups():
        in_field = group.status in ("live", "paused") and group.missing_since is None
        lately = group.last_complete_at and group.last_complete_at >= now - timedelta(hours=25)
        plan = world.plans.get(group.pk)
        if plan is None or not (in_field or lately):
            continue
        done = reckoning.today_of(group, plan, read=world.now, now=now)
        if done is None:
            unread += 1
            continue
        today += done
        if done and group.cpi:
            costs[group.currency] = costs.get(group.currency, Decimal(0)) + done * group.cpi
        if done or (group.status == "live" and group.missing_since is None):
            needed += reckoning.needed_today(group, done, now)
    seen = strip["Completes today"]
    assert number_in(seen, f"^{NUMBER}") == today
    assert number_in(seen, f"of {NUMBER}") == round(needed)
    assert ("excludes" in seen) == bool(unread)
    if unread:
        assert number_in(seen, f"excludes {NUMBER} group") == unread
    spent = strip["Spend today"].replace("\xa0", " ")
    assert spent == " + ".join(f"{round(costs[code]):,} {code}" for code in sorted(costs))


def test_metrics_count_what_pages_count(viewer: Client, world: World, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    seen = surfaces.metrics(viewer)
    strip = surfaces.strip_of(surfaces.page(viewer, "/"))
    listed = [group for group in world.groups() if group.missing_since is None]
    for status in {group.status for group in listed}:
        number_of = sum(group.status == status for group in listed)
        assert seen["fieldwatch_target_groups", status] == number_of
    assert seen["fieldwatch_target_groups", "live"] == number(strip["Live groups"])


# Spend


def test_spend_is_the_same_by_month_in_all_and_in_every_file(viewer: Client, world: World) -> None:
    spent = reckoning.spent(world.groups())
    listed = surfaces.csv_rows(viewer, "/projects/export.csv")
    months = surfaces.csv_rows(viewer, "/spend/export.csv?month=all&by=month")
    overall = surfaces.csv_rows(viewer, "/spend/export.csv?month=all")
    book = surfaces.xlsx_rows(viewer, "/spend/export.xlsx?month=all&by=month")
    html = surfaces.text_of(surfaces.page(viewer, "/spend/?month=all")).replace("\xa0", " ")
    for currency, digits in (("EUR", 2), ("JPY", 0), ("KWD", 3)):
        cost = spent[currency]
        assert sum(Decimal(row.get(f"Spend ({currency})") or 0) for row in listed) == cost
        for rows in (months, overall):
            parts = [Decimal(row["Spend"]) for row in rows if row["Currency"] == currency]
            assert sum(parts, Decimal(0)) == cost
        in_book = [row["Spend"] for row in book if row["Currency"] == currency]
        assert sum(map(float, in_book)) == pytest.approx(float(cost))
        assert f"{cost:,.{digits}f} {currency}" in html
    done = sum(group.completes or 0 for group in world.groups() if group.cost)
    for rows in (months, overall):
        assert sum(number(row["Completes"]) for row in rows) == done


def test_the_api_has_the_figures_of_the_files(viewer: Client, world: World) -> None:
    reader = factories.person("viewer", world.account, time_zone="UTC")
    factories.access_token(reader, "fw_story")
    groups = {
        row["Exchange ID"]: row
        for row in surfaces.csv_rows(viewer, f"/groups/export.csv{EVERY_COLUMN}")
    }
    for group in api_rows("groups"):
        row, figures, cost = groups.pop(group["exchange_id"]), group["figures"], group["cost"]
        assert text_in_file(group["completes"]) == row["Completes"]
        assert text_in_file(figures["goal"]) == row["Goal (completes)"]
        assert text_in_file(figures["shortfall"]) == row["Projected shortfall (completes)"]
        assert text_in_file(figures["pace"] and figures["pace"]["band"]) == row["Pace"]
        for name, heading in (
            ("to_date", "Spend"),
            ("by_end_date", "Cost by end date"),
            ("if_goal_reached", "Cost if the goal is reached"),
        ):
            amount = cost[name] and Decimal(cost[name]["amount"])
            assert amount == (Decimal(row[heading]) if row[heading] else None), heading
    assert groups == {}
    projects = {
        row["Exchange ID"]: row for row in surfaces.csv_rows(viewer, "/projects/export.csv")
    }
    for project in api_rows("projects"):
        row, figures = projects.pop(project["exchange_id"]), project["figures"]
        assert text_in_file(figures["completes"]) == row["Completes"]
        assert text_in_file(figures["goal"]) == row["Goal"]
        assert text_in_file(figures["shortfall"]["p50"]) == row["Projected shortfall (completes)"]
        assert (
            text_in_file(figures["missing_in_paused"])
            == row["Missing in paused groups (completes)"]
        )
        assert text_in_file(figures["late_groups"]) == row["Late groups"]
        assert row["Verdict"].startswith(figures["verdict"])
        for part in project["cost"]["by_currency"]:
            spent = Decimal(row[f"Spend ({part['currency']})"] or 0)
            assert Decimal(part["to_date"]["amount"]) == spent
    assert projects == {}
    lines = surfaces.csv_rows(viewer, "/spend/export.csv?month=all&by=month")
    spend = {(row["Month (UTC)"], row["Currency"], row["Spend"], row["Completes"]) for row in lines}
    assert {
        (
            line["month"] or "",
            line["spend"]["currency"],
            plain(Decimal(line["spend"]["amount"])),
            str(line["completes"]),
        )
        for line in api_rows("spend", "&month=each")
    } == {(month, code, plain(Decimal(cost)), done) for month, code, cost, done in spend}


def api_rows(name: str, query: str = "") -> list[Any]:
    """All rows of a list of the API, page by page."""
    rows: list[Any] = []
    cursor = ""
    while True:
        address = f"/api/v1/{name}?limit=7{query}{cursor}"
        answer = Client().get(address, headers={"Authorization": "Bearer fw_story"})
        assert answer.status_code == 200, answer.content
        rows += answer.json()["data"]
        if answer.json()["next_cursor"] is None:
            return rows
        cursor = f"&cursor={answer.json()['next_cursor']}"


def text_in_file(value: object) -> str:
    """A value as a file has it."""
    return "" if value is None else str(value)


def test_the_budget_page_has_both_costs_to_come(client: Client, world: World) -> None:
    client.force_login(world.pm)
    for project in world.projects():
        html = surfaces.page(client, f"/projects/{project.pk}/budget/")
        text = surfaces.text_of(html).replace("\xa0", " ")
        groups = world.groups(project)
        at_goal = reckoning.cost_if_all_goals_reached(groups, world.now)
        for currency, cost in at_goal.items():
            assert f"Cost if all goals are reached: {round(cost):,} {currency}." in text
        for currency, cost in reckoning.spent(groups).items():
            by_end = number_in(text, rf"Cost by end date: {NUMBER} {currency}\.")
            assert round(cost) <= by_end <= round(at_goal[currency])


# Compare


def test_a_comparison_has_the_counts_of_both_waves(viewer: Client, world: World) -> None:
    *projects, earlier = world.projects()
    before = {group.name.replace("W1", "W2"): group for group in world.groups(earlier)}
    compared = 0
    for project in projects:
        html = surfaces.page(viewer, f"/projects/{project.pk}/compare/?with={earlier.pk}")
        for group in world.groups(project):
            then = before.get(group.name)
            if then is None or f'href="/groups/{then.pk}/"' not in html:
                continue
            cells = surfaces.cells_of(html, f'href="/groups/{group.pk}/"')
            assert cells["Completes"].startswith(
                f"{group.completes:,} / {reckoning.goal_of(group):,}"
            )
            assert cells["Previous final"].startswith(f"{then.completes:,} / {then.filling_goal:,}")
            compared += 1
    assert compared >= 4


# Alerts and mails


def alerted(world: World) -> None:
    """Complete cycles over the last hours, after which every rule has waited long enough."""
    for project in world.projects():
        for back in range(150, -1, -15):
            at = world.now - timedelta(minutes=back)
            detect.after_cycle(cycle=factories.cycle(project, at), now=at)


def test_alerts_and_mails_have_the_figures_of_the_pages(
    viewer: Client, world: World, settings: Any
) -> None:
    alerted(world)
    groups = {group.name: group for group in world.groups()}
    incidents = list(Incident.objects.filter(state__in=("firing", "recovering")))
    short = [one for one in incidents if one.rule in ("behind_pace", "ends_soon")]
    assert short
    for incident in short:
        assert incident.group
        check_shortfall(world, groups, f"{incident.headline}\n{incident.sentence}")
    assert {one.group.status for one in short if one.group} == {"live"}
    mails = composed(world)
    said = sum(check_shortfall(world, groups, mail) for mail in mails)
    # An overview of many items names the worst group alone, which may stand still.
    assert said or any("Worst:" in mail for mail in mails)
    listed = {row["Project"]: row for row in surfaces.csv_rows(viewer, "/projects/export.csv")}
    assert sum(number(row["Open alerts"]) for row in listed.values()) == len(incidents)
    settings.METRICS_TOKEN = ""
    seen = surfaces.metrics(viewer)
    counted = [value for name, value in seen.items() if name[0] == "fieldwatch_incidents_open"]
    assert sum(counted) == len(incidents)


def composed(world: World) -> list[str]:
    """The immediate mails and a digest, as text."""
    outbox.compose_due_mails(now=world.now + 5 * timedelta(minutes=1))
    texts = [f"{mail.subject}\n{mail.text}" for mail in Mail.objects.filter(recipient=world.pm)]
    notices = Notice.objects.filter(recipient=world.pm).select_related("incident__group")
    body = digest.compose_digest(world.pm, list(notices), now=world.now)
    return [*texts, f"{body.subject}\n{body.text}"]


def check_shortfall(world: World, groups: dict[str, TargetGroup], text: str) -> int:
    """Each projected shortfall that a text says of a group; return how many."""
    said = re.findall(rf"Projected {NUMBER} short of {NUMBER}: (.*? W2), ends", text)
    said += [
        (short, goal, name)
        for name, short, goal in re.findall(
            rf"([a-z][^:\n]*? W2): projected {NUMBER} short of {NUMBER} on", text
        )
    ]
    said += [
        (short, goal, name)
        for name, short, goal in re.findall(
            rf"Worst: (.*? W2)\n +Projected {NUMBER} short of {NUMBER} on", text
        )
    ]
    for short, goal, name in said:
        group = groups[name]
        assert number(short) == short_of(group, world.now), name
        assert number(goal) == reckoning.goal_of(group), name
    return len(said)


def test_a_calm_digest_counts_the_live_groups_of_home(viewer: Client, world: World) -> None:
    strip = surfaces.strip_of(surfaces.page(viewer, "/"))
    body = digest.compose_digest(world.pm, [], now=world.now)
    assert body.subject == f"All {strip['Live groups']} live groups are on track"


def test_a_day_is_a_date() -> None:
    assert reckoning.midnight_of(date(2026, 11, 1), ZoneInfo("Asia/Kolkata")) == datetime(
        2026, 10, 31, 18, 30, tzinfo=UTC
    )
