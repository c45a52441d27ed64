"""What a delivery does: stored once, its group due, and what is wrong counted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from dashboard.exchange.webhook_signature import sign_body
from dashboard.fielding.models import (
    Edit,
    ExchangeAccount,
    Project,
    TargetGroup,
    Webhook,
    WebhookEvent,
    WebhookRefusal,
)
from dashboard.sync import scheduling
from dashboard.sync.webhooks import delivery
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(minutes=20)
CHANGED = "com.cint.target-group.updated"
SECRET = "secret"


@pytest.fixture
def group(db: None) -> TargetGroup:
    account = factories.account(due_at=LATER)
    project = factories.project(account, due_at=LATER, read_at=NOW - timedelta(minutes=3))
    Webhook.objects.create(account=account, key="key", secret="secret", registered_at=NOW)
    return factories.group(project)


def event(group: TargetGroup, name: str = "event-1", kind: str = CHANGED, **data: Any) -> bytes:
    ids = {
        "account_id": 101,
        "project_id": group.project.exchange_id,
        "target_group_id": group.exchange_id,
    }
    return json.dumps({"id": name, "specversion": "1.0", "type": kind, "data": ids | data}).encode()


def deliver(body: bytes, *, secret: str = SECRET, late: float = 0, now: Any = NOW) -> int:
    at = int(now.timestamp() - late)
    header = f"t={at},v1={sign_body(secret, body, at)}"
    hook = Webhook.objects.get()
    return delivery.accept_delivery(webhook=hook, header=header, body=body, now=now).status


def due() -> Any:
    return Project.objects.get().due_at


def reasons() -> dict[str, int]:
    return WebhookRefusal.objects.reasons_since(NOW - timedelta(days=1))


def test_an_event_makes_its_group_due_now(group: TargetGroup) -> None:
    assert deliver(event(group)) == 204
    assert due() == NOW
    group.refresh_from_db()
    assert group.webhook_changed_at == NOW
    assert ExchangeAccount.objects.get().due_at == LATER


def test_an_event_that_comes_again_is_stored_once_and_does_nothing(group: TargetGroup) -> None:
    deliver(event(group))
    Project.objects.update(due_at=LATER)
    assert deliver(event(group)) == 204
    assert WebhookEvent.objects.count() == 1
    assert due() == LATER


def test_the_same_event_id_of_another_account_is_another_event(group: TargetGroup) -> None:
    other = factories.account()
    WebhookEvent.objects.create(account=other, event_id="event-1", kind=CHANGED, received_at=NOW)
    deliver(event(group))
    assert WebhookEvent.objects.count() == 2


def test_a_burst_brings_one_round_not_as_many(group: TargetGroup) -> None:
    Project.objects.update(read_at=NOW - timedelta(seconds=1))
    for number in range(200):
        deliver(event(group, f"event-{number}"))
    assert due() == NOW - timedelta(seconds=1) + scheduling.FLOOR
    assert WebhookEvent.objects.count() == 200


def test_an_event_never_puts_off_what_is_due_already(group: TargetGroup) -> None:
    Project.objects.update(due_at=NOW - timedelta(minutes=1))
    deliver(event(group))
    assert due() == NOW - timedelta(minutes=1)


@pytest.mark.parametrize("kind", ["com.cint.quota-fill.registered", "com.cint.session.updated"])
def test_events_of_figures_cost_no_more_than_a_group_that_moves(
    group: TargetGroup, kind: str
) -> None:
    assert deliver(event(group, kind=kind)) == 204
    assert due() == NOW - timedelta(minutes=3) + timedelta(minutes=5)
    group.refresh_from_db()
    assert group.webhook_changed_at is None


def test_an_event_of_an_unknown_group_makes_its_project_due(group: TargetGroup) -> None:
    deliver(event(group, target_group_id="01NEW"))
    assert due() == NOW


def test_an_event_of_an_unknown_project_makes_the_accounts_list_due(group: TargetGroup) -> None:
    ExchangeAccount.objects.update(read_at=NOW - timedelta(minutes=1))
    deliver(event(group, target_group_id="01NEW", project_id="01ALSO"))
    assert due() == LATER
    assert ExchangeAccount.objects.get().due_at == NOW


def test_an_event_of_an_unknown_kind_is_kept_as_it_came_and_counted(group: TargetGroup) -> None:
    body = event(group, kind="com.cint.moon.risen", phase="full")
    assert deliver(body) == 204
    stored = WebhookEvent.objects.get()
    assert (stored.kind, stored.raw) == ("com.cint.moon.risen", body.decode())
    assert WebhookEvent.objects.kinds_since(NOW) == {"com.cint.moon.risen": 1}


@pytest.mark.parametrize("data", [None, [], "text", 7, {"target_group_id": [1]}, {"x": True}])
def test_an_event_about_nothing_that_is_known_is_kept(group: TargetGroup, data: Any) -> None:
    body = json.dumps({"id": "e", "type": CHANGED, "data": data}).encode()
    assert deliver(body) == 204
    assert WebhookEvent.objects.count() == 1
    assert due() == LATER


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"id": 7}',
        b'{"type": "x"}',
        b'"\xff"',
        b'{"id": "\xff"}',
        b'{"id": "\\ud800"}',
        b"[" * 90_000,
    ],
)
def test_a_genuine_delivery_that_is_no_event_is_refused_and_counted(
    group: TargetGroup, body: bytes
) -> None:
    assert deliver(body) == 400
    assert reasons() == {"not an event": 1}


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_an_event_that_cannot_be_told_from_others_is_refused(group: TargetGroup, name: str) -> None:
    assert deliver(event(group, name)) == 400
    assert reasons() == {"no event id": 1}


@pytest.mark.parametrize(
    "bad", [rb"\u0000", rb"\ud83d", rb"\ude00", b"\xff", b"\xe2\x82", b"\0", rb"\ud8"]
)
def test_text_that_no_table_can_keep_is_replaced_in_what_is_kept(
    group: TargetGroup, bad: bytes
) -> None:
    odd = event(group, kind="kHERE", new_value="nameHERE").replace(b"HERE", bad)
    assert deliver(odd) == 204
    stored = WebhookEvent.objects.get()
    assert stored.kind.startswith("k\ufffd")
    assert "name\ufffd" in stored.raw


def test_a_change_whose_value_is_no_text_is_a_change_all_the_same(group: TargetGroup) -> None:
    assert deliver(event(group, new_value="HERE").replace(b"HERE", b"\\ud83d")) == 204
    assert due() == NOW


def test_a_byte_order_mark_before_an_event_is_no_part_of_it(group: TargetGroup) -> None:
    assert deliver(b"\xef\xbb\xbf" + event(group)) == 204
    assert due() == NOW


def test_forged_old_and_early_deliveries_are_refused_and_counted_by_reason(
    group: TargetGroup,
) -> None:
    assert deliver(event(group), secret="guess") == 401
    assert deliver(event(group), secret="guess") == 401
    assert deliver(event(group), late=400) == 401
    assert deliver(event(group), late=-400) == 401
    assert not WebhookEvent.objects.exists()
    assert due() == LATER
    assert reasons() == {"wrong signature": 2, "old signature": 1, "signature from the future": 1}


def test_while_it_is_being_registered_a_delivery_is_to_come_again(group: TargetGroup) -> None:
    Webhook.objects.update(secret="")
    assert deliver(event(group)) == 503


def test_after_a_rotation_the_secret_before_is_good_for_a_while(group: TargetGroup) -> None:
    until = NOW + timedelta(hours=1)
    hook = Webhook.objects.get()
    hook.secret, hook.earlier_secret, hook.earlier_until = "new", "secret", until
    hook.save()
    assert deliver(event(group, "1"), secret="secret") == 204
    assert deliver(event(group, "2"), secret="new") == 204
    assert deliver(event(group, "3"), secret="secret", now=until) == 401


def test_events_and_counts_are_forgotten_after_a_fortnight(group: TargetGroup) -> None:
    deliver(event(group))
    deliver(event(group), secret="guess")
    delivery.delete_old_events(now=NOW + timedelta(days=13))
    assert WebhookEvent.objects.count() == WebhookRefusal.objects.count() == 1
    delivery.delete_old_events(now=NOW + timedelta(days=15))
    assert WebhookEvent.objects.count() == WebhookRefusal.objects.count() == 0


@pytest.mark.parametrize(
    ("read_at", "due_at", "expected"),
    [
        (None, None, NOW),
        (NOW - timedelta(seconds=10), LATER, NOW),
        (NOW - timedelta(seconds=4), LATER, NOW + timedelta(seconds=6)),
        (NOW - timedelta(seconds=4), None, NOW + timedelta(seconds=6)),
        (NOW, NOW + timedelta(seconds=9), NOW + timedelta(seconds=9)),
    ],
)
def test_a_changed_group_is_read_ten_seconds_after_the_last_round_at_the_earliest(
    group: TargetGroup, read_at: Any, due_at: Any, expected: Any
) -> None:
    Project.objects.update(read_at=read_at, due_at=due_at)
    deliver(event(group))
    project = Project.objects.get()
    assert (project.due_at, project.webhook_changed_at) == (expected, NOW)


def test_an_event_of_a_group_in_another_project_makes_both_projects_due(
    group: TargetGroup,
) -> None:
    other = factories.project(group.account, due_at=LATER, read_at=None)
    neither = factories.project(group.account, due_at=LATER, read_at=None)
    deliver(event(group, project_id=other.exchange_id))
    due_at = dict(Project.objects.values_list("pk", "due_at"))
    assert due_at == {group.project_id: NOW, other.pk: NOW, neither.pk: LATER}
    told = Project.objects.filter(webhook_changed_at=NOW).values_list("pk", flat=True)
    assert set(told) == {group.project_id, other.pk}


@pytest.mark.parametrize("polling", [True, False])
def test_the_list_of_an_account_is_due_only_while_it_is_polled(
    group: TargetGroup, polling: bool
) -> None:
    ExchangeAccount.objects.update(read_at=NOW - timedelta(seconds=3), polling=polling)
    deliver(event(group, target_group_id="01NEW", project_id=7))
    due_at = NOW + timedelta(seconds=7) if polling else LATER
    assert ExchangeAccount.objects.get().due_at == due_at


@pytest.mark.parametrize(
    ("target", "stored"),
    [(7, "7"), ("x" * 65, "x" * 64), (True, ""), (None, ""), (1.5, ""), (["a"], "")],
)
def test_an_id_of_an_event_is_a_text_or_a_number(
    group: TargetGroup, target: Any, stored: str
) -> None:
    assert deliver(event(group, "x" * 200, kind="k" * 101, target_group_id=target)) == 204
    row = WebhookEvent.objects.get()
    assert (row.target_group, row.event_id, row.kind) == (stored, "x" * 200, "k" * 100)
    assert (row.account_id, row.received_at) == (group.account_id, NOW)


@pytest.mark.parametrize(("kind", "asked"), [(CHANGED, NOW), ("com.cint.session.updated", LATER)])
def test_a_change_has_the_open_edits_of_its_group_checked_now(
    group: TargetGroup, kind: str, asked: Any
) -> None:
    unknown = {"state": Edit.State.UNKNOWN, "settled_at": None}
    edit = factories.edit(group, check_at=LATER, **unknown)
    others = [
        factories.edit(factories.group(group.project), check_at=LATER, **unknown),
        factories.edit(group, check_at=LATER),
        factories.edit(group, kind="details", check_at=NOW - timedelta(minutes=1), **unknown),
    ]
    before = [other.check_at for other in others]
    deliver(event(group, kind=kind))
    edit.refresh_from_db()
    assert edit.check_at == asked
    for other in others:
        other.refresh_from_db()
    assert [other.check_at for other in others] == before


def test_refusals_are_counted_by_the_hour(group: TargetGroup) -> None:
    for minutes in (59, 60, 61, 119, 120):
        delivery.count_refused_delivery(
            account_id=group.account_id, reason="why", now=NOW + timedelta(minutes=minutes)
        )
    counts = WebhookRefusal.objects.order_by("hour").values_list("hour", "times")
    assert list(counts) == [(NOW + timedelta(hours=hour), n) for hour, n in enumerate((1, 3, 1))]


def test_events_and_counts_stay_for_the_whole_fortnight(group: TargetGroup) -> None:
    deliver(event(group))
    deliver(event(group), secret="guess")
    for seconds, left in ((0, 1), (1, 0)):
        delivery.delete_old_events(now=NOW + timedelta(days=14, seconds=seconds))
        assert WebhookEvent.objects.count() == WebhookRefusal.objects.count() == left


def test_a_first_secret_and_an_earlier_one_are_good_alone(group: TargetGroup) -> None:
    Webhook.objects.update(secret="", earlier_secret=SECRET, earlier_until=NOW + timedelta(1))
    assert deliver(event(group)) == 204
    Webhook.objects.update(earlier_until=None)
    assert deliver(event(group, "2")) == 503
    assert reasons() == {"not registered yet": 1}


class TestAnyData(TestCase):
    """Whatever is in an event, it is taken or refused, and nothing breaks."""

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
    def test_any_data_is_taken_or_refused(self, data: Any) -> None:
        account = factories.account()
        hook = Webhook.objects.create(account=account, key=account.name, secret="secret")
        named = {"target_group_id": data, "project_id": data}
        body = json.dumps({"id": "e", "type": CHANGED, "data": named}).encode()
        header = f"t={int(NOW.timestamp())},v1={sign_body('secret', body, int(NOW.timestamp()))}"
        heard = delivery.accept_delivery(webhook=hook, header=header, body=body, now=NOW)
        assert heard.status in (204, 400)
