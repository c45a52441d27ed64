"""The bar of actions over ticked groups, in a real browser and on a simulated exchange."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.fielding.models import Batch, BatchJob, Edit, ExchangeUser, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.sync.batches import jobs
from dashboard.sync.edits import send as push
from dashboard.sync.edits.kinds.base import exchange_ids
from tests import factories
from tests.fakes.simulated_urls import WAY

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Case(NamedTuple):
    """An action: its word, the status of those that it is taken on and of one that it is not, what
    is typed first, and what nobody may type.
    """

    word: str
    good: str
    bad: str
    typed: dict[str, str] = {}
    wrong: dict[str, str] = {}


CASES = {
    "pause": Case("Pause", "live", "paused"),
    "resume": Case("Resume", "paused", "live"),
    "complete": Case("Complete", "live", "paused"),
    "relaunch": Case("Relaunch", "completed", "live"),
    "launch": Case("Launch", "scheduled", "live"),
    "manager": Case("Reassign PM", "live", "archived", {"manager": "another"}, {"manager": ""}),
    "cpi": Case(
        "Change CPI",
        "live",
        "archived",
        {"how": "raise", "unit": "%", "value": "10"},
        {"how": "raise", "unit": "%", "value": "1e309"},
    ),
    "end": Case("Change end date", "live", "archived", {"hours": "24"}, {"hours": "１２"}),
}
TYPED = [name for name, case in CASES.items() if case.typed]


class Field(NamedTuple):
    """Groups that the action can be taken on, and the last one that it cannot."""

    groups: list[TargetGroup]

    @property
    def good(self) -> list[TargetGroup]:
        """Those that it can be taken on."""
        return self.groups[:-1]

    def held(self) -> list[tuple[Any, ...]]:
        """Status, price, manager and dates of the good ones, as the exchange has them."""
        return [
            (
                WAY.client.get_target_group_overview(**exchange_ids(group)).status,
                *(
                    WAY.read_current_value(group=group, kind=kind)
                    for kind in ("cpi", "details", "dates")
                ),
            )
            for group in self.good
        ]


Ready = Callable[[str], Field]


@pytest.fixture
def ready(simulator: Simulator, anna: User) -> Ready:
    """The groups for an action, as the exchange has them at the moment."""

    def make_ready(name: str) -> Field:
        case = CASES[name]
        rows = [row for row in simulator.groups(pricing_model="dynamic") if row["fielding_run_id"]]
        scheduled = [row for row in rows if row["status"] == "scheduled"]
        others = [row for row in rows if row["status"] != "scheduled"]
        if case.good == "scheduled":
            chosen = [*scheduled[:1], others[0]]
        else:
            chosen = others[:3]
            for row in chosen[:-1]:
                simulator.force(row["id"], "status", status=case.good)
        simulator.force(chosen[-1]["id"], "status", status=case.bad)
        account = anna.memberships.get().account
        project = factories.project(
            account, exchange_id=rows[0]["project_id"], name="Brand tracker"
        )
        groups = [
            factories.group(
                project,
                exchange_id=row["id"],
                name=f"Group {number}",
                status=case.good,
                currency=row["currency_code"],
                pricing_model="dynamic",
            )
            for number, row in enumerate(chosen)
        ]
        groups[-1].status = case.bad
        for group in groups:
            _read(group)
        return Field(groups)

    return make_ready


def _read(group: TargetGroup) -> None:
    """The price, the dates and the manager that the exchange has."""
    overview = WAY.client.get_target_group_overview(**exchange_ids(group))
    dates = push.read_current_value(group=group, kind="dates", client=WAY.client)
    price = overview.current_cost_per_interview
    group.cpi = price.value if price else None
    group.starts_at, group.ends_at = (datetime.fromisoformat(at) for at in dates.values())
    group.project_manager_id = overview.project_manager_id or ""
    group.save()


def ask(page: Page, name: str, field: Field, typed: dict[str, str]) -> None:
    """Tick all, press the button of the bar, and type what it asks for."""
    page.goto(f"/projects/{field.groups[0].project_id}/")
    for group in field.groups:
        page.check(f"input[name=pick][value='{group.pk}']")
    expect(page.locator("[data-picked]")).to_have_text(f"{len(field.groups)} selected:")
    page.click(f".act-bar button[value={name}]")
    if not CASES[name].typed:
        return
    for key, value in typed.items():
        box = page.locator(f"form[data-form=act] [name={key}]")
        if box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)
    page.click("button:has-text('Preview')")


KINDS = {name.value: kind for name, kind in jobs.KINDS.items()} | {"manager": Edit.Kind.DETAILS}


def somebody_else(field: Field, *, not_: str = "") -> str:
    """An exchange's id of somebody who manages none of these groups."""
    taken = [group.project_manager_id for group in field.groups]
    people = ExchangeUser.objects.exclude(exchange_id__in=[*taken, not_])
    return people.order_by("exchange_id")[0].exchange_id


def asked_for(name: str, field: Field) -> dict[str, str]:
    """What is typed; another manager by the exchange's id."""
    if name != "manager":
        return CASES[name].typed
    return {"manager": somebody_else(field)}


def send(page: Page) -> None:
    """Press the button of the preview."""
    page.click("form:has([name=sealed]) button.primary")
    page.wait_for_url("**/jobs/*/")


def clock_ahead(by: timedelta) -> Callable[[], datetime]:
    return lambda: timezone.now() + by


def work_to_the_end(page: Page, simulator: Simulator) -> None:
    """What the worker does while the page is open."""
    for minutes in range(1, 12):
        jobs.run_due_steps(clock=clock_ahead(timedelta(minutes=minutes)))
        if not BatchJob.objects.filter(check_at__isnull=False).exists():
            page.reload()
            return
        simulator.advance(seconds=3)
    raise AssertionError("the job does not end")


@pytest.mark.parametrize("name", CASES)
def test_an_action_is_previewed_asked_for_once_and_followed_to_its_end(
    name: str, signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready(name)
    before = field.held()
    many = len(field.good)
    ask(signed_in, name, field, asked_for(name, field))
    heading = f"{CASES[name].word}: {many} of {many + 1} groups"
    expect(signed_in.locator("h1")).to_have_text(heading)
    expect(signed_in.locator(".reasons")).to_contain_text(f"Group {many}: is {CASES[name].bad}")
    assert Batch.objects.count() == 0
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("[role=status]")).to_have_text(
        f"{many} of {many} finished: {many} done"
    )
    assert all(was != now for was, now in zip(before, field.held(), strict=True))


@pytest.mark.parametrize("name", TYPED)
def test_what_we_refuse_stays_typed_and_nothing_is_asked_for(
    name: str, signed_in: Page, ready: Ready
) -> None:
    wrong = CASES[name].wrong
    ask(signed_in, name, ready(name), wrong)
    expect(signed_in.locator(".error").first).to_be_visible()
    for key, value in wrong.items():
        expect(signed_in.locator(f"[name={key}]")).to_have_value(value)
    assert signed_in.locator("[name=sealed]").count() == 0
    assert Batch.objects.count() == 0


def test_what_is_typed_after_a_preview_is_previewed_anew_before_it_can_be_sent(
    signed_in: Page, ready: Ready
) -> None:
    ask(signed_in, "cpi", ready("cpi"), {"how": "raise", "value": "5", "unit": "%"})
    expect(signed_in.get_by_label("Preview")).to_contain_text("(+5 %)")
    signed_in.wait_for_load_state()  # its scripts ran
    signed_in.fill("#value", "7")
    expect(signed_in.locator("[name=sealed]")).to_have_count(0)
    signed_in.click("button:has-text('Preview')")
    expect(signed_in.get_by_label("Preview")).to_contain_text("(+7 %)")
    expect(signed_in.locator("[name=sealed]")).to_have_count(1)


@pytest.mark.parametrize("name", ["pause", "cpi", "end"])
def test_what_the_exchange_refuses_is_told_at_its_group_and_the_others_go_on(
    name: str, signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready(name)
    ask(signed_in, name, field, asked_for(name, field))
    if name == "pause":
        simulator.force(field.good[1].exchange_id, "status", status="archived")
    else:
        simulator.fault("http_422", operation="update_*", group=field.good[1].exchange_id)
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("[role=status]")).to_have_text("2 of 2 finished: 1 done, 1 refused")
    row = signed_in.locator("tr", has_text=field.good[1].name)
    expect(row).to_contain_text("Refused")
    assert row.locator("td").last.inner_text().strip() not in ("", "–")


@pytest.mark.parametrize("name", ["cpi", "end", "manager"])
def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    name: str, signed_in: Page, ready: Ready, simulator: Simulator, anna: User
) -> None:
    field = ready(name)
    asked = asked_for(name, field)
    ask(signed_in, name, field, asked)
    group, kind = field.good[0], KINDS[name]
    theirs = push.read_current_value(group=group, kind=kind, client=WAY.client)
    if name == "cpi":
        theirs |= {"value": "9.99"}
    elif name == "end":
        theirs |= {"end_fielding_at": "2036-01-01T00:00:00.000Z"}
    else:
        theirs |= {"project_manager_id": somebody_else(field, not_=asked["manager"])}
    WAY.meanwhile(group, kind, theirs, anna)
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    row = signed_in.locator("tr", has_text=group.name)
    expect(row).to_contain_text("Nothing was sent")
    assert push.holds_value(
        kind, push.read_current_value(group=group, kind=kind, client=WAY.client), theirs
    )


@pytest.mark.parametrize("name", ["cpi", "end"])
def test_a_bulk_change_is_undone_as_one_job(
    name: str, signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready(name)
    before = field.held()
    ask(signed_in, name, field, asked_for(name, field))
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    assert all(was != now for was, now in zip(before, field.held(), strict=True))
    signed_in.click("text=Undo all…")
    expect(signed_in.locator("h1")).to_have_text(f"Undo “{CASES[name].word}”: 2 of 2 groups")
    assert Batch.objects.count() == 1
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("[role=status]")).to_have_text("2 of 2 finished: 2 done")
    assert Batch.objects.count() == 2
    assert field.held() == before


def test_the_undo_of_prices_leaves_what_somebody_else_changed_meanwhile(
    signed_in: Page, ready: Ready, simulator: Simulator, anna: User
) -> None:
    field = ready("cpi")
    before = field.held()
    ask(signed_in, "cpi", field, CASES["cpi"].typed)
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    signed_in.click("text=Undo all…")
    theirs, ours = field.good
    held = push.read_current_value(group=theirs, kind="cpi", client=WAY.client)
    others = Decimal(str(held["value"])) + Decimal("1.11")
    WAY.meanwhile(theirs, "cpi", held | {"value": str(others)}, anna)
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("tr", has_text=theirs.name)).to_contain_text("Nothing was sent")
    expect(signed_in.locator("tr", has_text=ours.name)).to_contain_text("Done")
    overview = WAY.client.get_target_group_overview(**exchange_ids(theirs))
    assert overview.current_cost_per_interview is not None
    assert overview.current_cost_per_interview.value == others
    assert field.held()[1] == before[1]


@pytest.mark.parametrize("fault", ["http_422", "http_503"])
def test_a_hand_over_that_the_exchange_does_not_take_is_sent_once_and_told_at_each_group(
    fault: str, signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready("manager")
    ask(signed_in, "manager", field, asked_for("manager", field))
    simulator.fault(fault, operation="create_bulk_*")
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    refused = fault == "http_422"
    end = "2 refused" if refused else "2 not done"
    expect(signed_in.locator("[role=status]")).to_contain_text(f"2 of 2 finished: 0 done, {end}")
    said = "simulated 422" if refused else "Cint's answer to the job was lost; Cint still"
    expect(signed_in.locator("td", has_text=said)).to_have_count(2)
    assert simulator.requests()["create_bulk_update_target_group_project_manager_job"] == 1


@pytest.mark.parametrize("name", TYPED)
def test_what_was_refused_is_tried_again_as_it_was_typed(
    name: str, signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready(name)
    before = field.held()
    ask(signed_in, name, field, asked_for(name, field))
    for operation in ("update_*", "create_bulk_*"):
        simulator.fault("http_422", operation=operation)
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    simulator.clear_faults()
    many = len(field.good)
    expect(signed_in.locator("[role=status]")).to_have_text(
        f"{many} of {many} finished: 0 done, {many} refused"
    )
    assert all(was == now for was, now in zip(before, field.held(), strict=True))
    signed_in.click("text=Retry the")
    expect(signed_in.locator("h1")).to_have_text(f"{CASES[name].word}: {many} of {many} groups")
    send(signed_in)
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("[role=status]")).to_have_text(
        f"{many} of {many} finished: {many} done"
    )
    assert all(was != now for was, now in zip(before, field.held(), strict=True))


def test_an_exchange_that_goes_down_is_asked_again_and_the_page_says_so(
    signed_in: Page, ready: Ready, simulator: Simulator
) -> None:
    field = ready("pause")
    before = field.held()
    ask(signed_in, "pause", field, {})
    simulator.fault("http_503", operation="create_bulk_*", count=4)
    send(signed_in)
    expect(signed_in.locator("#batch")).to_contain_text("Fieldwatch tries again at")
    work_to_the_end(signed_in, simulator)
    expect(signed_in.locator("[role=status]")).to_have_text("2 of 2 finished: 2 done")
    assert all(was != now for was, now in zip(before, field.held(), strict=True))
