"""One round over one group: which rules open, follow or end an incident, and what is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.alerts.incidents.changelog import (
    describe_change,
    made_outside,
    without_duplicates,
)
from dashboard.alerts.incidents.judge import GroupEvaluator, RuleResult, transition_for
from dashboard.alerts.incidents.store import Transition, mute_covers
from dashboard.alerts.incidents.unconfirmed_edits import alerted_at, describe_edit_problem
from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.rules.settings import RuleSet, merge_layers
from dashboard.alerts.rules.snapshot import GroupSnapshot, snapshot_of_group
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.fielding.models import (
    Change,
    Edit,
    ExchangeAccount,
    Incident,
    Mute,
    Project,
    Rule,
    TargetGroup,
    User,
)
from tests import factories
from tests.fakes.alert_scenario import after

DAY = timedelta(hours=24)
PROJECT = Project(pk=3, account_id=2, project_manager_id="pm-2")
GROUP: dict[str, Any] = {
    "pk": 7,
    "account_id": 2,
    "project_id": 3,
    "name": "Japan",
    "status": "live",
    "completes": 100,
    "entrants": 900,
    "completes_goal": 200,
    "filling_strategy": "completes",
    "expected_loi_minutes": 10,
    "currency": "USD",
    "project_manager_id": "pm-1",
    "last_complete_at": factories.NOW,
}
LEAVING = {"drop_off_rate": 0.35}


def snapshot(**fields: Any) -> GroupSnapshot:
    return snapshot_of_group(TargetGroup(**(GROUP | fields)), now=factories.NOW)


def incident(state: str, *, since: float = -60, **fields: Any) -> Incident:
    """An incident on drop-off that began so many minutes from NOW."""
    given: dict[str, Any] = {
        "pk": 1,
        "account_id": 2,
        "project_id": 3,
        "group_id": 7,
        "rule": "drop_off",
        "rule_version": 0,
        "state": state,
        "severity": WARNING,
        "readings": 1,
        "cycle": 10,
        "sequence": 1,
        "breached_at": after(since),
        "fired_at": None if state == "pending" else after(since),
        "clear_since": after(since) if state == "recovering" else None,
        "facts": {"base": 90},
        "headline": "old",
        "sentence": "old",
    }
    return Incident(**(given | fields))


def results(
    group: GroupSnapshot,
    *open_now: Incident,
    cycle: int | None = 11,
    rows: tuple[Rule, ...] = (),
    frozen: float = 0,
) -> list[RuleResult]:
    evaluator = GroupEvaluator(
        RuleSet(rows), factories.NOW, cycle=cycle, frozen=timedelta(minutes=frozen)
    )
    return list(evaluator.evaluate(group, {each.rule: each for each in open_now}))


def stored(group: GroupSnapshot, *open_now: Incident, **given: Any) -> Transition:
    """The only transition that a round makes."""
    (result,) = results(group, *open_now, **given)
    transition = transition_for(result, PROJECT, factories.NOW)
    assert transition is not None
    return transition


def columns(transition: Transition) -> dict[str, Any]:
    names = ("state", "readings", "cycle", "severity", "close_reason", "sequence")
    row = transition.incident
    times = ("breached_at", "fired_at", "clear_since", "closed_at", "evaluate_at")
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    moments: dict[str, datetime | None] = {name: getattr(row, name) for name in times}
    found |= {
        name: None if at is None else (at - factories.NOW) / timedelta(minutes=1)
        for name, at in moments.items()
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def test_a_first_breach_is_pending_and_has_its_numbers() -> None:
    transition = stored(snapshot(**LEAVING))
    assert columns(transition) == {
        "state": "pending",
        "readings": 1,
        "cycle": 11,
        "severity": WARNING,
        "sequence": 0,
        "breached_at": 0,
        "evaluate_at": 60,
    }
    row = transition.incident
    assert (row.account_id, row.project_id, row.group_id, row.rule) == (2, 3, 7, "drop_off")
    assert (row.key, row.rule_version) == ("2:3:7:drop_off:0", 0)
    assert row.headline == "High drop-off: Japan, 35 % · limit 30 %"
    assert row.facts == {"base": 100, "figures": [["drop-off", "35 %", "limit 30 %"]]}
    assert transition == Transition(row, {}, None, ("pm-1", "pm-2"), False, False)


def test_a_pause_fires_at_once_and_began_when_the_exchange_says() -> None:
    paused = {"status": "paused", "status_reason": "low_epc"}
    transition = stored(snapshot(**paused, status_changed_at=after(-90)))
    assert columns(transition) == {
        "state": "firing",
        "readings": 1,
        "cycle": 11,
        "severity": CRITICAL,
        "sequence": 1,
        "breached_at": -90,
        "fired_at": 0,
        "evaluate_at": 24 * 60,
    }
    assert transition.notice_kind == "fire"
    assert stored(snapshot(**paused)).incident.breached_at == factories.NOW
    ahead = stored(snapshot(**paused, status_changed_at=after(5)))  # by the exchange's clock
    assert ahead.incident.breached_at == factories.NOW


@pytest.mark.parametrize(
    ("before", "rate", "expected", "notice"),
    [
        (
            incident("pending", since=-59),
            0.35,
            {"state": "pending", "readings": 2, "breached_at": -59, "evaluate_at": 1},
            None,
        ),
        (
            incident("pending"),
            0.35,
            {
                "state": "firing",
                "readings": 2,
                "breached_at": -60,
                "fired_at": 0,
                "evaluate_at": 1440,
                "sequence": 2,
            },
            "fire",
        ),
        (
            incident("firing"),
            0.25,
            {
                "state": "recovering",
                "readings": 1,
                "clear_since": 0,
                "breached_at": -60,
                "fired_at": -60,
                "evaluate_at": 30,
            },
            None,
        ),
        (
            incident("recovering", since=-29),
            0.25,
            {
                "state": "recovering",
                "readings": 2,
                "clear_since": -29,
                "breached_at": -29,
                "fired_at": -29,
                "evaluate_at": 1,
            },
            None,
        ),
        (
            incident("recovering", since=-30),
            0.25,
            {
                "state": "resolved",
                "readings": 0,
                "close_reason": "recovered",
                "closed_at": 0,
                "breached_at": -30,
                "fired_at": -30,
            },
            "recover",
        ),
        (
            incident("recovering", since=-30),
            0.35,
            {
                "state": "firing",
                "readings": 1,
                "breached_at": -30,
                "fired_at": -30,
                "evaluate_at": 1440,
            },
            None,
        ),
        (
            incident("firing", evaluate_at=after(5)),
            0.35,
            {
                "state": "firing",
                "readings": 1,
                "breached_at": -60,
                "fired_at": -60,
                "evaluate_at": 5,
            },
            None,
        ),
    ],
)
def test_an_open_incident_follows_its_figure(
    before: Incident, rate: float, expected: dict[str, Any], notice: str | None
) -> None:
    was = (before.state, before.sequence, before.readings, before.severity)
    transition = stored(snapshot(drop_off_rate=rate), before)
    defaults = {"cycle": 11, "severity": WARNING, "sequence": 1}
    assert columns(transition) == defaults | expected
    assert transition.notice_kind == notice
    assert tuple(transition.expected.values()) == was
    assert transition.drop_if_never_fired is False
    is_breach = rate > 0.3
    assert before.sentence == ("old" if not is_breach else transition.incident.sentence)
    assert (before.headline == "old") is not is_breach
    assert before.facts["base"] == 90


def test_a_pending_breach_that_is_over_is_dropped_without_a_word() -> None:
    transition = stored(snapshot(drop_off_rate=0.28), incident("pending"))
    assert transition.drop_if_never_fired
    assert transition.notice_kind is None
    assert transition.incident.close_reason == "recovered"


@pytest.mark.parametrize(
    ("group", "rows", "reason"),
    [
        (snapshot(status="completed", **LEAVING), (), "completed"),
        (
            snapshot(**LEAVING),
            (Rule(code="drop_off", scope="account", version=1, settings={}, enabled=True),),
            "superseded",
        ),
        (
            snapshot(**LEAVING),
            (Rule(code="drop_off", scope="account", version=0, settings={}, enabled=False),),
            "switched off",
        ),
    ],
)
def test_an_incident_that_closes_for_another_reason_is_no_recovery(
    group: GroupSnapshot, rows: tuple[Rule, ...], reason: str
) -> None:
    transition = stored(group, incident("firing"), rows=rows)
    assert (transition.incident.state, transition.incident.close_reason) == ("resolved", reason)
    assert (transition.notice_kind, transition.drop_if_never_fired) == (None, False)
    pending = stored(group, incident("pending"), rows=rows)
    assert pending.drop_if_never_fired


def test_without_a_new_reading_only_open_incidents_move_and_each_cycle_counts_once() -> None:
    assert results(snapshot(**LEAVING), cycle=None) == []
    ripe = stored(snapshot(**LEAVING), incident("pending", readings=2), cycle=None)
    assert (ripe.incident.state, ripe.incident.readings, ripe.incident.cycle) == ("firing", 2, 10)
    assert results(snapshot(**LEAVING), incident("pending", cycle=11)) == []
    assert results(snapshot(**LEAVING), incident("pending", cycle=12)) == []
    assert len(results(snapshot(**LEAVING), incident("pending", cycle=None))) == 1
    assert results(snapshot(), incident("firing")) == []  # the figure is not known
    assert results(snapshot(status="moon", **LEAVING), incident("firing")) == []
    assert [each.effective.rule.code for each in results(snapshot(drop_off_rate=0.2))] == []


def test_time_without_data_moves_the_timer() -> None:
    transition = stored(snapshot(**LEAVING), incident("pending"), frozen=20)
    assert (transition.incident.state, transition.incident.breached_at) == ("pending", after(-40))
    (result,) = results(snapshot(**LEAVING), incident("firing", readings=2, severity=1), frozen=20)
    unmoved = result.incident
    assert unmoved is not None
    unmoved.sentence = "Japan: drop-off 35 % · limit 30 %. 100 of 200 completes."
    assert transition_for(result, PROJECT, factories.NOW) is None  # nothing to store


def test_what_gets_worse_is_sent_again_and_never_gets_better_while_open() -> None:
    def interview(seconds: int, **fields: Any) -> Transition:
        row = incident("firing", rule="interview_long", **fields)
        row.acknowledged_by_id, row.acknowledged_at = 5, after(-5)
        return stored(snapshot(median_loi_seconds=seconds), row)

    worse = interview(900)
    assert (worse.incident.severity, worse.incident.sequence, worse.notice_kind) == (
        CRITICAL,
        2,
        "fire",
    )
    assert (worse.incident.acknowledged_by_id, worse.incident.acknowledged_at) == (None, None)
    assert (worse.incident.fired_at, worse.incident.evaluate_at) == (after(-60), after(24 * 60))
    better = interview(800, severity=CRITICAL)
    assert (better.incident.severity, better.incident.sequence, better.notice_kind) == (
        CRITICAL,
        1,
        None,
    )
    assert better.incident.acknowledged_by_id == 5
    pending = stored(
        snapshot(median_loi_seconds=900), incident("pending", rule="interview_long", since=-5)
    )
    assert (pending.incident.severity, pending.notice_kind) == (CRITICAL, None)


def test_a_rule_for_the_digest_marks_its_notices() -> None:
    layer = Rule(code="drop_off", scope="account", version=0, settings={"mail": "digest"})
    assert stored(snapshot(**LEAVING), rows=(layer,)).in_digest


def change(kind: str, old: Any, new: Any, **fields: Any) -> Change:
    given = {"group_id": 7, "occurred_at": after(-10), "actor_type": "las_user", "actor_id": "u-1"}
    return Change(kind=kind, old=old, new=new, **(given | fields))


PRICE, STATUS, CINT = "cpi_change", "status_change", {"actor_type": "system_user"}


@pytest.mark.parametrize(
    ("code", "row", "expected"),
    [
        (
            "cpi_changed",
            change(PRICE, {"value": "2.00"}, {"value": "2.10"}),
            (WARNING, "Priya changed the CPI from 2.00 to 2.10 USD (+5 %)"),
        ),
        ("cpi_changed", change(PRICE, "2.00", "2.09"), None),
        ("cpi_changed", change(PRICE, "2.00", None), None),
        ("cpi_changed", change(PRICE, "0", "2.00"), None),
        (
            "cpi_changed",
            change(PRICE, "2.00", "0"),
            (CRITICAL, "Priya changed the CPI from 2.00 to 0 USD (−100 %)"),
        ),
        (
            "cpi_changed",
            change(PRICE, "2.00", "1.60", actor_id="u-2"),
            (CRITICAL, "an unknown user changed the CPI from 2.00 to 1.60 USD (−20 %)"),
        ),
        (
            "cpi_changed",
            change(PRICE, "2.00", "1.61", **CINT),
            (WARNING, "Cint changed the CPI from 2.00 to 1.61 USD (−20 %)"),
        ),
        ("status_changed", change(STATUS, "live", "paused", **CINT), None),
        ("status_changed", change(STATUS, "scheduled", "live", **CINT), None),
        (
            "status_changed",
            change(STATUS, "scheduled", "live"),
            (WARNING, "Priya changed the status from scheduled to live"),
        ),
        (
            "status_changed",
            change(STATUS, "paused", "live", **CINT),
            (WARNING, "Cint changed the status from paused to live"),
        ),
        (
            "status_changed",
            change(STATUS, "live", "completed", **CINT),
            (NOTICE, "Cint changed the status from live to completed"),
        ),
        (
            "status_changed",
            change(STATUS, "live", "completed"),
            (WARNING, "Priya changed the status from live to completed"),
        ),
        (
            "strategy_changed",
            change("filling_strategy_change", None, "prescreens"),
            (NOTICE, "Priya changed the filling strategy from none to prescreens"),
        ),
        (
            "strategy_changed",
            change("re_entry_configuration_change", {"a": 1}, {"a": 2}),
            (NOTICE, "Priya changed re-entry"),
        ),
        (
            "strategy_changed",
            change("filling_strategy_change", "x" * 50, {"a": 2}),
            (NOTICE, "Priya changed the filling strategy"),
        ),
    ],
)
def test_a_change_is_named_with_who_made_it_and_both_values(
    code: str, row: Change, expected: tuple[int, str] | None
) -> None:
    effective = merge_layers(RULES[code], [])
    described = describe_change(row, TargetGroup(**GROUP), effective, {"u-1": "Priya"})
    assert described == (expected and (expected[0], f"Japan: {expected[1]}"))


def test_a_change_that_is_listed_twice_counts_once() -> None:
    price = {"value": "2.20"}
    first = change(PRICE, "2.00", price)
    twice = change("user_requested_cpi_change", "2.00", price)
    others = [
        change(PRICE, "2.00", {"value": "2.30"}),
        change(PRICE, "2.00", price, group_id=8),
        change(PRICE, "2.00", price, occurred_at=after(-9)),
        change("filling_strategy_change", "2.00", price),
    ]
    assert without_duplicates([first, twice, *others]) == [first, *others]


OWN = {"started_at": after(-15), "settled_at": after(-12)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("minute", "fields", "outside"),
    [
        (-25, {}, False),
        (-26, {}, True),
        (-2, {}, False),
        (-1.9, {}, True),
        (-5, {"state": "sending", "settled_at": None}, False),
        (-4.9, {"state": "sending"}, True),  # counted from its start
        (-14, {"state": "rejected"}, True),
        (-14, {"state": "conflict"}, True),
        (-14, {"state": "given_up"}, False),
        (-14, {"kind": "goals"}, True),
    ],
)
def test_a_change_is_ours_within_ten_minutes_of_an_edit_that_was_not_refused(
    minute: float, fields: dict[str, Any], outside: bool
) -> None:
    group = factories.group(factories.project(factories.account()))
    factories.edit(group, **(OWN | fields))
    row = change(PRICE, "2.00", "2.20", occurred_at=after(minute), group_id=group.pk)
    other = change(PRICE, "2.00", "2.20", occurred_at=after(minute), group_id=group.pk + 1)
    assert list(made_outside([row, other])) == ([row, other] if outside else [other])
    assert list(made_outside([])) == []


def edit(kind: str, state: str, **fields: Any) -> Edit:
    given: dict[str, Any] = {
        "account": ExchangeAccount(name="Acme"),
        "by": User(username="priya", first_name="Priya", last_name="Raman"),
        "started_at": after(-30),
        "group": TargetGroup(name="Japan\n25"),
        "reasons": [],
    }
    return Edit(kind=kind, state=state, **(given | fields))


WHY = {"reasons": [{"reason": "first"}, {"reason": "It is archived."}]}
NEW = {"group": None, "wanted": {"name": "Wave 2"}}
LATER = {"wanted": {"status": "scheduled"}}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            edit("cpi", "rejected", sent=True),
            "CPI change was sent but not confirmed: Cint still has the previous value",
        ),
        (
            edit("goals", "conflict", sent=True),
            "goals change was sent but not confirmed: Cint has a different value now",
        ),
        (
            edit("goals", "unknown"),
            "goals change was sent but not confirmed: it could not be read back yet",
        ),
        (edit("goals", "rejected", sent=False, **WHY), "goals change was not sent: It is archived"),
        (edit("goals", "conflict", sent=False), "goals change was not sent"),
        (
            edit("goals", "unknown", sent=False),
            "goals change was sent but not confirmed: it could not be read back yet",
        ),
        (
            edit("goals", "conflict", sent=True, taken=False),
            "goals change was sent and refused because someone else had changed it first",
        ),
        (
            edit("goals", "conflict", sent=None, taken=False),
            "goals change was sent but not confirmed: Cint has a different value now",
        ),
        (
            edit("goals", "unknown", sent=True, taken=False),
            "goals change was sent but not confirmed: it could not be read back yet",
        ),
        (
            edit("new_draft", "conflict", **NEW),
            "new target group “Wave 2” is on Cint, but differs from what was sent",
        ),
        (
            edit("new_project", "rejected", **(NEW | WHY)),
            "new project “Wave 2” was not created: It is archived",
        ),
        (
            edit("new_project", "unknown", group=None, wanted=None),
            "new project “” was sent, but Cint has not confirmed it yet",
        ),
        (
            edit("launch", "conflict", after={"a": 1}),
            "launch went through, but with different dates than requested",
        ),
        (
            edit("launch", "conflict", after=None),
            "launch was not sent: the draft was changed in the meantime",
        ),
        (edit("launch", "rejected", **(WHY | LATER)), "scheduled launch failed: It is archived"),
        (edit("launch", "unknown", after={"a": 1}), "launch has no result yet"),
    ],
)
def test_what_went_wrong_with_an_edit_is_said_as_it_was(row: Edit, problem: str) -> None:
    who = str(row.by)
    name = "Japan 25" if row.group else "Acme"
    assert describe_edit_problem(row) == f"{name}: {who}'s {problem}"
    row.by = None
    assert describe_edit_problem(row) == f"{name}: the {problem}"


@pytest.mark.parametrize(
    ("state", "settled", "checks", "minute"),
    [
        ("unknown", None, 0, -20),
        ("confirmed", -19, 3, -20),
        ("confirmed", -20, 3, None),
        ("rejected", -21, 1, -21),
        ("conflict", -21, 1, -21),
        ("rejected", -21, 0, None),
        ("given_up", -21, 1, None),
    ],
)
def test_a_past_edit_alerted_ten_minutes_after_its_start_or_when_it_failed(
    state: str, settled: float | None, checks: int, minute: float | None
) -> None:
    settled_at = None if settled is None else after(settled)
    row = edit("cpi", state, settled_at=settled_at, checks=checks)
    assert alerted_at(row, factories.NOW) == (None if minute is None else after(minute))
    assert alerted_at(edit("cpi", "unknown", checks=0), after(-20)) is None


@pytest.mark.parametrize(
    ("fields", "covers"),
    [
        ({}, True),
        ({"rule": "drop_off"}, True),
        ({"rule": "epc"}, False),
        ({"project_id": 3}, True),
        ({"project_id": 4}, False),
        ({"group_id": 7, "project_id": 3}, True),
        ({"group_id": 8, "project_id": 3}, False),
        ({"group_id": 7, "rule": "epc"}, False),
    ],
)
def test_a_mute_covers_its_rule_in_its_place(fields: dict[str, Any], covers: bool) -> None:
    assert mute_covers(Mute(account_id=2, **fields), incident("firing")) is covers
