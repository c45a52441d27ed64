"""The verdict on fieldwork in plain words for a client, from figures that a client may know."""

from __future__ import annotations

from datetime import date

import msgspec

from dashboard.fielding.domain.figures import format_count
from dashboard.fielding.figures.project_verdict import TONES, VerdictKind

BEHIND_FROM = 0.05  # of the target: completes fewer by that much are behind it


class ClientFigures(msgspec.Struct, frozen=True):
    """Sums over the groups in the plan, in completes; see `ProjectOutlook` for each.

    Where the projection is not shared, all members from `open_groups` on are empty.
    """

    kind: VerdictKind
    groups: int = 0
    completes: float = 0.0
    goal: float = 0.0
    target: float | None = None
    ends_on: date | None = None
    open_groups: int | None = None
    late_groups: int | None = None
    unprojected_groups: int = 0
    unseen_groups: int = 0
    late_days: float | None = None
    projected: float | None = None
    low: float | None = None
    high: float | None = None
    missing: float = 0.0

    @property
    def is_projected(self) -> bool:
        """Whether the status shares what is projected."""
        return self.projected is not None


class ClientVerdict(msgspec.Struct, frozen=True):
    """The answer in sentences. tone: "good", "warn", "bad", or empty."""

    tone: str
    sentences: tuple[str, ...]


PLAIN = {
    VerdictKind.NOT_READ: "The first figures are not available yet.",
    VerdictKind.NOTHING_PLANNED: "No fieldwork is planned yet.",
}


def client_verdict(figures: ClientFigures) -> ClientVerdict:
    """Return the verdict in words that need no knowledge of fieldwork."""
    kind = figures.kind
    if kind in PLAIN:
        return ClientVerdict("", (PLAIN[kind],))
    if kind is VerdictKind.NO_GOAL:
        done = format_count(figures.completes)
        return ClientVerdict("", (f"{done} completes so far. No goal is set yet.",))
    if not figures.is_projected:
        return _verdict_so_far(figures)
    return ClientVerdict(TONES.get(kind, ""), (_lead_sentence(figures), *_detail(figures)))


def _verdict_so_far(figures: ClientFigures) -> ClientVerdict:
    """Return the verdict on the completes so far, with nothing that is projected."""
    so_far = f"{_so_far(figures)} completes so far"
    kind = figures.kind
    if kind is VerdictKind.SCHEDULED:
        return ClientVerdict("", (f"Fieldwork is scheduled. {so_far}.",))
    if kind is VerdictKind.NOTHING_LIVE:
        return ClientVerdict("warn", (f"Fieldwork is paused at the moment. {so_far}.",))
    if kind in (VerdictKind.COMPLETED, VerdictKind.ENDED_SHORT):
        return ClientVerdict(TONES.get(kind, ""), (f"Fieldwork has ended. {so_far}.",))
    if not figures.target:
        return ClientVerdict("", (f"Fieldwork is in progress. {so_far}{_by(figures)}.",))
    target = f"the target by now is {format_count(figures.target)}"
    if figures.completes < figures.target * (1 - BEHIND_FROM):
        return ClientVerdict("warn", (f"Fieldwork is behind schedule. {so_far}; {target}.",))
    return ClientVerdict("good", (f"Fieldwork is on schedule. {so_far}; {target}.",))


def _so_far(figures: ClientFigures) -> str:
    return f"{format_count(figures.completes)} of {format_count(figures.goal)}"


def _by(figures: ClientFigures) -> str:
    """Return by when, such as " by 27 Dec"; empty without an end date."""
    return f" by {figures.ends_on:%-d %b}" if figures.ends_on else ""


def _lead_sentence(figures: ClientFigures) -> str:
    done, missing = _so_far(figures), format_count(figures.missing)
    goal = format_count(figures.goal)
    projected = f"{format_count(figures.projected)} of {goal} completes{_by(figures)}"
    has_forecast = figures.unprojected_groups < (figures.open_groups or 0)
    ahead = f" We project about {projected}." if has_forecast else ""
    days = max(round(figures.late_days or 0.0), 1)
    return {
        VerdictKind.COMPLETED: f"Fieldwork is complete: {done} completes.",
        VerdictKind.ENDED_SHORT: (
            f"Fieldwork has ended: {done} completes, {missing} below the goal."
        ),
        VerdictKind.NOTHING_LIVE: (f"Fieldwork is paused at the moment: {done} completes so far."),
        VerdictKind.SCHEDULED: f"Fieldwork is scheduled and has not started yet.{ahead}",
        VerdictKind.NO_FORECAST: (
            f"Fieldwork is in progress: {done} completes so far. It is too early for a projection."
        ),
        VerdictKind.SHORT: (
            f"Fieldwork is projected to fall short: about {projected}, {missing} below the goal."
        ),
        VerdictKind.LATE: (
            f"Fieldwork is projected to end late: about {projected}. "
            f"The other {missing} would follow within {days} day{'' if days == 1 else 's'}."
        ),
        VerdictKind.ON_TRACK: f"Fieldwork is on track: we project about {projected}.",
    }[figures.kind]


def _detail(figures: ClientFigures) -> list[str]:
    """Return how many groups are late, and how many have no projection yet; nothing for none."""
    late, number = figures.late_groups or 0, figures.open_groups or 0
    if figures.kind in (VerdictKind.NOTHING_LIVE, VerdictKind.NO_FORECAST):
        return []
    sentences = []
    groups = f"{format_count(number)} open group{'' if number == 1 else 's'}"
    if late:
        verb, goal = ("is", "its goal") if late == 1 else ("are", "their goals")
        late_of = f"{format_count(late)} of {groups}"
        sentences.append(f"{late_of} {verb} projected to end below {goal}.")
    if early := figures.unprojected_groups:
        verb = "has no projection yet and counts as reaching its goal"
        if early > 1:
            verb = "have no projection yet and count as reaching their goals"
        sentences.append(f"{format_count(early)} of {groups} {verb}.")
    return sentences
