"""What the catalogue states of a rule: everything but the code of its judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from dashboard.alerts.rules.state_machine import Delays
from dashboard.alerts.rules.verdict import Describe, Judge, Settings

LIVE = frozenset({"live"})
KEEP = 30  # minutes for which a figure must be clear before its incident resolves


class HelpForm(StrEnum):
    """A form that may help with an incident, by its name in addresses."""

    CPI = "cpi"
    DATES = "dates"
    GOALS = "goals"
    DETAILS = "details"
    BUDGET = "budget"
    RESUME = "resume"  # a button on the group's page
    CONNECTION = "connection"  # a page for administrators only


class RuleFigure(StrEnum):
    """The figure of a group that an incident's chart draws."""

    LOI = "loi"
    INCIDENCE = "ir"
    CONVERSION = "conversion"
    DROP_OFF = "drop_off"
    EPC = "epc"
    CPI = "cpi"
    COMPLETES = "completes"
    SPEND = "spend"


class Scale(StrEnum):
    """What the thresholds of a rule refer to, so that an incident's chart can draw them."""

    FIGURE = "figure"  # a threshold is the figure itself
    BID_LOI = "bid_loi"  # a multiple of the bid LOI
    BID_INCIDENCE = "bid_incidence"  # a share of the bid IR
    BUDGET = "budget"  # a share of the budget
    USD = "usd"  # an amount in USD; in other currencies a share of the median, not drawn
    GOAL = "goal"  # no threshold is drawn, the goal is
    ABOVE_GOAL = (
        "above_goal"  # the goal that the exchange fills, and how far above it the rule alerts
    )


class JudgedFigure(NamedTuple):
    """The figure that a rule evaluates; without a scale its thresholds are not drawn."""

    figure: RuleFigure
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class ReplayTraits:
    """How a rule is replayed over past days, and which assumptions that needs."""

    by_forecast: bool = False  # with forecasts computed as of then
    by_samples: bool = False  # and with the samples of the days before
    by_usual_epc: bool = False  # in other currencies against the median EPC as of then
    issue: str = ""  # the exchange's type of issue; taken from the incidents of then
    timed: bool = False  # time alone can breach or clear it
    # The exchange's own series and changelog cover it, also before the first reading.
    before_first_reading: bool = False
    assumed: tuple[
        str, ...
    ] = ()  # sentences: what is not known as of then, and what is used instead


class Threshold(NamedTuple):
    """A number of a rule: its default, its sentence with {} for it, whether it is a share (0–1)."""

    default: float
    sentence: str
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class RuleType:
    """A rule: what it evaluates, its numbers, its delays, and the forms that can help."""

    code: str
    title: str
    severity: int
    judge: Judge | None = None  # None: not about a group's figures, see `detect`, `changelog`
    describe: Describe | None = None
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    for_minutes: int = 0
    keep_minutes: int = KEEP
    statuses: frozenset[str] = LIVE  # in any other status its incident closes, but not as recovered
    fact: bool = False  # one observation is enough to alert
    helps: tuple[HelpForm, ...] = ()  # the forms that can help, the likeliest first
    figure: JudgedFigure | None = None  # None: the chart shows completes per hour
    replays: ReplayTraits = ReplayTraits()

    @property
    def defaults(self) -> dict[str, float]:
        """Return the default of every number that can be edited."""
        numbers = {name: threshold.default for name, threshold in self.thresholds.items()}
        return numbers | {"for_minutes": self.for_minutes, "keep_minutes": self.keep_minutes}

    @property
    def needs_budget(self) -> bool:
        """Return whether the rule needs a budget to evaluate a group."""
        return "budget" in self.thresholds

    def delays_of(self, settings: Settings) -> Delays:
        """Return how long this rule waits before it alerts and before it resolves."""
        return Delays(
            timedelta(minutes=settings["for_minutes"]),
            timedelta(minutes=settings["keep_minutes"]),
            readings=1 if self.fact else 2,
        )
