"""Actions on several groups: one job a project however often it is sent, and a result a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    ExchangeAccount,
    ExchangeUser,
    TargetGroup,
    User,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.batches import edit_records, jobs, transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.sync.edits import send

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """A clock that is moved by hand, ahead of the simulator's."""

    def __init__(self) -> None:
        self.now = timezone.now() + timedelta(seconds=5)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=2, groups=12, history_days=1, seed=7) as exchange:
        yield exchange


@pytest.fixture
def account(pulled_account: ExchangeAccount) -> ExchangeAccount:
    """The account of the simulator, in place of the canned one."""
    return pulled_account


def groups_that_are(status: str, **more: Any) -> list[TargetGroup]:
    groups = TargetGroup.objects.filter(status=status, **more)
    return list(groups.select_related("project__account", "account").order_by("pk"))


def ask(action: str, groups: list[TargetGroup], by: User, **wanted: Any) -> Batch:
    """The batch of these groups, not worked at yet."""
    chosen = [Chosen(group) for group in groups]
    return jobs.create_batch(
        action=action, chosen=chosen, wanted=wanted, by=by, token="form", now=timezone.now()
    )


def finish(simulator: Simulator, clock: Clock, rounds: int = 12) -> None:
    """Steps of the worker until no job is open."""
    for _ in range(rounds):
        jobs.run_due_steps(clock=clock)
        if not BatchJob.objects.filter(check_at__isnull=False).exists():
            return
        simulator.advance(seconds=3)
        clock.now += timedelta(seconds=60)
    raise AssertionError("the jobs do not end")


def results() -> Counter[str]:
    return Counter(BatchGroup.objects.values_list("state", flat=True))


def statuses(simulator: Simulator, groups: list[TargetGroup]) -> set[str]:
    """What the exchange says of these groups."""
    ids = {group.exchange_id for group in groups}
    return {row["status"] for row in simulator.groups() if row["id"] in ids}


def test_groups_of_two_projects_are_two_jobs_and_each_group_has_a_result(
    simulator: Simulator, editor: User
) -> None:
    live = groups_that_are("live")
    assert len({group.project_id for group in live}) == 2
    batch, clock = ask("pause", live, editor), Clock()
    finish(simulator, clock)
    assert batch.jobs.count() == 2
    assert results() == {"done": len(live)}
    assert statuses(simulator, live) == {"paused"}
    assert simulator.requests()["create_bulk_pause_target_groups_job"] == 2


def test_one_form_is_one_batch_however_often_it_is_sent(editor: User) -> None:
    live = groups_that_are("live")
    assert ask("pause", live, editor) == ask("pause", live, editor)
    assert BatchGroup.objects.count() == len(live)


def test_a_lost_answer_is_asked_for_again_and_is_still_one_job(
    simulator: Simulator, editor: User
) -> None:
    live, clock = groups_that_are("live", project__name__isnull=False)[:3], Clock()
    simulator.fault("lost_answer", operation="create_bulk_*", count=1)
    ask("pause", live, editor)
    finish(simulator, clock)
    assert results() == {"done": 3}
    edits = [edit for group in live for edit in simulator.edits(group.exchange_id)]
    assert len(edits) <= len(live)
    changes = [simulator.control("GET", f"edits/{group.exchange_id}")["edits"] for group in live]
    assert all(len(values) <= 1 for values in changes)


def test_a_group_that_cannot_tells_why_and_the_others_go_on(
    simulator: Simulator, editor: User
) -> None:
    live = groups_that_are("live")[:2]
    simulator.force(
        live[1].exchange_id, "status", status="completed"
    )  # behind our back, after the preview
    ask("pause", live, editor)
    finish(simulator, Clock())
    rows = {row.group_id: row for row in BatchGroup.objects.all()}
    assert rows[live[0].pk].state == "done"
    assert rows[live[1].pk].state == "failed"
    assert rows[live[1].pk].reason


def test_a_worker_that_dies_between_commit_and_sending_costs_nothing(
    simulator: Simulator, editor: User
) -> None:
    live, clock = groups_that_are("live")[:1], Clock()
    batch = ask("pause", live, editor)
    batch.jobs.update(sent_at=clock.now, check_at=clock.now + jobs.LEASE)
    assert jobs.run_due_steps(clock=clock) == 0
    clock.now += jobs.LEASE + timedelta(seconds=1)
    finish(simulator, clock)
    assert statuses(simulator, live) == {"paused"}


def test_an_exchange_that_is_down_is_asked_again_until_it_is_given_up(
    simulator: Simulator, editor: User
) -> None:
    live, clock = groups_that_are("live")[:1], Clock()
    simulator.fault("http_503", operation="create_bulk_*")
    batch = ask("pause", live, editor)
    jobs.run_due_steps(clock=clock)
    assert batch.jobs.get().error
    assert results() == {"waiting": 1}
    clock.now += jobs.GIVEN_UP_AFTER + timedelta(seconds=1)
    jobs.run_due_steps(clock=clock)
    assert set(results()) <= {"failed", "unknown"}
    assert batch.jobs.get().check_at is None


def test_handing_over_whose_answer_was_lost_is_settled_by_reading(
    simulator: Simulator, editor: User, account: ExchangeAccount
) -> None:
    live, clock = groups_that_are("live")[:2], Clock()
    people = ExchangeUser.objects.filter(account=account)
    new = people.exclude(exchange_id__in=[group.project_manager_id for group in live]).first()
    assert new
    simulator.fault("lost_answer", operation="create_bulk_update*", count=1)
    ask("manager", live, editor, manager_id=new.exchange_id)
    finish(simulator, clock)
    assert results() == {"done": 2}
    sent = simulator.requests()["create_bulk_update_target_group_project_manager_job"]
    assert sent == len({group.project_id for group in live})


def test_each_group_of_a_job_has_an_edit_that_tells_who_asked_and_how_it_ended(
    simulator: Simulator, editor: User
) -> None:
    live = groups_that_are("live")[:2]
    simulator.force(live[1].exchange_id, "status", status="completed")
    ask("pause", live, editor)
    clock = Clock()
    jobs.run_due_steps(clock=clock)
    assert {edit.state for edit in Edit.objects.all()} == {"sending"}
    finish(simulator, clock)
    edits = {edit.group_id: edit for edit in Edit.objects.all()}
    done, refused = edits[live[0].pk], edits[live[1].pk]
    assert (done.by, done.before, done.after, done.state) == (
        editor,
        "live",
        "paused",
        "confirmed",
    )
    assert (refused.state, refused.wanted) == ("rejected", "paused")
    assert refused.reasons[0]["reason"] == BatchGroup.objects.get(group=live[1]).reason


def test_a_group_with_such_a_change_on_its_way_is_refused_and_the_others_go_on(
    simulator: Simulator, editor: User
) -> None:
    live = groups_that_are("live")[:2]
    Edit.objects.create(
        account=live[1].account,
        group=live[1],
        by=editor,
        kind="status",
        token="theirs",
        before="live",
        wanted="completed",
        started_at=timezone.now(),
    )
    ask("pause", live, editor)
    finish(simulator, Clock())
    rows = {row.group_id: row for row in BatchGroup.objects.all()}
    assert rows[live[0].pk].state == "done"
    assert "is in progress" in rows[live[1].pk].reason
    assert statuses(simulator, live[1:]) == {"live"}


def test_what_is_not_known_of_a_job_is_settled_by_reading(
    simulator: Simulator, editor: User
) -> None:
    live, clock = groups_that_are("live")[:1], Clock()
    simulator.fault("http_404", operation="get_bulk_*")
    ask("pause", live, editor)
    jobs.run_due_steps(clock=clock)
    simulator.advance(seconds=30)
    clock.now += timedelta(minutes=1)
    jobs.run_due_steps(clock=clock)
    assert results() == {"done": 1}
    assert Edit.objects.get().state == "confirmed"
    assert edit_records.group_outcome(Edit.objects.get()) == ("done", "")


def test_a_job_that_never_says_completed_or_failed_ends_and_is_settled_by_reading(
    simulator: Simulator, editor: User
) -> None:
    live, clock = groups_that_are("live")[:1], Clock()
    simulator.fault("unknown_enum", operation="get_bulk_*", value="Cancelled")
    batch = ask("pause", live, editor)
    for _ in range(3):
        jobs.run_due_steps(clock=clock)
        clock.now += timedelta(minutes=1)
    assert results() == {"waiting": 1}
    clock.now += jobs.GIVEN_UP_AFTER
    jobs.run_due_steps(clock=clock)
    assert results() == {"unknown": 1}
    assert "Cancelled" in BatchGroup.objects.get().reason
    assert batch.jobs.get().check_at is None
    simulator.force(live[0].exchange_id, "status", status="paused")
    clock.now += timedelta(minutes=1)
    send.settle_due(clock=clock)
    assert Edit.objects.get().state == "confirmed"


def test_handing_over_is_an_edit_of_each_group_too(
    simulator: Simulator, editor: User, account: ExchangeAccount
) -> None:
    group = groups_that_are("live")[0]
    people = ExchangeUser.objects.filter(account=account)
    new = people.exclude(exchange_id=group.project_manager_id).first()
    assert new
    ask("manager", [group], editor, manager_id=new.exchange_id)
    finish(simulator, Clock())
    edit = Edit.objects.get()
    assert (edit.kind, edit.before) == ("manager", group.project_manager_id)
    assert (edit.after, edit.state) == (new.exchange_id, "confirmed")


def test_prices_are_changed_one_by_one_each_with_its_edit(
    simulator: Simulator, editor: User
) -> None:
    priced = groups_that_are("live", pricing_model="dynamic")[:3]
    chosen = [
        Chosen(
            group,
            {"value": f"{group.cpi:f}", "currency_code": group.currency},
            {"value": "3.33", "currency_code": group.currency},
        )
        for group in priced
    ]
    jobs.create_batch(
        action="cpi", chosen=chosen, wanted={}, by=editor, token="form", now=timezone.now()
    )
    finish(simulator, Clock())
    assert results() == {"done": 3}
    prices = {(edit.state, (edit.wanted or {})["value"]) for edit in Edit.objects.all()}
    assert prices == {("confirmed", "3.33")}
    ids = {group.exchange_id for group in priced}
    assert {row["cpi"] for row in simulator.groups() if row["id"] in ids} == {"3.33"}


def test_a_price_that_was_changed_meanwhile_is_not_overwritten(
    simulator: Simulator, editor: User
) -> None:
    group = groups_that_are("live", pricing_model="dynamic")[0]
    old = {"value": "0.01", "currency_code": group.currency}
    chosen = [Chosen(group, old, old | {"value": "3.33"})]
    jobs.create_batch(
        action="cpi", chosen=chosen, wanted={}, by=editor, token="form", now=timezone.now()
    )
    finish(simulator, Clock())
    row = BatchGroup.objects.get()
    assert row.state == "failed"
    assert "Someone else changed" in row.reason


def test_only_what_the_exchange_allows_is_offered_and_the_rest_says_why(
    simulator: Simulator, account: ExchangeAccount
) -> None:
    everything = list(TargetGroup.objects.select_related("project__account", "account"))
    why = transitions.refusals_by_group(action="pause", groups=everything, now=timezone.now())
    assert {group.status for group in everything if group.pk not in why} == {"live"}
    assert {why[group.pk] for group in everything if group.status == "paused"} == {"is paused"}


def test_where_the_exchange_cannot_be_asked_our_own_knowledge_counts(
    simulator: Simulator, account: ExchangeAccount
) -> None:
    simulator.fault("http_503", operation="compute*")
    everything = list(TargetGroup.objects.select_related("project__account", "account"))
    why = transitions.refusals_by_group(action="pause", groups=everything, now=timezone.now())
    assert {group.status for group in everything if group.pk not in why} == {"live"}


def test_groups_that_the_exchange_has_elsewhere_are_told_so_whatever_our_tables_say(
    simulator: Simulator, account: ExchangeAccount
) -> None:
    live, paused = groups_that_are("live")[:2], groups_that_are("paused")[:1]
    simulator.force(live[0].exchange_id, "status", status="completed")
    simulator.force(paused[0].exchange_id, "status", status="live")
    why = transitions.refusals_by_group(action="pause", groups=[*live, *paused], now=timezone.now())
    assert why == {live[0].pk: "is not live on Cint now"}


def test_one_that_may_not_keeps_the_others_from_nothing_and_costs_few_requests(
    simulator: Simulator, account: ExchangeAccount
) -> None:
    paused = groups_that_are("paused") + groups_that_are("live")
    project = paused[0].project
    chosen = [group for group in paused if group.project_id == project.pk]
    for group in chosen:
        simulator.force(group.exchange_id, "status", status="paused")
    full = chosen[-1]
    TargetGroup.objects.filter(pk__in=[group.pk for group in chosen]).update(status="paused")
    simulator.force(full.exchange_id, "completes", add=100_000)
    simulator.force(full.exchange_id, "status", status="paused")
    before = simulator.requests().get("compute_target_group_transitions", 0)
    now = timezone.now()
    stored = list(TargetGroup.objects.filter(project=project, status="paused"))
    why = transitions.refusals_by_group(action="resume", groups=stored, now=now)
    assert full.pk in why
    assert len(why) < len(stored)
    requests = simulator.requests()["compute_target_group_transitions"] - before
    assert requests <= transitions.MOST_REQUESTS
