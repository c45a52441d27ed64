"""Undo all: the old values of a bulk change go back as one job, where its own values still hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    ExchangeAccount,
    Project,
    TargetGroup,
)
from dashboard.web.edits.forms.datetimes import rfc3339_stamp
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account)


@pytest.fixture
def editor(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("editor", account))
    return client


def usd(value: str) -> dict[str, str]:
    return {"value": value, "currency_code": "USD"}


def group(project: Project, name: str, **fields: Any) -> TargetGroup:
    """A live group at 2.20 USD, which a job raised from 2.00 USD."""
    given: dict[str, Any] = {
        "cpi": Decimal("2.20"),
        "ends_at": timezone.now() + timedelta(days=2),
    }
    return factories.group(project, name=name, **(given | fields))


def ended(
    action: str, groups: Sequence[TargetGroup], kind: str, before: object, after: object
) -> Batch:
    """A job that took each of these groups from one value to another."""
    batch = Batch.objects.create(action=action, token=f"t-{groups[0].pk}", created_at=factories.NOW)
    jobs: dict[int, BatchJob] = {}
    for one in groups:
        job = jobs.get(one.project_id) or BatchJob.objects.create(
            batch=batch, project_id=one.project_id, key=f"k{one.pk}", finished_at=factories.NOW
        )
        jobs[one.project_id] = job
        edit = factories.edit(one, kind=kind, before=before, wanted=after, after=after)
        BatchGroup.objects.create(
            job=job, group=one, seen=before, wanted=after, edit=edit, state=BatchGroup.State.DONE
        )
    return batch


def raised(*groups: TargetGroup) -> Batch:
    return ended("cpi", groups, "cpi", usd("2.00"), usd("2.20"))


def page(client: Client, address: str) -> str:
    return fold_white_space(client.get(address).content.decode())


def preview(client: Client, batch: Batch) -> str:
    return page(client, f"/jobs/{batch.pk}/undo/")


def send(client: Client, shown: str, action: str) -> Batch:
    """Press the button of the preview."""
    sealed = re.search(r'name="sealed" value="([^"]+)"', shown)
    assert sealed, "there is nothing to send"
    answer = client.post("/act/", {"do": action, "sealed": sealed[1]})
    return Batch.objects.get(pk=answer.headers["Location"].split("/")[2])


def test_a_row_of_a_job_shows_the_old_and_the_new_value(editor: Client, project: Project) -> None:
    shown = page(editor, f"/jobs/{raised(group(project, 'Japan')).pk}/")
    assert '<bdi class="old">2.00 USD</bdi> → <bdi class="new">2.20 USD</bdi>' in shown
    assert "Undo all…" in shown


def test_undo_all_previews_the_old_prices_and_sends_nothing(
    editor: Client, project: Project
) -> None:
    batch = raised(group(project, "Japan"), group(project, "Korea"))
    shown = preview(editor, batch)
    assert "Undo “Change CPI”: 2 of 2 groups" in shown
    assert "<bdi>2.20 USD</bdi>" in shown
    assert "<bdi>2.00 USD (−9 %)</bdi>" in shown
    assert 'aria-label="Change"' not in shown  # nothing is left to choose
    assert f'href="/jobs/{batch.pk}/">Cancel' in shown
    assert list(Batch.objects.all()) == [batch]


def test_the_old_prices_are_one_new_job_however_often_the_preview_is_sent(
    editor: Client, project: Project
) -> None:
    one, other = group(project, "Japan"), group(project, "Korea")
    batch = raised(one, other)
    shown = preview(editor, batch)
    undone = send(editor, shown, "cpi")
    assert send(editor, shown, "cpi") == undone
    assert Batch.objects.count() == 2
    rows = BatchGroup.objects.filter(job__batch=undone).order_by("group__name")
    assert [(row.group, row.seen, row.wanted) for row in rows] == [
        (one, usd("2.20"), usd("2.00")),
        (other, usd("2.20"), usd("2.00")),
    ]
    assert undone.title == "Undo “Change CPI”"
    assert f'href="/jobs/{batch.pk}/">What it undoes' in page(editor, f"/jobs/{undone.pk}/")


def test_a_group_that_someone_changed_meanwhile_stays_as_it_is(
    editor: Client, project: Project
) -> None:
    theirs, ours = group(project, "Japan"), group(project, "Korea")
    batch = raised(theirs, ours)
    TargetGroup.objects.filter(pk=theirs.pk).update(cpi="4.10")
    shown = preview(editor, batch)
    assert "Undo “Change CPI”: 1 of 2 groups" in shown
    assert "Japan</bdi></a>: it was changed again since: 4.10 USD now" in shown
    undone = send(editor, shown, "cpi")
    assert BatchGroup.objects.get(job__batch=undone).group == ours


def test_a_later_edit_is_a_change_even_where_it_led_to_the_same_value(
    editor: Client, project: Project
) -> None:
    one = group(project, "Japan")
    batch = raised(one)
    factories.edit(one, after=usd("2.20"), started_at=factories.NOW + timedelta(hours=1))
    assert "Japan</bdi></a>: it was changed again since</li>" in preview(editor, batch)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"state": "rejected"}, "this job did not change it"),
        ({"state": "conflict"}, "this job did not change it"),
        ({"state": "unknown", "settled_at": None}, "the change is not confirmed yet"),
        ({"before": None}, "its previous value is not known"),
        ({"before": {"value": "2", "currency_code": "EUR"}}, "its previous value is not known"),
    ],
)
def test_what_the_job_did_not_change_for_certain_is_not_undone(
    editor: Client, project: Project, facts: dict[str, Any], reason: str
) -> None:
    batch = raised(group(project, "Japan"))
    Edit.objects.update(**facts)
    shown = preview(editor, batch)
    assert f"Japan</bdi></a>: {reason}" in shown
    assert "sealed" not in shown


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "completed"}, "is completed"),
        ({"pricing_model": "rate_card"}, "the rate card sets its CPI"),
    ],
)
def test_what_cannot_have_its_old_price_says_why(
    editor: Client, project: Project, fields: dict[str, Any], reason: str
) -> None:
    batch = raised(group(project, "Japan", **fields))
    assert f"Japan</bdi></a>: {reason}" in preview(editor, batch)


def test_end_dates_go_back_unless_they_have_passed(editor: Client, project: Project) -> None:
    now = timezone.now().replace(microsecond=0)
    start, new = now - timedelta(days=7), now + timedelta(days=3)

    def dates(end: Any) -> dict[str, str]:
        return {"start_fielding_at": rfc3339_stamp(start), "end_fielding_at": rfc3339_stamp(end)}

    one = group(project, "Japan", starts_at=start, ends_at=new)
    old = dates(now + timedelta(days=1))
    batch = ended("end", [one], "dates", old, dates(new))
    undone = send(editor, preview(editor, batch), "end")
    row = BatchGroup.objects.get(job__batch=undone)
    assert (row.seen, row.wanted) == (dates(new), old)
    Edit.objects.filter(batch_group__job__batch=batch).update(before=dates(now - timedelta(days=1)))
    assert "its previous end date has passed" in preview(editor, batch)


def test_managers_go_back_to_the_one_that_most_groups_had(
    editor: Client, project: Project, account: ExchangeAccount
) -> None:
    anna, ben, carl = (factories.exchange_user(account, name=name) for name in ("Anna", "Ben", "C"))
    rows = [
        group(project, name, project_manager_id=carl.exchange_id) for name in ("A1", "A2", "B1")
    ]
    batch = ended("manager", rows, "manager", anna.exchange_id, carl.exchange_id)
    batch.wanted = {"manager_id": carl.exchange_id, "name": "C"}
    batch.save()
    Edit.objects.filter(group=rows[2]).update(before=ben.exchange_id)
    shown = preview(editor, batch)
    assert "Undo “Reassign PM”: 2 of 3 groups" in shown
    assert "B1</bdi></a>: goes to Ben: undo again after this" in shown
    undone = send(editor, shown, "manager")
    assert undone.wanted["manager_id"] == anna.exchange_id
    rows_sent = BatchGroup.objects.filter(job__batch=undone)
    assert {row.wanted for row in rows_sent} == {anna.exchange_id}


def test_a_pause_is_undone_by_a_resume_of_what_is_still_paused(
    editor: Client, project: Project
) -> None:
    paused, resumed = group(project, "Japan", status="paused"), group(project, "Korea")
    batch = ended("pause", [paused, resumed], "status", "live", "paused")
    shown = preview(editor, batch)
    assert "Resume: 1 of 2 groups" in shown
    assert "Korea</bdi></a>: it was changed again since: Live now" in shown
    undone = send(editor, shown, "resume")
    assert BatchGroup.objects.get(job__batch=undone).group == paused


def test_a_completion_cannot_be_undone(editor: Client, project: Project) -> None:
    batch = ended(
        "complete", [group(project, "J", status="completed")], "status", "live", "completed"
    )
    assert "Undo all" not in page(editor, f"/jobs/{batch.pk}/")
    answer = editor.get(f"/jobs/{batch.pk}/undo/", follow=True)
    assert "Complete cannot be undone." in answer.content.decode()


def test_a_viewer_is_offered_no_undo_and_refused_one(
    client: Client, project: Project, account: ExchangeAccount
) -> None:
    batch = raised(group(project, "Japan"))
    client.force_login(factories.person("viewer", account))
    assert "Undo all" not in page(client, f"/jobs/{batch.pk}/")
    assert client.get(f"/jobs/{batch.pk}/undo/").status_code == 403


def test_groups_of_an_account_that_one_may_only_view_are_listed_and_left(
    editor: Client, project: Project, account: ExchangeAccount
) -> None:
    elsewhere = factories.account()
    theirs = group(factories.project(elsewhere), "Theirs")
    person = account.memberships.get(role="editor").user
    person.memberships.create(account=elsewhere, role="viewer")
    batch = raised(group(project, "Ours"), theirs)
    shown = preview(editor, batch)
    assert "Theirs</bdi></a>: you may not change this group" in shown
    undone = send(editor, shown, "cpi")
    assert BatchGroup.objects.get(job__batch=undone).group.name == "Ours"


def test_a_stranger_does_not_find_the_job(client: Client, project: Project) -> None:
    batch = raised(group(project, "Japan"))
    client.force_login(factories.person("administrator", factories.account()))
    assert client.get(f"/jobs/{batch.pk}/undo/").status_code == 404


def test_an_undo_that_failed_is_retried_from_the_job_that_it_undoes(
    editor: Client, project: Project
) -> None:
    batch = raised(group(project, "Japan"))
    undone = send(editor, preview(editor, batch), "cpi")
    BatchGroup.objects.filter(job__batch=undone).update(state=BatchGroup.State.FAILED, edit=None)
    shown = page(editor, f"/jobs/{undone.pk}/")
    assert "1 refused" in shown
    assert f'href="/jobs/{batch.pk}/undo/">Retry the groups that did not change' in shown
    assert "Undo “Change CPI”: 1 of 1 group" in preview(editor, batch)


def test_the_undo_of_many_groups_takes_as_many_queries_as_that_of_one(
    editor: Client, project: Project
) -> None:
    def queries(batch: Batch) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert "will be changed" in preview(editor, batch)
        return len(captured)

    few, many = raised(group(project, "A")), raised(*(group(project, f"G{n}") for n in range(6)))
    queries(few)  # the first request of a test reads what later ones have
    assert queries(many) == queries(few)
