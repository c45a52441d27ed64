"""How completes follow CPI: the elasticity of a group, pooled from every change that was measured.

An elasticity is the log of completes an hour, after over before, per log of CPI. A group has what
its account, its country and its audience have, and a part of its own; each part is normal around
nothing, as far as groups differ anyway (a linear mixed model with known variances: Gelman & Hill,
Data Analysis Using Regression and Multilevel/Hierarchical Models, 2007, chapter 12). Where the
normal distribution goes below zero, price does nothing: completes never fall with a raise.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, log, sqrt

import numpy as np

from dashboard.fielding.series.readings import Floats

USUAL, USUAL_SPREAD = 0.8, 0.6  # of the account, before anything was measured
COUNTRY_SPREAD, AUDIENCE_SPREAD, OWN_SPREAD = 0.45, 0.3, 0.25
MARKET_MOVES = 0.08  # sd of a log ratio that competitors bring: no measured change is surer
LEAST_MOVE = 0.02  # of the log of CPI: a smaller change says nothing
OF_ITS_OWN = 0.25  # of the range of a what-if point: what it does not share with other prices
LEAST_SIGHT = 0.03  # error of the log of a what-if point, however narrow its range
WHAT_IF_ERROR = 0.4  # of an elasticity from the exchange's own estimate, at least
RANGE_IN_SD = 2.563  # from p10 to p90, in standard deviations


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """A change of CPI whose effect was measured: logs of CPI and of completes an hour, new over
    old, with the standard error of the latter."""

    group: str
    country: str
    audience: str
    log_price: float
    log_rate: float
    error: float


@dataclass(frozen=True, slots=True)
class Elasticity:
    """Log completes an hour per log CPI: a normal distribution, of which what is below 0 is 0."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class PricePoint:
    """What the exchange expects of the group at a CPI: completes, from low to high."""

    cpi: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PriceEvidence:
    """How many measured changes of CPI, and points of the exchange's what-if, an elasticity rests
    on: of the group, of other groups in its country, of groups in other countries."""

    own: int = 0
    country: int = 0
    elsewhere: int = 0
    what_if: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured, so that only the usual range is known."""
        return not (self.own or self.country or self.elsewhere or self.what_if)


@dataclass(frozen=True, slots=True)
class PooledElasticities:
    """What the changes of an account tell: parts of account, countries and audiences (means and
    covariance, in the order of `names`), each group's own elasticity, and how many changes."""

    names: Mapping[str, int]
    mean: Floats
    covariance: Floats
    groups: Mapping[str, Elasticity]
    changes: Mapping[str, int]
    changes_in_country: Mapping[str, int]

    def elasticity(self, country: str, audience: str) -> Elasticity:
        """The elasticity to expect of a group without a change of its own."""
        mean, variance = self._parts(country, audience)
        return Elasticity(mean, sqrt(variance + OWN_SPREAD**2))

    def elasticity_of_group(self, group: str, country: str, audience: str) -> Elasticity:
        """The elasticity of a group, with its own changes if it had any."""
        return self.groups.get(group) or self.elasticity(country, audience)

    def evidence(self, group: str, country: str) -> PriceEvidence:
        """What it rests on."""
        own, there = self.changes.get(group, 0), self.changes_in_country.get(country, 0)
        every = sum(self.changes_in_country.values())
        return PriceEvidence(own=own, country=there - own, elsewhere=every - there)

    def _parts(self, country: str, audience: str) -> tuple[float, float]:
        return _sum_of_parts(self.names, self.mean, self.covariance, country, audience)


def pool_changes(changes: Sequence[MeasuredChange]) -> PooledElasticities:
    """Pool the measured changes of one account; those too small to tell anything are left out."""
    moves = [change for change in changes if abs(change.log_price) >= LEAST_MOVE]
    by_group: dict[str, list[MeasuredChange]] = defaultdict(list)
    for change in moves:
        by_group[change.group].append(change)
    firsts = [members[0] for members in by_group.values()]
    names = _name_parts(firsts)
    slopes, variances = _own_slopes(list(by_group.values()))
    design = np.zeros((len(firsts), len(names)))
    for row, change in enumerate(firsts):
        for part in _parts_of(change.country, change.audience):
            design[row, names[part]] = 1.0
    precision = np.diag([1 / _spread_of(name) ** 2 for name in names])
    usual = np.array([USUAL if name == "" else 0.0 for name in names])
    weighted = design.T / (variances + OWN_SPREAD**2)
    covariance = np.asarray(np.linalg.inv(precision + weighted @ design), dtype=np.float64)
    mean = np.asarray(covariance @ (precision @ usual + weighted @ slopes), dtype=np.float64)
    groups = {}
    for change, slope, variance in zip(firsts, slopes, variances, strict=True):
        parts = _sum_of_parts(names, mean, covariance, change.country, change.audience)
        groups[change.group] = _own_elasticity(parts, float(slope), float(variance))
    return PooledElasticities(
        names,
        mean,
        covariance,
        groups,
        {group: len(members) for group, members in by_group.items()},
        Counter(change.country for change in moves),
    )


def add_what_if(elasticity: Elasticity, points: Sequence[PricePoint]) -> Elasticity:
    """The elasticity with the exchange's own estimate, the slope of its points; unchanged with
    fewer than two prices."""
    known = [point for point in points if point.cpi > 0 and point.low >= 0 and point.high > 0]
    if len({point.cpi for point in known}) < 2:
        return elasticity
    prices = np.log([point.cpi for point in known])
    ends = [(log(max(point.low, 0.5)), log(max(point.high, 0.5))) for point in known]
    middles = np.array([(low + high) / 2 for low, high in ends])
    sights = np.array(
        [max(OF_ITS_OWN * (high - low) / RANGE_IN_SD, LEAST_SIGHT) for low, high in ends]
    )
    weights = 1 / sights**2
    prices = prices - np.average(prices, weights=weights)
    information = float((weights * prices**2).sum())
    slope = float((weights * prices * middles).sum()) / information
    return _combine(elasticity, Elasticity(slope, hypot(WHAT_IF_ERROR, 1 / sqrt(information))))


def describe_evidence(evidence: PriceEvidence, country: str) -> str:
    """What an elasticity rests on, in words: "from 3 changes of this group and 41 in Poland"."""
    if evidence.is_empty:
        return "no evidence yet: the usual range"
    parts = []
    if evidence.own:
        parts.append(f"{_count_changes(evidence.own)} of this group")
    if evidence.country:
        parts.append(f"{_count_changes(evidence.country, parts)} in {country}")
    if evidence.elsewhere:
        parts.append(f"{_count_changes(evidence.elsewhere, parts)} elsewhere")
    if evidence.what_if:
        parts.append("Cint's own estimate")
    *rest, last = parts
    return f"from {', '.join(rest)} and {last}" if rest else f"from {last}"


def _count_changes(number: int, before: Sequence[str] = ()) -> str:
    if before:
        return f"{number:,}"
    return "1 change" if number == 1 else f"{number:,} changes"


def _parts_of(country: str, audience: str) -> tuple[str, str, str]:
    return "", f"country {country}", f"audience {audience}"


def _name_parts(changes: Sequence[MeasuredChange]) -> dict[str, int]:
    """The account, its countries and its audiences, numbered."""
    names = {"": 0}
    for change in changes:
        for part in _parts_of(change.country, change.audience):
            names.setdefault(part, len(names))
    return names


def _spread_of(part: str) -> float:
    if part == "":
        return USUAL_SPREAD
    return COUNTRY_SPREAD if part.startswith("country ") else AUDIENCE_SPREAD


def _own_slopes(groups: Sequence[Sequence[MeasuredChange]]) -> tuple[Floats, Floats]:
    """The elasticity that each group's own changes show, and its sampling variance."""
    slopes, variances = np.empty(len(groups)), np.empty(len(groups))
    for row, members in enumerate(groups):
        moves = np.array([change.log_price for change in members])
        rates = np.array([change.log_rate for change in members])
        weights = 1 / (np.array([change.error for change in members]) ** 2 + MARKET_MOVES**2)
        information = float((weights * moves**2).sum())
        slopes[row] = float((weights * moves * rates).sum()) / information
        variances[row] = 1 / information
    return slopes, variances


def _sum_of_parts(
    names: Mapping[str, int], mean: Floats, covariance: Floats, country: str, audience: str
) -> tuple[float, float]:
    """Mean and variance of what account, country and audience have together."""
    parts = _parts_of(country, audience)
    known = [names[part] for part in parts if part in names]
    unknown = sum(_spread_of(part) ** 2 for part in parts if part not in names)
    variance = float(covariance[np.ix_(known, known)].sum()) + unknown
    return float(mean[known].sum()), variance


def _own_elasticity(parts: tuple[float, float], slope: float, variance: float) -> Elasticity:
    """The elasticity of a group: its own slope, drawn to what its parts have."""
    mean, uncertainty = parts
    worth = OWN_SPREAD**2 / (OWN_SPREAD**2 + variance)
    left = OWN_SPREAD**2 * (1 - worth) + (1 - worth) ** 2 * uncertainty
    return Elasticity(worth * slope + (1 - worth) * mean, sqrt(left))


def _combine(first: Elasticity, second: Elasticity) -> Elasticity:
    """Two independent estimates of the same elasticity."""
    weights = 1 / first.sd**2, 1 / second.sd**2
    mean = (weights[0] * first.mean + weights[1] * second.mean) / sum(weights)
    return Elasticity(mean, 1 / sqrt(sum(weights)))
