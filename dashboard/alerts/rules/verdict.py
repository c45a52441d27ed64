"""What a rule returns: whether it is breached, how severe that is, and the text of its alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypedDict

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation
from dashboard.fielding.models import Incident

CRITICAL = Incident.Severity.CRITICAL.value
WARNING = Incident.Severity.WARNING.value
NOTICE = Incident.Severity.NOTICE.value

Settings = Mapping[str, float]


class OpeningFacts(TypedDict, total=False):
    """What an open incident stores of its opening; empty without an open incident."""

    base: int | None  # completes when it opened


class Verdict(NamedTuple):
    """An observation and its severity; None: the severity of the rule."""

    observation: Observation
    severity: int | None = None


class AlertText(NamedTuple):
    """The text of an alert: a subject, a sentence, rows of (label, actual, goal, bid or limit)."""

    headline: str
    sentence: str
    figures: tuple[tuple[str, str, str], ...] = ()


# None: a figure that the rule needs is not known, so no state changes.
Judge = Callable[[GroupSnapshot, Settings, OpeningFacts], Verdict | None]
Describe = Callable[[GroupSnapshot, Settings], AlertText]

BREACH = Verdict(Observation.BREACH)
BETWEEN = Verdict(Observation.BETWEEN)
CLEAR = Verdict(Observation.CLEAR)


def breach_below(value: float, fires: float, clears: float) -> Verdict:
    """Return a breach below `fires`, clear from `clears` upwards, else between."""
    if value < fires:
        return BREACH
    return CLEAR if value >= clears else BETWEEN


def breach_above(value: float, fires: float, clears: float) -> Verdict:
    """Return a breach above `fires`, clear up to `clears`, else between."""
    if value > fires:
        return BREACH
    return CLEAR if value <= clears else BETWEEN
