"""What is read of one group, part by part, and what becomes of a part that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dashboard.sync.pull.fetch import Failure, GroupAnswer, GroupRequest, fetch_group
from tests.factories import NOW
from tests.fakes.client import client_of

RUN = {"id": "r", "status": "live", "start_fielding_at": "2026-11-13T09:00:00Z", "version": 1}
WHOLE: dict[str, tuple[int, Any]] = {
    "overview": (
        200,
        {
            "status": "live",
            "progress": {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3},
            "pricing_model": "rate_card",
        },
    ),
    "performance": (200, {"entrants": 9, "prescreens": 2, "completes": 1}),
    "completes": (200, {"aggregated_completes_intervals": []}),
    "details": (200, {"name": "Germany"}),
    "fielding-runs": (200, {"data": [RUN]}),
    "re-entry": (200, {}),
    "profiles": (200, {"profiles": []}),
    "rate-card": (200, {}),
    "stats": (200, {"total_count": 5, "unconsumed_count": 2}),
    "changelog": (200, {"changelog": []}),
    "g": (200, {"name": "Germany"}),  # the draft itself
}
LAUNCHED = ["overview", "performance", "completes", "details", "fielding-runs", "re-entry"]
LAUNCHED += ["profiles", "rate-card", "stats", "changelog"]


class Answers:
    """An exchange of one group: each part answers as given, else as a healthy one."""

    def __init__(self, **changed: Any) -> None:
        self.changed: dict[str, Any] = {
            name.replace("_", "-"): given for name, given in changed.items()
        }
        self.parts: list[str] = []
        self.queries: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2]
        part = next(name for name in WHOLE if last.startswith(name))
        self.parts.append(part)
        self.queries.append(request.url.query.decode())
        given = self.changed.get(part, WHOLE[part])
        if isinstance(given, list):
            given = given[self.parts.count(part) - 1]
        return httpx.Response(given[0], json=given[1])

    def read(self, status: str = "live", **fields: Any) -> GroupAnswer:
        """What is read of the group; of every part, unless some are named."""
        request = GroupRequest("p", "g", status, **fields)
        if not fields:
            request = GroupRequest.everything("p", "g", status, moved=True, links=True)
        client = client_of(self, timeout=0.1)
        return fetch_group(client, request, now=lambda: NOW)


@pytest.mark.parametrize(
    ("status", "parts"),
    [("live", LAUNCHED), ("completed", LAUNCHED), ("draft", ["g", "rate-card", "changelog"])],
)
def test_every_part_is_read_that_a_group_of_its_status_has(status: str, parts: list[str]) -> None:
    exchange = Answers()
    answer = exchange.read(status)
    # A draft says nothing of its pricing model here, which makes it dynamic: it has no rate card.
    expected = [part for part in parts if status != "draft" or part != "rate-card"]
    assert exchange.parts == expected
    assert (answer.requests, answer.failures, answer.quarantined) == (len(expected), [], [])
    assert (answer.refused, answer.unknown, answer.at) == (False, False, NOW)
    assert answer.links_offered is (None if status == "draft" else True)


@pytest.mark.parametrize(
    ("part", "paths"),
    [
        ("overview", ["overview"]),
        ("performance", ["performance"]),
        ("completes", ["completes"]),
        ("details", ["details", "fielding-runs", "re-entry"]),
        ("profiles", ["profiles"]),
        ("rate_card", ["rate-card"]),
        ("links", ["stats"]),
        ("changelog", ["changelog"]),
    ],
)
def test_a_part_costs_its_own_requests_and_is_left_out_of_a_draft_that_has_none(
    part: str, paths: list[str]
) -> None:
    exchange, wanted = Answers(), dict[str, Any]({part: True})
    exchange.read(**wanted)
    assert exchange.parts == paths
    assert GroupRequest("p", "g", "live", **wanted).cost == (
        0 if part == "rate_card" else len(paths)  # which few groups have
    )
    everything = GroupRequest.everything("p", "g", "live", moved=False).__dict__
    lacks = GroupRequest(**(everything | {part: False}))
    assert lacks.is_everything is (part == "links")
    draft = Answers()
    draft.read("draft", **wanted)
    kept = {"details": ["g"], "rate_card": ["rate-card"], "changelog": ["changelog"]}
    assert draft.parts == kept.get(part, [])


def test_a_request_asks_for_nothing_by_itself() -> None:
    exchange = Answers()
    exchange.read("live", changelog_since=None)
    request = GroupRequest("p", "g", "live")
    assert (exchange.parts, request.cost, request.is_everything) == ([], 0, False)
    assert (request.moved, request.links, request.pk) == (False, False, None)


def test_a_whole_group_costs_eight_requests_and_its_links_another() -> None:
    assert GroupRequest.everything("p", "g", "live", moved=True).cost == 8
    assert GroupRequest.everything("p", "g", "live", moved=True, links=True).cost == 9


@pytest.mark.parametrize(
    ("status", "refused", "unknown"),
    [(403, True, False), (404, True, True), (405, True, False), (400, True, False),
     (302, True, False), (500, False, False)],
)  # fmt: skip
def test_a_part_that_fails_is_named_and_the_others_are_read(
    status: int, refused: bool, unknown: bool
) -> None:
    exchange = Answers(performance=(status, {"detail": "no"}))
    answer = exchange.read()
    assert exchange.parts == LAUNCHED
    assert [failure.part for failure in answer.failures] == ["performance"]
    assert (answer.refused, answer.unknown) == (refused, unknown)
    assert answer.columns["details"] == {"name": "Germany"} | dict.fromkeys(
        set(answer.columns["details"]) - {"name"}
    )


def test_what_one_part_said_is_not_forgotten_with_the_next() -> None:
    answer = Answers(overview=(404, {}), performance=(500, {})).read()
    assert [failure.part for failure in answer.failures] == ["price and cost", "performance"]
    assert [failure.kind for failure in answer.failures] == ["NotFound", "Unavailable"]
    assert (answer.refused, answer.unknown) == (True, True)


def test_failures_are_told_by_reason() -> None:
    answer = GroupAnswer(GroupRequest("p", "g", "live"), NOW)
    assert answer.error == ""
    answer.failures += [
        Failure("history", "Cint is down.", "Unavailable"),
        Failure("details", "Not yours", "Forbidden"),
        Failure("quotas", "Cint is down", "Unavailable"),
    ]
    assert answer.error == (
        "Not read: history, quotas. Cint is down. Not read: details. Not yours."
    )


@pytest.mark.parametrize(
    ("reply", "offered", "columns", "failures"),
    [
        ((200, {"total_count": 5, "unconsumed_count": 2}), True, (5, 2), 0),
        ((403, {}), False, (None, None), 0),
        ((405, {}), False, (None, None), 0),
        ((404, {}), None, (0, 0), 0),
        ((410, {}), None, (0, 0), 0),
        ((400, {}), None, (None, None), 1),
    ],
)
def test_links_say_whether_the_account_has_them_or_this_group_has_none(
    reply: tuple[int, Any], offered: bool | None, columns: tuple[Any, Any], failures: int
) -> None:
    answer = Answers(stats=reply).read(links=True)
    assert answer.links_offered is offered
    assert (answer.columns.get("links_total"), answer.columns.get("links_left")) == columns
    assert len(answer.failures) == failures


@pytest.mark.parametrize(
    ("runs", "run_id", "quarantined"),
    [([RUN], "r", 0), ([], "", 0), ([{"status": "live"}], None, 1),
     ([{"status": "live"}, RUN], "r", 1)],
)  # fmt: skip
def test_a_period_that_cannot_be_read_is_left_as_it_was_and_one_that_is_gone_is_emptied(
    runs: list[dict[str, Any]], run_id: str | None, quarantined: int
) -> None:
    answer = Answers(fielding_runs=(200, {"data": runs})).read(details=True)
    assert answer.columns.get("fielding_run_id") == run_id
    operations = [operation for operation, _ in answer.quarantined]
    assert operations == ["get_fielding_runs_by_target_group_id"] * quarantined


@pytest.mark.parametrize(
    ("status", "panels"), [(404, {"profiles": []}), (410, {"profiles": []}), (403, {}), (405, {})]
)
def test_quotas_that_are_gone_are_emptied_and_those_that_may_not_be_read_are_left(
    status: int, panels: dict[str, Any]
) -> None:
    answer = Answers(profiles=(status, {})).read(profiles=True)
    assert (answer.panels, answer.failures) == (panels, [])


@pytest.mark.parametrize(
    ("model", "parts"), [("dynamic", ["overview"]), ("rate_card", ["overview", "rate-card"])]
)
def test_a_rate_card_is_read_where_the_overview_says_that_it_prices_the_group(
    model: str, parts: list[str]
) -> None:
    exchange = Answers(overview=(200, WHOLE["overview"][1] | {"pricing_model": model}))
    exchange.read(overview=True, rate_card=True)
    assert exchange.parts == parts


def test_completes_are_asked_by_the_hour_and_a_bad_point_is_set_aside() -> None:
    points = [{"timestamp": "2026-11-20T10:00:00Z", "count": 4}, {"count": 5}]
    exchange = Answers(completes=(200, {"aggregated_completes_intervals": points}))
    answer = exchange.read(completes=True)
    assert exchange.queries == ["aggregation_interval=PT1H"]
    assert [point.count for point in answer.completes or []] == [4]
    assert [(name, bad.raw_text) for name, bad in answer.quarantined] == [
        ("get_target_group_completes_aggregated_by_interval", '{"count":5}')
    ]


def test_the_last_complete_of_the_performance_stands_in_for_that_of_the_row() -> None:
    last = "2026-11-20T10:00:00Z"
    counts = WHOLE["performance"][1]
    answer = Answers(performance=(200, counts | {"last_complete": last})).read(performance=True)
    assert answer.fallbacks == {"last_complete_at": datetime(2026, 11, 20, 10, tzinfo=UTC)}
    assert Answers().read(performance=True).fallbacks == {}


def test_text_that_could_not_be_read_is_noted_with_its_group() -> None:
    name = (200, {"name": "half \ud83d"})

    def spoiled(request: httpx.Request) -> httpx.Response:
        content = b'{"name": "half \\ud83d"}'
        return httpx.Response(name[0], content=content)

    client = client_of(spoiled)
    client.get_target_group_details(project_id="p", target_group_id="earlier")
    request = GroupRequest("p", "g", "draft", details=True)
    answer = fetch_group(client, request, now=lambda: NOW)
    assert [(operation, note.id) for operation, note in answer.noted] == [("get_target_group", "g")]
    assert client.take_notes() == []


def page(*hours: int, more: bool) -> tuple[int, Any]:
    """A page of changes that many hours ago, in this order."""
    batches = [{"occurred_at": (NOW - timedelta(hours=each)).isoformat()} for each in hours]
    cursor = {"next_cursor": f"after {hours[-1]}"} if more else {}
    return 200, {"changelog": batches} | cursor


@pytest.mark.parametrize(
    ("pages", "since", "asked"),
    [
        ([page(1, 2, more=True), page(3, 4, more=True), page(5, more=False)], None, 3),
        ([page(1, 2, more=True), page(3, 4, more=True), page(5, more=False)], 3, 2),
        ([page(1, 2, more=True), page(3, 4, more=True), page(5, more=False)], 4, 3),
        ([page(1, 2, more=True), page(3, 4, more=True), page(5, more=False)], 1, 1),
        ([page(5, 4, more=True), page(3, 2, more=True), page(1, more=False)], 3, 3),
        ([page(1, more=False)], 9, 1),
    ],
    ids=["all", "back to the newest", "not before it", "the first page", "oldest first", "one"],
)
def test_changes_are_read_back_to_the_newest_that_is_stored(
    pages: list[tuple[int, Any]], since: int | None, asked: int
) -> None:
    exchange = Answers(changelog=pages)
    moment = None if since is None else NOW - timedelta(hours=since)
    answer = exchange.read(changelog=True, changelog_since=moment)
    assert len(exchange.parts) == asked
    assert len(answer.changes) == sum(len(body["changelog"]) for _, body in pages[:asked])
    assert answer.failures == []


def test_changes_whose_pages_repeat_are_not_all_read() -> None:
    exchange = Answers(changelog=[page(1, more=True)] * 3)
    answer = exchange.read(changelog=True)
    assert answer.failures == [Failure("history", "Cint's list repeats a page", "Unfinished")]


def test_a_change_that_cannot_be_read_is_set_aside() -> None:
    read: Callable[..., GroupAnswer] = Answers(changelog=(200, {"changelog": [{"id": "c"}]})).read
    answer = read(changelog=True)
    assert [(name, bad.id) for name, bad in answer.quarantined] == [
        ("get_target_group_changelog", "c")
    ]


def test_an_amount_that_no_column_holds_is_set_aside_with_its_group() -> None:
    price = {"value": "2.12345678901", "currency_code": "USD"}
    overview = WHOLE["overview"][1] | {"current_cost_per_interview": price}
    answer = Answers(overview=(200, overview)).read(overview=True, performance=True)
    assert [(name, bad.id) for name, bad in answer.quarantined] == [("group", "g")]
    assert (answer.columns["entrants"], answer.failures) == (9, [])
