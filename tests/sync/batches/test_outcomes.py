"""What becomes of each group of a batch: by the job's report, by a reading, by its edit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from dashboard.exchange.errors import InvalidParam, Refused
from dashboard.exchange.shapes.jobs import BulkJob
from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    Project,
    TargetGroup,
    User,
)
from dashboard.sync.batches import blame, edit_records, readback, transitions
from dashboard.sync.batches.edit_records import Wait
from dashboard.sync.batches.readback import Held
from tests.factories import NOW

DAY = timedelta(days=1)


def row_of(name: str, pk: int = 0, **fields: Any) -> BatchGroup:
    """A group of a batch that is not stored."""
    group = TargetGroup(exchange_id=name, human_readable_id=f"T{name}")
    return BatchGroup(pk=pk, group=group, **fields)


def report(status: str, *, done: list[str], failed: dict[str, Any]) -> BulkJob:
    refused = [{"target_group_id": name, "failure_reason": why} for name, why in failed.items()]
    body = {
        "status": status,
        "updated_target_groups": {"data": [{"target_group_id": name} for name in done]},
        "failed_target_groups": {"data": refused},
    }
    return msgspec.convert(body, BulkJob)


FAILURES: dict[str, tuple[Any, str]] = {
    "described": ({"description": "It is archived.", "code": "no"}, "It is archived."),
    "coded": ({"code": "too_small"}, "too small"),
    "empty": ({}, "Cint gives no reason."),
    "bare": (None, "Cint gives no reason."),
}


def test_a_report_gives_each_group_its_word_and_failures_come_first() -> None:
    rows = [row_of(name) for name in (*FAILURES, "both", "done", "left")]
    failed = {name: why for name, (why, _) in FAILURES.items()} | {"both": {"code": "x"}}
    readback.store_job_results(rows, report("Failed", done=["done", "both"], failed=failed))
    assert {row.group.exchange_id: (row.word, row.reason) for row in rows} == {
        **{name: ("failed", words) for name, (_, words) in FAILURES.items()},
        "both": ("failed", "x"),
        "done": ("done", ""),
        "left": ("left_out", ""),
    }


@pytest.mark.parametrize(
    ("status", "done", "failed", "word"),
    [
        ("Failed", [], {}, "failed"),
        ("Failed", ["other"], {}, "left_out"),
        ("Failed", [], {"other": None}, "left_out"),
        ("Completed", [], {}, "left_out"),
        ("Aborted", [], {}, "left_out"),
        ("Gone", [], {}, "left_out"),
    ],
)
def test_a_job_that_fails_and_names_no_group_at_all_refused_each_of_them(
    status: str, done: list[str], failed: dict[str, Any], word: str
) -> None:
    row = row_of("ours")
    readback.store_job_results([row], report(status, done=done, failed=failed))
    why = "Cint could not do this and gives no reason." if word == "failed" else ""
    assert (row.word, row.reason) == (word, why)


class Reading(NamedTuple):
    """A row and its job, what is held, and what the row comes to: before and at the last look."""

    row: dict[str, Any]
    job: dict[str, Any]
    held: Held
    early: tuple[str, str]
    late: tuple[str, str]


OPEN, RUNS = {"wanted": "paused", "seen": "live", "reason": "why"}, {"status": "Processing"}


def waiting(words: str) -> dict[str, tuple[str, str]]:
    """The state before the last look, and at it."""
    return {"early": ("waiting", f"{words} Checking again."), "late": ("not_so", words)}


def settled(state: str, reason: str) -> dict[str, tuple[str, str]]:
    return {"early": (state, reason), "late": (state, reason)}


LIVE = Held("live")
READINGS: dict[str, Reading] = {
    "as wanted": Reading(OPEN, RUNS, Held("Paused"), **settled("done", "")),
    "as wanted, job done": Reading(
        OPEN | {"word": "done"}, RUNS, Held("paused"), **settled("done", "")
    ),
    "as wanted, job failed": Reading(
        OPEN | {"word": "failed"},
        RUNS,
        Held("paused"),
        **settled("done", "The job reports a failure, but Cint shows it as paused."),
    ),
    "failed": Reading(OPEN | {"word": "failed"}, RUNS, LIVE, **settled("failed", "why")),
    "failed and hidden": Reading(
        OPEN | {"word": "failed"}, RUNS, Held(known=False), **settled("failed", "why")
    ),
    "hidden": Reading(
        OPEN | {"wanted": ""},
        RUNS,
        Held(known=False),
        **waiting("The job is still running; Cint does not show this group."),
    ),
    "running": Reading(
        OPEN, RUNS, LIVE, **waiting("The job is still running; Cint still shows it as live.")
    ),
    "running, changed": Reading(
        OPEN, RUNS, Held("done"), **waiting("The job is still running; Cint shows it as done.")
    ),
    "odd": Reading(
        OPEN,
        {"status": "Queued", "exchange_id": "J1"},
        LIVE,
        **waiting("Cint reports the job as “Queued”; Cint still shows it as live."),
    ),
    "later than Processing": Reading(
        OPEN,
        {"status": "Zombie"},
        LIVE,
        **waiting("Cint reports the job as “Zombie”; Cint still shows it as live."),
    ),
    "vanished": Reading(
        OPEN,
        {"exchange_id": "J1"},
        LIVE,
        **waiting("Cint no longer reports on the job; Cint still shows it as live."),
    ),
    "lost": Reading(
        OPEN, {}, LIVE, **waiting("Cint's answer to the job was lost; Cint still shows it as live.")
    ),
    "left out": Reading(
        OPEN | {"word": "left_out"},
        {"status": "Completed"},
        LIVE,
        **waiting("The job ended without a result for this group; Cint still shows it as live."),
    ),
}


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("last", [False, True])
def test_a_reading_settles_a_group_or_says_what_is_shown(name: str, last: bool) -> None:
    reading = READINGS[name]
    row = row_of("ours", **reading.row)
    job = BatchJob(batch=Batch(action=Batch.Action.PAUSE), **reading.job)
    readback.set_result(row, reading.held, job=job, last=last)
    assert (row.state, row.reason) == (reading.late if last else reading.early)


OBJECTIONS: dict[str, tuple[list[tuple[str, str]], dict[int, str]]] = {
    "by place": (
        [("target_groups[0].id", "a."), ("/target_group_ids/2", ""), ("TargetGroupIds.1", "b")],
        {1: "a.", 2: "b.", 3: "Cint refuses this group and gives no reason."},
    ),
    "several of one group, each once": (
        [("target_group_ids.1", "b."), ("target_group_ids.1", "a"), ("target_group_ids.1", "b")],
        {2: "b. a."},
    ),
    "by id, before its place": ([("target_group_ids[0].BBB", "no")], {2: "no."}),
    "by short id in the reason": ([("ids", "tccc is archived")], {3: "tccc is archived."}),
    "the same group twice in one text": ([("ids", "aaa and Taaa")], {1: "aaa and Taaa."}),
    "two groups in one text": ([("ids", "aaa or bbb")], {}),
    "behind the end": ([("target_group_ids[3]", "no")], {}),
    "no place": ([("target_group_ids", "no"), ("target_group_ids[1st]", "no")], {}),
    "an unknown one, and one that is known": (
        [("name", "too long"), ("target_group_ids[2]", "no")],
        {3: "no."},
    ),
}


@pytest.mark.parametrize("name", OBJECTIONS)
def test_an_objection_is_the_row_that_it_names(name: str) -> None:
    sent, reasons = OBJECTIONS[name]
    rows = [row_of(each, pk) for pk, each in enumerate(("aaa", "bbb", "ccc"), 1)]
    refused = Refused("No", invalid_params=[InvalidParam(*each) for each in sent])
    assert blame.objections_by_group(rows, refused) == reasons


def test_an_objection_never_names_a_group_without_a_short_id() -> None:
    rows = [BatchGroup(pk=1, group=TargetGroup(exchange_id="aaa", human_readable_id=""))]
    refused = Refused("No", invalid_params=[InvalidParam("name", "")])
    assert blame.objections_by_group(rows, refused) == {}


WHY = [{"name": "", "reason": "Too low."}, {"name": "x", "reason": "Too late."}]
HELD_BY_CINT = "Sent, but Cint has another value."
OVERTAKEN = "Refused: someone else changed it in the meantime."
THEIRS = "Someone else changed this. Nothing was sent."
OUTCOMES: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"state": "confirmed", "reasons": WHY}, ("done", "")),
    ({"state": "sending", "kind": "launch"}, ("unknown", "In progress on Cint.")),
    (
        {"state": "unknown", "kind": "launch", "reasons": WHY},
        ("unknown", "Too low. Too late."),
    ),
    ({"state": "unknown"}, ("unknown", "Sent, not confirmed yet. Checking again.")),
    (
        {"state": "unknown", "kind": "status"},
        ("unknown", "Sent, not confirmed yet. Checking again."),
    ),
    ({"state": "rejected", "kind": "launch"}, ("failed", "Cint refused it.")),
    ({"state": "rejected", "reasons": WHY}, ("failed", "Too low. Too late.")),
    ({"state": "given_up"}, ("unknown", "Sent, never confirmed.")),
    (
        {"state": "given_up", "given_up_by": User(first_name="Anna", username="anna")},
        ("unknown", "Sent, never confirmed; abandoned by Anna."),
    ),
    ({"state": "conflict", "kind": "status", "reasons": WHY}, ("not_so", "Too low. Too late.")),
    ({"state": "conflict", "kind": "manager"}, ("not_so", HELD_BY_CINT)),
    ({"state": "conflict", "sent": True, "taken": False, "checks": 2}, ("failed", OVERTAKEN)),
    ({"state": "conflict", "sent": True, "taken": None}, ("failed", HELD_BY_CINT)),
    ({"state": "conflict", "sent": True, "taken": True}, ("failed", HELD_BY_CINT)),
    ({"state": "conflict", "sent": False, "taken": False}, ("failed", THEIRS)),
    ({"state": "conflict", "sent": False, "checks": 1}, ("failed", HELD_BY_CINT)),
    ({"state": "conflict", "sent": None}, ("failed", THEIRS)),
]


@pytest.mark.parametrize(("fields", "outcome"), OUTCOMES)
def test_the_edit_of_a_group_is_its_result_with_a_reason(
    fields: dict[str, Any], outcome: tuple[str, str]
) -> None:
    assert edit_records.group_outcome(Edit(**({"kind": "cpi"} | fields))) == outcome


def rejected(*reasons: dict[str, Any], state: str = "rejected") -> Edit:
    named = [{"name": "", "reason": "No"} | reason for reason in reasons]
    return Edit(kind="cpi", state=state, reasons=named)


def test_the_longest_wait_of_an_edit_that_was_not_accepted_counts() -> None:
    waits: list[dict[str, Any]] = [
        {"retry_after": 5},
        {},
        {"retry_after": 30.5, "status": 429, "cause": "Slow down"},
    ]
    assert edit_records.requested_wait(rejected(*waits)) == Wait(30.5, True, "Slow down")
    assert edit_records.requested_wait(rejected(waits[0])) == Wait(5.0, False, "No")
    assert edit_records.requested_wait(rejected({}, {"retry_after": 0})) is None
    for state in ("confirmed", "conflict", "unknown", "sending", "given_up"):
        assert edit_records.requested_wait(rejected(*waits, state=state)) is None
    assert edit_records.requested_wait(None) is None


def test_what_a_batch_changes_is_the_status_or_the_manager() -> None:
    group = TargetGroup(status="live", project_manager_id="old")
    wanted = {
        "launch": "live",
        "pause": "paused",
        "resume": "live",
        "relaunch": "live",
        "complete": "completed",
    }
    for action, status in wanted.items():
        batch = Batch(action=action, wanted={})
        assert edit_records.before_and_after(batch, group) == ("live", status)
        assert edit_records.edit_kind_of(batch) == "status"
    batch = Batch(action="manager", wanted={"manager_id": "new"})
    assert edit_records.before_and_after(batch, group) == ("old", "new")
    assert edit_records.edit_kind_of(batch) == "manager"


FULL = {"filling_strategy": "completes", "completes": 200, "filling_goal": 200}
OBSTACLES: list[tuple[str, dict[str, Any], str]] = [
    ("pause", {"status": "live"}, ""),
    ("pause", {"status": "paused"}, "is paused"),
    ("pause", {"status": "live", "missing_since": NOW}, "no longer listed by Cint"),
    ("launch", {"status": "scheduled"}, ""),
    ("launch", {"status": "draft"}, "is a draft: use “Launch drafts”"),
    ("drafts", {"status": "draft"}, ""),
    ("complete", {"status": "draft"}, "is draft"),
    ("complete", {"status": "scheduled"}, ""),
    ("complete", {"status": "live", "ends_at": NOW - DAY} | FULL, ""),
    ("resume", {"status": "paused", "ends_at": NOW + timedelta(seconds=1)}, ""),
    (
        "resume",
        {"status": "paused", "ends_at": NOW},
        "its end date has passed: change the end date first",
    ),
    (
        "relaunch",
        {"status": "completed", "ends_at": NOW - DAY} | FULL,
        "its end date has passed and cannot be changed once completed",
    ),
    ("resume", {"status": "paused"} | FULL, "its goal is reached: raise the goal first"),
    (
        "relaunch",
        {"status": "completed", "ends_at": NOW + DAY} | FULL,
        "its goal is reached: raise the goal first",
    ),
    ("relaunch", {"status": "completed", "ends_at": NOW + DAY}, ""),
]


@pytest.mark.parametrize(("action", "fields", "reason"), OBSTACLES)
def test_what_our_tables_know_against_an_action(
    action: str, fields: dict[str, Any], reason: str
) -> None:
    group = TargetGroup(project=Project(), **fields)
    assert transitions.known_obstacle(Batch.Action(action), group, NOW) == reason
