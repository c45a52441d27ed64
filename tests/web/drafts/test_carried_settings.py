"""What a draft has that its form does not change: seen by whoever opens it, and never lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.fielding.models import TargetGroup
from dashboard.simulator.catalogue.places import SUPPLIERS
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import clients
from dashboard.sync.edits import merge, send
from dashboard.sync.edits.kinds import draft as drafts
from dashboard.sync.edits.kinds.base import exchange_ids
from tests.web.drafts.test_draft_views import (
    account,
    draft,
    editor,
    launching,
    new,
    opened,
    project,
    sealed,
    simulator,
    text,
    typed,
)
from tests.web.drafts.test_quotas import fields

__all__ = ["account", "draft", "editor", "new", "project", "simulator"]
pytestmark = pytest.mark.django_db

ONE, TWO, THREE = (str(number) for number, *_ in SUPPLIERS[:3])
SHARES = {
    "open_exchange_allocations": {
        "blocked_supplier_ids": [THREE],
        "exchange_min_percentage": 10,
        "exchange_max_percentage": 90,
        "groups": [
            {
                "group_name": "Fast ones",
                "min_percentage": 0,
                "max_percentage": 40,
                "suppliers": [ONE, TWO],
            }
        ],
    },
    "private_exchange_allocations": {"blocked_supplier_ids": [], "groups": []},
}
MODULES = {
    "pricing": {"type": "dynamic", "maximum_cpi": {"value": "4.10", "currency_code": "EUR"}},
    "pacing": {"type": "linear", "increment_interval": "PT6H"},
}
SAID = (
    "Suppliers: open exchange: 10–90 %; Fast ones: 0–40 % of 2 suppliers; 1 supplier blocked",
    "Dynamic CPI: maximum CPI: 4.10 EUR",
    "Pacing: step: every 6 hours",
)


def blended(share: float) -> dict[str, Any]:
    """Gender by age, as the exchange puts it together."""
    return {
        "conditions": [
            {"object": "selection", "question_id": 43, "option": "1"},
            {"object": "range", "question_id": 42, "min": 18, "max": 34},
        ],
        "quota": {"completes_goal_percentage": share},
    }


PROFILING = {
    "profile_adjustment_type": "percentage",
    "profiles": [
        {
            "object": "blended",
            "blended_type": "interlock",
            "name": "Gender by age",
            "quotas_enabled": True,
            "targets": [blended(62.5), blended(37.5)],
        }
    ],
}


@pytest.fixture
def rich(draft: TargetGroup) -> TargetGroup:
    """A draft with all that, set up in the exchange's own pages."""
    write(draft, {"profiling": PROFILING}, {"allocations": SHARES, drafts.ASSISTANT: MODULES})
    return draft


def write(group: TargetGroup, value: dict[str, Any], along: dict[str, Any]) -> None:
    client = clients.client_for(group.account)
    held = merge.bare(drafts.read_draft(client, exchange_ids(group)))
    client.update_target_group(
        **exchange_ids(group), draft=drafts.draft_request(held | value | along)
    )


def held(group: TargetGroup) -> dict[str, Any]:
    found: dict[str, Any] = send.read_current_value(group=group, kind="draft")
    return found


def test_a_draft_without_any_says_so_on_its_page_and_launches_without_a_word(
    editor: Client, draft: TargetGroup
) -> None:
    page = text(editor.get(f"/groups/{draft.pk}/"))
    assert "<dt>Fielding assistant</dt><dd><bdi>off</bdi></dd>" in page
    assert "<dt>Suppliers</dt><dd><bdi>open exchange, all suppliers</bdi></dd>" in page
    assert "Other settings of this draft" not in text(editor.get(f"/groups/{draft.pk}/draft/"))


def test_a_changed_draft_keeps_profiles_shares_and_assistant_whole(
    editor: Client, rich: TargetGroup
) -> None:
    before = held(rich)
    assert before["profiling"]["profiles"][0]["blended_type"] == "interlock"
    assert (before["allocations"], before[drafts.ASSISTANT]) == (SHARES, MODULES)
    address = f"/groups/{rich.pk}/draft/"
    page = text(editor.get(address))
    assert "Several questions, combined" in page
    form = {"form": sealed(page)} | typed(completes_goal="many", re_entry_set="on") | fields(page)
    for said in (page, text(editor.post(address, form))):
        assert all(one in said for one in SAID)
    editor.post(address, form | {"completes_goal": "300"})
    assert held(rich) == before | {"completes_goal": 300}


def test_what_a_colleague_does_to_the_shares_meanwhile_stays(
    editor: Client, rich: TargetGroup
) -> None:
    address = f"/groups/{rich.pk}/draft/"
    form = opened(editor, address) | typed(completes_goal="300", re_entry_set="on")
    form |= fields(text(editor.get(address)))
    theirs = SHARES | {
        "private_exchange_allocations": {"blocked_supplier_ids": [ONE], "groups": []}
    }
    write(rich, {}, {"allocations": theirs})
    editor.post(address, form)
    assert (held(rich)["completes_goal"], held(rich)["allocations"]) == (300, theirs)


def test_a_launch_shows_what_goes_along_and_is_not_made_with_anything_else(
    editor: Client, rich: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{rich.pk}/launch/"
    page = text(editor.get(address))
    assert "Fast ones: 0–40 % of 2 suppliers" in page
    assert "4.10 EUR" in page
    write(rich, {}, {drafts.ASSISTANT: MODULES | {"pricing": {"type": "dynamic"}}})
    answer = text(editor.post(address, {"form": sealed(page)} | launching(rich)))
    assert "Someone else changed the draft: Fielding assistant. Nothing was launched." in answer
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()
