"""What to do about a group, on its page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Incident, Item, TargetGroup
from dashboard.web.groups.panels.to_do import without_repeats
from tests import factories
from tests.web.one_story.surfaces import text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
PAUSED = {"status": "paused", "status_reason": "low_epc", "status_changed_by": "system_user"}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


DAYS = timedelta(days=7)


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    """A live group whose fielding period is not over."""
    return factories.group(factories.project(account), name="Japan", ends_at=timezone.now() + DAYS)


def signed_in(client: Client, account: ExchangeAccount, role: str = "editor") -> Client:
    client.force_login(factories.person(role, account))
    return client


def panel_of(client: Client, group: TargetGroup) -> str:
    page = fold_white_space(client.get(f"/groups/{group.pk}/").content.decode())
    return page.partition('<h2 id="to-do">')[2].partition("</section>")[0]


def incident(group: TargetGroup, sentence: str, **fields: Any) -> Incident:
    given = {
        "rule": "stalled",
        "key": f"k{sentence}",
        "state": "firing",
        "severity": 1,
        "sentence": f"{group.name}: {sentence}",
        "breached_at": factories.NOW,
        "fired_at": factories.NOW,
    }
    return Incident.objects.create(
        account=group.account, project=group.project, group=group, **(given | fields)
    )


def test_an_item_has_the_title_the_button_and_the_figures_of_its_sheet(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    item = factories.item(group, critical=True)
    panel = panel_of(signed_in(client, account), group)
    sheet = fold_white_space(client.get(f"/items/{item.pk}/").content.decode())
    title, button = "Too slow at this CPI: raise the CPI", "Change CPI"
    for place in (panel, sheet):
        assert title in place
        assert f">{button}</a>" in place
        assert f'href="/groups/{group.pk}/edit/cpi/"' in place
        assert "Projected 40 short of 200." in place
        assert "Critical" in place
    assert f'href="/items/{item.pk}/"' in panel
    assert 'hx-target="#form-here"' in panel  # the form opens on the page itself
    assert "40 completes at risk · 7 days left" in text_of(panel)


def test_a_resume_is_a_button_of_the_form_outside_the_refreshed_part(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    TargetGroup.objects.update(**PAUSED)
    factories.item(group, remedy="ask_reason")
    panel = panel_of(signed_in(client, account), group)
    assert '<button class="primary" form="act" name="do" value="resume">Resume</button>' in panel


def test_who_only_views_gets_no_action(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    item = factories.item(group)
    panel = panel_of(signed_in(client, account, "viewer"), group)
    assert f'<a class="button" href="/items/{item.pk}/">View item</a>' in panel
    assert "primary" not in panel


def test_two_items_are_shown_those_waiting_last_and_the_rest_is_counted(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    person = factories.person("editor", account)
    waiting = {"state": Item.State.WAITING, "waiting": "acknowledged", "waiting_by": person}
    factories.item(group, remedy="extend", value=90, **waiting)
    factories.item(group, remedy="raise_cpi", value=10)
    panel = panel_of(signed_in(client, account), group)
    assert panel.index("raise the CPI") < panel.index("extend the end date")
    assert f"Acknowledged by {person}" in panel
    factories.item(group, remedy="relax_quotas", value=20)
    panel = panel_of(client, group)
    assert panel.index("relax or merge") < panel.index("raise the CPI")
    assert "extend the end date" not in panel
    assert "+ 1 more item in To do" in text_of(panel)


def test_alerts_of_the_items_shown_are_not_said_twice(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    item = factories.item(group, sentence="Projected 40 short of 200.")
    incident(group, "Projected 40 short of 200.", item=item)
    other = incident(group, "CPI changed to 3.10 USD.", severity=3)
    page = signed_in(client, account).get(f"/groups/{group.pk}/").content.decode()
    assert page.count("Projected 40 short of 200.") == 1
    panel = panel_of(client, group)
    assert f'<a class="plain" href="/incidents/{other.pk}/"><bdi>CPI changed to 3.10 USD.' in panel
    assert "Notice" in panel


def test_what_the_verdict_says_is_not_said_again() -> None:
    said = "Paused by Cint since Sat 11:26 Toronto: low EPC. 100 of 200 completes. More follows."
    item = "Paused by Cint since Sat 11:26 Toronto: low EPC. 100 of 200 completes. Raise the CPI."
    assert without_repeats(item, said) == "Raise the CPI."
    assert without_repeats("LOI 14.2 min.", said) == "LOI 14.2 min."
    assert without_repeats(said, said) == ""


def test_a_group_without_items_and_alerts_says_so(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    assert "Nothing: no alert is open." in panel_of(signed_in(client, account), group)


CAUSE = {
    "sentence": "IR below bid",
    "observed": "IR 20 %",
    "expected": "bid 50 %",
    "advice": "Re-bid IR.",
}


def test_without_an_alert_the_likeliest_cause_of_a_bad_verdict_is_named_and_only_there(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    short = {"forecast": {"at_end": [150, 160, 170]}, "causes": [CAUSE]}
    TargetGroup.objects.update(insight=short)
    page = signed_in(client, account).get(f"/groups/{group.pk}/").content.decode()
    assert page.count("IR below bid") == 1
    panel = panel_of(client, group)
    assert "IR below bid IR 20 % · bid 50 % Re-bid IR." in text_of(panel)
    TargetGroup.objects.update(insight=short | {"causes": []})
    assert "No alert is open, and the metrics point to no cause." in panel_of(client, group)
    factories.item(group)
    TargetGroup.objects.update(insight=short)
    assert "IR below bid" not in panel_of(client, group)
    assert "IR below bid" in client.get(f"/groups/{group.pk}/").content.decode()


@pytest.mark.parametrize("status", ["draft", "archived", "completed"])
def test_a_draft_and_what_is_done_need_nothing(
    client: Client, account: ExchangeAccount, group: TargetGroup, status: str
) -> None:
    TargetGroup.objects.update(status=status)
    assert panel_of(signed_in(client, account), group) == ""


def test_a_completed_group_shows_what_is_open(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    TargetGroup.objects.update(status="completed")
    factories.item(group, remedy="check_price")
    assert "check the new CPI" in panel_of(signed_in(client, account), group)


def test_closed_items_and_those_of_other_groups_are_not_shown(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    factories.item(group, state=Item.State.CLOSED)
    factories.item(factories.group(group.project))
    assert "raise the CPI" not in panel_of(signed_in(client, account), group)
