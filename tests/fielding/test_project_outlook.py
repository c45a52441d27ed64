"""What a project's groups add up to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.figures.project_outlook import (
    ProjectOutlook,
    outlook_of_project,
    refresh_project_outlook,
)
from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.home.headline import Headline, add_shortfalls
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
DAY = timedelta(days=1)


@pytest.fixture
def project() -> Project:
    return factories.project(factories.account())


def group(project: Project, at_end: list[float] | None = None, **fields: Any) -> TargetGroup:
    given: dict[str, Any] = {
        "status": "live",
        "completes": 100,
        "completes_goal": 200,
        "filling_goal": 200,
        "filling_strategy": "completes",
        "starts_at": NOW - 5 * DAY,
        "ends_at": NOW + 5 * DAY,
        "insight": {"forecast": {"at_end": at_end}} if at_end else {},
        "cpi": Decimal("2"),
        "cost": Decimal("200"),
        "currency": "EUR",
    }
    return factories.group(project, **(given | fields))


def outlook(project: Project) -> ProjectOutlook:
    refresh_project_outlook(project.pk, now=NOW)
    stored = outlook_of_project(Project.objects.get(pk=project.pk))
    assert stored
    return stored


def test_a_project_ends_with_its_groups_capped_at_their_goals(project: Project) -> None:
    group(project, [400, 500, 600])
    group(project, [110, 120, 130])
    seen = outlook(project)
    assert seen.projected and seen.shortfall
    assert (seen.goal, seen.completes, seen.projected.p50) == (400, 200, 320)
    assert (seen.shortfall.p10, seen.shortfall.p50, seen.shortfall.p90) == (70, 80, 90)
    assert (seen.groups, seen.open_groups, seen.short_groups) == (2, 2, 1)


@pytest.mark.parametrize(
    "away", [{"status": "draft"}, {"status": "archived"}, {"missing_since": NOW}]
)
def test_drafts_archived_and_missing_groups_are_outside(
    project: Project, away: dict[str, Any]
) -> None:
    group(project, [150, 150, 150])
    group(project, [150, 150, 150], **away)
    seen = outlook(project)
    assert (seen.groups, seen.goal, seen.completes) == (1, 200, 100)
    assert seen.money["EUR"].so_far == 400  # what was spent stays spent


def test_scheduled_groups_are_in_the_plan(project: Project) -> None:
    group(project, [0, 150, 180], status="scheduled", completes=0, cost=None)
    seen = outlook(project)
    assert seen.projected
    assert (seen.goal, seen.completes, seen.projected.p50, seen.open_groups) == (200, 0, 150, 1)


@pytest.mark.parametrize("over", [{"status": "completed"}, {"ends_at": NOW - DAY}])
def test_a_group_that_is_over_is_short_by_what_it_misses(
    project: Project, over: dict[str, Any]
) -> None:
    group(project, [150, 190, 260], **over)
    seen = outlook(project)
    assert seen.projected and seen.shortfall
    assert (seen.projected.p50, seen.shortfall.p50, seen.ended_short) == (100, 100, 100)
    assert (seen.open_groups, seen.short_groups) == (0, 0)


def test_what_is_missing_in_paused_groups_is_named(project: Project) -> None:
    group(project, [180, 190, 200], status="paused")
    seen = outlook(project)
    assert (seen.paused_groups, seen.paused) == (1, 100)


def test_a_goal_of_prescreens_counts_in_completes(project: Project) -> None:
    prescreens = {"filling_strategy": "prescreens", "filling_goal": 400, "completes_goal": None}
    group(
        project,
        [40, 50, 60],
        **prescreens,
        completes=50,
        prescreens=200,
        expected_incidence_rate=0.25,
    )
    assert outlook(project).goal == 100  # a quarter of prescreens complete


def test_a_group_that_its_quotas_hold_counts_as_they_let_it_through(project: Project) -> None:
    """The pull stores its range as its quotas let it through, below the goal."""
    held = group(project, [120, 140, 150])
    group(project, [400, 500, 600])
    seen = outlook(project)
    assert seen.projected and seen.shortfall
    assert (seen.goal, seen.projected.p50, seen.projected.p90) == (400, 340, 350)
    assert (seen.shortfall.p10, seen.shortfall.p50, seen.short_groups) == (50, 60, 1)
    held.refresh_from_db()
    assert held.short_at_end == 60
    account = Headline()
    add_shortfalls(account, [Project.objects.get(pk=project.pk).outlook])
    assert account.short == 60


def test_a_groups_shortfall_is_stored_anew_as_its_count_and_its_end_move(project: Project) -> None:
    """Its forecast stays until the next one: 150 by the end date."""
    rising, ended = group(project, [140, 150, 160]), group(project, [140, 150, 160])
    outlook(project)
    TargetGroup.objects.filter(pk=rising.pk).update(completes=170)
    TargetGroup.objects.filter(pk=ended.pk).update(ends_at=NOW - DAY)
    seen = outlook(project)
    stored = dict(TargetGroup.objects.values_list("pk", "short_at_end"))
    assert stored == {rising.pk: 30, ended.pk: 100}
    assert seen.shortfall
    assert seen.shortfall.p50 == 130
    TargetGroup.objects.filter(pk=rising.pk).update(missing_since=NOW)
    outlook(project)
    assert TargetGroup.objects.get(pk=rising.pk).short_at_end is None


def test_what_is_projected_and_what_is_missing_add_up_to_the_goal(project: Project) -> None:
    half = group(project, [90, 150.5, 170], filling_goal=201, completes_goal=201)
    outlook(project)
    half.refresh_from_db()
    assert half.short_at_end == 201 - round(150.5)


def test_costs_are_by_currency_with_two_names(project: Project) -> None:
    group(project, [150, 150, 150])
    group(project, [150, 150, 150], currency="JPY", cpi=Decimal("300"), cost=Decimal("30000"))
    money = outlook(project).money
    assert sorted(money) == ["EUR", "JPY"]
    euros = money["EUR"]
    assert euros.by_end
    assert (euros.so_far, euros.if_full) == (Decimal(200), Decimal(400))
    assert euros.by_end.p50 == 300
    assert money["JPY"].if_full == 60000


def test_a_project_without_groups_has_an_outlook_of_nothing(project: Project) -> None:
    seen = outlook(project)
    assert (seen.goal, seen.groups, seen.money) == (0, 0, {})


def test_an_outlook_of_another_form_reads_as_empty(project: Project) -> None:
    project.outlook = {"goal": "many", "groups": 3}
    assert outlook_of_project(project) == ProjectOutlook(groups=3)


def test_the_list_of_projects_has_the_sums_that_the_pull_worked_out(project: Project) -> None:
    empty = factories.project(project.account)
    group(project, [150, 160, 170])
    group(project, [180, 200, 220], status="paused")
    seen = outlook(project)
    listed = {row.pk: row for row in Project.objects.all().for_list()}
    row: Any = listed[project.pk]
    assert seen.shortfall
    assert (row.goal_sum, row.completes_sum, row.short) == (400, 200, seen.shortfall.p50)
    assert (row.late_groups, row.open_groups) == (1, 2)
    row = listed[empty.pk]
    assert (row.goal_sum, row.short, row.open_groups) == (0, 0, 0)


def test_where_nothing_is_to_come_the_cost_by_the_end_date_is_the_spend(project: Project) -> None:
    group(project, status="completed", cost=Decimal("1234.54"))
    by_end = outlook(project).money["EUR"].by_end
    assert by_end
    assert by_end.p50 == pytest.approx(1234.54)
