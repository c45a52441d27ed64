"""A job's word is not the end of it: each group is read back, and what is not so is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.limits.gate import LocalGate
from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    ExchangeAccount,
    TargetGroup,
    User,
)
from dashboard.sync.batches import jobs
from dashboard.sync.batches.jobs import Chosen
from tests import factories
from tests.fakes.canned_exchange import money, serving
from tests.fakes.jobs_exchange import JobsExchange, report

pytestmark = pytest.mark.django_db

OLD, NEW = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000b2"
LIFE = {
    "pause": ("live", "paused"),
    "resume": ("paused", "live"),
    "complete": ("live", "completed"),
    "relaunch": ("completed", "live"),
    "launch": ("scheduled", "live"),
}
ACTIONS = [*LIFE, "manager"]


class Clock:
    """A clock that is moved by hand, for our tables and for the client's gate."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def time(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Desk:
    """An exchange, a connection to it, an editor and a clock."""

    exchange: JobsExchange
    account: ExchangeAccount
    editor: User
    clock: Clock
    client: ExchangeClient

    def groups(self, number: int, action: str = "pause") -> list[TargetGroup]:
        """Groups of one project in the state that an action starts from, here and there."""
        before = LIFE.get(action, ("live",))[0]
        project = factories.project(self.account)
        rows = [
            factories.group(project, status=before, project_manager_id=OLD) for _ in range(number)
        ]
        for place, row in enumerate(rows):
            self.exchange.add(
                project.exchange_id,
                row.exchange_id,
                place,
                status=before,
                human_readable_id=row.human_readable_id,
                project_manager_id=OLD,
            )
        return rows

    def ask(self, action: str, groups: list[TargetGroup], form: str = "form") -> Batch:
        """The batch, not worked at yet."""
        return jobs.create_batch(
            action=action,
            chosen=[Chosen(group) for group in groups],
            wanted={"manager_id": NEW} if action == "manager" else {},
            by=self.editor,
            token=form,
            now=self.clock.now,
        )

    def work(self) -> int:
        return jobs.run_due_steps(clock=self.clock, client_for=lambda _: self.client)

    def next_step(self) -> timedelta:
        """Go to when the next step is due and take it; how long that was."""
        due = BatchJob.objects.filter(check_at__isnull=False).order_by("check_at").first()
        assert due is not None, "no job is open"
        assert due.check_at
        waited = max(due.check_at - self.clock.now, timedelta())
        self.clock.now += waited
        self.work()
        return waited

    def until_ended(self, within: timedelta = timedelta(minutes=20)) -> timedelta:
        """Steps until no job is open; how long it took."""
        began = self.clock.now
        while BatchJob.objects.filter(check_at__isnull=False).exists():
            self.next_step()
            assert self.clock.now - began <= within, "the jobs do not end"
        return self.clock.now - began

    def carry_out(self, action: str, groups: list[TargetGroup]) -> None:
        """The exchange shows what was wanted from now on."""
        names = [group.exchange_id for group in groups]
        if action == "manager":
            self.exchange.holds(names, project_manager_id=NEW)
        else:
            self.exchange.holds(names, status=LIFE[action][1])

    def says_done(self, groups: list[TargetGroup]) -> None:
        names = [group.exchange_id for group in groups]
        self.exchange.poll = lambda: (200, report(done=names))


@pytest.fixture
def desk(settings: Any) -> Iterator[Desk]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(JobsExchange()) as exchange:
        account, clock = factories.account(base_url=exchange.url), Clock()
        factories.exchange_user(account, exchange_id=OLD, name="Olga")
        client = ExchangeClient(
            account_id="101",
            auth=ApiKey("key"),
            base_url=exchange.url,
            allowed_hosts=["127.0.0.1:*"],
            gate=LocalGate(clock=clock),
            clock=clock,
        )
        yield Desk(exchange, account, factories.person("editor", account), clock, client)
        client.close()


def states(groups: list[TargetGroup]) -> list[str]:
    rows = {row.group_id: row.state for row in BatchGroup.objects.all()}
    return [rows[group.pk] for group in groups]


def reason(group: TargetGroup) -> str:
    return BatchGroup.objects.get(group=group).reason


@pytest.mark.parametrize("action", ACTIONS)
def test_done_is_what_was_read_back_and_not_what_the_job_says(desk: Desk, action: str) -> None:
    groups = desk.groups(2, action)
    desk.says_done(groups)
    desk.carry_out(action, groups[:1])
    desk.ask(action, groups)
    desk.work()
    desk.next_step()
    assert states(groups) == ["done", "waiting"]
    before = LIFE[action][0] if action != "manager" else ""
    shown = f"it as {before}" if before else "Olga as its project manager"
    sentence = f"The job reports success; Cint still shows {shown}."
    assert reason(groups[1]) == f"{sentence} Checking again."
    assert Edit.objects.get(group=groups[1]).state == "sending"
    desk.carry_out(action, groups)
    desk.next_step()
    assert states(groups) == ["done", "done"]
    wanted = NEW if action == "manager" else LIFE[action][1]
    assert {(edit.state, edit.after) for edit in Edit.objects.all()} == {("confirmed", wanted)}
    assert len(desk.exchange.sent) == 1


@pytest.mark.parametrize("action", ACTIONS)
def test_what_stays_otherwise_is_told_as_not_so_with_what_the_exchange_holds(
    desk: Desk, action: str
) -> None:
    groups = desk.groups(1, action)
    desk.says_done(groups)
    desk.ask(action, groups)
    took = desk.until_ended()
    assert timedelta(seconds=200) < took < timedelta(minutes=8)
    assert states(groups) == ["not_so"]
    held = OLD if action == "manager" else LIFE[action][0]
    shown = "Olga as its project manager" if action == "manager" else f"it as {held}"
    assert reason(groups[0]) == f"The job reports success; Cint still shows {shown}."
    edit = Edit.objects.get()
    assert (edit.state, edit.after) == ("conflict", held)


@pytest.mark.parametrize("lag", [1, 7, 30, 90, 200])
def test_a_reading_that_lags_is_taken_within_a_minute_of_its_end(desk: Desk, lag: int) -> None:
    groups = desk.groups(3)
    desk.says_done(groups)
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    ends = desk.clock.now + timedelta(seconds=lag)
    while desk.clock.now < ends:
        assert states(groups) == ["waiting"] * 3
        due = BatchJob.objects.get().check_at
        assert due
        if due >= ends:
            desk.carry_out("pause", groups)
        desk.next_step()
    assert states(groups) == ["done"] * 3
    assert desk.clock.now - ends < timedelta(seconds=60)


def test_the_first_looks_come_soon_and_none_comes_later_than_a_minute(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.says_done(groups)
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    waits = [desk.next_step().total_seconds() for _ in range(8)]
    assert waits == [1, 2, 5, 10, 20, 40, 42, 40]


def test_a_job_that_completes_and_names_no_group_is_not_done(desk: Desk) -> None:
    groups = desk.groups(3)
    desk.carry_out("pause", groups[:1])
    desk.ask("pause", groups)
    desk.until_ended()
    assert states(groups) == ["done", "not_so", "not_so"]
    sentence = "The job ended without a result for this group; Cint still shows it as live."
    assert reason(groups[1]) == sentence


def test_partly_failed_each_group_is_told_by_its_own_reason_and_reading(desk: Desk) -> None:
    done, failed, all_the_same, left_out = groups = desk.groups(4)
    desk.exchange.poll = lambda: (
        200,
        report(
            done=[done.exchange_id],
            failed=[failed.exchange_id, all_the_same.exchange_id],
            why="It is archived.",
        ),
    )
    desk.carry_out("pause", [done, all_the_same])
    desk.exchange.holds([left_out.exchange_id], status="completed")
    desk.ask("pause", groups)
    desk.until_ended()
    assert states(groups) == ["done", "failed", "done", "not_so"]
    assert reason(failed) == "It is archived."
    assert reason(all_the_same) == ("The job reports a failure, but Cint shows it as paused.")
    assert reason(left_out) == (
        "The job ended without a result for this group; Cint shows it as completed."
    )


def test_a_job_that_fails_and_says_no_more_refuses_those_that_did_not_change(desk: Desk) -> None:
    groups = desk.groups(2)
    desk.exchange.poll = lambda: (200, report("Failed"))
    desk.carry_out("pause", groups[:1])
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    assert states(groups) == ["done", "failed"]


@pytest.mark.parametrize("status", ["Cancelled", "Queued", "completed", "Processing"])
def test_a_status_that_says_nothing_is_no_end_and_its_groups_are_read_all_the_same(
    desk: Desk, status: str
) -> None:
    groups = desk.groups(2)
    desk.exchange.poll = lambda: (200, report(status))
    desk.carry_out("pause", groups[:1])
    desk.ask("pause", groups)
    desk.work()
    for _ in range(6):
        desk.next_step()
    assert states(groups) == ["done", "waiting"]
    desk.until_ended(within=timedelta(minutes=35))
    assert states(groups) == ["done", "unknown"]
    assert status in reason(groups[1])


@pytest.mark.parametrize("gone", [404, 403])
def test_a_job_that_vanishes_is_told_by_its_groups(desk: Desk, gone: int) -> None:
    groups = desk.groups(2)
    desk.exchange.poll = lambda: (gone, {"object": "error", "detail": "no such job"})
    desk.carry_out("pause", groups[:1])
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    assert states(groups) == ["done", "waiting"]
    desk.until_ended()
    assert states(groups) == ["done", "not_so"]
    assert reason(groups[1]) == ("Cint no longer reports on the job; Cint still shows it as live.")


def test_a_job_that_is_not_known_for_a_moment_is_followed_to_its_end(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.poll = lambda: (404, {"object": "error", "detail": "no such job"})
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    names = [group.exchange_id for group in groups]
    desk.exchange.poll = lambda: (200, report(failed=names, why="Its end has passed."))
    desk.next_step()
    assert (states(groups), reason(groups[0])) == (["failed"], "Its end has passed.")


@pytest.mark.parametrize("action", ["pause", "manager"])
def test_a_job_that_was_taken_without_an_address_is_sent_once_and_read(
    desk: Desk, action: str
) -> None:
    groups = desk.groups(2, action)
    desk.exchange.create = lambda _exchange, _groups: (201, "")
    desk.ask(action, groups)
    desk.work()
    assert states(groups) == ["waiting", "waiting"]
    desk.carry_out(action, groups[:1])
    desk.until_ended()
    assert states(groups) == ["done", "not_so"]
    assert len(desk.exchange.sent) == 1


@pytest.mark.parametrize(("action", "sent"), [("pause", 2), ("manager", 1)])
def test_a_lost_answer_is_sent_again_with_its_key_only_and_settled_by_reading(
    desk: Desk, action: str, sent: int
) -> None:
    groups = desk.groups(2, action)
    desk.says_done(groups)

    def lost(exchange: JobsExchange, _groups: list[str]) -> Any:
        desk.carry_out(action, groups)
        return (0, "") if len(exchange.sent) == 1 else (201, "", {"Location": "/jobs/J1"})

    desk.exchange.create = lost
    desk.ask(action, groups)
    desk.until_ended()
    assert states(groups) == ["done", "done"]
    assert len(desk.exchange.sent) == sent


def test_reading_back_costs_a_request_a_hundred_groups_and_only_for_open_ones(desk: Desk) -> None:
    groups = desk.groups(150)
    desk.says_done(groups)
    desk.carry_out("pause", groups[:147])
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    assert [len(short) for short in desk.exchange.listed] == [100, 50]
    desk.next_step()
    assert desk.exchange.listed[2] == [group.human_readable_id for group in groups[147:]]
    assert desk.exchange.asked("/overview") == 0


def test_a_group_that_the_list_leaves_out_is_asked_for_alone(desk: Desk) -> None:
    groups = desk.groups(2)
    desk.says_done(groups)
    desk.carry_out("pause", groups)
    desk.exchange.hidden = {groups[1].exchange_id}
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    assert states(groups) == ["done", "done"]
    assert desk.exchange.asked("/overview") == 1


def test_a_group_that_is_gone_is_told_as_gone(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.says_done(groups)
    desk.exchange.groups.clear()
    desk.ask("pause", groups)
    desk.until_ended()
    assert reason(groups[0]) == "The job reports success; Cint does not show this group."


def test_a_list_that_takes_no_short_ids_is_done_without(desk: Desk) -> None:
    groups = desk.groups(2)
    desk.says_done(groups)
    desk.carry_out("pause", groups)
    desk.exchange.is_listing = lambda: (400, {"object": "bad", "detail": "no short ids"})
    desk.ask("pause", groups)
    desk.work()
    desk.next_step()
    assert states(groups) == ["done", "done"]


def test_where_nothing_can_be_read_it_stays_open_and_any_edits_reading_goes_on(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.says_done(groups)
    desk.ask("pause", groups)
    desk.exchange.is_listing = lambda: (503, "")
    desk.until_ended()
    assert states(groups) == ["unknown"]
    edit = Edit.objects.get()
    assert (edit.state, edit.check_at is not None) == ("unknown", True)


# ---- asked to wait ----

Header = Callable[[datetime], str]


def ahead(**span: float) -> Header:
    return lambda now: format_datetime(now.replace(microsecond=0) + timedelta(**span), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "shortest", "longest"),
    [
        (lambda _: "1800", 1800, 1800),
        (lambda _: "3600", 3600, 3600),
        (lambda _: "86400", 3600, 3600),
        (ahead(minutes=20), 1190, 1200),
        (lambda _: "soon", 10, 10),
        (lambda _: "-3", 10, 10),
        (ahead(minutes=-20), 10, 10),
    ],
)
def test_a_job_that_is_asked_to_wait_waits_and_is_not_refused(
    desk: Desk, status: int, header: Header, shortest: float, longest: float
) -> None:
    groups = desk.groups(2)
    headers = {"Retry-After": header(desk.clock.now)}
    desk.exchange.create = lambda _exchange, _groups: (status, {"detail": "later"}, headers)
    desk.ask("pause", groups)
    desk.work()
    asked_at, sent = desk.clock.now, len(desk.exchange.sent)
    job = BatchJob.objects.get()
    assert job.wait_until
    assert job.check_at == job.wait_until
    assert shortest - 1 <= (job.wait_until - asked_at).total_seconds() <= longest + 1
    assert states(groups) == ["waiting", "waiting"]
    desk.clock.now = job.wait_until - timedelta(seconds=1)
    assert desk.work() == 0
    assert len(desk.exchange.sent) == sent
    desk.exchange.create = lambda _exchange, _groups: (201, "", {"Location": "/jobs/J1"})
    desk.says_done(groups)
    desk.carry_out("pause", groups)
    desk.clock.now = job.wait_until
    desk.until_ended()
    assert states(groups) == ["done", "done"]
    assert len(desk.exchange.sent) == sent + 1


def test_a_job_whose_steps_fail_keeps_since_when_until_one_gets_through(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.create = lambda _exchange, _groups: (429, {"detail": "later"}, {})
    desk.ask("pause", groups)
    desk.work()
    began = desk.clock.now
    job = BatchJob.objects.get()
    assert job.waiting_since == began
    desk.next_step()
    job.refresh_from_db()
    assert desk.clock.now > began
    assert job.waiting_since == began
    desk.exchange.create = lambda _exchange, _groups: (201, "", {"Location": "/jobs/J1"})
    desk.next_step()
    job.refresh_from_db()
    assert job.waiting_since is None


def test_the_other_jobs_of_an_account_that_is_asked_to_wait_say_since_when(desk: Desk) -> None:
    later = (429, {"detail": "later"}, {"Retry-After": "1800"})
    desk.exchange.create = lambda _exchange, _groups: later
    desk.ask("pause", desk.groups(1), "first")
    desk.ask("pause", desk.groups(1), "second")
    desk.work()
    assert [job.waiting_since for job in BatchJob.objects.all()] == [desk.clock.now] * 2


@pytest.mark.parametrize("action", ["pause", "manager"])
@pytest.mark.parametrize("where", ["create", "poll", "list"])
def test_wherever_a_job_is_asked_to_wait_it_goes_on_after_an_hour(
    desk: Desk, where: str, action: str
) -> None:
    groups = desk.groups(2, action)
    later = (429, {"detail": "later"}, {"Retry-After": "3600"})
    desk.says_done(groups)
    if where == "create":
        desk.exchange.create = lambda _exchange, _groups: later
    elif where == "poll":
        desk.exchange.poll = lambda: later
    desk.ask(action, groups)
    desk.work()
    if where == "list":
        desk.exchange.is_listing = lambda: later
    if where != "create":
        desk.next_step()
    assert states(groups) == ["waiting", "waiting"]
    job = BatchJob.objects.get()
    assert job.wait_until
    assert job.wait_until - desk.clock.now == timedelta(hours=1)
    desk.exchange.create = lambda _exchange, _groups: (201, "", {"Location": "/jobs/J1"})
    desk.exchange.is_listing = lambda: None
    desk.says_done(groups)
    desk.carry_out(action, groups)
    desk.until_ended(within=timedelta(hours=2))
    assert states(groups) == ["done", "done"]


def test_all_jobs_of_the_account_wait_and_those_of_another_do_not(desk: Desk) -> None:
    first, second = desk.groups(1), desk.groups(1)
    other = factories.group(factories.project(factories.account()))
    desk.exchange.create = lambda _exchange, _groups: (
        429,
        {"detail": "later"},
        {"Retry-After": "1800"},
    )
    desk.ask("pause", [*first, *second])
    desk.ask("pause", [other], form="other")
    jobs.run_due_steps(clock=desk.clock, client_for=lambda _: desk.client, limit=1)
    due = dict(BatchJob.objects.values_list("project__account", "check_at"))
    assert len(desk.exchange.sent) == 1
    waits = BatchJob.objects.filter(project__account=desk.account)
    assert {job.check_at for job in waits} == {desk.clock.now + timedelta(seconds=1800)}
    assert due[other.account_id] == desk.clock.now


def test_who_is_asked_to_wait_for_a_day_ends_as_not_sent(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.create = lambda _exchange, _groups: (
        429,
        {"detail": "later"},
        {"Retry-After": "3600"},
    )
    desk.ask("pause", groups)
    desk.until_ended(within=timedelta(hours=26))
    assert states(groups) == ["failed"]
    assert reason(groups[0]).startswith("Not sent: Cint asks for fewer requests")
    assert Edit.objects.get().state == "rejected"


@pytest.mark.parametrize("status", [429, 503])
def test_a_price_in_a_job_waits_too_and_is_sent_once(desk: Desk, status: int) -> None:
    group = desk.groups(1)[0]
    old = {"value": "2.75", "currency_code": "USD"}
    jobs.create_batch(
        action="cpi",
        chosen=[Chosen(group, old, old | {"value": "3.00"})],
        wanted={},
        by=desk.editor,
        token="form",
        now=desk.clock.now,
    )
    later = {"Retry-After": "1800"}
    desk.exchange.on("GET", "/overview", lambda: (status, {"detail": "later"}, later))
    desk.work()
    assert states([group]) == ["waiting"]
    job = BatchJob.objects.get()
    assert job.wait_until
    assert job.wait_until - desk.clock.now >= timedelta(seconds=1799)
    assert Edit.objects.count() == 0
    desk.exchange.special.clear()
    desk.next_step()
    assert states([group]) == ["done"]
    assert desk.exchange.asked("/cost-per-interview", "PUT") == 1


# ---- refused by name ----


@pytest.mark.parametrize(
    "name",
    [
        "target_groups[1].id",
        "target_group_ids[1]",
        "target_group_ids/1",
        "/target_group_ids/1",
        "target_group_ids.1",
        "body.target_group_ids[1]",
        "{id}",
        "{short}",
        "target_group_ids.{id}",
    ],
)
@pytest.mark.parametrize("action", ["pause", "manager"])
def test_what_the_exchange_objects_to_stands_in_its_row_and_the_others_are_sent_again(
    desk: Desk, action: str, name: str
) -> None:
    groups = desk.groups(3, action)
    bad = groups[1]
    named = name.format(id=bad.exchange_id, short=bad.human_readable_id)

    def refuse(exchange: JobsExchange, names: list[str]) -> Any:
        if bad.exchange_id in names:
            wrong = [{"name": named, "reason": "It is archived."}]
            return 400, {"object": "error", "detail": "wrong", "invalid_params": wrong}
        return 201, "", {"Location": "/jobs/J1"}

    desk.exchange.create = refuse
    others = [groups[0], groups[2]]
    desk.says_done(others)
    desk.carry_out(action, others)
    desk.ask(action, groups)
    first_key = BatchJob.objects.get().key
    desk.until_ended()
    assert states(groups) == ["done", "failed", "done"]
    assert reason(bad) == "It is archived."
    assert [body["target_group_ids"] for body in desk.exchange.sent] == [
        [group.exchange_id for group in groups],
        [group.exchange_id for group in others],
    ]
    assert BatchJob.objects.get().key != first_key  # another list is another job
    edits = {edit.group_id: edit.state for edit in Edit.objects.all()}
    assert edits[bad.pk] == "rejected"


def test_an_id_in_the_reason_alone_is_that_group_and_several_are_none(desk: Desk) -> None:
    groups = desk.groups(3)
    first, second = groups[0].exchange_id, groups[1].exchange_id

    def refuse(_exchange: JobsExchange, names: list[str]) -> Any:
        reasons = [f"{first} is archived"] if first in names else [f"{second} or {names[-1]}"]
        wrong = [{"name": "target_group_ids", "reason": each} for each in reasons]
        return 422, {"object": "error", "detail": "wrong", "invalid_params": wrong}

    desk.exchange.create = refuse
    desk.ask("pause", groups)
    desk.until_ended()
    assert states(groups) == ["failed"] * 3
    assert reason(groups[0]) == f"{first} is archived."
    assert reason(groups[1]).startswith("Not sent: target_group_ids:")
    assert len(desk.exchange.sent) == 2


def test_a_job_that_is_wrong_as_a_whole_tells_that_nothing_was_sent(desk: Desk) -> None:
    groups = desk.groups(2, "manager")
    wrong = [{"name": "project_manager_id", "reason": "is not a user of the account"}]
    desk.exchange.create = lambda _exchange, _groups: (
        400,
        {"object": "error", "detail": "wrong", "invalid_params": wrong},
    )
    desk.ask("manager", groups)
    desk.until_ended()
    sentence = "Not sent: project_manager_id: is not a user of the account."
    assert {reason(group) for group in groups} == {sentence}


def test_where_every_group_is_refused_by_name_nothing_is_sent_again(desk: Desk) -> None:
    groups = desk.groups(2)
    wrong = [{"name": f"target_group_ids[{place}]", "reason": "is archived"} for place in (0, 1)]
    desk.exchange.create = lambda _exchange, _groups: (
        400,
        {"object": "error", "detail": "wrong", "invalid_params": wrong},
    )
    desk.ask("pause", groups)
    desk.until_ended()
    assert states(groups) == ["failed", "failed"]
    assert len(desk.exchange.sent) == 1


# ---- when the next step comes ----


def stored_job() -> BatchJob:
    return BatchJob.objects.get()


def test_a_job_that_runs_is_looked_at_soon_and_later_every_half_minute(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.poll = lambda: (200, report("Processing"))
    batch = desk.ask("pause", groups)
    began = desk.clock.now
    job = stored_job()
    assert (job.batch, job.check_at, job.tries, batch.created_at) == (batch, began, 0, began)
    desk.work()
    waits = [desk.next_step().total_seconds() for _ in range(8)]
    assert waits == [2, 3, 5, 10, 20, 30, 30, 30]
    job = stored_job()
    assert (job.exchange_id, job.status, job.sent_at) == ("J1", "Processing", began)
    assert job.reading_since is None


def test_the_groups_of_a_job_that_runs_for_a_minute_are_read_too(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.poll = lambda: (200, report("Processing"))
    desk.ask("pause", groups)
    began = desk.clock.now
    desk.work()
    for seconds, lists in ((59, 0), (60, 1)):
        desk.clock.now = began + timedelta(seconds=seconds)
        BatchJob.objects.update(check_at=desk.clock.now)
        desk.work()
        assert len(desk.exchange.listed) == lists
    assert states(groups) == ["waiting"]
    assert reason(groups[0]).startswith("The job is still running; Cint still shows it as live.")
    desk.carry_out("pause", groups)
    desk.next_step()
    assert (states(groups), stored_job().finished_at) == (["done"], desk.clock.now)


def test_a_job_without_an_end_is_given_up_after_half_an_hour(desk: Desk) -> None:
    groups = desk.groups(1)
    desk.exchange.poll = lambda: (200, report("Queued"))
    desk.ask("pause", groups)
    began = desk.clock.now
    desk.work()
    for seconds, state in ((1799, "waiting"), (1800, "unknown")):
        desk.clock.now = began + timedelta(seconds=seconds)
        BatchJob.objects.update(check_at=desk.clock.now)
        desk.work()
        assert states(groups) == [state]
    assert reason(groups[0]) == "After half an hour Cint still reports this job as “Queued”."
    job = stored_job()
    assert (job.check_at, job.finished_at) == (None, desk.clock.now)
    project = groups[0].project
    project.refresh_from_db()
    assert (project.version, project.due_at) == (1, desk.clock.now)
    edit = Edit.objects.get()
    assert (edit.state, edit.check_at) == ("unknown", desk.clock.now + timedelta(seconds=1))
    assert edit.settled_at is None


def test_each_group_of_a_job_has_an_edit_from_what_was_seen_to_what_is_wanted(
    desk: Desk,
) -> None:
    groups = desk.groups(2, "manager")
    desk.exchange.poll = lambda: (200, report(failed=[groups[0].exchange_id], why="No."))
    desk.ask("manager", groups)
    key = stored_job().key
    desk.work()
    began = desk.clock.now
    rows = Edit.objects.order_by("group_id").values_list(
        "kind", "state", "before", "wanted", "token", "started_at", "by"
    )
    assert list(rows) == [
        ("manager", "sending", OLD, NEW, f"{key}:{group.pk}", began, desk.editor.pk)
        for group in groups
    ]
    desk.until_ended()
    refused, other = Edit.objects.order_by("group_id")
    assert (refused.state, refused.reasons) == ("rejected", [{"name": "", "reason": "No."}])
    assert (refused.after, refused.checks, refused.check_at) == (OLD, 0, None)
    assert (other.state, other.after, other.checks) == ("conflict", OLD, 1)
    assert other.settled_at == desk.clock.now


def test_after_a_refusal_by_name_the_others_are_sent_at_once_with_their_first_try(
    desk: Desk,
) -> None:
    groups = desk.groups(3)
    wrong = [{"name": "target_group_ids[0]", "reason": "No"}]
    refusal = (400, {"object": "error", "detail": "wrong", "invalid_params": wrong})
    desk.exchange.create = lambda exchange, _groups: (
        refusal if len(exchange.sent) <= 2 else (503, "")
    )
    desk.ask("pause", groups)
    desk.work()
    began = desk.clock.now
    desk.clock.now += timedelta(seconds=5)
    assert (desk.next_step(), states(groups)) == (timedelta(0), ["failed", "failed", "waiting"])
    desk.next_step()
    job = stored_job()
    assert job.sent_at == began
    assert (job.check_at, job.waiting_since) == (
        desk.clock.now + timedelta(seconds=3),
        desk.clock.now,
    )
    assert (job.tries, job.error) == (1, "Cint had an internal error (503)")


@pytest.mark.parametrize(
    ("action", "status", "is_sent"),
    [("manager", 503, True), ("manager", 429, False), ("pause", 429, True)],
)
def test_a_reassignment_that_was_not_accepted_counts_as_not_sent(
    desk: Desk, action: str, status: int, is_sent: bool
) -> None:
    groups = desk.groups(1, action)
    desk.exchange.create = lambda _exchange, _groups: (status, "")
    desk.ask(action, groups)
    desk.work()
    job = stored_job()
    assert (job.sent_at is not None) is is_sent
    assert states(groups) == ["waiting"]


def test_a_job_that_waits_for_the_exchange_has_its_half_hour_after_the_wait(desk: Desk) -> None:
    groups = desk.groups(1)
    later = (429, {"detail": "later"}, {"Retry-After": "3600"})
    desk.exchange.create = lambda _exchange, _groups: later
    desk.ask("pause", groups)
    desk.work()
    until = stored_job().wait_until
    assert until is not None
    desk.exchange.create = lambda _exchange, _groups: (503, "")
    for seconds, state in ((1780, "waiting"), (1800, "unknown")):
        desk.clock.now = until + timedelta(seconds=seconds)
        BatchJob.objects.update(check_at=desk.clock.now)
        desk.work()
        assert states(groups) == [state]


def test_steps_are_taken_in_order_up_to_a_limit_and_of_one_batch_if_asked(desk: Desk) -> None:
    batches = [desk.ask("pause", desk.groups(1), f"form {number}") for number in range(3)]
    for number, batch in enumerate(batches):
        batch.jobs.update(check_at=desk.clock.now - timedelta(seconds=number))

    def step(**arguments: Any) -> int:
        return jobs.run_due_steps(clock=desk.clock, client_for=lambda _: desk.client, **arguments)

    def sent() -> list[bool]:
        return [bool(batch.jobs.get().exchange_id) for batch in batches]

    assert (step(limit=1), sent()) == (1, [False, False, True])
    assert (step(batch=batches[0]), sent()) == (1, [True, False, True])
    assert (step(), sent()) == (1, [True, True, True])
    assert step() == 0


def test_a_short_id_has_seven_characters_and_other_groups_are_read_alone(desk: Desk) -> None:
    groups = desk.groups(3)
    for group, short in zip(groups, ("T00001", "T000002", "T0000003"), strict=True):
        TargetGroup.objects.filter(pk=group.pk).update(human_readable_id=short)
        desk.exchange.holds([group.exchange_id], human_readable_id=short)
    desk.says_done(groups)
    desk.carry_out("pause", groups)
    desk.ask("pause", groups)
    desk.until_ended()
    assert states(groups) == ["done"] * 3
    assert desk.exchange.listed == [["T000002"]]
    assert desk.exchange.asked("/overview") == 2


# ---- single edits ----

OLD_PRICE, NEW_PRICE = (money(value) for value in ("2.75", "3.00"))


def ask_prices(desk: Desk, groups: list[TargetGroup]) -> Batch:
    chosen = [Chosen(group, OLD_PRICE, NEW_PRICE) for group in groups]
    return jobs.create_batch(
        action="cpi", chosen=chosen, wanted={}, by=desk.editor, token="form", now=desk.clock.now
    )


def test_prices_are_sent_in_one_step_and_a_busy_group_fails_alone(desk: Desk) -> None:
    groups = desk.groups(3)
    busy = factories.edit(groups[1], state="unknown", settled_at=None)
    ask_prices(desk, groups)
    key = stored_job().key
    assert desk.work() == 1
    assert states(groups) == ["done", "failed", "done"]
    words = "Another change of this setting is in progress. Try again in a moment."
    assert [reason(group) for group in groups] == ["", words, ""]
    edits = Edit.objects.exclude(pk=busy.pk).order_by("group_id")
    assert [(edit.token, edit.state, edit.by, edit.before, edit.after) for edit in edits] == [
        (f"{key}:{group.pk}", "confirmed", desk.editor, OLD_PRICE, NEW_PRICE)
        for group in (groups[0], groups[2])
    ]
    linked = BatchGroup.objects.order_by("group_id").values_list("edit", flat=True)
    assert list(linked) == [edits[0].pk, None, edits[1].pk]
    job = stored_job()
    assert (job.check_at, job.finished_at) == (None, desk.clock.now)


def test_a_price_that_may_wait_no_longer_fails_with_the_exchanges_words(desk: Desk) -> None:
    (group,) = desk.groups(1)
    ask_prices(desk, [group])
    began = desk.clock.now
    later = (429, {"detail": "later"}, {"Retry-After": "60"})
    desk.exchange.on("GET", "/overview", lambda: later)
    desk.clock.now = began + timedelta(seconds=1799)
    desk.work()
    job = stored_job()
    assert states([group]) == ["waiting"]
    assert (job.wait_until, job.check_at) == (desk.clock.now + timedelta(seconds=60),) * 2
    assert (job.error[:30], job.waiting_since) == ("Cint asks for fewer requests: ", desk.clock.now)
    assert not Edit.objects.exists()
    BatchJob.objects.update(wait_until=None, check_at=began)
    desk.clock.now = began + timedelta(seconds=1860)
    desk.work()
    assert states([group]) == ["failed"]
    assert "Nothing was sent; it can be sent again in 60 s." in reason(group)
    assert Edit.objects.get().state == "rejected"


def test_a_batch_is_stored_once_with_a_job_for_each_project(desk: Desk) -> None:
    first, second = desk.groups(2), desk.groups(1)
    batch = ask_prices(desk, [first[0], second[0], first[1]])
    rows = BatchGroup.objects.order_by("pk").values_list("job__project", "group", "seen", "wanted")
    assert list(rows) == [
        (group.project_id, group.pk, OLD_PRICE, NEW_PRICE) for group in (*first, *second)
    ]
    assert len({job.key for job in batch.jobs.all()}) == 2
    assert ask_prices(desk, []) == batch
    assert (batch.by, batch.action, batch.wanted) == (desk.editor, "cpi", {})
