"""What is usual in a project and a country, for groups that are young."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.insight.baselines import learn_account, learn_baselines, load_baselines
from dashboard.fielding.models import Baseline, Change, Project, TargetGroup
from dashboard.fielding.series.weekly_shape import prior_shape
from tests import factories

pytestmark = pytest.mark.django_db
DAYS = 10


def evening(project: Project, daily: float = 48, **fields: Any) -> TargetGroup:
    """A group that brings all its completes from 18:00 to midnight in Berlin."""
    given = {"country_code": "de", "completes": int(daily * DAYS), "currency": "EUR"}
    given |= {"starts_at": factories.NOW - timedelta(days=DAYS), "filling_goal": 1000}
    given |= {"completes_goal": 1000, "ends_at": factories.NOW + timedelta(days=DAYS)}
    group = factories.group(project, **(given | fields))
    local = (np.arange(DAYS * 24) + 13) % 24  # the first hour ends at 13:00 UTC, 14:00 in Berlin
    counts = np.cumsum(np.where(local >= 18, daily / 6, 0.0))
    factories.completes(group, counts=counts.astype(int).tolist())
    return group


@pytest.fixture
def project() -> Project:
    return factories.project(factories.account())


def learned(project: Project) -> int:
    return learn_account(project.account, now=factories.NOW)


def test_a_young_group_gets_the_week_of_its_project(project: Project) -> None:
    for _ in range(3):
        evening(project)
    learned(project)
    young = factories.group(project, completes=0, country_code="us")
    prior = load_baselines([young]).prior(young)
    assert prior is not None
    day = prior_shape(prior).reshape(7, 24).mean(axis=0)
    assert day[18:].mean() > 5 * day[6:17].mean()


def test_a_group_of_another_project_gets_the_week_of_its_country(project: Project) -> None:
    for _ in range(2):
        evening(project)
    learned(project)
    elsewhere = factories.project(project.account)
    here, abroad = (factories.group(elsewhere, country_code=code) for code in ("de", "jp"))
    pools = load_baselines([here, abroad])
    assert pools.prior(here) is not None
    assert pools.prior(abroad) is None


def test_one_group_is_no_pool(project: Project) -> None:
    learned_from = evening(project)
    learned(project)
    assert load_baselines([learned_from]).prior(learned_from) is None


def test_few_completes_teach_nothing(project: Project) -> None:
    evening(project, daily=1)
    assert learned(project) == 0


def test_learning_again_replaces_what_was_learned(project: Project) -> None:
    evening(project)
    assert learned(project) == learned(project) == 3  # project, country, account
    assert Baseline.objects.count() == 3


def young(project: Project, **fields: Any) -> TargetGroup:
    """A group that begins now and wants 20 completes a day."""
    given = {"completes": 0, "completes_goal": 200, "filling_goal": 200, "country_code": "de"}
    given |= {"starts_at": factories.NOW, "ends_at": factories.NOW + timedelta(days=10)}
    return factories.group(project, **(given | fields))


def daily_of(group: TargetGroup) -> float:
    prior = load_baselines([group]).prior(group)
    assert prior is not None and prior.daily is not None
    return prior.daily


def test_a_plan_is_expected_at_the_level_of_its_project_as_far_as_it_is_known(
    project: Project,
) -> None:
    for _ in range(3):
        evening(project, daily=25)  # half of what the plan asks
    learned(project)
    few = daily_of(young(project))
    for _ in range(9):
        evening(project, daily=25)
    learned(project)
    assert 10 < daily_of(young(project)) < few < 15


def test_a_project_without_groups_leans_on_its_country_and_its_account(project: Project) -> None:
    for _ in range(6):
        evening(project, daily=25)
    learned(project)
    new = factories.project(project.account)
    here, abroad = (daily_of(young(new, country_code=code)) for code in ("de", "jp"))
    assert daily_of(young(project)) < here < abroad < 20


def test_groups_that_bring_nearly_nothing_lower_the_level(project: Project) -> None:
    for _ in range(3):
        evening(project, daily=25)
    learned(project)
    usual = daily_of(young(project))
    for _ in range(3):
        evening(project, daily=1.5)  # 15 completes: no week is learned from them
    learned(project)
    assert daily_of(young(project)) < 0.7 * usual


def test_the_fade_after_the_first_day_is_pooled_and_time_paused_is_left_out(
    project: Project,
) -> None:
    for _ in range(8):
        fading(project)
    learned(project)
    prior = load_baselines([new := young(project)]).prior(new)
    assert prior is not None and prior.fade is not None and prior.varies is not None
    assert prior.fade == pytest.approx(0.5, abs=0.08)
    assert prior.varies < 0.7


def fading(project: Project) -> TargetGroup:
    """48 completes on its first day and 24 on each other one, but for the fifth: paused."""
    group = evening(project)
    group.completes_days.all().delete()
    rate = np.full(DAYS * 24, 1.0)
    rate[:24] = 2.0
    rate[4 * 24 : 5 * 24] = 0.0
    start = factories.NOW - timedelta(days=DAYS)
    for day, status in ((4, "paused"), (5, "live")):
        at = start + timedelta(days=day)
        Change.objects.create(
            account=group.account,
            group=group,
            kind="status_change",
            new=status,
            batch_id=status,
            occurred_at=at,
            seen_at=at,
        )
    factories.completes(group, counts=np.cumsum(rate).astype(int).tolist())
    return group


def test_the_usual_price_is_that_of_the_same_market(project: Project) -> None:
    for cpi in ("2", "3", "7"):
        evening(project, cpi=Decimal(cpi))
    learned(project)
    same, other = (factories.group(project, country_code="de", currency=c) for c in ("EUR", "USD"))
    pools = load_baselines([same, other])
    assert pools.price(same) == Decimal(3)
    assert pools.price(other) is None


def test_another_account_knows_nothing_of_it(project: Project) -> None:
    for _ in range(2):
        evening(project)
    learned(project)
    stranger = factories.group(factories.project(factories.account()), country_code="de")
    assert load_baselines([stranger]).prior(stranger) is None


def test_no_groups_need_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert load_baselines([]).projects == {}


def test_only_accounts_that_are_polled_are_learned_from(project: Project) -> None:
    for _ in range(2):
        evening(project)
    silent = factories.project(factories.account(polling=False))
    for _ in range(2):
        evening(silent)
    assert learn_baselines(now=factories.NOW) == 3
    told = Baseline.objects.values_list("account", flat=True).distinct()
    assert list(told) == [project.account_id]
