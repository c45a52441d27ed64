"""Pause risk: the chance that the exchange pauses a group by itself within two days.

The exchange publishes its reasons but not its thresholds. Each rule maps one figure to the share of
groups that were paused for that reason within 48 hours, as measured on the simulated exchange
(`bench/forecast/pause_risk.py`): of the groups that score 0.7, about 70 % are paused. Scales that
could not be measured there are marked. A rule without its figure has no score.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from dashboard.fielding.insight.indicators import Indicators

LINE = 0.6  # from here on a risk counts as likely
HORIZON = 48  # hours
EXPECTED = frozenset({"total_completes_reached"})  # the purpose of the group: nothing to warn of
Scale = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class PauseRisk:
    """The risk of a pause for a reason: its score 0 to 1 (None: no figure for it) and its text."""

    reason_code: str
    score: float | None
    template: str
    value: float | None = None

    @property
    def sentence(self) -> str:
        """Return the figure behind the risk as text."""
        text = self.template.format(self.value)
        return text.replace("% points", " percentage points").replace("%", " %")


@dataclass(frozen=True, slots=True)
class PauseRule:
    """A figure of a group and the risk at its values; `measured`: on the simulated exchange."""

    reason_code: str
    template: str
    figure: Callable[[Indicators], float | None]
    scale: Scale
    measured: bool = True

    def risk(self, indicators: Indicators) -> PauseRisk:
        """Return the risk by this rule."""
        value = self.figure(indicators)
        if value is None:
            return PauseRisk(self.reason_code, None, "no figure available")
        return PauseRisk(
            self.reason_code, round(_interpolate(self.scale, value), 3), self.template, value
        )


def _interpolate(scale: Scale, value: float) -> float:
    """Return the share at a value, linear between the points of the scale, constant beyond."""
    low = scale[0]
    for high in scale:
        if value < high[0]:
            if high is low:
                return high[1]
            return low[1] + (high[1] - low[1]) / (high[0] - low[0]) * (value - low[0])
        low = high
    return low[1]


def _cpi_of_limit(indicators: Indicators) -> float | None:
    return (
        float(indicators.cpi / indicators.cpi_limit)
        if indicators.cpi is not None and indicators.cpi_limit
        else None
    )


def _chance_to_miss(indicators: Indicators) -> float | None:
    """Return the chance to miss the goal if the end date is within the horizon, else 0."""
    if indicators.hours_left is None:
        return None
    if indicators.hours_left > HORIZON:
        return 0.0
    return 1 - indicators.chance if indicators.chance is not None else 0.5


def _hours_to_goal(indicators: Indicators) -> float | None:
    """Return the hours until the goal at the expected rate."""
    if indicators.goal is None or indicators.completes is None:
        return None
    if indicators.completes >= indicators.goal:
        return 0.0
    return (
        (indicators.goal - indicators.completes) / indicators.completes_an_hour
        if indicators.completes_an_hour
        else None
    )


def _prescreens_without_any_complete(indicators: Indicators) -> float | None:
    """Return the prescreens of a group without any complete."""
    return (
        float(indicators.prescreens)
        if indicators.completes == 0 and indicators.prescreens is not None
        else None
    )


def _missing_completes(indicators: Indicators) -> float | None:
    """Return the completes expected from the prescreens since the last complete."""
    if (
        not indicators.completes
        or indicators.completes_lately is None
        or indicators.prescreens_lately is None
    ):
        return None
    if indicators.completes_lately or not indicators.ir_expected:
        return 0.0
    return indicators.prescreens_lately * indicators.ir_expected


def _recent_ir_ratio(indicators: Indicators) -> float | None:
    """Return the IR of the last hours over that since launch."""
    if (
        indicators.ir_lately is None
        or not indicators.ir
        or (indicators.prescreens_lately or 0) * indicators.ir < 5
    ):
        return None
    return indicators.ir_lately / indicators.ir


def _drop_off_rise(indicators: Indicators) -> float | None:
    """Return the drop-off of the last hours minus that since launch."""
    if (
        indicators.drop_off_lately is None
        or indicators.drop_off is None
        or (indicators.prescreens_lately or 0) < 12
    ):
        return None
    return indicators.drop_off_lately - indicators.drop_off


def _recent_loi_ratio(indicators: Indicators) -> float | None:
    """Return the LOI of the last hours over that since launch."""
    if (
        indicators.loi_lately is None
        or not indicators.loi_seconds
        or (indicators.completes_lately or 0) < 2
    ):
        return None
    return indicators.loi_lately / indicators.loi_seconds


_FAULTS: Scale = ((0.03, 0.0), (0.25, 0.7), (0.4, 0.9))

RULES: tuple[PauseRule, ...] = (
    PauseRule(
        "max_cpi_limit_reached",
        "CPI is {:.0%} of the limit",
        _cpi_of_limit,
        ((0.9, 0.0), (1.0, 0.5)),
        measured=False,
    ),
    PauseRule("live_respondent_unique_codes_exhausted", "", lambda _: None, ((0.0, 0.0),)),
    PauseRule(
        "past_scheduled_end_date",
        "end date within 48 h, {:.0%} chance of missing the goal",
        _chance_to_miss,
        ((0.0, 0.0), (0.05, 0.03), (0.2, 0.06), (0.4, 0.28), (0.5, 0.75), (0.8, 0.78), (1.0, 0.93)),
    ),
    PauseRule(
        "total_completes_reached",
        "{:.0f} h to the goal at this rate",
        _hours_to_goal,
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
        lambda indicators: indicators.soft_launch_hours_left,
        ((47, 0.97), (49, 0.0)),
    ),
    PauseRule(
        "no_completes_in_several_days",
        "no completes for {:.0f} live hours",
        lambda indicators: indicators.hours_silent,
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
        "{:.0f} prescreens, no completes",
        _prescreens_without_any_complete,
        ((60, 0.0), (125, 0.3), (200, 0.7), (250, 1.0)),
        measured=False,
    ),
    PauseRule(
        "no_completes_after_many_prescreens",
        "none of about {:.0f} completes expected from the prescreens",
        _missing_completes,
        ((2, 0.0), (8, 0.03), (20, 0.1), (40, 0.3)),
    ),
    PauseRule(
        "high_median_loi",
        "recent LOI {:.1f} × the LOI since launch",
        _recent_loi_ratio,
        ((1.5, 0.0), (1.9, 0.05), (2.1, 0.18), (2.6, 0.2)),
    ),
    PauseRule(
        "excessive_redirect_errors",
        "{:.0%} redirect errors",
        lambda indicators: indicators.share("redirect"),
        _FAULTS,
        measured=False,
    ),
    PauseRule(
        "excessive_redirect_errors",
        "share of respondents who do not return up {:.0%} points",
        _drop_off_rise,
        ((0.3, 0.0), (0.5, 0.06), (0.58, 0.2), (0.65, 0.4), (0.75, 0.5)),
    ),
    PauseRule(
        "excessive_encryption_errors",
        "{:.0%} encryption errors",
        lambda indicators: indicators.share("encryption"),
        _FAULTS,
        measured=False,
    ),
    PauseRule(
        "excessive_qualification_setup_errors",
        "{:.0%} qualification setup errors",
        lambda indicators: indicators.share("setup"),
        _FAULTS,
        measured=False,
    ),
    PauseRule(
        "high_drop_rates",
        "drop-off up {:.0%} points",
        _drop_off_rise,
        ((0.3, 0.0), (0.37, 0.08), (0.45, 0.13), (0.5, 0.05), (0.6, 0.0)),
    ),
    PauseRule(
        "low_epc",
        "recent IR at {:.0%} of the IR since launch, which lowers the EPC",
        _recent_ir_ratio,
        ((0.05, 0.0), (0.12, 0.1), (0.18, 0.22), (0.25, 0.2), (0.35, 0.04), (0.5, 0.0)),
    ),
    PauseRule(
        "high_client_side_termination_rate",
        "recent IR at {:.0%} of the IR since launch",
        _recent_ir_ratio,
        ((0.0, 0.06), (0.3, 0.06), (0.5, 0.0)),
    ),
)


def pause_risks(indicators: Indicators) -> list[PauseRisk]:
    """Return the risk of each reason, the highest first; those without a figure last.

    If two rules have the same reason, the higher risk counts. Every score of a group that is not
    live is 0.
    """
    if indicators.status != "live":
        by_rule: Iterable[PauseRisk] = (
            PauseRisk(rule.reason_code, 0.0, "the group is not live") for rule in RULES
        )
    else:
        by_rule = (rule.risk(indicators) for rule in RULES)
    risks = [
        max(same_reason, key=_sort_key)
        for _, same_reason in groupby(by_rule, key=lambda risk: risk.reason_code)
    ]
    return sorted(risks, key=_sort_key, reverse=True)


def _sort_key(risk: PauseRisk) -> float:
    return -1.0 if risk.score is None else risk.score
