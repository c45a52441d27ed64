"""A figure that drifted is told in words and costs no other: not on pages, not in forms."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from dashboard.fielding.models import ExchangeAccount, Quarantine, TargetGroup
from dashboard.sync.edits import send
from tests import factories
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, group_row, money

pytestmark = pytest.mark.django_db(transaction=True)
Pull = Callable[[], dict[str, Any]]
DRIFTS = ["high", {"value": 1}, [1], True]
PLACE = {"overview": "drop_off_rate", "performance": "incidence_rate", "details": "completes_goal"}
DETAILS = {
    "id": ulid(11),
    "name": "Group 11",
    "project_manager_id": "3f1a0c52-8b1e-4e83-9a3c-0f6f0f7e0001",
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.35,
    "industry_lockout_code": "other",
    "live_url": "https://survey.example.com/live",
    "test_url": "https://survey.example.com/test",
    "completes_goal": 200,
}
COUNTS = {"entrants": 900, "prescreens": 300, "completes": 100}


def stored() -> TargetGroup:
    return TargetGroup.objects.select_related("project", "account").get(exchange_id=ulid(11))


def drift(exchange: Exchange, answer: str, **members: Any) -> None:
    """From now on an answer about the first group has these members."""
    if answer == "overview":
        exchange.rates[ulid(11)] = members
    elif answer == "list":
        row = group_row(11, completes=101)
        row["statistics"] |= members
        exchange.groups[ulid(1)][0] = row
    else:
        whole = COUNTS if answer == "performance" else DETAILS
        exchange.on("GET", rf"{ulid(11)}/{answer}$", lambda: (200, whole | members))


@pytest.fixture
def person(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("editor", account))
    return client


def page(person: Client) -> str:
    return person.get(f"/groups/{stored().pk}/").content.decode()


@pytest.mark.parametrize("value", DRIFTS)
@pytest.mark.parametrize("answer", PLACE)
def test_a_figure_that_drifts_costs_itself_and_is_told_in_words(
    pull: Pull, exchange: Exchange, person: Client, answer: str, value: Any
) -> None:
    drift(exchange, answer, **{PLACE[answer]: value})
    result = pull()
    assert (result["errors"], result["quarantined"]) == ([], 0)
    group = stored()
    assert group.cpi == Decimal("2.75")
    assert (group.entrants, group.expected_loi_minutes, group.error) == (900, 9, "")
    assert list(group.unreadable or {}) == [answer]
    text = page(person)
    assert "Not readable: " in text
    assert "(Cint sent “" in text
    assert "high" in text if value == "high" else True


def test_a_figure_of_the_list_that_drifts_keeps_its_row(
    pull: Pull, exchange: Exchange, person: Client
) -> None:
    pull()
    drift(exchange, "list", incidence_rate={"value": "high", "issues": []})
    pull()
    group = stored()
    assert group.completes == 101
    assert float(group.incidence_rate or 0) == pytest.approx(0.33)
    assert not Quarantine.objects.exists()
    assert "IR (Cint sent “high”)" in page(person)


def test_what_can_be_read_again_is_no_longer_told(
    pull: Pull, exchange: Exchange, person: Client
) -> None:
    drift(exchange, "overview", drop_off_rate="high")
    pull()
    assert "drop-off (Cint sent “high”)" in page(person)
    drift(exchange, "overview", drop_off_rate="0.41")
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    pull()
    group = stored()
    assert group.unreadable is None
    assert float(group.drop_off_rate or 0) == pytest.approx(0.41)
    assert "Not readable" not in page(person)


def test_what_was_read_last_stays_while_it_cannot_be_read(pull: Pull, exchange: Exchange) -> None:
    exchange.rates[ulid(11)] = {"drop_off_rate": 0.2}
    pull()
    drift(exchange, "overview", drop_off_rate=[1])
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    pull()
    assert float(stored().drop_off_rate or 0) == pytest.approx(0.2)


@pytest.mark.parametrize("kind", ["cpi", "filling_strategy"])
@pytest.mark.parametrize("value", DRIFTS)
def test_forms_that_read_the_overview_work_whatever_else_drifted(
    pull: Pull, exchange: Exchange, account: ExchangeAccount, kind: str, value: Any
) -> None:
    pull()
    members = dict.fromkeys(("drop_off_rate", "conversion_rate", "current_cost"), value)
    drift(exchange, "overview", **members)
    seen = send.read_current_value(group=stored(), kind=kind)
    wanted = money("3.10") if kind == "cpi" else "automated"
    edit = send.send_edit(
        group=stored(),
        kind=kind,
        seen=seen,
        wanted=wanted,
        by=factories.person("editor", account),
        token="t",
    )
    assert edit.state == "confirmed"


@pytest.mark.parametrize("value", ["high", {"percent": 35}, [0.35]])
@pytest.mark.parametrize(
    "name", ["expected_incidence_rate", "expected_length_of_interview_minutes"]
)
def test_the_form_of_details_sends_back_what_it_cannot_read_as_it_came(
    pull: Pull, exchange: Exchange, person: Client, name: str, value: Any
) -> None:
    pull()
    held = DETAILS | {name: value}
    sent: list[Any] = []
    exchange.on("GET", rf"{ulid(11)}/details$", lambda: (200, held))
    details = send.read_current_value(group=stored(), kind="details")
    assert details[name] == value
    address = f"/groups/{stored().pk}/edit/details/"
    assert person.get(address).status_code == 200
    take = exchange.reply

    def reply(method: str, path: str, body: Any) -> Any:
        if method == "PUT":
            sent.append(body)
            held.update(body)
            return 200, body
        return take(method, path, body)

    exchange.reply = reply  # type: ignore[method-assign]
    edit = send.send_edit(
        group=stored(),
        kind="details",
        seen=details,
        wanted=details | {"name": "Another name"},
        by=factories.person("editor", stored().account),
        token="t",
    )
    assert (edit.state, edit.reasons) == ("confirmed", [])
    assert [(body["name"], body[name]) for body in sent] == [("Another name", value)]
    assert stored().name == "Another name"
