"""Open edits: when they are checked, why they wait, and what a refusal says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    HostRefused,
    InvalidParam,
    NotOffered,
    RateLimited,
    Refused,
    Unavailable,
)
from dashboard.fielding.models import Edit, ExchangeAccount, Project, TargetGroup
from dashboard.sync.edits import local, send
from tests import factories
from tests.factories import NOW
from tests.fakes.canned_exchange import money

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def open_edit(**fields: Any) -> Edit:
    given: dict[str, Any] = {"kind": "cpi", "state": "unknown", "started_at": NOW}
    return Edit(**(given | fields))


@pytest.mark.parametrize(
    ("elapsed", "next_check"),
    [
        (0, 1),
        (1, 2),
        (9.9, 10),
        (10, 20),
        (60, 90),
        (239, 240),
        (240, 360),  # two minutes later
        (2399, 2519),
        (2600, 2730),  # a twentieth of its age later
        (86400, 90720),
    ],
)
def test_an_open_edit_is_checked_soon_and_later_less_and_less_often(
    elapsed: float, next_check: float
) -> None:
    now = NOW + timedelta(seconds=elapsed)
    assert send.next_check_at(open_edit(), now) == NOW + timedelta(seconds=next_check)


def test_an_open_edit_is_checked_thirteen_times_while_a_copy_may_lag() -> None:
    times, at = [], NOW
    while at < NOW + timedelta(minutes=4):
        at = send.next_check_at(open_edit(), at)
        times.append((at - NOW).total_seconds())
    assert times == [1, 2, 5, 10, 20, 40, 60, 90, 120, 150, 180, 210, 240]


def test_a_copy_may_lag_for_four_minutes_and_a_person_may_close_it_after_ten() -> None:
    edit = open_edit()
    lag, patience = timedelta(minutes=4), timedelta(minutes=10)
    assert not send.is_past_lag(edit, NOW + lag - SECOND)
    assert send.is_past_lag(edit, NOW + lag)
    assert not send.may_be_given_up(edit, NOW + patience - SECOND)
    assert send.may_be_given_up(edit, NOW + patience)
    assert not send.may_be_given_up(open_edit(state="confirmed"), NOW + patience)


def reason(text: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "reason": text} | more


SINCE, EARLIER = (at.isoformat() for at in (NOW, NOW - DAY))


def test_an_edit_waits_since_the_first_check_that_failed() -> None:
    lasting = reason("Too low", "cpi")
    edit = open_edit(reasons=[lasting, reason("b", since=SINCE), reason("a", since=EARLIER)])
    assert send.waiting_since(edit) == NOW - DAY
    assert send.lasting_reasons(edit) == [lasting]
    failed = send.reasons_to_wait(edit, Unavailable("Down"), NOW + DAY)
    assert failed == [lasting, reason("Down", since=EARLIER)]
    fresh_edit = open_edit(reasons=[lasting])
    assert send.waiting_since(fresh_edit) is None
    refused = Refused("No", invalid_params=[InvalidParam("x", "is wrong")])
    assert send.reasons_to_wait(fresh_edit, refused, NOW) == [
        lasting,
        reason("is wrong", "x", since=SINCE),
    ]


PARAMS = [InvalidParam("cpi", "too low"), InvalidParam("end", "")]
BY_FIELD = [reason("too low", "cpi"), reason(send.NO_REASON, "end")]
SLOW = "Slow down. Nothing was sent; it can be sent again in 30 s."
REFUSALS: list[tuple[ExchangeError, str, list[dict[str, Any]]]] = [
    (Refused("No", invalid_params=PARAMS[:1], detail="All wrong"), "", BY_FIELD[:1]),
    (
        Refused("No", invalid_params=PARAMS, detail="All wrong", title="T"),
        "Nothing was sent",
        [reason("All wrong"), *BY_FIELD],
    ),
    (Refused("No", invalid_params=PARAMS, title="T"), "", [reason("T"), *BY_FIELD]),
    (Refused("No", invalid_params=PARAMS), "", BY_FIELD),
    (Refused("No.", detail="All wrong"), "", [reason("No.")]),
    (Refused("No."), "Nothing was sent", [reason("No. Nothing was sent.")]),
    (
        RateLimited("Slow down.", status=429, retry_after=29.6),
        "Nothing was sent",
        [reason(SLOW, retry_after=29.6, status=429, cause="Slow down.")],
    ),
    (
        RateLimited("Slow down", retry_after=1),
        "",
        [
            reason(
                "Slow down. It can be sent again in 1 s.",
                retry_after=1,
                status=None,
                cause="Slow down",
            )
        ],
    ),
    (Unavailable("Down", retry_after=5, outcome_unknown=True), "", [reason("Down")]),
    (Unavailable("Down", retry_after=0), "Wait", [reason("Down. Wait.")]),
]


@pytest.mark.parametrize(("error", "also", "reasons"), REFUSALS)
def test_a_refusal_says_why_field_by_field_or_in_one_sentence(
    error: ExchangeError, also: str, reasons: list[dict[str, Any]]
) -> None:
    assert send.refusal_reasons(error, also) == reasons


@pytest.mark.parametrize(
    ("error", "arrived"),
    [
        (Unavailable(outcome_unknown=True), True),
        (Unavailable(status=503), True),
        (Unavailable(), False),
        (NotOffered(), True),
        (HostRefused(), False),
        (BadAnswer(), False),
    ],
)
def test_a_request_may_have_arrived_if_the_exchange_answered_or_the_outcome_is_unknown(
    error: ExchangeError, arrived: bool
) -> None:
    assert send.may_have_arrived(error) is arrived


EURO = money("5.0", "EUR")
LOCAL: list[tuple[Any, Any, bool]] = [
    (EURO, money("5", "eur"), True),
    (EURO, money("5.1", "EUR"), False),
    (EURO, money("5"), False),
    (EURO, None, False),
    (None, None, True),
    ("Europe/Berlin", "Europe/Berlin", True),
    ("Europe/Berlin", "", False),
]


@pytest.mark.parametrize(("held", "wanted", "same"), LOCAL)
def test_values_of_ours_are_the_same_by_number_and_currency(
    held: Any, wanted: Any, same: bool
) -> None:
    assert local.same_local_value(held, wanted) is same
    assert send.holds_value("budget", held, wanted) is same


def test_a_setting_of_ours_is_that_of_the_group_or_of_its_project() -> None:
    group = TargetGroup(time_zone="Asia/Tokyo", budget=7, currency="USD")
    project = Project(budget=9, budget_currency="EUR", client_cpi=3, client_cpi_currency="GBP")
    assert local.current_value(group, "time_zone") == "Asia/Tokyo"
    assert local.current_value(group, "budget") == money("7.000000")
    assert local.current_value(project, "budget") == money("9.000000", "EUR")
    assert local.current_value(project, "client_cpi") == money("3.000000", "GBP")
    assert local.current_value(Project(), "budget") is None
    assert local.current_value(TargetGroup(), "time_zone") == ""


@pytest.fixture
def account(db: None) -> ExchangeAccount:
    """A connection that nothing is asked of."""
    return factories.account()


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    """A group of a project that is not due."""
    return factories.group(factories.project(account, due_at=None), currency="EUR")


def stored_project(group: TargetGroup) -> dict[str, Any]:
    """What a change may move in the project's row."""
    names = ("version", "due_at", "budget", "budget_currency", "client_cpi", "client_cpi_currency")
    return Project.objects.values(*names).get(pk=group.project_id)


UNSET = {"budget": None, "budget_currency": "", "client_cpi": None, "client_cpi_currency": ""}
UNTOUCHED = UNSET | {"version": 0, "due_at": None}


class Local(NamedTuple):
    """A change of a setting of ours, and the columns of the group and of the project after it."""

    kind: str
    of_group: bool
    seen: Any
    wanted: Any
    here: dict[str, Any] = {}
    there: dict[str, Any] = {}


LOCAL_EDITS = [
    Local("time_zone", True, "", "Asia/Tokyo", {"time_zone": "Asia/Tokyo"}),
    Local("budget", True, None, EURO, {"budget": 5}),
    Local("budget", False, None, EURO, there={"budget": 5, "budget_currency": "EUR"}),
    Local("budget", False, None, None),
    Local("client_cpi", False, None, EURO, there={"client_cpi": 5, "client_cpi_currency": "EUR"}),
    Local("client_cpi", False, None, None),
]


@pytest.mark.parametrize("change", LOCAL_EDITS)
def test_a_setting_of_ours_is_stored_at_once_where_it_belongs(
    group: TargetGroup, change: Local
) -> None:
    kind, of_group, seen, wanted, here, there = change
    by = factories.person("editor", group.account)
    subject = group if of_group else group.project
    fields: dict[str, Any] = {"subject": subject, "kind": kind, "by": by, "now": NOW}
    edit = local.save_local_edit(seen=seen, wanted=wanted, token="form", **fields)
    assert (edit.state, edit.after, edit.before) == ("confirmed", wanted, seen)
    assert (edit.account_id, edit.started_at, edit.settled_at) == (group.account_id, NOW, NOW)
    assert (edit.group, edit.project) == ((group, None) if of_group else (None, group.project))
    assert stored_project(group) == UNTOUCHED | {"version": 1} | there
    stored = TargetGroup.objects.values("time_zone", "budget").get(pk=group.pk)
    assert stored == {"time_zone": "", "budget": None} | here
    again = local.save_local_edit(seen="x", wanted=wanted, token="form", **fields)
    assert again == edit
    other_value = "Asia/Seoul" if kind == "time_zone" else money("6", "EUR")
    stale = money("4", "EUR") if wanted is None else seen
    late = local.save_local_edit(seen=stale, wanted=other_value, token="late", **fields)
    assert (late.state, late.after) == (
        "conflict",
        money("5.000000", "EUR") if wanted == EURO else wanted,
    )
    assert stored_project(group)["version"] == 1


def test_a_setting_of_ours_can_be_taken_away(group: TargetGroup) -> None:
    by = factories.person("editor", group.account)
    for kind in ("budget", "client_cpi"):
        fields: dict[str, Any] = {"subject": group.project, "kind": kind, "by": by, "now": NOW}
        local.save_local_edit(seen=None, wanted=EURO, token=kind, **fields)
        local.save_local_edit(seen=EURO, wanted=None, token=f"{kind} gone", **fields)
    assert stored_project(group) == UNTOUCHED | {"version": 4}


def test_the_times_at_which_edits_are_due_come_once_and_in_order(group: TargetGroup) -> None:
    for number, (state, seconds) in enumerate(
        [("unknown", 30), ("sending", 10), ("unknown", 60), ("unknown", 61), ("confirmed", 20)]
    ):
        at = NOW + timedelta(seconds=seconds)
        factories.edit(group, kind=f"kind-{number}", state=state, check_at=at)
    factories.edit(group, kind="another", state="unknown", check_at=NOW + 10 * SECOND)
    factories.edit(group, kind="no time", state="unknown", check_at=None)
    expected = [NOW + timedelta(seconds=seconds) for seconds in (10, 30, 60)]
    assert send.check_times_until(NOW + timedelta(seconds=60)) == expected


def test_an_edit_that_is_given_up_makes_its_project_due(group: TargetGroup) -> None:
    by = factories.person("editor", group.account)
    other = factories.project(group.account, due_at=None)
    edit = factories.edit(group, state="unknown", check_at=NOW, settled_at=None)
    late = NOW + timedelta(minutes=10)
    assert not send.give_up(edit=edit, by=by, now=late - SECOND)
    assert send.give_up(edit=edit, by=by, now=late)
    assert not send.give_up(edit=edit, by=by, now=late)
    edit.refresh_from_db()
    ended = (edit.state, edit.given_up_by, edit.settled_at, edit.check_at)
    assert ended == ("given_up", by, late, None)
    assert stored_project(group) == UNTOUCHED | {"version": 1, "due_at": late}
    other.refresh_from_db()
    assert (other.version, other.due_at) == (0, None)
    new = factories.edit(group, kind="new_draft", state="sending")
    Edit.objects.filter(pk=new.pk).update(group=None, project=other)
    assert send.give_up(edit=new, by=by, now=late)
    other.refresh_from_db()
    assert (other.version, other.due_at) == (1, late)
