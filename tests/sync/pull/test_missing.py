"""What a list no longer shows is looked for before it is called gone: groups and projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.exchange.pagination import PageIterator
from dashboard.fielding.models import Batch, BatchGroup, ExchangeAccount, Project, TargetGroup
from dashboard.sync.batches import handover
from dashboard.sync.connections import clients
from dashboard.sync.pull import missing
from tests import factories
from tests.factories import ulid
from tests.fakes.canned_exchange import PM, Exchange, group_row, project_row

Pull = Callable[[], dict[str, Any]]
Pages = Sequence[Sequence[int]]
LIST = f"projects/{ulid(1)}/target-groups\\?"
BY_ID = r"/demand/target-groups/{}/overview"


@pytest.fixture
def known(pull: Pull, exchange: Exchange) -> Exchange:
    """Groups 11 to 13 were read; the requests from here on are on record."""
    pull()
    exchange.log.clear()
    return exchange


def show(exchange: Exchange, pattern: str, member: str, rows: Any, *walks: Pages) -> None:
    """Answer walks over a list with these pages, the last of them again and again."""
    left = list(walks)

    def reply() -> tuple[int, Any]:
        query = parse_qs(urlsplit(exchange.log[-1][1]).query)
        number = int(query.get("start_after", ["0"])[0])
        pages = left[0]
        last = number == len(pages) - 1
        if last and len(left) > 1:
            left.pop(0)
        more = {} if last else {"next_cursor": str(number + 1)}
        page = [rows(each) for each in pages[number]]
        return 200, {member: page, "url": "", "has_more": not last} | more

    exchange.on("GET", pattern, reply)


def show_groups(exchange: Exchange, *walks: Pages) -> None:
    show(exchange, LIST, "target_groups", group_row, *walks)


def by_id(exchange: Exchange, number: int, code: int = 200, **fields: Any) -> None:
    """How a group answers to its id alone."""
    row = group_row(number)
    overview = {
        "account_id": 101,
        "project_id": ulid(1),
        "status": row["status"],
        "progress": row["statistics"]["progress"]["value"],
    }
    answer = overview | fields if code == 200 else {"object": "an_error"}
    exchange.on("GET", BY_ID.format(ulid(number)), lambda: (code, answer))


def gone() -> list[int]:
    listed = TargetGroup.objects.exclude(missing_since=None).values_list("exchange_id", flat=True)
    return sorted(int(each[2:]) for each in listed)


@pytest.mark.parametrize(
    "walk",
    [
        [[11], [12]],  # 13 moved to the first page, which was read already
        [[12, 13], []],  # 11 was read late: it moved behind
        [[11, 12], [21]],  # a new one pushed it onto a page that was left out
        [[12], [12, 13]],  # one comes twice, another never
        [[12], [11]],
    ],
)
def test_one_look_at_a_list_that_shifts_calls_nothing_gone(
    known: Exchange, pull: Pull, walk: Pages
) -> None:
    known.groups[ulid(1)].append(group_row(21))
    show_groups(known, walk, [[13, 11], [12]])
    assert pull()["complete"] is True
    assert gone() == []
    assert known.asked("/demand/target-groups/") == 0


def test_a_group_that_no_look_shows_and_that_answers_is_there(known: Exchange, pull: Pull) -> None:
    show_groups(known, [[11, 12]])
    by_id(known, 13)
    assert pull()["complete"] is True
    assert gone() == []
    assert known.asked(LIST) == 2
    assert known.asked("/demand/target-groups/") == 1


@pytest.mark.parametrize("status", [404, 410, 403, 405, 400])
def test_a_group_that_no_look_shows_and_that_does_not_answer_is_gone(
    known: Exchange, pull: Pull, status: int
) -> None:
    show_groups(known, [[11, 12]])
    by_id(known, 13, status)
    assert pull()["complete"] is True
    assert gone() == [13]


@pytest.mark.parametrize("other", [{"account_id": 102}, {"status": "archived"}])
def test_a_group_of_another_account_or_that_lists_hide_is_gone(
    known: Exchange, pull: Pull, other: dict[str, Any]
) -> None:
    show_groups(known, [[11, 12]])
    by_id(known, 13, **other)
    pull()
    assert gone() == [13]


@pytest.mark.parametrize("status", [500, 503])
def test_of_a_group_that_nobody_can_ask_nothing_is_said_until_it_answers(
    known: Exchange, pull: Pull, status: int, settings: Any
) -> None:
    settings.EXCHANGE_TIMEOUT_SECONDS = 1
    clients._clients.clear()
    show_groups(known, [[11, 12]])
    by_id(known, 13, status)
    pull()
    assert gone() == []
    by_id(known, 13, 404)
    pull()
    assert gone() == [13]


def test_a_group_that_answers_in_another_project_has_moved(known: Exchange, pull: Pull) -> None:
    account = ExchangeAccount.objects.get()
    other = factories.project(account, exchange_id=ulid(2), due_at=None)
    known.projects.append(project_row(2))
    show_groups(known, [[11, 12]])
    by_id(known, 13, project_id=ulid(2))
    client = clients.client_for(account)
    with_list = client.get_list_target_groups
    absent = missing.find_gone_groups(
        client=client,
        project=ulid(1),
        absent={ulid(13): "live"},
        second_list=PageIterator(lambda cursor: with_list(project_id=ulid(1), start_after=cursor)),
    )
    assert absent == missing.Absent(set(), [missing.Elsewhere(ulid(13), ulid(2))])
    pull()
    assert gone() == []
    other.refresh_from_db()
    assert other.missing_since is None


def test_a_draft_is_asked_for_as_a_draft(known: Exchange, pull: Pull) -> None:
    TargetGroup.objects.filter(exchange_id=ulid(13)).update(status="draft")
    show_groups(known, [[11, 12]])
    known.on("GET", f"target-groups/{ulid(13)}$", lambda: (200, {"name": "Group 13"}))
    pull()
    assert gone() == []
    known.on("GET", f"target-groups/{ulid(13)}$", lambda: (301, {}))
    pull()
    assert gone() == []
    known.on("GET", f"target-groups/{ulid(13)}$", lambda: (404, {}))
    pull()
    assert gone() == [13]


@pytest.mark.parametrize(
    "second",
    [
        (403, {"detail": "no"}),
        (200, {"target_groups": [], "url": "", "has_more": True, "next_cursor": "same"}),
        (200, {"target_groups": [group_row(11) | {"id": None}], "url": "", "has_more": False}),
        (200, "{"),
    ],
)
def test_a_second_look_that_fails_calls_nothing_gone(
    known: Exchange, pull: Pull, second: tuple[int, Any]
) -> None:
    first = (200, {"target_groups": [group_row(11)], "url": "", "has_more": False})
    answers = [first, second]
    known.on("GET", LIST, lambda: answers.pop(0) if len(answers) > 1 else second)
    pull()
    assert gone() == []


def test_what_is_not_missing_costs_nothing(known: Exchange, pull: Pull) -> None:
    pull()
    assert known.asked(LIST) == known.asked(r"/projects\?") == 1
    assert known.asked("/demand/target-groups/") == 0


def test_of_many_that_are_gone_the_first_are_asked_for(pull: Pull, exchange: Exchange) -> None:
    many = range(100, 100 + missing.MAX_CONFIRMED + 10)
    exchange.groups[ulid(1)] += [group_row(number, status="archived") for number in many]
    pull()
    del exchange.groups[ulid(1)][3:]
    exchange.log.clear()
    pull()
    assert gone() == list(many)
    assert exchange.asked(LIST) == 2
    assert exchange.asked("/demand/target-groups/") == missing.MAX_CONFIRMED
    exchange.log.clear()
    pull()
    assert exchange.asked("/demand/target-groups/") == 0


def missing_projects() -> list[str]:
    return list(Project.objects.exclude(missing_since=None).values_list("exchange_id", flat=True))


PROJECTS = r"/demand/accounts/101/projects\?"


def show_projects(exchange: Exchange, *walks: Pages) -> None:
    show(exchange, PROJECTS, "projects", project_row, *walks)


@pytest.mark.parametrize("walk", [[[1]], [[1], []], [[1], [3]]])
def test_one_look_at_the_projects_calls_none_gone(
    pull: Pull, exchange: Exchange, walk: Pages
) -> None:
    exchange.projects.append(project_row(2))
    pull()
    exchange.log.clear()
    show_projects(exchange, walk, [[2], [1]])
    pull()
    assert missing_projects() == []
    assert exchange.asked(f"{ulid(2)}/overview") == 0


@pytest.mark.parametrize(
    ("status", "overview", "is_gone"),
    [
        (200, {"id": ulid(2), "status": "active"}, False),
        (200, {"id": ulid(2)}, False),
        (200, {"id": ulid(2), "status": "inactive"}, True),
        (404, {}, True),
        (410, {}, True),
        (403, {}, True),
    ],
)
def test_a_project_that_no_look_shows_is_asked_for(
    pull: Pull, exchange: Exchange, status: int, overview: dict[str, Any], is_gone: bool
) -> None:
    exchange.projects.append(project_row(2))
    pull()
    exchange.log.clear()
    show_projects(exchange, [[1]])
    exchange.on("GET", f"{ulid(2)}/overview", lambda: (status, overview))
    pull()
    assert missing_projects() == ([ulid(2)] if is_gone else [])
    assert exchange.asked(PROJECTS) == 2


def test_a_second_look_at_the_projects_that_fails_calls_none_gone(
    pull: Pull, exchange: Exchange
) -> None:
    exchange.projects.append(project_row(2))
    pull()
    first = (200, {"projects": [project_row(1)], "url": "", "has_more": False})
    answers = [first]
    exchange.on("GET", PROJECTS, lambda: answers.pop() if answers else (403, {}))
    assert pull()["complete"] is False
    assert missing_projects() == []


def test_a_group_that_a_hand_over_does_not_find_in_the_list_is_asked_who_manages_it(
    known: Exchange,
) -> None:
    group = TargetGroup.objects.get(exchange_id=ulid(13))
    batch = factories.batch(group, action=Batch.Action.MANAGER, wanted={"manager_id": "pm-9"})
    row = BatchGroup.objects.get(job__batch=batch)
    row.seen, row.wanted = "pm-1", "pm-9"
    show_groups(known, [[11, 12]])
    known.on("GET", f"{ulid(13)}/details", lambda: (200, {"name": "x", "project_manager_id": PM}))
    handover.skip_groups_that_moved([row], clients.client_for(group.account))
    assert (row.state, row.reason) == (BatchGroup.State.FAILED, handover.OVERTAKEN)
