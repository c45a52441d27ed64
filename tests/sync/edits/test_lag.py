"""Edits on an exchange whose reads are behind, and whose copies disagree."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from dashboard.exchange.webhook_signature import sign_body
from dashboard.fielding.models import Edit, ExchangeAccount, Project, TargetGroup, User, Webhook
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import clients
from dashboard.sync.edits import create, fresh, launch
from dashboard.sync.edits import send as push
from dashboard.sync.edits.kinds.base import exchange_ids
from dashboard.sync.edits.kinds.registry import EDITABLE
from dashboard.sync.pull import rounds
from dashboard.sync.webhooks import delivery
from tests import factories
from tests.sync.connections.test_webhook_delivery import SECRET, event
from tests.sync.edits.test_drafts import wanted as a_draft

pytestmark = pytest.mark.django_db(transaction=True)
OFF = dict.fromkeys(("soft_launch", "pacing", "quota_overlay", "pricing"))
MAY = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
BALANCED = {"prevent_overfill": True, "balance_fill": True}


def in_days(days: float) -> str:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# How each kind of edit changes what it finds, and the operation that sends it.
KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "cpi": ("update_cost_per_interview", lambda v: v | {"value": "3.4567"}),
    "filling_strategy": (
        "update_filling_strategy",
        lambda v: "prescreens" if v != "prescreens" else "completes",
    ),
    "details": (
        "update_launched_target_group_details",
        lambda v: v | {"name": f"{v['name']} again", "expected_length_of_interview_minutes": 23},
    ),
    "dates": ("update_fielding_run", lambda v: v | {"end_fielding_at": in_days(40)}),
    "goals": ("update_profile_filling_goal", lambda v: {"completes_goal": v["completes_goal"] + 7}),
    "assistant": (
        "create_or_update_fielding_assistant_assignment",
        lambda v: v | OFF if v["quota_overlay"] else v | {"quota_overlay": BALANCED},
    ),
    "re_entry": (
        "update_re_entry_configuration",
        lambda v: v | {"completes": {"client_side": MAY}},
    ),
}
# What is read with an ETag is not taken over a newer state: an old reading has an old ETag.
GUARDED = ("dates", "assistant")
kinds = pytest.mark.parametrize("kind", KINDS)


class Time:
    """Our clock and the exchange's, which go on together and only when they are told to."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator, self.now = simulator, timezone.now()

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.simulator.advance(seconds=seconds)


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=1, groups=6, history_days=1, seed=7, speed=0) as exchange:
        exchange.keep_states()
        yield exchange


@pytest.fixture
def time(simulator: Simulator) -> Time:
    return Time(simulator)


@pytest.fixture
def account(simulator: Simulator, time: Time) -> ExchangeAccount:
    account = factories.account(base_url=simulator.base_url, requests_per_minute=0, read_at=None)
    rounds.account_round(account.pk, clock=time, force=True)
    poll(time)
    return account


def poll(time: Time) -> None:
    """A round over the project in which every group is asked what its row may not show."""
    project = Project.objects.get()
    TargetGroup.objects.update(webhook_changed_at=time.now)
    cycle = rounds.project_round(project.pk, clock=time, force=True, share=lambda _: None)
    assert cycle


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    rows = TargetGroup.objects.filter(status="live", pricing_model="dynamic")
    return rows.select_related("project", "account").order_by("pk")[0]


@pytest.fixture
def anna(account: ExchangeAccount) -> User:
    return factories.person("editor", on=account)


class Desk:
    """Somebody at the forms of one group."""

    def __init__(self, group: TargetGroup, by: User, time: Time) -> None:
        self.group, self.by, self.time = group, by, time
        self.client = clients.client_for(group.account)

    def held(self, kind: str) -> Any:
        return EDITABLE[kind].read(self.client, exchange_ids(self.group)).value

    def change_there(self, kind: str, value: Any) -> None:
        """As somebody does on the exchange itself."""
        how, ids = EDITABLE[kind], exchange_ids(self.group)
        how.write(self.client, ids, value, how.read(self.client, ids))

    def send(self, kind: str, seen: Any, wanted: Any, *, wait: bool = True) -> Edit:
        return push.send_edit(
            group=self.group,
            kind=kind,
            seen=seen,
            wanted=wanted,
            by=self.by,
            token=uuid.uuid4().hex,
            client=self.client,
            clock=self.time,
            wait=self.time.wait if wait else None,
        )

    def settle(self, edit: Edit, within: float) -> Edit:
        """The worker looks, as the tables say, for so many seconds at most."""
        until = self.time.now + timedelta(seconds=within)
        while self.time.now < until:
            self.time.wait(1)
            push.settle_due(clock=self.time)
            edit.refresh_from_db()
            if edit.is_settled:
                break
        return edit

    def columns(self, kind: str) -> dict[str, Any]:
        self.group.refresh_from_db()
        return {name: getattr(self.group, name) for name in EDITABLE[kind].owns}


@pytest.fixture
def desk(group: TargetGroup, anna: User, time: Time) -> Desk:
    return Desk(group, anna, time)


def sent(simulator: Simulator, kind: str) -> int:
    """How often an edit of this kind was sent."""
    return simulator.requests().get(KINDS[kind][0], 0)


@kinds
def test_without_a_lag_an_edit_is_confirmed_at_once(desk: Desk, time: Time, kind: str) -> None:
    seen, began = desk.held(kind), time.now
    edit = desk.send(kind, seen, KINDS[kind][1](seen))
    assert (edit.state, edit.settled_at, edit.sent, edit.taken) == ("confirmed", began, True, True)


@kinds
def test_what_an_old_reading_shows_already_is_sent_all_the_same(
    desk: Desk, time: Time, simulator: Simulator, kind: str
) -> None:
    old = desk.held(kind)
    shown = KINDS[kind][1](old)
    desk.change_there(kind, shown)
    shown = desk.held(kind)
    wanted = {"completes_goal": old["completes_goal"]} if kind == "goals" else old
    before = sent(simulator, kind)
    simulator.lag(low=30)
    time.wait(1)
    edit = desk.send(kind, shown, wanted)
    assert sent(simulator, kind) == before + 1
    simulator.end_lag()
    held = desk.held(kind)
    if kind in GUARDED:
        assert EDITABLE[kind].same(held, shown)
        assert (edit.state, edit.sent, edit.taken) == ("rejected", True, False)
        assert push.AGAIN in edit.reasons[0]["reason"]
    else:
        assert EDITABLE[kind].same(held, wanted)
        assert desk.settle(edit, 60).state == "confirmed"


@kinds
def test_an_old_reading_after_a_lost_answer_confirms_nothing(
    desk: Desk, time: Time, simulator: Simulator, kind: str
) -> None:
    old = desk.held(kind)
    desk.change_there(kind, KINDS[kind][1](old))
    shown = desk.held(kind)
    wanted = {"completes_goal": old["completes_goal"]} if kind == "goals" else old
    simulator.lag(low=30)
    time.wait(1)
    simulator.fault("http_502", operation=KINDS[kind][0], count=1)
    edit = desk.send(kind, shown, wanted)
    assert (edit.state, edit.taken) == ("unknown", None)
    assert EDITABLE[kind].same(edit.after, wanted)  # what was before, and not what was sent
    assert desk.settle(edit, 300).state == "rejected"
    assert EDITABLE[kind].same(desk.held(kind), shown)


@kinds
@pytest.mark.parametrize("lag", [3, 45, 200])
def test_an_edit_is_settled_soon_after_the_lag_ends_and_sent_once(
    desk: Desk, simulator: Simulator, kind: str, lag: int
) -> None:
    seen = desk.held(kind)
    before = sent(simulator, kind)
    simulator.lag(low=lag)
    edit = desk.send(kind, seen, KINDS[kind][1](seen))
    assert edit.state == "unknown"
    assert desk.settle(edit, lag + 60).state == "confirmed"
    assert sent(simulator, kind) == before + 1


@kinds
def test_a_reading_that_is_behind_a_confirmed_edit_is_not_stored(
    desk: Desk, time: Time, simulator: Simulator, kind: str
) -> None:
    seen = desk.held(kind)
    poll(time)
    edit = desk.send(kind, seen, KINDS[kind][1](seen))
    assert edit.state == "confirmed"
    confirmed = desk.columns(kind)
    simulator.lag(replicas=[0, 60])
    for _ in range(12):
        time.wait(7)
        poll(time)
        assert desk.columns(kind) == confirmed
    simulator.end_lag()
    poll(time)
    assert desk.columns(kind) == confirmed


def test_a_group_that_was_read_behind_is_read_again_in_seconds_then_rarer(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    assert desk.send("cpi", seen, KINDS["cpi"][1](seen)).state == "confirmed"
    simulator.lag(low=200)
    time.wait(5)
    poll(time)
    assert Project.objects.get().due_at == time.now + fresh.SOON
    time.wait(100)
    poll(time)
    assert Project.objects.get().due_at == time.now + fresh.LATER
    desk.group.refresh_from_db()
    assert desk.group.webhook_changed_at == time.now
    simulator.end_lag()
    time.wait(30)
    poll(time)
    due = Project.objects.get().due_at
    assert due
    assert due > time.now + timedelta(minutes=1)


def test_without_a_contradiction_nothing_is_read_again(desk: Desk, time: Time) -> None:
    seen = desk.held("cpi")
    desk.send("cpi", seen, KINDS["cpi"][1](seen))
    poll(time)
    due = Project.objects.get().due_at
    assert due
    assert due > time.now + timedelta(minutes=1)
    assert not TargetGroup.objects.exclude(webhook_changed_at=None).exists()


def test_what_contradicts_an_edit_for_longer_than_any_lag_is_stored(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    desk.send("cpi", seen, KINDS["cpi"][1](seen))
    simulator.lag(low=100_000, spared=[])
    time.wait(fresh.LONGEST_LAG.total_seconds() - 5)
    poll(time)
    assert desk.columns("cpi") == {"cpi": Decimal("3.4567")}
    time.wait(10)
    poll(time)
    assert desk.columns("cpi") == {"cpi": Decimal(seen["value"])}


SCHEDULED = {
    "status": "scheduled",
    "start_fielding_at": None,
    "end_fielding_at": in_days(3),
}
# What a job made of a group: its value before and after, and the column that shows it.
MADE: dict[str, tuple[Any, Any, str, str]] = {
    "status": ("live", "paused", "status", "paused"),
    "manager": ("", "somebody", "project_manager_id", "somebody"),
    "launch": ({"status": "draft"}, SCHEDULED, "status", "scheduled"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_a_job_made_of_a_group_is_not_undone_by_an_old_reading(
    desk: Desk, time: Time, kind: str
) -> None:
    """For as long as a copy may be behind; what is read after that counts."""
    before, after, column, stays = MADE[kind]
    old = getattr(desk.group, column)
    factories.edit(
        desk.group,
        kind=kind,
        before=before,
        wanted=after,
        after=after,
        started_at=time.now,
        settled_at=time.now,
    )
    TargetGroup.objects.filter(pk=desk.group.pk).update(**{column: stays})
    for seconds, holds in ((5, stays), (200, stays), (40, old)):
        time.wait(seconds)
        poll(time)
        desk.group.refresh_from_db()
        assert getattr(desk.group, column) == holds


def test_what_somebody_else_changed_after_an_edit_is_stored_at_once(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    desk.send("cpi", seen, KINDS["cpi"][1](seen))
    time.wait(2)
    desk.change_there("cpi", seen | {"value": "4.44"})
    poll(time)
    assert desk.columns("cpi") == {"cpi": Decimal("4.44")}
    simulator.lag(low=60)
    time.wait(5)
    poll(time)  # and from then on it is what readings must not undo
    assert desk.columns("cpi") == {"cpi": Decimal("4.44")}


def test_an_event_keeps_an_older_reading_out_until_it_is_read_itself(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen, group = desk.held("cpi"), desk.group
    desk.change_there("cpi", seen | {"value": "5.55"})
    hook = Webhook.objects.create(
        account=group.account, key="key", secret=SECRET, registered_at=time.now
    )
    changes = [{"object": "cpi_change", "new_value": seen | {"value": "5.55"}}]
    body = event(group, changes=changes, occurred_at=time.now.isoformat())
    at = int(time.now.timestamp())
    header = f"t={at},v1={sign_body(SECRET, body, at)}"
    assert (
        delivery.accept_delivery(webhook=hook, header=header, body=body, now=time.now).status == 204
    )
    simulator.lag(low=40, spared=[])
    time.wait(10)
    poll(time)
    assert desk.columns("cpi") == {"cpi": Decimal(seen["value"])}  # not the event's own word
    assert Project.objects.get().due_at == time.now + fresh.SOON
    time.wait(40)
    poll(time)
    assert desk.columns("cpi") == {"cpi": Decimal("5.55")}
    simulator.lag(low=60, spared=[])
    time.wait(1)
    poll(time)  # a copy that is behind does not undo it
    assert desk.columns("cpi") == {"cpi": Decimal("5.55")}


@pytest.mark.parametrize(
    "changes", [None, 7, "x", {"object": 1}, [None, {}, {"object": "cpi_change"}]]
)
def test_an_event_that_says_nothing_usable_changes_nothing(
    desk: Desk, time: Time, changes: Any
) -> None:
    assert fresh.facts_of_event(changes, "yesterday", now=time.now) == {}
    odd = [
        {"object": kind, "new_value": json.loads(text)}
        for kind in fresh.CHANGES
        for text in ("{}", "[]", "true", '{"value": "NaN"}')
    ]
    assert fresh.facts_of_event(odd, None, now=time.now) == {}


@kinds
def test_a_form_never_shows_less_than_a_confirmed_edit(
    desk: Desk, time: Time, simulator: Simulator, kind: str
) -> None:
    seen = desk.held(kind)
    edit = desk.send(kind, seen, KINDS[kind][1](seen))
    simulator.lag(low=60)
    time.wait(1)
    shown = push.read_current_value(group=desk.group, kind=kind, client=desk.client, clock=time)
    behind = kind == "assistant"  # nothing of ours tells how its modules stand
    assert EDITABLE[kind].same(shown, seen if behind else edit.after)


def test_an_edit_whose_reading_is_behind_an_earlier_one_is_not_sent_over_it(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    first = desk.send("cpi", seen, seen | {"value": "3.33"})
    simulator.lag(low=60)
    second = desk.send("cpi", first.after, seen | {"value": "4.44"})
    assert (second.state, second.sent) == ("rejected", False)
    assert push.BEHIND in second.reasons[0]["reason"]
    assert sent(simulator, "cpi") == 1
    time.wait(61)
    assert desk.send("cpi", first.after, seen | {"value": "4.44"}).state == "unknown"


def test_an_unknown_edit_that_was_changed_again_since_ends_as_confirmed(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    """The changelog tells that it was taken, whatever is held now."""
    seen = desk.held("cpi")
    simulator.lag(low=30)
    edit = desk.send("cpi", seen, KINDS["cpi"][1](seen))
    assert edit.state == "unknown"
    desk.change_there("cpi", seen | {"value": "9.99"})
    assert desk.settle(edit, 300).state == "confirmed"
    assert desk.columns("cpi") == {"cpi": Decimal("9.99")}


@pytest.mark.parametrize("how", ["poll", "event", "later edit"])
def test_an_old_unknown_edit_is_looked_at_when_something_tells_of_its_group(
    desk: Desk, time: Time, simulator: Simulator, how: str
) -> None:
    group, seen = desk.group, desk.held("cpi")
    edit = factories.edit(
        group,
        state="unknown",
        before=seen,
        wanted=seen | {"value": "3.21"},
        after=None,
        settled_at=None,
        started_at=time.now - timedelta(days=1),
        sent=True,
        check_at=time.now + timedelta(hours=1),
    )
    desk.change_there("cpi", seen | {"value": "3.21"})
    if how == "poll":
        poll(time)
    elif how == "event":
        delivery._store_facts(group.account_id, group.exchange_id, {}, time.now)
    else:
        strategy = desk.held("filling_strategy")
        desk.send("filling_strategy", strategy, KINDS["filling_strategy"][1](strategy))
    push.settle_due(clock=time)
    edit.refresh_from_db()
    assert edit.state == "confirmed"


def test_what_could_not_be_read_for_a_week_ends(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    simulator.lag(low=30)
    edit = desk.send("cpi", seen, KINDS["cpi"][1](seen))
    simulator.fault("http_403", operation="get_target_group_overview")
    time.now += timedelta(days=6)
    push.settle_due(clock=time)
    edit.refresh_from_db()
    assert edit.state == "unknown"
    time.now += timedelta(days=2)
    push.settle_due(clock=time)
    edit.refresh_from_db()
    assert (edit.state, edit.reasons[-1]["reason"]) == ("given_up", push.NEVER_READ)


@kinds
def test_a_request_that_never_arrived_was_not_refused(
    desk: Desk, time: Time, simulator: Simulator, kind: str
) -> None:
    """The exchange goes away between the reading and the sending."""
    seen = desk.held(kind)
    edit = Edit(
        account=desk.group.account,
        group=desk.group,
        by=desk.by,
        kind=kind,
        token="t",
        before=seen,
        wanted=KINDS[kind][1](seen),
        sent=False,
    )
    assert push.claim_edit(edit, time.now) is None
    held = push._read_held(edit, desk.client, time)
    assert push._mark_sent(edit)
    simulator.stop()
    assert not push._send_once(edit, desk.client, held, time, overtaken=0)
    assert (edit.state, edit.sent) == ("rejected", False)
    assert "cannot be reached. Nothing was sent." in edit.reasons[0]["reason"]


def test_what_nobody_sent_ends_so(desk: Desk, time: Time) -> None:
    """Its process died between the claim and the sending."""
    seen = desk.held("cpi")
    edit = factories.edit(
        desk.group,
        state="sending",
        before=seen,
        wanted=seen | {"value": "3.21"},
        after=None,
        settled_at=None,
        started_at=time.now,
        sent=False,
        check_at=time.now,
    )
    push.settle_due(clock=time)
    edit.refresh_from_db()
    assert (edit.state, edit.reasons[0]["reason"]) == ("rejected", push.ENDED_BEFORE)
    assert not push._mark_sent(edit)  # and it is never sent afterwards


def test_the_first_looks_come_after_1_2_5_10_and_20_seconds(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    seen = desk.held("cpi")
    simulator.lag(low=1000, spared=[])
    began = time.now
    edit = desk.send("cpi", seen, KINDS["cpi"][1](seen))
    assert (time.now - began).total_seconds() == 2  # the request's own two
    after = []
    for _ in range(5):
        assert edit.check_at
        after.append((edit.check_at - began).total_seconds())
        time.wait((edit.check_at - time.now).total_seconds())
        push.settle_due(clock=time)
        edit.refresh_from_db()
    assert after == [5, 10, 20, 40, 60]
    assert push.check_times_until(time.now + timedelta(minutes=1)) == [edit.check_at]


def test_a_new_draft_that_is_not_shown_yet_is_being_made(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    simulator.lag(low=30)
    edit = create.new_draft(
        project=desk.group.project,
        wanted=a_draft(),
        by=desk.by,
        token="draft",
        client=desk.client,
        clock=time,
        wait=time.wait,
    )
    assert (edit.state, bool(edit.asked_id), edit.reasons) == ("unknown", True, [])
    for _ in range(60):
        time.wait(1)
        create.settle_due(clock=time)
    edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert simulator.requests()["create_target_group"] == 1


def test_a_new_project_that_is_not_shown_yet_is_being_made(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    manager = a_draft()["project_manager_id"]
    simulator.lag(low=30)
    edit = create.new_project(
        account=desk.group.account,
        by=desk.by,
        token=str(uuid.uuid4()),
        client=desk.client,
        wanted={
            "name": "Tracker",
            "project_manager_id": manager,
            "project_customer_reference_number": "PO-1",
        },
        clock=time,
        wait=time.wait,
    )
    assert (edit.state, bool(edit.asked_id), edit.reasons) == ("unknown", True, [])
    for _ in range(60):
        time.wait(1)
        create.settle_due(clock=time)
    edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert simulator.requests()["create_project"] == 1


def test_a_launch_is_followed_through_the_lag_and_its_status_stays(
    desk: Desk, time: Time, simulator: Simulator
) -> None:
    edit = create.new_draft(
        project=desk.group.project,
        wanted=a_draft(),
        by=desk.by,
        token="draft",
        client=desk.client,
        clock=time,
        wait=time.wait,
    )
    group = edit.group
    assert group
    time.wait(300)
    simulator.lag(replicas=[0, 30])
    edit = launch.launch_draft(
        group=group,
        seen=push.read_current_value(group=group, kind="draft", clock=time),
        start=None,
        end=time.now.replace(microsecond=0) + timedelta(days=6),
        by=desk.by,
        token=str(uuid.uuid4()),
        clock=time,
    )
    for _ in range(90):
        time.wait(1)
        launch.run_due_launches(clock=time)
    edit.refresh_from_db()
    assert edit.state == "confirmed"
    assert simulator.requests()["create_launch_fielding_run_from_draft_job"] == 1


# Of a kind: what the exchange itself holds, and a value that nobody had before.
TRUTH: dict[str, tuple[str, Callable[[Any, int], Any], Callable[[Any], Any]]] = {
    "cpi": ("cpi", lambda v, n: v | {"value": f"{3 + n / 100:.2f}"}, lambda v: v["value"]),
    "filling_strategy": (
        "filling_strategy",
        lambda v, _: {"completes": "prescreens", "prescreens": "automated"}.get(v, "completes"),
        lambda v: v,
    ),
    "details": ("name", lambda v, n: v | {"name": f"Group no {n:05}"}, lambda v: v["name"]),
    "goals": (
        "filling_goal",
        lambda v, n: {"completes_goal": v["completes_goal"] + n % 9 + 1},
        lambda v: v["completes_goal"],
    ),
}
UNTOUCHED = ("live_url", "reference", "loi_minutes", "incidence_rate", "lockout_code", "end")


@pytest.mark.parametrize("seed", [1])
def test_random_edits_under_a_random_lag_end_with_the_truth(
    desk: Desk, time: Time, simulator: Simulator, seed: int
) -> None:
    """Some put back what was there, some are lost on the way, and a colleague is at it too."""
    chance, ulid = Random(seed), desk.group.exchange_id  # noqa: S311
    first = simulator.states(ulid)[-1]["settings"]
    for number in range(12):
        kind = chance.choice([*TRUTH])
        name, fresh_value, shown = TRUTH[kind]
        seen = push.read_current_value(group=desk.group, kind=kind, client=desk.client, clock=time)
        wanted = fresh_value(seen, 100 * (seed + 1) + number)
        if chance.random() < 0.3:
            simulator.end_lag()
            desk.change_there(kind, fresh_value(desk.held(kind), 5_000 + number))
        lag = chance.choice([0, 3, 20, 90, 200])
        copies: dict[str, Any] = {"replicas": [0, lag]} if chance.random() < 0.5 else {"low": lag}
        simulator.lag(**copies)
        fault = chance.choice([None, None, "lost_answer", "http_502", "http_429"])
        if fault:
            simulator.fault(fault, operation=KINDS[kind][0], count=1)
        before, began = sent(simulator, kind), time.now
        edit = desk.settle(desk.send(kind, seen, wanted), 300 if fault else lag + 60)
        assert edit.is_settled, (kind, lag, fault, edit.state)
        assert sent(simulator, kind) <= before + 1
        since = int(began.timestamp() * 1000) - 5000
        states = simulator.states(ulid)
        held = {
            str(state["settings"][name])
            for state in [*states[-1:], *(state for state in states if state["at"] >= since)]
        }
        if edit.state == "confirmed":
            assert str(shown(wanted)) in held, (kind, lag, fault)
        elif edit.state == "rejected" and kind != "filling_strategy":  # theirs may be the same
            assert str(states[-1]["settings"][name]) != str(shown(wanted)), (kind, lag, fault)
        simulator.clear_faults()
        time.wait(chance.choice([1, 10, 250]))
        poll(time)
    last = simulator.states(ulid)[-1]["settings"]
    assert {name: last[name] for name in UNTOUCHED} == {name: first[name] for name in UNTOUCHED}
