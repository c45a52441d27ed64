"""What a rule says of itself: one entry of the catalogue holds everything but its judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from dashboard.alerts.rules.state_machine import Delays
from dashboard.alerts.rules.verdict import Judge, Say, Settings

LIVE = frozenset({"live"})
KEEP = 30  # minutes that a figure stays clear before its incident ends


class HelpForm(StrEnum):
    """A form that may help with an incident, by its name in addresses."""

    CPI = "cpi"
    DATES = "dates"
    GOALS = "goals"
    DETAILS = "details"
    BUDGET = "budget"
    RESUME = "resume"  # a button of the group's page
    CONNECTION = "connection"  # a page for administrators alone


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
    """What the thresholds of a rule are drawn against on an incident's chart."""

    FIGURE = "figure"  # a threshold is the figure itself
    AGREED_LOI = "agreed_loi"  # a share of the agreed length of interview
    AGREED_INCIDENCE = "agreed_incidence"  # a share of the agreed incidence
    BUDGET = "budget"  # a share of the budget
    USD = "usd"  # an amount in USD; in other currencies a share of what is usual, not drawn
    GOAL = "goal"  # no threshold is drawn, the goal is
    ABOVE_GOAL = "above_goal"  # the goal that the exchange fills, and how far above it fires


class JudgedFigure(NamedTuple):
    """The figure that a rule judges; without a scale its thresholds are not drawn."""

    figure: RuleFigure
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class ReplayTraits:
    """How a rule is judged over days that are past, and what then has to be assumed."""

    by_forecast: bool = False  # its forecasts are worked out anew for then
    by_samples: bool = False  # and the samples of the last days with them
    by_usual_epc: bool = False  # other currencies are held against the usual EPC of then
    issue: str = ""  # the exchange's code of the issue; taken from the incidents of then
    timed: bool = False  # time alone can break it, or clear it
    # The exchange's own series and changelog hold it, also from before the first reading.
    before_first_reading: bool = False
    assumed: tuple[str, ...] = ()  # sentences: what of then is not known, and what stands in


@dataclass(frozen=True, slots=True)
class RuleType:
    """A rule: what it judges, its thresholds as (number, what the number is), its patience."""

    code: str
    title: str
    severity: int
    judge: Judge | None = None  # None: not a group's figures, see `detect` and `changelog`
    say: Say | None = None
    thresholds: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    for_minutes: int = 0
    keep_minutes: int = KEEP
    statuses: frozenset[str] = LIVE  # in any other its incident closes, not as recovered
    fact: bool = False  # one observation is enough
    helps: tuple[HelpForm, ...] = ()  # the forms that may help, the likeliest first
    figure: JudgedFigure | None = None  # None: the chart shows completes per hour
    replays: ReplayTraits = ReplayTraits()

    @property
    def defaults(self) -> dict[str, float]:
        """Every number that can be edited, as it ships."""
        numbers = {name: number for name, (number, _) in self.thresholds.items()}
        return numbers | {"for_minutes": self.for_minutes, "keep_minutes": self.keep_minutes}

    @property
    def needs_budget(self) -> bool:
        """Whether the rule says nothing of a group that has no budget."""
        return "budget" in self.thresholds

    def patience(self, settings: Settings) -> Delays:
        """How long this rule waits, both ways."""
        return Delays(
            timedelta(minutes=settings["for_minutes"]),
            timedelta(minutes=settings["keep_minutes"]),
            readings=1 if self.fact else 2,
        )
