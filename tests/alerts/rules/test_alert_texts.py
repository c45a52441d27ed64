"""What alerts say, word for word, also where figures are missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.rules.catalogue import JUDGED
from dashboard.alerts.rules.snapshot import GroupSnapshot, snapshot_of_group
from dashboard.alerts.text import NO_REASON, format_local_time, format_span, one_line, pause_cause
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.models import TargetGroup
from tests import factories

HOUR = timedelta(hours=1)
NOW = factories.NOW
GROUP: dict[str, Any] = {
    "status": "live",
    "name": "Japan 25–54",
    "completes": 1_100,
    "prescreens": 3_000,
    "entrants": 9_000,
    "completes_goal": 2_000,
    "filling_strategy": "completes",
    "expected_loi_minutes": 10,
    "expected_incidence_rate": 0.5,
    "currency": "USD",
    "starts_at": NOW - 100 * HOUR,
    "ends_at": NOW + 40 * HOUR,
    "country_code": "jp",
}
AT_END = {"forecast": {"at_end": [1_250.0, 1_400.4, 2_100.0], "finish": [None, None, None]}}
EARLY = {"forecast": {"finish": [None, (NOW + 4 * HOUR).isoformat(), None]}}
RHYTHM = {"rate": 2.0, "hours": [1.0] * 24, "days": [1.0] * 7}
PAUSED: dict[str, Any] = {"status": "paused", "status_changed_at": NOW - 3 * HOUR}


def group(most: int | None = None, entered: int | None = None, **fields: Any) -> GroupSnapshot:
    """A group with 1,100 of 2,000 completes that ends on Sunday, but for what a test says."""
    made = TargetGroup(pk=1, project_id=1, **(GROUP | fields))
    return snapshot_of_group(made, now=NOW)._replace(most_completes=most, entered=entered)


def described(code: str, of: GroupSnapshot, **settings: float) -> list[Any]:
    """Headline, sentence and figures of a rule's alert, without what all of them begin with."""
    rule = JUDGED[code]
    assert rule.describe
    text = rule.describe(of, rule.defaults | settings)
    assert text.sentence.startswith("Japan 25–54: ")
    return [text.headline, text.sentence.removeprefix("Japan 25–54: "), *text.figures]


@pytest.mark.parametrize(
    ("code", "of", "settings", "expected"),
    [
        (
            "stalled",
            group(last_complete_at=NOW - 5 * HOUR, insight={"rhythm": RHYTHM}),
            {},
            [
                "No completes for 5 h: Japan 25–54, about 10 expected",
                "no completes for 5 h (about 10 expected). 1,100 of 2,000 completes.",
                ("completes in 5 h", "0", "about 10 expected"),
            ],
        ),
        (
            "stalled",
            group(entered=1_200, last_complete_at=NOW - 5 * HOUR),
            {},
            [
                "No completes for 5 h: Japan 25–54, about 0 expected",
                "no completes for 5 h (about 0 expected). 1,200 entrants since then: check "
                "the survey link. 1,100 of 2,000 completes.",
                ("completes in 5 h", "0", "about 0 expected"),
            ],
        ),
        (
            "stalled",
            group(entered=1, completes=None, starts_at=None),
            {},
            [
                "No completes for 0 min: Japan 25–54, about 0 expected",
                "no completes for 0 min (about 0 expected). 1 entrant since then: check the "
                "survey link. ? of 2,000 completes.",
                ("completes in 0 min", "0", "about 0 expected"),
            ],
        ),
        (
            "ends_soon",
            group(insight=AT_END),
            {},
            [
                "Projected 600 short of 2,000: Japan 25–54, ends Sun 13:00 Tokyo",
                "projected 600 short of 2,000 on Sun 13:00 Tokyo (range 0–750). 1,100 of "
                "2,000 completes now.",
                ("completes by the end date", "1,400", "goal 2,000"),
            ],
        ),
        (
            "behind_pace",
            group(insight={"forecast": {"at_end": [1_400.0] * 3}}),
            {},
            [
                "Projected 600 short of 2,000: Japan 25–54, ends Sun 13:00 Tokyo",
                "projected 600 short of 2,000 on Sun 13:00 Tokyo. 1,100 of 2,000 completes now.",
                ("completes by the end date", "1,400", "goal 2,000"),
            ],
        ),
        (
            "behind_pace",
            group(insight=AT_END, completes_goal=None),
            {},
            [
                "Projected 0 short of 0: Japan 25–54, ends Sun 13:00 Tokyo",
                "projected 0 short of 0 on Sun 13:00 Tokyo. 1,100 completes now.",
                ("completes by the end date", "1,400", "goal 0"),
            ],
        ),
        (
            "early",
            group(insight=EARLY),
            {},
            [
                "Filling early: Japan 25–54 will fill Sat 01:00 Tokyo",
                "will fill Sat 01:00 Tokyo, 36 h before the end date. 1,100 of 2,000 completes.",
                ("projected finish", "Sat 01:00 Tokyo", "end date Sun 13:00 Tokyo"),
            ],
        ),
        (
            "early",
            group(ends_at=None),
            {},
            [
                "Filling early: Japan 25–54 will fill Fri 21:00 Tokyo",
                "will fill Fri 21:00 Tokyo, 0 min before the end date. 1,100 of 2,000 completes.",
                ("projected finish", "Fri 21:00 Tokyo", "end date Fri 21:00 Tokyo"),
            ],
        ),
        (
            "overfilled",
            group(completes=3_100),
            {},
            [
                "Overfilled: Japan 25–54, 1,100 over the goal of 2,000",
                "overfilled by 1,100 completes (3,100 of 2,000).",
                ("completes", "3,100", "goal 2,000"),
            ],
        ),
        (
            "overfilled",
            group(completes=None, completes_goal=None),
            {},
            [
                "Overfilled: Japan 25–54, 0 over the goal of 0",
                "overfilled by 0 completes (0 of 0).",
                ("completes", "0", "goal 0"),
            ],
        ),
        (
            "completes_fell",
            group(most=2_101),
            {},
            [
                "Reconciled: Japan 25–54, 1,001 completes removed",
                "reconciliation removed 1,001 completes within a day (2,101 → 1,100). 1,100 "
                "of 2,000 completes.",
                ("completes", "1,100", "2,101 before"),
            ],
        ),
        (
            "completes_fell",
            group(most=None, completes=None),
            {},
            [
                "Reconciled: Japan 25–54, 0 completes removed",
                "reconciliation removed 0 completes within a day (0 → 0). ? of 2,000 completes.",
                ("completes", "0", "0 before"),
            ],
        ),
        (
            "incidence_low",
            group(incidence_rate=0.496),
            {},
            [
                "Low IR: Japan 25–54, 49.6 % · bid 50 %",
                "IR 49.6 % · bid 50 %. 1,100 of 2,000 completes.",
                ("IR", "49.6 %", "bid 50 %"),
            ],
        ),
        (
            "incidence_low",
            group(expected_incidence_rate=None),
            {},
            [
                "Low IR: Japan 25–54, 0 % · bid 0 %",
                "IR 0 % · bid 0 %. 1,100 of 2,000 completes.",
                ("IR", "0 %", "bid 0 %"),
            ],
        ),
        (
            "interview_long",
            group(median_loi_seconds=852, expected_loi_minutes=1_000),
            {},
            [
                "Long LOI: Japan 25–54, 14.2 min · bid 1,000",
                "median LOI 14.2 min · bid 1,000. 1,100 of 2,000 completes.",
                ("LOI", "14.2 min", "bid 1,000"),
            ],
        ),
        (
            "interview_long",
            group(expected_loi_minutes=None),
            {},
            [
                "Long LOI: Japan 25–54, 0.0 min · bid 0",
                "median LOI 0.0 min · bid 0. 1,100 of 2,000 completes.",
                ("LOI", "0.0 min", "bid 0"),
            ],
        ),
        (
            "drop_off",
            group(drop_off_rate=0.304),
            {},
            [
                "High drop-off: Japan 25–54, 30.4 % · limit 30 %",
                "drop-off 30.4 % · limit 30 %. 1,100 of 2,000 completes.",
                ("drop-off", "30.4 %", "limit 30 %"),
            ],
        ),
        (
            "drop_off",
            group(),
            {"fires": 0.255},
            [
                "High drop-off: Japan 25–54, 0 % · limit 25.5 %",
                "drop-off 0 % · limit 25.5 %. 1,100 of 2,000 completes.",
                ("drop-off", "0 %", "limit 25.5 %"),
            ],
        ),
        (
            "conversion",
            group(conversion_rate=0.196),
            {},
            [
                "Low conversion: Japan 25–54, 19.6 % · expected at least 20 %",
                "conversion 19.6 % · expected at least 20 %. 1,100 of 2,000 completes.",
                ("conversion", "19.6 %", "expected at least 20 %"),
            ],
        ),
        (
            "conversion",
            group(expected_incidence_rate=None),
            {},
            [
                "Low conversion: Japan 25–54, 0 % · expected at least 0 %",
                "conversion 0 % · expected at least 0 %. 1,100 of 2,000 completes.",
                ("conversion", "0 %", "expected at least 0 %"),
            ],
        ),
        (
            "epc",
            group(epc=Decimal("0.149")),
            {},
            [
                "Low EPC: Japan 25–54, 0.149 USD · healthy from 0.15",
                "EPC 0.149 USD · healthy from 0.15. Suppliers may send few respondents. "
                "1,100 of 2,000 completes.",
                ("EPC", "0.149 USD", "healthy from 0.15"),
            ],
        ),
        (
            "epc",
            group(epc=Decimal("0.1"), currency="EUR", insight={"epc": {"median": "0.2"}}),
            {},
            [
                "Low EPC: Japan 25–54, 0.10 EUR · its median 0.20 EUR",
                "EPC 0.10 EUR · its median 0.20 EUR. Suppliers may send few respondents. "
                "1,100 of 2,000 completes.",
                ("EPC", "0.10 EUR", "its median 0.20 EUR"),
            ],
        ),
        (
            "epc",
            group(currency="EUR"),
            {},
            [
                "Low EPC: Japan 25–54, 0.00 EUR · its median 0.00 EUR",
                "EPC 0.00 EUR · its median 0.00 EUR. Suppliers may send few respondents. "
                "1,100 of 2,000 completes.",
                ("EPC", "0.00 EUR", "its median 0.00 EUR"),
            ],
        ),
        (
            "about_to_pause",
            group(insight={"warnings": {"low_epc": 0.8, "high_drop_rates": 0.8}}),
            {},
            [
                "Pause risk: Japan 25–54, low EPC (80 %)",
                "likely to be paused by Cint: low EPC (risk 80 %, calibrated on simulated "
                "fieldwork). 1,100 of 2,000 completes. Raise the CPI or shorten the screener.",
                ("pause risk", "80 %", ""),
            ],
        ),
        (
            "about_to_pause",
            group(),
            {},
            [
                "Pause risk: Japan 25–54, no reason given (below 1 %)",
                "likely to be paused by Cint: no reason given (risk below 1 %, calibrated on "
                "simulated fieldwork). 1,100 of 2,000 completes. "
                "Check the metrics or contact Cint.",
                ("pause risk", "below 1 %", ""),
            ],
        ),
        (
            "spend",
            group(cost=Decimal("1204.10"), budget=Decimal(1_300)),
            {},
            [
                "Budget: Japan 25–54, 93 % spent",
                "1,204.10 USD of 1,300.00 USD spent (93 % of the budget). 1,100 of 2,000 "
                "completes.",
                ("spend", "1,204.10 USD", "budget 1,300.00 USD"),
            ],
        ),
        (
            "spend",
            group(),
            {"budget": 100.0},
            [
                "Budget: Japan 25–54, 0 % spent",
                "0.00 USD of 100.00 USD spent (0 % of the budget). 1,100 of 2,000 completes.",
                ("spend", "0.00 USD", "budget 100.00 USD"),
            ],
        ),
        (
            "projected_cost",
            group(insight={"cost": {"p50": "1204.60"}}),
            {"budget": 1_000.0},
            [
                "Budget: Japan 25–54, cost by end date 1,205 USD of 1,000 USD",
                "cost by end date 1,204.60 USD, budget 1,000.00 USD. 1,100 of 2,000 completes.",
                ("cost by end date", "1,204.60 USD", "budget 1,000.00 USD"),
            ],
        ),
        (
            "projected_cost",
            group(),
            {"budget": 100.0},
            [
                "Budget: Japan 25–54, cost by end date 0 USD of 100 USD",
                "cost by end date 0.00 USD, budget 100.00 USD. 1,100 of 2,000 completes.",
                ("cost by end date", "0.00 USD", "budget 100.00 USD"),
            ],
        ),
        (
            "paused_and_forgotten",
            group(**PAUSED, status_changed_by="las_user"),
            {},
            [
                "Left paused: Japan 25–54, 1,100 of 2,000 completes, end date Sun 13:00 Tokyo",
                "paused manually since Fri 18:00 Tokyo; end date Sun 13:00 Tokyo. 1,100 of "
                "2,000 completes.",
                ("completes", "1,100", "goal 2,000"),
            ],
        ),
        (
            "paused_and_forgotten",
            group(ends_at=None, completes=None, completes_goal=None),
            {},
            [
                "Left paused: Japan 25–54, ? completes, end date not set",
                "paused manually; end date not set. ? completes.",
                ("completes", "0", ""),
            ],
        ),
        (
            "paused_by_exchange",
            group(**PAUSED, status_reason="low_epc"),
            {},
            [
                "Paused: Japan 25–54, low EPC",
                "paused by Cint since Fri 18:00 Tokyo: low EPC. 1,100 of 2,000 completes. "
                "Raise the CPI or shorten the screener, then resume.",
                ("completes", "1,100", "goal 2,000"),
            ],
        ),
        (
            "paused_by_exchange",
            group(**(PAUSED | {"status_changed_at": None})),
            {},
            [
                "Paused: Japan 25–54, no reason given",
                "paused by Cint: no reason given. 1,100 of 2,000 completes. Check the "
                "metrics or contact Cint.",
                ("completes", "1,100", "goal 2,000"),
            ],
        ),
        (
            "links_run_out",
            group(links_total=2_000, links_left=1_100),
            {},
            [
                "Survey links run out: Japan 25–54, 1,100 of 2,000 links left",
                "1,100 of 2,000 links left.",
            ],
        ),
        (
            "links_run_out",
            group(),
            {},
            ["Survey links run out: Japan 25–54, 0 of 0 links left", "0 of 0 links left."],
        ),
    ],
)
def test_an_alert_reads_word_for_word(
    code: str, of: GroupSnapshot, settings: dict[str, float], expected: list[Any]
) -> None:
    assert described(code, of, **settings) == expected


def issue(kind: str, **fields: object) -> dict[str, object]:
    return {"type": kind, **fields}


@pytest.mark.parametrize(
    ("issues", "headline", "sentence"),
    [
        (
            {
                "epc": [issue("warning", text="Earns little", suggestions=["Raise it."])],
                "drop_off": [issue("error", text="Many\nleave.", suggestions=("Ask.", "Test"))],
                "loi": [issue("error", text="Too long"), "no issue", issue("notice", text="No")],
            },
            "Many leave. and 2 more issues",
            "Cint reports “Many leave” and 2 more issues. 1,100 of 2,000 completes. "
            "Cint suggests: Ask; Test.",
        ),
        (
            {"epc": [issue("warning", code="low_epc"), issue("warning", text="x")]},
            "low_epc and 1 more issue",
            "Cint reports “low_epc” and 1 more issue. 1,100 of 2,000 completes.",
        ),
        (
            {"median_loi": [issue("error", suggestions="no list")], "epc": "no list"},
            "median loi",
            "Cint reports “median loi”. 1,100 of 2,000 completes.",
        ),
        ({}, "", "Cint reports “”. 1,100 of 2,000 completes."),
    ],
)
def test_the_worst_of_cints_issues_is_quoted_and_the_others_are_counted(
    issues: dict[str, object], headline: str, sentence: str
) -> None:
    assert described("issue_error", group(issues=issues)) == [
        f"Cint reports: Japan 25–54, {headline}",
        sentence,
    ]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"status_reason": "high_median_loi", "median_loi_seconds": 660}, ""),
        ({"status_reason": "high_median_loi", "median_loi_seconds": 666}, " (11.1 min · bid 10)"),
        ({"status_reason": "high_median_loi", "expected_loi_minutes": None}, ""),
        ({"status_reason": "low_epc", "median_loi_seconds": 900}, ""),
        ({"status_reason": "high_client_side_termination_rate"}, ""),
        ({"status_reason": "high_client_side_termination_rate", "incidence_rate": 0.45}, ""),
        (
            {"status_reason": "high_client_side_termination_rate", "incidence_rate": 0.44},
            " (IR 44 % · bid 50 %)",
        ),
        (
            {
                "status_reason": "high_client_side_termination_rate",
                "incidence_rate": 0.44,
                "expected_incidence_rate": None,
            },
            "",
        ),
        ({"status_reason": "low_epc", "incidence_rate": 0.1}, ""),
    ],
)
def test_the_figure_behind_a_pause_is_named_where_it_is_a_tenth_off_its_bid(
    fields: dict[str, Any], detail: str
) -> None:
    given: dict[str, Any] = {"status": "paused", "median_loi_seconds": 900}
    paused = group(**(given | fields))
    headline, _, *rows = described("paused_by_exchange", paused)
    cause = pause_cause(fields["status_reason"]).label
    assert headline == f"Paused: Japan 25–54, {cause}{detail}"
    assert len(rows) == (2 if detail else 1)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=-5), "0 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(hours=48), "2 days"),
    ],
)
def test_a_span_is_in_minutes_below_an_hour_and_in_days_from_two(
    span: timedelta, text: str
) -> None:
    assert format_span(span) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW + timedelta(days=6) - HOUR, "Thu 06:00 New York"),
        (NOW + timedelta(days=6), "Thu 26 Nov 07:00 New York"),
        (NOW - timedelta(days=6) + HOUR, "Sat 08:00 New York"),
        (NOW - timedelta(days=6), "Sat 14 Nov 07:00 New York"),
    ],
)
def test_a_time_six_days_away_has_its_date(moment: datetime, text: str) -> None:
    assert format_local_time(moment, zone_of("us"), now=NOW) == text


def test_a_line_is_cut_only_beyond_its_length() -> None:
    assert one_line("x" * 120) == "x" * 120
    assert one_line("x" * 121) == "x" * 119 + "…"
    assert one_line("ab cd", 4) == "ab…"
    assert one_line("ab \u2028 cd\ud800", 5) == "ab cd"


def test_a_reason_that_nobody_knows_is_quoted_and_is_to_be_asked() -> None:
    assert pause_cause("moon\nphase") == NO_REASON._replace(label="reason “moon phase”")
    assert NO_REASON.advice == NO_REASON.fix


@pytest.mark.parametrize(
    ("fields", "progress"),
    [
        ({}, "1,100 of 2,000 completes"),
        ({"completes": None}, "? of 2,000 completes"),
        ({"completes": None, "completes_goal": None}, "? completes"),
        ({"completes": 1, "completes_goal": None}, "1 complete"),
        ({"completes": 0, "completes_goal": 1}, "0 of 1 complete"),
        ({"filling_strategy": "prescreens", "filling_goal": 4_000}, "1,100 of 2,000 completes"),
        (
            {"filling_strategy": "prescreens", "filling_goal": 4_000, "completes_goal": None},
            "3,000 of 4,000 prescreens",
        ),
    ],
)
def test_progress_counts_what_the_limit_counts(fields: dict[str, Any], progress: str) -> None:
    assert group(**fields).progress == progress
