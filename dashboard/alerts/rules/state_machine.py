"""The states of an incident, as one pure function: no table, no clock of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple


class Observation(Enum):
    """What an observation says of a rule."""

    BREACH = "past the threshold that fires"
    BETWEEN = "between the two thresholds"
    CLEAR = "past the threshold that clears"


class RuleStatus(Enum):
    """Where a rule stands on a group. OK and RESOLVED are the same: nothing is open."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class RuleState(NamedTuple):
    """A state, when its timer started, and how many fresh observations it has had since."""

    state: RuleStatus
    since: datetime
    readings: int


class Delays(NamedTuple):
    """How long, and how often seen, before a breach fires and before a clear one resolves."""

    fires_after: timedelta
    clears_after: timedelta
    readings: int = 2


def next_state(  # noqa: PLR0911 (one return a transition)
    at: RuleState, seen: Observation, *, now: datetime, patience: Delays, fresh: bool
) -> RuleState:
    """Where a rule stands after an observation; without a fresh one only timers run."""
    held = at._replace(readings=at.readings + fresh)
    match at.state, seen:
        case RuleStatus.OK, Observation.BREACH if fresh:
            return _ripen(RuleState(RuleStatus.PENDING, now, 1), now, patience)
        case RuleStatus.PENDING, Observation.BREACH:
            return _ripen(held, now, patience)
        case RuleStatus.PENDING, _ if fresh:
            return RuleState(RuleStatus.OK, now, 0)
        case RuleStatus.FIRING, Observation.CLEAR if fresh:
            return _settle(RuleState(RuleStatus.RECOVERING, now, 1), now, patience)
        case RuleStatus.RECOVERING, Observation.CLEAR:
            return _settle(held, now, patience)
        case RuleStatus.RECOVERING, Observation.BREACH if fresh:
            return RuleState(RuleStatus.FIRING, now, 1)
    return at


def _ripen(at: RuleState, now: datetime, patience: Delays) -> RuleState:
    """PENDING becomes FIRING once it lasted and was seen often enough."""
    ripe = now - at.since >= patience.fires_after and at.readings >= patience.readings
    return RuleState(RuleStatus.FIRING, now, at.readings) if ripe else at


def _settle(at: RuleState, now: datetime, patience: Delays) -> RuleState:
    """RECOVERING ends once it lasted and was seen often enough."""
    settled = now - at.since >= patience.clears_after and at.readings >= patience.readings
    return RuleState(RuleStatus.OK, now, 0) if settled else at
