"""Every rule is whole: its entry says all that mails, pages and replays ask of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.alerts.mail import action_links
from dashboard.alerts.rules.catalogue import CPI_CHANGED, JUDGED, RULES
from dashboard.alerts.rules.rule_type import LIVE, HelpForm, RuleFigure, RuleType, Scale
from dashboard.alerts.rules.settings import clean_settings
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.web.alerts.incident_page import FIGURES

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/alerts.md"
SIDES = {"<": "below", ">": "above"}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


@every_rule
def test_a_rule_is_whole(rule: RuleType) -> None:
    assert RULES[rule.code] is rule
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert rule.severity in (CRITICAL, WARNING, NOTICE)
    assert (rule.judge is None) == (rule.describe is None) == (rule.code not in JUDGED)
    assert rule.for_minutes >= 0
    assert rule.keep_minutes >= 0
    assert rule.statuses >= LIVE
    for threshold in rule.thresholds.values():
        assert threshold.default >= 0
        assert threshold.sentence[0].isupper()
        assert threshold.sentence.count("{}") == 1
        assert not threshold.is_share or threshold.default <= 2
    assert ("fires" in rule.thresholds) >= ("clears" in rule.thresholds) or not rule.figure


@every_rule
def test_what_helps_with_a_rule_has_words_and_stands_once(rule: RuleType) -> None:
    assert all(action_links.LABELS[form] for form in rule.helps)
    assert len(set(rule.helps)) == len(rule.helps)


@every_rule
def test_the_figure_of_a_rule_can_be_drawn_with_its_thresholds(rule: RuleType) -> None:
    if rule.figure is None:
        return
    figure, scale = rule.figure
    assert figure in FIGURES
    if scale in (Scale.GOAL, Scale.ABOVE_GOAL):
        assert figure is RuleFigure.COMPLETES
    elif scale is None:
        assert rule is CPI_CHANGED
    else:
        assert {"fires", "clears"} <= set(rule.thresholds)
    assert (scale is Scale.BUDGET) == rule.needs_budget
    assert {"completes", "share"} <= set(rule.thresholds) or scale is not Scale.ABOVE_GOAL


@every_rule
def test_what_a_replay_assumes_is_said_in_sentences(rule: RuleType) -> None:
    traits = rule.replays
    assert all(sentence.endswith(".") for sentence in traits.assumed)
    assert traits.by_forecast or not traits.by_samples
    if traits.by_forecast or traits.issue:
        assert traits.assumed
        assert rule.judge


@every_rule
def test_the_documents_state_the_numbers_the_delay_and_the_severity_of_a_rule(
    rule: RuleType,
) -> None:
    lines = DOCUMENT.read_text().splitlines()
    row = next(line for line in lines if line.startswith(f"| {rule.title} |"))
    _, _, when, resolved, after, severity, _ = row.split("|")
    for name, threshold in rule.thresholds.items():
        number = threshold.default
        forms = [f"{number:g}", f"{number:.2f}", f"{number * 100:g} %"]
        pattern = "|".join(rf"(?<![\d.]){form}(?!\d|\.\d)" for form in map(re.escape, forms))
        stated = re.search(pattern, when + resolved + severity)
        assert stated or name == "budget", f"{row} does not state {name}: {number}"
        side = next((word for sign, word in SIDES.items() if sign in when), "")
        assert side in threshold.sentence or name != "fires" or "than" in threshold.sentence
    at_once = "immediately" if rule.fact or rule.judge is None else "two polls"
    minutes = rule.for_minutes
    in_hours = minutes >= 60 and minutes % 60 == 0
    span = f"{minutes // 60} h" if in_hours else f"{minutes} min"
    assert after.strip() == (span if minutes else at_once)
    words = {CRITICAL: "critical", WARNING: "warning", NOTICE: "notice"}
    assert severity.strip().startswith(words[rule.severity])


def test_a_threshold_is_shown_as_a_percentage_where_its_sentence_says_of_what() -> None:
    for rule in RULES.values():
        for threshold in rule.thresholds.values():
            is_of_something = "{} of" in threshold.sentence
            assert threshold.is_share is (is_of_something or threshold.sentence.endswith(" of {}"))


def test_every_figure_and_every_form_is_used_or_mends_a_pause() -> None:
    assert {rule.figure.figure for rule in RULES.values() if rule.figure} == set(RuleFigure)
    assert {form for rule in RULES.values() for form in rule.helps} == set(HelpForm)


@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("inf"), True, "3", None])
def test_a_threshold_takes_no_less_than_nothing_and_nothing_but_numbers(value: object) -> None:
    assert clean_settings("drop_off", {"entrants": 0}) == {"entrants": 0}
    with pytest.raises(ValueError, match=r"^entrants: "):
        clean_settings("drop_off", {"entrants": value})
