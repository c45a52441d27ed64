"""`manage.py exchange check`: what a connection is offered, in words, without writing anything."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dashboard.fielding.models import Cycle, ExchangeAccount, TargetGroup
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import check as checks
from dashboard.sync.connections import clients
from tests import factories
from tests.fakes.canned_exchange import Exchange

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
