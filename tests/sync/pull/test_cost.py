"""What a round costs: requests and writes in proportion to what moved, none for what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.alerts.incidents import detect
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.sync.pull import rounds
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import Exchange, group_row

pytestmark = pytest.mark.django_db(transaction=True)
BOOKS = {"fielding_project", "fielding_cycle"}
# What alerts keep of their own: how long something has lasted, and a heartbeat once a minute.
ALERTS = {"fielding_incident", "fielding_notice", "fielding_heartbeat"}
Round = Callable[[timedelta], Counter[str]]


def writes(queries: CaptureQueriesContext) -> Counter[str]:
    """How many statements changed each table of what is read and of the rounds."""
    statements = (query["sql"].rpartition(" times: ")[2] for query in queries.captured_queries)
    words = (statement.replace('"', " ").split() for statement in statements)
    counts: Counter[str] = Counter()
    for first, *rest in words:
        if first in ("INSERT", "UPDATE", "DELETE"):
            counts[next(word for word in rest if word.startswith("fielding_"))] += 1
    return Counter({table: times for table, times in counts.items() if table not in ALERTS})


@pytest.fixture
def one_round(account: ExchangeAccount, exchange: Exchange) -> Round:
    """A worker's task so long after the first pull; its writes."""
    hours = (NOW - timedelta(hours=back) for back in reversed(range(100)))
    exchange.completes[ulid(11)] = [
        {"timestamp": at.isoformat(), "count": count} for count, at in enumerate(hours, 1)
    ]
    rounds.account_round(account.pk, clock=lambda: NOW, force=True)
    project = Project.objects.get()
    first = rounds.project_round(project.pk, clock=lambda: NOW, force=True)
    assert first
    detect.after_cycle(cycle=first, now=NOW)
    exchange.log.clear()

    def once(later: timedelta) -> Counter[str]:
        def clock() -> datetime:
            return NOW + later

        with CaptureQueriesContext(connection) as queries:
            cycle = rounds.project_round(project.pk, clock=clock, force=True)
            assert cycle
            assert cycle.complete
            detect.after_cycle(cycle=cycle, now=clock())
        return writes(queries)

    return once


def test_a_round_in_which_nothing_moved_writes_its_books_alone(
    one_round: Round, exchange: Exchange
) -> None:
    counts = one_round(timedelta(seconds=30))
    assert set(counts) <= BOOKS
    assert counts.total() <= 3
    assert len(exchange.log) == 1


def test_the_sweeps_write_nothing_where_nothing_changed(
    one_round: Round, exchange: Exchange
) -> None:
    Project.objects.update(overviews_at=None, details_at=None)
    assert set(one_round(timedelta(minutes=5))) <= BOOKS
    assert exchange.asked("/overview") == exchange.asked("/details") == 3


def test_a_group_that_moved_costs_two_requests_and_one_write_a_table(
    one_round: Round, exchange: Exchange
) -> None:
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    counts = one_round(timedelta(minutes=5))
    assert len(exchange.log) == 1 + 2
    assert counts["fielding_targetgroup"] == counts["fielding_reading"] == 1


def test_a_forecast_is_worked_out_anew_within_the_hour_and_not_with_every_complete(
    one_round: Round, exchange: Exchange
) -> None:
    def worked_out() -> str:
        return str(TargetGroup.objects.get(exchange_id=ulid(11)).insight["at"])

    before = worked_out()
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    one_round(timedelta(minutes=5))
    assert worked_out() == before
    exchange.groups[ulid(1)][0] = group_row(11, completes=102)
    one_round(timedelta(minutes=66))
    assert worked_out() > before


def test_a_goal_that_is_reached_is_foreseen_at_once(one_round: Round, exchange: Exchange) -> None:
    exchange.groups[ulid(1)][0] = group_row(11, completes=200)
    one_round(timedelta(minutes=5))
    assert TargetGroup.objects.get(exchange_id=ulid(11)).short_at_end == 0
