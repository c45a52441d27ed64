"""What each group is asked, by its status, what its row says, and how its last answer ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from dashboard.exchange.shapes.groups import TargetGroupsListItem
from dashboard.fielding.models import Change, Project
from dashboard.sync.columns import group_columns
from dashboard.sync.pull import requests
from dashboard.sync.pull.fetch import GroupRequest
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import group_row

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


def row(status: str, completes: int = 100) -> TargetGroupsListItem:
    return msgspec.convert(
        group_row(11, status=status, completes=completes), TargetGroupsListItem, strict=False
    )


def known(status: str, **fields: Any) -> requests.StoredGroup:
    """A group that was read whole, and whose row is as `row` makes it."""
    stored = requests.StoredGroup(
        pk=1,
        status=status,
        row_hash=group_columns.row_hash(row(status)),
        updated_at=row(status).updated_at,
        missing_since=None,
        changed_at=NOW - HOUR,
        completes_read_at=NOW - HALF,
        pricing_model="dynamic",
        webhook_changed_at=None,
        retry_at=None,
        last_complete_at=NOW - HOUR,
    )
    return stored._replace(**fields)


def planned(
    was: requests.StoredGroup,
    *,
    status: str = "",
    completes: int = 100,
    swept: timedelta | None = HALF,
    details: timedelta = timedelta(0),
    now: datetime = NOW,
    links: bool = False,
) -> GroupRequest | None:
    """What it is asked; `swept`, `details`: how long ago the last sweeps were."""
    project = Project(overviews_at=now - swept if swept else now, details_at=now - details)
    listed = [row(status or was.status, completes)]
    stored = {ulid(11): was}
    return next(iter(requests.plan_requests(project, listed, stored, now=now, links=links)), None)


def test_a_live_group_that_stands_still_is_asked_for_its_overview_with_each_sweep() -> None:
    assert planned(known("live"), swept=None) is None
    request = planned(known("live"))
    assert request
    assert (request.overview, request.performance, request.moved) == (True, False, False)


@pytest.mark.parametrize("status", ["paused", "scheduled"])
def test_a_paused_group_is_swept_once_an_hour(status: str) -> None:
    assert planned(known(status), now=NOW + HALF) is None
    assert planned(known(status), now=NOW)


@pytest.mark.parametrize("status", ["completed", "draft", "under_review"])
def test_other_groups_of_a_live_project_are_swept_once_a_day(status: str) -> None:
    midnight = NOW.replace(hour=0)
    assert planned(known(status), now=NOW) is None
    assert planned(known(status), now=midnight)


def test_a_completed_group_is_left_alone_once_its_counts_are_final() -> None:
    midnight = NOW.replace(hour=0)
    final = known("completed", last_complete_at=NOW - timedelta(days=70))
    assert planned(final, now=midnight) is None
    assert planned(final, completes=99, now=midnight)


def test_a_completed_group_whose_row_moved_is_asked_at_once() -> None:
    request = planned(known("completed"), completes=99, swept=None)
    assert request
    assert request.performance


def test_an_archived_group_is_asked_nothing_though_its_row_is_kept() -> None:
    assert planned(known("archived")) is None
    request = planned(known("archived"), completes=99)
    assert request
    assert (request.moved, request.cost) == (True, 0)


def test_a_group_that_is_being_archived_is_asked_one_last_time() -> None:
    request = planned(known("completed"), status="archived", swept=None)
    assert request
    assert request.performance
    assert request.details


def test_a_draft_is_asked_for_its_details_when_its_row_moves() -> None:
    request = planned(known("draft"), completes=99, swept=None)
    assert request
    assert request.details


def test_a_group_that_owes_an_answer_is_left_alone_until_its_time() -> None:
    later = known("live", retry_at=NOW + HOUR)
    assert planned(later) is None
    request = planned(later, now=NOW + HOUR)
    assert request
    assert (request.details, request.performance) == (True, True)


def test_it_is_asked_sooner_when_its_row_moves_or_a_webhook_tells_of_it() -> None:
    assert planned(known("live", retry_at=NOW + HOUR), completes=101)
    assert planned(known("live", retry_at=NOW + HOUR, webhook_changed_at=NOW))


@pytest.mark.parametrize("status", ["live", "paused", "completed", "archived", "draft"])
def test_a_row_that_tells_of_the_exclusion_for_the_first_time_is_kept_and_costs_nothing(
    status: str,
) -> None:
    listed = msgspec.structs.replace(row(status), exclusion_enabled=True)
    was = known(status)._replace(row_hash=group_columns.row_hash(listed))
    project = Project(overviews_at=NOW, details_at=NOW)
    (request,) = requests.plan_requests(project, [listed], {listed.id: was}, now=NOW)
    assert (request.moved, request.cost) == (True, 0)
    stored = was._replace(exclusion_enabled=True)
    assert requests.plan_requests(project, [listed], {listed.id: stored}, now=NOW) == []


def ask(number: int, *, moved: bool = True) -> GroupRequest:
    return GroupRequest.everything(ulid(1), ulid(number), "live", moved=moved)


COST = ask(1).cost


def test_a_turn_takes_groups_in_order_until_its_share_is_spent() -> None:
    turn = requests.take_share([ask(3), ask(1), ask(2)], after="", share=2 * COST)
    assert [each.group for each in turn.requests] == [ulid(1), ulid(2)]
    assert (turn.left, turn.last_group) == (1, ulid(2))
    assert [each.group for each in turn.postponed] == [ulid(3)]


def test_the_last_turn_ends_the_pass_and_keeps_what_moved_again() -> None:
    turn = requests.take_share([ask(1), ask(2, moved=False), ask(3)], after=ulid(2), share=2 * COST)
    assert [each.group for each in turn.requests] == [ulid(3)]
    assert (turn.left, turn.last_group) == (0, "")
    assert [each.group for each in turn.postponed] == [ulid(1)]


def test_a_share_smaller_than_a_group_takes_one_group() -> None:
    assert len(requests.take_share([ask(1), ask(2)], after="", share=1).requests) == 1


def test_without_a_budget_a_turn_is_the_whole_pass() -> None:
    assert requests.take_share([ask(2), ask(1)], after="", share=None).left == 0


SERIES_DUE: dict[str, Any] = {"completes_read_at": NOW - HOUR}


@pytest.mark.parametrize(
    ("total", "completes", "fields", "asked"),
    [
        (1500, 101, SERIES_DUE, True),  # with the series of a group that moved
        (1500, 101, {}, False),  # its series was read half an hour ago
        (1500, 100, SERIES_DUE | {"changed_at": NOW - 2 * HOUR}, False),  # nothing moved
        (None, 101, SERIES_DUE, True),  # it was never asked
        (0, 101, SERIES_DUE, False),  # it has none
    ],
)
def test_survey_links_are_asked_with_the_series_of_a_group_that_has_some(
    total: int | None, completes: int, fields: dict[str, Any], asked: bool
) -> None:
    was = known("live", links_total=total, **fields)
    request = planned(was, completes=completes, links=True)
    assert request
    assert request.links is asked


@pytest.mark.parametrize(
    ("status", "asked"), [("live", True), ("paused", True), ("scheduled", False)]
)
def test_a_group_without_links_is_asked_with_its_details_while_it_uses_them(
    status: str, asked: bool
) -> None:
    request = planned(known(status, links_total=0), details=6 * HOUR, links=True)
    assert request
    assert (request.details, request.links) == (True, asked)


def test_a_group_without_links_is_not_asked_again_because_it_was_changed() -> None:
    for total, asked in ((0, False), (1500, True)):
        request = planned(known("live", links_total=total, webhook_changed_at=NOW), links=True)
        assert request
        assert (request.details, request.links) == (True, asked)


@pytest.mark.parametrize("was", [known("live", links_total=1500), known("live", retry_at=NOW)])
def test_links_of_an_account_without_them_cost_nothing(was: requests.StoredGroup) -> None:
    with_links = planned(was, details=6 * HOUR, links=True)
    without = planned(was, details=6 * HOUR)
    assert with_links
    assert without
    assert without.links is False
    assert with_links.cost == without.cost + 1
    assert with_links.is_everything == without.is_everything


@pytest.mark.parametrize("status", ["draft", "scheduled", "completed", "archived"])
def test_a_new_group_that_uses_no_links_is_not_asked_for_them(status: str) -> None:
    project = Project(overviews_at=NOW, details_at=NOW)
    (request,) = requests.plan_requests(project, [row(status)], {}, now=NOW, links=True)
    assert request.links is False


PARTS = (
    "moved",
    "performance",
    "overview",
    "completes",
    "changelog",
    "details",
    "profiles",
    "rate_card",
    "links",
)
MOVED = "moved performance overview"
WITH_SERIES = f"{MOVED} completes changelog profiles"
TOUCHED = "overview changelog details profiles"
STATUS_MOVED = f"{MOVED} changelog details"
EVERYTHING = "performance overview completes changelog details profiles rate_card"
SECOND = timedelta(seconds=1)
BY_CARD = {"pricing_model": "rate_card"}
CALM = {"swept": None}
ON_DAY = {"completes_read_at": None, "changed_at": None}
FINAL = datetime(2026, 11, 26, 6, tzinfo=UTC)  # the counts of October
OCTOBER = {"last_complete_at": datetime(2026, 10, 20, tzinfo=UTC)} | ON_DAY


@pytest.mark.parametrize(
    ("status", "stored", "seen", "parts"),
    [
        ("live", {}, CALM, None),
        ("live", {}, CALM | {"completes": 99}, MOVED),
        ("live", {"missing_since": NOW}, CALM, MOVED),
        ("live", {"completes_read_at": NOW - HOUR}, CALM | {"completes": 99}, WITH_SERIES),
        ("live", {"completes_read_at": NOW - HOUR + SECOND}, CALM | {"completes": 99}, MOVED),
        ("live", {"completes_read_at": None}, CALM | {"completes": 99}, WITH_SERIES),
        # Nothing moved now, but since its series was read.
        ("live", {"completes_read_at": NOW - 2 * HOUR}, CALM, "completes profiles"),
        ("live", {"completes_read_at": None}, CALM, "completes profiles"),
        ("live", {"completes_read_at": NOW - HOUR}, CALM, None),
        ("live", {"completes_read_at": NOW - HALF, "changed_at": NOW}, CALM, None),
        ("live", ON_DAY, CALM, None),
        # Its time of update, or a webhook, says that its settings changed.
        ("live", {"updated_at": NOW}, CALM, TOUCHED),
        ("live", {"updated_at": NOW} | BY_CARD, CALM, f"{TOUCHED} rate_card"),
        ("completed", {"webhook_changed_at": NOW}, CALM, TOUCHED),
        ("paused", {}, CALM | {"status": "live"}, STATUS_MOVED),
        ("paused", BY_CARD, CALM | {"status": "live"}, f"{STATUS_MOVED} rate_card"),
        ("completed", {}, CALM | {"status": "archived"}, STATUS_MOVED),
        ("archived", {}, CALM | {"status": "live"}, STATUS_MOVED),
        # The sweep of details, every six hours.
        ("live", {}, CALM | {"details": 6 * HOUR}, "details"),
        ("paused", BY_CARD, CALM | {"details": 6 * HOUR}, "details rate_card"),
        ("scheduled", {}, CALM | {"details": 6 * HOUR}, "details"),
        ("live", {}, CALM | {"details": 6 * HOUR - SECOND}, None),
        ("completed", {}, CALM | {"details": 6 * HOUR}, None),
        ("draft", {}, CALM | {"details": 6 * HOUR}, None),
        # The sweep of overviews, every half an hour.
        ("live", {}, {"swept": HALF}, "overview"),
        ("live", {}, {"swept": HALF - SECOND}, None),
        ("paused", {}, {"swept": HALF}, "overview"),
        ("paused", {}, {"swept": HALF, "now": NOW + HALF}, None),
        ("draft", ON_DAY, {"now": NOW.replace(hour=0)}, "overview details"),
        ("draft", ON_DAY, {"now": NOW.replace(hour=1)}, None),
        ("completed", OCTOBER, {"swept": 7 * HOUR, "now": FINAL - SECOND}, "overview"),
        ("completed", OCTOBER, {"swept": 7 * HOUR, "now": FINAL}, None),
        ("completed", ON_DAY | {"last_complete_at": None}, {"swept": 24 * HOUR}, None),
        ("under_review", OCTOBER, {"swept": 7 * HOUR, "now": FINAL}, "overview"),
        ("draft", {}, CALM | {"completes": 99}, f"{MOVED} details"),
        # Read whole: new here, or after a failure when its time comes or a webhook reports it.
        ("live", {"row_hash": b""}, CALM, f"moved {EVERYTHING}"),
        ("archived", {"row_hash": b""}, CALM, f"moved {EVERYTHING}"),
        ("live", {"retry_at": NOW}, CALM, EVERYTHING),
        ("live", {"retry_at": NOW + SECOND}, CALM, None),
        ("live", {"retry_at": NOW + SECOND, "webhook_changed_at": NOW}, CALM, EVERYTHING),
        ("live", {"retry_at": NOW + SECOND}, CALM | {"completes": 99}, MOVED),
        ("live", {"retry_at": NOW}, CALM | {"completes": 99}, f"moved {EVERYTHING}"),
        ("archived", {}, CALM | {"completes": 99}, "moved"),
        ("archived", {"updated_at": NOW}, {"swept": 25 * HOUR}, None),
    ],
)
def test_a_group_is_asked_for_exactly_what_may_have_changed(
    status: str, stored: dict[str, Any], seen: dict[str, Any], parts: str | None
) -> None:
    request = planned(known(status, **stored), **seen)
    assert (None if request is None else {part for part in PARTS if getattr(request, part)}) == (
        None if parts is None else set(parts.split())
    )


def test_a_pass_goes_on_as_of_its_beginning() -> None:
    begun = NOW - timedelta(minutes=10)
    project = Project(
        pass_started_at=begun, overviews_at=begun - HALF + SECOND, details_at=begun - 6 * HOUR
    )
    assert requests.plan_sweeps(project, now=NOW) == requests.Sweeps(
        begun, overviews=False, details=True, last=begun - HALF + SECOND
    )
    assert requests.plan_sweeps(Project(), now=NOW) == requests.Sweeps(
        NOW, overviews=True, details=True, last=None
    )


def test_changes_are_asked_for_since_the_newest_that_is_stored_of_the_same_group() -> None:
    project = factories.project(factories.account(), overviews_at=NOW, details_at=NOW)
    groups = [factories.group(project, exchange_id=ulid(number)) for number in (11, 12, 13)]
    for group, hours in ((groups[0], 5), (groups[0], 3), (groups[1], 1)):
        Change.objects.create(
            account=group.account,
            group=group,
            kind="cpi_change",
            batch_id=f"{hours}",
            occurred_at=NOW - hours * HOUR,
            seen_at=NOW,
        )
    rows = [msgspec.structs.replace(row("live"), id=ulid(number)) for number in (11, 12, 13, 14)]
    stored = {
        group.exchange_id: known("live", pk=group.pk, webhook_changed_at=NOW) for group in groups
    }
    planned_requests = requests.plan_requests(project, rows, stored, now=NOW)
    assert [(each.group, each.pk, each.webhook_changed_at) for each in planned_requests] == [
        *((group.exchange_id, group.pk, NOW) for group in groups),
        (ulid(14), None, None),
    ]
    assert [each.changelog_since for each in planned_requests] == [
        NOW - 3 * HOUR,
        NOW - HOUR,
        None,
        None,
    ]


@pytest.mark.parametrize(("share", "taken"), [(2 * COST - 1, 1), (2 * COST, 2), (3 * COST, 3)])
def test_a_share_is_never_exceeded_by_more_than_its_first_group(share: int, taken: int) -> None:
    turn = requests.take_share([ask(1), ask(2), ask(3)], after="", share=share)
    assert (len(turn.requests), turn.left) == (taken, 3 - taken)
