"""Transitions are stored once, with their notices; data that stops is one incident of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.alerts.incidents.changelog import RecentChanges
from dashboard.alerts.incidents.load import load_snapshots
from dashboard.alerts.incidents.no_data import stale_after
from dashboard.alerts.incidents.store import (
    Transition,
    commit_transitions,
    exchange_id_of,
    expected_state,
    open_incident,
)
from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.rules.settings import merge_layers
from dashboard.fielding.models import (
    Downtime,
    ExchangeAccount,
    Incident,
    Mute,
    Notice,
    TargetGroup,
)
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, states, update

FIRE, RECOVER = Notice.Kind.FIRE, Notice.Kind.RECOVER


def fired(of: TargetGroup, minute: float = 0, key: str = "k", code: str = "drop_off") -> Incident:
    """An incident (not saved) that fires now."""
    incident = open_incident(
        merge_layers(RULES[code], []),
        account_id=of.account_id,
        key=key,
        headline="h" * 301,
        sentence="s",
        at=after(minute - 5),
        now=after(minute),
    )
    incident.project, incident.group = of.project, of
    return incident


def commit(of: TargetGroup, *transitions: Transition, minute: float = 0) -> int:
    return commit_transitions(transitions, account_id=of.account_id, now=after(minute))


def told() -> list[tuple[Any, ...]]:
    rows = Notice.objects.order_by("pk")
    return list(rows.values_list("kind", "sequence", "recipient", "in_digest"))


def test_an_incident_is_stored_with_its_notices_and_once_by_two_workers(field: Field) -> None:
    group = field.group(drop_off_rate=0.4)
    managers = (Field.PM,)
    first, second = (Transition(fired(group), {}, FIRE, managers, True) for _ in range(2))
    assert commit(group, first) == 1
    row = Incident.objects.get()
    assert (row.state, row.severity, row.readings, row.sequence) == ("firing", 2, 1, 1)
    assert (row.breached_at, row.fired_at, row.evaluate_at) == (after(-5), after(0), after(1440))
    assert (row.headline, row.rule_version, row.flapping) == ("h" * 300, 0, False)
    assert told() == [("fire", 1, field.pm.pk, True)]
    assert commit(group, second) == 1  # it takes over the one that is there
    assert second.incident.pk == row.pk
    assert (Incident.objects.count(), len(told())) == (1, 1)
    assert commit(group) == 0


def test_an_update_finds_the_incident_as_it_was_read_or_does_nothing(field: Field) -> None:
    group = field.group(drop_off_rate=0.4)
    commit(group, Transition(fired(group)))
    row = Incident.objects.get()
    before = expected_state(row)
    row.state, row.sentence, row.readings = "recovering", "new", 2
    assert commit(group, Transition(row, before)) == 1
    assert commit(group, Transition(row, before)) == 0
    stored = Incident.objects.get()
    assert (stored.state, stored.sentence, stored.readings) == ("recovering", "new", 2)


def test_what_never_fired_is_dropped_once(field: Field) -> None:
    group = field.group()
    row = fired(group)
    row.state, row.fired_at = "pending", None
    commit(group, Transition(row))
    row = Incident.objects.get()
    drop = Transition(row, expected_state(row), drop_if_never_fired=True)
    assert commit(group, drop) == 1
    assert not Incident.objects.exists()
    assert commit(group, drop) == 0


@pytest.mark.parametrize(
    ("minutes", "flaps"),
    [
        ((0, 60, 120), [False, False, True]),
        ((0, 60, 24 * 60), [False, False, False]),  # the first was a day ago
        ((1, 60, 24 * 60), [False, False, True]),
    ],
)
def test_the_third_firing_of_a_rule_on_a_group_within_a_day_flaps(
    field: Field, minutes: tuple[int, ...], flaps: list[bool]
) -> None:
    group, other = field.group(drop_off_rate=0.4), field.group(drop_off_rate=0.4)
    managers = (Field.PM,)
    for minute in minutes:
        rows = [
            fired(group, minute, f"a{minute}"),
            fired(other, 0, f"b{minute}"),
            fired(group, minute, f"c{minute}", code="epc"),
        ]
        rows[1].fired_at = after(minute) if minute == minutes[-1] else None
        given = [Transition(row, {}, FIRE, managers) for row in rows]
        commit(group, *given[: 3 if minute == minutes[-1] else 1], minute=minute)
    stored = Incident.objects.filter(key__startswith="a").order_by("pk")
    assert [row.flapping for row in stored] == flaps
    assert not Incident.objects.exclude(key__startswith="a").filter(flapping=True).exists()
    noticed = Notice.objects.filter(incident__key__startswith="a").order_by("pk")
    assert [row.in_digest for row in noticed] == flaps


@pytest.mark.parametrize(("until", "notices"), [(0, 1), (1, 0)])
def test_a_mute_holds_until_its_end(field: Field, until: float, notices: int) -> None:
    group = field.group(drop_off_rate=0.4)
    given = {"account": field.account, "by": field.pm, "created_at": after(-9)}
    Mute.objects.create(**given, group=group, until=after(until))
    commit(group, Transition(fired(group), {}, FIRE, (Field.PM,)))
    assert len(told()) == notices


def test_a_recovery_goes_to_those_who_were_told_of_the_alert(field: Field) -> None:
    group = field.group(drop_off_rate=0.4)
    commit(group, Transition(fired(group), {}, FIRE, ("nobody",)))
    assert {row[2] for row in told()} == {field.pm.pk, field.admin.pk}
    Notice.objects.filter(recipient=field.admin).update(skipped="address refused")
    row = Incident.objects.get()
    commit(group, Transition(row, expected_state(row), RECOVER, (Field.PM,)))
    recoveries = Notice.objects.filter(kind="recover")
    assert [notice.recipient for notice in recoveries] == [field.pm]


def test_a_persons_exchange_id_is_that_of_the_account(field: Field) -> None:
    stranger = factories.person()
    ids = [exchange_id_of(pk, field.account.pk) for pk in (field.pm.pk, stranger.pk, None)]
    assert ids == [Field.PM, "", ""]


def test_a_mute_that_ends_repeats_nothing_that_is_over_or_was_told(field: Field) -> None:
    group = field.group(drop_off_rate=0.4)
    rows = {state: fired(group, key=state) for state in ("firing", "recovering", "resolved")}
    for state, row in rows.items():
        row.state = state
        commit(group, Transition(row, {}, FIRE if state == "recovering" else None, (Field.PM,)))
    unsent = fired(group, key="unsent")
    unsent.state = "recovering"
    known = fired(group, key="known")
    known.acknowledged_at = after(-1)
    commit(group, Transition(unsent), Transition(known))
    given = {"account": field.account, "by": field.pm, "created_at": after(-9)}
    Mute.objects.create(**given, until=after(5))
    acknowledge_and_mute.end_mutes(now=after(4.9))
    assert kinds() == ["fire"]
    acknowledge_and_mute.end_mutes(now=after(5))
    again = Notice.objects.filter(kind="repeat").order_by("pk")
    assert [notice.incident.key for notice in again] == ["firing", "unsent"]
    acknowledge_and_mute.end_mutes(now=after(6))
    assert again.count() == 2


@pytest.mark.parametrize(
    ("rule", "of_mute", "error"),
    [("", 0, "at most 30 days"), ("", 1, ""), ("drop_off", 1, ""), ("moon", 1, "no rule “moon”")],
)
def test_a_mute_has_an_end_and_a_rule_that_there_is(
    field: Field, rule: str, of_mute: float, error: str
) -> None:
    given: dict[str, Any] = {"account": field.account, "by": field.pm, "rule": rule}
    until = after(0) + timedelta(days=30) if of_mute else after(0)
    if not error:
        mute = acknowledge_and_mute.mute_scope(**given, now=after(0), until=until)
        assert (mute.rule, mute.until, mute.created_at) == (rule, until, after(0))
        acknowledge_and_mute.end_mute(mute=mute, now=after(9))
        mute.refresh_from_db()
        assert mute.until == after(9)
        return
    with pytest.raises(ValueError, match=error):
        acknowledge_and_mute.mute_scope(**given, now=after(0), until=until)


@pytest.mark.parametrize(
    ("poll_seconds", "numbers", "minutes"),
    [
        (300, {}, 20),
        (600, {}, 30),
        (300, {"intervals": 5}, 25),
        (300, {"intervals": 1, "minutes": 0}, 5),
        (300, {"minutes": 60}, 60),
    ],
)
def test_data_is_stale_after_three_intervals_and_twenty_minutes(
    poll_seconds: int, numbers: dict[str, float], minutes: float
) -> None:
    account = ExchangeAccount(poll_seconds=poll_seconds)
    assert stale_after(account, **numbers) == timedelta(minutes=minutes)


def test_no_data_says_for_how_long_and_why_and_which_part_was_ours(field: Field) -> None:
    update(field.account, name="Acme", health_reason="Cint answers 503.", poll_seconds=300)
    field.account.refresh_from_db()
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(11))
    detect.check_accounts(now=after(31))
    assert states() == []
    detect.check_accounts(now=after(32))
    row = Incident.objects.get()
    assert (
        row.headline
        == "No data from Acme for 32 min (Fieldwatch itself was off for 10 min of that)"
    )
    assert row.sentence == (
        "Acme: no data from Cint for 32 min (Fieldwatch itself was off for 10 min of that): "
        "Cint answers 503. Until data arrives again, no alert on this account opens, resolves or "
        "repeats."
    )
    assert row.facts == {"figures": [["age of the data", "32 min", "limit 20 min"]]}
    assert (row.key, row.severity, row.breached_at) == (
        f"{field.account.pk}:::no_data:0",
        1,
        after(0),
    )
    assert (row.readings, row.sequence, row.project, row.group) == (0, 1, None, None)


def test_data_that_is_read_once_recovers_and_a_relapse_fires_again(field: Field) -> None:
    field.cycles(0)
    detect.check_accounts(now=after(25))
    field.cycles(30)
    detect.check_accounts(now=after(31))
    row = Incident.objects.get()
    assert (row.state, row.readings, row.clear_since) == ("recovering", 1, after(31))
    detect.check_accounts(now=after(60))
    row.refresh_from_db()
    assert (row.state, row.clear_since) == ("firing", None)
    field.cycles(61)
    detect.check_accounts(now=after(62))
    field.cycles(66)
    detect.check_accounts(now=after(67))
    row.refresh_from_db()
    assert (row.state, row.close_reason, row.closed_at, row.evaluate_at) == (
        "resolved",
        "recovered",
        after(67),
        None,
    )
    assert [kind for kind in kinds() if kind == "recover"] == ["recover"] * 2


def test_groups_are_loaded_where_they_are_in_field_changed_or_have_an_incident(
    field: Field,
) -> None:
    given: dict[str, Any] = {"changed_at": after(0), "entrants": 100}
    live, paused, completed = (
        field.group(status=status, **given) for status in ("live", "paused", "completed")
    )
    draft, scheduled, archived = (
        field.group(status=status, **given) for status in ("draft", "scheduled", "archived")
    )
    missing = field.group(missing_since=after(-1), **given)
    old = field.group(**(given | {"changed_at": after(-9)}))
    unknown = field.group(**(given | {"changed_at": None}))
    factories.group(factories.project(field.account))

    def pks(*listed: TargetGroup, **choice: Any) -> set[int]:
        among = {group.pk for group in listed}
        rows = load_snapshots(field.project, after(5), among, RecentChanges(), **choice)
        return {row.pk for row in rows}

    in_field = {live.pk, paused.pk, completed.pk, old.pk, unknown.pk}
    assert pks() == in_field
    assert pks(draft, archived, missing) == in_field | {draft.pk, archived.pk}
    assert pks(scheduled, only=[live.pk, scheduled.pk, draft.pk]) == {live.pk, scheduled.pk}
    assert pks(changed_since=after(0)) == in_field - {old.pk}
    assert pks(old, changed_since=after(0)) == in_field
    assert pks(changed_since=after(0.1)) == {unknown.pk}


def test_a_group_has_the_most_completes_of_its_last_day(field: Field) -> None:
    fell = field.group(completes=90, completes_may_fall=True)
    steady = field.group(completes=90)
    for group in (fell, steady):
        for hour, completes in ((-24.1, 120), (-24, 110), (-3, 100), (-2, None), (1, 130)):
            group.readings.create(at=after(60 * hour), status="live", completes=completes)
    changed = RecentChanges(cpi_changed_at={fell.pk: after(-7)})
    rows = load_snapshots(field.project, after(0), set(), changed)
    assert {(row.pk, row.most_completes, row.cpi_changed_at) for row in rows} == {
        (fell.pk, 110, after(-7)),
        (steady.pk, None, None),
    }


def test_a_stalled_group_names_the_entrants_since_its_last_complete(field: Field) -> None:
    group = field.stalled(entrants=960)
    for hour, completes, entrants in ((-6, 99, 880), (-5, 100, 900), (-4, 100, 930)):
        group.readings.create(
            at=after(60 * hour), status="live", completes=completes, entrants=entrants
        )
    field.stalled(name="Unread", entrants=960)
    field.stalled(name="Unknown", entrants=None)
    field.cycles(0)
    sentences = {row.group and row.group.name: row.sentence for row in Incident.objects.all()}
    assert "60 entrants since then: check the survey link." in sentences["Japan 25–54"]
    assert "since then" not in sentences["Unread"] + sentences["Unknown"]
