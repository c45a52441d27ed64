"""Where an objection of the exchange stands: at the field that it is about, and never nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.exchange.errors import InvalidParam, Refused
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits import send
from dashboard.web.edits import history
from tests import factories
from tests.fakes.edit_gateway import FakeExchange

pytestmark = pytest.mark.django_db

WORDS = "This cannot be taken"
TYPED: Mapping[str, Mapping[str, str]] = {
    "cpi": {"cpi": "2.80"},
    "filling_strategy": {"filling_strategy": "prescreens"},
    "re_entry": {"terminates.client_side.allow_for_other_target_groups": "on"},
    "details": {"name": "Another name"},
    "project_manager": {"project_manager_id": "pm-2"},
    "dates": {"end_fielding_at": f"{timezone.now() + timedelta(days=9):%Y-%m-%dT%H:%M}"},
    "goals": {"completes_goal": "210", "quota.p1.t2": "130"},
    "assistant": {"quota_overlay.balance_fill": "on", "pacing": ""},
}
NAMES = (
    "",
    "body",
    "target_group_cpi.value",
    "filling_strategy",
    "terminates",
    "start_fielding_at",
    "body/end_fielding_at",
    "fielding_run",
    "$.live_url",
    "details[0].name",
    "completes_goal",
    "t1",
    "p1",
    "profiles[0].targets[0].quota.completes_goal",
    "profiles[7].targets[9]",
    "total_completes_goal_cannot_be_less_than_collected_076",
    "soft_launch",
    "soft_launch.end_at",
    "pricing.boost_cpi",
    "pricing.minimum_cpi.value",
    "quota_overlay.prevent_overfill",
    "fielding_assistant_assignment.quota_overlay.balance_fill",
    "pacing.increment_interval",
    "pacing.exposed_target_group_id",
    "pacing.type",
)


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account()), pricing_model="dynamic")


@pytest.fixture
def editor(client: Client, group: TargetGroup) -> Client:
    factories.exchange_user(group.account, exchange_id="pm-2")
    client.force_login(factories.person("editor", group.account))
    return client


def refused(
    editor: Client,
    group: TargetGroup,
    exchange: FakeExchange,
    kind: str,
    name: str | Sequence[Mapping[str, Any]],
) -> str:
    """The page of a form that the exchange refused with an objection of this name, or these."""
    reasons = [{"name": name, "reason": WORDS}] if isinstance(name, str) else map(dict, name)
    exchange.start_over()
    exchange.state, exchange.reasons = Edit.State.REJECTED, list(reasons)
    address = f"/groups/{group.pk}/edit/{kind}/"
    page = editor.get(address).content.decode()
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form, "the page has no form"
    stands = {
        "assistant": {
            "typed": "1",
            "quota_overlay.prevent_overfill": "on",
            "switch_off": "on",
            "pricing": "dynamic",
            "pricing.maximum_cpi": "3.5",
        },
    }
    typed = {"form": form[1], **stands.get(kind, {}), **TYPED[kind]}
    page = editor.post(address, typed).content.decode()
    assert exchange.sent, "the form was not sent"
    return page


@pytest.mark.parametrize("kind", TYPED)
def test_whatever_the_exchange_names_its_words_are_read(
    editor: Client, group: TargetGroup, exchange: FakeExchange, kind: str
) -> None:
    for name in NAMES:
        assert WORDS in refused(editor, group, exchange, kind, name), name


@pytest.mark.parametrize("kind", TYPED)
def test_no_objection_is_an_empty_line_or_a_code(
    editor: Client, group: TargetGroup, exchange: FakeExchange, kind: str
) -> None:
    """As `sync.push` keeps an error of the client."""
    silent = Refused(
        title="Bad request",
        detail="The sum of all quotas is too small",
        invalid_params=[InvalidParam("no_such_field.of_ours_076", "")],
    )
    page = refused(editor, group, exchange, kind, send.refusal_reasons(silent))
    assert "The sum of all quotas is too small" in page
    assert send.NO_REASON in page
    assert "of_ours" not in page


@pytest.mark.parametrize(
    ("of", "field"),
    [
        (("details", "$.live_url"), "d-live"),
        (("dates", "body/end_fielding_at"), "dates-end"),
        (("goals", "body.completes_goal"), "goals-total"),
        (("goals", "total_completes_goal_cannot_be_less_than_collected_076"), "goals-total"),
        (("goals", "t1"), "quota.p1.t1"),
        (("goals", "p1"), "quota.p1.t1"),
        (("goals", "profiles[0].targets[0].quota.completes_goal"), "quota.p1.t2"),
        (("assistant", "fielding_assistant_assignment.pricing.maximum_cpi"), "pricing.maximum_cpi"),
    ],
)
def test_an_objection_stands_at_the_field_that_it_is_about(
    editor: Client, group: TargetGroup, exchange: FakeExchange, of: tuple[str, str], field: str
) -> None:
    page = refused(editor, group, exchange, *of)
    at = re.search(rf'<span class="error" id="([^"]+)">{WORDS}', page)
    assert at
    assert at[1] in (f"{field}-error", f"e-{field}")


@pytest.mark.parametrize(("checks", "says"), [(0, "changed by someone else"), (3, "sent, but")])
def test_what_was_sent_and_is_held_otherwise_is_not_called_somebody_elses(
    group: TargetGroup, checks: int, says: str
) -> None:
    dollars = {"value": "2.70", "currency_code": "USD"}
    edit = Edit(
        group=group,
        kind=Edit.Kind.CPI,
        state=Edit.State.CONFLICT,
        checks=checks,
        before=dollars,
        wanted=dollars | {"value": "2.7123"},
        after=dollars | {"value": "2.71"},
    )
    assert history.edit_line(edit, {}, None).outcome.startswith(says)
