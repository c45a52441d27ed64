"""What readings before and after sending come to, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Change, Edit, Project, TargetGroup, User
from dashboard.sync.connections import clients
from dashboard.sync.edits import evidence, fresh, send
from dashboard.sync.edits.kinds import details
from tests import factories
from tests.factories import NOW
from tests.fakes.canned_exchange import Exchange, Reply, money, serving
from tests.fakes.clock import HandClock

pytestmark = pytest.mark.django_db
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LAG = 4 * MINUTE
SEEN, WANTED, THEIRS = money("2.75"), money("3.10"), money("2.99")
PROGRESS = dict.fromkeys(("current_completes", "current_prescreens", "filling_goal"), 0)
REFUSED = {"object": "error", "detail": "no"}


@dataclass
class Reading(Exchange):
    """An exchange that shows one value after another, the last one from then on."""

    prices: list[Any] = field(default_factory=lambda: [SEEN])  # an amount, or a status
    modules: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    accept: Reply | None = None  # None: it is accepted
    changes: list[dict[str, Any]] = field(default_factory=list)  # batches of the changelog
    codes: list[dict[str, Any]] = field(default_factory=list)
    put: list[Any] = field(default_factory=list)
    read: int = 0

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        self.log.append((method, path))
        if method == "PUT":
            self.put.append(body)
            return self.accept or (200, body)
        if "/changelog" in path:
            return 200, {"changelog": self.changes}
        if "lockout" in path:
            return 200, {"industry_lockouts": self.codes, "items": self.codes}
        values = self.modules if "assistant" in path else self.prices
        value = values.pop(0) if len(values) > 1 else values[0]
        self.read += 1
        if isinstance(value, int):
            return value, REFUSED
        if "assistant" in path:
            return 200, value, {"ETag": f'"{self.read}"'}
        return 200, {"status": "live", "progress": PROGRESS, "current_cost_per_interview": value}


@dataclass
class Desk(HandClock):
    """Somebody who changes the CPI of one group, and the worker that checks it."""

    exchange: Reading
    group: TargetGroup
    by: User

    @property
    def client(self) -> ExchangeClient:
        return clients.client_for(self.group.account)

    def send(self, *, waits: bool = True, **changes: Any) -> Edit:
        arguments = {"kind": "cpi", "seen": SEEN, "wanted": WANTED, "token": "form"} | changes
        return send.send_edit(
            group=self.group,
            by=self.by,
            clock=self.clock,
            wait=self.wait if waits else None,
            **arguments,
        )

    def settle(self, edit: Edit, at: timedelta) -> str:
        """How the edit stands after a check of the worker, so long after it was sent."""
        self.now = NOW + at
        Edit.objects.filter(pk=edit.pk).exclude(check_at=None).update(check_at=self.now)
        send.settle_due(clock=self.clock)
        edit.refresh_from_db()
        return edit.state

    def earlier(self, old: Any, new: Any, **fields: Any) -> Edit:
        """An edit that was confirmed half a minute ago."""
        at = self.now - MINUTE / 2
        given = {"started_at": at, "settled_at": at, "before": old, "after": new, "wanted": new}
        return factories.edit(self.group, **(given | fields))


@pytest.fixture
def desk(settings: Any) -> Iterator[Desk]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    cache.clear()
    with serving(Reading()) as exchange:
        account = factories.account(base_url=exchange.url, requests_per_minute=0)
        group = factories.group(factories.project(account, due_at=None))
        yield Desk(exchange, group, factories.person("editor", account), now=NOW)


def reasons(edit: Edit) -> list[str]:
    return [reason["reason"] for reason in edit.reasons]


def stored_cpi(desk: Desk) -> Decimal | None:
    return TargetGroup.objects.get(pk=desk.group.pk).cpi


def test_a_value_that_is_held_and_was_shown_is_not_sent(desk: Desk) -> None:
    edit = desk.send(wanted=money("2.750"))
    assert (edit.state, edit.after, edit.sent) == ("confirmed", SEEN, False)
    assert (desk.exchange.put, desk.waited, desk.exchange.read) == ([], [], 1)


def test_a_confirmed_edit_makes_its_project_due_and_others_of_its_group_are_checked(
    desk: Desk,
) -> None:
    later = desk.now + DAY
    others = [
        factories.edit(desk.group, kind=kind, state=state, check_at=later, settled_at=None)
        for kind, state in (("dates", "unknown"), ("goals", "sending"))
    ]
    desk.exchange.prices = [SEEN, WANTED]
    edit = desk.send()
    edit.refresh_from_db()
    assert (edit.state, edit.settled_at, edit.check_at, edit.reasons) == (
        "confirmed",
        NOW,
        None,
        [],
    )
    assert (edit.sent, edit.taken, edit.was_so) == (True, True, False)
    project = Project.objects.get(pk=desk.group.project_id)
    assert (project.version, project.due_at) == (1, NOW)
    assert [Edit.objects.get(pk=each.pk).check_at for each in others] == [NOW, later]
    assert stored_cpi(desk) == Decimal("3.10")
    desk.exchange.prices = [WANTED]
    again = desk.send(seen=WANTED, wanted=SEEN, token="back")
    Edit.objects.filter(pk=again.pk).update(state="unknown", check_at=later)
    desk.exchange.prices = [400]
    desk.send(kind="filling_strategy", seen="a", wanted="b", token="refused")
    assert Edit.objects.get(pk=again.pk).check_at == later  # only a confirmed one says anything


def test_what_the_exchange_seems_to_hold_already_is_sent_and_read_twice(desk: Desk) -> None:
    desk.exchange.prices = [WANTED]
    edit = desk.send()
    assert desk.exchange.put == [{"target_group_cpi": WANTED}]
    assert (edit.state, edit.was_so, desk.waited) == ("confirmed", True, [1.0])
    assert edit.settled_at == NOW + SECOND


def test_after_a_lost_answer_such_a_reading_proves_nothing_while_a_copy_may_lag(
    desk: Desk,
) -> None:
    desk.exchange.prices, desk.exchange.accept = [WANTED], (500, "")
    edit = desk.send()
    assert (edit.state, edit.taken, desk.waited) == ("unknown", None, [1.0, 1.0])
    assert desk.settle(edit, LAG - SECOND) == "unknown"
    assert desk.settle(edit, LAG) == "confirmed"


def test_the_changelog_proves_such_a_reading_at_once(desk: Desk) -> None:
    desk.exchange.prices, desk.exchange.accept = [WANTED], (500, "")
    change = {"object": "cpi_change", "new_value": WANTED}
    desk.exchange.changes = [{"occurred_at": NOW.isoformat(), "changes": [change]}]
    assert (desk.send().state, desk.waited) == ("confirmed", [])


@pytest.mark.parametrize("waits", [False, True])
def test_a_stale_reading_is_repeated_while_the_person_waits_and_nothing_is_sent(
    desk: Desk, waits: bool
) -> None:
    desk.earlier(THEIRS, SEEN)
    desk.exchange.prices = [THEIRS]
    edit = desk.send(waits=waits)
    assert (edit.state, edit.sent, reasons(edit)) == ("rejected", False, [send.BEHIND])
    assert (desk.waited, desk.exchange.read) == (([1.0, 1.0], 3) if waits else ([], 1))
    assert desk.exchange.put == []


def test_a_reading_that_catches_up_is_sent_and_one_of_the_wanted_value_too(desk: Desk) -> None:
    desk.earlier(THEIRS, SEEN)
    desk.exchange.prices = [THEIRS, SEEN, WANTED]
    assert (desk.send().state, desk.waited) == ("confirmed", [1.0])
    desk.exchange.prices = [THEIRS]
    edit = desk.send(seen=WANTED, wanted=THEIRS, token="back")
    assert (desk.exchange.put[-1], edit.was_so) == ({"target_group_cpi": THEIRS}, True)


def test_somebody_elses_value_after_our_edit_is_no_stale_reading(desk: Desk) -> None:
    desk.earlier(WANTED, SEEN)
    desk.exchange.prices = [THEIRS]
    edit = desk.send()
    assert (edit.state, edit.after, desk.waited) == ("conflict", THEIRS, [])


def test_a_request_is_repeated_twice_on_top_of_other_peoples_changes(desk: Desk) -> None:
    linear = {"pacing": {"type": "linear"}}
    desk.exchange.accept = (412, REFUSED)
    edit = desk.send(kind="assistant", seen={}, wanted=linear)
    assert desk.exchange.put == [linear] * 3
    assert (edit.state, edit.taken, edit.sent) == ("rejected", False, True)
    assert reasons(edit)[0].endswith(f"{send.AGAIN}.")
    desk.exchange.accept = (412, REFUSED)
    desk.exchange.prices = [SEEN]
    price = desk.send(token="price")
    assert len(desk.exchange.put) == 4  # the same reading again is stale: it is not sent again
    assert (price.state, price.taken) == ("rejected", False)


@pytest.mark.parametrize("status", [409, 412])
def test_a_refused_edit_that_cannot_be_read_can_be_sent_again(desk: Desk, status: int) -> None:
    desk.exchange.accept = (status, REFUSED)
    desk.exchange.prices = [SEEN, SEEN, 403] if status == 412 else [SEEN, 403]
    edit = desk.send()
    assert (edit.state, edit.taken, len(desk.exchange.put)) == ("rejected", False, 1)
    assert reasons(edit) == [f"Cint does not allow this: no. {send.AGAIN}."]


def test_another_value_is_a_rounding_once_it_has_been_held_for_a_while(desk: Desk) -> None:
    desk.exchange.prices = [SEEN, money("3.00")]
    edit = desk.send()
    assert (edit.state, edit.after_since, edit.taken) == ("unknown", NOW, True)
    assert desk.settle(edit, 14 * SECOND) == "unknown"
    assert desk.settle(edit, 15 * SECOND) == "conflict"
    assert (edit.after, stored_cpi(desk)) == (money("3.00"), Decimal("3.00"))


def test_a_value_that_changes_again_was_not_held_for_long(desk: Desk) -> None:
    desk.exchange.prices = [SEEN, money("3.00")]
    edit = desk.send()
    desk.exchange.prices = [THEIRS]
    assert desk.settle(edit, 15 * SECOND) == "unknown"
    assert edit.after_since == NOW + 15 * SECOND
    assert desk.settle(edit, 30 * SECOND) == "conflict"


@pytest.mark.parametrize("old", [SEEN, THEIRS])
def test_a_value_of_before_is_no_rounding_while_a_copy_may_lag(desk: Desk, old: Any) -> None:
    desk.earlier(THEIRS, SEEN)
    desk.exchange.prices = [SEEN, old]
    edit = desk.send()
    assert desk.settle(edit, LAG - 31 * SECOND) == "unknown"
    assert desk.settle(edit, LAG) == ("rejected" if old == SEEN else "conflict")
    assert reasons(edit) == ([send.NOT_TAKEN] if old == SEEN else [])


def test_an_edit_that_was_taken_and_changed_again_is_confirmed_by_the_changelog(
    desk: Desk,
) -> None:
    desk.exchange.prices, desk.exchange.accept = [SEEN, THEIRS], (500, "")
    edit = desk.send()
    change = {"object": "cpi_change", "new_value": WANTED}
    desk.exchange.changes = [{"occurred_at": NOW.isoformat(), "changes": [change]}]
    assert desk.settle(edit, LAG) == "confirmed"
    assert (edit.after, stored_cpi(desk)) == (WANTED, Decimal("2.99"))


def test_a_refused_edit_stores_what_is_held_unless_a_fact_contradicts_it(desk: Desk) -> None:
    at = (NOW + LAG).isoformat()
    stored = {"cpi": ["3.5", at, (NOW + 2 * LAG).isoformat()]}
    TargetGroup.objects.filter(pk=desk.group.pk).update(fresh=stored, cpi="3.50")
    desk.exchange.accept = (500, "")
    edit = desk.send(seen=SEEN)
    Edit.objects.filter(pk=edit.pk).update(
        state="unknown", before=SEEN, check_at=NOW, settled_at=None, sent=True
    )
    assert desk.settle(edit, LAG) == "rejected"
    assert stored_cpi(desk) == Decimal("3.50")
    TargetGroup.objects.filter(pk=desk.group.pk).update(fresh=None)
    Edit.objects.filter(pk=edit.pk).update(state="unknown", check_at=NOW, settled_at=None)
    assert desk.settle(edit, LAG) == "rejected"
    assert stored_cpi(desk) == Decimal("2.75")


def test_an_edit_that_is_not_read_for_a_week_is_given_up(desk: Desk) -> None:
    desk.exchange.prices = [SEEN, 403]
    edit = desk.send()
    week = 7 * DAY
    assert desk.settle(edit, week - SECOND) == "unknown"
    assert desk.settle(edit, week) == "given_up"
    assert (edit.settled_at, edit.check_at) == (NOW + week, None)
    assert reasons(edit) == ["Cint does not allow this: no", send.NEVER_READ]


def test_due_edits_are_checked_in_order_and_up_to_a_limit(desk: Desk) -> None:
    rows = [("cpi", "unknown", 0), ("goals", "unknown", 1), ("dates", "sending", -5)]
    rows += [("launch", "unknown", -9), ("details", "confirmed", -9)]
    edits = [
        factories.edit(desk.group, kind=kind, state=state, check_at=NOW + seconds * SECOND)
        for kind, state, seconds in rows
    ]
    desk.exchange.prices = [403]

    def checks() -> list[int]:
        return [Edit.objects.get(pk=edit.pk).checks for edit in edits]

    assert send.settle_due(clock=desk.clock, limit=1) == 1
    assert checks() == [0, 0, 1, 0, 0]
    assert send.settle_due(clock=desk.clock) == 1
    assert checks() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("readings", "shown", "read"),
    [
        ([SEEN], SEEN, 1),
        ([THEIRS, money("2.750")], money("2.750"), 2),
        ([THEIRS], SEEN, 2),
        ([WANTED], SEEN, 2),
    ],
)
def test_a_form_shows_a_second_reading_or_our_own_edit_where_the_first_is_stale(
    desk: Desk, readings: list[Any], shown: Any, read: int
) -> None:
    desk.earlier(THEIRS, SEEN)
    desk.exchange.prices = list(readings)
    value = send.read_current_value(group=desk.group, kind="cpi", clock=desk.clock)
    assert (value, desk.exchange.read) == (shown, read)


HELD: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"before": THEIRS, "after": WANTED}, True),
    ({"before": WANTED, "after": None}, True),
    ({"before": None, "after": THEIRS}, False),
    ({"settled_at": NOW - LAG}, True),
    ({"settled_at": NOW - LAG - SECOND}, False),
    ({"settled_at": None, "state": "unknown", "kind": "cpi"}, False),
    ({"kind": "dates"}, False),
    ({"state": "rejected"}, True),
]


@pytest.mark.parametrize(("fields", "held"), HELD)
def test_a_value_was_held_recently_before_or_after_another_edit(
    desk: Desk, fields: dict[str, Any], held: bool
) -> None:
    desk.earlier(money("3.1"), THEIRS, **fields)
    edit = Edit(group=desk.group, account=desk.group.account, kind="cpi", started_at=NOW)
    assert evidence.was_held_recently(edit, WANTED, now=NOW) is held


@pytest.mark.parametrize(
    ("kind", "old", "seconds", "held"),
    [
        ("cpi_change", WANTED, 0, True),
        ("cpi_change", THEIRS, 0, False),
        ("cpi_change", money("9.99"), 0, False),
        ("cpi_change", WANTED, -360, True),  # the lag, and two minutes between the clocks
        ("cpi_change", WANTED, -361, False),
        ("name_change", "3.1", 0, False),
    ],
)
def test_a_value_was_held_recently_before_a_change_of_the_changelog(
    desk: Desk, kind: str, old: Any, seconds: float, held: bool
) -> None:
    Change.objects.create(
        account=desk.group.account,
        group=desk.group,
        batch_id="b",
        position=0,
        occurred_at=NOW + timedelta(seconds=seconds),
        seen_at=NOW,
        kind=kind,
        old=old,
    )
    edit = Edit(group=desk.group, account=desk.group.account, kind="cpi", started_at=NOW)
    assert evidence.was_held_recently(edit, WANTED, now=NOW) is held


PERIOD = {"start_fielding_at": "2026-11-13T09:00:00Z", "end_fielding_at": "2026-11-27T09:00:00Z"}
NEW_PERIOD = {name: value.replace("09:00", "10:00") for name, value in PERIOD.items()}
START, END = ("fielding_period_start_date_change", "fielding_period_end_date_change")
BOTH = [(START, NEW_PERIOD["start_fielding_at"]), (END, NEW_PERIOD["end_fielding_at"])]
DETAILS = dict.fromkeys(details.DETAILS)
NEW_DETAILS = DETAILS | {"live_url": "https://b", details.PRICE_NOTE: money("2")}
PROVED: list[tuple[str, Any, Any, list[tuple[str, Any]], float, bool]] = [
    ("cpi", SEEN, WANTED, [("cpi_change", WANTED)], 0, True),
    ("cpi", SEEN, WANTED, [("cpi_change", WANTED)], -120, True),
    ("cpi", SEEN, WANTED, [("cpi_change", WANTED)], -121, False),
    ("cpi", SEEN, WANTED, [("cpi_change", THEIRS)], 0, False),
    ("cpi", SEEN, WANTED, [("cpi_change", THEIRS), ("x", 1), ("cpi_change", WANTED)], 0, True),
    ("cpi", SEEN, WANTED, [], 0, False),
    ("cpi", SEEN, SEEN, [("cpi_change", SEEN)], 0, False),
    ("cpi", None, WANTED, [("cpi_change", WANTED)], 0, False),  # it does not show the currency
    ("details", DETAILS, NEW_DETAILS, [("live_url_change", "https://b")], 0, True),
    ("details", DETAILS, NEW_DETAILS, [("live_url_change", "https://c")], 0, False),
    ("dates", PERIOD, NEW_PERIOD, BOTH, 0, True),
    ("dates", PERIOD, NEW_PERIOD, BOTH[:1], 0, False),
    ("dates", PERIOD, PERIOD | {"end_fielding_at": BOTH[1][1]}, BOTH[1:], 0, True),
    ("goals", None, {"profiles": []}, [("filling_goal_change", 5)], 0, False),
    ("re_entry", {}, {"completes": 1}, [("re_entry_configuration_change", None)], 0, False),
]


@pytest.mark.parametrize(("kind", "before", "wanted", "changes", "seconds", "proved"), PROVED)
def test_the_changelog_confirms_an_edit_whose_every_change_it_shows(  # noqa: PLR0917
    desk: Desk,
    kind: str,
    before: Any,
    wanted: Any,
    changes: list[tuple[str, Any]],
    seconds: float,
    proved: bool,
) -> None:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    rows = [{"object": name, "new_value": value} for name, value in changes]
    desk.exchange.changes = [{"occurred_at": at, "changes": rows}]
    edit = Edit(group=desk.group, kind=kind, before=before, wanted=wanted, started_at=NOW)
    assert evidence.changelog_confirms(edit, desk.client) is proved


def test_industry_lockouts_are_read_once_and_named_by_their_code_without_a_name(
    desk: Desk,
) -> None:
    desk.exchange.codes = [{"code": "a", "name": "Automotive"}, {"code": "b"}, {"name": "none"}]
    expected = [("a", "Automotive"), ("b", "b")]
    assert send.industry_lockouts(group=desk.group) == expected
    assert send.industry_lockouts(group=desk.group) == expected
    assert desk.exchange.asked("lockout") == 1


LINEAR, QUOTAS = {"type": "linear"}, {"prevent_overfill": True, "balance_fill": False}


@pytest.mark.parametrize(
    ("fields", "is_kept"),
    [
        ({}, True),
        ({"settled_at": NOW - 10 * MINUTE + SECOND}, True),
        ({"settled_at": NOW - 10 * MINUTE}, False),
        ({"state": "rejected"}, False),
        ({"kind": "re_entry"}, False),
    ],
)
def test_our_own_change_that_a_stale_reading_does_not_show_is_sent_along(
    desk: Desk, fields: dict[str, Any], is_kept: bool
) -> None:
    shown = {"pacing": LINEAR}
    desk.earlier({}, shown, **({"kind": "assistant"} | fields))
    desk.send(kind="assistant", seen=shown, wanted=shown | {"quota_overlay": QUOTAS})
    sent = {"quota_overlay": QUOTAS} | (shown if is_kept else {})
    assert desk.exchange.put == [sent]


def test_a_price_that_colleagues_changed_back_is_not_taken_for_an_old_reading(desk: Desk) -> None:
    """A form of in between meets the first price again: nobody's price is overwritten."""
    prices = [money(value) for value in ("2.500", "2.750", "3.000", "2.500")]
    for ago, (old, new) in zip((90, 60, 30), pairwise(prices), strict=True):
        at = NOW - ago * SECOND
        desk.earlier(old, new, kind="cpi", started_at=at, settled_at=at)
    desk.exchange.prices = [prices[0]]
    edit = desk.send(kind="cpi", seen=prices[1], wanted=money("4.000"))
    assert (edit.state, desk.exchange.put) == ("conflict", [])


def test_a_draft_that_was_launched_meanwhile_says_to_check_its_settings(desk: Desk) -> None:
    edit = factories.edit(
        desk.group, kind="draft", state="unknown", settled_at=None, sent=True, check_at=NOW
    )
    desk.exchange.prices = [301]
    assert desk.settle(edit, SECOND) == "rejected"
    words = "This target group has already been launched. Check in its settings whether"
    assert reasons(edit) == [f"{words} this change was applied first."]


def test_requested_changes_are_put_on_top_of_what_is_held_now() -> None:
    before, after = {"a": 1, "b": 1, "whole": {}}, {"a": 1, "b": 2}
    wanted = {"a": 5, "b": 1, "sent": {}}
    edit = Edit(kind="re_entry", before=before, after=after, wanted=wanted)
    assert send.merged_value(edit) == {"a": 5, "b": 2}
    ours = Edit(kind="budget", before=SEEN, after=THEIRS, wanted=WANTED)
    assert send.merged_value(ours) == WANTED
    assert send.holds_value("cpi", SEEN, money("2.750"))
    assert not send.holds_value("cpi", SEEN, WANTED)


def test_a_confirmed_edit_outranks_readings_until_four_minutes_after_it_ended(desk: Desk) -> None:
    ended = NOW - 3 * MINUTE
    desk.earlier(SEEN, WANTED, started_at=ended - MINUTE, settled_at=ended)
    desk.earlier(SEEN, THEIRS, settled_at=NOW - LAG - SECOND)
    desk.earlier(SEEN, THEIRS, state="conflict")
    assert fresh.facts_of_group(desk.group, now=NOW) == {
        "cpi": fresh.Fact("3.1", ended - MINUTE, ended + LAG)
    }
    at, until = ended.isoformat(), (NOW + MINUTE).isoformat()
    desk.group.fresh = {"cpi": ["5", at, until], "status": ["live", at, until]}
    expected = (("cpi", "5"), ("status", "live"))
    newest = {column: fresh.Fact(value, ended, NOW + MINUTE) for column, value in expected}
    assert fresh.facts_of_group(desk.group, now=NOW) == newest


def test_industry_lockouts_that_cannot_be_read_are_none_and_asked_for_again(desk: Desk) -> None:
    read = desk.exchange.reply
    desk.exchange.reply = lambda *_: (403, REFUSED)  # type: ignore[method-assign]
    assert send.industry_lockouts(group=desk.group) == []
    desk.exchange.reply = read  # type: ignore[method-assign]
    desk.exchange.codes = [{"code": "a", "name": "Automotive"}]
    assert send.industry_lockouts(group=desk.group) == [("a", "Automotive")]


def test_a_reading_is_stale_if_it_contradicts_a_fact_and_shows_anything_at_all(desk: Desk) -> None:
    assert not evidence.is_behind(desk.group, "cpi", THEIRS, now=NOW)
    desk.earlier(THEIRS, SEEN)
    stale = [
        evidence.is_behind(desk.group, "cpi", value, now=NOW) for value in (THEIRS, SEEN, None)
    ]
    assert stale == [True, False, False]
