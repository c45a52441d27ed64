"""How a field's rate may fade with its age, the people who answer at once coming first, or grow.

Each shape is the rate at an age over the rate at the start. Invitation waves and finite panels
fall steeply at first and slowly later: by a power of the age, as the hyperbolic decline of Arps
(Trans. AIME 160, 1945) has it, or as an exponential, down to nothing or to a floor of those who
come anyway. A few fields grow instead, by so much a day until they have grown GROWN times. The
first shape stays.
"""

import numpy as np

from dashboard.fielding.series.readings import Floats

TIRING = (1.0, 2.0, 4.0, 8.0, 20.0)  # days in which an exponential falls to 37 %
FLOORED = (1.0, 2.0, 4.0, 8.0)  # the same, down to the floor
FLOOR = 0.2
POWERS = (0.2, 0.5, 0.9, 1.4)
TAU = 0.5  # days
GROWING = (6.0, 12.0, 24.0)  # days in which an exponential grows 2.7 times
GROWN = 20.0
PRIORS = np.array([*[0.15] * 4, 0.064, *[0.53] * 4, *[0.18] * 4, *[0.05] * 3])  # in order
SHAPES = 1 + PRIORS.size


def decay(age: Floats) -> Floats:
    """The rate at an age (live days, any shape) over the rate at the start: (…, shapes)."""
    age = age[..., None]
    floored = FLOOR + (1 - FLOOR) * np.exp(-age / np.array(FLOORED))
    powers = np.exp(-np.log1p(age / TAU) * np.array(POWERS))
    growing = np.minimum(np.exp(age / np.array(GROWING)), GROWN)
    steady, tiring = np.ones_like(age), np.exp(-age / np.array(TIRING))
    return np.concatenate((steady, tiring, floored, powers, growing), axis=-1)
