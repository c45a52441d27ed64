"""The states of an incident as one pure function, without a table or a clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple


class Observation(Enum):
    """Where an observation lies relative to the two thresholds of a rule."""

    BREACH = "beyond the threshold that alerts"
    BETWEEN = "between the two thresholds"
    CLEAR = "recovered"


class RuleStatus(Enum):
    """The status of a rule on a group. OK is also that of a resolved incident: nothing is open."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class RuleState(NamedTuple):
    """A status, when its timer started, and the number of fresh observations since."""

    status: RuleStatus
    since: datetime
    readings: int


class Delays(NamedTuple):
    """How long, and over how many readings, a breach or a recovery must last to take effect."""

    fires_after: timedelta
    clears_after: timedelta
    readings: int = 2


def next_state(  # noqa: PLR0911 (one return a transition)
    state: RuleState, observation: Observation, *, now: datetime, delays: Delays, fresh: bool
) -> RuleState:
    """Return the state after an observation; without a fresh one only timers run.

    Readings are counted up to what the delays ask for: more of them are no news to store.
    """
    counted = min(state.readings + fresh, max(delays.readings, state.readings))
    continued = state._replace(readings=counted)
    match state.status, observation:
        case RuleStatus.OK, Observation.BREACH if fresh:
            return _maybe_fire(RuleState(RuleStatus.PENDING, now, 1), now, delays)
        case RuleStatus.PENDING, Observation.BREACH:
            return _maybe_fire(continued, now, delays)
        case RuleStatus.PENDING, _ if fresh:
            return RuleState(RuleStatus.OK, now, 0)
        case RuleStatus.FIRING, Observation.CLEAR if fresh:
            return _maybe_resolve(RuleState(RuleStatus.RECOVERING, now, 1), now, delays)
        case RuleStatus.RECOVERING, Observation.CLEAR:
            return _maybe_resolve(continued, now, delays)
        case RuleStatus.RECOVERING, Observation.BREACH if fresh:
            return RuleState(RuleStatus.FIRING, now, 1)
    return state


def _maybe_fire(state: RuleState, now: datetime, delays: Delays) -> RuleState:
    """Turn PENDING into FIRING once it lasted long enough and over enough readings."""
    due = now - state.since >= delays.fires_after and state.readings >= delays.readings
    return RuleState(RuleStatus.FIRING, now, state.readings) if due else state


def _maybe_resolve(state: RuleState, now: datetime, delays: Delays) -> RuleState:
    """Turn RECOVERING into OK once it lasted long enough and over enough readings."""
    due = now - state.since >= delays.clears_after and state.readings >= delays.readings
    return RuleState(RuleStatus.OK, now, 0) if due else state
