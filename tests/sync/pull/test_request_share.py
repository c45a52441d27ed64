"""A project that costs more than its share takes turns; one that refuses costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.fielding.models import Cycle, ExchangeAccount, Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.pull import rounds
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import Exchange, group_row, project_row

pytestmark = pytest.mark.django_db(transaction=True)
Pull = Callable[[], dict[str, Any]]
EVERY = timedelta(minutes=5)


class Worker:
    """One that does what is due, by a clock of its own."""

    def __init__(self, account: ExchangeAccount) -> None:
        self.now = NOW
        self.account = account
        self.share: int | None = None  # requests a turn

    def clock(self) -> datetime:
        return self.now

    def lists(self) -> None:
        rounds.account_round(self.account.pk, clock=self.clock, force=True)

    def turn(self) -> Cycle:
        """The next turn of whatever is the most urgent."""
        self.now += timedelta(seconds=1)
        cycle = rounds.run_next_round(0, clock=self.clock, share=lambda _: self.share)
        assert cycle is not None
        return cycle

    def later(self, by: timedelta) -> Cycle:
        self.now += by
        Project.objects.update(due_at=self.now)
        return self.turn()


@pytest.fixture
def worker(account: ExchangeAccount) -> Worker:
    return Worker(account)


@pytest.fixture
def in_turns(worker: Worker, exchange: Exchange) -> Worker:
    """A project of twelve groups beside one of a single group; a turn reads four groups."""
    worker.share = 36
    exchange.projects = [project_row(1), project_row(2)]
    exchange.groups = {
        ulid(1): [group_row(number) for number in range(11, 23)],
        ulid(2): [group_row(99)],
    }
    worker.lists()
    Project.objects.filter(exchange_id=ulid(1)).update(due_at=NOW - EVERY)
    return worker


def whole() -> list[str]:
    """The groups that were asked everything."""
    done = TargetGroup.objects.exclude(entrants=None).order_by("exchange_id")
    return list(done.values_list("exchange_id", flat=True))


def test_a_small_project_gets_in_between_the_turns_of_a_big_one(in_turns: Worker) -> None:
    first, second, third = in_turns.turn(), in_turns.turn(), in_turns.turn()
    big, small = Project.objects.order_by("exchange_id")
    assert [first.project_id, second.project_id, third.project_id] == [big.pk, small.pk, big.pk]
    assert 0 < first.groups_left < 12
    assert first.requests <= 36 + 9


def test_all_groups_are_on_the_pages_after_the_first_turn(in_turns: Worker) -> None:
    first = in_turns.turn()
    groups = TargetGroup.objects.filter(project=first.project)
    assert [group.completes for group in groups] == [100] * 12
    assert groups.filter(entrants=None).count() == first.groups_left
    assert Project.objects.get(pk=first.project_id).read_at == in_turns.now


def test_the_turns_of_a_pass_ask_every_group_once(in_turns: Worker, exchange: Exchange) -> None:
    left = [in_turns.turn().groups_left for _ in range(4)]
    assert left[-1] == 0
    assert len(whole()) == 13
    for number in (*range(11, 23), 99):
        assert exchange.asked(f"{ulid(number)}/performance") == 1, number
    big = Project.objects.get(exchange_id=ulid(1))
    assert (big.pass_cursor, big.pass_started_at) == ("", None)
    assert big.overviews_at == NOW + timedelta(seconds=1)  # when its pass began
    assert big.due_at
    assert big.due_at >= in_turns.now + EVERY - timedelta(seconds=9)


def test_a_sweep_goes_on_where_its_last_turn_ended(in_turns: Worker, exchange: Exchange) -> None:
    for _ in range(4):
        in_turns.turn()
    Project.objects.filter(exchange_id=ulid(2)).delete()
    exchange.log.clear()
    in_turns.share = 4
    in_turns.later(timedelta(minutes=31))
    requests = [exchange.asked("/overview")]
    while Project.objects.get().pass_cursor:
        in_turns.turn()
        requests.append(exchange.asked("/overview"))
    assert requests == [4, 8, 12]


def test_what_moves_behind_a_turn_is_kept_and_asked_in_the_next_pass(
    in_turns: Worker, exchange: Exchange
) -> None:
    in_turns.turn()
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    for _ in range(3):
        in_turns.turn()
    group = TargetGroup.objects.get(exchange_id=ulid(11))
    assert (group.completes, group.entrants) == (101, 900)
    in_turns.later(timedelta(minutes=5))
    in_turns.turn()  # both projects are due: either may be the first
    group.refresh_from_db()
    assert group.entrants == 909


def test_the_foreground_pull_takes_all_turns_and_tells_them_as_one(
    in_turns: Worker, pull: Pull
) -> None:
    in_turns.account.requests_per_minute = 1000  # 100 requests a turn
    in_turns.account.save()
    result = pull()
    assert (result["exit"], result["projects"], result["groups_seen"]) == (0, 2, 13)
    assert len(whole()) == 13


@pytest.fixture
def refusing(worker: Worker, exchange: Exchange) -> Worker:
    """One group of three whose own operations are all refused."""
    exchange.on("GET", f"{ulid(12)}/", lambda: (403, {"detail": "not yours"}))
    worker.lists()
    worker.turn()
    exchange.log.clear()
    return worker


def test_a_group_that_refuses_is_left_alone_and_says_why(
    refusing: Worker, exchange: Exchange
) -> None:
    assert "not yours" in TargetGroup.objects.get(exchange_id=ulid(12)).error
    cycle = refusing.later(EVERY)
    assert cycle.complete
    assert exchange.asked(f"{ulid(12)}/") == 0
    assert "not yours" in TargetGroup.objects.get(exchange_id=ulid(12)).error


def test_after_days_it_costs_one_try_a_day(refusing: Worker, exchange: Exchange) -> None:
    TargetGroup.objects.filter(exchange_id=ulid(12)).update(
        failing_since=NOW - timedelta(days=3), retry_at=NOW
    )
    for _ in range(8):
        refusing.later(timedelta(hours=3))
    assert exchange.asked(f"{ulid(12)}/performance") == 1


def test_a_row_that_moved_has_it_asked_sooner(refusing: Worker, exchange: Exchange) -> None:
    exchange.groups[ulid(1)][1] = group_row(12, completes=101)
    refusing.later(EVERY)
    assert exchange.asked(f"{ulid(12)}/performance") == 1
    refusing.later(EVERY)
    assert exchange.asked(f"{ulid(12)}/performance") == 1


def test_a_person_who_wants_it_has_it_asked_sooner(refusing: Worker, exchange: Exchange) -> None:
    exchange.special.clear()
    scheduling.clear_backoff(TargetGroup.objects.filter(exchange_id=ulid(12)), now=refusing.now)
    refusing.later(EVERY)
    group = TargetGroup.objects.get(exchange_id=ulid(12))
    assert (group.entrants, group.error, group.retry_at, group.failing_since) == (
        900,
        "",
        None,
        None,
    )


def test_who_may_not_read_the_history_pays_no_more_for_a_group_that_moves(
    worker: Worker, exchange: Exchange
) -> None:
    exchange.on("GET", "/changelog", lambda: (403, {"detail": "not yours"}))
    worker.lists()
    worker.turn()
    exchange.log.clear()
    exchange.groups[ulid(1)][1] = group_row(12, completes=101)
    worker.later(EVERY)
    group = TargetGroup.objects.get(exchange_id=ulid(12))
    assert (exchange.asked(f"{ulid(12)}/performance"), exchange.asked(f"{ulid(12)}/details")) == (
        1,
        0,
    )
    assert group.completes == 101
    assert "history" in group.error  # it was not asked again, so it still was not read
    assert group.retry_at
    worker.later(timedelta(hours=1))
    assert exchange.asked(f"{ulid(12)}/changelog") == 1
