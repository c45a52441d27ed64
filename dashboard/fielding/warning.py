"""Early warning: how near a group is to each pause that the exchange makes by itself.

The exchange names its reasons but not its thresholds. Each rule maps one number of ours from
"nothing to see" to "as good as paused" on a straight line; the ends are guidance of the
marketplace and the simulated exchange's own rules. What a rule cannot see it does not score.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.fielding.vitals import Vitals

LINE = 0.6  # from here on a PM is told


@dataclass(frozen=True, slots=True)
class Risk:
    """reason_code of the pause, its score 0–1 (None: not visible in our numbers), in words."""

    reason_code: str
    score: float | None
    says: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A number of a group, where it begins to worry and where the pause is as good as there."""

    reason_code: str
    says: str
    measure: Callable[[Vitals], float | None]
    begins: float
    certain: float

    def risk(self, vitals: Vitals) -> Risk:
        """The score of this rule, with its number in words."""
        value = self.measure(vitals)
        if value is None:
            return Risk(self.reason_code, None, "not visible in the numbers at hand")
        score = (value - self.begins) / (self.certain - self.begins)
        return Risk(self.reason_code, round(min(1.0, max(0.0, score)), 3), self.says.format(value))


def _when(number: int | None, least: int, value: float | None) -> float | None:
    """The value once there are enough people behind it."""
    return value if number is not None and number >= least else None


def _price(v: Vitals) -> float | None:
    return float(v.cpi / v.cpi_limit) if v.cpi is not None and v.cpi_limit else None


def _ending(v: Vitals) -> float | None:
    """Hours left, if the goal will hardly be met by then."""
    if v.hours_left is None:
        return None
    return v.hours_left if v.chance is None or v.chance < 0.5 else 1000.0


def _filling(v: Vitals) -> float | None:
    """Hours until the goal at the present rate."""
    if v.goal is None or v.completes is None:
        return None
    if v.completes >= v.goal:
        return 0.0
    return (v.goal - v.completes) / v.completes_an_hour if v.completes_an_hour else None


def _barren(v: Vitals) -> float | None:
    """Prescreens without a single complete."""
    if v.prescreens is None or v.completes is None:
        return None
    if v.completes == 0:
        return float(v.prescreens)
    return float(v.prescreens_lately or 0) / 2 if v.hours_silent and v.hours_silent >= 24 else 0.0


def _epc(v: Vitals) -> float | None:
    """EPC in dollars; elsewhere as a share of the usual EPC, scaled to a healthy 0.25."""
    if v.epc is None or v.entrants is None or v.entrants < 50:
        return None
    if v.currency == "USD":
        return float(v.epc)
    return 0.25 * float(v.epc / v.epc_usual) if v.epc_usual else None


def _terminated(v: Vitals) -> float | None:
    """Client terminations among those sent to the survey, beyond what the agreed IR explains."""
    if v.prescreens is None or v.prescreens < 50 or v.ir is None:
        return None
    return (1 - v.ir) / max(0.05, 1 - (v.ir_expected if v.ir_expected is not None else 0.3))


RULES: tuple[Rule, ...] = (
    Rule("max_cpi_limit_reached", "CPI is {:.0%} of the limit", _price, 0.85, 1.0),
    Rule("live_respondent_unique_codes_exhausted", "", lambda _: None, 0.0, 1.0),
    Rule("past_scheduled_end_date", "{:.0f} h to the end, goal out of reach", _ending, 48, 0),
    Rule("total_completes_reached", "{:.0f} h to the goal at this rate", _filling, 24, 0),
    Rule(
        "past_soft_launch_end_date",
        "{:.0f} h to the end of the soft launch",
        lambda v: v.soft_launch_hours_left,
        24,
        0,
    ),
    Rule(
        "no_completes_in_several_days",
        "no complete for {:.0f} live hours",
        lambda v: v.hours_silent,
        12,
        60,
    ),
    Rule("no_completes_after_many_prescreens", "{:.0f} prescreens, no complete", _barren, 40, 200),
    Rule(
        "high_median_loi",
        "interviews take {:.2f} × the agreed length",
        lambda v: _when(v.completes, 10, v.loi_ratio),
        1.2,
        2.0,
    ),
    Rule(
        "excessive_redirect_errors",
        "{:.0%} fail in the redirect",
        lambda v: v.share("redirect"),
        0.03,
        0.25,
    ),
    Rule(
        "excessive_encryption_errors",
        "{:.0%} fail in encryption",
        lambda v: v.share("encryption"),
        0.03,
        0.25,
    ),
    Rule(
        "excessive_qualification_setup_errors",
        "{:.0%} fail in the set-up",
        lambda v: v.share("setup"),
        0.03,
        0.25,
    ),
    Rule(
        "high_drop_rates",
        "{:.0%} drop off",
        lambda v: _when(v.entrants, 50, v.drop_off),
        0.25,
        0.5,
    ),
    Rule("low_epc", "EPC is worth {:.2f} USD", _epc, 0.2, 0.05),
    Rule(
        "high_client_side_termination_rate",
        "{:.1f} × the agreed share is terminated by the client",
        _terminated,
        1.15,
        1.6,
    ),
)


def warnings(vitals: Vitals) -> list[Risk]:
    """The risk of each pause by the exchange, highest first; invisible ones last.

    A group that is not live is beyond warning: every score is 0.
    """
    if vitals.status != "live":
        return [Risk(rule.reason_code, 0.0, "the group is not live") for rule in RULES]
    risks = [rule.risk(vitals) for rule in RULES]
    return sorted(risks, key=lambda risk: -1.0 if risk.score is None else risk.score, reverse=True)
