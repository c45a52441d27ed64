"""Drafts on the exchange: made once, changed like every setting, launched by a job to its end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.models import (
    Edit,
    ExchangeAccount,
    ExchangeUser,
    Project,
    TargetGroup,
    User,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import clients
from dashboard.sync.edits import copy_group, create, launch, send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.draft import Value
from dashboard.sync.lookup import on_demand
from tests.fakes.clock import NappingClock

pytestmark = pytest.mark.django_db
Make = Callable[..., Edit]


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=1, groups=3, history_days=1, seed=7) as exchange:
        yield exchange


@pytest.fixture
def account(pulled_account: ExchangeAccount) -> ExchangeAccount:
    """The account of the simulator, in place of the canned one."""
    return pulled_account


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return account.projects.get()


def stamp(days: float) -> str:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wanted(**changes: Any) -> Value:
    """A draft for 120 completes in Germany, in a week."""
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    value: Value = dict.fromkeys(draft.FIELDS) | {
        "name": "DE GenPop 18-65",
        "business_unit_id": "1002",
        "locale": "ger_de",
        "collects_pii": False,
        "project_manager_id": manager,
        "fielding_specification": {"start_at": stamp(1), "end_at": stamp(8)},
        "completes_goal": 120,
        "expected_length_of_interview_minutes": 12,
        "expected_incidence_rate": 0.6,
        "pricing_model": "dynamic",
        "cost_per_interview": {"value": "3.20", "currency_code": "EUR"},
        "exclusion": True,
        "respondent_activity_exclusions": [],
        "live_url": "https://surveys.example.com/live",
        "test_url": "https://surveys.example.com/test",
    }
    return value | changes


@pytest.fixture
def new(project: Project, editor: User) -> Make:
    """Send a form; all forms of a test say the same, to the second, but for their changes."""
    same = wanted()

    def send_form(form: str = "form", **changes: Any) -> Edit:
        value = same | changes
        return create.new_draft(project=project, wanted=value, by=editor, token=form)

    return send_form


@pytest.fixture
def group(new: Make) -> TargetGroup:
    """A draft that was made here."""
    group = new("fixture").group
    assert group is not None
    return group


def later(minutes: float) -> Callable[[], datetime]:
    return lambda: timezone.now() + timedelta(minutes=minutes)


def drafts_called(simulator: Simulator, project: Project, name: str = "DE GenPop 18-65") -> int:
    """How many drafts of that name the exchange holds."""
    client = clients.client_for(project.account)
    page = client.get_list_target_groups(project_id=project.exchange_id, status=["draft"])
    return sum(row.name == name for row in page.items)


def test_a_new_draft_is_made_read_back_and_in_our_tables(
    new: Make, simulator: Simulator, project: Project
) -> None:
    edit = new()
    assert edit.state == "confirmed"
    group = edit.group
    assert group is not None
    assert (group.status, group.completes_goal, str(group.cpi)) == ("draft", 120, "3.20")
    assert (group.country_code, group.project_id) == ("de", project.pk)
    assert drafts_called(simulator, project) == 1


def test_one_form_is_one_draft_however_often_it_is_sent(
    new: Make, simulator: Simulator, project: Project
) -> None:
    assert len({new().pk for _ in range(3)}) == 1
    assert simulator.requests()["create_target_group"] == 1


def test_a_lost_answer_is_settled_by_finding_the_draft_and_never_sent_again(
    new: Make, simulator: Simulator, project: Project
) -> None:
    new("earlier")
    simulator.fault("lost_answer", operation="create_target_group", count=1)
    edit = new()
    assert edit.state == "confirmed"
    assert drafts_called(simulator, project) == 2
    assert simulator.requests()["create_target_group"] == 2
    assert edit.group != Edit.objects.get(token="earlier").group


def test_a_lost_answer_is_settled_by_the_worker_where_reading_failed_too(
    new: Make, simulator: Simulator, project: Project
) -> None:
    simulator.fault("lost_answer", operation="create_target_group", count=1)
    simulator.fault("http_503", operation="get_target_group")
    edit = new()
    assert (edit.state, edit.group) == ("unknown", None)
    simulator.clear_faults()
    create.settle_due(clock=later(1))
    edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert edit.group is not None
    assert drafts_called(simulator, project) == 1


def test_many_lost_answers_make_no_draft_twice_and_all_end_settled(
    simulator: Simulator, account: ExchangeAccount, project: Project, editor: User
) -> None:
    """Sixty forms that say the same, more than half of their answers lost."""
    clock = NappingClock()
    client = ExchangeClient(
        account_id="101",
        base_url=simulator.base_url,
        auth=ApiKey("key"),
        api_version="2025-12-18",
        gate=LocalGate(GatePolicy(requests_per_minute=None), clock=clock, chance=clock),
        allowed_hosts=["127.0.0.1:*"],
        clock=clock,
        chance=clock,
    )
    simulator.fault("lost_answer", operation="create_target_group", rate=0.6, seed=3)
    same = wanted()
    for number in range(60):
        create.new_draft(
            project=project, wanted=same, by=editor, token=f"form-{number}", client=client
        )
    simulator.clear_faults()
    edits = Edit.objects.filter(kind="new_draft")
    assert set(edits.values_list("state", flat=True)) <= {"confirmed", "rejected"}
    confirmed = edits.filter(state="confirmed")
    assert confirmed.count() > 20
    assert confirmed.values("group").distinct().count() == confirmed.count()
    assert drafts_called(simulator, project) == confirmed.count()


def test_two_forms_that_say_the_same_never_take_one_draft_for_both(
    new: Make, project: Project
) -> None:
    """One was faster to call the draft its own whose id the other was told."""
    first, second = new("first"), new("second")
    first_group, second_group = first.group, second.group
    assert first_group is not None
    assert second_group is not None
    Edit.objects.filter(pk=second.pk).delete()
    second_group.delete()
    began = timezone.now()
    late = Edit.objects.create(
        account=project.account,
        project=project,
        by=first.by,
        kind="new_draft",
        token="late",
        before={"drafts": []},
        wanted=first.wanted,
        asked_id=first_group.exchange_id,
        started_at=began,
        check_at=began,
    )
    create.settle_due(clock=later(1))
    late.refresh_from_db()
    assert late.state == "confirmed"
    assert late.group is not None
    assert late.group.exchange_id == second_group.exchange_id


def test_a_draft_that_never_arrived_ends_as_refused(new: Make, simulator: Simulator) -> None:
    simulator.fault("http_500", operation="create_target_group")
    edit = new()
    for round_ in range(1, 6):
        create.settle_due(clock=later(10 * round_))
    edit.refresh_from_db()
    assert edit.state == "rejected"
    assert create.NOT_CREATED in edit.reasons[-1]["reason"]
    assert simulator.requests()["create_target_group"] == 1


def test_a_process_that_died_before_sending_has_sent_nothing(
    project: Project, editor: User, simulator: Simulator
) -> None:
    began = timezone.now()
    edit = Edit.objects.create(
        account=project.account,
        project=project,
        by=editor,
        kind="new_draft",
        token="dead",
        wanted=wanted(),
        started_at=began,
        check_at=began,
    )
    create.settle_due(clock=later(1))
    edit.refresh_from_db()
    assert (edit.state, edit.reasons[0]["reason"]) == ("rejected", create.ENDED_BEFORE)
    assert "create_target_group" not in simulator.requests()


def test_a_process_that_died_after_sending_is_settled_by_the_worker(
    new: Make, project: Project, simulator: Simulator
) -> None:
    edit = new()
    as_it_died = {"state": "sending", "settled_at": None, "check_at": timezone.now()}
    Edit.objects.update(group=None, project=project, asked_id="", **as_it_died)
    assert edit.group_id is not None
    TargetGroup.objects.filter(pk=edit.group_id).delete()
    create.settle_due(clock=later(1))
    edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert edit.group is not None
    assert simulator.requests()["create_target_group"] == 1


def test_refusals_of_the_exchange_come_with_their_fields(new: Make) -> None:
    edit = new(expected_incidence_rate=1.5)
    assert edit.state == "rejected"
    assert [reason["name"] for reason in edit.reasons] == ["expected_incidence_rate"]


def test_a_pull_that_meets_a_new_draft_adds_nothing(
    new: Make, account: ExchangeAccount, project: Project
) -> None:
    new()
    before = project.target_groups.count()
    with pytest.raises(SystemExit):
        call_command("pull", account.name)
    assert project.target_groups.count() == before
    assert not project.target_groups.exclude(missing_since=None).exists()


def test_a_draft_is_changed_and_what_nobody_typed_stays(
    group: TargetGroup, editor: User, simulator: Simulator
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    edit = send.send_edit(
        group=group,
        kind="draft",
        seen=seen,
        by=editor,
        token="change",
        wanted=seen | {"completes_goal": 300, "test_url": None},
    )
    assert edit.state == "confirmed"
    held = send.read_current_value(group=group, kind="draft")
    assert (held["completes_goal"], held["test_url"]) == (300, None)
    assert {n: held[n] for n in draft.PASSTHROUGH} == {n: seen[n] for n in draft.PASSTHROUGH}
    group.refresh_from_db()
    assert group.completes_goal == 300


def test_what_both_changed_meanwhile_is_a_conflict(group: TargetGroup, editor: User) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    other_value = seen | {"completes_goal": 200}
    send.send_edit(
        group=group, kind="draft", seen=seen, wanted=other_value, by=editor, token="theirs"
    )
    edit = send.send_edit(
        group=group,
        kind="draft",
        by=editor,
        token="mine",
        seen=seen,
        wanted=seen | {"name": "Mine it is", "completes_goal": 300},
    )
    assert edit.state == "conflict"
    assert send.read_current_value(group=group, kind="draft") == other_value


def test_what_only_a_colleague_changed_meanwhile_stays_and_is_not_told_as_ours(
    group: TargetGroup, editor: User
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    other_value = seen | {"completes_goal": 200}
    send.send_edit(
        group=group, kind="draft", seen=seen, wanted=other_value, by=editor, token="theirs"
    )
    edit = send.send_edit(
        group=group,
        kind="draft",
        by=editor,
        token="mine",
        seen=seen,
        wanted=seen | {"name": "Mine it is"},
    )
    assert edit.state == "confirmed"
    assert send.read_current_value(group=group, kind="draft") == other_value | {
        "name": "Mine it is"
    }
    before: Any = edit.before
    assert before["completes_goal"] == 200


def test_a_lost_answer_to_a_change_is_settled_by_reading(
    group: TargetGroup, editor: User, simulator: Simulator
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    simulator.fault("lost_answer", operation="update_target_group", count=1)
    changed = seen | {"completes_goal": 99}
    edit = send.send_edit(
        group=group, kind="draft", seen=seen, wanted=changed, by=editor, token="c"
    )
    assert edit.state == "confirmed"
    assert simulator.requests()["update_target_group"] == 1


@pytest.fixture
def launched(group: TargetGroup, editor: User) -> Make:
    def launch_once(token: str = "", **arguments: Any) -> Edit:
        seen = arguments.pop("seen", None) or send.read_current_value(group=group, kind="draft")
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=6)
        fields: dict[str, Any] = {"start": None, "end": end} | arguments
        token = token or str(uuid.uuid4())
        return launch.launch_draft(group=group, seen=seen, by=editor, token=token, **fields)

    return launch_once


def finish(simulator: Simulator, edit: Edit, minutes: float = 1) -> None:
    """The exchange's job ends, and the worker looks."""
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=later(minutes))
    edit.refresh_from_db()


def test_a_draft_is_launched_and_its_job_followed_to_its_end(
    launched: Make, simulator: Simulator, group: TargetGroup
) -> None:
    edit = launched()
    assert edit.state == "unknown"
    finish(simulator, edit)
    assert edit.state == "confirmed"
    group.refresh_from_db()
    assert (group.status, bool(group.fielding_run_id)) == ("live", True)


def test_a_draft_is_scheduled_for_its_start(
    launched: Make, simulator: Simulator, group: TargetGroup
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    edit = launched(start=start)
    finish(simulator, edit)
    assert edit.state == "confirmed"
    group.refresh_from_db()
    assert (group.status, group.starts_at) == ("scheduled", start)


def test_one_launch_is_one_job_however_often_it_is_sent(
    launched: Make, simulator: Simulator
) -> None:
    token = str(uuid.uuid4())
    assert len({launched(token).pk for _ in range(3)}) == 1
    assert simulator.requests()["create_launch_fielding_run_from_draft_job"] == 1


def test_a_second_launch_waits_for_the_first(launched: Make) -> None:
    launched()
    with pytest.raises(send.EditInProgress):
        launched()


def test_a_lost_answer_to_a_launch_asks_for_the_same_job_again(
    launched: Make, simulator: Simulator, group: TargetGroup
) -> None:
    simulator.fault("lost_answer", operation="create_launch*", count=1)
    edit = launched()
    finish(simulator, edit)
    finish(simulator, edit, 3)
    assert edit.state == "confirmed"
    runs = [row for row in simulator.groups() if row["id"] == group.exchange_id]
    assert [row["status"] for row in runs] == ["live"]


def test_a_launch_whose_process_died_is_carried_to_its_end(
    group: TargetGroup, editor: User, simulator: Simulator
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    began = timezone.now()
    edit = Edit.objects.create(
        account=group.account,
        group=group,
        by=editor,
        kind="launch",
        token=str(uuid.uuid4()),
        before={"status": "draft", "draft": {n: seen[n] for n in draft.FIELDS}},
        wanted={"status": "live", "start_fielding_at": None, "end_fielding_at": stamp(6)},
        started_at=began,
        check_at=began,
    )
    launch.run_due_launches(clock=later(0.1))
    finish(simulator, edit)
    assert edit.state == "confirmed"


def test_a_draft_that_changed_since_it_was_looked_at_is_not_launched(
    launched: Make, group: TargetGroup, editor: User, simulator: Simulator
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    dearer = seen | {"cost_per_interview": {"value": "9.90", "currency_code": "EUR"}}
    send.send_edit(group=group, kind="draft", seen=seen, wanted=dearer, by=editor, token="theirs")
    edit = launched(seen=seen)
    assert edit.state == "conflict"
    assert [reason["name"] for reason in edit.reasons] == ["cost_per_interview"]
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()


@pytest.mark.parametrize("operation", ["get_target_group", "create_launch*", "get_launch*"])
@pytest.mark.parametrize("header", ["1800", "86400", "soon"])
def test_a_launch_that_is_asked_to_wait_waits_as_long_and_is_not_refused(
    launched: Make, group: TargetGroup, simulator: Simulator, operation: str, header: str
) -> None:
    seconds = {"1800": 1800, "86400": 3600, "soon": 10}[header]
    seen = send.read_current_value(group=group, kind="draft")
    simulator.fault("http_429", operation=operation, value=header)
    edit = launched(seen={name: seen[name] for name in draft.FIELDS})
    assert edit.state in Edit.OPEN
    assert edit.check_at
    assert edit.check_at >= edit.started_at + timedelta(seconds=seconds - 1)
    assert edit.check_at <= timezone.now() + timedelta(seconds=seconds + 1)


def test_a_launch_that_fails_says_why_field_by_field(
    launched: Make, group: TargetGroup, editor: User, simulator: Simulator
) -> None:
    seen = send.read_current_value(group=group, kind="draft")
    without = seen | {"live_url": None}
    send.send_edit(group=group, kind="draft", seen=seen, wanted=without, by=editor, token="without")
    edit = launched()
    finish(simulator, edit)
    assert edit.state == "rejected"
    assert {reason["name"] for reason in edit.reasons} == {"", "live_url"}
    group.refresh_from_db()
    assert group.status == "draft"


def test_a_job_that_cannot_be_followed_ends_as_refused_while_the_draft_is_one(
    launched: Make, simulator: Simulator
) -> None:
    simulator.fault("http_403", operation="get_launch*")
    edit = launched()
    launch.run_due_launches(clock=later(31))
    edit.refresh_from_db()
    assert edit.state == "rejected"


def test_a_launch_of_which_nothing_can_be_read_stays_open_until_a_person_gives_it_up(
    launched: Make, simulator: Simulator, editor: User
) -> None:
    simulator.fault("http_503", operation="create_launch*")
    edit = launched()
    launch.run_due_launches(clock=later(31))
    edit.refresh_from_db()
    assert (edit.state, bool(edit.reasons)) == ("unknown", True)
    assert send.give_up(edit=edit, by=editor, now=later(32)())
    launch.run_due_launches(clock=later(60 * 24))
    edit.refresh_from_db()
    assert (edit.state, edit.given_up_by) == ("given_up", editor)


def test_a_new_project_is_made_once_with_one_key(
    account: ExchangeAccount, editor: User, simulator: Simulator
) -> None:
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    value = {"name": "Tracker W24", "project_manager_id": manager}
    token = str(uuid.uuid4())
    simulator.fault("lost_answer", operation="create_project", count=1)
    edit = create.new_project(account=account, wanted=value, by=editor, token=token)
    again = create.new_project(account=account, wanted=value, by=editor, token=token)
    assert edit.pk == again.pk
    if edit.state != "confirmed":
        create.settle_due(clock=later(1))
        edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert edit.project is not None
    with pytest.raises(SystemExit):
        call_command("pull", account.name)
    assert Project.objects.filter(name="Tracker W24", missing_since=None).count() == 1


def test_a_project_that_is_refused_tells_its_fields(account: ExchangeAccount, editor: User) -> None:
    value = {"name": "Tracker W24", "project_manager_id": str(uuid.uuid4())}
    edit = create.new_project(account=account, wanted=value, by=editor, token=str(uuid.uuid4()))
    assert (edit.state, edit.reasons[0]["name"]) == ("rejected", "project_manager_id")


@pytest.mark.parametrize("status", ["live", "paused", "completed", "draft"])
def test_a_group_of_any_status_can_be_copied(
    status: str, project: Project, editor: User, simulator: Simulator
) -> None:
    groups = project.target_groups.select_related("account", "project")
    source = groups.get(pk=groups.filter(status="live")[0].pk)
    if status == "draft":
        source = groups.filter(status="draft")[0]
    elif status != "live":
        simulator.force(source.exchange_id, "status", status=status)
    copied = copy_group.copy_of_group(source)
    assert copied.missing == []
    value = copied.value | {
        "name": "A copy of it",
        "fielding_specification": {"start_at": stamp(1), "end_at": stamp(8)},
    }
    edit = create.new_draft(project=project, wanted=value, by=editor, token="copy")
    assert (edit.state, edit.reasons) == ("confirmed", [])
    assert edit.group is not None
    held = send.read_current_value(group=edit.group, kind="draft")
    assert held["profiling"]["profiles"] if copied.value["profiling"] else True


def test_a_group_without_a_short_id_is_found_in_the_list_by_its_name(
    project: Project, simulator: Simulator
) -> None:
    groups = project.target_groups.select_related("account", "project")
    of_short_id = {group.pk: copy_group.copy_of_group(group).value["exclusion"] for group in groups}
    groups.update(human_readable_id="")
    assert {
        group.pk: copy_group.copy_of_group(group).value["exclusion"] for group in groups
    } == of_short_id
    assert set(of_short_id.values()) == {True, False}


def test_feasibility_tells_a_price_and_how_many(account: ExchangeAccount) -> None:
    estimate = on_demand.estimate_feasibility(account=account, value=wanted())
    assert estimate.currency == "EUR"
    assert estimate.completes is not None
    assert estimate.completes[0] <= estimate.completes[1]
