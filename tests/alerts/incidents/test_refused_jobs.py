"""What a job refused is told to who asked for it, unless they looked at the results themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.alerts.incidents import refused_jobs as refused
from dashboard.fielding.models import Batch, BatchGroup, BatchJob, Edit, Incident, Notice, Rule
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, states


def job(field: Field, *, refused: int = 2, by_edit: bool = False, **given: Any) -> BatchJob:
    """A job on three groups that ended five minutes ago."""
    mark = f"form-{Batch.objects.count()}"
    batch = Batch.objects.create(
        action=Batch.Action.PAUSE, by=field.pm, token=mark, created_at=after(-6), **given
    )
    made = BatchJob.objects.create(
        batch=batch, project=field.project, key=mark, finished_at=after(-5)
    )
    for number in range(3):
        group = field.group(name=f"Group {number}")
        fails = number < refused
        edit = factories.edit(
            group, kind="status", state="rejected" if fails else "confirmed", by=field.pm
        )
        BatchGroup.objects.create(
            job=made,
            group=group,
            state="failed" if fails else "done",
            reason="It is archived." if fails else "",
            edit=edit if by_edit else None,
        )
    return made


def test_what_a_job_refused_behind_a_persons_back_is_told_once(field: Field) -> None:
    made = job(field)
    detect.evaluate_by_time(now=after(0))
    detect.evaluate_by_time(now=after(5))
    incident = Incident.objects.get()
    assert "bulk change (Pause) was refused for 2 of 3 groups: It is archived." in incident.sentence
    assert (incident.project, incident.group, kinds()) == (field.project, None, ["fire"])
    assert Notice.objects.get().recipient == field.pm
    assert Edit.objects.filter(checks=0).count() == 3
    assert incident.facts == {"batch": made.batch_id}


def test_whose_change_was_refused_is_said_where_somebody_made_it(field: Field) -> None:
    made = job(field)
    BatchJob.objects.filter(pk=made.pk).update(finished_at=after(-7))
    job(field, refused=1)
    Batch.objects.exclude(pk=made.batch_id).update(by=None)
    refused.check_refused_jobs(now=after(0))
    name = field.project.name
    assert set(Incident.objects.values_list("sentence", flat=True)) == {
        f"{name}: {field.pm}'s bulk change (Pause) was refused for 2 of 3 groups: It is archived.",
        f"{name}: a bulk change (Pause) was refused for 1 of 3 groups: It is archived.",
    }


def test_where_the_rule_is_off_the_refusals_of_other_projects_are_told(field: Field) -> None:
    job(field)
    quiet, field.project = field.project, factories.project(field.account, name="Loud")
    job(field)
    Rule.objects.create(
        account=field.account,
        project=quiet,
        scope=f"project:{quiet.pk}",
        code="edit_unconfirmed",
        enabled=False,
    )
    refused.check_refused_jobs(now=after(0))
    assert [incident.project for incident in Incident.objects.all()] == [field.project]


def test_edits_of_a_job_that_were_refused_at_once_are_told_with_the_job(field: Field) -> None:
    job(field, by_edit=True)
    detect.evaluate_by_time(now=after(0))
    assert "refused for 2 of 3 groups" in Incident.objects.get().sentence


def test_what_its_person_saw_or_what_went_well_is_no_news(field: Field) -> None:
    job(field, seen_at=after(-5))
    detect.evaluate_by_time(now=after(0))
    Batch.objects.update(seen_at=None)
    BatchJob.objects.update(finished_at=after(-1))  # its person may be looking
    detect.evaluate_by_time(now=after(0))
    BatchGroup.objects.update(state="done")
    detect.evaluate_by_time(now=after(5))
    assert states() == []


def test_looking_at_the_results_ends_it_and_somebody_elses_look_does_not(
    field: Field, client: Client
) -> None:
    made = job(field)
    detect.evaluate_by_time(now=after(0))
    for person, state in ((field.admin, "firing"), (field.pm, "resolved")):
        client.force_login(person)
        page = client.get(reverse("incident", args=[Incident.objects.get().pk])).content.decode()
        results = reverse("batch", args=[made.batch_id])
        assert f'href="{results}"' in page
        assert "2 refused" in client.get(results).content.decode()
        detect.evaluate_by_time(now=after(3))
        assert states() == [state]
    assert kinds() == ["fire"]


def test_what_was_acknowledged_or_is_a_day_old_is_not_opened_again(field: Field) -> None:
    job(field)
    detect.evaluate_by_time(now=after(0))
    acknowledge_and_mute.acknowledge_incident(
        incident=Incident.objects.get(), by=field.pm, now=after(1)
    )
    detect.evaluate_by_time(now=after(2))
    detect.evaluate_by_time(now=after(30 * 60))
    assert (states(), kinds()) == (["resolved"], ["fire"])


def test_the_rules_are_read_once_however_many_jobs_refused_something(field: Field) -> None:
    for _ in range(3):
        job(field)
    with CaptureQueriesContext(connection) as asked:
        refused.check_refused_jobs(now=after(0))
    assert states() == ["firing"] * 3
    reads = Counter(
        table
        for table in ("rule", "batchgroup")
        for one in asked.captured_queries
        if f'FROM "fielding_{table}"' in one["sql"]
    )
    assert reads == {"rule": 2, "batchgroup": 1}  # what holds, who is told; every reason at once
