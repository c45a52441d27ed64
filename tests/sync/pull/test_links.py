"""One-time survey links: who is asked for them, what is kept, and how little it costs elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.sync.pull import rounds
from dashboard.sync.pull.fetch import Failure, GroupAnswer, GroupRequest
from dashboard.sync.pull.links import LinksAccess, LinksReading
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import Exchange, Reply, group_row, project_row

pytestmark = pytest.mark.django_db(transaction=True)
LINKS = "respondent-unique-codes/live/stats"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REFUSED: Reply = (403, {"object": "forbidden_error", "detail": "not enabled"})
Round = Callable[[timedelta], None]


@pytest.fixture
def one_round(account: ExchangeAccount) -> Round:
    """Read the account and every project, so long after the first time."""

    def once(later: timedelta = timedelta(0)) -> None:
        def clock() -> datetime:
            return NOW + later

        rounds.account_round(account.pk, clock=clock, force=True)
        for pk in Project.objects.order_by("pk").values_list("pk", flat=True):
            assert rounds.project_round(pk, clock=clock, force=True, share=lambda _: None)

    return once


def links(exchange: Exchange, total: int, left: int) -> None:
    answer = {"total_count": total, "unconsumed_count": left}
    exchange.on("GET", LINKS, lambda: (200, answer))


def sweep_details() -> None:
    Project.objects.update(details_at=None)


def group(number: int = 11) -> TargetGroup:
    return TargetGroup.objects.get(exchange_id=ulid(number))


def test_an_account_with_links_is_found_by_one_group_and_then_every_group_is_asked(
    one_round: Round, exchange: Exchange, account: ExchangeAccount
) -> None:
    links(exchange, 1500, 850)
    one_round(timedelta(0))
    assert exchange.asked(LINKS) == 1
    assert (group().links_total, group().links_left, group().links_read_at) == (1500, 850, NOW)
    account.refresh_from_db()
    assert (account.links_offered, account.links_asked_at) == (True, NOW)
    sweep_details()
    one_round(HOUR)
    assert exchange.asked(LINKS) == 1 + 3
    assert set(TargetGroup.objects.values_list("links_left", flat=True)) == {850}


@pytest.mark.parametrize("reply", [REFUSED, (405, {"detail": "no"}), (404, {"detail": "no"})])
def test_an_account_without_links_is_asked_once_a_day(
    one_round: Round, exchange: Exchange, account: ExchangeAccount, reply: Reply
) -> None:
    exchange.projects.append(project_row(2))
    exchange.groups[ulid(2)] = [group_row(21), group_row(22)]
    exchange.on("GET", LINKS, lambda: reply)
    for hours in range(0, 24, 6):
        one_round(hours * HOUR)
        sweep_details()
    assert exchange.asked(LINKS) == 1
    account.refresh_from_db()
    assert (account.links_offered, account.links_asked_at) == (False, NOW)
    assert not TargetGroup.objects.exclude(error="").exists()
    one_round(DAY)
    assert exchange.asked(LINKS) == 2


def test_an_account_that_got_links_is_found_a_day_later(
    one_round: Round, exchange: Exchange
) -> None:
    exchange.on("GET", LINKS, lambda: REFUSED)
    one_round(timedelta(0))
    links(exchange, 1500, 850)
    sweep_details()
    one_round(DAY)
    assert TargetGroup.objects.filter(links_left=850).count() == 1


def test_an_account_that_lost_its_links_is_left_alone_and_keeps_what_was_read(
    one_round: Round, exchange: Exchange, account: ExchangeAccount
) -> None:
    ExchangeAccount.objects.update(links_offered=True)
    links(exchange, 1500, 850)
    one_round(timedelta(0))
    exchange.on("GET", LINKS, lambda: REFUSED)
    sweep_details()
    one_round(HOUR)
    exchange.log.clear()
    sweep_details()
    one_round(2 * HOUR)
    assert exchange.asked(LINKS) == 0
    account.refresh_from_db()
    assert account.links_offered is False
    assert (group().links_left, group().links_read_at, group().error) == (850, NOW, "")


def test_links_are_read_again_with_the_series_of_a_group_that_moved(
    one_round: Round, exchange: Exchange
) -> None:
    ExchangeAccount.objects.update(links_offered=True)
    links(exchange, 1500, 850)
    one_round(timedelta(0))
    links(exchange, 1500, 700)
    exchange.log.clear()
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    one_round(HOUR / 2)
    assert exchange.asked(LINKS) == 0
    exchange.groups[ulid(1)][0] = group_row(11, completes=102)
    one_round(HOUR)
    assert exchange.asked(ulid(11) + "/" + LINKS) == 1
    assert (group().links_left, group().links_read_at) == (700, NOW + HOUR)


def test_a_group_without_links_writes_nothing_at_a_sweep(
    one_round: Round, exchange: Exchange
) -> None:
    ExchangeAccount.objects.update(links_offered=True)
    exchange.on("GET", LINKS, lambda: (404, {"detail": "no such group"}))
    one_round(timedelta(0))
    assert (group().links_total, group().links_read_at) == (0, NOW)
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    one_round(HOUR)
    sweep_details()
    exchange.log.clear()
    before = group().changed_at
    one_round(2 * HOUR)
    assert exchange.asked(LINKS) == 3
    assert (group().links_read_at, group().changed_at) == (NOW, before)
    assert ExchangeAccount.objects.get().links_offered is True


def test_an_exchange_that_fails_at_the_links_alone_costs_the_group_no_other_part(
    one_round: Round, exchange: Exchange, account: ExchangeAccount
) -> None:
    exchange.on("GET", LINKS, lambda: (400, {"detail": "not now"}))
    one_round(timedelta(0))
    assert "survey links" in group().error
    assert (group().completes, group().expected_loi_minutes) == (100, 9)
    account.refresh_from_db()
    assert (account.links_offered, account.links_asked_at) == (None, NOW)
    links(exchange, 1500, 850)
    one_round(2 * HOUR)
    assert (group().error, group().links_left) == ("", 850)


def asked(number: int) -> GroupRequest:
    return GroupRequest(ulid(1), ulid(number), "live", links=True)


def test_of_two_workers_one_asks_for_the_account(db: None) -> None:
    account = factories.account()
    first, second = (LinksReading.of_account(account, now=NOW) for _ in range(2))
    allowed = first.limit_requests([asked(1), asked(2)], now=NOW)
    assert [request.links for request in allowed] == [True, False]
    assert not any(r.links for r in second.limit_requests([asked(3)], now=NOW))
    first.learn_from([GroupAnswer(allowed[0], NOW, links_offered=True)], now=NOW)
    assert all(r.links for r in first.limit_requests([asked(4), asked(5)], now=NOW))


def test_a_round_without_a_group_to_ask_leaves_the_question_to_another(db: None) -> None:
    account = factories.account()
    reading = LinksReading.of_account(account, now=NOW)
    plain: list[Any] = [GroupRequest(ulid(1), ulid(1), "live", overview=True)]
    assert reading.limit_requests(plain, now=NOW) == plain
    account.refresh_from_db()
    assert account.links_asked_at is None


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("offered", "ago", "access"),
    [
        (True, None, LinksAccess.ALL),
        (True, DAY, LinksAccess.ALL),
        (None, None, LinksAccess.ONE),
        (None, HOUR - SECOND, LinksAccess.NONE),
        (None, HOUR, LinksAccess.ONE),
        (False, None, LinksAccess.ONE),
        (False, DAY - SECOND, LinksAccess.NONE),
        (False, DAY, LinksAccess.ONE),
    ],
)
def test_an_account_is_asked_again_after_an_hour_without_an_answer_and_a_day_after_a_refusal(
    db: None, offered: bool | None, ago: timedelta | None, access: LinksAccess
) -> None:
    asked_at = None if ago is None else NOW - ago
    account = factories.account(links_offered=offered, links_asked_at=asked_at)
    other = factories.account(links_offered=offered, links_asked_at=asked_at)
    reading = LinksReading.of_account(account, now=NOW)
    assert (reading.access, reading.may_ask) == (access, access is not LinksAccess.NONE)
    if offered:
        return
    reading.access = LinksAccess.ONE  # as a worker has it that read the account a moment ago
    allowed = reading.limit_requests([asked(1), asked(2)], now=NOW)
    claims = access is LinksAccess.ONE
    assert [request.links for request in allowed] == [claims, False]
    account.refresh_from_db()
    assert account.links_asked_at == (NOW if claims else asked_at)
    assert reading.access is LinksAccess.NONE
    other.refresh_from_db()
    assert other.links_asked_at == asked_at


@pytest.mark.parametrize(
    ("answers", "before", "after", "access"),
    [
        ([True, None], None, True, LinksAccess.ALL),
        ([True, False], True, False, LinksAccess.NONE),
        ([False, None], None, False, LinksAccess.NONE),
        ([None, None], True, True, LinksAccess.ALL),
        ([], None, None, LinksAccess.ONE),
        ([True], True, True, LinksAccess.ALL),
    ],
)
def test_one_refusal_says_that_the_account_has_no_links(
    db: None,
    answers: list[bool | None],
    before: bool | None,
    after: bool | None,
    access: LinksAccess,
) -> None:
    account = factories.account(links_offered=before)
    other = factories.account(links_offered=before)
    reading = LinksReading.of_account(account, now=NOW)
    said = [GroupAnswer(asked(n), NOW, links_offered=each) for n, each in enumerate(answers)]
    unasked = GroupRequest(ulid(1), ulid(9), "live")
    said.append(GroupAnswer(unasked, NOW, links_offered=False))
    reading.learn_from(said, now=NOW)
    account.refresh_from_db()
    other.refresh_from_db()
    learnt = before is not after
    assert (account.links_offered, reading.access) == (after, access)
    assert account.links_asked_at == (NOW if learnt else None)
    assert (other.links_offered, other.links_asked_at) == (before, None)


@pytest.mark.parametrize(
    ("failures", "offered"),
    [([], False), ([Failure("survey links", "down", "Unavailable")], None)],
)
def test_an_address_that_nobody_knows_says_that_the_account_has_none_unless_it_failed(
    db: None, failures: list[Failure], offered: bool | None
) -> None:
    reading = LinksReading.of_account(factories.account(), now=NOW)
    (allowed,) = reading.limit_requests([asked(1)], now=NOW)
    reading.learn_from([GroupAnswer(allowed, NOW, failures=failures)], now=NOW)
    assert ExchangeAccount.objects.get().links_offered is offered
