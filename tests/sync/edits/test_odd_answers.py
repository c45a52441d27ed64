"""What an exchange may answer to a change, and what each answer comes to: sent once, whatever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from dashboard.fielding.models import Edit, TargetGroup, User
from dashboard.sync.edits import send as push
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, money

pytestmark = pytest.mark.django_db(transaction=True)
SEEN, WANTED, THEIRS = money("2.75"), money("3.10"), money("2.99")
PUT = "cost-per-interview"
NO = {"object": "error", "title": "No", "detail": "not this way"}


class Odd(NamedTuple):
    """An answer to the change; what the exchange holds then; how the edit stands at once and in the
    end; and words that must be in its reasons.
    """

    status: int
    body: Any
    holds: dict[str, str]
    at_once: str
    ends: str
    words: str = ""


ODD = {
    "conflict, untouched": Odd(409, NO, SEEN, "rejected", "rejected", "not this way"),
    "conflict, theirs": Odd(409, NO, THEIRS, "conflict", "conflict"),
    "conflict, the same": Odd(409, NO, WANTED, "confirmed", "confirmed"),
    "precondition, untouched": Odd(412, NO, SEEN, "rejected", "rejected", "send it again"),
    "precondition, theirs": Odd(412, NO, THEIRS, "conflict", "conflict"),
    "unprocessable": Odd(422, NO, SEEN, "rejected", "rejected", "not this way"),
    "too many": Odd(429, NO, SEEN, "rejected", "rejected", "Nothing was changed"),
    "moved": Odd(301, "", SEEN, "rejected", "rejected", "does not follow"),
    "unauthorized": Odd(401, NO, SEEN, "rejected", "rejected", "API key"),
    "forbidden": Odd(403, NO, SEEN, "rejected", "rejected", "not this way"),
    "not found": Odd(404, NO, SEEN, "rejected", "rejected", "not this way"),
    "another value": Odd(200, {"target_group_cpi": THEIRS}, THEIRS, "unknown", "conflict"),
    "yes, but nothing": Odd(
        200, {"target_group_cpi": WANTED}, SEEN, "unknown", "rejected", "did not accept"
    ),
    "no body, taken": Odd(204, "", WANTED, "confirmed", "confirmed"),
    "no JSON, taken": Odd(200, "<html>", WANTED, "confirmed", "confirmed"),
    "another shape, taken": Odd(200, {"cpi": 3.1}, WANTED, "confirmed", "confirmed"),
    "fault, taken": Odd(500, "", WANTED, "confirmed", "confirmed"),
    "fault, not taken": Odd(502, "", SEEN, "unknown", "rejected", "did not accept"),
    "hung up, theirs": Odd(0, "", THEIRS, "unknown", "conflict"),
}


@pytest.fixture
def group(pull: Callable[[], dict[str, Any]], exchange: Exchange) -> TargetGroup:
    pull()
    return TargetGroup.objects.get(exchange_id=ulid(11))


def send(group: TargetGroup, editor: User) -> Edit:
    arguments: dict[str, Any] = {"kind": "cpi", "seen": SEEN, "wanted": WANTED, "token": "form"}
    return push.send_edit(group=group, by=editor, **arguments)


def settle() -> Edit:
    """The edit, after the worker has read as often as it does."""
    for later in range(1, 6):
        now = timezone.now() + timedelta(minutes=10 * later)
        push.settle_due(clock=lambda now=now: now)  # type: ignore[misc]
    return Edit.objects.get()


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_ends_as_what_it_is_and_is_sent_once(
    name: str, exchange: Exchange, group: TargetGroup, editor: User
) -> None:
    odd = ODD[name]

    def answer() -> tuple[int, Any]:
        exchange.cpi[ulid(11)] = odd.holds
        return odd.status, odd.body

    exchange.on("PUT", PUT, answer)
    assert send(group, editor).state == odd.at_once
    ended = settle()
    assert ended.state == odd.ends
    assert odd.words in " ".join(reason["reason"] for reason in ended.reasons)
    assert exchange.asked(PUT, "PUT") == 1


def test_a_read_back_that_fails_is_read_again_later(
    exchange: Exchange, group: TargetGroup, editor: User
) -> None:
    def taken_then_down() -> tuple[int, Any]:
        exchange.cpi[ulid(11)] = WANTED
        exchange.on("GET", "/overview", lambda: (404, NO))
        return 200, {"target_group_cpi": WANTED}

    exchange.on("PUT", PUT, taken_then_down)
    assert send(group, editor).state == "unknown"
    assert settle().state == "unknown"
    exchange.special.clear()
    now = timezone.now() + timedelta(hours=2)
    push.settle_due(clock=lambda: now)
    assert Edit.objects.get().state == "confirmed"
    assert exchange.asked(PUT, "PUT") == 1
