"""Which groups of a selection allow an action: what is asked, how often, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.sync.batches import transitions
from tests import factories
from tests.factories import NOW
from tests.fakes.canned_exchange import Exchange, Reply, serving

pytestmark = pytest.mark.django_db
FLAGS = {
    "launch": "launch",
    "drafts": "launch",
    "pause": "pause",
    "resume": "resume",
    "relaunch": "relaunch",
    "complete": "finish",
}
REFUSED = "Cint does not allow this now"


@dataclass
class Deciding(Exchange):
    """An exchange that decides on groups by their ids, and keeps what it was asked."""

    elsewhere: set[str] = field(default_factory=set)  # in another status
    refuses: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)  # the project of a group by its id
    lists: bool = True
    flag: str = "is_pause_allowed"
    asked_about: list[tuple[str, list[str], list[str]]] = field(default_factory=list)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        if match := re.search(r"/projects/(\w+)/compute-target-group-transitions", path):
            names = body["included_target_group_ids"]
            self.asked_about.append((match[1], names, body["filters"]["status"]))
            listed = [name for name in names if name not in self.elsewhere]
            listed = [name for name in listed if self.moved.get(name, match[1]) == match[1]]
            flags = dict.fromkeys(FLAGS.values(), True)
            answer: dict[str, Any] = {f"is_{name}_allowed": value for name, value in flags.items()}
            answer[self.flag] = not self.refuses.intersection(listed)
            return 200, answer | ({"target_groups": listed} if self.lists else {})
        if match := re.search(r"/demand/target-groups/(\w+)/overview", path):
            self.log.append((method, path))
            progress = {"current_completes": 0, "current_prescreens": 0, "filling_goal": 9}
            place = {"account_id": 101, "project_id": self.moved.get(match[1], "P")}
            return 200, place | {"status": "live", "progress": progress}
        return super().reply(method, path, body)

    @property
    def sizes(self) -> list[int]:
        """How many groups each request was about."""
        return [len(names) for _, names, _ in self.asked_about]


@pytest.fixture
def exchange(settings: Any) -> Iterator[Deciding]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(Deciding()) as server:
        yield server


@pytest.fixture
def account(exchange: Deciding) -> ExchangeAccount:
    return factories.account(base_url=exchange.url, requests_per_minute=0)


def groups_of(account: ExchangeAccount, number: int, **fields: Any) -> list[TargetGroup]:
    project = factories.project(account)
    return [factories.group(project, **fields) for _ in range(number)]


def refusals(action: str, groups: list[TargetGroup]) -> dict[int, str]:
    return transitions.refusals_by_group(action=action, groups=groups, now=NOW)


@pytest.mark.parametrize(
    ("action", "statuses"),
    [
        ("launch", ["scheduled"]),
        ("drafts", ["draft"]),
        ("pause", ["live"]),
        ("resume", ["paused"]),
        ("relaunch", ["completed"]),
        ("complete", ["live", "scheduled"]),
    ],
)
def test_each_action_has_its_flag_and_the_statuses_that_it_starts_from(
    account: ExchangeAccount, exchange: Deciding, action: str, statuses: list[str]
) -> None:
    (group,) = groups_of(account, 1, status=statuses[0])
    exchange.flag, exchange.refuses = f"is_{FLAGS[action]}_allowed", {group.exchange_id}
    assert refusals(action, [group]) == {group.pk: REFUSED}
    assert exchange.asked_about == [(group.project.exchange_id, [group.exchange_id], statuses)]
    exchange.refuses = set()
    assert refusals(action, [group]) == {}


def test_groups_in_another_status_are_asked_about_only_where_the_status_does_not_decide(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    draft, paused = groups_of(account, 2, status="paused")
    draft.status = "draft"
    assert refusals("launch", [draft, paused]) == {
        draft.pk: "is a draft: use “Launch drafts”",
        paused.pk: "is paused",
    }
    assert refusals("drafts", [paused]) == {paused.pk: "is paused"}
    assert exchange.asked_about == []
    exchange.elsewhere = {paused.exchange_id}
    assert refusals("pause", [draft, paused]) == {paused.pk: "is paused"}
    assert exchange.sizes == [2]


def test_each_project_is_asked_once_about_the_groups_that_nothing_is_known_against_first(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    first, second = groups_of(account, 3), groups_of(account, 1)
    first[0].missing_since = NOW
    exchange.refuses = {first[0].exchange_id}
    why = refusals("pause", [first[0], second[0], first[1], first[2]])
    assert why == {first[0].pk: "no longer listed by Cint"}
    in_order = [first[1], first[2], first[0]]
    assert [(project, names) for project, names, _ in exchange.asked_about] == [
        (first[0].project.exchange_id, [group.exchange_id for group in in_order]),
        (first[0].project.exchange_id, [group.exchange_id for group in in_order[:2]]),
        (first[0].project.exchange_id, [first[0].exchange_id]),
        (second[0].project.exchange_id, [second[0].exchange_id]),
    ]


def test_a_group_that_is_refused_is_found_by_halves(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    groups = groups_of(account, 7)
    exchange.refuses = {groups[5].exchange_id}
    exchange.elsewhere = {groups[0].exchange_id}
    exchange.moved = {groups[0].exchange_id: groups[0].project.exchange_id}
    assert refusals("pause", groups) == {
        groups[0].pk: "is not live on Cint now",
        groups[5].pk: REFUSED,
    }
    assert exchange.sizes == [7, 3, 3, 1, 2, 1, 1]


def test_the_words_name_each_status_from_which_the_action_is_possible(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    (group,) = groups_of(account, 1)
    exchange.elsewhere = {group.exchange_id}
    words = "is not live or scheduled on Cint now"
    assert refusals("complete", [group]) == {group.pk: words}


def test_a_project_is_asked_twenty_five_times_at_most_and_the_rest_is_refused(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    groups = groups_of(account, 32)
    exchange.refuses = {group.exchange_id for group in groups}
    assert refusals("pause", groups) == {group.pk: REFUSED for group in groups}
    assert len(exchange.asked_about) == 25


def test_five_groups_at_most_are_searched_for_in_other_projects(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    groups = groups_of(account, 8)
    new = factories.project(account)
    groups[1].missing_since = NOW
    exchange.moved = {group.exchange_id: new.exchange_id for group in groups[1:]}
    why = refusals("pause", groups)
    assert exchange.asked("/demand/target-groups/") == 5
    assert why == {
        groups[1].pk: "no longer listed by Cint",
        groups[7].pk: "is not live on Cint now",
    }
    assert [(project, len(names)) for project, names, _ in exchange.asked_about] == [
        (groups[0].project.exchange_id, 8),
        *((new.exchange_id, 1) for _ in range(5)),
    ]


def test_a_group_that_is_found_where_it_was_is_not_asked_about_again(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    (group,) = groups_of(account, 1)
    exchange.elsewhere = {group.exchange_id}
    exchange.moved = {group.exchange_id: group.project.exchange_id}
    assert refusals("pause", [group]) == {group.pk: "is not live on Cint now"}
    assert exchange.sizes == [1]


def test_an_answer_that_lists_no_groups_is_about_all_of_them(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    groups = groups_of(account, 2)
    exchange.lists = False
    exchange.moved = {group.exchange_id: group.project.exchange_id for group in groups}
    assert refusals("pause", groups) == {}
    exchange.refuses = {groups[0].exchange_id}
    assert refusals("pause", groups) == {group.pk: "is not live on Cint now" for group in groups}


def test_where_the_exchange_does_not_answer_our_own_tables_decide(
    account: ExchangeAccount, exchange: Deciding
) -> None:
    live, over = groups_of(account, 2, status="paused")
    over.ends_at = NOW - timedelta(days=1)
    exchange.reply = lambda *_: (503, "")  # type: ignore[method-assign]
    assert refusals("resume", [live, over]) == {
        over.pk: "its end date has passed: change the end date first"
    }
