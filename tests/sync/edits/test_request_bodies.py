"""Every kind of edit, sent for real: each request is whole what the contract takes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from dashboard.fielding.models import Edit, ExchangeAccount, ExchangeUser, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.sync.batches import jobs
from dashboard.sync.batches.jobs import Chosen
from dashboard.sync.edits import create, launch
from dashboard.sync.edits import send as push
from dashboard.sync.edits.kinds.draft import Value
from tests import factories
from tests.contract import validate
from tests.fakes.recording_proxy import Write, recording
from tests.sync.edits.test_drafts import wanted

pytestmark = pytest.mark.django_db(transaction=True)
RE_ENTRY = "re-entry-configuration"  # no published contract shows its path; its body is known
SELECTION = {"object": "selection", "question_id": 43}
RANGE = {"object": "range", "question_id": 42, "min": 18, "max": 34}
POSTCODES = {"object": "open_ended", "question_id": 45}


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=1, groups=24, history_days=1, seed=7) as exchange:
        yield exchange


@pytest.fixture
def writes(simulator: Simulator) -> Iterator[list[Write]]:
    with recording(simulator.base_url) as (address, recorded):
        account = factories.account(base_url=address, requests_per_minute=0, read_at=None)
        with pytest.raises(SystemExit):
            call_command("pull", account.name)
        recorded.clear()
        yield recorded


@pytest.fixture
def anna(writes: list[Write]) -> User:
    return factories.person("editor", on=ExchangeAccount.objects.get())


def check(writes: list[Write]) -> set[str]:
    """The operations of these requests; ContractError where one is not as the contract says."""
    names = set()
    for method, path, headers, body in writes:
        if path.endswith(RE_ENTRY):
            schema = {"$ref": "#/components/schemas/ReEntryConfiguration"}
            assert not list(validate._errors(schema, body))
            continue
        operation = validate.operation_at(method, path)
        assert operation is not None, path
        validate.validate_request(
            operation.id, path=path, method=method, headers=headers, body=body
        )
        names.add(operation.id)
    return names


def live(number: int = 0, **more: Any) -> TargetGroup:
    rows = TargetGroup.objects.filter(status="live", **more).select_related("project__account")
    return rows.order_by("pk")[number]


Sent = Callable[[str, Callable[[Any], Any]], Edit]


@pytest.fixture
def sent(anna: User) -> Sent:
    """A change of a live group, confirmed."""

    def send(kind: str, changed: Callable[[Any], Any]) -> Edit:
        group = live(pricing_model="dynamic")
        seen = push.read_current_value(group=group, kind=kind)
        edit = push.send_edit(
            group=group, kind=kind, seen=seen, wanted=changed(seen), by=anna, token=uuid.uuid4().hex
        )
        assert edit.state == "confirmed", (edit.reasons, edit.after, edit.wanted)
        return edit

    return send


def in_days(days: float) -> str:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quotas_more(seen: Any) -> Any:
    profiles = [
        profile
        | {
            "targets": [
                each | {"completes_goal": each["completes_goal"] + 1} for each in profile["targets"]
            ]
        }
        for profile in seen["profiles"]
    ]
    return {"profiles": profiles}


def test_settings_of_a_group_are_sent_as_the_contract_says(sent: Sent, writes: list[Write]) -> None:
    off = dict.fromkeys(("soft_launch", "pacing", "quota_overlay", "pricing"))
    may = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
    money = {"value": "4.5", "currency_code": live(pricing_model="dynamic").currency}
    on = {
        "soft_launch": {
            "end_at": in_days(0.5),
            "filling_goal_percentage": 99,
            "demographics_strictness_percentage": 50,
        },
        "pacing": {"type": "linear", "increment_interval": "PT12H"},
        "quota_overlay": {"prevent_overfill": True, "balance_fill": True},
        "pricing": {"type": "dynamic", "maximum_cpi": money},
    }
    sent("cpi", lambda v: v | {"value": "3.4567"})
    sent("filling_strategy", lambda v: "prescreens" if v != "prescreens" else "completes")
    sent("details", lambda v: v | {"name": f"{v['name']} again"})
    sent("dates", lambda v: v | {"end_fielding_at": in_days(40)})
    sent("goals", lambda v: {"completes_goal": v["completes_goal"] + 10})
    sent("goals", quotas_more)
    sent("goals", lambda v: {"completes_goal": v["completes_goal"] + 10} | quotas_more(v))
    sent("assistant", lambda v: v | on if v["pacing"] is None else off)
    sent("assistant", lambda v: v | on if v["pacing"] is None else off)
    sent("re_entry", lambda v: v | {"completes": {"client_side": may}})
    assert len([write for write in writes if write.path.endswith(RE_ENTRY)]) == 1
    assert check(writes) == {
        "update_cost_per_interview",
        "update_filling_strategy",
        "update_launched_target_group_details",
        "update_fielding_run",
        "update_profile_filling_goal",
        "create_or_update_fielding_assistant_assignment",
    }


def profiling(kind: str, *profiles: tuple[bool, list[Any]]) -> Value:
    goal = {"percentage": "completes_goal_percentage", "nominal": "completes_goal"}[kind]
    return {
        "profile_adjustment_type": kind,
        "profiles": [
            {
                "object": "regular",
                "name": "Who",
                "description": "Who?",
                "quotas_enabled": quotas,
                "targets": [
                    {"text": "These", "conditions": [condition]}
                    | ({"quota": {goal: 20}} if quotas else {})
                    for condition in conditions
                ],
            }
            for quotas, conditions in profiles
        ],
    }


def test_what_is_new_and_what_becomes_of_drafts_is_sent_as_the_contract_says(
    anna: User, writes: list[Write], simulator: Simulator
) -> None:
    account = ExchangeAccount.objects.get()
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    named = {"name": "Snack tracker", "project_manager_id": manager}
    value = named | {"project_customer_reference_number": "PO-1"}
    create.new_project(account=account, wanted=value, by=anna, token=str(uuid.uuid4()))
    someone = [SELECTION | {"option": "1"}, SELECTION | {"option": "2"}]
    any_value = POSTCODES | {"allow_all_values": True, "open_ended_values": None}
    some_values = POSTCODES | {"allow_all_values": False, "open_ended_values": ["10115"]}
    drafts = [
        create.new_draft(
            project=live().project, wanted=wanted(profiling=groups), by=anna, token=f"form {number}"
        ).group
        for number, groups in enumerate(
            (
                {},
                profiling("percentage", (True, someone), (False, [RANGE]), (False, [any_value])),
                profiling("nominal", (True, [RANGE]), (False, [some_values])),
            )
        )
    ]
    for number, group in enumerate(drafts):
        assert group is not None
        seen = push.read_current_value(group=group, kind="draft")
        push.send_edit(
            group=group,
            kind="draft",
            seen=seen,
            by=anna,
            token=f"change {number}",
            wanted=seen | {"completes_goal": 300, "live_url": "https://example.com/a"},
        )
    end = datetime.now(UTC) + timedelta(days=9)
    starts = (None, end - timedelta(days=8))
    for group, start in zip(drafts, starts, strict=False):
        assert group is not None
        seen = push.read_current_value(group=group, kind="draft")
        launch.launch_draft(
            group=group, seen=seen, start=start, end=end, by=anna, token=str(uuid.uuid4())
        )
    ended = Edit.objects.exclude(kind="launch").values_list("kind", "state")
    assert {state for _, state in ended} == {"confirmed"}, list(ended)
    assert check(writes) == {
        "create_project",
        "create_target_group",
        "update_target_group",
        "create_launch_fielding_run_from_draft_job",
        "create_schedule_fielding_run_from_draft_job",
    }


def test_jobs_over_many_groups_are_sent_as_the_contract_says(
    anna: User, writes: list[Write]
) -> None:
    groups = [Chosen(live(0)), Chosen(live(1))]
    for action in ("launch", "pause", "resume", "relaunch", "complete", "manager"):
        manager = ExchangeUser.objects.order_by("-exchange_id")[0].exchange_id
        wanted_value = {"manager_id": manager} if action == "manager" else {}
        jobs.create_batch(
            action=action,
            chosen=groups,
            wanted=wanted_value,
            by=anna,
            token=action,
            now=timezone.now(),
        )
        jobs.run_due_steps()
        Edit.objects.all().delete()
    assert check(writes) == {
        *(
            f"create_bulk_{action}_target_groups_job"
            for action in ("launch", "pause", "resume", "relaunch", "complete")
        ),
        "create_bulk_update_target_group_project_manager_job",
    }
