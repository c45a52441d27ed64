"""What is due, for whom, how often."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from dashboard.fielding.models import Cycle, Project
from dashboard.sync import scheduling
from tests import factories
from tests.factories import NOW

EVERY = timedelta(minutes=5)


def due(*statuses: tuple[str, datetime | None], moved: bool = False, waited: timedelta = EVERY):
    return scheduling.next_due(statuses=statuses, moved=moved, every=EVERY, waited=waited, now=NOW)


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
    ends = scheduling.reconciled_at(datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert ends == datetime(2027, 1, 26, 6, tzinfo=UTC)
    # Still November in Chicago.
    assert scheduling.reconciled_at(datetime(2026, 12, 1, 3, tzinfo=UTC)) == datetime(
        2026, 12, 26, 6, tzinfo=UTC
    )


@pytest.fixture
def project(db: None) -> Project:
    return factories.project(factories.account(), due_at=NOW, read_at=NOW - timedelta(minutes=5))


ROWS = Project.objects.all


def test_due_work_is_hinted_at_once(project: Project) -> None:
    assert scheduling.due_rows(ROWS(), now=NOW, limit=10) == [project.pk]
    assert scheduling.mark_hinted(Project, project.pk, now=NOW)
    assert not scheduling.mark_hinted(Project, project.pk, now=NOW)
    assert scheduling.due_rows(ROWS(), now=NOW, limit=10) == []


def test_a_lost_hint_is_given_again(project: Project) -> None:
    scheduling.mark_hinted(Project, project.pk, now=NOW)
    later = NOW + scheduling.QUEUED_FOR + timedelta(seconds=1)
    assert scheduling.due_rows(ROWS(), now=later, limit=10) == [project.pk]


def test_only_one_worker_claims(project: Project) -> None:
    scheduling.mark_hinted(Project, project.pk, now=NOW)
    assert scheduling.claim_row(Project, project.pk, now=NOW)
    assert scheduling.claim_row(Project, project.pk, now=NOW) is None


def test_the_work_of_a_dead_worker_is_claimed_after_its_lease(project: Project) -> None:
    first = scheduling.claim_row(Project, project.pk, now=NOW)
    later = NOW + scheduling.LEASE + timedelta(seconds=1)
    second = scheduling.claim_row(Project, project.pk, now=later)
    assert second
    assert first
    assert not scheduling.renew_lease(project.pk, first, now=later)


def test_work_that_never_ends_is_set_aside_and_says_so(project: Project) -> None:
    now = NOW
    for _ in range(scheduling.SET_ASIDE_AFTER + 1):
        scheduling.claim_row(Project, project.pk, now=now)
        now += scheduling.LEASE + timedelta(seconds=1)
    project.refresh_from_db()
    assert scheduling.park_after_failures(project, now=now)
    project.refresh_from_db()
    assert project.due_at == NOW, "it shows as late"
    assert project.attempts == 0
    assert scheduling.due_rows(ROWS(), now=now + timedelta(minutes=59), limit=10) == []
    assert scheduling.due_rows(ROWS(), now=now + timedelta(minutes=61), limit=10) == [project.pk]
    assert Cycle.objects.get().errors == [project.error]
    assert "part-way" in project.error


def looked_at(project: Project, **was: object) -> Project:
    Project.objects.update(**{"urgency": scheduling.LIVE} | was)
    scheduling.request_refresh(ROWS(), now=NOW)
    project.refresh_from_db()
    return project


@pytest.mark.parametrize("due_at", [NOW + timedelta(minutes=20), NOW - timedelta(hours=1), None])
def test_a_project_that_somebody_looks_at_is_due_now_before_all_others(
    project: Project, due_at: datetime | None
) -> None:
    project = looked_at(project, due_at=due_at)
    assert (project.due_at, project.urgency) == (NOW, scheduling.LOOKED_AT)


def test_looking_twice_in_a_minute_reads_once(project: Project) -> None:
    project = looked_at(
        project, due_at=NOW + timedelta(minutes=20), read_at=NOW - timedelta(seconds=59)
    )
    assert (project.due_at, project.urgency) == (NOW + timedelta(minutes=20), scheduling.LIVE)


def test_looking_at_what_the_exchange_no_longer_lists_asks_nothing(project: Project) -> None:
    assert looked_at(project, due_at=None, missing_since=NOW).due_at is None


def test_a_draft_or_an_unknown_status_is_read_daily() -> None:
    for status in ("draft", "under_review"):
        assert due((status, None), ("archived", None)) == NOW + timedelta(days=1)


def test_scheduled_groups_are_read_hourly() -> None:
    assert due(("scheduled", None)) == NOW + timedelta(hours=1)


def test_one_live_group_has_its_whole_project_read_at_its_pace() -> None:
    assert due(("archived", NOW), ("completed", NOW), ("live", NOW)) == NOW + 2 * EVERY


def test_an_interval_above_half_an_hour_is_kept() -> None:
    slow = timedelta(hours=2)
    at = scheduling.next_due(
        statuses=[("live", NOW)], moved=False, every=slow, waited=timedelta(hours=9), now=NOW
    )
    assert at == NOW + slow


@pytest.mark.django_db
def test_what_a_person_looks_at_comes_first_then_what_is_live() -> None:
    account = factories.account()
    for name, urgency, minutes in (
        ("rest", scheduling.REST, 9),
        ("live", scheduling.LIVE, 2),
        ("later", scheduling.LIVE, 1),
        ("looked at", scheduling.LOOKED_AT, 0),
    ):
        at = NOW - timedelta(minutes=minutes)
        factories.project(account, name=name, urgency=urgency, due_at=at)
    names = dict(Project.objects.values_list("pk", "name"))
    names_in_order = [names[pk] for pk in scheduling.due_rows(ROWS(), now=NOW, limit=9)]
    assert names_in_order == ["looked at", "live", "later", "rest"]
    taken = [scheduling.claim_next_project(now=NOW) for _ in range(5)]
    assert [names[claim[0]] for claim in taken if claim] == ["looked at", "live", "later", "rest"]


@pytest.mark.django_db
def test_nothing_starves_behind_live_projects() -> None:
    account = factories.account()
    live = factories.project(account, urgency=scheduling.LIVE, due_at=NOW)
    rest = factories.project(account, urgency=scheduling.REST, due_at=NOW - scheduling.REST_WAITS)
    scheduling.promote_overdue(now=NOW)
    assert scheduling.due_rows(ROWS(), now=NOW, limit=1) == [live.pk]
    scheduling.promote_overdue(now=NOW + timedelta(seconds=1))
    assert scheduling.due_rows(ROWS(), now=NOW, limit=1) == [rest.pk]


@pytest.mark.django_db(transaction=True)
def test_many_workers_take_at_once_and_each_gets_its_own() -> None:
    account = factories.account()
    due = {factories.project(account, due_at=NOW - timedelta(minutes=n)).pk for n in range(12)}

    def take(_: int) -> int | None:
        try:
            taken = scheduling.claim_next_project(now=NOW)
        finally:
            connection.close()
        return taken[0] if taken else None

    at_once = 12 if connection.vendor == "postgresql" else 1  # SQLite in memory has one writer
    with ThreadPoolExecutor(at_once) as workers:
        assert set(workers.map(take, range(12))) == due
    assert scheduling.claim_next_project(now=NOW) is None


@pytest.mark.django_db
def test_what_is_paused_by_an_administrator_is_never_the_next() -> None:
    factories.project(factories.account(polling=False), due_at=NOW)
    assert scheduling.claim_next_project(now=NOW) is None


@pytest.mark.django_db
def test_a_turn_is_a_tenth_of_the_budget_and_everything_without_one() -> None:
    assert scheduling.request_share(factories.account(requests_per_minute=600)) == 60
    assert scheduling.request_share(factories.account(requests_per_minute=3)) == 1
    assert scheduling.request_share(factories.account(requests_per_minute=0)) is None


def test_a_group_that_refuses_is_left_alone_twice_as_long_each_time_up_to_a_day() -> None:
    hours = [0, 1, 2, 4, 8, 16, 40]
    waits = [scheduling.back_off(timedelta(hours=each), refused=True) for each in hours]
    assert [wait.total_seconds() / 3600 for wait in waits] == [1, 1, 2, 4, 8, 16, 24]


def test_a_fault_of_the_exchange_is_tried_with_the_next_round_and_hourly_in_the_end() -> None:
    assert scheduling.back_off(timedelta(0), refused=False) == timedelta(minutes=1)
    assert scheduling.back_off(timedelta(days=2), refused=False) == timedelta(hours=1)


def test_a_budget_has_no_more_rounds_at_once_than_it_feeds(db: None) -> None:
    small, free = (
        factories.account(requests_per_minute=600),
        factories.account(requests_per_minute=0),
    )
    for account in (small, free):
        for _ in range(6):
            factories.project(account, due_at=NOW)
    pks = scheduling.due_projects(now=NOW, limit=100)
    counts = Counter(Project.objects.filter(pk__in=pks).values_list("account", flat=True))
    assert counts == {small.pk: 2, free.pk: 6}
    for pk in pks:
        assert scheduling.claim_row(Project, pk, now=NOW)
    assert scheduling.due_projects(now=NOW, limit=100) == []
