"""Every form in a real browser and on a simulated exchange: each way that a change can end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.fielding.models import Edit, ExchangeUser, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.sync.edits import local
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm
from tests import factories
from tests.fakes.simulated_urls import WAY

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TYPE_IN = """typed => {
  for (const field of document.querySelectorAll(".edit form [name]")) {
    if (field.type === "hidden") continue;
    if (field.type === "checkbox") field.checked = field.name in typed;
    else if (field.type === "radio") field.checked = field.value === typed[field.name];
    else if (field.name in typed) field.value = typed[field.name];
  }
}"""
TYPED = """() => Object.fromEntries(
  [...new FormData(document.querySelector(".edit form"))].filter(([name]) =>
    !["form", "csrfmiddlewaretoken", "currency"].includes(name)))"""


def _cents(value: Any, more: str) -> Any:
    return value | {"value": str(Decimal(value["value"]) + Decimal(more))}


def _toggled(value: Any, status: str) -> Any:
    side = value[status]["client_side"]
    name = "allow_for_current_target_group"
    return value | {status: value[status] | {"client_side": side | {name: not side[name]}}}


def _later(value: Any, hours: int) -> Any:
    end = datetime.fromisoformat(value["end_fielding_at"]).replace(second=0, microsecond=0)
    stamp = (end + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value | {"end_fielding_at": stamp}


def _other(value: str, step: int) -> str:
    order = ["automated", "prescreens", "completes"]
    return order[(order.index(value) + step) % 3]


def _manager(value: Any, step: int) -> Any:
    order = list(ExchangeUser.objects.order_by("exchange_id").values_list("exchange_id", flat=True))
    at = order.index(value["project_manager_id"])
    return value | {"project_manager_id": order[(at + step) % len(order)]}


def _soft_launch(module: Any, more: int) -> Any:
    """A soft launch of some per cent more, to the end of the hour."""
    end = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    share = module["filling_goal_percentage"] if module else 10
    return {
        "end_at": end.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "filling_goal_percentage": share + more,
        "demographics_strictness_percentage": 50,
    }


class Case(NamedTuple):
    """How a form is used: what you want of what is there, what a colleague makes of it meanwhile,
    and what nobody may send (as it stands there where nothing is named).
    """

    yours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    wrong: dict[str, str]


CASES = {
    "cpi": Case(lambda v: _cents(v, "0.01"), lambda v: _cents(v, "0.07"), {"cpi": "1e309"}),
    "filling_strategy": Case(lambda v: _other(v, 1), lambda v: _other(v, 2), {}),
    "re_entry": Case(lambda v: _toggled(v, "completes"), lambda v: _toggled(v, "overquota"), {}),
    "details": Case(
        lambda v: v | {"name": f"{v['name']}!", "live_url": f"{v['live_url']}&a=b"},
        lambda v: v | {"name": "Their name"},
        {"live_url": "http://example.com"},
    ),
    "project_manager": Case(lambda v: _manager(v, 1), lambda v: _manager(v, 2), {}),
    "dates": Case(
        lambda v: _later(v, 30), lambda v: _later(v, 50), {"end_fielding_at": "2020-01-01T00:00"}
    ),
    "goals": Case(
        lambda v: {"completes_goal": v["completes_goal"] + 1},
        lambda v: {"completes_goal": v["completes_goal"] + 7},
        {"completes_goal": "0"},
    ),
    "assistant": Case(
        lambda v: v | {"soft_launch": _soft_launch(v["soft_launch"], 1)},
        lambda v: v | {"soft_launch": _soft_launch(v["soft_launch"], 2)},
        {"pacing": "linear", "pacing.increment_interval": "1e309"},
    ),
    "budget": Case(
        lambda _: {"value": "600", "currency_code": "USD"},
        lambda _: {"value": "700", "currency_code": "USD"},
        {"budget": "-1"},
    ),
    "time_zone": Case(lambda _: "Asia/Tokyo", lambda _: "Europe/Berlin", {}),
}
SENT = [name for name in CASES if not FORMS[name].is_ours]
CLASHES = [name for name in CASES if name != "re_entry"]  # two who tick the same box agree


@pytest.fixture
def group(simulator: Simulator, anna: User) -> TargetGroup:
    row = simulator.groups(status="live", pricing_model="dynamic")[0]
    account = anna.memberships.get().account
    project = factories.project(account, exchange_id=row["project_id"])
    return factories.group(
        project,
        exchange_id=row["id"],
        currency=row["currency_code"],
        country_code="",
        completes_goal=row["goal"],
        ends_at=timezone.now() + timedelta(days=7),
    )


class Form(NamedTuple):
    """One form, open in front of Anna."""

    name: str
    page: Page
    group: TargetGroup
    value: Any

    def typed(self, value: Any) -> dict[str, str]:
        """A value as it stands in the fields."""
        blank = BoundForm(
            self.group, self.value, Client().get("/").wsgi_request.GET, timezone.now()
        )
        return dict(FORMS[self.name].initial(value, blank))

    def type_in(self, typed: dict[str, str]) -> dict[str, str]:
        """What stands in the form then."""
        self.page.evaluate(TYPE_IN, typed)
        return self.stands()

    def stands(self) -> dict[str, str]:
        """What stands in the form."""
        found: dict[str, str] = self.page.evaluate(TYPED)
        return found

    def send(self) -> None:
        self.page.click(".edit button.primary")


@pytest.fixture
def opened(signed_in: Page, group: TargetGroup) -> Callable[[str], Form]:
    def open_(name: str) -> Form:
        value = WAY.read_current_value(group=group, kind=FORMS[name].kind)
        signed_in.goto(f"/groups/{group.pk}/edit/{name}/")
        return Form(name, signed_in, group, value)

    return open_


Opened = Callable[[str], Form]


def puts(simulator: Simulator) -> int:
    return len(simulator.edits())


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_made_and_confirmed(name: str, opened: Opened, simulator: Simulator) -> None:
    form = opened(name)
    wanted = CASES[name].yours(form.value)
    form.type_in(form.typed(wanted))
    form.send()
    expect(form.page.locator(".note.good")).to_contain_text(
        "saved" if name not in SENT else "confirmed"
    )
    edit = Edit.objects.get()
    assert edit.state == "confirmed"
    assert puts(simulator) == (1 if name in SENT else 0)


@pytest.mark.parametrize("name", CASES)
def test_what_we_refuse_stays_typed_and_is_not_sent(
    name: str, opened: Opened, simulator: Simulator
) -> None:
    form = opened(name)
    typed = form.stands() | CASES[name].wrong
    before = form.type_in(typed)
    form.send()
    expect(form.page.locator(".edit .error").first).to_be_visible()
    assert form.stands() == before
    assert (puts(simulator), Edit.objects.count()) == (0, 0)


@pytest.mark.parametrize("name", SENT)
def test_what_the_exchange_refuses_stays_typed_with_its_words(
    name: str, opened: Opened, simulator: Simulator
) -> None:
    form = opened(name)
    simulator.fault("http_422", operation="*update_*")
    before = form.type_in(form.typed(CASES[name].yours(form.value)))
    form.send()
    expect(form.page.locator(".edit")).to_contain_text("simulated 422")
    assert form.stands() == before
    assert Edit.objects.get().state == "rejected"


@pytest.mark.parametrize("name", CLASHES)
def test_a_change_meanwhile_shows_all_three_and_overwrites_nothing(
    name: str, opened: Opened, simulator: Simulator, anna: User
) -> None:
    form = opened(name)
    theirs = CASES[name].theirs(form.value)
    WAY.meanwhile(form.group, FORMS[name].kind, theirs, anna)
    sent, shown = puts(simulator), form.stands()
    before = form.type_in(form.typed(CASES[name].yours(form.value)))
    touched = {field: text for field, text in before.items() if text != shown.get(field)}
    form.send()
    expect(form.page.locator(".edit")).to_contain_text("Someone else changed this")
    assert form.page.locator(".three tbody td").count() >= 3
    assert {field: form.stands()[field] for field in touched} == touched
    assert puts(simulator) == sent


@pytest.mark.parametrize("name", SENT)
def test_an_exchange_that_goes_down_keeps_what_was_typed_to_be_sent_again(
    name: str, opened: Opened, simulator: Simulator
) -> None:
    form = opened(name)
    simulator.fault("http_503", operation="*")
    before = form.type_in(form.typed(CASES[name].yours(form.value)))
    form.send()
    expect(form.page.locator(".edit")).to_contain_text("Nothing was sent")
    assert form.stands() == before
    simulator.clear_faults()
    form.send()
    expect(form.page.locator(".note.good")).to_contain_text("confirmed")


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_exchange_without_re_entry_says_so(
    status: int, signed_in: Page, group: TargetGroup, simulator: Simulator
) -> None:
    simulator.fault(f"http_{status}", operation="get_re_entry*")
    signed_in.goto(f"/groups/{group.pk}/edit/re_entry/")
    expect(signed_in.locator(".edit")).to_contain_text(
        "Cint does not allow re-entry to be changed once a group is launched"
    )


class Way(NamedTuple):
    """How the form of a project's budget ends."""

    typed: str
    meanwhile: str
    said: str
    stands: str  # what is in the field then


@pytest.mark.parametrize(
    "way",
    [
        Way("600", "", "saved", ""),
        Way("1_0", "", "is not an amount", "1_0"),
        Way("600", "700", "Someone else changed this", "600"),
    ],
    ids=["saved", "refused", "conflict"],
)
def test_a_projects_budget(way: Way, signed_in: Page, group: TargetGroup, anna: User) -> None:
    signed_in.goto(f"/projects/{group.project_id}/budget/")
    signed_in.fill("#budget", way.typed)
    if way.meanwhile:
        theirs = {"value": way.meanwhile, "currency_code": group.currency}
        local.save_local_edit(
            subject=group.project,
            kind="budget",
            seen=None,
            wanted=theirs,
            by=anna,
            token="t",
            now=timezone.now(),
        )
    signed_in.click("button.primary")
    expect(signed_in.locator("#main")).to_contain_text(way.said)
    if way.stands:
        expect(signed_in.locator("#budget")).to_have_value(way.stands)
