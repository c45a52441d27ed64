"""The usual shape of a group's week: how its completes spread over the 168 local hours.

A shape is 168 weights with mean 1, hour 0 = Monday 00:00 in the group's own zone. It is
learned from the group's own hours and shrunk, while these are few, to the shape of its
project and country (a Prior) or to the waking hours of people at home.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from dashboard.fielding.readings import WEEK, Floats, Ints

DAY_SPREAD = 0.25
HOUR_WORTH = 4.0
CELL_WORTH = 8.0
_WAKING = (
    0.45, 0.25, 0.15, 0.12, 0.15, 0.28, 0.55, 0.85, 1.10, 1.25, 1.32, 1.35,
    1.35, 1.33, 1.30, 1.30, 1.33, 1.38, 1.45, 1.55, 1.60, 1.50, 1.20, 0.80,
)  # fmt: skip
_WEEKEND = 0.9


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a group before its own readings: from its project and country.

    shape: 168 hour-of-week weights (any positive scale); daily: usual completes a live day,
    or None; worth: how many completes of its own outweigh the shape.
    """

    shape: tuple[float, ...]
    daily: float | None = None
    worth: float = 1.0

    def __post_init__(self) -> None:
        if len(self.shape) != WEEK or min(self.shape) < 0 or sum(self.shape) <= 0:
            raise ValueError("a prior shape is 168 weights, none negative, not all zero")
        if self.worth <= 0 or (self.daily is not None and self.daily <= 0):
            raise ValueError("a prior's worth and daily completes are above zero")


@cache
def waking_hours() -> Floats:
    """The built-in shape: people answer in waking hours, a little less at weekends."""
    days = np.ones((7, 1))
    days[5:] = _WEEKEND
    shape = (days * np.array(_WAKING)).ravel()
    shape = shape / shape.mean()
    shape.setflags(write=False)
    return shape


def prior_shape(prior: Prior | None) -> Floats:
    """The 168 weights of a prior, mean 1, never quite zero."""
    if prior is None:
        return waking_hours()
    shape = np.array(prior.shape, dtype=np.float64)
    shape = np.maximum(shape / shape.mean(), 0.002)
    return np.asarray(shape / shape.mean())
