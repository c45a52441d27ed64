"""Several drafts launched at once: each with its dates shown before, and a result of its own."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.fielding.models import BatchGroup, Edit, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.sync.batches import jobs
from dashboard.sync.connections import clients
from dashboard.sync.edits import launch
from dashboard.sync.edits import send as push
from dashboard.sync.edits.kinds import draft as drafts
from dashboard.sync.edits.kinds.base import exchange_ids
from tests.web.drafts.test_draft_views import (
    account,
    draft,
    editor,
    new,
    opened,
    project,
    simulator,
    typed,
)

__all__ = ["account", "draft", "editor", "new", "project", "simulator"]
pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def two(editor: Client, new: str, draft: TargetGroup) -> list[TargetGroup]:
    """One draft that may be launched, and one without a live URL."""
    bare = typed(name="Without a survey", live_url="")
    editor.post(new, opened(editor, new) | bare)
    return [draft, TargetGroup.objects.get(name="Without a survey")]


def act(editor: Client, groups: list[TargetGroup], do: str = "drafts", **form: str) -> str:
    picked = {"do": do, "typed": "1", "pick": [one.pk for one in groups]}
    return editor.post("/act/", picked | form).content.decode()


def send(editor: Client, page: str) -> Any:
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert sealed, page
    return editor.post("/act/", {"do": "drafts", "sealed": sealed[1]}, follow=True)


def finish(simulator: Simulator) -> None:
    """The exchange's jobs end, and the worker looks."""
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + timedelta(minutes=1))


def test_drafts_are_launched_with_a_typed_end_and_each_has_a_result(
    editor: Client, two: list[TargetGroup], simulator: Simulator
) -> None:
    end = f"{timezone.now() + timedelta(days=9):%Y-%m-%dT18:00}"
    page = act(editor, two, when="now", to=end)
    assert "Launch drafts: 1 of 2 groups" in page
    assert "immediately, to " in page
    assert "18:00 Berlin" in page
    assert "<strong>384 EUR at most</strong>" in page
    assert "Without a survey</bdi></a>: has no live URL" in page
    assert not Edit.objects.filter(kind="launch").exists()
    batch_page = send(editor, page).content.decode()
    assert "In progress on Cint." in batch_page
    finish(simulator)
    made = Edit.objects.get(kind="launch")
    assert made.state == "confirmed"
    again = editor.get(
        reverse("batch", args=[BatchGroup.objects.get().job.batch_id])
    ).content.decode()
    assert "1 done" in again
    two[0].refresh_from_db()
    assert two[0].status == "live"
    assert two[0].ends_at is not None
    assert two[0].ends_at.astimezone(BERLIN).strftime("%H:%M") == "18:00"


def test_drafts_are_scheduled_with_their_own_dates_however_often_it_is_sent(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    page = act(editor, [draft], when="own", to="")
    assert "Schedule drafts: 1 of 1 group" in page
    assert "Fieldwork and spend start on this group's start date." in page
    send(editor, page)
    sent = send(editor, page)
    finish(simulator)
    told = editor.get(sent.request["PATH_INFO"]).content.decode()
    assert "<h1>Schedule drafts</h1>" in told
    assert '<span class="tag good">Scheduled</span>' in told
    assert "09:00 Berlin" in told
    assert "Launch" not in told.partition("<main")[2]
    draft.refresh_from_db()
    assert draft.status == "scheduled"
    assert simulator.requests()["create_schedule_fielding_run_from_draft_job"] == 1
    assert "create_bulk_launch_target_groups_job" not in simulator.requests()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"when": "", "to": ""}, "Choose when the drafts start."),
        ({"when": "now", "to": "2020-01-01T10:00"}, "this end date has passed"),
        ({"when": "now", "to": "soon"}, "Enter a date and time"),
    ],
)
def test_dates_that_cannot_be_are_refused(
    editor: Client, draft: TargetGroup, form: dict[str, str], said: str
) -> None:
    assert said in act(editor, [draft], **form)


def test_a_draft_that_was_changed_since_it_was_shown_is_not_launched(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    page = act(editor, [draft], when="now", to="")
    seen = push.read_current_value(group=draft, kind="draft")
    push.send_edit(
        group=draft,
        kind="draft",
        seen=seen,
        wanted=seen | {"completes_goal": 999},
        by=User.objects.get(),
        token="theirs",
    )
    assert jobs.CHANGED in send(editor, page).content.decode()
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()


def test_a_draft_is_not_taken_by_the_job_for_scheduled_groups(
    editor: Client, draft: TargetGroup
) -> None:
    assert "is a draft: use" in act(editor, [draft], do="launch")


def test_suppliers_shares_that_a_colleague_changed_since_stop_the_launch(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    page = act(editor, [draft], when="now", to="")
    held = push.read_current_value(group=draft, kind="draft")
    held["allocations"]["open_exchange_allocations"]["exchange_max_percentage"] = 60
    client = clients.client_for(draft.account)
    client.update_target_group(**exchange_ids(draft), draft=drafts.draft_request(held))
    assert "Someone else changed this. Nothing was sent." in send(editor, page).content.decode()
    assert Edit.objects.get(kind="launch").reasons[0]["name"] == "allocations"
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()


def test_shares_that_were_read_anew_since_the_preview_stop_it_as_well(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    page = act(editor, [draft], when="now", to="")
    draft.details["allocations"] = {"open_exchange_allocations": {"exchange_max_percentage": 60}}
    draft.save()
    assert jobs.CHANGED in send(editor, page).content.decode()
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()
