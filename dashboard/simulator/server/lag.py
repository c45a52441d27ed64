"""Reads that lag behind what was written: each is answered by one of several replicas.

A chronicle keeps what every group was after each change. A read that is N seconds behind sees the
world as it was N seconds ago; later groups and jobs do not exist yet. Writes see the present.
"""

from collections import defaultdict
from copy import copy, deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from random import Random
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import SECOND
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.server.truth import settings
from dashboard.simulator.world.group import SimulatedGroup, SimulatedProject
from dashboard.simulator.world.respondents import FAR, settle_and_cut
from dashboard.simulator.world.world import Job, World


@dataclass(slots=True)
class Lag:
    """How far reads are behind, in seconds of the field's clock.

    Each of `replicas` has a lag of its own and answers in no order; without any, every read
    draws one between `low` and `high`. `operations` are the reads that lag, `spared` are not.
    """

    low: float = 0
    high: float = 0
    replicas: list[float] = field(default_factory=list)
    operations: list[str] = field(default_factory=lambda: ["*"])
    spared: list[str] = field(default_factory=lambda: ["get_target_group_changelog"])
    seed: int = 1
    chance: Random = field(default_factory=Random, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high or min(self.replicas, default=0) < 0:
            raise ValueError("a lag is 0 seconds or more, from `low` to `high`")
        self.chance = Random(self.seed)

    def draw(self, operation: str) -> int:
        """How many milliseconds the next read of an operation is behind."""
        if not _fits(operation, self.operations) or _fits(operation, self.spared):
            return 0
        if self.replicas:
            return round(self.chance.choice(self.replicas) * SECOND)
        return round(self.chance.uniform(self.low, self.high) * SECOND)

    def shown(self) -> Json:
        """The lag as the control address shows it."""
        return {k: v for k, v in asdict(self).items() if k != "chance"}


def lag_of(values: Json) -> Lag:
    """A lag from its fields; ValueError names what is wrong."""
    if unknown := set(values) - {f.name for f in fields(Lag)} | set(values) & {"chance"}:
        raise ValueError(f"unknown field of a lag: {', '.join(sorted(unknown))}")
    typed = dict(values)
    if "low" in typed:
        typed.setdefault("high", typed["low"])
    return Lag(**typed)


def _fits(operation: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(operation, pattern) for pattern in patterns)


class Entry(NamedTuple):
    """What a group was from a moment on, and what brought it there."""

    at: int
    state: SimulatedGroup
    cause: Json


class Chronicle:
    """Every state of every group since the chronicle was opened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.entries: dict[str, list[Entry]] = {}
        self._keys: dict[str, tuple[object, ...]] = {}
        self.note({"by": "origin"})

    def note(self, cause: Json) -> None:
        """Keep the state of each group that differs from what it was at the last look."""
        now = self.world.clock.now()
        for group in self.world.groups.values():
            key = (group.version, group.status, group.project_id, len(group.changelog))
            if self._keys.get(group.id) == key:
                continue
            self._keys[group.id] = key
            history = self.entries.setdefault(group.id, [])
            at = now
            if not history:
                at = group.created_at
            elif group.updated_at > history[-1].state.updated_at:
                at = min(now, group.updated_at)
            history.append(Entry(at, copied(group), cause))

    def shown(self, group_id: str) -> list[Json]:
        """A group's states in their order: when, why, and what it was set to."""
        return [
            {"at": entry.at, "cause": entry.cause, "settings": settings(entry.state)}
            for entry in self.entries.get(group_id, [])
        ]

    def past(self, behind: int) -> World:
        """The world as it was so many milliseconds ago, to be read only."""
        as_of = self.world.clock.now() - behind
        old: dict[str, SimulatedGroup | None] = {}
        for group_id, entries in self.entries.items():
            if entries[-1].at > as_of:
                then = next((e.state for e in reversed(entries) if e.at <= as_of), None)
                old[group_id] = None if then is None else _frozen(then, as_of)
        view = copy(self.world)
        groups = {g.id: old.get(g.id, g) for g in self.world.groups.values()}
        view.groups = {group_id: g for group_id, g in groups.items() if g is not None}
        view.jobs = {
            job.id: _unfinished(job) if job.due > as_of else job
            for job in self.world.jobs.values()
            if job.created_at <= as_of
        }
        members: dict[str, list[SimulatedGroup]] = defaultdict(list)
        for group in view.groups.values():
            members[group.project_id].append(group)
        view.projects = {
            project.id: _regrouped(project, members[project.id])
            for project in self.world.projects.values()
            if project.created_at <= as_of
        }
        return view


def copied(group: SimulatedGroup) -> SimulatedGroup:
    """Return an independent copy; values that never change in place are shared."""
    tally = group.tally
    apart = replace(tally, ends=[*tally.ends], totals=[*tally.totals], stretches=[*tally.stretches])
    return deepcopy(group, {id(tally): apart, id(group.changelog): [*group.changelog]})


def _frozen(state: SimulatedGroup, at: int) -> SimulatedGroup:
    """Return a copy of a state, advanced to a moment and frozen there."""
    group = copied(state)
    if group.stretch is not None and group.stretch.start >= at:
        group.stretch = None  # drawn after that moment
    settle_and_cut(group, at)
    group.until = FAR
    return group


def _unfinished(job: Job) -> Job:
    """A job as it was before it ended."""
    extra = {k: v for k, v in job.extra.items() if k not in ("run_id", "wanting")}
    return replace(job, status="Processing", updated=[], failed=[], extra=extra)


def _regrouped(project: SimulatedProject, members: list[SimulatedGroup]) -> SimulatedProject:
    """A project with the groups that were in it, those that are still there in their order."""
    place = {group.id: n for n, group in enumerate(project.groups)}
    return replace(project, groups=sorted(members, key=lambda group: place.get(group.id, -1)))
