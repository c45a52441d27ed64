"""What is due, for whom, how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.fielding.models import Cycle, Project
from dashboard.sync import plan
from tests import make
from tests.make import NOW

EVERY = timedelta(minutes=5)


def due(*statuses: tuple[str, datetime | None], moved: bool = False, waited: timedelta = EVERY):
    return plan.next_due(statuses=statuses, moved=moved, every=EVERY, waited=waited, now=NOW)


def test_a_project_that_moves_is_read_often() -> None:
    assert due(("live", NOW), ("paused", NOW), moved=True) == NOW + EVERY


def test_a_quiet_project_waits_twice_as_long_each_time_up_to_half_an_hour() -> None:
    assert due(("live", NOW)) == NOW + 2 * EVERY
    assert due(("live", NOW), waited=timedelta(minutes=20)) == NOW + timedelta(minutes=30)


def test_paused_groups_are_read_hourly() -> None:
    assert due(("paused", NOW), ("completed", NOW)) == NOW + timedelta(hours=1)


def test_completed_groups_are_read_daily_until_reconciliation_ends() -> None:
    assert due(("completed", NOW)) == NOW + timedelta(days=1)
    assert due(("completed", NOW - timedelta(days=70))) is None


def test_archived_groups_are_never_read_again() -> None:
    assert due(("archived", NOW)) is None


def test_reconciliation_ends_with_the_25th_of_the_next_month_in_us_central() -> None:
    ends = plan.reconciled_at(datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert ends == datetime(2027, 1, 26, 6, tzinfo=UTC)
    # Still November in Chicago.
    assert plan.reconciled_at(datetime(2026, 12, 1, 3, tzinfo=UTC)) == datetime(
        2026, 12, 26, 6, tzinfo=UTC
    )


@pytest.fixture
def project(db: None) -> Project:
    return make.project(make.account(), due_at=NOW, read_at=NOW - timedelta(minutes=5))


ROWS = Project.objects.all


def test_due_work_is_hinted_at_once(project: Project) -> None:
    assert plan.due(ROWS(), now=NOW, limit=10) == [project.pk]
    assert plan.queue(ROWS(), project.pk, now=NOW)
    assert not plan.queue(ROWS(), project.pk, now=NOW)
    assert plan.due(ROWS(), now=NOW, limit=10) == []


def test_a_lost_hint_is_given_again(project: Project) -> None:
    plan.queue(ROWS(), project.pk, now=NOW)
    later = NOW + plan.QUEUED_FOR + timedelta(seconds=1)
    assert plan.due(ROWS(), now=later, limit=10) == [project.pk]


def test_only_one_worker_claims(project: Project) -> None:
    plan.queue(ROWS(), project.pk, now=NOW)
    assert plan.claim(ROWS(), project.pk, now=NOW)
    assert plan.claim(ROWS(), project.pk, now=NOW) is None


def test_the_work_of_a_dead_worker_is_claimed_after_its_lease(project: Project) -> None:
    first = plan.claim(ROWS(), project.pk, now=NOW)
    later = NOW + plan.LEASE + timedelta(seconds=1)
    second = plan.claim(ROWS(), project.pk, now=later)
    assert second
    assert first
    assert not plan.renew(ROWS(), project.pk, first, now=later)


def test_work_that_never_ends_is_set_aside_and_says_so(project: Project) -> None:
    now = NOW
    for _ in range(plan.SET_ASIDE_AFTER + 1):
        plan.claim(ROWS(), project.pk, now=now)
        now += plan.LEASE + timedelta(seconds=1)
    project.refresh_from_db()
    assert plan.set_aside(ROWS(), project, now=now)
    project.refresh_from_db()
    assert project.due_at == NOW, "it shows as late"
    assert project.attempts == 0
    assert plan.due(ROWS(), now=now + timedelta(minutes=59), limit=10) == []
    assert plan.due(ROWS(), now=now + timedelta(minutes=61), limit=10) == [project.pk]
    assert Cycle.objects.get().errors == [project.error]
    assert "half-way" in project.error


def test_a_project_that_somebody_looks_at_is_due_now(project: Project) -> None:
    Project.objects.update(due_at=NOW + timedelta(minutes=20))
    plan.look(project.pk, now=NOW)
    project.refresh_from_db()
    assert project.due_at == NOW


def test_looking_twice_in_a_moment_reads_once(project: Project) -> None:
    Project.objects.update(due_at=NOW + timedelta(minutes=20), read_at=NOW - timedelta(seconds=2))
    plan.look(project.pk, now=NOW)
    project.refresh_from_db()
    assert project.due_at > NOW
