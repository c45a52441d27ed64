"""Which incidents make which items, what an item is worth, and which action it offers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.incidents.changelog import KINDS
from dashboard.alerts.items import plan
from dashboard.alerts.items.remedies import REMEDIES, action_of, batch_of, is_at_goal
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


HOUR = timedelta(hours=1)
GOING = {"rhythm": RHYTHM}


def worth(*args: Any, **fields: Any) -> list[tuple[str, float, Decimal | None, bool]]:
    """Remedy, value, money and urgency of each item."""
    return [(i.remedy.key, i.value, i.money, i.critical) for i in planned(*args, **fields)]


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("excessive_encryption_errors", "fix_signing_key"),
        ("excessive_redirect_errors", "fix_redirects"),
        ("no_completes_after_many_prescreens", "check_link"),
        ("live_respondent_unique_codes_exhausted", "upload_links"),
        ("excessive_qualification_setup_errors", "fix_qualifications"),
        ("high_client_side_termination_rate", "fix_qualifications"),
        ("high_median_loi", "fix_loi"),
        ("high_drop_rates", "reduce_drop_off"),
        ("low_epc", "raise_cpi"),
        ("no_completes_in_several_days", "raise_cpi"),
        ("max_cpi_limit_reached", "lower_cpi"),
        ("past_scheduled_end_date", "resume"),  # it ends later by now
        ("total_completes_reached", "ask_reason"),  # its goal was raised by now
        ("past_soft_launch_end_date", "check_data"),
        ("moon_phase", "ask_reason"),
    ],
)
def test_the_reason_of_a_pause_decides_the_remedy(reason: str, remedy: str) -> None:
    of = paused(reason)
    assert worth(of, plan.PAUSED) == [(remedy, 40.0, Decimal("100.0"), False)]
    ends_now = paused(reason, ends_at=factories.NOW)
    assert keys(ends_now, plan.PAUSED) == ["extend_or_close"]
    assert keys(paused(reason, ends_at=None), plan.PAUSED) == [remedy]


def test_a_pause_at_the_limit_of_a_soft_launch_asks_for_a_look_at_the_data() -> None:
    soft = {"share": 0.5, "ends_at": (factories.NOW + DAY).isoformat(), "is_on": True}
    waiting = paused("total_completes_reached", insight={"soft_launch": soft})
    assert keys(waiting, plan.PAUSED) == ["check_data"]


def test_an_ended_group_without_a_goal_is_done_and_another_pause_of_it_is_not() -> None:
    no_goal: dict[str, Any] = {"filling_goal": None}
    assert keys(paused("past_scheduled_end_date", **no_goal), plan.PAUSED) == []
    assert worth(paused("low_epc", **no_goal), plan.PAUSED) == [
        ("raise_cpi", 0.0, Decimal("0.0"), False)
    ]


@pytest.mark.parametrize(
    ("fields", "critical"),
    [
        ({"ends_at": factories.NOW + 72 * HOUR}, True),
        ({"ends_at": factories.NOW + timedelta(hours=72, seconds=1)}, False),
        ({"ends_at": factories.NOW}, False),
        ({"ends_at": None}, False),
        ({"ends_at": factories.NOW + 60 * HOUR, "completes": 188}, False),  # 56 h of slack
        ({"ends_at": factories.NOW + 50 * HOUR, "completes": 188}, True),  # 6 % of the goal
        ({"ends_at": factories.NOW + 50 * HOUR, "completes": 189}, False),
        ({"ends_at": factories.NOW + 72 * HOUR, "completes": 127}, True),  # 47 h 40 min of slack
        ({"ends_at": factories.NOW + 72 * HOUR, "completes": 128}, False),  # 48 h
        ({"ends_at": factories.NOW + DAY, "completes": 9, "filling_goal": 10}, True),
        (
            {
                "ends_at": factories.NOW + 50 * HOUR,
                "completes": 9,
                "filling_goal": 10,
                "insight": {"rhythm": RHYTHM | {"rate": 0.01}},
            },
            False,  # not a whole complete is at risk
        ),
        ({"ends_at": factories.NOW + 47 * HOUR, "insight": {}}, True),
        ({"ends_at": factories.NOW + 48 * HOUR, "insight": {}}, False),
    ],
)
def test_each_limit_of_a_critical_standstill_has_two_sides(
    fields: dict[str, Any], critical: bool
) -> None:
    (item,) = planned(paused("low_epc", **({"insight": GOING} | fields)), plan.PAUSED)
    assert item.critical is critical


def test_what_a_person_left_paused_is_worth_what_it_would_get_and_never_critical() -> None:
    left = group(status="paused", ends_at=factories.NOW + 20 * HOUR, insight=GOING)
    assert worth(left, plan.LEFT_PAUSED, "behind_pace") == [
        ("resume", 60.0, Decimal("150.0"), False)
    ]


@pytest.mark.parametrize(
    ("causes", "listed", "remedy"),
    [
        (["LOI above bid"], [], "find_stall"),  # a long interview ends no standstill
        (["LOI above bid", "Few open quotas"], [], "relax_quotas"),
        (["Few open quotas"], ["raise_cpi"], "relax_quotas"),
        ([], ["relax_quotas"], "find_stall"),
    ],
)
def test_a_stall_has_the_remedy_of_the_first_cause_that_can_end_it(
    causes: list[str], listed: list[str], remedy: str
) -> None:
    of = group(insight={"causes": [{"sentence": cause} for cause in causes]})
    stalled = Incident(pk=1, rule="stalled", severity=1, group=of, sentence="", facts={})
    (item,) = plan.plan_items(of, [stalled], now=factories.NOW, listed=listed)
    assert item.remedy.key == remedy
    explains = {key for key in REMEDIES if plan._explains_a_stall(key)}
    assert explains == {"check_link", "fix_redirects", "relax_quotas", "raise_cpi"}


def test_links_explain_a_stall_only_if_none_is_left_and_their_alert_is_open() -> None:
    assert keys(with_links(0), "stalled") == ["find_stall"]
    assert keys(with_links(1), "stalled", plan.LINKS) == ["find_stall"]
    assert keys(with_links(0), plan.LINKS, "stalled") == ["upload_links"]


@pytest.mark.parametrize(
    ("warnings", "expected"),
    [
        ({"low_epc": 0.8}, ("raise_cpi", 32.0, Decimal("80.0"), False)),
        ({"low_epc": 0.5, "high_median_loi": 0.8}, ("fix_loi", 32.0, Decimal("80.0"), False)),
        ({"low_epc": 0.8, "high_median_loi": 0.8}, ("raise_cpi", 32.0, Decimal("80.0"), False)),
        ({"moon_phase": 1.0}, ("raise_cpi", 40.0, Decimal("100.0"), False)),
    ],
)
def test_a_risk_of_a_pause_is_worth_its_share_of_what_a_pause_would_cost(
    warnings: dict[str, float], expected: tuple[Any, ...]
) -> None:
    at_risk = group(insight={"warnings": warnings, "forecast": {"at_end": [120.0, 140.0, 160.0]}})
    assert worth(at_risk, plan.RISK, "issue_error") == [expected]


def test_items_of_a_live_group_stand_by_remedy_at_the_higher_value() -> None:
    forecast = {"at_end": [120.0, 140.0, 160.0], "chance": 0.1}
    of = with_links(180, insight={"warnings": {"high_median_loi": 0.8}, "forecast": forecast})
    rules = (plan.RISK, plan.LINKS, "drop_off", "ends_soon", "behind_pace")
    items = planned(of, *rules)
    assert [(i.remedy.key, i.value, [r.rule for r in i.incidents]) for i in items] == [
        ("upload_links", 20.0, [plan.LINKS]),
        ("fix_loi", 32.0, [plan.RISK, "drop_off"]),
        ("raise_cpi", 40.0, ["ends_soon", "behind_pace", "drop_off"]),
    ]
    epc = {"warnings": {"low_epc": 0.8}, "forecast": forecast}
    (item,) = planned(group(insight=epc), plan.RISK, "ends_soon", "epc")
    assert (item.remedy.key, item.value) == ("raise_cpi", 40.0)
    assert [incident.rule for incident in item.incidents] == [plan.RISK, "epc", "ends_soon"]


def test_symptoms_stand_alone_only_where_no_pause_and_no_pace_explains_them() -> None:
    of = group()
    rules = ("issue_warning", "epc", "drop_off", "incidence_low", "conversion", "interview_long")
    assert [(i.remedy.key, i.value, len(i.incidents)) for i in planned(of, *rules)] == [
        ("fix_loi", 40.0, 2),  # with the issue of the exchange
        ("reduce_drop_off", 40.0, 1),
        ("fix_qualifications", 40.0, 1),
        ("fix_ir", 40.0, 1),
        ("raise_cpi", 40.0, 1),
    ]
    assert keys(of, plan.RISK, "drop_off") == []  # the risk is over, and its alert still open
    assert keys(group(short_at_end=1.0), "drop_off") == ["reduce_drop_off"]
    assert keys(group(short_at_end=0.9), "drop_off", "issue_error") == []
    assert keys(group(short_at_end=0.9), "issue_error") == []


@pytest.mark.parametrize(
    ("fields", "keys_of_items"),
    [
        ({"status_changed_at": factories.NOW - 24 * HOUR}, ["raise_cpi"]),
        ({"status_changed_at": factories.NOW - 23 * HOUR}, []),
        ({"status_changed_at": factories.NOW - 23 * HOUR, "ends_at": None}, []),
        (
            {
                "status_changed_at": factories.NOW - 23 * HOUR,
                "ends_at": factories.NOW + 48 * HOUR,
            },
            ["raise_cpi"],
        ),
        (
            {
                "status_changed_at": factories.NOW - 23 * HOUR,
                "ends_at": factories.NOW + timedelta(hours=48, seconds=1),
            },
            [],
        ),
    ],
)
def test_the_day_to_find_a_pace_ends_after_24_hours_or_48_before_the_end(
    fields: dict[str, Any], keys_of_items: list[str]
) -> None:
    assert keys(group(**fields), "behind_pace") == keys_of_items


@pytest.mark.parametrize(
    ("completes", "hours", "ends", "expected"),
    [
        (140, 100, 168, [("lower_cpi_or_leave", 0.0, Decimal("150.0"), False)]),  # 30 % missing
        (141, 100, 168, []),
        (100, 60, 100, [("lower_cpi_or_leave", 0.0, Decimal("250.0"), False)]),  # 40 % early
        (100, 61, 100, []),
        (100, -20, 0, []),
        (100, 24, None, []),
        (100, None, 168, []),
    ],
)
def test_an_early_fill_is_worth_the_price_of_what_is_missing(
    completes: int, hours: int | None, ends: int | None, expected: list[Any]
) -> None:
    finish = None if hours is None else (factories.NOW + hours * HOUR).isoformat()
    of = group(
        completes=completes,
        ends_at=None if ends is None else factories.NOW + ends * HOUR,
        insight={"forecast": {"finish": [None, finish, None]}},
    )
    assert worth(of, "early") == expected


def test_an_early_fill_without_a_price_has_no_amount_and_an_overfill_takes_its_place() -> None:
    finish = (factories.NOW + DAY).isoformat()
    of = group(cpi=None, insight={"forecast": {"finish": [None, finish, None]}})
    assert worth(of, "early") == [("lower_cpi_or_leave", 0.0, None, False)]
    assert worth(of, "early", "overfilled") == [("stop_overfill", 0.0, None, False)]


@pytest.mark.parametrize(
    ("cost", "budget", "insight", "over"),
    [
        ("130", "100", {}, "30"),
        ("130", "100", {"cost": {"p50": "150.5"}}, "50.5"),
        ("130", "100", {"cost": {}}, "30"),
        ("90", "100", {}, "0"),
        (None, "100", {}, None),
        ("130", None, {}, None),
    ],
)
def test_a_budget_is_over_by_its_projected_cost_or_else_by_what_is_spent(
    cost: str | None, budget: str | None, insight: dict[str, Any], over: str | None
) -> None:
    of = group(
        cost=Decimal(cost) if cost else None,
        budget=Decimal(budget) if budget else None,
        insight=insight,
    )
    money = Decimal(over) if over else None
    assert worth(of, "projected_cost", "spend") == [("budget", 0.0, money, False)]
    assert len(planned(of, "projected_cost", "spend")[0].incidents) == 2


@pytest.mark.parametrize(
    ("step", "is_item"), [(0.5, True), (1, True), (0.4999, False), ("0.9", False), (None, False)]
)
def test_a_price_that_changed_by_half_is_to_be_checked(step: object, is_item: bool) -> None:
    assert keys(group(), "cpi_changed", facts={"step": step}) == ["check_price"] * is_item
    assert keys(group(), "cpi_changed", facts={}) == []


def test_the_most_severe_incident_leads_and_the_older_of_two() -> None:
    of = group(insight={"warnings": {"low_epc": 0.8}})
    severities = [(3, "issue_error", 3), (2, "issue_error", 2), (1, "issue_error", 2)]
    incidents = [
        Incident(pk=pk, rule=rule, severity=s, group=of, sentence=f"Japan: no. {pk}.", facts={})
        for pk, rule, s in severities
    ]
    (item,) = plan.plan_items(of, incidents, now=factories.NOW)
    assert [incident.pk for incident in item.incidents] == [1, 2, 3]
    assert item.sentence == "No. 1."


def test_what_is_no_groups_keeps_its_sentence_and_comes_first() -> None:
    rules = ("edit_unconfirmed", "no_data", "overfilled")
    items = planned(group(), *rules)
    assert [(i.remedy.key, i.critical) for i in items] == [
        ("reconnect", True),
        ("check_change", False),
        ("stop_overfill", False),
    ]
    assert [item.sentence for item in planned(None, *rules)] == [
        "Japan: no_data.",
        "Japan: edit_unconfirmed.",
    ]


def test_a_value_is_rounded_and_has_no_price_without_a_cpi() -> None:
    forecast = {"forecast": {"at_end": [120.0, 133.333, 160.0]}}
    assert worth(group(insight=forecast), "behind_pace") == [
        ("raise_cpi", 33.3, Decimal("83.25"), False)
    ]
    assert worth(group(insight=forecast, cpi=None), "behind_pace") == [
        ("raise_cpi", 33.3, None, False)
    ]


LIVE = group()
STOPPED, CARD = group(status="paused"), group(pricing_model="rate_card")
STOPPED_CARD = group(status="paused", pricing_model="rate_card")
FULL, DRAFT, SCHEDULED = group(completes=200), group(status="draft"), group(status="scheduled")
ENDED = {"ends_at": factories.NOW}
CPI, EXTEND, GOAL, BUDGET = "Change CPI", "Extend", "Change goal", "Change budget"
BID, RESUME, THEN = "Re-bid LOI/IR", "Resume", "Extend, then resume"


@pytest.mark.parametrize(
    ("remedy", "live", "stopped", "full", "card"),
    [
        ("fix_signing_key", None, RESUME, None, RESUME),
        ("fix_redirects", None, RESUME, None, RESUME),
        ("check_link", None, RESUME, None, RESUME),
        ("find_stall", None, RESUME, None, RESUME),
        ("upload_links", None, RESUME, None, RESUME),
        ("fix_qualifications", None, RESUME, None, RESUME),
        ("fix_loi", BID, BID, None, BID),
        ("fix_ir", BID, BID, None, BID),
        ("reduce_drop_off", None, RESUME, None, RESUME),
        ("ask_suppliers", None, RESUME, None, RESUME),
        ("raise_cpi", CPI, CPI, None, EXTEND),
        ("lower_cpi", CPI, CPI, None, EXTEND),
        ("relax_quotas", GOAL, GOAL, None, GOAL),
        ("extend", EXTEND, EXTEND, None, EXTEND),
        ("extend_or_close", EXTEND, EXTEND, None, EXTEND),
        ("check_data", None, RESUME, None, RESUME),
        ("resume", None, RESUME, None, RESUME),
        ("ask_reason", None, RESUME, None, RESUME),
        ("read_issue", None, RESUME, None, RESUME),
        ("lower_cpi_or_leave", CPI, CPI, None, EXTEND),
        ("stop_overfill", GOAL, GOAL, GOAL, GOAL),
        ("budget", BUDGET, BUDGET, BUDGET, BUDGET),
        ("check_price", CPI, CPI, CPI, EXTEND),
        ("check_change", None, RESUME, None, RESUME),
        ("reconnect", "Check connection", "Check connection", "Check connection", None),
    ],
)
def test_a_remedy_offers_what_the_group_allows(
    remedy: str, live: str | None, stopped: str | None, full: str | None, card: str | None
) -> None:
    def label(of: TargetGroup | None) -> str | None:
        action = action_of(REMEDIES[remedy], of, now=factories.NOW)
        return action.label if action else None

    always = label(FULL) if remedy in ("budget", "reconnect") else None
    assert [label(LIVE), label(STOPPED), label(FULL)] == [live, stopped, full]
    assert label(STOPPED_CARD) == (always or card)
    assert label(DRAFT) == label(SCHEDULED) == label(group(**ENDED)) == always
    assert label(group(status="paused", **ENDED)) == (always or THEN)
    assert label(None) == (always if remedy == "reconnect" else None)


def test_remedies_that_are_choices_and_those_that_a_full_group_has_are_known() -> None:
    assert {key for key, each in REMEDIES.items() if each.is_decision} == {
        "extend_or_close",
        "check_data",
        "lower_cpi_or_leave",
        "stop_overfill",
        "budget",
    }
    may_complete = {key for key, each in REMEDIES.items() if each.may_complete}
    assert may_complete == {"extend_or_close", "stop_overfill"}
    assert {each.reach for each in REMEDIES.values()} == {1.0, float("inf")}
    assert REMEDIES["check_link"].title(1) == "Entrants but no completes: test the survey link"
    assert REMEDIES["check_link"].title(2) == "Entrants but no completes: test the survey links"


@pytest.mark.parametrize(
    ("remedy", "groups", "batch"),
    [
        ("fix_loi", [STOPPED], ""),  # the bid comes first
        ("fix_signing_key", [STOPPED, STOPPED], "resume"),
        ("fix_signing_key", [STOPPED, LIVE], ""),
        ("fix_signing_key", [], ""),
        ("raise_cpi", [LIVE, STOPPED], "cpi"),
        ("raise_cpi", [LIVE, CARD], ""),
        ("raise_cpi", [], ""),
        ("extend", [LIVE, CARD], "end"),
        ("extend", [LIVE, FULL], ""),
        ("relax_quotas", [LIVE], ""),
        ("find_stall", [LIVE], ""),
    ],
)
def test_the_bulk_action_of_groups_is_that_of_each(
    remedy: str, groups: list[TargetGroup], batch: str
) -> None:
    actions = [action_of(REMEDIES[remedy], each, now=factories.NOW) for each in groups]
    assert batch_of(REMEDIES[remedy], actions) == batch


PRESCREENS = {"filling_strategy": "prescreens", "filling_goal": 400, "completes_goal": 100}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"completes": 199}, False),
        ({"completes": 200}, True),
        ({"completes": 900}, True),
        ({"completes": None}, False),
        ({"filling_goal": None}, False),
        (PRESCREENS | {"completes": 99, "prescreens": 399}, False),
        (PRESCREENS | {"completes": 100, "prescreens": 399}, True),
        (PRESCREENS | {"completes": 101, "prescreens": None}, True),
        (PRESCREENS | {"completes": 99, "prescreens": 400}, True),
        (PRESCREENS | {"completes": None, "prescreens": 399}, False),
    ],
)
def test_a_group_needs_no_more_at_its_limit_or_at_its_goal(
    fields: dict[str, Any], expected: bool
) -> None:
    assert is_at_goal(group(**fields)) is expected
