"""Each kind of edit: what it reads and writes, how its values are compared, merged and stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound, NotOffered
from dashboard.exchange.limits.gate import LocalGate
from dashboard.fielding.models import Edit, Project, TargetGroup
from dashboard.sync.edits.kinds.base import RemoteValue, exchange_ids
from dashboard.sync.edits.kinds.registry import EDITABLE, changelog_entries, owned_columns
from dashboard.sync.edits.merge import SENT, WHOLE, Merged
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, Reply, money, serving

IDS = {"project_id": ulid(1), "target_group_id": ulid(11)}
GROUP = TargetGroup(details={"links": 1, "name": "Old"})


@dataclass
class Keeping(Exchange):
    """An exchange of one group: answers by the end of the address, and what was written."""

    answers: dict[str, Reply] = field(default_factory=dict)
    written: list[tuple[str, Any]] = field(default_factory=list)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        match = re.search(r"/target-groups/\w+/(.*)$", path.split("?", maxsplit=1)[0])
        name = match[1] if match else ""
        if method != "GET":
            self.written.append((name, body))
            return 200, body
        return self.answers.get(name, (404, {"object": "not_found_error", "detail": "none"}))


@pytest.fixture
def exchange() -> Iterator[Keeping]:
    with serving(Keeping()) as server:
        yield server


@pytest.fixture
def client(exchange: Keeping) -> Iterator[ExchangeClient]:
    client = ExchangeClient(
        account_id="101",
        auth=ApiKey("key"),
        base_url=exchange.url,
        allowed_hosts=["127.0.0.1:*"],
        gate=LocalGate(),
    )
    yield client
    client.close()


RUN = {
    "id": "r1",
    "status": "live",
    "start_fielding_at": "2026-11-13T09:00:00Z",
    "end_fielding_at": "2026-11-27T09:00:00Z",
    "note": "kept",
}
STORED = {
    "start_fielding_at": "2026-11-13T09:00:00.000Z",
    "end_fielding_at": "2026-11-27T09:00:00.000Z",
}


@pytest.mark.parametrize(
    ("headers", "version", "etag"),
    [
        ({"ETag": '"abc"'}, 3, '"abc"'),
        ({}, 3, 'W/"3"'),
        ({"ETag": '"abc"'}, None, '"abc"'),
        ({}, None, "*"),
    ],
)
def test_the_dates_are_those_of_the_first_run_with_its_etag(
    exchange: Keeping, client: ExchangeClient, headers: dict[str, str], version: Any, etag: str
) -> None:
    run = RUN | ({} if version is None else {"version": version})
    runs = {"data": [run, RUN | {"id": "r2"}], "has_more": False}
    exchange.answers = {"fielding-runs": (200, runs), "fielding-runs/r1": (200, run, headers)}
    held = EDITABLE["dates"].read(client, IDS)
    assert held == RemoteValue(STORED, etag, "r1", run)
    wanted = STORED | {"end_fielding_at": "2026-11-28T09:00:00.000Z"}
    EDITABLE["dates"].write(client, IDS, wanted, held)
    body = {name: RUN[name] for name in ("start_fielding_at", "note")}
    assert exchange.written == [
        ("fielding-runs/r1", body | {"end_fielding_at": wanted["end_fielding_at"]})
    ]


def test_a_group_without_a_run_has_no_dates_to_edit_and_an_open_end_is_none(
    exchange: Keeping, client: ExchangeClient
) -> None:
    exchange.answers = {"fielding-runs": (200, {"data": [], "has_more": False})}
    with pytest.raises(NotFound, match="Cint has no fielding run for this group"):
        EDITABLE["dates"].read(client, IDS)
    bare = {"id": "r1", "status": "draft"}
    exchange.answers = {
        "fielding-runs": (200, {"data": [bare], "has_more": False}),
        "fielding-runs/r1": (200, bare),
    }
    assert EDITABLE["dates"].read(client, IDS).value == dict.fromkeys(STORED)


QUOTA = {"name": "Q", "completes_goal": 10, "completes": 4}
PROFILES = {
    "completes_goal": 400,
    "profiles": [
        {
            "id": 1,
            "description": "Gender",
            "targets": [
                {"id": "a", "name": "Women", "text": "no", "quota": QUOTA},
                {"id": "b", "text": "Men", "quota": QUOTA, "conditions": [{"option": "1"}]},
                {"id": "c", "text": "Other", "quota": {"completes_goal": 0}},
                {"id": "d", "quota": {}},
                {"id": "e", "name": "No quota"},
                {"name": "No id", "quota": QUOTA},
            ],
        },
        {"id": 2, "name": "Age", "targets": [{"id": "f"}]},
        {"name": "No id", "targets": [{"id": "g", "quota": QUOTA}]},
        {"id": 3, "name": "Age", "description": "no", "targets": [{"id": "h", "quota": QUOTA}]},
    ],
}


def quota(name: str, words: str, goal: int | None = 10, done: int | None = 4, **more: Any) -> Any:
    given: dict[str, Any] = {"id": name, "name": words, "conditions": []}
    return given | {"completes_goal": goal, "completes": done} | more


def test_goals_are_read_of_the_group_and_of_each_quota_that_has_ids(
    exchange: Keeping, client: ExchangeClient
) -> None:
    exchange.answers = {"profiles": (200, PROFILES)}
    goals = [
        quota("a", "Women"),
        quota("b", "Q", conditions=[{"option": "1"}]),
        quota("c", "Other", 0, None),
        quota("d", "", None, None),
    ]
    assert EDITABLE["goals"].read(client, IDS).value == {
        "completes_goal": 400,
        "profiles": [
            {"id": "1", "name": "Gender", "targets": goals},
            {"id": "3", "name": "Age", "targets": [quota("h", "Q")]},
        ],
    }


def quotas(**goals: int) -> dict[str, Any]:
    """Goals of the targets of one profile."""
    targets = [{"id": name, "completes_goal": goal} for name, goal in goals.items()]
    return {"profiles": [{"id": "p", "targets": targets}]}


def test_goals_are_sent_only_where_they_change(exchange: Keeping, client: ExchangeClient) -> None:
    total: dict[str, Any] = {"completes_goal": 9}
    values = (total, quotas(a=1, b=2), total | quotas(a=1), total | {"profiles": []})
    for value in values:
        EDITABLE["goals"].write(client, IDS, value, RemoteValue(None))

    def sent(**goals: int) -> dict[str, Any]:
        targets = [{"id": n, "quota": {"completes_goal": goal}} for n, goal in goals.items()]
        return {"profiles": [{"profile_id": "p", "targets": targets}]}

    bodies = [body for _, body in exchange.written]
    assert bodies == [total, sent(a=1, b=2), total | sent(a=1), total]


HELD_GOALS = {"completes_goal": 100} | quotas(a=10, b=20)


@pytest.mark.parametrize(
    ("theirs", "ours", "clashes"),
    [
        ({}, {"completes_goal": 120}, ()),
        ({"completes_goal": 110}, {"completes_goal": 120}, (("completes_goal",),)),
        ({"completes_goal": 120}, {"completes_goal": 120}, ()),
        ({"completes_goal": 110}, quotas(a=11), ()),
        (quotas(a=10, b=21), quotas(a=11, b=20), (("profiles", "p", "b"),)),
        (quotas(a=12, b=21), quotas(a=11, b=22), (("profiles", "p", "a"), ("profiles", "p", "b"))),
        (quotas(a=11, b=20), quotas(a=11), ()),
        (quotas(b=20), quotas(a=11), (("profiles", "p", "a"),)),
        ({"profiles": None}, quotas(c=5), ()),
    ],
)
def test_a_goal_clashes_where_someone_else_changed_the_same_one(
    theirs: dict[str, Any], ours: dict[str, Any], clashes: Any
) -> None:
    merged = EDITABLE["goals"].merge(HELD_GOALS, HELD_GOALS | theirs, ours)
    assert merged == Merged(ours, clashes)


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        ({}, True),
        ({"completes_goal": 100}, True),
        ({"completes_goal": 101}, False),
        (quotas(a=10), True),
        (quotas(a=10, b=21), False),
        (quotas(c=1), False),
        ({"completes_goal": 100} | quotas(b=20, a=10), True),
    ],
)
def test_goals_are_held_if_each_wanted_one_is(wanted: dict[str, Any], same: bool) -> None:
    assert EDITABLE["goals"].same(HELD_GOALS, wanted) is same


MODULES = {
    "pricing": {"type": "dynamic", "maximum_cpi": money("4.50"), "total_budget": None},
    "pacing": {"type": "linear", "increment_interval": "PT12H"},
    "quota_overlay": {"prevent_overfill": True},
    "soft_launch": {
        "end_at": "2026-11-21T09:00:00+01:00",
        "filling_goal_percentage": 10,
        "demographics_strictness_percentage": 50,
    },
    "later": {"kept": 1},
}
ASSISTANT: dict[str, Any] = {
    "pricing": {"type": "dynamic", "maximum_cpi": money("4.50")},
    "pacing": {"type": "linear", "increment_interval": "PT12H"},
    "quota_overlay": {"prevent_overfill": True, "balance_fill": False},
    "soft_launch": {
        "end_at": "2026-11-21T08:00:00.000Z",
        "filling_goal_percentage": 10,
        "demographics_strictness_percentage": 50,
    },
}
PLACE = "fielding-assistant-assignment"


def test_the_assistant_is_read_and_sent_with_all_its_modules(
    exchange: Keeping, client: ExchangeClient
) -> None:
    how = EDITABLE["assistant"]
    exchange.answers = {PLACE: (200, MODULES, {"ETag": '"7"'})}
    held = how.read(client, IDS)
    whole = MODULES | {"quota_overlay": ASSISTANT["quota_overlay"]}
    assert held == RemoteValue(ASSISTANT | {WHOLE: whole}, '"7"', raw=MODULES)
    how.write(client, IDS, ASSISTANT | {"pacing": None}, held)
    without = {name: module for name, module in whole.items() if name != "pacing"}
    assert [body for _, body in exchange.written] == [without]
    exchange.answers = {PLACE: (200, {})}
    off = how.read(client, IDS)
    assert off == RemoteValue(dict.fromkeys(ASSISTANT) | {WHOLE: {}}, "", raw={})


@pytest.mark.parametrize(
    ("kind", "value"), [("status", "live"), ("manager", "m"), ("filling_strategy", "completes")]
)
def test_status_and_manager_are_read_and_changed_by_jobs_alone(
    exchange: Keeping, client: ExchangeClient, kind: str, value: str
) -> None:
    progress = dict.fromkeys(("current_completes", "current_prescreens", "filling_goal"), 0)
    overview = {"status": "live", "progress": progress | {"filling_strategy": "completes"}}
    exchange.answers = {
        "overview": (200, overview),
        "details": (200, {"name": "A", "project_manager_id": "m"}),
    }
    held = EDITABLE[kind].read(client, IDS)
    assert held == RemoteValue(value)
    if kind == "filling_strategy":
        EDITABLE[kind].write(client, IDS, "prescreens", held)
        assert exchange.written == [("filling-strategy", {"filling_strategy": "prescreens"})]
    else:
        with pytest.raises(NotOffered, match="This can only be changed by a Cint job"):
            EDITABLE[kind].write(client, IDS, value, held)


DETAILS: dict[str, Any] = {
    "name": "New",
    "project_manager_id": "m",
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.35,
    "industry_lockout_code": "other",
    "live_url": "https://a",
    "test_url": "https://b",
    "target_group_customer_reference_number": "r",
    "client_cost_per_interview_note": money("2"),
}


def test_details_are_sent_whole_and_a_cleared_reference_as_null(
    exchange: Keeping, client: ExchangeClient
) -> None:
    raw = DETAILS | {"id": "x", "more": 1, "expected_incidence_rate": 0.35004}
    exchange.answers = {"details": (200, raw)}
    how, reference = EDITABLE["details"], "target_group_customer_reference_number"
    held = how.read(client, IDS)
    whole = {name: value for name, value in raw.items() if name != "id"}
    assert held.value == DETAILS | {WHOLE: whole}
    how.write(client, IDS, DETAILS | {"name": "A", reference: None}, held)
    how.write(client, IDS, DETAILS | {reference: "s", "client_cost_per_interview_note": None}, held)
    no_note = {n: v for n, v in whole.items() if n != "client_cost_per_interview_note"}
    assert [body for _, body in exchange.written] == [
        whole | {"name": "A", reference: None},
        no_note | {reference: "s"},
    ]
    bare = RemoteValue(DETAILS | {reference: None}, raw={"name": "New"})
    how.write(client, IDS, DETAILS | {reference: None}, bare)
    assert exchange.written[-1] == ("details", {"name": "New"})


NUMBERS = {"expected_loi_minutes": 9, "expected_incidence_rate": 0.35}
TEXTS = {"name": "New", "project_manager_id": "m", "reference_number": "r"}


@pytest.mark.parametrize(
    ("changes", "drifted", "columns"),
    [
        ({}, [], TEXTS | NUMBERS),
        ({WHOLE: {"x": 1}}, [], TEXTS | NUMBERS),
        (
            dict.fromkeys(("project_manager_id", "target_group_customer_reference_number")),
            [],
            TEXTS | NUMBERS | {"project_manager_id": "", "reference_number": ""},
        ),
        (
            {"expected_incidence_rate": "high", "expected_length_of_interview_minutes": None},
            ["expected_incidence_rate"],
            TEXTS | {"expected_loi_minutes": None},
        ),
        (
            {"client_cost_per_interview_note": "much"},
            ["client_cost_per_interview_note"],
            TEXTS | NUMBERS,
        ),
        ({"client_cost_per_interview_note": None}, [], TEXTS | NUMBERS),
    ],
)
def test_details_are_stored_but_for_members_that_could_not_be_read(
    changes: dict[str, Any], drifted: list[str], columns: dict[str, Any]
) -> None:
    stored = EDITABLE["details"].columns(GROUP, DETAILS | changes)
    document = {"links": 1} | DETAILS | {n: v for n, v in changes.items() if n != WHOLE}
    for name in drifted:
        del document[name]
    assert stored == columns | {"details": document}


COLUMNS: list[tuple[str, Any, dict[str, Any]]] = [
    ("cpi", money("2.70", "usd"), {"cpi": Decimal("2.70"), "currency": "USD"}),
    ("cpi", None, {}),
    ("filling_strategy", "completes", {"filling_strategy": "completes"}),
    ("re_entry", {"a": 1, WHOLE: 2}, {"re_entry": {"a": 1}, "re_entry_offered": True}),
    (
        "dates",
        STORED | {"start_fielding_at": None},
        {"starts_at": None, "ends_at": datetime(2026, 11, 27, 9, tzinfo=UTC)},
    ),
    ("goals", HELD_GOALS, {"completes_goal": 100}),
    ("assistant", ASSISTANT, {}),
    ("status", "live", {}),
    ("manager", None, {"project_manager_id": ""}),
    ("manager", "m", {"project_manager_id": "m"}),
]


@pytest.mark.parametrize(("kind", "value", "columns"), COLUMNS)
def test_a_value_has_its_columns(kind: str, value: Any, columns: dict[str, Any]) -> None:
    assert EDITABLE[kind].columns(GROUP, value) == columns


ENTRIES: list[tuple[str, Any, Any, list[tuple[str, Any]]]] = [
    ("cpi", None, "3", [("cpi_change", "3"), ("user_requested_cpi_change", "3")]),
    ("filling_strategy", None, "automated", [("filling_strategy_change", "automated")]),
    ("re_entry", None, {"a": 1}, [("re_entry_configuration_change", None)]),
    ("goals", None, {"completes_goal": 5}, [("filling_goal_change", 5)]),
    ("goals", None, quotas(a=1), [("filling_goal_change", None)]),
    (
        "dates",
        None,
        STORED,
        [
            ("fielding_period_start_date_change", STORED["start_fielding_at"]),
            ("fielding_period_end_date_change", STORED["end_fielding_at"]),
        ],
    ),
    ("details", DETAILS, DETAILS | {"name": "A", SENT: {}}, [("name_change", "A")]),
    (
        "details",
        DETAILS,
        DETAILS | {"project_manager_id": "n"},
        [("project_manager_change", {"las_user_id": "n"})],
    ),
    ("details", None, {"live_url": "u"}, [("live_url_change", "u")]),
    ("details", {"live_url": "u"}, None, []),
    ("status", "live", "paused", [("status_change", "paused")]),
    ("manager", "m", "n", [("project_manager_change", {"las_user_id": "n"})]),
    (
        "launch",
        None,
        {"status": "live"},
        [("status_change", "live"), ("status_change", "scheduled")],
    ),
    ("draft", {}, {}, []),
    ("budget", None, money("3"), []),
]


@pytest.mark.parametrize(("kind", "before", "wanted", "entries"), ENTRIES)
def test_an_edit_causes_its_entries_of_the_changelog(
    kind: str, before: Any, wanted: Any, entries: list[tuple[str, Any]]
) -> None:
    assert changelog_entries(Edit(kind=kind, before=before, wanted=wanted)) == entries


def test_a_launch_owns_the_columns_of_a_run_and_kinds_of_ours_own_none() -> None:
    assert owned_columns("launch") == ("status", "fielding_run_id", "starts_at", "ends_at")
    assert owned_columns("budget") == ()
    assert owned_columns("cpi") == ("cpi",)


@pytest.mark.parametrize(
    ("held", "wanted", "same"),
    [
        (money("2.70"), money("2.7", "usd"), True),
        (money("2.70"), money("2.71"), False),
        (money("2.70"), money("2.70", "EUR"), False),
        (money("2.70"), None, False),
        (None, None, True),
        ("2.70", money("2.70"), False),
        ({"value": "1"}, {"value": "1"}, True),
        ({"value": "1.0"}, {"value": "1"}, False),
    ],
)
def test_prices_are_the_same_by_number_and_currency(held: Any, wanted: Any, same: bool) -> None:
    assert EDITABLE["cpi"].same(held, wanted) is same


@pytest.mark.parametrize(
    ("held", "wanted", "same"),
    [
        ({"a": 1, WHOLE: {"a": 1, "b": 2}}, {"a": 1, SENT: {"a": 1}}, True),
        ({"a": 1, WHOLE: {"a": 1, "b": 2}}, {"a": 1, SENT: {"b": 3}}, False),
        ({"a": 1, WHOLE: {"b": 3}}, {"a": 2, SENT: {"b": 3}}, False),
        ({"a": 1}, {"a": 1, SENT: {"b": 3}}, True),
        ({"a": 1, WHOLE: {"b": 2}}, {"a": 1}, True),
    ],
)
def test_an_object_that_is_sent_whole_is_held_with_all_that_was_sent(
    held: Any, wanted: Any, same: bool
) -> None:
    assert EDITABLE["re_entry"].same(held, wanted) is same


def test_an_edit_is_put_on_top_of_what_is_held_with_the_whole_request() -> None:
    re_entry = EDITABLE["re_entry"]
    held = RemoteValue({"a": 2, "b": 1, WHOLE: {}}, raw={"a": 2, "b": 1, "c": 3, "d": None})
    theirs = {"a": 2, "b": 1}
    ready = re_entry.rebased({"a": 1, "b": 1, WHOLE: 1}, theirs, held, {"a": 1, "b": 5, SENT: 2})
    assert ready == (theirs, {"a": 2, "b": 5, SENT: {"a": 2, "b": 5, "c": 3}}, False)
    clash = re_entry.rebased({"a": 1}, theirs, held, {"a": 9})
    assert clash == (theirs, {"a": 9, "b": 1}, True)
    price = EDITABLE["cpi"].rebased(money("1"), money("1.0"), RemoteValue(None), money("2"))
    assert price == (money("1.0"), money("2"), False)


def test_the_exchange_knows_a_group_by_the_ids_of_both() -> None:
    group = TargetGroup(exchange_id="g", project=Project(exchange_id="p"))
    assert exchange_ids(group) == {"project_id": "p", "target_group_id": "g"}
