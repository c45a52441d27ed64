"""Changes of price: measured from the tables, stored, and measured again when new data came."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.figures.price_effects import (
    StoredEffect,
    measure_due_price_changes,
    measure_new_price_changes,
    measure_price_changes,
)
from dashboard.fielding.models import Change, Edit, PriceChange, Project, TargetGroup
from tests import factories

pytestmark = pytest.mark.django_db

NOW, DAY, HOUR = factories.NOW, timedelta(days=1), timedelta(hours=1)
AT = NOW - 5 * DAY


def price(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency_code": currency}


def repriced(at: datetime = AT, *, after: float = 90, **fields: Any) -> TargetGroup:
    """A group with 40 completes a day, and another rate in the five days since its CPI rose."""
    group = factories.group(factories.project(factories.account(), read_at=NOW), **fields)
    hours = np.arange(12 * 24)
    rate = np.where(hours < 7 * 24, 40, after) / 24
    counts = np.cumsum(np.random.default_rng(3).poisson(rate))
    factories.completes(group, counts=counts.tolist())
    log_change(group, at)
    return group


def log_change(group: TargetGroup, at: datetime, **fields: Any) -> Change:
    given = {
        "batch_id": factories.ulid(Change.objects.count() + 1),
        "seen_at": at,
        "actor_type": "las_user",
        "actor_id": "someone",
        "kind": "cpi_change",
        "old": price("2.00"),
        "new": price("2.50"),
    }
    return Change.objects.create(
        account=group.account, group=group, occurred_at=at, **(given | fields)
    )


def test_a_raise_is_stored_with_what_it_brought_and_cost() -> None:
    group = repriced()
    measure_price_changes([group.pk], now=NOW)
    row = PriceChange.objects.get()
    assert (row.old_cpi, row.new_cpi, row.currency) == (Decimal("2.00"), Decimal("2.50"), "USD")
    assert (row.actor_type, row.actor_id, row.edit) == ("las_user", "someone", None)
    effect = StoredEffect.from_stored(row.effect)
    assert effect.verdict == "raised"
    extra, cost = effect.extra_estimate, effect.cost_estimate
    assert extra is not None
    assert cost is not None
    assert 150 < extra.middle < 350  # 50 a day more, five days long
    paid = effect.completes_after * 2.5
    assert cost.middle == pytest.approx(paid - (effect.completes_after - extra.middle) * 2.0)


def test_a_change_through_fieldwatch_is_known_by_its_time_and_price() -> None:
    group = repriced()
    user = factories.person("editor", group.account)
    edit = factories.edit(group, by=user, wanted=price("2.50"), started_at=AT - HOUR / 60)
    factories.edit(group, by=None, wanted=price("9.00"), started_at=AT)  # was overtaken
    Edit.objects.exclude(pk=edit.pk).update(state=Edit.State.CONFLICT)
    measure_price_changes([group.pk], now=NOW)
    row = PriceChange.objects.get()
    assert (row.edit, row.by) == (edit, user)


def test_an_edit_counts_before_the_changelog_lists_it() -> None:
    group = repriced()
    Change.objects.all().delete()
    edit = factories.edit(group, before=price("2.00"), wanted=price("2.50"), started_at=AT)
    assert measure_due_price_changes(now=NOW) == 1
    assert PriceChange.objects.get().edit == edit
    # The changelog has another time for it: still one change.
    log_change(group, AT + HOUR / 30)
    measure_price_changes([group.pk], now=NOW + HOUR)
    assert PriceChange.objects.get().at == AT + HOUR / 30


def test_prices_in_two_currencies_have_no_extra_cost() -> None:
    group = repriced()
    Change.objects.update(new=price("2.50", "EUR"))
    measure_price_changes([group.pk], now=NOW)
    effect = StoredEffect.from_stored(PriceChange.objects.get().effect)
    assert effect.extra_estimate is not None
    assert effect.cost_estimate is None


def test_a_group_is_measured_again_once_new_data_was_read() -> None:
    group = repriced()
    assert measure_due_price_changes(now=NOW) == 1
    assert measure_due_price_changes(now=NOW + HOUR) == 0
    Project.objects.update(read_at=NOW + HOUR / 60)
    assert measure_due_price_changes(now=NOW + HOUR / 30) == 0  # at most every ten minutes
    assert measure_due_price_changes(now=NOW + HOUR) == 1
    assert PriceChange.objects.get(group=group).measured_at == NOW + HOUR


def test_those_that_wait_longest_come_first() -> None:
    first, second = repriced(), repriced()
    assert measure_due_price_changes(now=NOW, at_most=1) == 1
    assert measure_due_price_changes(now=NOW, at_most=1) == 1
    assert {row.group_id for row in PriceChange.objects.all()} == {first.pk, second.pk}


def test_a_change_is_measured_for_a_week_and_kept_for_a_year() -> None:
    group = repriced()  # five days ago
    assert measure_due_price_changes(now=NOW) == 1
    Project.objects.update(read_at=NOW + 4 * DAY)
    assert measure_due_price_changes(now=NOW + 4 * DAY) == 1
    Project.objects.update(read_at=NOW + 5 * DAY)
    assert measure_due_price_changes(now=NOW + 5 * DAY) == 0
    log_change(group, NOW + 45 * DAY)
    assert measure_due_price_changes(now=NOW + 46 * DAY) == 1  # the new one alone
    assert PriceChange.objects.count() == 2
    assert measure_due_price_changes(now=NOW + 400 * DAY) == 0
    assert PriceChange.objects.count() == 1


def test_after_a_round_only_groups_with_a_new_change_are_measured() -> None:
    old, new = repriced(), repriced()
    TargetGroup.objects.filter(pk=new.pk).update(project=old.project)
    Change.objects.filter(group=new).update(seen_at=NOW)
    measure_new_price_changes(old.project_id, seen_since=NOW - HOUR, now=NOW)
    assert [row.group_id for row in PriceChange.objects.all()] == [new.pk]
