"""Which incidents make which items, what an item is worth, and which action it offers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.incidents.changelog import KINDS
from dashboard.alerts.items import plan
from dashboard.alerts.items.remedies import REMEDIES, action_of, batch_of
from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.text import PAUSE_CAUSES
from dashboard.fielding.insight.diagnosis import RULES as DIAGNOSES
from dashboard.fielding.models import Incident, TargetGroup
from tests import factories

RHYTHM = {"rate": 3.0, "hours": [1.0] * 24, "days": [1.0] * 7}
DAY = timedelta(days=1)


def group(**fields: Any) -> TargetGroup:
    """A live group, not stored: 100 of 200 completes, 60 short, 40 to come in seven days."""
    given = {
        "pk": 1,
        "name": "Japan",
        "status": "live",
        "completes": 100,
        "filling_goal": 200,
        "filling_strategy": "completes",
        "cpi": Decimal("2.50"),
        "currency": "USD",
        "pricing_model": "dynamic",
        "ends_at": factories.NOW + 7 * DAY,
        "short_at_end": 60.0,
        "insight": {"forecast": {"at_end": [120.0, 140.0, 160.0]}},
    }
    return TargetGroup(**(given | fields))


def paused(reason: str, **fields: Any) -> TargetGroup:
    given = {"status": "paused", "status_reason": reason, "status_changed_by": "system_user"}
    return group(**(given | fields))


def planned(of: TargetGroup | None, *rules: str, **fields: Any) -> list[plan.PlannedItem]:
    incidents = [
        Incident(
            pk=number,
            rule=rule,
            severity=2,
            group=of,
            sentence=f"Japan: {rule}.",
            **({"facts": {}} | fields),
        )
        for number, rule in enumerate(rules, start=1)
    ]
    return plan.plan_items(of, incidents, now=factories.NOW)


def keys(*args: Any, **fields: Any) -> list[str]:
    return [item.remedy.key for item in planned(*args, **fields)]


@pytest.mark.parametrize("reason", [*PAUSE_CAUSES, "moon_phase", ""])
def test_every_reason_of_a_pause_has_a_remedy_that_offers_an_action(reason: str) -> None:
    of = paused(reason)
    (item,) = planned(of, plan.PAUSED)
    assert action_of(item.remedy, of, now=factories.NOW) is not None


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_makes_an_item_or_is_known_to_make_none(rule: str) -> None:
    status = "paused" if rule in (plan.PAUSED, plan.LEFT_PAUSED) else "live"
    silent = (plan.NO_ITEM, *KINDS.values())
    finish = (factories.NOW + 2 * DAY).isoformat()
    forecast = {"at_end": [120.0, 140.0, 160.0], "finish": [finish] * 3}
    of = group(status=status, insight={"forecast": forecast, "warnings": {"low_epc": 0.8}})
    assert bool(planned(of, rule)) is (rule not in silent)


@pytest.mark.parametrize(
    ("days", "completes", "worth"), [(2, 100, True), (5, 100, False), (2, 150, False)]
)
def test_filling_early_is_a_decision_only_where_much_is_left_to_spend(
    days: int, completes: int, worth: bool
) -> None:
    finish = (factories.NOW + days * DAY).isoformat()  # of seven days left
    early = group(completes=completes, insight={"forecast": {"finish": [finish] * 3}})
    assert keys(early, "early") == (["lower_cpi_or_leave"] if worth else [])


def test_every_cause_that_is_diagnosed_has_a_remedy_or_says_nothing_to_do() -> None:
    without = {"not_live", "waiting", "stalled", "about_to_pause"}
    assert {rule.code for rule in DIAGNOSES} == without | set(plan._BY_DIAGNOSIS)
    assert set(plan._BY_DIAGNOSIS.values()) <= set(REMEDIES)


def test_a_pause_inhibits_pace_stall_and_quality() -> None:
    rules = ("stalled", "behind_pace", "interview_long", "issue_error", plan.RISK, plan.PAUSED)
    (item,) = planned(paused("excessive_encryption_errors"), *rules)
    assert item.remedy.key == "fix_signing_key"
    assert item.incidents[0].rule == plan.PAUSED
    assert item.sentence == "Paused_by_exchange."


def test_a_stall_inhibits_pace_and_takes_its_causes_along() -> None:
    (item,) = planned(group(), "behind_pace", "stalled", "epc", "issue_warning")
    assert item.remedy.key == "find_stall"
    assert len(item.incidents) == 4


def with_links(left: int, **fields: Any) -> TargetGroup:
    """A group that used 900 links for 100 completes, at 3 an hour, and is to reach its goal."""
    forecast = {"at_end": [180.0, 200.0, 220.0], "chance": 0.9}
    given = {
        "links_total": 900 + left,
        "links_left": left,
        "links_read_at": factories.NOW,
        "insight": {"rhythm": RHYTHM, "forecast": forecast},
    }
    return group(**(given | fields))


def test_few_links_are_worth_the_completes_that_come_after_them() -> None:
    (item,) = planned(with_links(180), plan.LINKS)
    assert (item.remedy.key, item.value, item.critical) == ("upload_links", 80.0, False)
    assert item.money == Decimal(200)
    # until its end date only 60 come, of which the links left bring 20
    ends_at = factories.NOW + timedelta(hours=20)
    insight = {"rhythm": RHYTHM, "forecast": {"at_end": [130.0, 150.0, 170.0]}}
    (item,) = planned(with_links(180, ends_at=ends_at, insight=insight), plan.LINKS)
    assert item.value == 40.0


def test_few_links_stand_beside_the_pace_but_a_standstill_stands_for_them() -> None:
    unlikely = {"rhythm": RHYTHM, "forecast": {"at_end": [120.0, 140.0, 160.0], "chance": 0.1}}
    of = with_links(180, insight=unlikely)
    assert keys(of, plan.LINKS, "behind_pace") == ["upload_links", "raise_cpi"]
    (item,) = planned(of, plan.LINKS, "stalled")
    assert (item.remedy.key, len(item.incidents)) == ("find_stall", 2)
    (item,) = planned(paused("low_epc"), plan.LINKS, plan.PAUSED)
    assert (item.remedy.key, len(item.incidents)) == ("raise_cpi", 2)


def test_a_standstill_without_any_link_is_critical_by_its_own_rule() -> None:
    ends_at = factories.NOW + timedelta(hours=60)
    (item,) = planned(with_links(0, ends_at=ends_at), plan.LINKS, "stalled")
    assert (item.remedy.key, item.critical) == ("upload_links", True)
    assert not planned(with_links(0, ends_at=ends_at), plan.LINKS)[0].critical


def test_a_shortfall_has_the_remedy_of_its_likeliest_cause() -> None:
    causes = [{"sentence": "At risk of a pause by Cint"}, {"sentence": "Few open quotas"}]
    short = group(insight={"causes": causes})
    assert keys(short, "behind_pace", "ends_soon") == ["relax_quotas"]
    assert keys(group(), "behind_pace") == ["raise_cpi"]


def test_a_symptom_is_an_item_only_if_it_costs_completes() -> None:
    assert keys(group(), "epc") == ["raise_cpi"]
    assert keys(group(short_at_end=0.0), "epc", "issue_error") == []


def test_an_issue_of_the_exchange_folds_into_a_symptom_that_says_the_same() -> None:
    (item,) = planned(group(), "interview_long", "issue_error")
    assert (item.remedy.key, len(item.incidents)) == ("fix_loi", 2)
    assert keys(group(), "issue_error") == ["read_issue"]


def test_a_group_at_its_goal_needs_no_more_completes() -> None:
    full = group(completes=200, short_at_end=0.0)
    assert keys(full, "stalled", "behind_pace", "epc", "overfilled") == ["stop_overfill"]
    assert keys(paused("total_completes_reached", completes=200), plan.PAUSED) == []
    assert action_of(REMEDIES["raise_cpi"], full, now=factories.NOW) is None


def test_a_change_by_a_person_is_an_item_only_beyond_the_limit() -> None:
    assert keys(group(), "cpi_changed", facts={"step": 0.49}) == []
    assert keys(group(), "cpi_changed", facts={"step": -0.5}) == ["check_price"]


def test_a_shortfall_that_is_not_likely_is_no_item_yet() -> None:
    def of(chance: float) -> TargetGroup:
        return group(insight={"forecast": {"at_end": [120.0, 140.0, 160.0], "chance": chance}})

    assert keys(of(0.25), "behind_pace", "epc") == ["raise_cpi"]
    assert keys(of(0.26), "behind_pace", "epc", "issue_error") == []
    assert keys(of(0.9), "stalled") == ["find_stall"]  # a standstill is one in any case


@pytest.mark.parametrize(
    ("since", "ends", "remedies"),
    [(0.9, 7, []), (1, 7, ["raise_cpi"]), (0.9, 2, ["raise_cpi"])],
)
def test_a_group_that_was_just_resumed_is_given_a_day_to_find_its_pace(
    since: float, ends: float, remedies: list[str]
) -> None:
    moments = {
        "status_changed_at": factories.NOW - since * DAY,
        "ends_at": factories.NOW + ends * DAY,
    }
    assert keys(group(**moments), "behind_pace", "drop_off") == remedies


@pytest.mark.parametrize(
    ("hours", "listed", "ends", "remedies"),
    [
        (23, [], 7, []),
        (24, [], 7, ["raise_cpi"]),
        (23, [], 2, ["raise_cpi"]),  # too little time left to wait
        (23, ["raise_cpi"], 7, ["raise_cpi"]),  # an item that is open waits, and stays
        (23, ["extend_or_close"], 7, []),  # a decision is no problem of its pace
    ],
)
def test_a_change_is_given_a_day_before_the_pace_is_a_new_item(
    hours: int, listed: list[str], ends: int, remedies: list[str]
) -> None:
    of = group(ends_at=factories.NOW + ends * DAY)
    incidents = [Incident(pk=1, rule="behind_pace", severity=2, group=of, sentence="", facts={})]
    items = plan.plan_items(
        of,
        incidents,
        now=factories.NOW,
        listed=listed,
        changed_at=factories.NOW - timedelta(hours=hours),
    )
    assert [item.remedy.key for item in items] == remedies


def test_a_listed_remedy_stays_while_its_cause_is_named() -> None:
    causes = [{"sentence": "LOI above bid"}, {"sentence": "Few open quotas"}]
    of = group(insight={"causes": causes})
    incidents = [Incident(pk=1, rule="behind_pace", severity=2, group=of, sentence="", facts={})]

    def remedy(*listed: str) -> str:
        (item,) = plan.plan_items(of, incidents, now=factories.NOW, listed=listed)
        return item.remedy.key

    assert remedy() == remedy("raise_cpi") == "fix_loi"
    assert remedy("relax_quotas") == "relax_quotas"


def test_a_pause_that_is_no_longer_likely_is_no_item() -> None:
    assert keys(group(), plan.RISK) == []


def test_a_likely_end_short_of_the_goal_is_one_decision() -> None:
    of = group(
        ends_at=factories.NOW + DAY,
        insight={
            "warnings": {"past_scheduled_end_date": 0.9, "low_epc": 0.7},
            "forecast": {"at_end": [120.0, 140.0, 160.0], "chance": 0.1},
        },
    )
    (item,) = planned(of, plan.RISK, "ends_soon", "behind_pace", "drop_off")
    assert (item.remedy.key, item.value, len(item.incidents)) == ("extend_or_close", 60.0, 4)


def test_two_rules_with_one_remedy_are_one_item() -> None:
    slow = group(insight={"warnings": {"low_epc": 0.8}, "rhythm": RHYTHM})
    (item,) = planned(slow, plan.RISK, "behind_pace")
    assert item.remedy.key == "raise_cpi"
    assert item.value == 80.0  # the risk of losing all 100, not the 60 that are short


def test_a_pause_is_worth_what_the_group_would_still_get() -> None:
    (item,) = planned(paused("high_median_loi"), plan.PAUSED)
    assert (item.value, item.money) == (40.0, Decimal("100.00"))
    (item,) = planned(paused("high_median_loi", insight={"rhythm": RHYTHM}), plan.PAUSED)
    assert item.value == 100.0  # 3 an hour would be more than is missing


def test_a_price_can_save_no_more_than_comes_anyway_and_a_later_end_all() -> None:
    (item,) = planned(group(), "behind_pace")
    assert item.value == 40.0
    causes = {"causes": [{"sentence": "Goal out of reach at this pace"}]}
    (item,) = planned(group(insight=causes), "behind_pace")
    assert (item.remedy.key, item.value) == ("extend", 60.0)


@pytest.mark.parametrize(
    ("fields", "critical"),
    [
        ({"ends_at": factories.NOW + 3 * DAY}, True),  # 72 h left, 33 needed
        ({"ends_at": factories.NOW + 5 * DAY, "completes": 0}, False),  # late, but days to mend it
        ({"ends_at": factories.NOW + 3 * DAY, "completes": 192}, False),  # 4 % of the goal at risk
        ({"ends_at": factories.NOW + 7 * DAY}, False),  # 168 h left
        ({"ends_at": factories.NOW + DAY}, True),  # too late for all: each hour costs
        ({"ends_at": factories.NOW - DAY}, False),  # it has ended
        ({"ends_at": factories.NOW + 3 * DAY, "completes": 200}, None),
    ],
)
def test_a_standstill_is_critical_where_an_hour_counts(
    fields: dict[str, Any], critical: bool | None
) -> None:
    items = planned(paused("low_epc", **({"insight": {"rhythm": RHYTHM}} | fields)), plan.PAUSED)
    assert [item.critical for item in items] == ([] if critical is None else [critical])


def test_what_a_person_paused_is_never_critical() -> None:
    left = group(status="paused", ends_at=factories.NOW + DAY)
    (item,) = planned(left, plan.LEFT_PAUSED)
    assert (item.remedy.key, item.critical) == ("resume", False)


def test_after_the_end_date_a_pause_is_a_decision_about_the_end() -> None:
    ended = paused("low_epc", ends_at=factories.NOW - DAY)
    (item,) = planned(ended, plan.PAUSED)
    assert item.remedy.key == "extend_or_close"
    action = action_of(item.remedy, ended, now=factories.NOW)
    assert action and (action.label, action.form) == ("Extend, then resume", "dates")


def test_resume_is_never_offered_after_the_end_date() -> None:
    ended = paused("", ends_at=factories.NOW - DAY)
    for remedy in REMEDIES.values():
        action = action_of(remedy, ended, now=factories.NOW)
        assert action is None or action.form != "resume"


def test_a_rate_card_sets_the_price_so_the_end_moves() -> None:
    action = action_of(REMEDIES["raise_cpi"], group(pricing_model="rate_card"), now=factories.NOW)
    assert action and action.form == "dates"


def test_groups_have_one_bulk_action_only_if_all_allow_it() -> None:
    now, remedy = factories.NOW, REMEDIES["fix_signing_key"]
    stopped, ended = paused(""), paused("", ends_at=factories.NOW - DAY)
    assert batch_of(remedy, [action_of(remedy, stopped, now=now)]) == "resume"
    assert batch_of(remedy, [action_of(remedy, each, now=now) for each in (stopped, ended)]) == ""
    price = REMEDIES["raise_cpi"]
    assert batch_of(price, [action_of(price, group(), now=now)]) == "cpi"


def test_without_data_there_is_the_connection_to_check() -> None:
    (item,) = planned(None, "no_data")
    assert (item.remedy.key, item.critical) == ("reconnect", True)
    action = action_of(item.remedy, None, now=factories.NOW)
    assert action and action.form == "connection"
