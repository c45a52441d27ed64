"""An edit → the exchange: sent once, read back, never repeated blindly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import Edit, TargetGroup, User
from dashboard.sync.edits import send as push
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, money

pytestmark = pytest.mark.django_db(transaction=True)
SEEN, WANTED = money("2.75"), money("3.10")
PUT = "cost-per-interview"


@pytest.fixture
def group(pull: Callable[[], dict[str, Any]], exchange: Exchange) -> TargetGroup:
    pull()
    return TargetGroup.objects.get(exchange_id=ulid(11))


@pytest.fixture
def send(group: TargetGroup, editor: User) -> Callable[..., Edit]:
    def sent(**arguments: Any) -> Edit:
        fields = {"kind": "cpi", "seen": SEEN, "wanted": WANTED, "token": "form-1"}
        return push.send_edit(group=group, by=editor, **(fields | arguments))

    return sent


Send = Callable[..., Edit]


def test_a_change_is_sent_and_confirmed_by_reading_back(
    send: Send, exchange: Exchange, group: TargetGroup
) -> None:
    edit = send()
    assert (edit.state, edit.after) == ("confirmed", WANTED)
    assert exchange.cpi[ulid(11)] == WANTED
    group.refresh_from_db()
    assert group.cpi == Decimal("3.10")


def test_what_follows_from_a_new_price_is_worked_out_at_once(
    send: Send, group: TargetGroup
) -> None:
    assert send().state == "confirmed"
    group.refresh_from_db()
    cost = Insight.of(group).cost
    assert cost is not None
    assert "remaining completes at 3.1 USD" in str(cost.note)


def test_one_form_is_one_put_however_often_it_is_sent(send: Send, exchange: Exchange) -> None:
    assert {send().pk for _ in range(3)} == {Edit.objects.get().pk}
    assert exchange.asked(PUT, "PUT") == 1


def test_a_value_that_changed_meanwhile_is_a_conflict_and_nothing_is_sent(
    send: Send, exchange: Exchange
) -> None:
    exchange.cpi[ulid(11)] = money("2.90")
    edit = send()
    assert (edit.state, edit.after) == ("conflict", money("2.90"))
    assert exchange.asked(PUT, "PUT") == 0


def test_the_same_amount_in_other_digits_is_no_conflict(send: Send, exchange: Exchange) -> None:
    exchange.cpi[ulid(11)] = money("2.7500")
    assert send().state == "confirmed"


def test_a_refusal_keeps_the_exchanges_reasons(send: Send, exchange: Exchange) -> None:
    refusal = {
        "object": "bad_request_error",
        "detail": "wrong",
        "invalid_params": [{"name": "target_group_cpi.value", "reason": "too low"}],
    }
    exchange.on("PUT", PUT, lambda: (400, refusal))
    edit = send()
    assert edit.state == "rejected"
    assert edit.reasons == [{"name": "target_group_cpi.value", "reason": "too low"}]


def test_a_lost_answer_is_settled_by_reading_and_never_sent_again(
    send: Send, exchange: Exchange
) -> None:
    def take_and_hang_up() -> tuple[int, Any]:
        exchange.cpi[ulid(11)] = WANTED
        return 0, None

    exchange.on("PUT", PUT, take_and_hang_up)
    assert send().state == "confirmed"
    assert exchange.asked(PUT, "PUT") == 1


def test_a_value_that_the_exchange_rounds_is_told_when_it_is_read_a_second_time(
    send: Send, exchange: Exchange
) -> None:
    def take_and_round() -> tuple[int, Any]:
        exchange.cpi[ulid(11)] = money("3.00")
        return 200, {"target_group_cpi": money("3.00")}

    exchange.on("PUT", PUT, take_and_round)
    edit = send()
    assert edit.state == "unknown"  # it may still be on its way
    push.settle_due(clock=later(1))
    edit.refresh_from_db()
    assert (edit.state, edit.after) == ("conflict", money("3.00"))


def test_after_a_lost_answer_another_value_is_no_end_ours_may_still_come(
    lost: Edit, exchange: Exchange
) -> None:
    exchange.cpi[ulid(11)] = money("3.00")
    for minutes in (1, 2):
        push.settle_due(clock=later(minutes))
        lost.refresh_from_db()
        assert lost.state == "unknown"


@pytest.fixture
def lost(send: Send, exchange: Exchange) -> Edit:
    """An edit whose answer was lost, on an exchange that still shows the value before."""
    exchange.on("PUT", PUT, lambda: (0, None))
    return send()


def later(minutes: int) -> Callable[[], datetime]:
    return lambda: timezone.now() + timedelta(minutes=minutes)


def test_a_lost_answer_with_the_old_value_still_there_is_unknown(lost: Edit) -> None:
    assert lost.state == "unknown"


def test_the_worker_settles_what_was_taken_late(lost: Edit, exchange: Exchange) -> None:
    exchange.cpi[ulid(11)] = WANTED
    push.settle_due(clock=later(1))
    lost.refresh_from_db()
    assert lost.state == "confirmed"


def test_what_was_never_taken_ends_as_rejected(lost: Edit, exchange: Exchange) -> None:
    for round_ in range(1, 5):
        push.settle_due(clock=later(10 * round_))
    lost.refresh_from_db()
    assert lost.state == "rejected"
    assert "did not accept" in lost.reasons[-1]["reason"]
    assert exchange.asked(PUT, "PUT") == 1


def test_an_edit_whose_process_died_is_settled_too(
    group: TargetGroup, editor: User, exchange: Exchange
) -> None:
    started = timezone.now()
    edit = Edit.objects.create(
        account=group.account,
        group=group,
        by=editor,
        kind="cpi",
        token="dead",
        before=SEEN,
        wanted=WANTED,
        started_at=started,
        check_at=started + timedelta(seconds=20),
    )
    exchange.cpi[ulid(11)] = WANTED
    push.settle_due(clock=later(1))
    edit.refresh_from_db()
    assert edit.state == "confirmed"


def test_while_one_edit_is_open_no_other_of_its_kind_is_sent(
    lost: Edit, send: Send, exchange: Exchange
) -> None:
    with pytest.raises(push.EditInProgress):
        send(token="form-2")
    assert exchange.asked(PUT, "PUT") == 1


def test_a_check_that_fails_again_keeps_since_when_checks_fail(
    lost: Edit, exchange: Exchange
) -> None:
    exchange.on("GET", "/overview", lambda: (503, "down"))
    for minutes in (1, 2):
        push.settle_due(clock=later(minutes))
    lost.refresh_from_db()
    (failure,) = [reason for reason in lost.reasons if "since" in reason]
    assert failure["reason"].startswith("Cint failed")
    since = push.waiting_since(lost)
    assert since
    assert timedelta(seconds=50) < since - lost.started_at < timedelta(seconds=70)


def test_a_check_that_gets_through_ends_the_wait(lost: Edit, exchange: Exchange) -> None:
    exchange.on("GET", "/overview", lambda: (503, "down"))
    push.settle_due(clock=later(1))
    exchange.special.clear()
    push.settle_due(clock=later(2))
    lost.refresh_from_db()
    assert lost.state == "unknown"
    assert push.waiting_since(lost) is None
    assert [reason["reason"] for reason in lost.reasons] == ["Cint cannot be reached"]


@pytest.mark.parametrize("status", [403, 404])
def test_what_can_never_be_read_back_is_given_up_by_a_person_who_looked(
    send: Send, exchange: Exchange, editor: User, status: int
) -> None:
    def take_and_hide() -> tuple[int, Any]:
        exchange.on("GET", "/overview", lambda: (status, {"detail": "gone"}))
        return 204, None

    exchange.on("PUT", PUT, take_and_hide)
    edit = send()
    for days in range(1, 5):
        push.settle_due(clock=later(days * 24 * 60))
    edit.refresh_from_db()
    assert edit.state == "unknown"
    with pytest.raises(push.EditInProgress) as refused:
        send(token="form-2")
    assert refused.value.other == edit
    now = later(5 * 24 * 60)()
    assert push.give_up(edit=edit, by=editor, now=now)
    edit.refresh_from_db()
    assert (edit.state, edit.given_up_by, edit.settled_at) == ("given_up", editor, now)
    exchange.special.clear()
    exchange.cpi[ulid(11)] = SEEN
    assert send(token="form-3").state == "confirmed"


def test_an_edit_is_given_up_only_after_reading_had_its_time_and_only_while_it_is_open(
    lost: Edit, editor: User, exchange: Exchange
) -> None:
    assert not push.give_up(edit=lost, by=editor, now=timezone.now())
    stale = Edit.objects.get(pk=lost.pk)
    exchange.cpi[ulid(11)] = WANTED
    push.settle_due(clock=later(1))
    assert not push.give_up(edit=stale, by=editor, now=later(60)())
    lost.refresh_from_db()
    assert (lost.state, lost.given_up_by) == ("confirmed", None)


def test_a_worker_that_reads_while_a_person_gives_up_does_not_open_it_again(
    lost: Edit, editor: User
) -> None:
    read_before = Edit.objects.get(pk=lost.pk)
    assert push.give_up(edit=lost, by=editor, now=later(11)())
    push.leave_unknown(read_before, later(11)(), [])
    lost.refresh_from_db()
    assert lost.state == "given_up"


def test_an_exchange_that_is_down_is_told_and_nothing_was_sent(
    send: Send, exchange: Exchange
) -> None:
    exchange.on("GET", "/overview", lambda: (503, "down"))
    edit = send()
    assert edit.state == "rejected"
    assert "Nothing was sent" in edit.reasons[0]["reason"]
    assert exchange.asked(PUT, "PUT") == 0


def test_filling_strategy_is_changed_the_same_way(send: Send, exchange: Exchange) -> None:
    edit = send(kind="filling_strategy", seen="completes", wanted="prescreens")
    assert edit.state == "confirmed"
    assert exchange.strategy[ulid(11)] == "prescreens"


def side(current: bool, other: bool) -> dict[str, bool]:
    return {"allow_for_current_target_group": current, "allow_for_other_target_groups": other}


def test_re_entry_is_changed_the_same_way(send: Send, exchange: Exchange) -> None:
    before = {"completes": {"client_side": side(False, False)}}
    after = {"completes": {"client_side": side(True, False)}}
    exchange.re_entry[ulid(11)] = before
    assert send(kind="re_entry", seen=before, wanted=after).state == "confirmed"
    assert exchange.re_entry[ulid(11)] == after


def test_a_pull_that_began_before_an_edit_does_not_undo_it(
    send: Send,
    exchange: Exchange,
    group: TargetGroup,
    pull: Callable[[], dict[str, Any]],
) -> None:
    """The overview is asked before the edit, and its answer is written after it."""
    exchange.row(ulid(1), ulid(11))["statistics"]["progress"]["value"]["current_completes"] = 120

    def edited_meanwhile() -> tuple[int, Any]:
        exchange.special.clear()
        send()
        return 200, {"entrants": 9, "prescreens": 3, "completes": 120}

    exchange.on("GET", f"{ulid(11)}/performance", edited_meanwhile)
    pull()
    group.refresh_from_db()
    assert group.cpi == Decimal("3.10")
