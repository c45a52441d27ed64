"""The verdict on a group: whether it reaches its goal in time and, if not, by how much it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.alerts.rules.catalogue import RULES
from dashboard.alerts.text import format_local_time, format_span
from dashboard.fielding.domain.goals import completes_target, counts_prescreens, is_full
from dashboard.fielding.domain.scope import OPEN_STATUSES, is_open
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.at_end import GroupAtEnd, group_at_end, rates_to_end
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.launch_phase import (
    LaunchPhase,
    Phase,
    phase_of_group,
    reason_of_pause,
)
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import numbers, status, times

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WILL_MISS, LATE = "Will miss", "Late"
NO_FORECAST = "There is no forecast before the full launch."
_EARLY = RULES["early"].thresholds  # as the alert Filling early has it by default


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """A verdict: its leading words, what they rest on in whole sentences, and the tone of both."""

    lead: str
    text: str
    tone: str

    @property
    def sentence(self) -> str:
        """The verdict as it reads."""
        return f"{self.lead}: {self.text}"


def group_verdict(group: TargetGroup, *, now: datetime) -> GroupVerdict | None:
    """Return the verdict from what is stored with the group; None for a draft.

    now: decides only whether the numbers are stale; everything else is as of the last update.
    """
    if group.status == TargetGroup.Status.DRAFT:
        return None
    read_at = group.project.read_at
    if read_at is None or group.completes is None:
        return GroupVerdict("No data yet", "figures appear after the first update.", "info")
    verdict = _verdict_as_read(group, read_at)
    if not status.is_stale(read_at, group.account.poll_seconds, now):
        return verdict
    at = format_local_time(read_at, times.zone_of(group), now=now)
    text = f"{verdict.text} Last updated {at}: this may have changed."
    return GroupVerdict(verdict.lead, text, verdict.tone)


def _verdict_as_read(group: TargetGroup, read_at: datetime) -> GroupVerdict:
    """Return the verdict at the time of the last update."""
    phase = phase_of_group(group, now=read_at)
    if is_out := _verdict_out_of_field(group, read_at):
        return is_out
    if phase.phase is Phase.WAITING:
        count = f"the soft launch has {_soft_launch_count(phase)}"
        return GroupVerdict("Waiting for the full launch", f"{count}. {NO_FORECAST}", "warn")
    if group.status == "paused":
        return _verdict_when_paused(group, phase, read_at)
    if phase.phase is Phase.SOFT_LAUNCH:
        return GroupVerdict("Soft launch", f"{_soft_launch_count(phase)}. {NO_FORECAST}", "info")
    if group.status == "scheduled":
        return _verdict_when_scheduled(group, read_at)
    return _verdict_when_live(group, read_at)


def _verdict_out_of_field(group: TargetGroup, read_at: datetime) -> GroupVerdict | None:
    """Return the verdict on a group that no more completes come to, or none are needed; else
    None."""
    progress, difference = _progress_text(group), _difference_text(group)
    if group.missing_since is not None:
        return GroupVerdict("No longer listed", f"{progress} when last listed.", "warn")
    if group.status not in OPEN_STATUSES:
        return _verdict_when_over(group)
    if _is_at_goal(group):
        return _verdict_at_goal(group, read_at)
    if is_open(group, read_at):
        return None
    text = f"{progress}{difference}. It ended {_end_day(group)}."
    return GroupVerdict("Past its end date", text, "bad" if difference else "warn")


def _verdict_when_over(group: TargetGroup) -> GroupVerdict:
    """Return the verdict on a completed or an archived group: its result."""
    progress, difference = _progress_text(group), _difference_text(group)
    if group.status != "completed":
        lead = status.status_label(group.status).word
        return GroupVerdict(lead, f"{progress}{difference}.", "info")
    done, goal, _unit = _counted(group)
    if not goal or done is None:
        return GroupVerdict("Completed", f"{progress}, with no goal set.", "info")
    if done < goal:
        return GroupVerdict("Completed short", f"{progress}{difference}.", "warn")
    return GroupVerdict(
        "Completed over goal" if done > goal else "Completed in full",
        f"{progress}{difference}.",
        "warn" if done > goal else "good",
    )


def _verdict_at_goal(group: TargetGroup, read_at: datetime) -> GroupVerdict:
    """Return the verdict on a group that needs no more completes and is not completed yet."""
    difference = _difference_text(group)
    text = f"{_progress_text(group)}{difference}."
    if not is_open(group, read_at):
        text += f" Its end date, {_end_day(group)}, has passed."
    elif group.status == "paused":
        label = status.status_label("paused", group.status_reason, group.status_changed_by)
        text += f" {label.word}."
    return GroupVerdict(
        "Over goal" if difference else "Goal reached", text, "warn" if difference else "good"
    )


def _verdict_when_paused(group: TargetGroup, phase: LaunchPhase, read_at: datetime) -> GroupVerdict:
    """Return who paused the group, why in Cint's words, and what a resume would bring."""
    reason = reason_of_pause(group.status_reason, phase)
    label = status.status_label("paused", reason, group.status_changed_by)
    lead = label.word
    if not label.why and group.status_changed_by:
        lead = "Paused manually"
    if group.status_changed_at:
        zone = times.zone_of(group)
        lead += f" since {format_local_time(group.status_changed_at, zone, now=read_at)}"
    why, tone = (f"{label.why}. ", "bad") if label.why else ("", "warn")
    if not phase.is_full_launch:
        count = f"{'The' if why else 'the'} soft launch has {_soft_launch_count(phase)}"
        return GroupVerdict(lead, f"{why}{count}. {NO_FORECAST}", tone)
    text = f"{why}{_progress_text(group)}."
    at_end = _at_end(group, read_at)
    if at_end.is_projected:
        text += f" If it resumes now, {_projected_text(group, at_end)}.{_goal_note(group)}"
    return GroupVerdict(lead, text, tone)


def _verdict_when_scheduled(group: TargetGroup, read_at: datetime) -> GroupVerdict:
    """Return when the group starts, and where its forecast ends."""
    text = "no start date."
    if group.starts_at is not None:
        at = format_local_time(group.starts_at, times.zone_of(group), now=read_at)
        text = f"starts {at}." if group.starts_at > read_at else f"was due to start {at}."
    tone = "info" if group.starts_at and group.starts_at > read_at else "warn"
    at_end = _at_end(group, read_at)
    if at_end.is_projected:
        text += f" {_upper_first(_projected_text(group, at_end))}.{_goal_note(group)}"
        return GroupVerdict("Scheduled", text, "warn" if at_end.shortfall else tone)
    goal = completes_target(group)
    if goal:
        text += f" Its goal is {_format_completes(goal)}{_by_end(group)}."
    return GroupVerdict("Scheduled", text, tone)


def _verdict_when_live(group: TargetGroup, read_at: datetime) -> GroupVerdict:
    """Return the verdict on a live group in its full launch, before its end date and its goal."""
    at_end, progress = _at_end(group, read_at), _progress_text(group)
    if at_end.goal is None:
        if group.filling_goal:
            return GroupVerdict(
                "Too early to tell",
                f"{progress}. The goal in completes is not known before the first prescreens.",
                "info",
            )
        projected = (
            f" {_upper_first(_projected_text(group, at_end))}." if at_end.is_projected else ""
        )
        return GroupVerdict("No goal set", f"{progress} so far.{projected}", "warn")
    if not at_end.is_projected:
        return GroupVerdict("No forecast yet", f"{progress}.", "info")
    if group.ends_at is None:
        full = f" Full by {_day_text(group, group.finish_at)}." if group.finish_at else ""
        return GroupVerdict("No end date", f"{progress}.{full}", "warn")
    notes = f"{_rate_text(group, at_end, read_at)}{_goal_note(group)}"
    if is_guess(group.completes):
        notes += " Little data yet."
    if at_end.shortfall:
        return _verdict_when_short(group, at_end, notes)
    return _verdict_when_in_time(group, at_end, notes)


def _verdict_when_short(group: TargetGroup, at_end: GroupAtEnd, notes: str) -> GroupVerdict:
    """Return "Will miss" where the goal is outside the range of the forecast, else "Late"."""
    text = _projected_text(group, at_end)
    if round(at_end.p90) < (at_end.goal or 0):
        return GroupVerdict(WILL_MISS, f"{text}.{notes}", "bad")
    finish, ends = group.finish_at, group.ends_at
    if finish and ends and finish > ends:
        span, day = format_span(finish - ends), _day_text(group, finish)
        text += f", full {span} later" if day == _end_day(group) else f", full {day}, {span} late"
    return GroupVerdict(LATE, f"{text}.{notes}", "warn")


def _verdict_when_in_time(group: TargetGroup, at_end: GroupAtEnd, notes: str) -> GroupVerdict:
    """Return "On track", or how early the group is full."""
    finish, ends = group.finish_at, group.ends_at
    if finish is None or ends is None or finish > ends:
        return GroupVerdict("On track", f"{_projected_text(group, at_end)}.{notes}", "good")
    spare, day, end = ends - finish, _day_text(group, finish), _end_day(group)
    when = "full" if day == end else f"full by {day},"
    text = f"{when} {format_span(spare)} before its end date, {end}.{notes}"
    in_field = (ends - group.starts_at) / HOUR if group.starts_at else 0.0
    if spare / HOUR > max(_EARLY["fires"].default, _EARLY["share"].default * in_field):
        return GroupVerdict("Full early", text, "info")
    is_close = round(at_end.p10) < (at_end.goal or 0)
    return GroupVerdict("Just on track" if is_close else "On track", text, "good")


def _at_end(group: TargetGroup, read_at: datetime) -> GroupAtEnd:
    return group_at_end(group, Insight.of(group).completes_at_end, now=read_at)


def _is_at_goal(group: TargetGroup) -> bool:
    goal = completes_target(group)
    return is_full(group) or bool(goal and (group.completes or 0) >= goal)


def _counted(group: TargetGroup) -> tuple[int | None, int | None, str]:
    """Return the count that the group's limit applies to, the limit, and the unit of both."""
    if group.filling_strategy != "prescreens":
        return group.completes, group.filling_goal or group.completes_goal, "completes"
    if not is_full(group) and not counts_prescreens(group):
        return group.completes, group.completes_goal, "completes"
    return group.prescreens, group.filling_goal, "prescreens"


def _progress_text(group: TargetGroup) -> str:
    """Return "120 of 400 completes", "80 of 800 prescreens, 32 completes" or "120 completes"."""
    done, goal, unit = _counted(group)
    if not goal:
        return _format_completes(group.completes or 0)
    text = f"{numbers.format_count(done)} of {numbers.format_count(goal)} {unit}"
    return text if unit == "completes" else f"{text}, {_format_completes(group.completes or 0)}"


def _difference_text(group: TargetGroup) -> str:
    """Return ", 23 short" or ", 5 over"; empty at the goal, or without one."""
    done, goal, _unit = _counted(group)
    if done is None or not goal or done == goal:
        return ""
    side = "short" if done < goal else "over"
    return f", {numbers.format_count(abs(goal - done))} {side}"


def _soft_launch_count(phase: LaunchPhase) -> str:
    limit = "" if phase.limit is None else f" of {numbers.format_count(phase.limit)}"
    return f"{numbers.format_count(phase.done)}{limit} {phase.unit}"


def _projected_text(group: TargetGroup, at_end: GroupAtEnd) -> str:
    """Return "about 320 of 400 completes by Fri 4 Dec": what is projected and what is missing add
    up to the goal, as in every figure."""
    done = at_end.projected if at_end.goal is None else at_end.goal - (at_end.shortfall or 0)
    if at_end.goal is None:
        return f"about {_format_completes(round(done))}{_by_end(group)}"
    goal = numbers.format_count(at_end.goal)
    return f"about {numbers.format_count(done)} of {goal}{_by_end(group)}"


def _rate_text(group: TargetGroup, at_end: GroupAtEnd, read_at: datetime) -> str:
    """Return the completes a day that the goal needs and those that are projected."""
    rates = rates_to_end(at_end, group.ends_at, now=read_at)
    if rates is None or group.ends_at is None:
        return ""
    hours, word = (24, "a day") if group.ends_at - read_at >= DAY else (1, "an hour")
    needed, comes = rates.needed * hours, rates.projected * hours
    digits = 0 if min(needed, comes) >= 10 else 1
    need = numbers.format_beside(needed, comes, digits)
    get = numbers.format_beside(comes, needed, digits)
    return f" Needs {need} completes {word}, gets {get}."


def _goal_note(group: TargetGroup) -> str:
    """Return that the goal counts prescreens and was converted; empty for other goals."""
    if not counts_prescreens(group) or completes_target(group) is None:
        return ""
    return f" The goal of {numbers.format_count(group.filling_goal)} prescreens is converted."


def _by_end(group: TargetGroup) -> str:
    return f" by {_end_day(group)}" if group.ends_at else ""


def _end_day(group: TargetGroup) -> str:
    return _day_text(group, group.ends_at)


def _day_text(group: TargetGroup, moment: datetime | None) -> str:
    if moment is None:
        return numbers.DASH
    return f"{moment.astimezone(times.zone_of(group)):%a %-d %b}"


def _format_completes(count: float) -> str:
    return f"{numbers.format_count(count)} complete{'' if round(count) == 1 else 's'}"


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
