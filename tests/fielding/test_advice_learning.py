"""Elasticities that are learned every hour, and advice that was followed, in the tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.advice.advise import advise_groups
from dashboard.fielding.advice.evidence import USUAL, PriceEvidence, PricePoint
from dashboard.fielding.advice.inputs import load_outlooks
from dashboard.fielding.advice.learning import learn_account, learn_elasticities
from dashboard.fielding.advice.plan import PlanKind, Standing
from dashboard.fielding.advice.records import count_held_ranges, record_advice, settle_advice
from dashboard.fielding.figures.price_effects import StoredEffect, measure_due_price_changes
from dashboard.fielding.models import (
    AdviceRecord,
    Change,
    Edit,
    ExchangeAccount,
    GroupPanels,
    LearnedElasticity,
    PriceChange,
    Project,
    TargetGroup,
)
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(polling=True)


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account)


def change_cpi(group: TargetGroup, at: datetime, old: str, new: str) -> Change:
    return Change.objects.create(
        account=group.account,
        group=group,
        batch_id=f"{group.pk}-{at.isoformat()}",
        occurred_at=at,
        seen_at=at,
        actor_type="user",
        kind="cpi_change",
        old={"value": old, "currency_code": "USD"},
        new={"value": new, "currency_code": "USD"},
    )


def group_with_a_raise(project: Project, *, ratio: float = 2.0, **fields: Any) -> TargetGroup:
    """A group that had 10 completes an hour for a week, then a raise of 20 %, then `ratio` times
    as many for three days."""
    group = factories.group(
        project,
        starts_at=NOW - timedelta(days=10),
        completes=3000,
        filling_goal=9000,
        completes_goal=9000,
        **fields,
    )
    counts = [*[10] * 7 * 24, *[round(10 * ratio)] * 3 * 24]
    factories.completes(group, counts=[int(total) for total in np.cumsum(counts)])
    change_cpi(group, NOW - timedelta(days=3), "2.50", "3.00")
    return group


def forecast_group(project: Project, **fields: Any) -> TargetGroup:
    """A group with 100 of 200 completes that is forecast to have 150 to 190 by its end."""
    given = {
        "insight": {
            "forecast": {"at_end": [150, 170, 190], "chance": 0.03, "finish": [None, None, None]}
        }
    }
    return factories.group(project, **(given | fields))


def measured_and_learned(now: datetime = NOW) -> int:
    """The rows that are learned after the changes of price were measured."""
    measure_due_price_changes(now=now)
    return learn_elasticities(now=now)


def test_a_change_is_learned_from_with_its_error_once_it_is_half_a_day_old(
    account: ExchangeAccount, project: Project
) -> None:
    group = group_with_a_raise(project)
    measure_due_price_changes(now=NOW)
    effect = StoredEffect.from_stored(PriceChange.objects.get(group=group).effect)
    assert effect.ratio == pytest.approx(2.0, abs=0.3)
    assert effect.error is not None
    assert 0 < effect.error < 0.5
    assert learn_account(account, now=NOW - timedelta(days=2, hours=13)) == 0
    assert learn_account(account, now=NOW) > 0


def test_a_change_without_a_price_is_not_learned_from(
    account: ExchangeAccount, project: Project
) -> None:
    group = factories.group(project)
    factories.completes(group, counts=[int(c) for c in np.cumsum([5] * 240)])
    change_cpi(group, NOW - timedelta(days=3), "unknown", "3.00")
    assert measured_and_learned() == 0


def test_what_was_measured_is_learned_for_its_country_and_its_group(
    account: ExchangeAccount, project: Project
) -> None:
    steep = group_with_a_raise(project, country_code="pl")
    factories.group(project, country_code="pl")
    measured_and_learned()
    rows = {row.group_id: row for row in LearnedElasticity.objects.exclude(group=None)}
    assert rows[steep.pk].own == 1
    assert rows[steep.pk].mean > 1.0
    learned = load_outlooks([forecast_group(project, country_code="pl")], now=NOW)[0]
    assert learned is not None
    assert learned.elasticity.mean > USUAL
    assert learned.evidence == PriceEvidence(country=1)


def test_a_second_account_learns_nothing_of_the_first(
    account: ExchangeAccount, project: Project
) -> None:
    group_with_a_raise(project)
    second = factories.account(polling=True)
    measured_and_learned()
    assert not LearnedElasticity.objects.filter(account=second).exists()
    assert learn_account(second, now=NOW) == 0


def test_learning_twice_leaves_the_same_rows(account: ExchangeAccount, project: Project) -> None:
    group_with_a_raise(project)
    assert measured_and_learned() == learn_elasticities(now=NOW + HOUR)
    count = LearnedElasticity.objects.count()
    assert LearnedElasticity.objects.filter(learned_at=NOW + HOUR).count() == count


def test_a_group_s_inputs_are_its_stored_forecast_and_its_price(project: Project) -> None:
    group = forecast_group(project, budget=Decimal(600))
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert (outlook.completes, outlook.goal, outlook.missing) == (100, 200, 100)
    assert tuple(outlook.at_end) == (150, 170, 190)
    assert outlook.days_left == pytest.approx(7.0)
    assert outlook.pricing.paid == Decimal(270)
    assert outlook.pricing.coin == Decimal("0.01")
    assert outlook.evidence.is_empty
    result = advise_groups([outlook])[0]
    assert result.today is not None
    assert result.today.cost_at_goal == Decimal(270) + 100 * Decimal("2.75")


def test_the_days_ahead_are_weighed_by_the_week_of_the_group(project: Project) -> None:
    days = [1.0] * 5 + [2.0, 0.0]  # from Monday; NOW is a Friday
    group = forecast_group(project, country_code="gb", ends_at=NOW + timedelta(days=2))
    group.insight = group.insight | {"rhythm": {"rate": 1.0, "hours": [1.0] * 24, "days": days}}
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert outlook.days_left == pytest.approx(0.5 + 2.0 + 0.0)
    assert outlook.days_after[:2] == pytest.approx([0.5, 1.0])
    assert sum(outlook.days_after[:7]) == pytest.approx(7.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "completed"},
        {"status": "draft"},
        {"ends_at": None},
        {"ends_at": NOW - HOUR},
        {"cpi": None},
        {"filling_goal": None, "completes_goal": None},
        {"insight": {}},
        {"missing_since": NOW},
    ],
    ids=" ".join,
)
def test_a_group_that_cannot_be_advised_has_no_inputs(
    project: Project, fields: dict[str, Any]
) -> None:
    assert load_outlooks([forecast_group(project, **fields)], now=NOW) == [None]


def test_a_goal_of_prescreens_is_advised_in_completes(project: Project) -> None:
    group = forecast_group(
        project, filling_strategy="prescreens", filling_goal=600, completes_goal=600
    )
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert 150 < outlook.goal < 250
    assert outlook.goal == 100 + outlook.missing


def test_a_rate_card_group_keeps_its_cpi(project: Project) -> None:
    (outlook,) = load_outlooks([forecast_group(project, pricing_model="rate_card")], now=NOW)
    assert outlook is not None
    result = advise_groups([outlook])[0]
    assert result.standing is Standing.NO_PRICE
    assert all(plan.cpi == Decimal("2.75") for plan in result.plans)


def test_the_exchange_s_limit_of_a_cpi_holds(project: Project, settings: Any) -> None:
    settings.CPI_LIMITS = {"USD": Decimal("2.90")}
    (outlook,) = load_outlooks([forecast_group(project)], now=NOW)
    assert outlook is not None
    assert outlook.pricing.cap == Decimal("2.90")


def test_quota_cells_and_the_forecast_without_them_are_read(project: Project) -> None:
    group = forecast_group(project)
    target = {"id": "men", "name": "Men", "goal": 100, "completes": 90, "prescreens": 200}
    profiles = [{"id": "sex", "name": "Sex", "quotas": True, "targets": [target]}]
    GroupPanels.objects.create(group=group, profiles=profiles)
    group.insight = group.insight | {"quotas": {"unstopped": [180, 220, 260]}}
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert [(cell.name, cell.limit, cell.completes) for cell in outlook.cells] == [("men", 100, 90)]
    assert tuple(outlook.at_end) == (180, 220, 260)
    assert outlook.chance == 0.03


def test_cells_are_left_out_where_an_older_release_stored_the_forecast(project: Project) -> None:
    group = forecast_group(project)
    target = {"id": "men", "name": "Men", "goal": 100, "completes": 90, "prescreens": 200}
    profiles = [{"id": "sex", "name": "Sex", "quotas": True, "targets": [target]}]
    GroupPanels.objects.create(group=group, profiles=profiles)
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert outlook.cells == ()
    assert tuple(outlook.at_end) == (150, 170, 190)


def test_the_exchange_s_estimate_is_part_of_the_evidence(project: Project) -> None:
    group = forecast_group(project)
    points = [PricePoint(2.75, 60, 80), PricePoint(3.30, 90, 120)]
    (outlook,) = load_outlooks([group], now=NOW, what_if={group.pk: points})
    (without,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    assert without is not None
    assert outlook.evidence.what_if == 2
    assert outlook.elasticity.mean > without.elasticity.mean


def test_a_thousand_groups_take_as_many_queries_as_one(project: Project) -> None:
    groups = [forecast_group(project) for _ in range(20)]
    with CaptureQueriesContext(connection) as single:
        load_outlooks(groups[:1], now=NOW)
    with CaptureQueriesContext(connection) as many:
        load_outlooks(groups, now=NOW)
    assert len(single) == len(many) == 3


def followed(project: Project, **fields: Any) -> tuple[TargetGroup, AdviceRecord, Edit]:
    """A group whose raise was followed three days ago."""
    group = forecast_group(project, **fields)
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    result = advise_groups([outlook])[0]
    plan = result.best or result.most
    assert plan is not None
    at = NOW - timedelta(hours=73)
    edit = factories.edit(group, started_at=at)
    record = record_advice(group=group, outlook=outlook, plan=plan, edit=edit, by=None, now=at)
    return group, record, edit


def test_requests_of_one_form_that_end_together_keep_what_they_foretold_once(
    project: Project,
) -> None:
    """Each of them looked before the other wrote; the second takes the record of the first."""
    group, record, edit = followed(project)
    (outlook,) = load_outlooks([group], now=NOW)
    assert outlook is not None
    result = advise_groups([outlook])[0]
    plan = result.best or result.most
    assert plan is not None
    again = record_advice(group=group, outlook=outlook, plan=plan, edit=edit, by=None, now=NOW)
    assert again == record
    assert again.followed_at == record.followed_at
    assert group.advice_records.get() == record


def test_followed_advice_is_kept_with_what_it_foretold(project: Project) -> None:
    group, record, edit = followed(project)
    assert record.edit == edit
    assert record.new_cpi is not None
    assert record.new_cpi > Decimal("2.75")
    assert record.kind in {kind.value for kind in PlanKind}
    assert record.an_hour_low <= record.an_hour_middle <= record.an_hour_high
    assert record.ratio_low >= 1.0
    assert record.settled_at is None
    assert record.goal == 200
    assert group.advice_records.get() == record


@pytest.mark.parametrize(("factor", "is_held"), [(1.0, True), (4.0, False), (0.0, False)])
def test_the_range_is_held_against_the_completes_that_came(
    project: Project, factor: float, is_held: bool
) -> None:
    group, record, _ = followed(project)
    AdviceRecord.objects.filter(pk=record.pk).update(
        an_hour_low=0.5, an_hour_middle=0.7, an_hour_high=1.5, goal=100_000
    )
    hourly = [0] * 24 + [round(factor)] * 73
    factories.completes(group, counts=[100 + int(total) for total in np.cumsum(hourly)])
    PriceChange.objects.create(
        account=group.account,
        group=group,
        at=record.followed_at + timedelta(minutes=2),
        effect={"ratio": 1.34, "error": 0.1},
        measured_at=NOW,
    )
    assert settle_advice(now=NOW) == 1
    record.refresh_from_db()
    assert record.an_hour_seen == pytest.approx(factor, abs=0.05)
    assert record.is_held is is_held
    assert record.ratio_seen == pytest.approx(1.34)
    assert record.settled_at == NOW
    assert record.closed_at is None
    assert count_held_ranges(group.account_id) == (int(is_held), 1)
    assert settle_advice(now=NOW + HOUR) == 0


def test_a_raise_of_yesterday_is_not_settled_yet(project: Project) -> None:
    group, record, _ = followed(project)
    AdviceRecord.objects.filter(pk=record.pk).update(followed_at=NOW - timedelta(hours=30))
    factories.completes(group, counts=list(range(60, 101)))
    assert settle_advice(now=NOW) == 0


def test_the_final_cost_is_written_once_the_group_is_over(project: Project) -> None:
    group, record, _ = followed(project)
    factories.completes(group, counts=[100 + hour for hour in range(97)])
    TargetGroup.objects.filter(pk=group.pk).update(
        status="completed", completes=200, cost=Decimal("540")
    )
    settle_advice(now=NOW)
    record.refresh_from_db()
    assert record.closed_at == NOW
    assert record.is_goal_met is True
    assert record.cost_seen == Decimal("540")


def test_a_record_outlives_its_edit(project: Project) -> None:
    _, record, edit = followed(project)
    edit.delete()
    record.refresh_from_db()
    assert record.edit is None


def test_advice_of_a_bulk_change_finds_its_edit_once_it_is_confirmed(project: Project) -> None:
    _, record, edit = followed(project)
    AdviceRecord.objects.update(edit=None, new_cpi=Decimal("2.75"))
    edit.started_at = record.followed_at + HOUR / 60
    edit.save()
    early = record.followed_at + HOUR
    assert settle_advice(now=early) == 0
    record.refresh_from_db()
    assert record.edit is None
    settle_advice(now=record.followed_at + 2 * HOUR)
    record.refresh_from_db()
    assert record.edit == edit


@pytest.mark.parametrize(
    "change",
    [{"state": "conflict"}, {"wanted": {"value": "2.80"}}, {"started_at": NOW - timedelta(days=5)}],
)
def test_advice_of_a_bulk_change_that_was_not_sent_is_not_kept(
    project: Project, change: dict[str, Any]
) -> None:
    _, record, edit = followed(project)
    AdviceRecord.objects.update(edit=None, new_cpi=Decimal("2.75"))
    Edit.objects.filter(pk=edit.pk).update(**({"started_at": record.followed_at} | change))
    settle_advice(now=record.followed_at + 2 * HOUR)
    assert not AdviceRecord.objects.exists()
