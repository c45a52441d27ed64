"""What a rule answers: whether it is breached, how bad that is, and what a person is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation
from dashboard.fielding.models import Incident

CRITICAL = Incident.Severity.CRITICAL.value
WARNING = Incident.Severity.WARNING.value
NOTICE = Incident.Severity.NOTICE.value

Settings = Mapping[str, float]
# What the open incident remembers of its opening: {"base": completes then}; empty without one.
Memory = Mapping[str, Any]


class Verdict(NamedTuple):
    """What was seen, and how bad it is; no severity: as bad as its rule."""

    seen: Observation
    severity: int | None = None


class Words(NamedTuple):
    """What is told: a subject, a sentence, and rows of (label, is, should be)."""

    headline: str
    sentence: str
    figures: tuple[tuple[str, str, str], ...] = ()


# None: what the rule needs is not known, so it says nothing and nothing moves.
Judge = Callable[[GroupSnapshot, Settings, Memory], Verdict | None]
Say = Callable[[GroupSnapshot, Settings], Words]

BREACH = Verdict(Observation.BREACH)
BETWEEN = Verdict(Observation.BETWEEN)
CLEAR = Verdict(Observation.CLEAR)


def breach_below(value: float, fires: float, clears: float) -> Verdict:
    """A breach below `fires`, clear from `clears` on."""
    if value < fires:
        return BREACH
    return CLEAR if value >= clears else BETWEEN


def breach_above(value: float, fires: float, clears: float) -> Verdict:
    """A breach above `fires`, clear up to `clears`."""
    if value > fires:
        return BREACH
    return CLEAR if value <= clears else BETWEEN
