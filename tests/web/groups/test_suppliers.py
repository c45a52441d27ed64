"""The suppliers of a group: read from the exchange when the panel is opened."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.exchange.errors import (
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    TimedOut,
    Unauthorized,
)
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.simulator.harness import Simulator
from dashboard.sync.lookup import on_demand
from dashboard.sync.lookup.on_demand import SupplierCount
from dashboard.web.groups.panels.suppliers import SuppliersPanel, panel_of_counts
from tests import factories
from tests.web.one_story.surfaces import text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    return factories.group(factories.project(account), name="Japan")


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account))
    return client


def opened(client: Client, group: TargetGroup) -> str:
    answer = client.get(f"/groups/{group.pk}/suppliers/", headers=HTMX)
    assert answer.status_code == 200
    return fold_white_space(answer.content.decode())


def rows(panel: SuppliersPanel) -> list[tuple[str, ...]]:
    return [
        (one.name, one.completes, one.share, one.prescreens, one.conversion, one.access)
        for one in (*panel.lines, *panel.others)
    ]


def test_the_panel_asks_only_when_it_is_opened(
    viewer: Client, group: TargetGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def read(group: TargetGroup) -> list[SupplierCount]:
        asked.append(group.pk)
        return []

    monkeypatch.setattr(on_demand, "read_suppliers", read)
    page = fold_white_space(viewer.get(f"/groups/{group.pk}/").content.decode())
    panel = page.partition('<details class="folded"')[2].partition("</details>")[0]
    tag = panel.partition(">")[0]
    assert f'hx-get="/groups/{group.pk}/suppliers/"' in tag
    assert 'hx-trigger="toggle once"' in tag
    assert 'hx-preserve="true"' in tag  # a refresh of the page neither closes it nor asks again
    assert "Loading suppliers from Cint…" in panel
    assert asked == []
    assert "Cint lists no suppliers for this group." in opened(viewer, group)
    assert asked == [group.pk]


def test_a_draft_has_no_suppliers_to_show(viewer: Client, group: TargetGroup) -> None:
    TargetGroup.objects.update(status="draft")
    assert viewer.get(f"/groups/{group.pk}/suppliers/").status_code == 404
    assert "suppliers-panel" not in viewer.get(f"/groups/{group.pk}/").content.decode()


def test_strangers_do_not_see_suppliers(client: Client, group: TargetGroup) -> None:
    client.force_login(factories.person("viewer", factories.account()))
    assert client.get(f"/groups/{group.pk}/suppliers/").status_code == 404


def test_most_completes_come_first_and_blocked_ones_last() -> None:
    panel = panel_of_counts(
        [
            SupplierCount("Blocked One", 30, 90, is_blocked=True),
            SupplierCount("Blocked Two", None, None, is_blocked=True, is_private=True),
            SupplierCount("Small", 10, 100, share=(0, 40)),
            SupplierCount("Big", 60, 80, group_name="Fast ones", share=(10, 60)),
            SupplierCount("Idle", 0, 0),
            SupplierCount("Own panel", 20, None, is_private=True, share=(20, 20)),
        ]
    )
    assert panel.summary == "120 completes from 4 of 6 suppliers, 2 blocked"
    assert rows(panel) == [
        ("Big", "60", "50 %", "80", "75 %", "Open exchange, group Fast ones, 10–60 % of completes"),
        ("Own panel", "20", "17 %", "—", "—", "Private exchange, 20–20 % of completes"),
        ("Small", "10", "8 %", "100", "10 %", "Open exchange, 0–40 % of completes"),
        ("Idle", "0", "0 %", "0", "—", "Open exchange"),
        ("Blocked One", "30", "25 %", "90", "33 %", "Blocked on the open exchange"),
        ("Blocked Two", "—", "—", "—", "—", "Blocked on the private exchange"),
    ]


def test_a_long_list_is_folded() -> None:
    panel = panel_of_counts([SupplierCount(f"S{n}", 1, 2) for n in range(40)])
    assert (len(panel.lines), len(panel.others)) == (15, 25)
    assert panel.summary == "40 completes from 40 of 40 suppliers"


@pytest.mark.parametrize(
    ("error", "said", "again"),
    [
        (Forbidden(), "Cint does not offer supplier figures for this account.", False),
        (NotFound(), "Cint does not offer supplier figures for this account.", False),
        (MethodNotAllowed(), "Cint does not offer supplier figures for this account.", False),
        (TimedOut(), "Cint did not answer in time.", True),
        (Unauthorized(), "Cint does not accept the credentials.", False),
    ],
)
def test_a_refusal_and_an_error_say_what_it_is(
    viewer: Client,
    group: TargetGroup,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: ExchangeError,
    said: str,
    again: bool,
) -> None:
    def refuse(group: TargetGroup) -> Any:
        raise error

    monkeypatch.setattr(on_demand, "read_suppliers", refuse)
    panel = opened(viewer, group)
    assert said in panel
    assert ("Try again" in panel) is again
    assert "<table" not in panel


def test_a_group_that_is_no_longer_listed_is_not_asked_for(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(missing_since=factories.NOW)
    assert "Cint no longer lists this group." in opened(viewer, group)


def test_an_exchange_serves_the_panel_and_without_scripts_a_page(
    client: Client, settings: Any
) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=1, groups=2, history_days=5, seed=7) as exchange:
        account = factories.account(base_url=exchange.base_url, requests_per_minute=0)
        served = next(one for one in exchange.groups() if one["status"] != "draft")
        project = factories.project(account, exchange_id=served["project_id"])
        group = factories.group(project, exchange_id=served["id"])
        client.force_login(factories.person("viewer", account))
        panel = opened(client, group)
        page = client.get(f"/groups/{group.pk}/suppliers/").content.decode()
        asked = exchange.requests()["get_target_group_allocation_specification"]
        assert asked == 2
    assert "Open exchange" in panel
    assert "suppliers" in text_of(panel)
    assert "<html" not in panel
    assert "Suppliers of" in page
    assert "Open exchange" in page
