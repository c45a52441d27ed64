"""Every rule that ships: when it fires and clears, after how long, and how bad it is."""

from __future__ import annotations

from dashboard.alerts.rules.judges import cost, progress, quality, status
from dashboard.alerts.rules.rule_type import (
    LIVE,
    HelpForm,
    JudgedFigure,
    ReplayTraits,
    RuleFigure,
    RuleType,
    Scale,
)
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING

IN_FIELD = LIVE | {"paused"}
ENDED_TOO = IN_FIELD | {"completed"}
NO_BUDGET = "budget of a group that has none of its own; 0 for none"
COMPLETES = JudgedFigure(RuleFigure.COMPLETES, Scale.GOAL)
SPEND = JudgedFigure(RuleFigure.SPEND, Scale.BUDGET)
# What a replay assumes.
_FORECASTS = (
    "Forecasts are worked out anew, twice a day, around each change or pause of a group, and "
    "hourly where the verdict changes, from the completes of then as the exchange counts them "
    "today, and from what is usual in project and country today. What came and went within half "
    "a day with nothing changed may be missed."
)
_ISSUES = (
    "Taken from the incidents of then: what the exchange took back within the wait of then left "
    "none."
)
BY_FORECAST = ReplayTraits(by_forecast=True, before_first_reading=True, assumed=(_FORECASTS,))


def _band(fires: float, clears: float, what: str) -> dict[str, tuple[float, str]]:
    return {
        "fires": (fires, f"fires past this {what}"),
        "clears": (clears, f"clears at this {what}"),
    }


_JUDGED = (
    RuleType(
        "paused_by_exchange",
        "Paused by the exchange",
        CRITICAL,
        judge=status.paused_by_exchange,
        say=status.say_paused_by_exchange,
        keep_minutes=0,
        statuses=IN_FIELD,
        fact=True,
        # (before it is resumed, what the reason of the pause asks for: see `action_links`)
        helps=(HelpForm.RESUME,),
        replays=ReplayTraits(before_first_reading=True),
    ),
    RuleType(
        "stalled",
        "Stalled",
        CRITICAL,
        judge=progress.judge_stalled,
        say=progress.say_stalled,
        thresholds={
            "usual": (6, "completes that are usual in the time without one"),
            "hours": (3, "hours without a complete, at least"),
            "clears": (2, "new completes that clear it"),
        },
        keep_minutes=0,
        helps=(HelpForm.CPI,),
        replays=ReplayTraits(
            timed=True,
            before_first_reading=True,
            assumed=("What is usual is the group's rhythm of today.",),
        ),
    ),
    RuleType(
        "paused_and_forgotten",
        "Paused by a person and forgotten",
        WARNING,
        judge=status.paused_and_forgotten,
        say=status.say_paused_and_forgotten,
        thresholds={
            "paused_hours": (24, "hours paused, at least"),
            "ends_hours": (72, "hours to its end, at most"),
        },
        keep_minutes=0,
        statuses=IN_FIELD,
        helps=(HelpForm.RESUME, HelpForm.DATES),
        replays=ReplayTraits(timed=True, before_first_reading=True),
    ),
    RuleType(
        "ends_soon",
        "Ends soon and short",
        WARNING,
        judge=progress.ends_soon,
        say=progress.say_short,
        thresholds=_band(0.97, 1.0, "share of the goal at the end")
        | {"hours": (48, "hours to its end, at most")},
        for_minutes=30,
        helps=(HelpForm.CPI, HelpForm.DATES),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "behind_pace",
        "Behind pace",
        WARNING,
        judge=progress.behind_pace,
        say=progress.say_short,
        thresholds=_band(0.95, 1.0, "share of the goal at the end")
        | {"completes": (10, "completes before it judges")},
        for_minutes=120,
        helps=(HelpForm.CPI, HelpForm.DATES),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "early",
        "Full early",
        NOTICE,
        judge=progress.judge_full_early,
        say=progress.say_early,
        thresholds=_band(24, 12, "number of hours before its end")
        | {"share": (0.15, "or this share of its time in the field, whichever is more")},
        helps=(HelpForm.GOALS,),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "overfilled",
        "Overfilled",
        WARNING,
        judge=progress.judge_overfilled,
        say=progress.say_overfilled,
        thresholds={
            "completes": (3, "completes above the goal"),
            "share": (0.02, "or this share of the goal, whichever is more"),
        },
        keep_minutes=0,
        statuses=ENDED_TOO,
        helps=(HelpForm.GOALS,),
        figure=JudgedFigure(RuleFigure.COMPLETES, Scale.ABOVE_GOAL),
        replays=ReplayTraits(before_first_reading=True),
    ),
    RuleType(
        "incidence_low",
        "Incidence low",
        WARNING,
        judge=quality.incidence_low,
        say=quality.say_incidence_low,
        thresholds=_band(0.7, 0.8, "share of the agreed incidence")
        | {"prescreens": (100, "prescreens before it judges")},
        for_minutes=120,
        helps=(HelpForm.DETAILS,),
        figure=JudgedFigure(RuleFigure.INCIDENCE, Scale.AGREED_INCIDENCE),
    ),
    RuleType(
        "interview_long",
        "Interview long",
        WARNING,
        judge=quality.interview_long,
        say=quality.say_interview_long,
        thresholds=_band(1.25, 1.15, "many times the agreed length")
        | {
            "critical": (1.5, "critical from so many times the agreed length"),
            "completes": (20, "completes before it judges"),
        },
        for_minutes=60,
        helps=(HelpForm.DETAILS,),
        figure=JudgedFigure(RuleFigure.LOI, Scale.AGREED_LOI),
    ),
    RuleType(
        "drop_off",
        "Drop-off",
        WARNING,
        judge=quality.drop_off,
        say=quality.say_drop_off,
        thresholds=_band(0.30, 0.25, "share of entrants")
        | {"entrants": (50, "entrants before it judges")},
        for_minutes=60,
        figure=JudgedFigure(RuleFigure.DROP_OFF, Scale.FIGURE),
    ),
    RuleType(
        "conversion",
        "Conversion low",
        WARNING,
        judge=quality.judge_conversion,
        say=quality.say_conversion,
        thresholds=_band(0.4, 0.5, "share of the agreed incidence")
        | {"entrants": (200, "entrants before it judges")},
        for_minutes=120,
        figure=JudgedFigure(RuleFigure.CONVERSION, Scale.AGREED_INCIDENCE),
    ),
    RuleType(
        "epc",
        "EPC low",
        WARNING,
        judge=quality.epc_low,
        say=quality.say_epc_low,
        thresholds=_band(0.15, 0.20, "EPC in USD")
        | {
            "other_fires": (0.6, "other currencies: fires below this share of its own median"),
            "other_clears": (0.8, "other currencies: clears at this share of its own median"),
            "entrants": (50, "entrants before it judges"),
            "after_cpi_hours": (4, "hours without a verdict after a new CPI"),
        },
        for_minutes=240,
        helps=(HelpForm.CPI,),
        figure=JudgedFigure(RuleFigure.EPC, Scale.USD),
        replays=ReplayTraits(by_usual_epc=True, timed=True),
    ),
    RuleType(
        "spend",
        "Spend of budget",
        WARNING,
        judge=cost.judge_budget_spent,
        say=cost.say_spent,
        thresholds=_band(0.90, 0.85, "share of the budget")
        | {"critical": (1.0, "critical from this share of the budget"), "budget": (0, NO_BUDGET)},
        statuses=ENDED_TOO,
        helps=(HelpForm.BUDGET,),
        figure=SPEND,
        replays=ReplayTraits(assumed=("Budgets are those of today.",)),
    ),
    RuleType(
        "projected_cost",
        "Projected cost of budget",
        WARNING,
        judge=cost.judge_projected_cost,
        say=cost.say_projected,
        thresholds=_band(1.05, 1.0, "share of the budget") | {"budget": (0, NO_BUDGET)},
        for_minutes=240,
        statuses=IN_FIELD,
        helps=(HelpForm.BUDGET,),
        figure=SPEND,
        replays=ReplayTraits(
            by_forecast=True,
            before_first_reading=True,
            assumed=(
                _FORECASTS,
                "Budgets are those of today. Before our first reading, spend is taken as "
                "completes × CPI.",
            ),
        ),
    ),
    RuleType(
        "issue_error",
        "Error reported by the exchange",
        WARNING,
        judge=quality.issue_error,
        say=quality.say_issue,
        for_minutes=30,
        replays=ReplayTraits(issue="error", assumed=(_ISSUES,)),
    ),
    RuleType(
        "issue_warning",
        "Warning reported by the exchange",
        NOTICE,
        judge=quality.issue_warning,
        say=quality.say_issue,
        for_minutes=360,
        replays=ReplayTraits(issue="warning", assumed=(_ISSUES,)),
    ),
    RuleType(
        "about_to_pause",
        "The exchange is about to pause it",
        WARNING,
        judge=quality.about_to_pause,
        say=quality.say_about_to_pause,
        thresholds=_band(0.7, 0.5, "score of the early warning"),
        for_minutes=60,
        helps=(HelpForm.CPI,),
        replays=ReplayTraits(
            by_forecast=True,
            by_samples=True,
            before_first_reading=True,
            assumed=(
                _FORECASTS,
                "How respondents failed was not kept: a pause for errors of redirect, encryption "
                "or set-up is not foreseen here. Before our first reading only silence, the end, "
                "the goal and the price speak.",
            ),
        ),
    ),
    RuleType(
        "completes_fell",
        "Completes fell",
        NOTICE,
        judge=progress.judge_completes_fell,
        say=progress.say_fell,
        thresholds={
            "completes": (3, "completes fewer within a day"),
            "share": (0.02, "or this share of them, whichever is more"),
        },
        statuses=ENDED_TOO,
        figure=COMPLETES,
        replays=ReplayTraits(timed=True),
    ),
)
CPI_CHANGED = RuleType(
    "cpi_changed",
    "CPI changed by somebody else",
    WARNING,
    thresholds={
        "fires": (0.05, "share of the old CPI, at least"),
        "critical": (0.20, "critical from this share of the old CPI"),
    },
    fact=True,
    helps=(HelpForm.CPI,),
    figure=JudgedFigure(RuleFigure.CPI),
)
STATUS_CHANGED = RuleType("status_changed", "Status changed by somebody else", WARNING, fact=True)
STRATEGY_CHANGED = RuleType(
    "strategy_changed", "Re-entry or strategy changed by somebody else", NOTICE, fact=True
)
EDIT_UNCONFIRMED = RuleType(
    "edit_unconfirmed",
    "A change was not confirmed",
    WARNING,
    fact=True,
    replays=ReplayTraits(assumed=("Groups and projects that were never made are not counted.",)),
)
NO_DATA = RuleType(
    "no_data",
    "No data",
    CRITICAL,
    thresholds={
        "intervals": (3, "polling intervals without fresh data"),
        "minutes": (20, "minutes without fresh data, at least"),
    },
    keep_minutes=0,
    helps=(HelpForm.CONNECTION,),
    replays=ReplayTraits(
        assumed=("Hours in which somebody had paused the polling count as silence.",)
    ),
)

JUDGED: dict[str, RuleType] = {rule.code: rule for rule in _JUDGED}
RULES: dict[str, RuleType] = JUDGED | {
    rule.code: rule
    for rule in (CPI_CHANGED, STATUS_CHANGED, STRATEGY_CHANGED, EDIT_UNCONFIRMED, NO_DATA)
}
