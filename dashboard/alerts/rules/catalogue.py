"""Every rule that ships: when it alerts and resolves, after how long, and how severe it is."""

from __future__ import annotations

from dashboard.alerts.rules.judges import cost, links, progress, quality, status
from dashboard.alerts.rules.rule_type import (
    LIVE,
    HelpForm,
    JudgedFigure,
    ReplayTraits,
    RuleFigure,
    RuleType,
    Scale,
    Threshold,
)
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING

IN_FIELD = LIVE | {"paused"}
ENDED_TOO = IN_FIELD | {"completed"}
COMPLETES = JudgedFigure(RuleFigure.COMPLETES, Scale.GOAL)
SPEND = JudgedFigure(RuleFigure.SPEND, Scale.BUDGET)
HOURS_LEFT = "Only within {} hours of the end date"
DEFAULT_BUDGET = Threshold(0, "Budget of groups without their own: {} (0: none)")
# What a replay assumes.
_FORECASTS = (
    "Forecasts are recomputed twice a day, around each change or pause of a group, and hourly "
    "where the result changes. They use the completes of that time as Cint counts them "
    "today, and today's typical figures of the project and country. Alerts that lasted less than "
    "half a day without any change to the group can be missing."
)
_ISSUES = (
    "Based on the alerts of that time: issues that Cint withdrew before the delay had "
    "passed are missing."
)
BY_FORECAST = ReplayTraits(by_forecast=True, before_first_reading=True, assumed=(_FORECASTS,))


def _share_band(fires: float, clears: float, subject: str, *, above: bool) -> dict[str, Threshold]:
    """Return the two thresholds of a rule on a share, in sentences that say of what."""
    side = "above" if above else "below"
    return {
        "fires": Threshold(fires, f"Alert {side} {{}} of {subject}", is_share=True),
        "clears": Threshold(clears, f"Resolve at {{}} of {subject}", is_share=True),
    }


_JUDGED = (
    RuleType(
        "paused_by_exchange",
        "Paused by Cint",
        CRITICAL,
        judge=status.judge_paused_by_exchange,
        describe=status.describe_paused_by_exchange,
        keep_minutes=0,
        statuses=IN_FIELD,
        fact=True,
        # (the form that fixes the reason of the pause comes before: see `action_links`)
        helps=(HelpForm.RESUME,),
        replays=ReplayTraits(before_first_reading=True),
    ),
    RuleType(
        "stalled",
        "Stalled",
        CRITICAL,
        judge=progress.judge_stalled,
        describe=progress.describe_stalled,
        thresholds={
            "usual": Threshold(6, "Alert when at least {} completes were expected"),
            "hours": Threshold(3, "And none came for {} hours"),
            "clears": Threshold(2, "Resolve after {} new completes"),
        },
        keep_minutes=0,
        helps=(HelpForm.CPI,),
        replays=ReplayTraits(
            timed=True,
            before_first_reading=True,
            assumed=("The group's current daily pattern is used.",),
        ),
    ),
    RuleType(
        "paused_and_forgotten",
        "Left paused",
        WARNING,
        judge=status.judge_left_paused,
        describe=status.describe_left_paused,
        thresholds={
            "paused_hours": Threshold(24, "Alert when paused for {} hours or more"),
            "ends_hours": Threshold(72, HOURS_LEFT),
        },
        keep_minutes=0,
        statuses=IN_FIELD,
        helps=(HelpForm.RESUME, HelpForm.DATES),
        replays=ReplayTraits(timed=True, before_first_reading=True),
    ),
    RuleType(
        "ends_soon",
        "Ending soon, short of goal",
        WARNING,
        judge=progress.judge_ends_soon,
        describe=progress.describe_shortfall,
        thresholds=_share_band(0.97, 1.0, "the goal, as projected", above=False)
        | {"hours": Threshold(48, HOURS_LEFT)},
        for_minutes=30,
        helps=(HelpForm.CPI, HelpForm.DATES),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "behind_pace",
        "Projected short",
        WARNING,
        judge=progress.judge_projected_short,
        describe=progress.describe_shortfall,
        thresholds=_share_band(0.95, 1.0, "the goal, as projected", above=False)
        | {"completes": Threshold(10, "Needs at least {} completes")},
        for_minutes=120,
        helps=(HelpForm.CPI, HelpForm.DATES),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "early",
        "Filling early",
        NOTICE,
        judge=progress.judge_filling_early,
        describe=progress.describe_filling_early,
        thresholds={
            "fires": Threshold(
                24, "Alert when projected full more than {} hours before the end date"
            ),
            "clears": Threshold(12, "Resolve at {} hours before the end date"),
            "share": Threshold(
                0.15, "Or {} of the time in field, whichever is greater", is_share=True
            ),
        },
        helps=(HelpForm.GOALS,),
        figure=COMPLETES,
        replays=BY_FORECAST,
    ),
    RuleType(
        "overfilled",
        "Overfilled",
        WARNING,
        judge=progress.judge_overfilled,
        describe=progress.describe_overfilled,
        thresholds={
            "completes": Threshold(3, "Alert above {} completes over the goal"),
            "share": Threshold(0.02, "Or {} of the goal, whichever is greater", is_share=True),
        },
        keep_minutes=0,
        statuses=ENDED_TOO,
        helps=(HelpForm.GOALS,),
        figure=JudgedFigure(RuleFigure.COMPLETES, Scale.ABOVE_GOAL),
        replays=ReplayTraits(before_first_reading=True),
    ),
    RuleType(
        "incidence_low",
        "Low IR",
        WARNING,
        judge=quality.judge_incidence,
        describe=quality.describe_incidence,
        thresholds=_share_band(0.7, 0.8, "the bid IR", above=False)
        | {"prescreens": Threshold(100, "Needs at least {} prescreens")},
        for_minutes=120,
        helps=(HelpForm.DETAILS,),
        figure=JudgedFigure(RuleFigure.INCIDENCE, Scale.BID_INCIDENCE),
    ),
    RuleType(
        "interview_long",
        "Long LOI",
        WARNING,
        judge=quality.judge_interview_length,
        describe=quality.describe_interview_length,
        thresholds={
            "fires": Threshold(1.25, "Alert above {} × bid LOI"),
            "clears": Threshold(1.15, "Resolve at {} × bid LOI"),
            "critical": Threshold(1.5, "Critical from {} × bid LOI"),
            "completes": Threshold(20, "Needs at least {} completes"),
        },
        for_minutes=60,
        helps=(HelpForm.DETAILS,),
        figure=JudgedFigure(RuleFigure.LOI, Scale.BID_LOI),
    ),
    RuleType(
        "drop_off",
        "High drop-off",
        WARNING,
        judge=quality.judge_drop_off,
        describe=quality.describe_drop_off,
        thresholds=_share_band(0.30, 0.25, "entrants", above=True)
        | {"entrants": Threshold(50, "Needs at least {} entrants")},
        for_minutes=60,
        figure=JudgedFigure(RuleFigure.DROP_OFF, Scale.FIGURE),
    ),
    RuleType(
        "conversion",
        "Low conversion",
        WARNING,
        judge=quality.judge_conversion,
        describe=quality.describe_conversion,
        thresholds=_share_band(0.4, 0.5, "the bid IR", above=False)
        | {"entrants": Threshold(200, "Needs at least {} entrants")},
        for_minutes=120,
        figure=JudgedFigure(RuleFigure.CONVERSION, Scale.BID_INCIDENCE),
    ),
    RuleType(
        "epc",
        "Low EPC",
        WARNING,
        judge=quality.judge_epc,
        describe=quality.describe_epc,
        thresholds={
            "fires": Threshold(0.15, "Alert below an EPC of {} USD"),
            "clears": Threshold(0.20, "Resolve at an EPC of {} USD"),
            "other_fires": Threshold(
                0.6, "Other currencies: alert below {} of the group's median", is_share=True
            ),
            "other_clears": Threshold(
                0.8, "Other currencies: resolve at {} of the group's median", is_share=True
            ),
            "entrants": Threshold(50, "Needs at least {} entrants"),
            "after_cpi_hours": Threshold(4, "Not for {} hours after a CPI change"),
        },
        for_minutes=240,
        helps=(HelpForm.CPI,),
        figure=JudgedFigure(RuleFigure.EPC, Scale.USD),
        replays=ReplayTraits(by_usual_epc=True, timed=True),
    ),
    RuleType(
        "spend",
        "Spend vs budget",
        WARNING,
        judge=cost.judge_budget_spent,
        describe=cost.describe_spent,
        thresholds=_share_band(0.90, 0.85, "the budget", above=True)
        | {
            "critical": Threshold(1.0, "Critical from {} of the budget", is_share=True),
            "budget": DEFAULT_BUDGET,
        },
        statuses=ENDED_TOO,
        helps=(HelpForm.BUDGET,),
        figure=SPEND,
        replays=ReplayTraits(assumed=("Today's budgets are used.",)),
    ),
    RuleType(
        "projected_cost",
        "Cost by end date vs budget",
        WARNING,
        judge=cost.judge_projected_cost,
        describe=cost.describe_projected_cost,
        thresholds=_share_band(1.05, 1.0, "the budget", above=True) | {"budget": DEFAULT_BUDGET},
        for_minutes=240,
        statuses=IN_FIELD,
        helps=(HelpForm.BUDGET,),
        figure=SPEND,
        replays=ReplayTraits(
            by_forecast=True,
            before_first_reading=True,
            assumed=(
                _FORECASTS,
                "Today's budgets are used. Before Fieldwatch's first reading, spend is "
                "estimated as completes × CPI.",
            ),
        ),
    ),
    RuleType(
        "issue_error",
        "Error reported by Cint",
        WARNING,
        judge=quality.judge_issue_error,
        describe=quality.describe_issue,
        for_minutes=30,
        replays=ReplayTraits(issue="error", assumed=(_ISSUES,)),
    ),
    RuleType(
        "issue_warning",
        "Warning reported by Cint",
        NOTICE,
        judge=quality.judge_issue_warning,
        describe=quality.describe_issue,
        for_minutes=360,
        replays=ReplayTraits(issue="warning", assumed=(_ISSUES,)),
    ),
    RuleType(
        "about_to_pause",
        "Pause risk",
        WARNING,
        judge=quality.judge_pause_risk,
        describe=quality.describe_pause_risk,
        thresholds={
            "fires": Threshold(0.7, "Alert above a risk of {}", is_share=True),
            "clears": Threshold(0.5, "Resolve at a risk of {}", is_share=True),
        },
        for_minutes=60,
        helps=(HelpForm.CPI,),
        replays=ReplayTraits(
            by_forecast=True,
            by_samples=True,
            before_first_reading=True,
            assumed=(
                _FORECASTS,
                "Past exit statuses are not stored, so pauses for redirect, encryption or "
                "qualification setup errors are not predicted here. Before Fieldwatch's first "
                "reading, only missing completes, the end date, the goal and the CPI count.",
            ),
        ),
    ),
    RuleType(
        "links_run_out",
        "Survey links run out",
        WARNING,
        judge=links.judge_links_run_out,
        describe=links.describe_links_run_out,
        thresholds={
            "fires": Threshold(48, "Alert when the links last less than {} hours"),
            "clears": Threshold(60, "Resolve when they last {} hours"),
            "completes": Threshold(10, "Needs at least {} completes"),
        },
        for_minutes=30,
        replays=ReplayTraits(
            assumed=("Links of the past are not stored, so this rule cannot be replayed.",),
        ),
    ),
    RuleType(
        "completes_fell",
        "Completes fell",
        NOTICE,
        judge=progress.judge_completes_fell,
        describe=progress.describe_completes_fell,
        thresholds={
            "completes": Threshold(3, "Alert when at least {} completes are removed within a day"),
            "share": Threshold(0.02, "Or {} of the completes, whichever is greater", is_share=True),
        },
        statuses=ENDED_TOO,
        figure=COMPLETES,
        replays=ReplayTraits(timed=True),
    ),
)
CPI_CHANGED = RuleType(
    "cpi_changed",
    "CPI changed outside Fieldwatch",
    WARNING,
    thresholds={
        "fires": Threshold(0.05, "Alert from a change of {}", is_share=True),
        "critical": Threshold(0.20, "Critical from a change of {}", is_share=True),
    },
    fact=True,
    helps=(HelpForm.CPI,),
    figure=JudgedFigure(RuleFigure.CPI),
)
STATUS_CHANGED = RuleType(
    "status_changed",
    "Status changed outside Fieldwatch",
    WARNING,
    fact=True,
)
STRATEGY_CHANGED = RuleType(
    "strategy_changed",
    "Re-entry or strategy changed outside Fieldwatch",
    NOTICE,
    fact=True,
)
EDIT_UNCONFIRMED = RuleType(
    "edit_unconfirmed",
    "Change not confirmed",
    WARNING,
    fact=True,
    replays=ReplayTraits(assumed=("Groups and projects that were never created are not counted.",)),
)
NO_DATA = RuleType(
    "no_data",
    "No data",
    CRITICAL,
    thresholds={
        "intervals": Threshold(3, "Alert after {} polling intervals without new data"),
        "minutes": Threshold(20, "And at least {} minutes"),
    },
    keep_minutes=0,
    helps=(HelpForm.CONNECTION,),
    replays=ReplayTraits(
        assumed=("Hours in which polling was paused count as hours without data.",)
    ),
)

JUDGED: dict[str, RuleType] = {rule.code: rule for rule in _JUDGED}
RULES: dict[str, RuleType] = JUDGED | {
    rule.code: rule
    for rule in (CPI_CHANGED, STATUS_CHANGED, STRATEGY_CHANGED, EDIT_UNCONFIRMED, NO_DATA)
}


def rule_title(code: str) -> str:
    """Return the title of a rule; of a rule that no longer exists its code in words."""
    return RULES[code].title if code in RULES else code.replace("_", " ").capitalize()
