"""A group that a webhook told of is asked in the next round, whatever its row says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.pull import rounds
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange

Pull = Callable[[], dict[str, Any]]


@pytest.fixture
def changed_group(account: ExchangeAccount, exchange: Exchange, pull: Pull) -> TargetGroup:
    """Everything was read, and then a webhook told of group 12."""
    pull()
    pull()
    exchange.log.clear()
    tell(timezone.now())
    return TargetGroup.objects.get(exchange_id=ulid(12))


def tell(at: datetime) -> None:
    TargetGroup.objects.filter(exchange_id=ulid(12)).update(webhook_changed_at=at)
    Project.objects.update(webhook_changed_at=at)


def test_it_alone_is_asked_for_what_its_row_does_not_show(
    changed_group: TargetGroup, exchange: Exchange, pull: Pull
) -> None:
    exchange.cpi[ulid(12)] = {"value": "3.10", "currency_code": "USD"}
    pull()
    for part in ("overview", "details", "changelog", "fielding-runs"):
        assert exchange.asked(f"{ulid(12)}/{part}") == 1, part
    assert exchange.asked(f"{ulid(11)}/") == exchange.asked(f"{ulid(13)}/") == 0
    changed_group.refresh_from_db()
    assert f"{changed_group.cpi:.2f}" == "3.10"


def test_it_is_asked_once(changed_group: TargetGroup, exchange: Exchange, pull: Pull) -> None:
    pull()
    exchange.log.clear()
    pull()
    assert exchange.asked(f"{ulid(12)}/") == 0


def test_it_is_asked_again_where_the_answer_failed(
    changed_group: TargetGroup, exchange: Exchange, pull: Pull
) -> None:
    exchange.on("GET", f"{ulid(12)}/details", lambda: (403, {}))
    pull()
    exchange.log.clear()
    pull()
    assert exchange.asked(f"{ulid(12)}/details") == 1


def test_what_is_told_during_a_round_is_asked_in_another_one_soon(
    changed_group: TargetGroup, exchange: Exchange, pull: Pull
) -> None:
    here = threading.current_thread()
    moments: list[Any] = []

    def clock() -> datetime:
        now = timezone.now()
        requests = exchange.asked(f"{ulid(12)}/changelog")
        if requests and not moments and threading.current_thread() is here:
            moments.append(now)
            tell(now)
        return now

    cycle = rounds.project_round(Project.objects.get().pk, clock=clock, force=True)
    assert cycle is not None
    assert cycle.complete
    project = Project.objects.get()
    assert project.due_at is not None
    assert project.due_at <= timezone.now() + scheduling.FLOOR
    exchange.log.clear()
    pull()
    assert exchange.asked(f"{ulid(12)}/details") == 1
    project.refresh_from_db()
    assert project.due_at > timezone.now() + timedelta(minutes=2)
