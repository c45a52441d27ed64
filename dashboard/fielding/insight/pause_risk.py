"""Early warning: how likely the exchange is to pause a group by itself within two days.

The exchange names its reasons but not its thresholds. Each rule reads one number of ours and a
scale from it to the share of groups that were paused for that reason within 48 hours, as it was
counted on the simulated exchange (`bench/forecast/pause_risk.py`): of those that score 0.7, about
70 % are. Scales that could not be counted there say so. What a rule cannot see it does not score.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from dashboard.fielding.insight.indicators import Indicators

LINE = 0.6  # from here on a PM is told
HORIZON = 48  # hours
EXPECTED = frozenset({"total_completes_reached"})  # what was wanted: nothing to warn of
Scale = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class PauseRisk:
    """reason_code of the pause, its score 0–1 (None: not visible in our numbers), in words."""

    reason_code: str
    score: float | None
    words: str
    value: float | None = None

    @property
    def says(self) -> str:
        """The number that tells of it, in words."""
        return self.words.format(self.value).replace("%", " %")


@dataclass(frozen=True, slots=True)
class PauseRule:
    """A number of a group and how likely the pause is at it; `counted`: on the simulator."""

    reason_code: str
    says: str
    measure: Callable[[Indicators], float | None]
    scale: Scale
    counted: bool = True

    def risk(self, vitals: Indicators) -> PauseRisk:
        """The score of this rule, with its number in words."""
        value = self.measure(vitals)
        if value is None:
            return PauseRisk(self.reason_code, None, "not visible in the numbers at hand")
        return PauseRisk(self.reason_code, round(_at(self.scale, value), 3), self.says, value)


def _at(scale: Scale, value: float) -> float:
    """The share at a value, on the line between the points around it; beyond them the last one."""
    low = scale[0]
    for high in scale:
        if value < high[0]:
            if high is low:
                return high[1]
            return low[1] + (high[1] - low[1]) / (high[0] - low[0]) * (value - low[0])
        low = high
    return low[1]


def _price(v: Indicators) -> float | None:
    return float(v.cpi / v.cpi_limit) if v.cpi is not None and v.cpi_limit else None


def _ending(v: Indicators) -> float | None:
    """The chance to miss the goal, once the end is within the horizon; before that none."""
    if v.hours_left is None:
        return None
    if v.hours_left > HORIZON:
        return 0.0
    return 1 - v.chance if v.chance is not None else 0.5


def _filling(v: Indicators) -> float | None:
    """Hours until the goal at the rate that is to be expected."""
    if v.goal is None or v.completes is None:
        return None
    if v.completes >= v.goal:
        return 0.0
    return (v.goal - v.completes) / v.completes_an_hour if v.completes_an_hour else None


def _never(v: Indicators) -> float | None:
    """Prescreens of a group that has no complete at all."""
    return float(v.prescreens) if v.completes == 0 and v.prescreens is not None else None


def _barren(v: Indicators) -> float | None:
    """Completes that the prescreens since the last complete should have brought."""
    if not v.completes or v.completes_lately is None or v.prescreens_lately is None:
        return None
    if v.completes_lately or not v.ir_expected:
        return 0.0
    return v.prescreens_lately * v.ir_expected


def _qualifying(v: Indicators) -> float | None:
    """Incidence of the last hours over that of the whole life."""
    if v.ir_lately is None or not v.ir or (v.prescreens_lately or 0) * v.ir < 5:
        return None
    return v.ir_lately / v.ir


def _leaving(v: Indicators) -> float | None:
    """By how much more drop off in the last hours than over the whole life."""
    if v.drop_off_lately is None or v.drop_off is None or (v.prescreens_lately or 0) < 12:
        return None
    return v.drop_off_lately - v.drop_off


def _lengthening(v: Indicators) -> float | None:
    """LOI of the last hours over that of the whole life."""
    if v.loi_lately is None or not v.loi_seconds or (v.completes_lately or 0) < 2:
        return None
    return v.loi_lately / v.loi_seconds


_FAULTS: Scale = ((0.03, 0.0), (0.25, 0.7), (0.4, 0.9))

RULES: tuple[PauseRule, ...] = (
    PauseRule(
        "max_cpi_limit_reached",
        "CPI is {:.0%} of the limit",
        _price,
        ((0.9, 0.0), (1.0, 0.5)),
        counted=False,
    ),
    PauseRule("live_respondent_unique_codes_exhausted", "", lambda _: None, ((0.0, 0.0),)),
    PauseRule(
        "past_scheduled_end_date",
        "the end is near and the goal is missed by {:.0%} of all chances",
        _ending,
        ((0.0, 0.0), (0.05, 0.03), (0.2, 0.06), (0.4, 0.28), (0.5, 0.75), (0.8, 0.78), (1.0, 0.93)),
    ),
    PauseRule(
        "total_completes_reached",
        "{:.0f} h to the goal at this rate",
        _filling,
        (
            (0, 0.97),
            (12, 0.93),
            (24, 0.86),
            (36, 0.72),
            (48, 0.42),
            (54, 0.24),
            (66, 0.06),
            (84, 0.01),
            (100, 0.0),
        ),
    ),
    PauseRule(
        "past_soft_launch_end_date",
        "{:.0f} h to the end of the soft launch",
        lambda v: v.soft_launch_hours_left,
        ((47, 0.97), (49, 0.0)),
    ),
    PauseRule(
        "no_completes_in_several_days",
        "no complete for {:.0f} live hours",
        lambda v: v.hours_silent,
        (
            (12, 0.0),
            (18, 0.02),
            (24, 0.06),
            (30, 0.14),
            (36, 0.2),
            (42, 0.27),
            (48, 0.37),
            (54, 0.5),
            (60, 0.62),
            (66, 0.76),
            (72, 0.9),
        ),
    ),
    PauseRule(
        "no_completes_after_many_prescreens",
        "{:.0f} prescreens, no complete",
        _never,
        ((60, 0.0), (125, 0.3), (200, 0.7), (250, 1.0)),
        counted=False,
    ),
    PauseRule(
        "no_completes_after_many_prescreens",
        "none of {:.0f} completes that the prescreens should have brought",
        _barren,
        ((2, 0.0), (8, 0.03), (20, 0.1), (40, 0.3)),
    ),
    PauseRule(
        "high_median_loi",
        "interviews of late take {:.1f} × as long as before",
        _lengthening,
        ((1.5, 0.0), (1.9, 0.05), (2.1, 0.18), (2.6, 0.2)),
    ),
    PauseRule(
        "excessive_redirect_errors",
        "{:.0%} fail in the redirect",
        lambda v: v.share("redirect"),
        _FAULTS,
        counted=False,
    ),
    PauseRule(
        "excessive_redirect_errors",
        "{:.0%} more than before do not come back",
        _leaving,
        ((0.3, 0.0), (0.5, 0.06), (0.58, 0.2), (0.65, 0.4), (0.75, 0.5)),
    ),
    PauseRule(
        "excessive_encryption_errors",
        "{:.0%} fail in encryption",
        lambda v: v.share("encryption"),
        _FAULTS,
        counted=False,
    ),
    PauseRule(
        "excessive_qualification_setup_errors",
        "{:.0%} fail in the set-up",
        lambda v: v.share("setup"),
        _FAULTS,
        counted=False,
    ),
    PauseRule(
        "high_drop_rates",
        "{:.0%} more than before drop off",
        _leaving,
        ((0.3, 0.0), (0.37, 0.08), (0.45, 0.13), (0.5, 0.05), (0.6, 0.0)),
    ),
    PauseRule(
        "low_epc",
        "{:.0%} of the usual share complete, and EPC falls with it",
        _qualifying,
        ((0.05, 0.0), (0.12, 0.1), (0.18, 0.22), (0.25, 0.2), (0.35, 0.04), (0.5, 0.0)),
    ),
    PauseRule(
        "high_client_side_termination_rate",
        "{:.0%} of the usual share are not terminated",
        _qualifying,
        ((0.0, 0.06), (0.3, 0.06), (0.5, 0.0)),
    ),
)


def pause_risks(vitals: Indicators) -> list[PauseRisk]:
    """The risk of each pause by the exchange, highest first; invisible ones last.

    Where two numbers tell of one reason the graver counts. A group that is not live is beyond
    warning: every score is 0.
    """
    if vitals.status != "live":
        by_rule: Iterable[PauseRisk] = (
            PauseRisk(r.reason_code, 0.0, "the group is not live") for r in RULES
        )
    else:
        by_rule = (rule.risk(vitals) for rule in RULES)
    risks = [
        max(same_reason, key=_gravity)
        for _, same_reason in groupby(by_rule, key=lambda risk: risk.reason_code)
    ]
    return sorted(risks, key=_gravity, reverse=True)


def _gravity(risk: PauseRisk) -> float:
    return -1.0 if risk.score is None else risk.score
