"""`manage.py exchange check`: what a connection is offered, in words, without writing anything."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Cycle, ExchangeAccount, TargetGroup
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import check as checks
from dashboard.sync.connections import clients, examine
from tests import factories
from tests.fakes.canned_exchange import Exchange
from tests.fakes.client import client_of

pytestmark = pytest.mark.django_db
Check = Callable[[], tuple[int, dict[str, str]]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(projects=1, groups=36, history_days=1, speed=0) as running:
        yield running


@pytest.fixture
def check(
    simulator: Simulator, settings: Any, capsys: pytest.CaptureFixture[str]
) -> Iterator[Check]:
    """Run the command; its exit code and its lines by what they check."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    settings.EXCHANGE_TIMEOUT_SECONDS = 1.0
    secret = secrets.token_hex()  # another one each time: a connection of its own
    account = factories.account(
        base_url=f"{simulator.base_url}/v1", secret=secret, requests_per_minute=0, exchange_id="101"
    )

    def run() -> tuple[int, dict[str, str]]:
        code = 0
        try:
            call_command("exchange", "check", account.name)
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        assert secret not in printed.out + printed.err
        lines = [line.split(maxsplit=2) for line in printed.out.splitlines()]
        return code, {name: verdict for verdict, name, *_ in lines}

    yield run
    simulator.clear_faults()
    simulator.control("POST", "switches", {"re_entry": 200})


def test_an_exchange_that_offers_everything_passes(check: Check) -> None:
    code, lines = check()
    assert code == 0
    assert {name for name, verdict in lines.items() if verdict != "offered"} == set()
    assert {"get_re_entry_configuration", "get_rate_card", "clock", "latency"} <= set(lines)


def test_re_entry_that_is_not_offered_is_said_and_does_not_spoil_the_rest(
    check: Check, simulator: Simulator
) -> None:
    simulator.control("POST", "switches", {"re_entry": 405})
    code, lines = check()
    assert (code, lines["get_re_entry_configuration"]) == (0, "refused")


def test_a_refused_read_that_everything_needs_is_exit_1(check: Check, simulator: Simulator) -> None:
    simulator.fault("http_403", operation="get_target_group_performance")
    code, lines = check()
    assert (code, lines["get_target_group_performance"]) == (1, "refused")
    assert lines["get_target_group_details"] == "offered"


def test_an_exchange_that_is_down_is_exit_1(check: Check, simulator: Simulator) -> None:
    simulator.fault("http_503")
    code, lines = check()
    assert (code, lines["list_account_projects"]) == (1, "failed")


def test_a_clock_that_is_ten_minutes_off_is_exit_1(check: Check, simulator: Simulator) -> None:
    simulator.fault("skew", value=600)
    code, lines = check()
    assert (code, lines["clock"]) == (1, "failed")


def test_only_reads_are_sent_and_nothing_is_stored(check: Check, simulator: Simulator) -> None:
    before = len(simulator.edits())
    check()
    changed = [edit for edit in simulator.edits()[before:] if edit["method"] != "POST"]
    posted = {edit["operation"] for edit in simulator.edits()[before:]}
    assert (changed, posted) == ([], {"compute_target_group_transitions"})
    assert not Cycle.objects.exists()
    assert not TargetGroup.objects.exists()
    assert ExchangeAccount.objects.get().read_at == factories.NOW


def test_a_name_that_is_not_known_is_answered_with_those_that_are(check: Check) -> None:
    with pytest.raises(CommandError, match="exchange-"):
        call_command("exchange", "check", "nobody")


@pytest.mark.parametrize(
    ("models", "requested"),
    [
        ([["dynamic"], ["dynamic", "rate_card"]], ["2"]),
        ([["rate_card"], ["dynamic"]], ["1"]),
        ([["dynamic"], ["dynamic"]], []),
        ([[], None], []),
        ([], []),
    ],
)
def test_a_rate_card_is_asked_for_only_of_a_unit_that_is_priced_by_one(
    account: ExchangeAccount, exchange: Exchange, models: list[Any], requested: list[str]
) -> None:
    units = [{"id": place, "pricing_models": each} for place, each in enumerate(models, 1)]
    exchange.on("GET", r"/business-units$", lambda: (200, {"business_units": units}))
    lines = {
        line.name: line
        for line in checks.ConnectionCheck(clients.client_for(account), "101").lines()
    }
    paths = [
        path for _, path in exchange.log if "/rate-card" in path and "/business-units/" in path
    ]
    assert [path.split("/business-units/")[1].split("/")[0] for path in paths] == requested
    assert (lines["get_rate_card"].verdict == "skipped") is (not requested)
    assert ("is priced by a rate card" in lines["get_rate_card"].words) is (
        bool(models) and not requested
    )


class Answers:
    """An exchange whose answers are given by the end of their path; 404 for all others."""

    def __init__(self, *, date: str = "Thu, 09 Oct 2025 08:53:20 GMT", **bodies: Any) -> None:
        self.bodies = {name.replace("_", "-"): body for name, body in bodies.items()}
        self.date = date

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = self.bodies.get(request.url.path.rpartition("/")[2])
        headers = {"Date": self.date} if self.date else {}
        return httpx.Response(404 if body is None else 200, json=body or {}, headers=headers)

    def client(self) -> ExchangeClient:
        return client_of(self)

    def lines(self) -> list[tuple[str, str, str]]:
        """Each check without its time."""
        checked = checks.ConnectionCheck(self.client(), "101").lines()
        return [
            (line.name, line.verdict, re.sub(r"(, )?[0-9]+ ms", "", line.words)) for line in checked
        ]


def launched(name: str, status: str = "live") -> dict[str, Any]:
    progress = {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3}
    statistics = {"progress": {"value": progress, "issues": []}}
    return {"id": name, "name": name, "status": status, "statistics": statistics}


OVERVIEW = {
    "status": "live",
    "progress": {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3},
    "pricing_model": "rate_card",
    "country_code": "us",
}


def test_what_each_check_came_to_is_said_in_words() -> None:
    table = {"pricing_table_data": [[20, 10.5], [30]], "pricing_table_currency_code": "USD"}
    exchange = Answers(
        accounts={"accounts": [{"id": 101}]},
        users={"users": [{"id": "a"}, {"id": "b"}, {"name": "no id"}]},
        business_units={"business_units": [{"id": 7, "pricing_models": ["rate_card"]}]},
        locales={"locales": [{}]},
        webhooks={"webhooks": []},
        projects={"projects": [{"id": "p", "name": "P"}], "has_more": True, "next_cursor": "c"},
        target_groups={"target_groups": [launched("d", "draft"), launched("g"), launched("h")]},
        overview=OVERVIEW | {"id": "p", "account_id": 101, "project_id": "p"},
        performance={"entrants": 1, "prescreens": 1, "completes": 1},
        fielding_runs={"data": [{"id": "r", "status": "live"}]},
        rate_card={"bound_rate_card": table, "rate_card_data": {}},
        d={"name": "A draft"},
    )
    missing = "Cint cannot find this (404)"
    lines = exchange.lines()
    assert lines[:-1] == [
        ("get_user_accounts", "offered", "1 account, 101 included"),
        ("get_account_users", "offered", "2 users, 1 unreadable"),
        ("get_account_service_clients", "refused", missing),
        ("get_business_units", "offered", "1 business unit"),
        ("get_locales", "offered", "1 country"),
        ("get_webhooks", "offered", "0 webhooks"),
        ("list_account_projects", "offered", "1 project on the first page"),
        ("project_overview", "offered", "live"),
        ("get_list_target_groups", "offered", "3 groups"),
        ("get_target_group_overview", "offered", "rate_card pricing"),
        ("get_target_group_overview_by_target_group_id", "offered", ""),
        ("get_target_group_performance", "offered", ""),
        ("get_target_group_completes_aggregated_by_interval", "refused", missing),
        ("get_target_group_changelog", "refused", missing),
        ("get_target_group_details", "refused", missing),
        ("get_fielding_runs_by_target_group_id", "offered", "1 run"),
        (
            "get_re_entry_configuration",
            "refused",
            "This exchange does not allow re-entry to be edited once launched (404)",
        ),
        ("get_fielding_assistant_assignment", "refused", missing),
        ("list_profiles", "refused", missing),
        ("compute_target_group_transitions", "refused", missing),
        (
            "get_target_group_rate_card",
            "offered",
            "prices from 10.5 to 30, read as minor units of USD",
        ),
        ("get_rate_card", "offered", "empty"),
        ("get_target_group", "offered", "draft"),
        ("clock", "offered", "Cint's clock is 0.0 s ahead of ours"),
    ]
    name, verdict, words = lines[-1]
    assert (name, verdict) == ("latency", "offered")
    assert words.endswith("of 15 answers")


def test_what_cannot_be_checked_is_skipped_with_the_reason() -> None:
    nothing = Answers(date="", projects={"projects": []}).lines()
    assert [line for line in nothing if line[1] == "skipped"] == [
        ("get_list_target_groups", "skipped", "no project to check"),
        ("target groups", "skipped", "no launched group to check"),
        (
            "get_target_group_rate_card",
            "skipped",
            "none of 0 groups checked is priced by a rate card",
        ),
        ("get_rate_card", "skipped", "no business unit or country to check"),
        ("get_target_group", "skipped", "no draft to check"),
        ("clock", "skipped", "Cint sent no time"),
    ]
    dynamic = Answers(
        accounts={"accounts": [{"id": 102}, {"id": 103}]},
        business_units={"business_units": [{"id": 7}, {"id": 8, "pricing_models": ["dynamic"]}]},
        projects={"projects": [{"id": "p", "name": "P"}, {"id": "q", "name": "Q"}]},
        target_groups={"target_groups": [launched("g"), launched("h")]},
        overview=OVERVIEW | {"pricing_model": None},
    ).lines()
    assert [line for line in dynamic if "rate_card" in line[0]] == [
        (
            "get_target_group_rate_card",
            "skipped",
            "none of 2 groups checked is priced by a rate card",
        ),
        ("get_rate_card", "skipped", "none of 2 business units is priced by a rate card"),
    ]
    assert dynamic[0][2] == "2 accounts, 101 NOT included"
    assert ("list_account_projects", "offered", "2 projects") in dynamic
    assert ("get_target_group_overview", "offered", "no pricing") in dynamic
    silent = Answers(date="").lines()
    assert silent[-1] == ("latency", "skipped", "no answers")


@pytest.mark.parametrize(
    ("date", "verdict", "words"),
    [
        ("Thu, 09 Oct 2025 08:55:20 GMT", "offered", "120.0 s ahead of"),
        ("Thu, 09 Oct 2025 08:55:21 GMT", "failed", "121.0 s ahead of"),
        ("Thu, 09 Oct 2025 08:53:19 GMT", "offered", "1.0 s behind"),
        ("Thu, 09 Oct 2025 08:51:19 GMT", "failed", "121.0 s behind"),
    ],
)
def test_two_minutes_between_the_clocks_are_tolerated(date: str, verdict: str, words: str) -> None:
    line = next(line for line in Answers(date=date).lines() if line[0] == "clock")
    assert line == ("clock", verdict, f"Cint's clock is {words} ours")


def test_a_check_that_takes_too_long_ends_with_the_lines_so_far() -> None:
    exchange = Answers(projects={"projects": []}, accounts={"accounts": []})
    account = factories.account(exchange_id="101")
    report = examine.examine_client(exchange.client(), account, seconds=0)
    assert (report.is_complete, report.problems) == (False, [])
    assert [line.name for line in report.lines] == ["get_user_accounts"]
    whole = examine.examine_client(exchange.client(), account, seconds=60)
    assert (whole.is_complete, whole.lines[-1].name) == (True, "latency")


def test_a_line_is_printed_in_columns() -> None:
    line = checks.CheckLine("clock", "failed", "late")
    assert str(line) == f"failed   clock{' ' * 47} late"
    assert str(checks.CheckLine("clock", "offered")) == "offered  clock"
