"""What each month cost: the completes of its hours at their prices, and Cint's total in all."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.models import Change, CompletesDay, Project, TargetGroup
from dashboard.web.reports import spending
from tests import factories

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def project() -> Project:
    return factories.project(factories.account())


def change_cpi(
    group: TargetGroup, at: datetime, old: str, new: str, kind: str = "cpi_change"
) -> None:
    Change.objects.create(
        account=group.account,
        group=group,
        batch_id=factories.ulid(Change.objects.count() + 1),
        occurred_at=at,
        seen_at=at,
        kind=kind,
        old={"value": old, "currency_code": group.currency},
        new={"value": new, "currency_code": group.currency},
    )


def fielded(project: Project, began: datetime, arrivals: list[int], **fields: Any) -> TargetGroup:
    """A group with so many completes in each hour from `began`, which is on the hour."""
    total = sum(arrivals)
    last = began + HOUR * (len(arrivals) - 1) + HOUR / 2
    group = factories.group(
        project,
        completes=total,
        first_complete_at=began + timedelta(minutes=1),
        last_complete_at=last,
        **fields,
    )
    counts = [sum(arrivals[: hour + 1]) for hour in range(len(arrivals))]
    factories.completes(group, until=began + HOUR * len(arrivals), counts=counts)
    return group


def months_of(now: datetime = NOW) -> dict[str, tuple[int, Decimal]]:
    lines = spending.load_spend_lines(TargetGroup.objects.all(), months=True, now=now)
    assert len({line.month for line in lines}) == len(lines)
    return {line.month: (line.completes, line.spent) for line in lines}


@pytest.mark.parametrize("seed", range(4))
def test_months_are_what_the_hours_cost(project: Project, seed: int) -> None:
    """Recomputed complete by complete."""
    draw = random.Random(seed)  # noqa: S311
    began = datetime(2026, 9, 3, 5, tzinfo=UTC) + HOUR * draw.randrange(500)
    arrivals = [draw.randrange(4) for _ in range(int((NOW - began) / HOUR))] + [2]
    steps = sorted({began + HOUR * draw.randrange(len(arrivals)) for _ in range(5)})
    cpis = [Decimal(draw.randrange(100, 900)) / 100 for _ in range(len(steps) + 1)]
    completes: Counter[str] = Counter()
    cost: dict[str, Decimal] = {}
    for hour, arrived in enumerate(arrivals):
        start = began + HOUR * hour
        cpi = cpis[sum(step <= start for step in steps)]
        month = start.strftime("%Y-%m")
        completes[month] += arrived
        cost[month] = cost.get(month, Decimal(0)) + arrived * cpi
    group = fielded(project, began, arrivals, cost=sum(cost.values()))
    for number, step in enumerate(steps):
        change_cpi(group, step, str(cpis[number]), str(cpis[number + 1]))
    assert months_of() == {month: (completes[month], cost[month]) for month in cost}


def test_a_reconciled_month_does_not_move_with_a_later_price(project: Project) -> None:
    """2,880 completes at 1.00 in October; then at 3.00."""
    began = OCTOBER + DAY
    hours_of_october = int((NOVEMBER - began) / HOUR)
    arrivals = [4] * hours_of_october + [2] * 468
    group = fielded(project, began, arrivals, cost=Decimal(hours_of_october * 4 + 936 * 3))
    change_cpi(group, NOVEMBER, "1.00", "3.00")
    later = datetime(2026, 11, 27, tzinfo=UTC)  # October is reconciled
    assert months_of(later)["2026-10"] == (2880, Decimal(2880))
    TargetGroup.objects.update(cost=group.cost + 500)
    assert months_of(later) == {"2026-10": (2880, Decimal(2880)), "2026-11": (936, Decimal(3308))}


def test_a_gap_at_the_end_of_a_month_is_shared_by_both(project: Project) -> None:
    arrivals = [10] * 480  # twenty days around the end of October
    began = NOVEMBER - 10 * DAY
    fielded(project, began, arrivals, cost=Decimal(4800))
    CompletesDay.objects.filter(
        day__gte=(NOVEMBER - 2 * DAY).date(), day__lt=(NOVEMBER + 2 * DAY).date()
    ).delete()
    assert months_of() == {"2026-10": (2400, Decimal(2400)), "2026-11": (2400, Decimal(2400))}


def test_a_gap_elsewhere_leaves_the_split_alone(project: Project) -> None:
    fielded(project, NOVEMBER - 10 * DAY, [10] * 480, cost=Decimal(4800))
    CompletesDay.objects.filter(day=(NOVEMBER - 5 * DAY).date()).delete()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert months_of()["2026-10"] == (2400, Decimal(2400))
    loads = [query["sql"] for query in queries if "completesday" in query["sql"]]
    assert len(loads) == 1  # only the days around the month's end


def test_what_a_user_asked_for_counts_where_no_cpi_change_is_listed(project: Project) -> None:
    group = fielded(project, NOVEMBER - 10 * HOUR, [10] * 20, cost=Decimal(400))
    change_cpi(group, NOVEMBER, "1.00", "3.00", kind="user_requested_cpi_change")
    assert months_of() == {"2026-10": (100, Decimal(100)), "2026-11": (100, Decimal(300))}
    change_cpi(group, NOVEMBER, "2.00", "2.00")
    assert months_of() == {"2026-10": (100, Decimal(200)), "2026-11": (100, Decimal(200))}


def test_a_price_in_another_currency_is_not_used(project: Project) -> None:
    group = fielded(project, NOVEMBER - 10 * HOUR, [10] * 20, cost=Decimal(400), currency="EUR")
    change_cpi(group, NOVEMBER, "1.00", "3.00")
    Change.objects.update(
        old={"value": "1.00", "currency_code": "USD"}, new={"value": "3", "currency_code": "USD"}
    )
    assert months_of() == {"2026-10": (100, Decimal(200)), "2026-11": (100, Decimal(200))}


def test_a_group_that_completed_has_no_spend_in_later_months(project: Project) -> None:
    fielded(project, OCTOBER, [1] * 48, cost=Decimal("48"))
    TargetGroup.objects.update(completes=50)  # the series lags behind
    assert months_of() == {"2026-10": (50, Decimal(48))}


def test_a_budget_is_listed_once_and_not_by_month(project: Project) -> None:
    Project.objects.update(budget=Decimal(9000), budget_currency="USD")
    for country in ("us", "de"):
        fielded(
            project,
            NOVEMBER - 10 * HOUR,
            [10] * 20,
            cost=Decimal(400),
            budget=Decimal(500),
            country_code=country,
        )
    groups = TargetGroup.objects.all()
    monthly = spending.load_spend_lines(groups, months=True, now=NOW)
    assert [(line.budget, line.project_budget) for line in monthly] == [(None, None)] * 4
    overall = spending.load_spend_lines(groups, months=False, now=NOW)
    assert [(line.budget, line.project_budget) for line in overall] == [
        (Decimal(500), Decimal(9000)),
        (Decimal(500), None),
    ]


def test_many_groups_take_no_more_queries(project: Project) -> None:
    draw = random.Random(1)  # noqa: S311

    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            spending.load_spend_lines(TargetGroup.objects.all(), months=True, now=NOW)
        return len(queries)

    counted = []
    for _ in range(2):
        for _ in range(12):
            group = fielded(project, OCTOBER + DAY, [1] * 1000, cost=Decimal(2000))
            change_cpi(group, OCTOBER + HOUR * draw.randrange(100, 900), "1", "3")
        counted.append(count_queries())
    assert counted == [3, 3]
