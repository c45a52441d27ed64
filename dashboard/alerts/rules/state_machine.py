"""The states of an incident, as one pure function: no table, no clock of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple


class Seen(Enum):
    """What an observation says of a rule."""

    BREACH = "past the threshold that fires"
    BETWEEN = "between the two thresholds"
    CLEAR = "past the threshold that clears"


class State(Enum):
    """Where a rule stands on a group. OK and RESOLVED are the same: nothing is open."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class Standing(NamedTuple):
    """A state, when its timer started, and how many fresh observations it has had since."""

    state: State
    since: datetime
    readings: int


class Patience(NamedTuple):
    """How long, and how often seen, before a breach fires and before a clear one resolves."""

    fires_after: timedelta
    clears_after: timedelta
    readings: int = 2


def step(  # noqa: PLR0911 (one return a transition)
    at: Standing, seen: Seen, *, now: datetime, patience: Patience, fresh: bool
) -> Standing:
    """Where a rule stands after an observation; without a fresh one only timers run."""
    held = at._replace(readings=at.readings + fresh)
    match at.state, seen:
        case State.OK, Seen.BREACH if fresh:
            return _ripen(Standing(State.PENDING, now, 1), now, patience)
        case State.PENDING, Seen.BREACH:
            return _ripen(held, now, patience)
        case State.PENDING, _ if fresh:
            return Standing(State.OK, now, 0)
        case State.FIRING, Seen.CLEAR if fresh:
            return _settle(Standing(State.RECOVERING, now, 1), now, patience)
        case State.RECOVERING, Seen.CLEAR:
            return _settle(held, now, patience)
        case State.RECOVERING, Seen.BREACH if fresh:
            return Standing(State.FIRING, now, 1)
    return at


def _ripen(at: Standing, now: datetime, patience: Patience) -> Standing:
    """PENDING becomes FIRING once it lasted and was seen often enough."""
    ripe = now - at.since >= patience.fires_after and at.readings >= patience.readings
    return Standing(State.FIRING, now, at.readings) if ripe else at


def _settle(at: Standing, now: datetime, patience: Patience) -> Standing:
    """RECOVERING ends once it lasted and was seen often enough."""
    settled = now - at.since >= patience.clears_after and at.readings >= patience.readings
    return Standing(State.OK, now, 0) if settled else at
