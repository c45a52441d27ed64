"""Draws of a made-up field: one past, and several futures that were as likely."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws that all paths share up to now, and that each path makes for itself afterwards.

    turns: the hours, if any, at which somebody changed the price. launch: the hours at which a
    soft launch is full and at which it ends, if there is one.
    """

    rng: np.random.Generator
    known: int
    paths: int
    hours: int
    turns: list[float] = dataclasses.field(default_factory=list)
    launch: list[float] = dataclasses.field(default_factory=list)

    def poisson(self, mean: Floats) -> Floats:
        """Counts (paths, hours) around a mean (hours) or (paths, hours)."""
        mean = np.broadcast_to(mean, (self.paths, self.hours))
        before = self.rng.poisson(mean[0, : self.known])
        after = self.rng.poisson(mean[:, self.known :])
        return np.concatenate((np.tile(before, (self.paths, 1)), after), axis=1).astype(float)

    def shared(self, drawn: Callable[[tuple[int, int]], Floats]) -> Floats:
        """What is `drawn` (paths, hours) in a shape, one for all paths up to now."""
        values = drawn((self.paths, self.hours))
        values[:, : self.known] = values[0, : self.known]
        return values

    def hour(self, hour: int, mean: Floats) -> Floats:
        """Counts of one hour around a mean with the paths first."""
        if hour < self.known:
            return np.broadcast_to(self.rng.poisson(mean[0]), mean.shape).astype(float)
        return self.rng.poisson(mean).astype(float)

    def batches(self, rate: Floats, batch: float) -> Floats:
        """Completes that arrive in batches (mean size `batch`): their dispersion is above 1."""
        arrivals = self.poisson(rate / batch)
        return arrivals + self.poisson(arrivals * (batch - 1.0))
