"""One round over a project or an account: what it counts, plans and leaves for the next one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding.figures.project_outlook import outlook_of_project
from dashboard.fielding.models import (
    BusinessUnit,
    Cycle,
    ExchangeAccount,
    ExchangeUser,
    Membership,
    Project,
    Quarantine,
    TargetGroup,
)
from dashboard.sync import scheduling
from dashboard.sync.pull import rounds
from dashboard.sync.pull.account import link_people, pull_account
from dashboard.sync.pull.first_pull import is_first_pull_done
from dashboard.sync.pull.project import pull_project
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import PM, Exchange, group_row, project_row
from tests.fakes.client import client_of

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
LIST = r"/target-groups\?"
REFUSED = (403, {"detail": "no"})


def refuse(status: int) -> tuple[int, Any]:
    return status, {}


class World:
    """A project of an exchange that is a function, and the clock of its rounds."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.exchange = Exchange(projects=[project_row(1)], groups={ulid(1): list(rows)})
        self.account = factories.account(requests_per_minute=0, read_at=None, poll_seconds=300)
        self.project = factories.project(
            self.account, exchange_id=ulid(1), read_at=None, urgency=scheduling.LOOKED_AT
        )
        self.now = NOW
        self.client = client_of(self.answer, timeout=0.1)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/v1")
        body = json.loads(request.content) if request.content else None
        status, said, *_ = self.exchange.reply(request.method, path, body)
        return httpx.Response(status, json=said)

    def clock(self) -> datetime:
        return self.now

    def round(self, later: timedelta = timedelta(), *, share: int | None = None) -> Cycle:
        """A round over the project, so long after the one before."""
        self.now += later
        self.exchange.log.clear()
        token = scheduling.claim_row(Project, self.project.pk, now=self.now, force=True)
        assert token
        self.project.refresh_from_db()
        cycle = pull_project(
            project=self.project, client=self.client, token=token, clock=self.clock, share=share
        )
        self.project = Project.objects.select_related("account").get(pk=self.project.pk)
        assert cycle.requests == len(self.exchange.log)
        return cycle

    def lists(self, later: timedelta = timedelta()) -> Cycle:
        """A round over the account's lists."""
        self.now += later
        self.exchange.log.clear()
        token = scheduling.claim_row(ExchangeAccount, self.account.pk, now=self.now, force=True)
        assert token
        self.account.refresh_from_db()
        cycle = pull_account(
            account=self.account, client=self.client, token=token, clock=self.clock
        )
        self.account.refresh_from_db()
        assert cycle.requests == len(self.exchange.log)
        return cycle

    def group(self, number: int) -> TargetGroup:
        return TargetGroup.objects.get(exchange_id=ulid(number))

    @property
    def plan(self) -> tuple[datetime | None, int]:
        """When the project is due, and how urgent it is then."""
        return self.project.due_at, self.project.urgency


def counts(cycle: Cycle) -> tuple[int, int, int, int, bool, bool]:
    return (
        cycle.groups_seen,
        cycle.groups_written,
        cycle.groups_left,
        cycle.quarantined,
        cycle.listed,
        cycle.complete,
    )


def test_a_first_round_counts_what_it_read_and_the_next_finds_nothing_new() -> None:
    world = World(group_row(11), group_row(12, status="paused"), group_row(13, status="archived"))
    first = world.round()
    assert counts(first) == (3, 3, 0, 0, True, True)
    assert (first.started_at, first.finished_at, first.errors) == (NOW, NOW, [])
    stored = world.project
    assert world.plan == (NOW + 5 * MINUTE, scheduling.LIVE)
    assert (stored.lease, stored.leased_until, stored.attempts, stored.error) == ("", None, 0, "")
    assert (stored.read_at, stored.overviews_at, stored.details_at) == (NOW, NOW, NOW)
    assert (stored.pass_cursor, stored.pass_started_at) == ("", None)
    version = stored.version
    second = world.round(7 * MINUTE)
    assert counts(second) == (3, 0, 0, 0, True, True)
    assert len(world.exchange.log) == 1
    assert world.plan == (world.now + 14 * MINUTE, scheduling.LIVE)
    assert (world.project.read_at, world.project.overviews_at) == (world.now, NOW)
    assert world.project.version == version
    assert list(Cycle.objects.values_list("requests", flat=True).order_by("pk"))[-1] == 1


def test_a_round_without_a_list_says_so_and_tries_again_as_usual() -> None:
    world = World(group_row(11))
    world.round()
    version = world.project.version
    world.exchange.on("GET", LIST, lambda: REFUSED)
    cycle = world.round(6 * MINUTE)
    assert counts(cycle) == (0, 0, 0, 0, False, False)
    assert world.project.error == cycle.errors[0] == "Cint does not allow this: no"
    assert cycle.kinds == {"Forbidden": 1}
    assert world.plan == (world.now + 5 * MINUTE, scheduling.LIVE)
    assert (world.project.read_at, world.project.version) == (NOW, version + 1)
    world.exchange.special.clear()
    assert world.round(6 * MINUTE).complete
    assert world.project.error == ""


def test_a_list_with_a_page_too_few_is_written_as_far_as_it_was_read() -> None:
    world = World(group_row(11), group_row(12))
    page = {"target_groups": [group_row(11)], "has_more": True, "url": ""}
    world.exchange.on("GET", LIST, lambda: (200, page))
    cycle = world.round()
    assert counts(cycle) == (1, 1, 0, 0, False, False)
    assert cycle.kinds == {"Unfinished": 1}
    assert (world.project.read_at, world.group(11).completes) == (None, 100)


@pytest.mark.parametrize(
    ("status", "due_in", "urgency"),
    [
        ("live", 5 * MINUTE, scheduling.LIVE),
        ("paused", HOUR, scheduling.REST),
        ("draft", DAY, scheduling.REST),
        ("archived", None, scheduling.REST),
    ],
)
def test_a_project_is_as_urgent_as_its_groups(
    status: str, due_in: timedelta | None, urgency: int
) -> None:
    world = World(group_row(11, status=status))
    world.round()
    assert world.plan == (None if due_in is None else NOW + due_in, urgency)


def test_a_completed_project_is_read_until_its_last_complete_is_reconciled() -> None:
    row = group_row(11, status="completed")
    row["statistics"]["last_complete_date"] = {"value": "2026-10-20T10:00:00Z", "issues": []}
    world = World(row)
    world.round()
    assert world.plan == (NOW + DAY, scheduling.REST)
    world.now = datetime(2026, 11, 26, 6, tzinfo=UTC)
    world.round()
    assert world.plan == (None, scheduling.REST)


def test_a_turn_reads_as_many_groups_as_its_share_allows_and_the_next_goes_on() -> None:
    world = World(*(group_row(number) for number in (11, 12, 13)))
    first = world.round(share=18)  # two groups of nine requests
    assert counts(first) == (3, 3, 1, 0, True, True)
    assert world.plan == (NOW, scheduling.REST)
    stored = world.project
    assert (stored.pass_cursor, stored.pass_started_at) == (ulid(12), NOW)
    assert (stored.read_at, stored.overviews_at, stored.details_at) == (NOW, None, None)
    waiting = world.group(13)
    assert (waiting.completes, waiting.entrants, waiting.retry_at) == (100, None, NOW)
    assert waiting.row_hash
    last = world.round(MINUTE, share=18)
    assert counts(last)[2:] == (0, 0, True, True)
    stored = world.project
    assert (stored.pass_cursor, stored.pass_started_at) == ("", None)
    assert (stored.overviews_at, stored.details_at, stored.read_at) == (NOW, NOW, world.now)
    assert (world.group(13).entrants, world.group(13).retry_at) == (900, None)


def test_a_long_list_does_not_leave_a_turn_without_groups() -> None:
    world = World(*(group_row(number) for number in range(11, 16)))
    pages = [
        {"target_groups": [row], "url": "", "has_more": number < 4, "next_cursor": f"c{number}"}
        for number, row in enumerate(world.exchange.groups[ulid(1)])
    ]
    world.exchange.on("GET", LIST, lambda: (200, pages[world.exchange.asked(LIST) - 1]))
    assert world.round(share=1).groups_left == 3  # twenty requests hold two groups of nine


def test_a_group_that_fails_is_told_with_its_name_and_the_round_is_not_complete() -> None:
    world = World(group_row(11), group_row(12))
    world.exchange.on("GET", f"{ulid(12)}/performance", lambda: REFUSED)
    cycle = world.round()
    assert counts(cycle) == (2, 2, 0, 0, True, False)
    assert cycle.errors == ["Group 12: performance not read: Cint does not allow this: no"]
    assert world.project.error == cycle.errors[0]
    failed, other = world.group(12), world.group(11)
    assert (failed.error, failed.failing_since, failed.retry_at) == (
        "Not read: performance. Cint does not allow this: no.",
        NOW,
        NOW + HOUR,
    )
    assert (other.error, other.failing_since, other.retry_at) == ("", None, None)
    world.round(HOUR)
    again = world.group(12)
    assert (again.failing_since, again.retry_at) == (NOW, NOW + 2 * HOUR)
    world.round(2 * HOUR - SECOND - HOUR)
    assert world.exchange.asked("/performance") == 0
    world.exchange.special.clear()
    world.round(SECOND)
    assert world.exchange.asked("/performance") == 1
    assert (world.group(12).error, world.group(12).retry_at) == ("", None)


def test_a_row_that_no_table_holds_is_set_aside_and_the_others_are_written() -> None:
    bad = group_row(12, target_group_customer_reference_number="x" * 201)
    world = World(group_row(11), bad, {"id": ulid(13)}, group_row(14))
    cycle = world.round()
    assert (cycle.groups_seen, cycle.groups_written, cycle.listed) == (3, 2, True)
    names = TargetGroup.objects.order_by("exchange_id").values_list("exchange_id", flat=True)
    assert list(names) == [ulid(11), ulid(14)]
    rows = Quarantine.objects.order_by("item_id").values_list("operation", "item_id", "times")
    assert list(rows) == [
        ("get_list_target_groups", ulid(12), 1),
        ("get_list_target_groups", ulid(13), 1),
    ]
    world.round(MINUTE)
    assert Quarantine.objects.get(item_id=ulid(13)).times == 2
    assert Quarantine.objects.get(item_id=ulid(13)).last_seen_at == world.now
    assert Quarantine.objects.get(item_id=ulid(13)).first_seen_at == NOW


def test_a_group_that_is_gone_is_marked_and_no_longer_decides_when_to_read() -> None:
    world = World(group_row(11), group_row(12, status="archived"))
    world.round()
    del world.exchange.groups[ulid(1)][0]
    cycle = world.round(5 * MINUTE)
    assert counts(cycle) == (1, 1, 0, 0, True, True)
    assert world.group(11).missing_since == world.now
    assert world.plan == (None, scheduling.REST)
    assert counts(world.round(5 * MINUTE)) == (1, 0, 0, 0, True, True)


def test_a_live_group_whose_row_cannot_be_read_still_has_its_project_read_often() -> None:
    world = World(group_row(11), group_row(12, status="archived"))
    world.round()
    world.exchange.groups[ulid(1)][0] = {"id": ulid(11)}
    cycle = world.round(5 * MINUTE)
    assert counts(cycle) == (1, 0, 0, 1, True, True)
    assert world.group(11).missing_since is None
    assert world.plan == (world.now + 10 * MINUTE, scheduling.LIVE)
    world.exchange.groups[ulid(1)][0] = {"name": "no id"}  # it may be any group
    cycle = world.round(5 * MINUTE)
    assert counts(cycle) == (1, 0, 0, 1, True, True)
    assert (len(world.exchange.log), world.group(11).missing_since) == (1, None)


def test_a_group_that_came_lately_is_not_gone_because_the_list_lags() -> None:
    world = World(group_row(11), group_row(12))
    world.round()
    del world.exchange.groups[ulid(1)][0]
    for moved, missing in ((5 * MINUTE - SECOND, None), (5 * MINUTE, NOW)):
        TargetGroup.objects.filter(exchange_id=ulid(11)).update(moved_at=NOW - moved)
        cycle = world.round()
        assert world.group(11).missing_since == missing
        assert cycle.groups_written == int(missing is not None)


def by_id(project: int | None) -> tuple[int, Any]:
    """What the exchange says of group 11 by its id alone."""
    progress = {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3}
    place = {"account_id": 101, "project_id": ulid(project or 0)}
    return (200, place | {"status": "live", "progress": progress}) if project else REFUSED


@pytest.mark.parametrize(
    ("place", "group", "updated", "is_moved", "asks"),
    [
        (1, {}, None, True, 1),
        (2, {}, None, False, 1),
        (2, {"exchange_updated_at": NOW - HOUR}, NOW, False, 1),
        (None, {}, None, False, 1),
        (None, {"missing_since": NOW}, None, True, 1),
        (None, {"exchange_updated_at": NOW - HOUR}, NOW - MINUTE, True, 1),
        (None, {"exchange_updated_at": NOW}, NOW, False, 1),
        (None, {"exchange_updated_at": NOW - HOUR}, None, False, 1),
        (1, {"moved_at": NOW - 5 * MINUTE}, None, False, 0),
        (1, {"moved_at": NOW - 5 * MINUTE - SECOND}, None, True, 1),
    ],
)
def test_a_group_of_another_project_is_taken_over_if_it_is_here_or_newer_evidence_says_so(
    place: int | None,
    group: dict[str, Any],
    updated: datetime | None,
    is_moved: bool,
    asks: int,
) -> None:
    row = group_row(11) | ({"updated_at": updated.isoformat()} if updated else {})
    world = World(row, group_row(12))
    other = factories.project(world.account, exchange_id=ulid(2), read_at=NOW - HOUR)
    factories.group(other, exchange_id=ulid(11), **group)
    elsewhere = factories.project(factories.account(), exchange_id=ulid(1))
    factories.group(elsewhere, exchange_id=ulid(12))  # of another account with the same ids
    world.exchange.on("GET", "/demand/target-groups/", lambda: by_id(place))
    cycle = world.round()
    moved = TargetGroup.objects.get(account=world.account, exchange_id=ulid(11))
    assert moved.project == (world.project if is_moved else other)
    if is_moved:
        assert moved.moved_at == (updated or NOW)
    assert (moved.entrants, moved.name) == (900, "Group 11" if is_moved else moved.name)
    assert world.exchange.asked("/demand/target-groups/") == asks
    assert cycle.groups_seen == 2
    assert TargetGroup.objects.filter(project=world.project).count() == 1 + is_moved


@pytest.mark.parametrize(("place", "stays"), [(1, True), (2, False), (None, True)])
def test_a_group_whose_parts_are_not_found_is_followed_to_where_it_is(
    place: int | None, stays: bool
) -> None:
    world = World(group_row(11), group_row(12))
    world.round()
    other = factories.project(world.account, exchange_id=ulid(2))
    world.exchange.on("GET", "/demand/target-groups/", lambda: by_id(place))
    world.exchange.on("GET", f"{ulid(11)}/performance", lambda: (404, {}))
    world.exchange.groups[ulid(1)][0] = group_row(11, completes=120)
    cycle = world.round(10 * MINUTE)
    group = world.group(11)
    assert group.project == (world.project if stays else other)
    assert group.completes == (120 if stays else 100)
    assert bool(group.error) is stays
    assert cycle.groups_written == int(stays)
    assert world.exchange.asked("/demand/target-groups/") == 1


def test_a_group_that_is_only_refused_is_not_looked_for_elsewhere() -> None:
    world = World(group_row(11))
    world.round()
    world.exchange.on("GET", f"{ulid(11)}/performance", lambda: REFUSED)
    world.exchange.groups[ulid(1)][0] = group_row(11, completes=120)
    world.round(10 * MINUTE)
    assert world.exchange.asked("/demand/target-groups/") == 0
    assert world.group(11).completes == 120


def test_the_sums_of_a_project_are_worked_out_when_a_group_changes_and_every_hour() -> None:
    world = World(group_row(11))

    def worked_out(later: timedelta) -> datetime | None:
        world.round(later)
        outlook = outlook_of_project(world.project)
        return outlook.worked_out_at if outlook else None

    assert worked_out(timedelta()) == NOW
    assert worked_out(20 * MINUTE) == NOW
    assert worked_out(40 * MINUTE - SECOND) == NOW
    assert worked_out(SECOND) == NOW + HOUR
    assert worked_out(90 * MINUTE) == NOW + 150 * MINUTE
    world.exchange.groups[ulid(1)][0] = group_row(11, completes=120)
    assert worked_out(MINUTE) == NOW + 151 * MINUTE


@pytest.mark.parametrize(
    ("status", "age", "again"), [("paused", 2 * MINUTE, True), ("paused", 5 * MINUTE, False)]
)
def test_a_reading_that_contradicts_a_recent_edit_is_repeated_soon(
    status: str, age: timedelta, again: bool
) -> None:
    world = World(group_row(11, status=status))
    world.round()
    changed = NOW + HOUR - age
    factories.edit(world.group(11), started_at=changed, settled_at=changed)
    before = {"value": "2.50", "currency_code": "USD"}
    world.exchange.cpi[ulid(11)] = before
    TargetGroup.objects.update(cpi="2.75", webhook_changed_at=NOW)
    world.round(HOUR)
    due_at, urgency = world.plan
    assert due_at
    assert (due_at < world.now + 5 * MINUTE, urgency == scheduling.LIVE) == (again, again)
    assert (str(world.group(11).cpi)[:4], world.group(11).webhook_changed_at) == (
        ("2.75", world.now) if again else ("2.50", None)
    )


def test_the_lists_of_an_account_are_counted_and_planned() -> None:
    world = World(group_row(11))
    Project.objects.all().delete()
    world.exchange.projects += [project_row(2), {"id": ulid(3)}]
    units = [{"id": 7, "name": "Unit", "currency_code": "usd", "pricing_models": ["dynamic"]}]
    world.exchange.on("GET", "/business-units", lambda: (200, {"business_units": units}))
    version = world.account.version
    cycle = world.lists()
    assert (cycle.listed, cycle.complete, cycle.errors, cycle.quarantined) == (True, True, [], 1)
    assert (cycle.started_at, cycle.finished_at, cycle.project) == (NOW, NOW, None)
    account = world.account
    assert (account.lease, account.leased_until, account.attempts) == ("", None, 0)
    assert (account.due_at, account.read_at, account.names_at) == (NOW + 5 * MINUTE, NOW, NOW)
    assert (account.health, account.health_reason, account.version) == ("fresh", "", version + 1)
    projects = Project.objects.order_by("exchange_id").values_list("name", "due_at", "read_at")
    assert list(projects) == [("Project 1", NOW, None), ("Project 2", NOW, None)]
    people = ExchangeUser.objects.values_list("exchange_id", "name", "email")
    assert list(people) == [(PM.lower(), "Anna", "anna@example.com")]
    stored = BusinessUnit.objects.values_list("exchange_id", "name", "currency", "pricing_models")
    assert list(stored) == [("7", "Unit", "USD", ["dynamic"])]
    assert Quarantine.objects.get().operation == "list_account_projects"


def test_a_project_that_no_table_holds_is_set_aside_and_the_others_are_written() -> None:
    world = World()
    Project.objects.all().delete()
    world.exchange.projects = [
        project_row(1),
        project_row(2, human_readable_id="x" * 300),
        project_row(3),
    ]
    cycle = world.lists()
    assert (cycle.listed, cycle.quarantined) == (True, 1)
    stored = Project.objects.order_by("exchange_id").values_list("exchange_id", flat=True)
    assert list(stored) == [ulid(1), ulid(3)]
    assert Quarantine.objects.get().item_id == ulid(2)


def test_lists_without_news_write_no_project() -> None:
    world = World(group_row(11))
    world.lists()
    with CaptureQueriesContext(connection) as asked:
        world.lists(MINUTE)
    statements = " ".join(query["sql"] for query in asked.captured_queries)
    assert 'INSERT INTO "fielding_project"' not in statements


def test_names_are_read_every_six_hours_and_a_project_that_moved_is_due() -> None:
    world = World(group_row(11))
    world.lists()
    Project.objects.update(due_at=NOW + DAY)
    for later, requests in ((6 * HOUR - SECOND, 1), (SECOND, 3)):
        world.lists(later)
        assert len(world.exchange.log) == requests
        assert Project.objects.get().due_at == NOW + DAY
    world.exchange.projects = [project_row(1, human_readable_id="P99999")]
    world.lists(MINUTE)
    project = Project.objects.get()
    assert (project.human_readable_id, project.due_at) == ("P99999", NOW + DAY)
    world.exchange.projects[0]["target_group_count"] = 5
    world.lists(MINUTE)
    project = Project.objects.get()
    assert (project.group_count, project.due_at) == (5, world.now)
    Project.objects.update(due_at=NOW)
    world.exchange.projects[0]["target_group_count"] = 6
    world.lists(MINUTE)
    assert Project.objects.get().due_at == NOW  # late already


@pytest.mark.parametrize(
    ("pattern", "status", "health", "listed", "kind"),
    [
        ("/users", 403, "fresh", True, "Forbidden"),
        ("/business-units", 404, "fresh", True, "NotFound"),
        ("/users", 500, "stale", True, "Unavailable"),
        (r"/projects\?", 401, "error", False, "Unauthorized"),
        (r"/projects\?", 500, "stale", False, "Unavailable"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_by_the_health_of_its_account(
    pattern: str, status: int, health: str, listed: bool, kind: str
) -> None:
    world = World(group_row(11))
    world.exchange.on("GET", pattern, lambda: (status, {}))
    cycle = world.lists()
    assert (cycle.listed, cycle.complete, cycle.kinds) == (listed, False, {kind: 1})
    assert world.account.health == health
    assert world.account.health_reason == ("" if health == "fresh" else cycle.errors[0])
    assert world.account.read_at == (NOW if listed else None)
    assert world.account.names_at == (NOW if health == "fresh" else None)
    assert world.account.due_at == NOW + 5 * MINUTE


def test_lists_that_another_worker_reads_by_now_are_not_stored() -> None:
    world = World(group_row(11))
    pull_account(account=world.account, client=world.client, token="lost", clock=world.clock)
    world.account.refresh_from_db()
    assert world.account.read_at is None
    assert not Cycle.objects.exists()


@pytest.mark.parametrize(("created", "is_missing"), [(timedelta(), False), (SECOND, True)])
def test_a_project_that_is_newer_than_the_list_is_not_missing_from_it(
    created: timedelta, is_missing: bool
) -> None:
    world = World(group_row(11))
    new = factories.project(world.account, exchange_id=ulid(2), created_at=NOW - created)
    world.lists()
    new.refresh_from_db()
    assert new.missing_since == (NOW if is_missing else None)
    assert Project.objects.get(exchange_id=ulid(1)).missing_since is None


def test_a_project_without_a_readable_id_may_be_any_that_is_not_listed() -> None:
    world = World(group_row(11))
    factories.project(world.account, exchange_id=ulid(2), created_at=NOW - DAY)
    world.exchange.projects.append({"name": "no id"})
    world.lists()
    assert not Project.objects.exclude(missing_since=None).exists()
    world.exchange.projects[-1] = {"id": ulid(2)}
    world.lists()
    assert not Project.objects.exclude(missing_since=None).exists()


def test_work_that_ends_in_an_error_of_ours_is_free_after_its_lease(settings: Settings) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    project = factories.project(factories.account(), due_at=NOW)
    with pytest.raises(ZeroDivisionError):
        rounds.project_round(project.pk, clock=lambda: NOW, share=lambda _: 1 // 0)
    project.refresh_from_db()
    assert (project.lease, project.leased_until) == ("", NOW + scheduling.LEASE)
    assert (project.due_at, project.attempts) == (NOW, 1)


def test_of_several_groups_that_are_not_listed_each_is_asked_for() -> None:
    world = World(*(group_row(number) for number in (11, 12, 13)))
    world.round()
    world.exchange.groups[ulid(1)].clear()
    statuses = {ulid(11): 404, ulid(12): 500, ulid(13): 404}
    for name, status in statuses.items():
        world.exchange.on("GET", f"/demand/target-groups/{name}/", partial(refuse, status))
    cycle = world.round(5 * MINUTE)
    assert cycle.groups_written == 2
    missing = [world.group(number).missing_since for number in (11, 12, 13)]
    assert missing == [world.now, None, world.now]


@pytest.mark.parametrize(
    ("emails", "chosen", "linked"),
    [
        (["ANNA@example.com", "ben@example.com"], "", "0"),
        (["ben@example.com"], "", ""),
        (["anna@example.com", "anna@example.com"], "", ""),  # which of them nobody knows
        (["anna@example.com"], "other", "other"),  # what a person chose stays
    ],
)
def test_a_member_is_linked_to_the_only_user_with_their_address(
    emails: list[str], chosen: str, linked: str
) -> None:
    account = factories.account()
    for number, email in enumerate(emails):
        ExchangeUser.objects.create(account=account, exchange_id=str(number), email=email)
    elsewhere = factories.account()
    ExchangeUser.objects.create(account=elsewhere, exchange_id="9", email="anna@example.com")
    anna = factories.person("editor", account, email="anna@example.com", exchange_user_id=chosen)
    link_people(account)
    assert Membership.objects.get(user=anna).exchange_user_id == linked


@pytest.mark.parametrize(
    ("project", "done"),
    [
        ({}, True),
        ({"read_at": None}, False),
        ({"read_at": None, "error": "Cint refused it."}, True),
        ({"read_at": None, "missing_since": factories.NOW}, True),
        ({"pass_started_at": factories.NOW}, False),
    ],
    ids=["read", "not read yet", "refused", "no longer listed", "read in part"],
)
def test_a_first_pull_is_done_once_each_listed_project_was_read_or_refused(
    project: dict[str, Any], done: bool
) -> None:
    account = factories.account(first_pull_completed_at=None)
    factories.project(account)
    factories.project(account, **project)
    factories.project(factories.account(), read_at=None)  # another connection's
    assert is_first_pull_done(account) is done


def test_work_that_was_begun_in_vain_too_often_is_set_aside_without_a_request() -> None:
    account = factories.account(due_at=NOW, attempts=3, base_url="http://127.0.0.1:1")
    project = factories.project(account, due_at=NOW, attempts=3)
    assert rounds.project_round(project.pk, clock=lambda: NOW) is None
    assert rounds.account_round(account.pk, clock=lambda: NOW) is None
    project.refresh_from_db()
    account.refresh_from_db()
    words = "Reading this failed 3 times part-way. Next attempt in an hour."
    assert (project.error, account.health_reason) == (words, words)
    assert (project.leased_until, account.leased_until) == (NOW + HOUR, NOW + HOUR)
    assert [cycle.requests for cycle in Cycle.objects.all()] == [0, 0]


NAMED = "EXCHANGE_ALLOWED_HOSTS has to name exchange.example.com:8443"


@pytest.fixture
def refused_account(settings: Settings) -> ExchangeAccount:
    """One on a port that the list of allowed hosts does not have."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["exchange.example.com"]
    return factories.account(base_url="https://exchange.example.com:8443/v1", due_at=timezone.now())


def test_the_round_of_an_address_that_is_refused_ends_with_the_name_of_the_setting(
    refused_account: ExchangeAccount,
) -> None:
    cycle = rounds.account_round(refused_account.pk, clock=timezone.now)
    refused_account.refresh_from_db()
    assert cycle
    assert refused_account.health == ExchangeAccount.Health.ERROR
    assert NAMED in refused_account.health_reason
    assert refused_account.lease == ""
    assert refused_account.due_at
    assert refused_account.due_at > timezone.now()


def test_the_projects_of_an_address_that_is_refused_are_released_without_an_error_of_ours(
    refused_account: ExchangeAccount,
) -> None:
    project = factories.project(refused_account, due_at=timezone.now())
    assert rounds.project_round(project.pk, clock=timezone.now) is None
    assert Project.objects.get(pk=project.pk).lease == ""
    assert not Cycle.objects.exists()
