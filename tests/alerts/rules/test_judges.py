"""Every rule of the table: where it fires, where it clears, and when it says nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.rules.catalogue import JUDGED, RULES
from dashboard.alerts.rules.judges import progress
from dashboard.alerts.rules.snapshot import GroupSnapshot, snapshot_of_group
from dashboard.alerts.rules.state_machine import Observation
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, AlertText
from dashboard.alerts.text import (
    PAUSE_CAUSES,
    format_span,
    one_line,
    pause_cause,
)
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.models import TargetGroup
from tests import factories

HOUR = timedelta(hours=1)
CALM: dict[str, Any] = {
    "status": "live",
    "name": "Japan 25–54",
    "completes": 100,
    "prescreens": 300,
    "entrants": 900,
    "completes_goal": 200,
    "filling_strategy": "completes",
    "expected_loi_minutes": 10,
    "expected_incidence_rate": 0.5,
    "currency": "USD",
    "starts_at": factories.NOW - 100 * HOUR,
    "ends_at": factories.NOW + 40 * HOUR,
    "country_code": "jp",
}


def figures(most: int | None = None, cpi_changed_at: Any = None, **fields: Any) -> GroupSnapshot:
    """A group that is as it should be, but for what a test says."""
    snapshot = snapshot_of_group(
        TargetGroup(pk=1, project_id=1, **(CALM | fields)), now=factories.NOW
    )
    return snapshot._replace(most_completes=most, cpi_changed_at=cpi_changed_at)


def judged(code: str, group: GroupSnapshot, **settings: float) -> Observation | None:
    """The observation of a rule with its defaults (or other numbers); None without a verdict."""
    rule = JUDGED[code]
    assert rule.judge
    assert rule.describe
    verdict = rule.judge(group, rule.defaults | settings, {})
    if verdict and verdict.observation is Observation.BREACH:
        text = rule.describe(group, rule.defaults | settings)
        assert text.sentence.startswith(f"{group.label}: ")
        assert text.sentence.endswith(".")
        assert "\n" not in text.headline
    return verdict.observation if verdict else None


def described(code: str, group: GroupSnapshot) -> AlertText:
    """The text of a rule's alert on a group."""
    rule = JUDGED[code]
    assert rule.describe
    return rule.describe(group, rule.defaults)


def forecast(end: float, finish: str | None = None) -> dict[str, Any]:
    """The insight of a group that will have so many completes at its end."""
    return {"forecast": {"at_end": [end - 20, end, end + 20], "finish": [None, finish, None]}}


B, M, C = Observation.BREACH, Observation.BETWEEN, Observation.CLEAR


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        ("behind_pace", {"insight": forecast(189)}, B),
        ("behind_pace", {"insight": forecast(190)}, M),
        ("behind_pace", {"insight": forecast(200)}, C),
        ("behind_pace", {"insight": forecast(100), "completes": 9}, None),
        ("behind_pace", {"insight": {}}, None),
        ("ends_soon", {"insight": forecast(193)}, B),
        ("ends_soon", {"insight": forecast(194)}, M),
        ("ends_soon", {"insight": forecast(193), "ends_at": factories.NOW + 49 * HOUR}, C),
        ("ends_soon", {"insight": forecast(193), "ends_at": factories.NOW}, None),
        ("early", {"insight": forecast(250, "2026-11-21T03:00:00+00:00")}, B),
        ("early", {"insight": forecast(250, "2026-11-21T12:00:00+00:00")}, M),
        ("early", {"insight": forecast(250, "2026-11-21T18:00:00+00:00")}, C),
        ("overfilled", {"completes": 205}, B),
        ("overfilled", {"completes": 204}, M),
        ("overfilled", {"completes": 200}, C),
        ("incidence_low", {"incidence_rate": 0.34}, B),
        ("incidence_low", {"incidence_rate": 0.36}, M),
        ("incidence_low", {"incidence_rate": 0.4}, C),
        ("incidence_low", {"incidence_rate": 0.1, "prescreens": 99}, None),
        ("interview_long", {"median_loi_seconds": 756}, B),
        ("interview_long", {"median_loi_seconds": 720}, M),
        ("interview_long", {"median_loi_seconds": 690}, C),
        ("interview_long", {"median_loi_seconds": 900, "completes": 19}, None),
        ("interview_long", {"median_loi_seconds": None}, None),
        ("drop_off", {"drop_off_rate": 0.31}, B),
        ("drop_off", {"drop_off_rate": 0.3}, M),
        ("drop_off", {"drop_off_rate": 0.25}, C),
        ("drop_off", {"drop_off_rate": 0.9, "entrants": 49}, None),
        ("conversion", {"conversion_rate": 0.19}, B),
        ("conversion", {"conversion_rate": 0.22}, M),
        ("conversion", {"conversion_rate": 0.25}, C),
        ("conversion", {"conversion_rate": 0.1, "entrants": 199}, None),
        ("epc", {"epc": Decimal("0.149")}, B),
        ("epc", {"epc": Decimal("0.19")}, M),
        ("epc", {"epc": Decimal("0.2")}, C),
        ("epc", {"epc": Decimal("0.01"), "currency": "EUR"}, None),
        (
            "epc",
            {"epc": Decimal("0.11"), "currency": "EUR", "insight": {"epc": {"median": "0.20"}}},
            B,
        ),
        ("epc", {"epc": Decimal("0.01"), "cpi_changed_at": factories.NOW - 3 * HOUR}, None),
        ("issue_error", {"issues": {"epc": [{"type": "error", "text": "low"}]}}, B),
        ("issue_error", {"issues": {"epc": [{"type": "warning", "text": "low"}]}}, C),
        ("issue_warning", {"issues": {"epc": [{"type": "warning", "text": "low"}]}}, B),
        ("issue_warning", {"issues": {"epc": "not a list"}}, C),
        ("about_to_pause", {"insight": {"warnings": {"low_epc": 0.71}}}, B),
        ("about_to_pause", {"insight": {"warnings": {"low_epc": 0.6}}}, M),
        ("about_to_pause", {"insight": {"warnings": {"low_epc": 0.5}}}, C),
        ("about_to_pause", {"insight": {"warnings": {}}}, C),
        ("about_to_pause", {"insight": {}}, None),
        ("completes_fell", {"most": 103}, B),
        ("completes_fell", {"most": 102}, C),
        ("completes_fell", {"completes": 981, "most": 1000}, C),
        ("completes_fell", {"completes": 980, "most": 1000}, B),
    ],
)
def test_thresholds_are_those_of_the_table(
    code: str, fields: dict[str, Any], expected: Observation | None
) -> None:
    assert judged(code, figures(**fields)) is expected


@pytest.mark.parametrize(
    ("hours_paused", "hours_left", "completes", "expected"),
    [(24, 72, 100, B), (23, 72, 100, C), (24, 73, 100, C), (24, 72, 200, C)],
)
def test_a_persons_pause_is_forgotten_when_old_short_and_near_its_end(
    hours_paused: int, hours_left: int, completes: int, expected: Observation
) -> None:
    f = figures(
        status="paused",
        status_changed_by="las_user",
        status_changed_at=factories.NOW - hours_paused * HOUR,
        ends_at=factories.NOW + hours_left * HOUR,
        completes=completes,
    )
    assert judged("paused_and_forgotten", f) is expected


@pytest.mark.parametrize(
    ("cost", "expected"), [("91", B), ("90", M), ("86", M), ("85", C), (None, None)]
)
def test_spend_is_judged_against_the_budget(cost: str | None, expected: Observation | None) -> None:
    f = figures(cost=Decimal(cost) if cost else None)
    assert judged("spend", f, budget=100) is expected


def test_without_a_budget_spend_says_nothing() -> None:
    assert judged("spend", figures(cost=Decimal(100))) is None


def test_a_used_up_budget_is_critical() -> None:
    rule = JUDGED["spend"]
    assert rule.judge
    verdict = rule.judge(figures(cost=Decimal(100)), rule.defaults | {"budget": 100}, {})
    assert verdict
    assert verdict.severity == CRITICAL


@pytest.mark.parametrize(("p50", "expected"), [("105.1", B), ("101", M), ("100", C)])
def test_the_projected_cost_is_judged_against_the_budget(p50: str, expected: Observation) -> None:
    f = figures(insight={"cost": {"p50": p50}})
    assert judged("projected_cost", f, budget=100) is expected


def test_a_pause_of_a_group_that_has_all_its_completes_is_a_mere_notice() -> None:
    f = figures(status="paused", status_reason="total_completes_reached", completes=200)
    judge = JUDGED["paused_by_exchange"].judge
    assert judge
    verdict = judge(f, {}, {})
    assert verdict
    assert (verdict.observation, verdict.severity) == (B, NOTICE)


def test_a_pause_by_nobody_known_is_not_judged_yet() -> None:
    assert judged("paused_by_exchange", figures(status="paused")) is None


def test_being_short_reads_as_a_project_manager_says_it() -> None:
    text = described("behind_pace", figures(insight=forecast(139)))
    assert text.headline == "Projected 61 short of 200: Japan 25–54, ends Sun 13:00 Tokyo"
    assert text.sentence == (
        "Japan 25–54: projected 61 short of 200 on Sun 13:00 Tokyo (range 41–81). "
        "100 of 200 completes now."
    )


def test_being_short_counts_from_what_is_there_by_now_and_adds_up_to_the_goal() -> None:
    """The forecast is older than the count, or ends between two whole completes."""
    risen = described("behind_pace", figures(insight=forecast(139), completes=150))
    assert risen.headline.startswith("Projected 50 short of 200")
    half = described("behind_pace", figures(insight=forecast(100.5), completes_goal=201))
    assert half.headline.startswith(f"Projected {201 - round(100.5)} short of 201")


def test_a_shortfall_without_a_forecast_is_the_whole_goal_and_has_no_range() -> None:
    text = described("behind_pace", figures(insight={}, ends_at=None))
    assert text.sentence == (
        "Japan 25–54: projected 200 short of 200 on the end date. 100 of 200 completes now."
    )
    assert text.figures == (("completes by the end date", "0", "goal 200"),)


def test_a_goal_of_prescreens_is_not_taken_for_completes() -> None:
    limit: dict[str, Any] = {
        "filling_goal": 500,
        "filling_strategy": "prescreens",
        "prescreens": 300,
    }
    f = figures(completes=60, completes_goal=500, expected_incidence_rate=0.2, **limit)
    assert f.goal == 60 + 200 * 0.2
    assert f.progress == "300 of 500 prescreens"


def test_a_limit_of_prescreens_is_overfilled_by_prescreens() -> None:
    limit: dict[str, Any] = {
        "filling_goal": 500,
        "completes_goal": 500,
        "filling_strategy": "prescreens",
    }
    few, many = (figures(completes=90, prescreens=n, **limit) for n in (501, 512))
    assert judged("overfilled", few) is M
    assert judged("overfilled", many) is B
    text = described("overfilled", many)
    assert text.sentence == "Japan 25–54: overfilled by 12 prescreens (512 of 500)."


def test_every_reason_of_the_exchange_has_its_own_term_and_a_fix() -> None:
    assert len(PAUSE_CAUSES) == 14
    assert all("_" not in cause.label + cause.advice for cause in PAUSE_CAUSES.values())
    assert len({cause.label for cause in PAUSE_CAUSES.values()}) == 14


def test_a_group_at_risk_is_not_to_be_resumed() -> None:
    text = described("about_to_pause", figures(insight={"warnings": {"low_epc": 0.71}}))
    assert text.headline == "Pause risk: Japan 25–54, low EPC (71 %)"
    assert text.sentence.endswith("Raise the CPI or shorten the screener.")
    assert pause_cause("low_epc").advice.endswith(", then resume")


@pytest.mark.parametrize("code", [None, ""])
def test_a_pause_without_a_reason_says_so(code: str | None) -> None:
    assert pause_cause(code).label == "no reason given"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("\u202eevil\u2066", "evil"),
        ("tab\there", "tab here"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 130, "x" * 119 + "…"),
    ],
)
def test_names_become_one_harmless_line(said: str, expected: str) -> None:
    assert one_line(said) == expected


def test_spans_read_as_people_say_them() -> None:
    assert [format_span(timedelta(hours=h)) for h in (0.5, 5, 72)] == ["30 min", "5 h", "3 days"]


def test_every_rule_has_numbers_that_can_be_shown_and_edited() -> None:
    for rule in RULES.values():
        assert rule.title
        assert all(threshold.sentence for threshold in rule.thresholds.values())
        assert {"for_minutes", "keep_minutes"} <= set(rule.defaults)


@pytest.mark.parametrize(
    ("country", "override", "zone"),
    [
        ("jp", "", "Asia/Tokyo"),
        ("US", "", "America/New_York"),
        ("us", "America/Denver", "America/Denver"),
        ("us", "Moon/Base", "America/New_York"),
        ("", "", "UTC"),
        ("zz", "", "UTC"),
    ],
)
def test_a_group_lives_in_its_own_zone_or_its_countrys(
    country: str, override: str, zone: str
) -> None:
    assert zone_of(country, override, countries={}).key == zone


def test_a_setting_moves_a_country() -> None:
    assert zone_of("us", countries={"US": "America/Chicago"}).key == "America/Chicago"


def test_a_groups_own_budget_counts_before_the_rules() -> None:
    f = figures(cost=Decimal(95), budget=Decimal(1000))
    assert judged("spend", f, budget=100) is Observation.CLEAR
    assert judged("spend", f._replace(budget=Decimal(100))) is Observation.BREACH


def soft_launch(end: float, finish: str | None = None) -> dict[str, Any]:
    """The insight of a group in a soft launch of half its goal, as an older release foresaw it."""
    ends_at = (factories.NOW + 10 * HOUR).isoformat()
    module = {"share": 0.5, "ends_at": ends_at, "is_on": True}
    return forecast(end, finish) | {"soft_launch": module}


@pytest.mark.parametrize("completes", [50, 100])
@pytest.mark.parametrize(
    ("code", "insight"),
    [
        ("behind_pace", soft_launch(120)),
        ("ends_soon", soft_launch(120)),
        ("early", soft_launch(250, "2026-11-21T03:00:00+00:00")),
    ],
)
def test_no_rule_calls_a_soft_launch_too_slow_or_too_fast(
    code: str, insight: dict[str, Any], completes: int
) -> None:
    assert judged(code, figures(insight=insight, completes=completes)) is Observation.CLEAR
    full_launch = insight | {"soft_launch": None}
    assert judged(code, figures(insight=full_launch, completes=completes)) is Observation.BREACH


def test_a_group_that_waits_for_its_full_launch_is_not_stalled() -> None:
    rhythm = {"rate": 2.0, "hours": [1.0] * 24, "days": [1.0] * 7}
    silent: dict[str, Any] = {
        "last_complete_at": factories.NOW - 9 * HOUR,
        "status_changed_at": None,
    }
    waiting = figures(insight=soft_launch(120) | {"rhythm": rhythm}, **silent)
    assert judged("stalled", waiting) is Observation.CLEAR
    running = waiting._replace(completes=60)
    assert judged("stalled", running) is Observation.BREACH


@pytest.mark.parametrize(
    "fields",
    [
        {"completes": 200},
        {"completes": 230},
        {"filling_strategy": "prescreens", "filling_goal": 300, "completes_goal": None},
    ],
)
def test_a_group_that_is_full_does_not_fill_early(fields: dict[str, Any]) -> None:
    full = figures(insight=forecast(250, "2026-11-20T11:00:00+00:00"), **fields)
    assert judged("early", full) is Observation.CLEAR


def test_a_pause_at_the_limit_of_a_soft_launch_is_not_called_the_goal() -> None:
    module = {"share": 0.5, "ends_at": factories.NOW.isoformat(), "is_on": False}
    paused = figures(
        status="paused",
        status_reason="total_completes_reached",
        insight={"soft_launch": module},
    )
    text = described("paused_by_exchange", paused)
    assert text.headline == "Paused: Japan 25–54, soft launch complete"
    assert "raise the goal" not in text.sentence


def test_the_rule_about_the_projection_is_not_named_after_the_pace() -> None:
    assert JUDGED["behind_pace"].title == "Projected short"


def test_a_day_far_away_is_told_with_its_date() -> None:
    later = figures(insight=forecast(139), ends_at=factories.NOW + 300 * HOUR)
    headline = described("behind_pace", later).headline
    assert headline.endswith("ends Thu 3 Dec 09:00 Tokyo")


def test_a_figure_that_is_as_agreed_is_not_named_as_the_reason_of_a_pause() -> None:
    paused: dict[str, Any] = {"status": "paused", "status_reason": "high_median_loi"}
    text = described("paused_by_exchange", figures(median_loi_seconds=852, **paused))
    assert text.headline == "Paused: Japan 25–54, LOI well above bid (14.2 min · bid 10)"
    text = described("paused_by_exchange", figures(median_loi_seconds=640, **paused))
    assert text.headline == "Paused: Japan 25–54, LOI well above bid"
    assert text.sentence == (
        "Japan 25–54: paused by Cint: LOI well above bid. 100 of 200 completes. "
        "Shorten the survey, or re-bid LOI and CPI, then resume."
    )
    assert text.figures == (("completes", "100", "goal 200"),)


@pytest.mark.parametrize(
    ("code", "fields", "headline"),
    [
        ("drop_off", {"drop_off_rate": 0.304}, "High drop-off: Japan 25–54, 30.4 % · limit 30 %"),
        ("incidence_low", {"incidence_rate": 0.34}, "Low IR: Japan 25–54, 34 % · bid 50 %"),
        ("interview_long", {"median_loi_seconds": 852}, "Long LOI: Japan 25–54, 14.2 min · bid 10"),
        (
            "epc",
            {"epc": Decimal("0.149")},
            "Low EPC: Japan 25–54, 0.149 USD · healthy from 0.15",
        ),
        (
            "epc",
            {"epc": Decimal("0.1"), "currency": "EUR", "insight": {"epc": {"median": "0.20"}}},
            "Low EPC: Japan 25–54, 0.10 EUR · its median 0.20 EUR",
        ),
        (
            "conversion",
            {"conversion_rate": 0.19},
            "Low conversion: Japan 25–54, 19 % · expected at least 20 %",
        ),
    ],
)
def test_a_figure_reads_beside_its_bid_or_limit(
    code: str, fields: dict[str, Any], headline: str
) -> None:
    assert described(code, figures(**fields)).headline == headline


def test_what_the_exchange_suggests_is_passed_on() -> None:
    tips = {"type": "warning", "text": "Earns little", "suggestions": ["Raise the CPI."]}
    text = described("issue_warning", figures(issues={"earnings_per_click": [tips]}))
    assert text.sentence == (
        "Japan 25–54: Cint reports “Earns little”. "
        "100 of 200 completes. Cint suggests: Raise the CPI."
    )


FLAT = {"rhythm": {"rate": 2.0, "hours": [1.0] * 24, "days": [1.0] * 7}}
BY_CINT = {"status": "paused", "status_changed_by": "system_user"}
LEFT = {
    "status": "paused",
    "status_changed_by": "las_user",
    "status_changed_at": factories.NOW - 30 * HOUR,
}
SILENT = {"last_complete_at": factories.NOW - 3 * HOUR, "insight": FLAT}
EURO = {"currency": "EUR", "insight": {"epc": {"median": "0.25"}}}


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        ("stalled", SILENT, B),  # 3 h, in which 6 are expected
        ("stalled", SILENT | {"last_complete_at": factories.NOW - timedelta(hours=2.9)}, C),
        ("stalled", SILENT | {"completes": None}, None),
        ("stalled", SILENT | {"last_complete_at": None}, None),
        ("stalled", SILENT | {"last_complete_at": None, "completes": 0}, B),  # since its start
        ("stalled", {"last_complete_at": None, "completes": 0, "starts_at": None}, None),
        ("stalled", SILENT | {"starts_at": factories.NOW - 2 * HOUR}, C),
        ("stalled", SILENT | {"status_changed_at": factories.NOW - 2 * HOUR}, C),
        ("stalled", SILENT | {"insight": {"rhythm": FLAT["rhythm"] | {"rate": 1.99}}}, C),
        ("stalled", SILENT | {"insight": {"rhythm": FLAT["rhythm"] | {"rate": None}}}, None),
        ("stalled", SILENT | {"insight": {"rhythm": FLAT["rhythm"] | {"hours": None}}}, None),
        ("stalled", SILENT | {"insight": {"rhythm": FLAT["rhythm"] | {"days": None}}}, None),
        ("stalled", SILENT | {"insight": {}}, None),
        ("behind_pace", {"insight": forecast(100), "completes": 10}, B),
        ("behind_pace", {"insight": forecast(100), "completes": None}, None),
        ("behind_pace", {"insight": forecast(100), "completes_goal": None}, None),
        ("ends_soon", {"insight": forecast(193), "ends_at": factories.NOW + 48 * HOUR}, B),
        ("ends_soon", {"insight": forecast(193), "ends_at": None}, None),
        ("ends_soon", {"insight": forecast(193), "completes_goal": None}, None),
        ("ends_soon", {"insight": {}}, None),
        ("early", {"insight": forecast(250, "2026-11-21T04:00:00+00:00")}, M),  # 24 h before
        ("early", {"insight": forecast(250, "2026-11-21T16:00:00+00:00")}, C),  # 12 h before
        ("early", {"insight": forecast(250, "2026-11-21T15:59:00+00:00")}, M),
        ("early", {"insight": forecast(250, "2026-11-21T03:00:00+00:00"), "starts_at": None}, B),
        ("early", {"insight": forecast(250, None)}, None),
        (
            "early",
            {"insight": forecast(250, "2026-11-21T03:00:00+00:00"), "ends_at": None},
            None,
        ),
        (  # 15 % of 240 h are 36 h
            "early",
            {
                "insight": forecast(250, "2026-11-20T16:00:00+00:00"),
                "starts_at": factories.NOW - 200 * HOUR,
            },
            M,
        ),
        (
            "early",
            {
                "insight": forecast(250, "2026-11-20T15:59:00+00:00"),
                "starts_at": factories.NOW - 200 * HOUR,
            },
            B,
        ),
        (  # the goal in completes is reached before the limit of prescreens
            "early",
            {
                "insight": forecast(250, "2026-11-20T13:00:00+00:00"),
                "completes": 200,
                "filling_strategy": "prescreens",
                "filling_goal": 900,
            },
            C,
        ),
        ("overfilled", {"completes": 203}, M),
        ("overfilled", {"completes": 201}, M),
        ("overfilled", {"completes": 1_020, "completes_goal": 1_000}, M),
        ("overfilled", {"completes": 1_021, "completes_goal": 1_000}, B),
        ("overfilled", {"completes": None}, None),
        ("overfilled", {"completes_goal": None}, None),
        ("completes_fell", {"completes": None, "most": 200}, None),
        ("completes_fell", {}, C),
        ("completes_fell", {"completes": 0, "most": 3}, B),
        ("incidence_low", {"incidence_rate": 0.1, "prescreens": 100}, B),
        ("incidence_low", {"incidence_rate": 0.1, "prescreens": None}, None),
        ("incidence_low", {"incidence_rate": 0.1, "expected_incidence_rate": 0.0}, None),
        ("incidence_low", {"incidence_rate": None}, None),
        ("interview_long", {"median_loi_seconds": 900, "completes": 20}, B),
        ("interview_long", {"median_loi_seconds": 900, "completes": None}, None),
        ("interview_long", {"median_loi_seconds": 900, "expected_loi_minutes": None}, None),
        ("interview_long", {"median_loi_seconds": 750}, M),
        ("drop_off", {"drop_off_rate": 0.9, "entrants": 50}, B),
        ("drop_off", {"drop_off_rate": 0.9, "entrants": None}, None),
        ("drop_off", {"drop_off_rate": None}, None),
        ("conversion", {"conversion_rate": 0.1, "entrants": 200}, B),
        ("conversion", {"conversion_rate": 0.1, "entrants": None}, None),
        ("conversion", {"conversion_rate": 0.1, "expected_incidence_rate": None}, None),
        ("conversion", {"conversion_rate": None}, None),
        ("epc", {"epc": Decimal("0.01"), "entrants": 50}, B),
        ("epc", {"epc": Decimal("0.01"), "entrants": 49}, None),
        ("epc", {"epc": Decimal("0.01"), "entrants": None}, None),
        ("epc", {"epc": None}, None),
        ("epc", {"epc": Decimal("0.01"), "cpi_changed_at": factories.NOW - 4 * HOUR}, B),
        ("epc", {"epc": Decimal("0.149")} | EURO, B),
        ("epc", {"epc": Decimal("0.15")} | EURO, M),
        ("epc", {"epc": Decimal("0.20")} | EURO, C),
        ("epc", {"epc": Decimal("0.01")} | EURO | {"insight": {"epc": {}}}, None),
        ("issue_error", {"issues": {"epc": ["no issue", {"type": "error"}]}}, B),
        ("issue_warning", {"issues": {"epc": "no list", "loi": [{"type": "warning"}]}}, B),
        ("about_to_pause", {"insight": {"warnings": {"a": 0.71, "b": 0.1}}}, B),
        ("about_to_pause", {"insight": {"warnings": {"low_epc": 0.7}}}, M),
        ("spend", {"cost": Decimal(95), "budget": Decimal(-1)}, None),
        ("spend", {"cost": Decimal("0.95"), "budget": Decimal(1)}, B),
        ("projected_cost", {"insight": {}, "budget": Decimal(100)}, None),
        ("projected_cost", {"insight": {"cost": {}}, "budget": Decimal(100)}, None),
        ("projected_cost", {"insight": {"cost": {"p50": "99"}}}, None),
        ("projected_cost", {"insight": {"cost": {"p50": "99"}}, "budget": Decimal(-1)}, None),
        ("projected_cost", {"insight": {"cost": {"p50": "1.1"}}, "budget": Decimal(1)}, B),
        ("paused_and_forgotten", LEFT, B),
        ("paused_and_forgotten", LEFT | {"ends_at": factories.NOW}, C),  # it has ended
        ("paused_and_forgotten", LEFT | {"ends_at": None}, None),
        ("paused_and_forgotten", LEFT | {"status_changed_at": None}, None),
        ("paused_and_forgotten", LEFT | {"status_changed_by": ""}, None),
        ("paused_and_forgotten", LEFT | {"status_changed_by": "system_user"}, None),
        ("paused_and_forgotten", LEFT | {"status": "live"}, C),
        ("paused_and_forgotten", LEFT | {"completes": None}, C),
        ("paused_and_forgotten", LEFT | {"completes_goal": None}, C),
        ("paused_by_exchange", BY_CINT, B),
        ("paused_by_exchange", {"status": "paused", "status_reason": "low_epc"}, B),
        ("paused_by_exchange", BY_CINT | {"status": "live"}, C),
        ("paused_by_exchange", LEFT, C),
    ],
)
def test_each_limit_has_two_sides_and_a_missing_figure_has_none(
    code: str, fields: dict[str, Any], expected: Observation | None
) -> None:
    assert judged(code, figures(**fields)) is expected


@pytest.mark.parametrize(
    ("code", "fields", "severity"),
    [
        ("paused_by_exchange", BY_CINT, None),
        ("paused_by_exchange", BY_CINT | {"completes": 200}, None),
        (
            "paused_by_exchange",
            BY_CINT | {"completes": 200, "status_reason": "past_scheduled_end_date"},
            NOTICE,
        ),
        ("paused_by_exchange", BY_CINT | {"status_reason": "past_scheduled_end_date"}, None),
        ("interview_long", {"median_loi_seconds": 899}, None),
        ("interview_long", {"median_loi_seconds": 900}, CRITICAL),
        ("spend", {"cost": Decimal("99.9"), "budget": Decimal(100)}, None),
        ("spend", {"cost": Decimal(100), "budget": Decimal(100)}, CRITICAL),
        ("spend", {"cost": Decimal("100.1"), "budget": Decimal(100)}, CRITICAL),
        ("completes_fell", {"most": 103}, NOTICE),
    ],
)
def test_the_extent_of_a_breach_decides_its_severity(
    code: str, fields: dict[str, Any], severity: int | None
) -> None:
    rule = JUDGED[code]
    assert rule.judge
    assert rule.judge(figures(**fields), rule.defaults, {}) == (B, severity)


@pytest.mark.parametrize(
    ("base", "expected"), [(None, C), (99, M), (100, M), (101, C), (98, C), (0, C)]
)
def test_a_stall_ends_with_two_new_completes_or_with_fewer_than_there_were(
    base: int | None, expected: Observation
) -> None:
    judge = JUDGED["stalled"].judge
    assert judge
    moving = figures(last_complete_at=factories.NOW, insight=FLAT)
    assert judge(moving, JUDGED["stalled"].defaults, {"base": base}) == (expected, None)


def test_nothing_fell_where_nothing_was_removed_whatever_the_threshold() -> None:
    assert judged("completes_fell", figures(most=100), completes=0, share=0) is C
    assert judged("completes_fell", figures(most=101), completes=0, share=0) is B


def test_an_early_fill_resolves_below_its_own_threshold() -> None:
    soon = figures(insight=forecast(250, "2026-11-21T20:00:00+00:00"))  # 8 h before
    assert judged("early", soon, fires=6, share=0) is B
    assert judged("early", soon, fires=8, share=0) is C


DAILY = {"rate": 2.0, "hours": [float(h + 1) for h in range(24)], "days": [1.0, 2, 3, 4, 5, 6, 7]}


@pytest.mark.parametrize(
    ("rhythm", "now", "since", "enough", "expected"),
    [
        # 18:30 to 21:00 on a Friday in Tokyo
        (DAILY, factories.NOW, factories.NOW - timedelta(hours=2.5), None, 2 * 5 * (9.5 + 20 + 21)),
        # 23:30 to 00:30, into Saturday
        (
            DAILY,
            factories.NOW + timedelta(hours=3.5),
            factories.NOW + timedelta(hours=2.5),
            None,
            2 * (5 * 12 + 6 * 0.5),
        ),
        (FLAT["rhythm"], factories.NOW, factories.NOW, None, 0.0),
        (FLAT["rhythm"], factories.NOW, factories.NOW - timedelta(days=20), None, 14 * 24 * 2.0),
        (FLAT["rhythm"], factories.NOW, factories.NOW - 9 * HOUR, 5.0, 6.0),
        (FLAT["rhythm"], factories.NOW, factories.NOW - 9 * HOUR, 4.0, 4.0),
    ],
)
def test_completes_are_expected_by_hour_and_weekday_of_the_groups_own_zone(
    rhythm: dict[str, Any], now: datetime, since: datetime, enough: float | None, expected: float
) -> None:
    of = figures(insight={"rhythm": rhythm})._replace(now=now)
    limit = {} if enough is None else {"enough": enough}
    assert progress.expected_completes(of, since, **limit) == expected


def test_nothing_is_projected_of_a_group_before_its_full_launch_or_after_its_end() -> None:
    assert figures(insight=forecast(150)).at_end == (200, 100, 130, 150, 170, True, False, "jp")
    assert figures(insight={}).at_end is None
    over = figures(insight=forecast(150), ends_at=factories.NOW - HOUR, status="completed")
    assert over.at_end == (200, 100, 100, 100, 100, False, True, "jp")
    assert figures(insight=forecast(250, "2026-11-21T03:00:00+00:00")).projected_finish == (
        factories.NOW + 15 * HOUR
    )


@pytest.mark.parametrize(
    ("code", "least", "fields"),
    [
        ("incidence_low", "prescreens", {"incidence_rate": 0.1}),
        ("interview_long", "completes", {"median_loi_seconds": 900}),
        ("drop_off", "entrants", {"drop_off_rate": 0.9}),
        ("conversion", "entrants", {"conversion_rate": 0.1}),
        ("epc", "entrants", {"epc": Decimal("0.01")}),
        ("behind_pace", "completes", {"insight": forecast(100)}),
    ],
)
def test_nobody_counted_is_enough_where_none_is_asked_for_and_not_where_one_is(
    code: str, least: str, fields: dict[str, Any]
) -> None:
    uncounted = figures(**(fields | {least: None}))
    assert judged(code, uncounted, **{least: 0}) is B
    assert judged(code, uncounted, **{least: 1}) is None
    assert judged(code, figures(**(fields | {least: 1})), **{least: 1}) is B
