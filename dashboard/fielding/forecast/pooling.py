"""What groups that are well on their way tell of one that has just begun.

Two numbers of each group: its *level*, completes a day over those of an even plan, and its
*fade*, the rate after its first day over the rate on it. The log of each is the sum of what the
account, the country and the project have in common and of what is the group's own; the parts
are means drawn to nothing by as much as groups differ anyway, the country's within the account,
the project's within both (a hierarchical normal model with known ratios of variances: Gelman &
Hill, Data Analysis Using Regression and Multilevel/Hierarchical Models, 2007, chapter 12).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dashboard.fielding.series.readings import Floats
from dashboard.fielding.series.weekly_shape import Prior

ACCOUNT_WORTH = 4.0  # groups that "level 1, usual fade" is worth
COUNTRY_WORTH = 4.0  # groups of a country that the account's mean is worth
PROJECT_WORTH = 1.5  # groups of a project that the account's and the country's are worth
USUAL_FADE, USUAL_VARIES = -0.25, 0.7  # logs: of real fields (docs/insight.md)
VARIES_WORTH = 6.0  # groups that the usual spread is worth
_SMALLEST = 1e-2


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group that ran for three days or more: its project and country, completes a day over
    those of an even plan, completes a day after its first day over those on it."""

    project: str
    country: str
    level: float
    fade: float


@dataclass(frozen=True, slots=True)
class PooledLogs:
    """What the groups of an account tell of the log of one number: its mean in the account, in
    each country, what each project adds to that, and how far groups are apart beyond it (sd)."""

    account: float
    countries: Mapping[str, float]
    projects: Mapping[str, float]
    spread: float

    def mean(self, *, project: str, country: str) -> float:
        """The mean to expect of a group."""
        return self.countries.get(country, self.account) + self.projects.get(project, 0.0)


def pool_levels(records: Sequence[GroupRecord]) -> PooledLogs:
    """What groups tell of the log of the level."""
    return _pooled(records, [record.level for record in records], 0.0)


def pool_fades(records: Sequence[GroupRecord]) -> PooledLogs:
    """What groups tell of the log of the fade."""
    return _pooled(records, [record.fade for record in records], USUAL_FADE)


def pool_records(
    records: Sequence[GroupRecord], prior: Prior, *, project: str, country: str, planned: float
) -> Prior:
    """The prior of a group of a project and a country, with what other groups tell of its
    completes a day, its fade and how far groups are apart; `planned`: completes a day by an even
    plan. Without records the prior is as it was."""
    if not records:
        return prior
    fades = pool_fades(records)
    level = pool_levels(records).mean(project=project, country=country)
    fade = fades.mean(project=project, country=country)
    return replace(
        prior,
        daily=planned * float(np.exp(level)),
        fade=float(np.exp(fade)),
        varies=fades.spread,
    )


def _pooled(records: Sequence[GroupRecord], values: Sequence[float], usual: float) -> PooledLogs:
    """The parts of the logs of values of one or more groups."""
    logs = np.log(np.maximum(np.array(values), _SMALLEST))
    projects, countries = (
        np.array(names) for names in zip(*((r.project, r.country) for r in records), strict=True)
    )
    account = _drawn(logs, usual, ACCOUNT_WORTH)
    by_country = {
        str(c): _drawn(logs[countries == c], account, COUNTRY_WORTH) for c in set(countries)
    }
    base = np.array([by_country[str(c)] for c in countries])
    by_project = {
        str(p): _drawn((logs - base)[projects == p], 0.0, PROJECT_WORTH) for p in set(projects)
    }
    left = logs - base - np.array([by_project[str(p)] for p in projects])
    spread = (left**2).sum() + VARIES_WORTH * USUAL_VARIES**2
    return PooledLogs(
        account, by_country, by_project, float(np.sqrt(spread / (left.size + VARIES_WORTH)))
    )


def _drawn(logs: Floats, to: float, worth: float) -> float:
    """The mean of logs, drawn to another one by its worth in groups."""
    return float((logs.sum() + worth * to) / (logs.size + worth))
