"""Layers of settings: which number applies to a group, what is valid, and what it replaces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.alerts.rules.catalogue import JUDGED, RULES, rule_title
from dashboard.alerts.rules.settings import (
    RuleSet,
    clean_settings,
    largest_of,
    merge_layers,
    reset_rule,
    save_rule,
)
from dashboard.alerts.rules.state_machine import Delays
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.fielding.models import Incident, Rule, TargetGroup
from tests import factories
from tests.fakes.alert_scenario import Field

NOW = factories.NOW


def layer(version: int = 1, enabled: bool = True, **settings: Any) -> Rule:
    return Rule(version=version, enabled=enabled, settings=settings)


def test_the_nearest_layer_wins_number_by_number() -> None:
    rule = JUDGED["drop_off"]
    assert merge_layers(rule, []) == (
        rule,
        {"fires": 0.3, "clears": 0.25, "entrants": 50, "for_minutes": 60, "keep_minutes": 30},
        Delays(timedelta(minutes=60), timedelta(minutes=30), readings=2),
        WARNING,
        0,
        True,
        False,
    )
    layers = [
        layer(2, False, fires=0.4, entrants=20, severity=CRITICAL, mail="digest"),
        layer(3, True, fires=0.5, for_minutes=10**9, keep_minutes=5, of_an_older_release=1),
    ]
    merged = merge_layers(rule, layers)
    assert merged == (
        rule,
        {
            "fires": 0.5,
            "clears": 0.25,
            "entrants": 20,
            "for_minutes": 366 * 24 * 60,
            "keep_minutes": 5,
        },
        Delays(timedelta(days=366), timedelta(minutes=5), readings=2),
        CRITICAL,
        5,
        True,
        True,
    )
    assert merge_layers(rule, [layer(mail="digest"), layer(mail="now")]).in_digest is False
    assert merge_layers(rule, [layer(), layer(1, False)]).enabled is False
    assert (merged.severity_of(None), merged.severity_of(NOTICE)) == (CRITICAL, NOTICE)


def test_a_fact_needs_one_reading_and_a_figure_two() -> None:
    readings = {code: merge_layers(rule, []).delays.readings for code, rule in RULES.items()}
    facts = {"paused_by_exchange", "cpi_changed", "status_changed", "strategy_changed"}
    assert {code for code, count in readings.items() if count == 1} == {*facts, "edit_unconfirmed"}
    assert {count for code, count in readings.items() if code in JUDGED} == {1, 2}


def test_what_needs_a_budget_says_so() -> None:
    needing = {code for code, rule in RULES.items() if rule.needs_budget}
    assert needing == {"spend", "projected_cost"}


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        ("hours", 8_784),
        ("after_cpi_hours", 8_784),
        ("for_minutes", 527_040),
        ("intervals", 1_000),
        ("completes", 1_000_000_000),
    ],
)
def test_a_time_is_at_most_a_year(name: str, largest: int) -> None:
    assert largest_of(name) == largest


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("drop_off", {"fires": 0.3, "clears": 0.3}),
        ("incidence_low", {"fires": 0.8, "clears": 0.8}),
        ("drop_off", {"for_minutes": 527_040, "entrants": 10**9}),
        ("drop_off", {"severity": NOTICE, "mail": "now", "keep_minutes": 0}),
        ("stalled", {"clears": 5}),  # alone it has no other side
    ],
)
def test_settings_up_to_their_limits_are_stored_as_given(
    code: str, settings: dict[str, Any]
) -> None:
    assert clean_settings(code, settings) == settings


@pytest.mark.parametrize(
    ("code", "settings", "message"),
    [
        ("drop_off", {"for_minutes": 527_041}, "for_minutes: at most 527,040"),
        ("drop_off", {"fires": 0.2}, "clears: must not be above the alert threshold"),
        ("drop_off", {"clears": 0.31}, "clears: must not be above the alert threshold"),
        ("incidence_low", {"clears": 0.69}, "clears: must not be below the alert threshold"),
        ("drop_off", {"severity": 9}, "severity: 9 is not valid for “High drop-off”"),
        ("drop_off", {"mail": "later"}, "mail: 'later' is not valid for “High drop-off”"),
        ("drop_off", {"wires": 1}, "wires: 1 is not valid for “High drop-off”"),
        ("drop_off", {"entrants": -1}, "entrants: -1 is not valid for “High drop-off”"),
    ],
)
def test_a_setting_that_is_refused_is_named(
    code: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(") + "$"):
        clean_settings(code, settings)


def incident(of: TargetGroup, rule: str, state: str) -> Incident:
    return Incident.objects.create(
        account=of.account,
        project=of.project,
        group=of,
        rule=rule,
        key=f"{of.pk}:{rule}:{state}",
        state=state,
        severity=WARNING,
        breached_at=NOW,
        evaluate_at=NOW,
    )


def test_a_rule_of_a_scope_replaces_its_open_incidents_and_no_others(field: Field) -> None:
    group, other = field.group(), field.group()
    pending, firing, ended, of_other, of_rule = (
        incident(group, "drop_off", "pending"),
        incident(group, "drop_off", "firing"),
        incident(group, "drop_off", "resolved"),
        incident(other, "drop_off", "recovering"),
        incident(group, "epc", "firing"),
    )
    given: dict[str, Any] = {"account": field.account, "code": "drop_off", "by": field.pm}
    row = save_rule(**given, settings={"fires": 0.5}, enabled=True, group=group, now=NOW)
    assert (row.scope, row.version, row.enabled, row.edited_by) == (
        f"group:{group.pk}",
        1,
        True,
        field.pm,
    )
    assert not Incident.objects.filter(pk=pending.pk).exists()
    for each in (firing, ended, of_other, of_rule):
        each.refresh_from_db()
    assert (firing.state, firing.close_reason, firing.closed_at, firing.evaluate_at) == (
        "resolved",
        "superseded",
        NOW,
        None,
    )
    assert [each.close_reason for each in (ended, of_other, of_rule)] == ["", "", ""]
    row = save_rule(**given, settings={"fires": 0.6}, enabled=False, group=group, now=NOW)
    assert (row.version, row.enabled, row.settings) == (2, False, {"fires": 0.6})
    rules = RuleSet.of(field.account.pk)
    assert rules.override_of("drop_off", f"group:{group.pk}") == row
    assert rules.override_of("drop_off", "account") is None
    by_group = {each.rule.code: each for each in rules.judged_rules(field.project.pk, group.pk)}
    assert list(by_group) == list(JUDGED)
    assert (by_group["drop_off"].settings["fires"], by_group["drop_off"].enabled) == (0.6, False)
    shared = rules.opening_rules(field.project.pk, other.pk, "live")
    assert rules.opening_rules(field.project.pk, other.pk, "live") is shared
    codes = [effective.rule.code for _, effective in shared]
    assert codes == list(JUDGED)
    own = rules.opening_rules(field.project.pk, group.pk, "live")
    assert [effective.rule.code for _, effective in own] == [c for c in JUDGED if c != "drop_off"]
    completed = rules.opening_rules(field.project.pk, other.pk, "completed")
    assert [effective.rule.code for _, effective in completed] == [
        "overfilled",
        "spend",
        "completes_fell",
    ]
    reset_rule(account=field.account, code="drop_off", now=NOW, group=group)
    assert not Rule.objects.exists()


def test_a_rule_of_a_project_applies_to_its_groups_alone(field: Field) -> None:
    group = field.group()
    elsewhere = factories.group(factories.project(field.account))
    save_rule(
        account=field.account,
        code="epc",
        settings={"entrants": 7},
        enabled=True,
        by=field.pm,
        project=field.project,
        now=NOW,
    )
    rules = RuleSet.of(field.account.pk)
    numbers = [
        rules.rule_for("epc", each.project_id, each.pk).settings["entrants"]
        for each in (group, elsewhere)
    ]
    assert numbers == [7, 50]
    assert rules.rule_for("epc").version == 0


def test_a_rule_of_an_older_release_has_its_code_for_a_title() -> None:
    titles = [rule_title(code) for code in ("stalled", "of_an_older_release")]
    assert titles == ["Stalled", "Of an older release"]
