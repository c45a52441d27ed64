"""Every rule that ships: when it fires and clears, after how long, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dashboard.alerts.rules.judges import cost, progress, quality, status
from dashboard.alerts.rules.state_machine import Delays
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING, Judge, Say, Settings

LIVE = frozenset({"live"})
IN_FIELD = frozenset({"live", "paused"})
ENDED_TOO = frozenset({"live", "paused", "completed"})
KEEP = 30  # minutes that a figure stays clear before its incident ends
NO_BUDGET = "budget of a group that has none of its own; 0 for none"


@dataclass(frozen=True, slots=True)
class RuleType:
    """A rule: what it judges, its thresholds as (number, what the number is), its patience."""

    code: str
    title: str
    severity: int
    judge: Judge | None = None  # None: not a group's figures, see `detect` and `changes`
    say: Say | None = None
    thresholds: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    for_minutes: int = 0
    keep_minutes: int = KEEP
    statuses: frozenset[str] = LIVE  # in any other its incident closes, not as recovered
    fact: bool = False  # one observation is enough

    @property
    def defaults(self) -> dict[str, float]:
        """Every number that can be edited, as it ships."""
        numbers = {name: number for name, (number, _) in self.thresholds.items()}
        return numbers | {"for_minutes": self.for_minutes, "keep_minutes": self.keep_minutes}

    def patience(self, settings: Settings) -> Delays:
        """How long this rule waits, both ways."""
        return Delays(
            timedelta(minutes=settings["for_minutes"]),
            timedelta(minutes=settings["keep_minutes"]),
            readings=1 if self.fact else 2,
        )


def _band(fires: float, clears: float, of: str) -> dict[str, tuple[float, str]]:
    return {"fires": (fires, f"fires past this {of}"), "clears": (clears, f"clears at this {of}")}


_JUDGED = (
    RuleType(
        "paused_by_exchange",
        "Paused by the exchange",
        CRITICAL,
        status.paused_by_exchange,
        status.say_paused_by_exchange,
        keep_minutes=0,
        statuses=IN_FIELD,
        fact=True,
    ),
    RuleType(
        "stalled",
        "Stalled",
        CRITICAL,
        progress.judge_stalled,
        progress.say_stalled,
        {
            "usual": (6, "completes that are usual in the time without one"),
            "hours": (3, "hours without a complete, at least"),
            "clears": (2, "new completes that clear it"),
        },
        keep_minutes=0,
    ),
    RuleType(
        "paused_and_forgotten",
        "Paused by a person and forgotten",
        WARNING,
        status.paused_and_forgotten,
        status.say_paused_and_forgotten,
        {
            "paused_hours": (24, "hours paused, at least"),
            "ends_hours": (72, "hours to its end, at most"),
        },
        keep_minutes=0,
        statuses=IN_FIELD,
    ),
    RuleType(
        "ends_soon",
        "Ends soon and short",
        WARNING,
        progress.ends_soon,
        progress.say_short,
        _band(0.97, 1.0, "share of the goal at the end")
        | {"hours": (48, "hours to its end, at most")},
        30,
    ),
    RuleType(
        "behind_pace",
        "Behind pace",
        WARNING,
        progress.behind_pace,
        progress.say_short,
        _band(0.95, 1.0, "share of the goal at the end")
        | {"completes": (10, "completes before it judges")},
        120,
    ),
    RuleType(
        "early",
        "Full early",
        NOTICE,
        progress.judge_full_early,
        progress.say_early,
        _band(24, 12, "number of hours before its end")
        | {"share": (0.15, "or this share of its time in the field, whichever is more")},
    ),
    RuleType(
        "overfilled",
        "Overfilled",
        WARNING,
        progress.judge_overfilled,
        progress.say_overfilled,
        {
            "completes": (3, "completes above the goal"),
            "share": (0.02, "or this share of the goal, whichever is more"),
        },
        keep_minutes=0,
        statuses=ENDED_TOO,
    ),
    RuleType(
        "incidence_low",
        "Incidence low",
        WARNING,
        quality.incidence_low,
        quality.say_incidence_low,
        _band(0.7, 0.8, "share of the agreed incidence")
        | {"prescreens": (100, "prescreens before it judges")},
        120,
    ),
    RuleType(
        "interview_long",
        "Interview long",
        WARNING,
        quality.interview_long,
        quality.say_interview_long,
        _band(1.25, 1.15, "many times the agreed length")
        | {
            "critical": (1.5, "critical from so many times the agreed length"),
            "completes": (20, "completes before it judges"),
        },
        60,
    ),
    RuleType(
        "drop_off",
        "Drop-off",
        WARNING,
        quality.drop_off,
        quality.say_drop_off,
        _band(0.30, 0.25, "share of entrants") | {"entrants": (50, "entrants before it judges")},
        60,
    ),
    RuleType(
        "conversion",
        "Conversion low",
        WARNING,
        quality.judge_conversion,
        quality.say_conversion,
        _band(0.4, 0.5, "share of the agreed incidence")
        | {"entrants": (200, "entrants before it judges")},
        120,
    ),
    RuleType(
        "epc",
        "EPC low",
        WARNING,
        quality.epc_low,
        quality.say_epc_low,
        _band(0.15, 0.20, "EPC in USD")
        | {
            "other_fires": (0.6, "other currencies: fires below this share of its own median"),
            "other_clears": (0.8, "other currencies: clears at this share of its own median"),
            "entrants": (50, "entrants before it judges"),
            "after_cpi_hours": (4, "hours without a verdict after a new CPI"),
        },
        240,
    ),
    RuleType(
        "spend",
        "Spend of budget",
        WARNING,
        cost.judge_budget_spent,
        cost.say_spent,
        _band(0.90, 0.85, "share of the budget")
        | {"critical": (1.0, "critical from this share of the budget"), "budget": (0, NO_BUDGET)},
        statuses=ENDED_TOO,
    ),
    RuleType(
        "projected_cost",
        "Projected cost of budget",
        WARNING,
        cost.judge_projected_cost,
        cost.say_projected,
        _band(1.05, 1.0, "share of the budget") | {"budget": (0, NO_BUDGET)},
        240,
        statuses=IN_FIELD,
    ),
    RuleType(
        "issue_error",
        "Error reported by the exchange",
        WARNING,
        quality.issue_error,
        quality.say_issue,
        for_minutes=30,
    ),
    RuleType(
        "issue_warning",
        "Warning reported by the exchange",
        NOTICE,
        quality.issue_warning,
        quality.say_issue,
        for_minutes=360,
    ),
    RuleType(
        "about_to_pause",
        "The exchange is about to pause it",
        WARNING,
        quality.about_to_pause,
        quality.say_about_to_pause,
        _band(0.7, 0.5, "score of the early warning"),
        60,
    ),
    RuleType(
        "completes_fell",
        "Completes fell",
        NOTICE,
        progress.judge_completes_fell,
        progress.say_fell,
        {
            "completes": (3, "completes fewer within a day"),
            "share": (0.02, "or this share of them, whichever is more"),
        },
        statuses=ENDED_TOO,
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
)
STATUS_CHANGED = RuleType("status_changed", "Status changed by somebody else", WARNING, fact=True)
STRATEGY_CHANGED = RuleType(
    "strategy_changed", "Re-entry or strategy changed by somebody else", NOTICE, fact=True
)
EDIT_UNCONFIRMED = RuleType("edit_unconfirmed", "A change was not confirmed", WARNING, fact=True)
NO_DATA = RuleType(
    "no_data",
    "No data",
    CRITICAL,
    thresholds={
        "intervals": (3, "polling intervals without fresh data"),
        "minutes": (20, "minutes without fresh data, at least"),
    },
    keep_minutes=0,
)

JUDGED: dict[str, RuleType] = {rule.code: rule for rule in _JUDGED}
RULES: dict[str, RuleType] = JUDGED | {
    rule.code: rule
    for rule in (CPI_CHANGED, STATUS_CHANGED, STRATEGY_CHANGED, EDIT_UNCONFIRMED, NO_DATA)
}
