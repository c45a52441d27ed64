"""What is due, for whom, how often."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from dashboard.fielding.models import Cycle, ExchangeAccount, Project, TargetGroup
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


SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
FINAL = datetime(2026, 11, 26, 6, tzinfo=UTC)  # the counts of October
OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "moved", "every", "waited", "now", "wait"),
    [
        (["live"], True, 5 * MINUTE, HOUR, NOW, 5 * MINUTE),
        (["live"], False, 5 * MINUTE, 2 * MINUTE, NOW, 5 * MINUTE),
        (["live"], False, 5 * MINUTE, 7 * MINUTE, NOW, 14 * MINUTE),
        (["live"], False, 5 * MINUTE, 15 * MINUTE, NOW, 30 * MINUTE),
        (["live"], False, 5 * MINUTE, 16 * MINUTE, NOW, 30 * MINUTE),
        (["live"], False, 40 * MINUTE, MINUTE, NOW, 40 * MINUTE),
        (["paused", "completed"], True, 5 * MINUTE, MINUTE, NOW, HOUR),
        (["scheduled"], False, 2 * HOUR, MINUTE, NOW, 2 * HOUR),
        (["draft", "archived"], True, 5 * MINUTE, MINUTE, NOW, DAY),
        (["completed"], True, 5 * MINUTE, MINUTE, FINAL - SECOND, DAY),
        (["completed"], True, 5 * MINUTE, MINUTE, FINAL, None),
        (["archived"], True, 5 * MINUTE, MINUTE, FINAL - SECOND, None),
        ([], True, 5 * MINUTE, MINUTE, NOW, None),
    ],
)  # fmt: skip
def test_the_next_round_depends_on_what_the_groups_do_and_on_how_calm_they_were(  # noqa: PLR0917
    statuses: list[str],
    moved: bool,
    every: timedelta,
    waited: timedelta,
    now: datetime,
    wait: timedelta | None,
) -> None:
    rows = [(status, OCTOBER) for status in statuses]
    due_at = scheduling.next_due(statuses=rows, moved=moved, every=every, waited=waited, now=now)
    assert due_at == (None if wait is None else now + wait)


def test_a_completed_group_without_a_complete_has_nothing_to_reconcile() -> None:
    assert due(("completed", None)) is None
    assert due(("completed", None), ("completed", NOW)) == NOW + DAY


@pytest.mark.parametrize(("seconds", "every"), [(None, 300), (60, 60)])
def test_an_account_is_polled_as_often_as_it_says_else_as_all_are(
    settings: Settings, seconds: int | None, every: int
) -> None:
    settings.POLL_SECONDS = 300
    account = ExchangeAccount(poll_seconds=seconds)
    assert scheduling.poll_every(account) == timedelta(seconds=every)


@pytest.mark.parametrize(
    ("own", "general", "budget", "share"),
    [
        (None, 600, 600, 60),
        (None, 0, None, None),
        (0, 600, None, None),
        (25, 600, 25, 2),
        (9, 600, 9, 1),
    ],
)
def test_an_account_has_its_own_budget_else_the_general_one(
    settings: Settings, own: int | None, general: int, budget: int | None, share: int | None
) -> None:
    settings.REQUESTS_PER_MINUTE = general
    account = ExchangeAccount(requests_per_minute=own)
    assert (scheduling.request_budget(account), scheduling.request_share(account)) == (
        budget,
        share,
    )


@pytest.mark.parametrize(
    ("lasted", "refused", "wait"),
    [
        (59 * MINUTE, True, HOUR),
        (61 * MINUTE, True, 61 * MINUTE),
        (25 * HOUR, True, DAY),
        (30 * SECOND, False, MINUTE),
        (90 * SECOND, False, 90 * SECOND),
        (61 * MINUTE, False, HOUR),
    ],
)
def test_a_wait_after_a_failure_is_as_long_as_the_failure_has_lasted(
    lasted: timedelta, refused: bool, wait: timedelta
) -> None:
    assert scheduling.back_off(lasted, refused=refused) == wait


def row(project: Project) -> tuple[object, ...]:
    project.refresh_from_db()
    return project.lease, project.leased_until, project.attempts, project.due_at


def test_a_hint_holds_for_a_minute_and_a_claim_for_its_lease(project: Project) -> None:
    assert scheduling.mark_hinted(Project, project.pk, now=NOW)
    assert row(project) == ("queued", NOW + MINUTE, 0, NOW)
    token = scheduling.claim_row(Project, project.pk, now=NOW + SECOND)
    assert token
    assert row(project) == (token, NOW + SECOND + scheduling.LEASE, 1, NOW)
    later = NOW + 30 * SECOND
    assert scheduling.renew_lease(project.pk, token, now=later)
    assert row(project) == (token, later + scheduling.LEASE, 1, NOW)
    assert not scheduling.renew_lease(project.pk, "another", now=later)
    scheduling.release_row(Project, project.pk, "another", now=later)
    assert row(project)[0] == token
    scheduling.release_row(Project, project.pk, token, now=later)
    assert row(project) == ("", later + scheduling.LEASE, 1, NOW)


@pytest.mark.parametrize(
    ("lease", "until", "due_at", "free", "claimed", "forced"),
    [
        ("", None, NOW, True, True, True),
        ("", None, NOW + SECOND, False, False, True),
        ("other", NOW, NOW, False, False, False),
        ("other", NOW - SECOND, NOW, True, True, True),
        ("other", NOW - SECOND, NOW + SECOND, False, False, True),
        ("queued", NOW + SECOND, NOW, False, True, True),
        ("queued", NOW + SECOND, NOW + SECOND, False, False, True),
        ("", NOW + SECOND, NOW, False, False, True),
        ("", None, None, False, False, True),
    ],
)
def test_a_row_is_taken_when_it_is_due_and_nobody_works_on_it(  # noqa: PLR0917
    project: Project,
    lease: str,
    until: datetime | None,
    due_at: datetime | None,
    free: bool,
    claimed: bool,
    forced: bool,
) -> None:
    def put_back() -> None:
        Project.objects.update(lease=lease, leased_until=until, due_at=due_at)

    put_back()
    assert scheduling.due_rows(ROWS(), now=NOW, limit=9) == ([project.pk] if free else [])
    assert scheduling.mark_hinted(Project, project.pk, now=NOW) is free
    put_back()
    assert bool(scheduling.claim_row(Project, project.pk, now=NOW)) is claimed
    put_back()
    assert bool(scheduling.claim_row(Project, project.pk, now=NOW, force=True)) is forced
    put_back()
    taken = scheduling.claim_next_project(now=NOW)
    assert (taken[0] if taken else None) == (project.pk if claimed else None)


def test_due_accounts_come_in_the_order_of_their_time(db: None) -> None:
    accounts = [factories.account(due_at=NOW - minutes * MINUTE) for minutes in (1, 3, 2)]
    pks = scheduling.due_rows(ExchangeAccount.objects.all(), now=NOW, limit=2)
    assert pks == [accounts[1].pk, accounts[2].pk]


@pytest.mark.parametrize(
    ("budget", "at_work", "rounds"),
    [(600, 0, 2), (899, 0, 2), (900, 0, 3), (1200, 0, 4), (1200, 1, 3), (1200, 4, 0), (0, 4, 2)],
)
def test_three_hundred_requests_a_minute_feed_a_round(
    db: None, budget: int, at_work: int, rounds: int
) -> None:
    account = factories.account(requests_per_minute=budget)
    for number in range(6):
        lease = {"lease": "token", "leased_until": NOW} if number < at_work else {}
        factories.project(account, due_at=NOW, **lease)
    factories.project(account, due_at=NOW, lease="queued", leased_until=NOW)
    factories.project(factories.account(polling=False), due_at=NOW)
    assert len(scheduling.due_projects(now=NOW, limit=9)) == rounds
    assert len(scheduling.due_projects(now=NOW, limit=1)) == min(rounds, 9 if budget else 1)


@pytest.mark.parametrize(("attempts", "parked"), [(0, False), (3, False), (4, True)])
def test_work_that_was_begun_four_times_in_vain_waits_an_hour(
    project: Project, attempts: int, parked: bool
) -> None:
    for row_, column in ((project, "error"), (project.account, "health_reason")):
        row_.attempts, row_.lease = attempts, "token"
        row_.save()
        assert scheduling.park_after_failures(row_, now=NOW) is parked
        row_.refresh_from_db()
        words = "Reading this failed 3 times part-way. Next attempt in an hour."
        assert getattr(row_, column) == (words if parked else "")
        assert (row_.lease, row_.leased_until, row_.attempts) == (
            ("", NOW + HOUR, 0) if parked else ("token", None, attempts)
        )
    cycles = Cycle.objects.order_by("pk").values_list(
        "account", "project", "started_at", "finished_at", "complete"
    )
    account = project.account_id
    both = [(account, project.pk, NOW, NOW, False), (account, None, NOW, NOW, False)]
    assert list(cycles) == (both if parked else [])


def test_a_round_that_another_worker_has_taken_over_is_not_parked(project: Project) -> None:
    project.attempts, project.lease = 4, "lost"
    assert scheduling.park_after_failures(project, now=NOW)
    project.refresh_from_db()
    assert (project.error, project.leased_until) == ("", None)


@pytest.mark.parametrize(
    ("read", "due_in", "urgency", "is_asked"),
    [
        (None, HOUR, scheduling.REST, True),
        (61 * SECOND, HOUR, scheduling.REST, True),
        (60 * SECOND, HOUR, scheduling.REST, False),
        (61 * SECOND, None, scheduling.LOOKED_AT, True),
        (61 * SECOND, timedelta(), scheduling.LOOKED_AT, False),
        (61 * SECOND, SECOND, scheduling.LOOKED_AT, True),
        (61 * SECOND, timedelta(), scheduling.LIVE, True),
    ],
)
def test_a_page_has_its_project_read_unless_it_is_fresh_or_first_in_line_already(
    project: Project,
    read: timedelta | None,
    due_in: timedelta | None,
    urgency: int,
    is_asked: bool,
) -> None:
    read_at = None if read is None else NOW - read
    due_at = None if due_in is None else NOW + due_in
    Project.objects.update(read_at=read_at, due_at=due_at, urgency=urgency)
    scheduling.request_refresh(ROWS(), now=NOW)
    project.refresh_from_db()
    expected = (NOW, scheduling.LOOKED_AT) if is_asked else (due_at, urgency)
    assert (project.due_at, project.urgency) == expected
    assert scheduling.is_old(project, now=NOW) is (read != 60 * SECOND)


@pytest.mark.parametrize(
    ("late", "overdue"), [(None, False), (20 * SECOND, False), (21 * SECOND, True)]
)
def test_work_is_overdue_once_idle_workers_would_have_begun_it(
    settings: Settings, late: timedelta | None, overdue: bool
) -> None:
    settings.BEAT_SECONDS = 5
    due_at = None if late is None else NOW - late
    assert scheduling.is_overdue(due_at, now=NOW) is overdue
    assert scheduling.is_refresh_overdue(due_at, scheduling.LOOKED_AT, now=NOW) is overdue
    assert scheduling.is_refresh_overdue(due_at, scheduling.LIVE, now=NOW) is False


def test_a_group_that_waits_is_tried_now_and_one_that_does_not_is_left(project: Project) -> None:
    times = (NOW + HOUR, NOW - HOUR, None)
    groups = [factories.group(project, retry_at=at) for at in times]
    scheduling.clear_backoff(TargetGroup.objects.all(), now=NOW)
    for group in groups:
        group.refresh_from_db()
    assert [group.retry_at for group in groups] == [NOW, NOW - HOUR, None]


def test_a_project_waits_ten_minutes_behind_live_ones(project: Project) -> None:
    for late, urgency in ((10 * MINUTE, scheduling.REST), (10 * MINUTE + SECOND, scheduling.LIVE)):
        Project.objects.update(urgency=scheduling.REST, due_at=NOW - late)
        scheduling.promote_overdue(now=NOW)
        project.refresh_from_db()
        assert project.urgency == urgency
