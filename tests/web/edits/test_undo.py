"""The way back from what a job of the exchange did: an action that leads there, or why none."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import Batch, Edit, TargetGroup
from tests import factories
from tests.fakes.edit_gateway import FakeExchange
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account()))


@pytest.fixture
def editor(client: Client, group: TargetGroup) -> Client:
    client.force_login(factories.person("editor", group.account))
    return client


def page(client: Client, made: Edit) -> str:
    return fold_white_space(client.get(f"/edits/{made.pk}/").content.decode())


def switched(group: TargetGroup, before: str, after: str) -> Edit:
    """A change of status that a job made."""
    TargetGroup.objects.filter(pk=group.pk).update(status=after)
    return factories.edit(group, kind="status", before=before, wanted=after, after=after)


def ahead(group: TargetGroup) -> TargetGroup:
    """Its end is to come."""
    group.ends_at = timezone.now() + timedelta(days=2)
    group.save()
    return group


@pytest.mark.parametrize(
    ("span", "action", "word"),
    [
        (("live", "paused"), "resume", "Undo: resume…"),
        (("paused", "live"), "pause", "Undo: pause…"),
        (("completed", "live"), "complete", "Undo: complete…"),
        (("live", "completed"), "relaunch", "Completion cannot be undone. Relaunch"),
    ],
)
def test_what_a_job_did_to_a_status_is_put_back_by_the_action_that_leads_there(
    editor: Client, group: TargetGroup, span: tuple[str, str], action: str, word: str
) -> None:
    made = switched(ahead(group), *span)
    said = page(editor, made)
    assert f'name="do" value="{action}"' in said
    assert word in said
    asked = editor.post("/act/", {"do": action, "pick": group.pk}).content.decode()
    assert "1 group will be changed" in asked
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("live", "completed", "The group cannot be relaunched either: its end"),
        ("scheduled", "completed", "Completion cannot be undone."),
        ("scheduled", "live", "A launch cannot be undone"),
        ("live", "paused", "It cannot be undone now: its end"),
    ],
)
def test_where_no_action_leads_back_the_page_says_why(
    editor: Client, group: TargetGroup, before: str, after: str, said: str
) -> None:
    group.ends_at = timezone.now() - timedelta(days=1)
    group.save()
    told = page(editor, switched(group, before, after))
    assert said in told
    assert 'name="do"' not in told


def test_a_status_that_somebody_else_changed_since_is_not_put_back(
    editor: Client, group: TargetGroup
) -> None:
    made = switched(ahead(group), "live", "paused")
    TargetGroup.objects.filter(pk=group.pk).update(status="completed")
    said = page(editor, made)
    assert "It was changed again since" in said
    assert 'name="do"' not in said


def test_a_group_is_handed_back_to_who_managed_it_before(
    editor: Client, group: TargetGroup
) -> None:
    old, new = (factories.exchange_user(group.account, name=name) for name in ("Olga", "Nils"))
    given = {"before": old.exchange_id, "wanted": new.exchange_id, "after": new.exchange_id}
    made = factories.edit(group, kind="manager", **given)
    assert "It was changed again since" in page(editor, made)
    TargetGroup.objects.filter(pk=group.pk).update(project_manager_id=new.exchange_id)
    said = page(editor, made)
    assert f'name="manager" value="{old.exchange_id}"' in said
    form = {"do": "manager", "pick": group.pk, "typed": "1", "manager": old.exchange_id}
    asked = editor.post("/act/", form).content.decode()
    assert "Reassign PM: 1 of 1 group" in asked
    Edit.objects.update(before="")
    assert "The previous project manager is not known" in page(editor, made)
    editor.force_login(factories.person("viewer", group.account))
    assert "Nobody" not in page(editor, made)


@pytest.mark.parametrize("state", ["rejected", "conflict", "given_up"])
def test_what_came_to_nothing_is_filled_in_again(
    editor: Client, group: TargetGroup, exchange: FakeExchange, state: str
) -> None:
    wanted = {"value": "3.10", "currency_code": "USD"}
    made = factories.edit(group, state=state, wanted=wanted, after=None)
    again = re.search(r'href="(/groups/[^"]+again=\d+)"', page(editor, made))
    assert again
    assert 'value="3.10"' in editor.get(again[1]).content.decode()
    assert exchange.sent == []
    other = factories.edit(factories.group(group.project), state=state, wanted=wanted, after=None)
    assert 'value="3.10"' not in editor.get(f"{again[1][:-1]}{other.pk}").content.decode()


def test_what_was_confirmed_or_is_on_its_way_is_not_filled_in_again(
    editor: Client, group: TargetGroup
) -> None:
    for state in ("confirmed", "unknown"):
        assert "again=" not in page(editor, factories.edit(group, state=state))
