"""The forms that change a group on the exchange."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.exchange.errors import NotFound, Unreachable
from dashboard.fielding.models import Edit, TargetGroup
from tests import factories
from tests.fakes.edit_gateway import DETAILS, FakeExchange

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
OVERTAKEN = "refused: someone else changed it first"


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account()))


@pytest.fixture
def editor(client: Client, group: TargetGroup) -> Client:
    client.force_login(
        factories.person("editor", group.account, first_name="Anna", last_name="Weber")
    )
    return client


def address(group: TargetGroup, kind: str = "cpi") -> str:
    return f"/groups/{group.pk}/edit/{kind}/"


def sealed(page: str) -> str:
    """The signed state of a form, as the page holds it."""
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found, "the page has no form"
    return found[1]


def opened(editor: Client, group: TargetGroup, kind: str = "cpi") -> str:
    return sealed(editor.get(address(group, kind)).content.decode())


def test_the_form_shows_the_exchanges_present_value(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.values["cpi"] = {"value": "2.7352", "currency_code": "USD"}
    assert "2.7352 USD" in editor.get(address(group)).content.decode()


def test_a_confirmed_cpi_goes_back_to_the_group_and_into_its_history(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "3.10"}
    page = editor.post(address(group), form, follow=True).content.decode()
    assert exchange.sent == [{"value": "3.10", "currency_code": "USD"}]
    assert "2.70 USD → 3.10 USD: confirmed by Cint" in page
    assert "Anna Weber" in page
    assert "via Fieldwatch" in page


def test_one_form_sent_twice_makes_one_edit(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "3.10"}
    editor.post(address(group), form)
    editor.post(address(group), form)
    assert len(exchange.sent) == 1
    assert Edit.objects.count() == 1


def test_a_wrong_cpi_keeps_what_was_typed_and_sends_nothing(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "1_0<"}
    page = editor.post(address(group), form).content.decode()
    assert 'value="1_0&lt;"' in page
    assert 'aria-invalid="true"' in page
    assert exchange.sent == []


def test_a_manager_cannot_be_sent_without_a_live_url_and_the_form_says_so(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.values["details"] = DETAILS | {"live_url": None}
    factories.exchange_user(group.account, exchange_id="pm-2")
    form = {"form": opened(editor, group, "project_manager"), "project_manager_id": "pm-2"}
    page = editor.post(address(group, "project_manager"), form).content.decode()
    assert "Live URL: Enter a URL that starts with https://" in page
    assert f'href="{address(group, "details")}"' in page
    assert exchange.sent == []


def test_a_jump_shows_a_second_field_and_then_goes_through(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "9.00"}
    page = editor.post(address(group), form).content.decode()
    assert 'name="cpi_again"' in page
    editor.post(address(group), form | {"form": sealed(page), "cpi_again": "9"})
    assert exchange.sent == [{"value": "9.00", "currency_code": "USD"}]


def test_the_exchanges_own_objection_shows_at_the_field(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.state = Edit.State.REJECTED
    exchange.reasons = [{"name": "cost_per_interview.value", "reason": "must be at least 4"}]
    form = {"form": opened(editor, group), "cpi": "3.10"}
    page = editor.post(address(group), form).content.decode()
    assert 'id="cpi-error">must be at least 4' in page
    assert 'value="3.10"' in page


def test_after_a_refusal_the_form_can_be_sent_again(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.state = Edit.State.REJECTED
    exchange.reasons = [{"name": "", "reason": "Too low."}]
    first = {"form": opened(editor, group), "cpi": "3.10"}
    page = editor.post(address(group), first).content.decode()
    exchange.state = Edit.State.CONFIRMED
    answer = editor.post(address(group), {"form": sealed(page), "cpi": "3.40"})
    assert answer.status_code == 302
    assert Edit.objects.count() == 2


def test_a_conflict_shows_what_it_was_theirs_and_yours(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "3.10"}
    exchange.state = Edit.State.CONFLICT
    exchange.values["cpi"] = {"value": "2.95", "currency_code": "USD"}
    page = editor.post(address(group), form).content.decode()
    assert "Someone else changed this" in page
    for value in ("2.70 USD", "2.95 USD", "3.10"):
        assert value in page


def test_an_unknown_outcome_is_said(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.state = Edit.State.UNKNOWN
    form = {"form": opened(editor, group), "cpi": "3.10"}
    page = editor.post(address(group), form, follow=True).content.decode()
    assert "sent, not confirmed yet" in page


def test_the_line_of_an_unknown_outcome_turns_green_by_itself(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.state = Edit.State.UNKNOWN
    form = {"form": opened(editor, group), "cpi": "3.10"}
    page = editor.post(address(group), form, follow=True).content.decode()
    made = Edit.objects.get()
    line = f"/edits/{made.pk}/line/"
    assert f'hx-get="{line}"' in page
    waits = editor.get(line, headers=HTMX)
    assert f'hx-get="{line}"' in waits.content.decode()
    assert "HX-Trigger" not in waits.headers
    Edit.objects.update(state="confirmed", settled_at=timezone.now())
    ended = editor.get(line, headers=HTMX)
    assert 'class="note good"' in ended.content.decode()
    assert "confirmed by Cint" in ended.content.decode()
    assert f'hx-get="{line}"' not in ended.content.decode()
    assert ended.headers["HX-Trigger"] == "fieldwatch:tick"


@pytest.mark.parametrize(
    ("facts", "tone", "says"),
    [
        ({"state": "rejected", "sent": True}, "bad", "refused by Cint"),
        ({"state": "rejected", "sent": False}, "bad", "not sent"),
        ({"state": "rejected", "sent": True, "taken": False}, "bad", OVERTAKEN),
        ({"state": "conflict", "sent": True, "taken": False}, "warn", OVERTAKEN),
        ({"state": "conflict", "sent": True, "taken": True}, "warn", "sent, but Cint"),
        ({"state": "conflict", "sent": False}, "warn", "changed by someone else"),
        ({"state": "given_up", "sent": True}, "warn", "abandoned"),
    ],
)
def test_the_line_tells_every_other_end_too(
    editor: Client, group: TargetGroup, facts: dict[str, Any], tone: str, says: str
) -> None:
    made = factories.edit(group, **facts)
    said = editor.get(f"/edits/{made.pk}/line/", headers=HTMX).content.decode()
    assert f'class="note {tone}"' in said
    assert says in said
    assert says.lower() in editor.get(f"/edits/{made.pk}/").content.decode().lower()


@pytest.mark.parametrize(("age", "every"), [(0, 2), (20, 2), (31, 5), (130, 15), (700, 60)])
def test_a_page_asks_ever_rarer_and_never_stops_before_the_end(
    editor: Client, group: TargetGroup, age: int, every: int
) -> None:
    began = timezone.now() - timedelta(seconds=age)
    made = factories.edit(group, state="unknown", settled_at=None, started_at=began, after=None)
    for page in (f"/edits/{made.pk}/", f"/edits/{made.pk}/line/"):
        assert f'hx-trigger="every {every}s"' in editor.get(page).content.decode()


def test_a_change_that_was_sent_and_refused_is_not_said_to_be_unsent(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "3.10"}
    exchange.state, exchange.facts = Edit.State.CONFLICT, {"sent": True, "taken": False}
    exchange.values["cpi"] = {"value": "2.95", "currency_code": "USD"}
    page = editor.post(address(group), form).content.decode()
    assert "Your change was sent and Cint rejected it." in page
    assert "Nothing was sent" not in page


def test_an_exchange_that_is_down_is_said_when_the_form_opens(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.down = Unreachable()
    page = editor.get(address(group)).content.decode()
    assert "Cint cannot be reached" in page
    assert 'name="form"' not in page


def test_an_exchange_that_goes_down_leaves_what_was_typed(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    form = {"form": opened(editor, group), "cpi": "3.10"}
    exchange.down = Unreachable()
    page = editor.post(address(group), form).content.decode()
    assert "Cint cannot be reached" in page
    assert 'value="3.10"' in page
    assert sealed(page) != form["form"]


def test_a_form_with_a_broken_seal_is_opened_afresh(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    page = editor.post(address(group), {"form": "forged", "cpi": "3.10"}).content.decode()
    assert "expired before it was sent" in page
    assert 'value="3.10"' in page
    assert exchange.sent == []


def test_a_form_of_another_group_is_not_taken(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    other = factories.group(group.project)
    form = {"form": opened(editor, other), "cpi": "3.10"}
    editor.post(address(group), form)
    assert exchange.sent == []


def test_re_entry_that_an_exchange_does_not_offer_is_said(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    exchange.down = NotFound()
    page = editor.get(address(group, "re_entry")).content.decode()
    assert "Cint does not allow re-entry to be changed once a group is launched." in page


def test_the_re_entry_grid_has_only_the_cells_that_exist(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    page = editor.get(address(group, "re_entry")).content.decode()
    assert page.count('type="checkbox"') == 22
    assert 'name="completes.client_side.allow_for_current_target_group"' in page
    assert 'name="completes.screener_side' not in page


def test_a_new_strategy_is_sent(editor: Client, group: TargetGroup, exchange: FakeExchange) -> None:
    form = {"form": opened(editor, group, "filling_strategy"), "filling_strategy": "prescreens"}
    editor.post(address(group, "filling_strategy"), form)
    assert exchange.sent == ["prescreens"]


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_group_that_takes_no_edit_says_why(
    editor: Client, group: TargetGroup, exchange: FakeExchange, status: str
) -> None:
    group.status = status
    group.save()
    assert 'name="form"' not in editor.get(address(group)).content.decode()
    assert "/edit/" not in editor.get(f"/groups/{group.pk}/").content.decode()


def test_a_rate_card_group_offers_no_cpi(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    group.pricing_model = "rate_card"
    group.save()
    assert address(group) not in editor.get(f"/groups/{group.pk}/").content.decode()
    assert "rate card sets this group" in editor.get(address(group)).content.decode()


def test_an_unknown_kind_is_not_found(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    assert editor.get(address(group, "goal")).status_code == 404


def test_htmx_gets_the_form_alone_and_is_sent_back_by_the_browser(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    part = editor.get(address(group), headers=HTMX).content.decode()
    assert "<html" not in part
    answer = editor.post(address(group), {"form": sealed(part), "cpi": "3.10"}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/groups/{group.pk}/"
