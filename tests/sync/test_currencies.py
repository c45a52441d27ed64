"""A currency is the same whatever its case, wherever two amounts are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dashboard.fielding.models import Edit, ExchangeAccount, TargetGroup
from dashboard.sync.edits import local
from dashboard.sync.edits.kinds.details import DETAILS
from dashboard.sync.edits.kinds.registry import EDITABLE
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, group_row, money

NOTE = "client_cost_per_interview_note"


def _details(code: str) -> dict[str, Any]:
    return dict.fromkeys(DETAILS) | {NOTE: money("2.75", code)}


def _modules(code: str) -> dict[str, Any]:
    return {"pricing": {"type": "dynamic", "maximum_cpi": money("2.75", code)}}


COMPARED: dict[str, tuple[Callable[[Any, Any], bool], Callable[[str], Any]]] = {
    "CPI": (EDITABLE[Edit.Kind.CPI].same, lambda code: money("2.75", code)),
    "details": (EDITABLE[Edit.Kind.DETAILS].same, _details),
    "assistant": (EDITABLE[Edit.Kind.ASSISTANT].same, _modules),
    "budget": (local.same_local_value, lambda code: money("2.75", code)),
}


@pytest.mark.parametrize("name", COMPARED)
def test_amounts_in_the_same_currency_are_the_same_whatever_its_case(name: str) -> None:
    same, value = COMPARED[name]
    assert same(value("usd"), value("USD"))
    assert not same(value("usd"), value("EUR"))


@pytest.mark.django_db(transaction=True)
def test_a_currency_that_comes_in_another_case_changes_nothing(
    account: ExchangeAccount, exchange: Exchange, pull: Callable[[], dict[str, Any]]
) -> None:
    pull()
    before = list(TargetGroup.objects.values())
    exchange.cpi[ulid(11)] = money("2.75", "usd")
    row = group_row(11)
    row["statistics"]["earnings_per_click"]["value"] = money("0.30", "usd")
    exchange.groups[ulid(1)][0] = row
    assert pull()["groups_written"] == 0
    assert list(TargetGroup.objects.values()) == before
