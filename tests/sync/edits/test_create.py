"""New drafts and projects, step by step: sent once, found after a lost answer, and stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.exchange import sendable
from dashboard.fielding.models import Edit, ExchangeAccount, Project, TargetGroup, User
from dashboard.sync.edits import create, send
from dashboard.sync.edits.kinds import draft
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import Exchange, Reply, money, serving
from tests.fakes.clock import HandClock

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
KEY = "00000000-0000-4000-8000-0000000000{:02d}"
DRAFT: dict[str, Any] = {
    "name": "Draft",
    "human_readable_id": "T000099",
    "created_at": "2026-11-20T11:59:00.000Z",
    "business_unit_id": "7",
    "locale": "eng_us",
    "completes_goal": 100,
    "cost_per_interview": money("2.75"),
    "exclusion": {"enabled": False},
    "respondent_activity_exclusions": [],
    "fielding_specification": {
        "start_at": "2026-11-21T09:00:00.000Z",
        "end_at": "2026-11-28T09:00:00.000Z",
    },
}
NEW_PROJECT = {
    "name": "Tracker",
    "project_manager_id": "m",
    "project_customer_reference_number": "PO-1",
}
NONE, NOT_YOU = "Cint cannot find this: no such thing", "Cint does not allow this: not you"
MISSING = {"object": "not_found_error", "detail": "no such thing"}


@dataclass
class Creating(Exchange):
    """An exchange that creates what it is told, and shows what it is told to show."""

    create: Reply = field(default=(201, {"id": "new"}))
    shown: dict[str, Reply] = field(default_factory=dict)  # by the id of a draft or project
    listed: dict[str, str] = field(default_factory=dict)  # names of drafts by id
    list_fails: bool = False
    created: list[Any] = field(default_factory=list)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        address = path.split("?", maxsplit=1)[0]
        if method == "POST":
            self.created.append(body)
            return self.create
        if address.endswith("/target-groups"):
            progress = dict.fromkeys(("current_completes", "current_prescreens", "filling_goal"), 0)
            statistics = {"progress": {"value": progress}}
            rows = [
                {"id": draft_id, "name": name, "status": "draft", "statistics": statistics}
                for draft_id, name in self.listed.items()
            ]
            if self.list_fails:
                return 403, {"object": "error", "detail": "no list"}
            return 200, {"target_groups": rows, "has_more": False}
        return self.shown.get(address.rsplit("/", 1)[1], (404, MISSING))


@dataclass
class Desk(HandClock):
    """Somebody with the form of a new draft or project, and the worker that settles it."""

    exchange: Creating
    account: ExchangeAccount
    project: Project
    by: User

    def draft(self, number: int = 1, *, waits: bool = False, **changes: Any) -> Edit:
        value = draft.stored_draft(TargetGroup(details=DRAFT))
        assert value is not None
        return create.new_draft(
            project=self.project,
            wanted=value | changes,
            by=self.by,
            token=f"form {number}",
            clock=self.clock,
            wait=self.wait if waits else None,
        )

    def new_project(self, number: int = 1, *, waits: bool = False) -> Edit:
        return create.new_project(
            account=self.account,
            wanted=NEW_PROJECT,
            by=self.by,
            token=KEY.format(number),
            clock=self.clock,
            wait=self.wait if waits else None,
        )

    def settle(self, edit: Edit, at: timedelta) -> tuple[Any, ...]:
        """The next check of the worker, so long after the form was sent."""
        self.now = NOW + at
        Edit.objects.filter(pk=edit.pk).exclude(check_at=None).update(check_at=self.now)
        create.settle_due(clock=self.clock)
        return stored(edit)


@pytest.fixture
def desk(settings: Any) -> Iterator[Desk]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(Creating()) as exchange:
        account = factories.account(base_url=exchange.url, requests_per_minute=0)
        project = factories.project(account, due_at=None)
        yield Desk(exchange, account, project, factories.person("editor", account), now=NOW)


def stored(edit: Edit) -> tuple[Any, ...]:
    """How an edit stands: state, reasons, end, next check."""
    edit.refresh_from_db()
    reasons = [reason["reason"] for reason in edit.reasons]
    return edit.state, reasons, edit.settled_at, edit.check_at


def test_a_new_draft_is_sent_whole_and_stored_with_its_edit(desk: Desk) -> None:
    desk.exchange.shown = {"new": (200, DRAFT)}
    desk.exchange.listed = {"b": "Draft", "a": "Draft", "c": "Other", "d": "A"}
    edit = desk.draft()
    assert desk.exchange.created == [sendable.draft(DRAFT)]
    assert stored(edit) == ("confirmed", [], NOW, None)
    assert (edit.before, edit.sent, edit.asked_id) == ({"drafts": ["b", "a"]}, True, "new")
    after: Any = edit.after
    assert (set(after), after["name"]) == (set(draft.FIELDS), "Draft")
    group = edit.group
    assert group is not None
    assert (edit.project, group.project, group.exchange_id) == (None, desk.project, "new")
    assert (group.human_readable_id, group.status, group.changed_at) == ("T000099", "draft", NOW)
    assert group.created_at == NOW - MINUTE
    assert (group.name, group.completes_goal, group.cpi) == ("Draft", 100, Decimal("2.75"))
    assert group.details["name"] == "Draft"
    desk.project.refresh_from_db()
    assert (desk.project.version, desk.project.due_at) == (1, NOW)


def test_a_draft_that_is_held_otherwise_is_stored_as_a_conflict(desk: Desk) -> None:
    desk.exchange.shown = {"new": (200, DRAFT | {"completes_goal": 99})}
    edit = desk.draft()
    assert stored(edit) == ("conflict", [], NOW, None)
    assert (edit.group.completes_goal if edit.group else None) == 99


@pytest.mark.parametrize("waits", [False, True])
def test_a_draft_that_is_not_shown_yet_is_read_again(desk: Desk, waits: bool) -> None:
    edit = desk.draft(waits=waits)
    assert desk.waited == ([1.0, 1.0] if waits else [])
    assert stored(edit) == ("unknown", [], None, NOW + (5 if waits else 1) * SECOND)
    lag = 4 * MINUTE
    assert desk.settle(edit, lag - SECOND) == ("unknown", [], None, NOW + lag)
    state, reasons, settled_at, _ = desk.settle(edit, lag)
    assert (state, settled_at) == ("rejected", NOW + lag)
    assert reasons == [f"{NONE}. {create.NEVER_SHOWN}."]


def test_a_draft_that_appears_while_the_person_waits_is_read_no_more(desk: Desk) -> None:
    desk.exchange.shown = {"new": (200, DRAFT)}
    assert desk.draft(waits=True).state == "confirmed"
    assert desk.waited == []


@pytest.mark.parametrize(
    ("reply", "at", "state"),
    [
        ((429, {"detail": "later"}, {"Retry-After": "90"}), 5 * MINUTE, "unknown"),
        ((400, {"object": "error", "detail": "odd"}), 4 * MINUTE - SECOND, "unknown"),
        ((400, {"object": "error", "detail": "odd"}), 4 * MINUTE, "rejected"),
        ((403, MISSING), 4 * MINUTE, "rejected"),
    ],
)
def test_a_draft_that_cannot_be_read_waits_as_long_as_that_helps(
    desk: Desk, reply: Reply, at: timedelta, state: str
) -> None:
    edit = desk.draft()
    desk.exchange.shown = {"new": reply}
    assert desk.settle(edit, at)[0] == state
    assert len(desk.exchange.created) == 1


def test_nothing_is_sent_where_the_drafts_cannot_be_listed(desk: Desk) -> None:
    desk.exchange.list_fails = True
    edit = desk.draft()
    state, reasons, settled_at, check_at = stored(edit)
    assert (state, settled_at, check_at, edit.sent) == ("rejected", NOW, None, False)
    assert reasons == ["Cint does not allow this: no list. Nothing was sent."]
    assert desk.exchange.created == []


@pytest.mark.parametrize("kind", ["draft", "new_project"])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((403, {"object": "error", "detail": "not you"}), NOT_YOU),
        (
            (429, {"detail": "later"}, {"Retry-After": "90"}),
            ". Nothing was created; it can be sent again in 90 s.",
        ),
    ],
)
def test_what_is_refused_was_not_created(desk: Desk, kind: str, reply: Reply, reason: str) -> None:
    desk.exchange.create = reply
    edit = desk.draft() if kind == "draft" else desk.new_project()
    state, (words,), settled_at, check_at = stored(edit)
    assert (state, settled_at, check_at) == ("rejected", NOW, None)
    assert words.endswith(reason)
    assert (edit.sent, edit.group, edit.asked_id) == (True, None, "")


def test_after_a_lost_answer_the_draft_that_appeared_and_holds_the_same_is_adopted(
    desk: Desk,
) -> None:
    claimed = factories.group(desk.project, exchange_id=ulid(7))
    factories.edit(claimed, kind="new_draft")
    desk.exchange.listed = {"old": "Draft"}
    desk.exchange.create = (500, "")
    edit = desk.draft()
    assert stored(edit)[0] == "unknown"
    names = ("old", ulid(7), "a-launched", "b-gone", "c-other", "e-ours", "f-same", "d-named")
    desk.exchange.listed = {**dict.fromkeys(names, "Draft"), "d-named": "Other"}
    other = DRAFT | {"completes_goal": 99}
    same: dict[str, Reply] = dict.fromkeys(names, (200, DRAFT))
    desk.exchange.shown = same | {
        "a-launched": (301, ""),
        "b-gone": (404, MISSING),
        "c-other": (200, other),
    }
    assert desk.settle(edit, MINUTE) == ("confirmed", [], NOW + MINUTE, None)
    assert edit.group is not None
    assert (edit.group.exchange_id, edit.asked_id) == ("e-ours", "e-ours")
    assert len(desk.exchange.created) == 1


def test_after_a_lost_answer_nothing_is_sent_again_and_it_ends_after_any_lag(desk: Desk) -> None:
    desk.exchange.create = (500, "")
    edit = desk.draft()
    words = [reason["reason"] for reason in edit.reasons]
    assert desk.settle(edit, 3 * MINUTE) == ("unknown", words, None, NOW + 210 * SECOND)
    desk.exchange.list_fails = True
    state, reasons, _, check_at = desk.settle(edit, 5 * MINUTE)
    assert (state, check_at) == ("unknown", NOW + 7 * MINUTE)
    assert reasons == [*words, "Cint does not allow this: no list"]
    desk.exchange.list_fails = False
    ended = ("rejected", [*words, create.NOT_CREATED], NOW + 6 * MINUTE, None)
    assert desk.settle(edit, 6 * MINUTE) == ended
    assert len(desk.exchange.created) == 1


def test_two_forms_never_adopt_one_draft(desk: Desk) -> None:
    desk.exchange.shown = {"new": (200, DRAFT)}
    first = desk.draft(1)
    second = desk.draft(2)
    assert stored(first)[0] == "confirmed"
    assert stored(second)[0] == "unknown"
    assert (second.group, second.project, second.asked_id) == (None, desk.project, "new")
    desk.exchange.listed = {"new": "Draft", "other": "Draft"}
    desk.exchange.shown["other"] = (200, DRAFT)
    assert desk.settle(second, MINUTE)[0] == "confirmed"
    assert second.group is not None
    assert second.group.exchange_id == "other"


HELD = {"id": "new", "human_readable_id": "P00099"} | NEW_PROJECT


def test_a_new_project_is_stored_with_its_edit_and_is_due(desk: Desk) -> None:
    desk.exchange.shown = {"new": (200, HELD)}
    edit = desk.new_project()
    assert desk.exchange.created == [NEW_PROJECT]
    assert stored(edit) == ("confirmed", [], NOW, None)
    assert (edit.after, edit.asked_id, edit.sent) == (NEW_PROJECT, "new", True)
    names = ("name", "human_readable_id", "project_manager_id", "reference_number", "status")
    assert edit.project is not None
    assert [getattr(edit.project, name) for name in names] == [
        "Tracker",
        "P00099",
        "m",
        "PO-1",
        "active",
    ]
    assert (edit.project.created_at, edit.project.due_at) == (NOW, NOW)
    desk.exchange.shown = {"new": (200, HELD | {"name": "Other"})}
    assert stored(desk.new_project(2))[0] == "conflict"


@pytest.mark.parametrize("waits", [False, True])
def test_a_project_that_is_not_shown_yet_is_read_again(desk: Desk, waits: bool) -> None:
    edit = desk.new_project(waits=waits)
    assert desk.waited == ([1.0, 1.0] if waits else [])
    assert stored(edit) == ("unknown", [], None, NOW + (5 if waits else 1) * SECOND)
    lag = 4 * MINUTE
    assert desk.settle(edit, lag - SECOND)[0] == "unknown"
    desk.exchange.shown = {"new": (400, {"object": "error", "detail": "odd"})}
    assert desk.settle(edit, 5 * MINUTE) == (
        "unknown",
        ["Cint refused the request: odd"],
        None,
        NOW + 7 * MINUTE,
    )
    desk.exchange.shown = {}
    state, reasons, settled_at, _ = desk.settle(edit, 6 * MINUTE)
    assert (state, settled_at) == ("rejected", NOW + 6 * MINUTE)
    assert reasons == [f"{NONE}. {create.NEVER_SHOWN}."]
    assert len(desk.exchange.created) == 1


def test_the_same_project_is_asked_for_again_for_a_week_after_a_lost_answer(desk: Desk) -> None:
    desk.exchange.create = (500, "")
    edit = desk.new_project(waits=True)
    assert desk.waited == []  # it is not asked for again while the person waits
    state, _, _, check_at = stored(edit)
    assert (state, check_at, edit.asked_id) == ("unknown", NOW + SECOND, "")
    desk.exchange.create = (429, {"detail": "later"}, {"Retry-After": "90"})
    assert desk.settle(edit, send.ENDS_AFTER - SECOND)[0] == "unknown"
    assert desk.settle(edit, send.ENDS_AFTER)[0] == "rejected"


def test_a_project_that_is_refused_after_a_lost_answer_ends_at_once(desk: Desk) -> None:
    desk.exchange.create = (500, "")
    edit = desk.new_project()
    desk.exchange.create = (403, {"object": "error", "detail": "not you"})
    assert desk.settle(edit, MINUTE) == ("rejected", [NOT_YOU], NOW + MINUTE, None)


def test_due_creations_are_settled_in_order_and_up_to_a_limit(desk: Desk) -> None:
    group = factories.group(desk.project)
    for number, (kind, state, seconds) in enumerate(
        [
            ("new_project", "unknown", 0),
            ("new_draft", "unknown", -5),
            ("new_project", "sending", 1),
            ("new_draft", "confirmed", -9),
            ("cpi", "unknown", -9),
        ]
    ):
        edit = factories.edit(group, kind=kind, state=state, asked_id="x", token=f"t{number}")
        at = NOW + seconds * SECOND
        Edit.objects.filter(pk=edit.pk).update(group=None, project=desk.project, check_at=at)

    def checks() -> list[int]:
        return list(Edit.objects.order_by("token").values_list("checks", flat=True))

    assert create.settle_due(clock=desk.clock, limit=1) == 1
    assert checks() == [0, 1, 0, 0, 0]
    assert create.settle_due(clock=desk.clock) == 1
    assert checks() == [1, 1, 0, 0, 0]
