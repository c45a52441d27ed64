"""What is still open says what it waits for, since when, and until when if that is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    ExchangeAccount,
    Heartbeat,
    Project,
    TargetGroup,
)
from dashboard.sync import scheduling
from dashboard.web.connections.waits import Workers, first_sync_wait, join_waits, refresh_wait
from dashboard.web.edits.waits import edit_wait, job_wait
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
HELP = 'href="/help/operate/#no-worker-runs"'
LIMIT = "The request limit has been reached"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account(read_at=timezone.now())))


@pytest.fixture
def editor(client: Client, group: TargetGroup) -> Client:
    client.force_login(factories.person("editor", group.account))
    return client


def worked(at: datetime) -> None:
    Heartbeat.objects.update_or_create(name="work", defaults={"at": at})


def open_edit(group: TargetGroup, now: datetime, **fields: Any) -> Edit:
    """A change that Cint took two minutes ago and does not show yet."""
    started = now - timedelta(minutes=2)
    given = {
        "state": "unknown",
        "after": None,
        "settled_at": None,
        "started_at": started,
        "check_at": now + timedelta(seconds=20),
        "sent": True,
        "taken": True,
    }
    return factories.edit(group, **(given | fields))


def pages_of(edit: Edit) -> dict[str, str]:
    group = edit.group
    assert group
    return {
        "its page": f"/edits/{edit.pk}/",
        "the line after saving": f"/edits/{edit.pk}/line/",
        "the group": f"/groups/{group.pk}/",
        "the project's history": f"/projects/{group.project_id}/history/",
        "activity": "/activity/",
    }


def shown(client: Client, address: str) -> str:
    return fold_white_space(client.get(address).content.decode())


def time_of(moment: datetime | None) -> str:
    assert moment
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M}'


@pytest.mark.parametrize(
    "place",
    ["its page", "the line after saving", "the group", "the project's history", "activity"],
)
def test_an_edit_that_no_worker_checks_says_so_wherever_it_is_shown(
    editor: Client, group: TargetGroup, now: datetime, place: str
) -> None:
    due, silent = now - timedelta(minutes=3), now - timedelta(minutes=40)
    worked(silent)
    edit = open_edit(group, now, check_at=due)
    text = shown(editor, pages_of(edit)[place])
    assert f"Waiting for a worker since {time_of(due)}" in text
    assert f"none has run since {time_of(silent)}" in text
    assert HELP in text


def test_an_edit_that_workers_are_too_busy_to_check_says_so(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    worked(now)
    edit = open_edit(group, now, check_at=now - timedelta(minutes=3))
    text = shown(editor, f"/edits/{edit.pk}/")
    assert "all are busy with other work" in text
    assert HELP not in text


def test_where_no_worker_ever_ran_an_overdue_edit_says_that(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    edit = open_edit(group, now, check_at=now - timedelta(minutes=3))
    assert "none has run yet" in shown(editor, f"/edits/{edit.pk}/")


def test_an_edit_whose_check_failed_says_why_since_when_and_when_it_is_checked_next(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    worked(now)
    since = now - timedelta(minutes=7)
    reasons = [{"name": "", "reason": LIMIT, "since": since.isoformat()}]
    edit = open_edit(group, now, reasons=reasons)
    for place in pages_of(edit).values():
        text = shown(editor, place)
        assert f"Waiting since {time_of(since)}" in text
        assert f"<bdi>{LIMIT}.</bdi> Fieldwatch tries again at" in text
        assert time_of(edit.check_at) in text
    assert "Errors" not in shown(editor, f"/edits/{edit.pk}/")


def test_an_edit_that_cint_does_not_show_yet_says_until_when_it_is_checked(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    worked(now)
    edit = open_edit(group, now)
    text = shown(editor, f"/edits/{edit.pk}/")
    assert "for Cint to show the result" in text
    assert f"the last one at about {time_of(edit.started_at + timedelta(minutes=4))}" in text


def test_an_edit_that_has_ended_waits_for_nothing(group: TargetGroup, now: datetime) -> None:
    silent = Workers(now - timedelta(hours=1), now)
    assert edit_wait(factories.edit(group, check_at=now - timedelta(hours=1)), silent) is None


def test_an_edit_that_is_being_sent_waits_for_nothing(group: TargetGroup, now: datetime) -> None:
    edit = open_edit(group, now, state="sending", sent=False, taken=None)
    assert edit_wait(edit, Workers(now, now)) is None


def test_an_edit_made_after_the_last_worker_stopped_waits_since_it_was_made(
    group: TargetGroup, now: datetime
) -> None:
    edit = open_edit(group, now)
    wait = edit_wait(edit, Workers(now - timedelta(hours=1), now))
    assert wait
    assert (wait.waits_for, wait.since) == ("worker", edit.started_at)


def test_a_group_page_that_is_refreshed_learns_that_its_edit_waits(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    worked(now)
    edit = open_edit(group, now)
    address = f"/groups/{group.pk}/"
    known = {"If-None-Match": editor.get(address)["ETag"], "HX-Request": "true"}
    assert editor.get(address, headers=known).status_code == 304
    Edit.objects.filter(pk=edit.pk).update(check_at=now - timedelta(minutes=3))
    answer = editor.get(address, headers=known)
    assert "Waiting for a worker since" in fold_white_space(answer.content.decode())


def open_job(group: TargetGroup, now: datetime, **fields: Any) -> BatchJob:
    batch: Batch = factories.batch(group, created_at=now - timedelta(minutes=10))
    given = {"finished_at": None, "check_at": now + timedelta(seconds=10)}
    batch.jobs.update(**(given | fields))
    BatchGroup.objects.filter(job__batch=batch).update(state="waiting")
    job: BatchJob = batch.jobs.get()
    return job


@pytest.mark.parametrize("place", ["/jobs/{}/", "/jobs/"])
def test_a_bulk_change_that_waits_for_a_free_request_says_since_when(
    editor: Client, group: TargetGroup, now: datetime, place: str
) -> None:
    worked(now)
    since = now - timedelta(minutes=6)
    job = open_job(group, now, error=LIMIT, waiting_since=since)
    text = shown(editor, place.format(job.batch_id))
    assert f"Waiting since {time_of(since)}" in text
    assert f"<bdi>{LIMIT}.</bdi> Fieldwatch tries again at" in text
    assert time_of(job.check_at) in text


@pytest.mark.parametrize("place", ["/jobs/{}/", "/jobs/"])
def test_a_bulk_change_that_cint_asked_to_wait_says_since_when_and_until_when(
    editor: Client, group: TargetGroup, now: datetime, place: str
) -> None:
    worked(now)
    since, until = now - timedelta(minutes=6), now + timedelta(minutes=30)
    job = open_job(group, now, waiting_since=since, wait_until=until, check_at=until)
    text = shown(editor, place.format(job.batch_id))
    assert f"Cint asked Fieldwatch to wait until {time_of(until)}" in text
    assert f"waiting since {time_of(since)}" in text


def test_the_edit_of_a_bulk_change_waits_as_its_job_does(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    worked(now - timedelta(minutes=8))
    job = open_job(group, now, check_at=now - timedelta(minutes=5))
    edit = open_edit(group, now, kind="status", state="sending", check_at=None)
    BatchGroup.objects.filter(job=job).update(edit=edit)
    for place in pages_of(edit).values():
        if not place.endswith("/line/"):
            assert f"Waiting for a worker since {time_of(job.check_at)}" in shown(editor, place)


def test_a_job_that_goes_on_after_a_wait_no_longer_says_that_it_waits(
    editor: Client, group: TargetGroup, now: datetime
) -> None:
    job = open_job(group, now, error=LIMIT, waiting_since=None)
    assert job_wait(job, Workers(now, now)) is None
    assert LIMIT not in shown(editor, f"/jobs/{job.batch_id}/")


def test_the_same_wait_of_several_jobs_is_said_once(group: TargetGroup, now: datetime) -> None:
    workers = Workers(now, now)
    first, last = now - timedelta(minutes=6), now - timedelta(minutes=2)
    jobs = [open_job(group, now, error=LIMIT, waiting_since=since) for since in (last, first)]
    (wait,) = join_waits(wait for job in jobs if (wait := job_wait(job, workers)))
    assert wait.since == first


def opened(now: datetime, **fields: Any) -> Project:
    """A project whose page was opened three minutes ago, and which was not read since."""
    account = factories.account(read_at=now, requests_per_minute=600)
    given = {
        "read_at": now - timedelta(hours=1),
        "due_at": now - timedelta(minutes=3),
        "urgency": scheduling.LOOKED_AT,
    }
    project: Project = factories.project(account, **(given | fields))
    return project


def test_a_refresh_that_the_request_limit_holds_up_says_since_when(now: datetime) -> None:
    project = opened(now)
    wait = refresh_wait(project, Workers(now, now))
    assert wait
    assert (wait.waits_for, wait.since) == ("requests", project.due_at)


def test_a_refresh_that_is_queued_waits_for_a_worker(now: datetime) -> None:
    later = now + timedelta(seconds=30)
    project = opened(now, lease=scheduling.QUEUED, leased_until=later)
    wait = refresh_wait(project, Workers(now, now))
    assert wait
    assert (wait.waits_for, wait.since, wait.is_busy) == ("worker", project.due_at, True)


def test_a_refresh_that_was_parked_says_when_it_is_tried_again(now: datetime) -> None:
    later = now + timedelta(minutes=40)
    project = opened(now, leased_until=later, error="Reading this failed 3 times part-way.")
    wait = refresh_wait(project, Workers(now, now))
    assert wait
    assert (wait.waits_for, wait.next_at, wait.why) == ("retry", later, project.error)


@pytest.mark.parametrize(
    "fields",
    [
        {"urgency": scheduling.LIVE},
        {"due_at": None},
        {"lease": "0f" * 16, "leased_until": timezone.now() + timedelta(hours=1)},
        {"missing_since": timezone.now()},
    ],
    ids=["nobody asked", "not due", "being read", "not listed"],
)
def test_what_is_read_anyway_or_never_waits_for_nothing(
    now: datetime, fields: dict[str, Any]
) -> None:
    assert refresh_wait(opened(now, **fields), Workers(now, now)) is None


@pytest.mark.parametrize("page", ["projects", "groups"])
def test_a_page_that_waits_for_its_refresh_says_so_once_it_is_late(
    client: Client, now: datetime, page: str
) -> None:
    worked(now)
    project = opened(now, due_at=now)
    group = factories.group(project)
    client.force_login(factories.person("editor", project.account))
    address = f"/{page}/{project.pk if page == 'projects' else group.pk}/"
    first = client.get(address)
    assert "An update is due" not in first.content.decode()
    due = now - timedelta(minutes=3)
    Project.objects.filter(pk=project.pk).update(due_at=due)
    known = {"If-None-Match": first["ETag"], "HX-Request": "true"}
    text = fold_white_space(client.get(address, headers=known).content.decode())
    assert f"An update is due. Waiting since {time_of(due)}" in text
    assert "for its turn: the request limit" in text


def connected(now: datetime, **fields: Any) -> ExchangeAccount:
    """A connection that was added three minutes ago."""
    account: ExchangeAccount = factories.account(
        **({"read_at": None, "due_at": now - timedelta(minutes=3)} | fields)
    )
    return account


def test_a_first_sync_that_no_worker_begins_says_since_when(client: Client, now: datetime) -> None:
    account = connected(now)
    client.force_login(factories.person("administrator", account))
    text = shown(client, f"/connections/{account.pk}/first-sync/")
    assert f"Waiting for a worker since {time_of(account.due_at)}" in text


def test_a_first_sync_that_a_worker_has_begun_waits_for_nothing(now: datetime) -> None:
    account = connected(now, lease="0f" * 16, leased_until=now + timedelta(minutes=1))
    assert first_sync_wait(account, Workers(now, now)) is None
