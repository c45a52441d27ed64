"""What groups that are well on their way tell of one that has just begun.

Two numbers of each group: its *level*, completes a day over those of an even plan, and its
*fade*, the rate after its first day over the rate on it. The log of each is the sum of what the
account, the country and the project have in common and of what is the group's own; the parts
are means drawn to nothing by as much as groups differ anyway, the country's within the account,
the project's within both (a hierarchical normal model with known ratios of variances: Gelman &
Hill, Data Analysis Using Regression and Multilevel/Hierarchical Models, 2007, chapter 12).
"""

from collections.abc import Sequence
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


def pool_records(
    records: Sequence[GroupRecord], prior: Prior, *, project: str, country: str, planned: float
) -> Prior:
    """The prior of a group of a project and a country, with what other groups tell of its
    completes a day, its fade and how far groups are apart; `planned`: completes a day by an even
    plan. Without records the prior is as it was."""
    if not records:
        return prior
    level, _ = _pooled(records, [r.level for r in records], project, country, 0.0)
    fade, varies = _pooled(records, [r.fade for r in records], project, country, USUAL_FADE)
    return replace(
        prior, daily=planned * float(np.exp(level)), fade=float(np.exp(fade)), varies=varies
    )


def _pooled(
    records: Sequence[GroupRecord],
    values: Sequence[float],
    project: str,
    country: str,
    usual: float,
) -> tuple[float, float]:
    """The mean of the logs for a project and country, and the spread of groups around theirs."""
    logs = np.log(np.maximum(np.array(values), _SMALLEST))
    projects, countries = (
        np.array(names) for names in zip(*((r.project, r.country) for r in records), strict=True)
    )
    account = _drawn(logs, usual, ACCOUNT_WORTH)
    by_country = {c: _drawn(logs[countries == c], account, COUNTRY_WORTH) for c in set(countries)}
    base = np.array([by_country[c] for c in countries])
    by_project = {
        p: _drawn((logs - base)[projects == p], 0.0, PROJECT_WORTH) for p in set(projects)
    }
    left = logs - base - np.array([by_project[p] for p in projects])
    spread = (left**2).sum() + VARIES_WORTH * USUAL_VARIES**2
    mean = by_country.get(country, account) + by_project.get(project, 0.0)
    return float(mean), float(np.sqrt(spread / (left.size + VARIES_WORTH)))


def _drawn(logs: Floats, to: float, worth: float) -> float:
    """The mean of logs, drawn to another one by its worth in groups."""
    return float((logs.sum() + worth * to) / (logs.size + worth))
