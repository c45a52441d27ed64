"""The phase of a group's launch, and the count at which the exchange stops it in that phase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from dashboard.fielding.domain.goals import HasFillingGoal
from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.insight.assistant_modules import Modules
from dashboard.fielding.insight.document import Insight, StoredSoftLaunch

if TYPE_CHECKING:
    from dashboard.fielding.models import TargetGroup

LIMIT_REACHED, END_REACHED = "total_completes_reached", "past_soft_launch_end_date"
OVERRUN = 1.1  # of the limit: respondents who were under way when it was reached


class Phase(StrEnum):
    """Where a group is between its soft launch and its full launch."""

    SOFT_LAUNCH = "soft launch"
    WAITING = "waiting for the full launch"
    FULL_LAUNCH = "full launch"


class HasLaunchState(HasFillingGoal, Protocol):
    """A group, or a snapshot of it."""

    @property
    def status(self) -> str: ...
    @property
    def status_reason(self) -> str: ...
    @property
    def status_changed_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class LaunchPhase:
    """A phase with the count and the limit that apply in it, both in `unit`.

    limit: None where it is not known, such as after a soft launch without a changelog.
    """

    phase: Phase
    done: int
    limit: int | None
    unit: str

    @property
    def is_full_launch(self) -> bool:
        """Return whether the group is in field for its whole goal."""
        return self.phase is Phase.FULL_LAUNCH

    @property
    def text(self) -> str:
        """Return the phase in words: "Soft launch: 50 of 50 completes, waiting for …"."""
        if self.is_full_launch:
            return ""
        limit = "" if self.limit is None else f" of {self.limit:,}"
        waiting = f", {self.phase}" if self.phase is Phase.WAITING else ""
        return f"Soft launch: {self.done:,}{limit} {self.unit}{waiting}"


def reason_of_pause(reason: str, launch: LaunchPhase) -> str:
    """Return the reason code of a pause: all completes of a soft launch are not the whole goal."""
    is_limit = reason == LIMIT_REACHED and launch.phase is Phase.WAITING
    return END_REACHED if is_limit else reason


def stored_soft_launch(modules: Modules) -> StoredSoftLaunch | None:
    """Return the soft launch that is on, else the last one; None for a group without any."""
    soft = modules.soft_launch or modules.past_soft_launch
    if soft is None:
        return None
    return StoredSoftLaunch(
        share=soft.share,
        ends_at=soft.ends_at.isoformat(timespec="seconds"),
        is_on=modules.soft_launch is not None,
    )


def launch_phase(
    group: HasLaunchState, soft: StoredSoftLaunch | None, *, now: datetime
) -> LaunchPhase:
    """Return the phase of a group; soft: its soft launch as the insight stores it.

    The exchange pauses a group at the limit or at the end of its soft launch, and may switch the
    module off as it does so. A person then resumes it for the full launch.
    """
    by_prescreens = group.filling_strategy == "prescreens"
    unit = "prescreens" if by_prescreens else "completes"
    done = (group.prescreens if by_prescreens else group.completes) or 0
    goal = group.filling_goal or group.completes_goal
    limit = _limit_of(soft, goal)
    phase = Phase.FULL_LAUNCH
    if group.status in OPEN_STATUSES and goal and done < goal:
        if soft is not None and soft.is_on:
            phase = _phase_with_module(group, soft, done, limit, now)
        elif _is_stopped(group, done, limit):
            phase = Phase.WAITING
    return LaunchPhase(phase, done, goal if phase is Phase.FULL_LAUNCH else limit, unit)


def _limit_of(soft: StoredSoftLaunch | None, goal: int | None) -> int | None:
    """Return the count at which the soft launch stops, rounded down as the exchange does."""
    if soft is None or not soft.share or not goal:
        return None
    return max(1, round(goal * soft.share * 100) // 100)


def _phase_with_module(
    group: HasLaunchState, soft: StoredSoftLaunch, done: int, limit: int | None, now: datetime
) -> Phase:
    """Return the phase while the module is on."""
    end = soft.end
    is_over = end is not None and end <= now
    if not is_over:
        is_full = limit is not None and done >= limit
        return Phase.WAITING if is_full else Phase.SOFT_LAUNCH
    if group.status != "paused":
        return Phase.FULL_LAUNCH
    changed = group.status_changed_at
    paused_before = changed is None or end is None or changed <= end
    is_waiting = paused_before or _is_stopped(group, done, limit)
    return Phase.WAITING if is_waiting else Phase.FULL_LAUNCH


def _is_stopped(group: HasLaunchState, done: int, limit: int | None) -> bool:
    """Return whether the exchange paused the group at the end of its soft launch."""
    if group.status != "paused":
        return False
    if group.status_reason == END_REACHED:
        return True
    return group.status_reason == LIMIT_REACHED and limit is not None and done <= limit * OVERRUN


def phase_of_group(group: TargetGroup, *, now: datetime) -> LaunchPhase:
    """Return the phase of a group's launch by its stored insight."""
    return launch_phase(group, Insight.of(group).soft_launch, now=now)
