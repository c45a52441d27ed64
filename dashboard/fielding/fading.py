"""How a field's rate may fade with its age: the people who answer at once come first.

Each shape is the rate at an age over the rate at the start. Invitation waves and finite panels
fall steeply at first and slowly later: by a power of the age, as the hyperbolic decline of Arps
(Trans. AIME 160, 1945) has it, or as an exponential, down to nothing or to a floor of those who
come anyway. The first shape does not fade.
"""

import numpy as np

from dashboard.fielding.readings import Floats

TIRING = (1.0, 2.0, 4.0, 8.0, 20.0)  # days in which an exponential falls to 37 %
FLOORED = (1.0, 2.0, 4.0, 8.0)  # the same, down to the floor
FLOOR = 0.2
POWERS = (0.2, 0.5, 0.9, 1.4)
TAU = 0.5  # days
PRIORS = np.array([*[0.19] * 4, 0.053, *[0.46] * 4, *[0.22] * 4])  # of all that fade, in order
SHAPES = 1 + PRIORS.size


def faded(age: Floats) -> Floats:
    """The rate at an age (live days, any shape) over the rate at the start: (…, shapes)."""
    age = age[..., None]
    floored = FLOOR + (1 - FLOOR) * np.exp(-age / np.array(FLOORED))
    powers = np.exp(-np.log1p(age / TAU) * np.array(POWERS))
    steady = np.ones_like(age)
    return np.concatenate((steady, np.exp(-age / np.array(TIRING)), floored, powers), axis=-1)
