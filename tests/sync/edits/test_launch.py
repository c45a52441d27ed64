"""The launch of a draft, step by step: what is compared first, and how its job ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.edits import launch, send
from dashboard.sync.edits.kinds import draft
from tests import factories
from tests.factories import NOW
from tests.fakes.canned_exchange import Exchange, Reply, money, serving

pytestmark = pytest.mark.django_db
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
KEY = "00000000-0000-4000-8000-0000000000{:02d}"
END, START = "2026-11-27T12:00:00.000Z", "2026-11-21T12:00:00.000Z"
DRAFT: dict[str, Any] = {
    "name": "Draft",
    "business_unit_id": "7",
    "locale": "eng_us",
    "completes_goal": 100,
    "cost_per_interview": money("2.75"),
    "exclusion": {"enabled": False},
}
GONE = {"object": "error", "detail": "gone"}


@dataclass
class Launching(Exchange):
    """An exchange of one draft: what it holds of it, and what becomes of its jobs."""

    held: Reply = field(default=(200, DRAFT))
    create: Reply = field(default=(201, "", {"Location": "/jobs/J1"}))
    job: Reply = field(default=(200, {"status": "Processing"}))
    runs: list[dict[str, Any]] = field(default_factory=list)
    created: list[tuple[str, Any]] = field(default_factory=list)  # kind of job, its body

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        self.log.append((method, path))
        kind = "schedule" if "schedule" in path else "launch"
        if method == "POST":
            self.created.append((kind, body))
            return self.create
        if path.endswith("/fielding-runs"):
            return 200, {"data": self.runs, "has_more": False}
        return self.job if "/J1" in path else self.held


@dataclass
class Desk:
    """Somebody who launches one draft, and the worker that follows it."""

    exchange: Launching
    group: TargetGroup
    by: User
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    def launch(self, *, start: datetime | None = None, number: int = 1, **seen: Any) -> Edit:
        value = draft.stored_draft(TargetGroup(details=DRAFT))
        assert value is not None
        return launch.launch_draft(
            group=self.group,
            seen=value | seen,
            start=start,
            end=datetime.fromisoformat(END),
            by=self.by,
            token=KEY.format(number),
            clock=self.clock,
        )

    def step(self, edit: Edit, at: timedelta) -> Edit:
        """The next step of the worker, so long after the launch."""
        self.now = NOW + at
        Edit.objects.filter(pk=edit.pk).exclude(check_at=None).update(check_at=self.now)
        launch.run_due_launches(clock=self.clock)
        edit.refresh_from_db()
        return edit


@pytest.fixture
def desk(settings: Any) -> Iterator[Desk]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(Launching()) as exchange:
        account = factories.account(base_url=exchange.url, requests_per_minute=0)
        project = factories.project(account, due_at=None)
        group = factories.group(project, status="draft", details=DRAFT)
        yield Desk(exchange, group, factories.person("editor", account))


def reason(text: str, name: str = "") -> dict[str, str]:
    return {"name": name, "reason": text}


def stored(edit: Edit) -> tuple[Any, ...]:
    edit.refresh_from_db()
    return edit.state, edit.after, edit.reasons, edit.settled_at, edit.check_at


@pytest.mark.parametrize("scheduled", [False, True])
def test_a_launch_asks_for_its_job_once_and_waits_for_it(desk: Desk, scheduled: bool) -> None:
    start = datetime.fromisoformat(START) if scheduled else None
    edit = desk.launch(start=start)
    dates = {"start_fielding_at": START if scheduled else None, "end_fielding_at": END}
    assert edit.wanted == {"status": "scheduled" if scheduled else "live"} | dates
    before: Any = edit.before
    assert (before["status"], before["draft"]["name"]) == ("draft", "Draft")
    assert (edit.sent, edit.asked_id, edit.kind) == (True, "J1", "launch")
    assert stored(edit) == ("unknown", None, [], None, NOW + SECOND)
    desk.step(edit, 2 * SECOND)
    body = {name: value for name, value in dates.items() if value}
    assert desk.exchange.created == [("schedule" if scheduled else "launch", body)]


def test_a_running_job_is_checked_soon_and_later_less_often(desk: Desk) -> None:
    edit = desk.launch()
    waits = {0.5: 1, 4.9: 1, 5: 2, 19.9: 2, 20: 10, 119: 10, 120: 30, 1799: 30, 1800: 600}
    for elapsed, seconds in waits.items():
        desk.step(edit, timedelta(seconds=elapsed))
        assert stored(edit) == ("unknown", None, [], None, desk.now + seconds * SECOND)
    assert edit.checks == len(waits)


RUN = {"id": "r" * 70, "status": "live", "start_fielding_at": START, "end_fielding_at": END}


@pytest.mark.parametrize(
    ("scheduled", "changes", "state"),
    [
        (True, {}, "confirmed"),
        (False, {}, "confirmed"),
        (False, {"start_fielding_at": None}, "confirmed"),
        (True, {"start_fielding_at": None}, "conflict"),
        (True, {"start_fielding_at": "2026-11-22T12:00:00.000Z"}, "conflict"),
        (False, {"end_fielding_at": "2026-11-28T12:00:00.000Z"}, "conflict"),
        (True, {"end_fielding_at": None}, "conflict"),
    ],
)
def test_a_completed_job_is_read_back_and_the_group_is_stored_as_it_is(
    desk: Desk, scheduled: bool, changes: dict[str, Any], state: str
) -> None:
    edit = desk.launch(start=datetime.fromisoformat(START) if scheduled else None)
    desk.exchange.job = (200, {"status": "Completed"})
    desk.step(edit, SECOND)
    assert stored(edit)[0] == "unknown"  # there is no run to be read yet
    run = RUN | changes
    desk.exchange.runs = [run, RUN | {"id": "other"}]
    desk.step(edit, 3 * SECOND)
    after = {name: run[name] for name in ("status", "start_fielding_at", "end_fielding_at")}
    assert stored(edit) == (state, after, [], desk.now, None)
    names = ("status", "fielding_run_id", "status_changed_at", "changed_at", "starts_at", "ends_at")
    start, end = (
        datetime.fromisoformat(after[name]) if after[name] else None
        for name in ("start_fielding_at", "end_fielding_at")
    )
    assert TargetGroup.objects.values_list(*names).get(pk=desk.group.pk) == (
        *("live", "r" * 64, desk.now, desk.now),
        *(start, end),
    )
    project = Project.objects.get(pk=desk.group.project_id)
    assert (project.version, project.due_at) == (1, desk.now)


FAILURES: list[tuple[Any, list[dict[str, str]]]] = [
    (None, [reason("Cint gives no reason")]),
    ({}, [reason("Cint gives no reason")]),
    ({"code": "not_ready"}, [reason("not ready")]),
    ({"code": "not_ready", "description": "Not yet."}, [reason("Not yet.")]),
    (
        {
            "description": "Wrong.",
            "reasons": [
                {"name": "live_url", "reason": "too_short", "detail": "Too short."},
                {},
                {"name": "test_url"},
                {"reason": "too_short"},
            ],
        },
        [
            reason("Wrong."),
            reason("Too short.", "live_url"),
            reason(send.NO_REASON, "test_url"),
            reason("too short"),
        ],
    ),
    ({"reasons": [{"detail": "Late."}]}, [reason("Late.")]),
]


@pytest.mark.parametrize(("failure", "reasons"), FAILURES)
def test_a_failed_job_says_why_field_by_field(
    desk: Desk, failure: Any, reasons: list[dict[str, str]]
) -> None:
    edit = desk.launch()
    desk.exchange.job = (200, {"status": "Failed", "failure_reason": failure})
    desk.step(edit, SECOND)
    assert stored(edit) == ("rejected", None, reasons, desk.now, None)
    desk.group.refresh_from_db()
    assert (desk.group.status, desk.group.fielding_run_id) == ("draft", "")


def test_a_draft_that_changed_names_its_fields_and_its_passthrough_members(desk: Desk) -> None:
    pacing = {"pacing": {"type": "linear"}}
    edit = desk.launch(completes_goal=99, fielding_assistant_assignment=pacing)
    words = "was changed in the meantime"
    names = ("completes_goal", "fielding_assistant_assignment")
    reasons = [reason(words, name) for name in names]
    assert stored(edit) == ("conflict", None, reasons, NOW, None)
    assert (edit.sent, desk.exchange.created) == (False, [])
    shown = draft.stored_draft(TargetGroup(details=DRAFT))
    assert shown is not None
    for name in draft.PASSTHROUGH:
        del shown[name]
    again = launch.launch_draft(
        group=desk.group,
        seen=shown,
        start=None,
        end=datetime.fromisoformat(END),
        by=desk.by,
        token=KEY.format(2),
        clock=desk.clock,
    )
    assert again.state == "unknown"  # what was not shown is not compared


def test_a_draft_that_cannot_be_read_is_not_launched(desk: Desk) -> None:
    desk.exchange.held = (403, {"object": "error", "detail": "no"})
    edit = desk.launch()
    state, _, reasons, settled_at, _ = stored(edit)
    assert (state, settled_at, edit.sent) == ("rejected", NOW, False)
    assert "Nothing was sent" in reasons[0]["reason"]
    desk.exchange.held = (429, {"detail": "later"}, {"Retry-After": "90"})
    waiting = desk.launch(number=2)
    state, _, reasons, _, check_at = stored(waiting)
    assert (state, check_at) == ("sending", NOW + 90 * SECOND)
    assert reasons[0]["since"] == NOW.isoformat()
    desk.step(waiting, DAY - SECOND)
    assert stored(waiting)[0] == "sending"
    desk.step(waiting, DAY)
    assert stored(waiting)[0] == "rejected"
    assert desk.exchange.created == []


def test_a_stale_reading_of_the_draft_is_read_again_before_anything_is_sent(desk: Desk) -> None:
    before, after = (draft.stored_draft(TargetGroup(details=DRAFT | {"name": n})) for n in "ab")
    ended = {"started_at": NOW, "settled_at": NOW, "kind": "draft"}
    factories.edit(desk.group, before=before, after=after, wanted=after, **ended)
    desk.exchange.held = (200, DRAFT | {"name": "a"})
    edit = desk.launch(name="b")
    assert stored(edit) == ("sending", None, [], None, NOW + SECOND)
    assert desk.exchange.created == []
    desk.exchange.held = (200, DRAFT | {"name": "b"})
    desk.step(edit, SECOND)
    assert (stored(edit)[0], edit.asked_id) == ("unknown", "J1")


def test_a_launch_that_is_refused_ends_at_once(desk: Desk) -> None:
    params = [{"name": "end_fielding_at", "reason": "is too late"}]
    desk.exchange.create = (400, {"object": "error", "detail": "no", "invalid_params": params})
    edit = desk.launch()
    assert stored(edit) == ("rejected", None, [reason("is too late", "end_fielding_at")], NOW, None)


def test_a_job_that_is_not_known_yet_is_no_failure_and_later_the_draft_decides(desk: Desk) -> None:
    desk.exchange.job = (404, GONE)
    edit = desk.launch()
    assert stored(edit) == ("unknown", None, [], None, NOW + SECOND)
    desk.step(edit, 30 * MINUTE - SECOND)
    assert stored(edit) == ("unknown", None, [], None, desk.now + 30 * SECOND)
    desk.exchange.held = (503, "")
    desk.step(edit, 30 * MINUTE)
    state, _, reasons, _, check_at = stored(edit)
    assert (state, check_at) == ("unknown", desk.now + 600 * SECOND)
    assert reasons[0]["since"] == desk.now.isoformat()
    desk.exchange.held = (301, "")
    desk.step(edit, 40 * MINUTE)
    assert stored(edit) == ("confirmed", {"status": "launched"}, [], desk.now, None)


def test_a_job_that_stays_unknown_while_the_draft_is_one_was_refused(desk: Desk) -> None:
    desk.exchange.job = (403, {"object": "error", "detail": "not yours"})
    edit = desk.launch()
    state, _, reasons, *_ = stored(edit)
    assert (state, reasons[0]["since"]) == ("unknown", NOW.isoformat())
    desk.step(edit, 30 * MINUTE)
    state, _, reasons, settled_at, _ = stored(edit)
    assert (state, settled_at, "since" in reasons[0]) == ("rejected", desk.now, False)
    assert "not yours" in reasons[0]["reason"]


def test_each_due_launch_takes_one_step_and_the_others_wait(desk: Desk) -> None:
    project = desk.group.project
    due = [
        factories.edit(
            factories.group(project, status="draft", details=DRAFT),
            kind="launch",
            state=state,
            before={"status": "draft", "draft": {}},
            wanted={"status": "live", "start_fielding_at": None, "end_fielding_at": END},
            after=None,
            asked_id="J1",
            started_at=NOW,
            settled_at=None,
            check_at=NOW + seconds * SECOND,
        )
        for state, seconds in (("unknown", 0), ("unknown", -5), ("unknown", 1), ("confirmed", -9))
    ]
    factories.edit(desk.group, state="unknown", check_at=NOW)
    assert launch.run_due_launches(clock=desk.clock, limit=1) == 1
    checks = [Edit.objects.get(pk=edit.pk).checks for edit in due]
    assert checks == [0, 1, 0, 0]
    desk.now += SECOND / 2
    assert launch.run_due_launches(clock=desk.clock) == 1
    assert [Edit.objects.get(pk=edit.pk).checks for edit in due] == [1, 1, 0, 0]
    desk.now += SECOND / 2
    assert launch.run_due_launches(clock=desk.clock) == 2
