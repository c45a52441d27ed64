"""Two weeks of managers who look every working hour and do what the top of their list says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from bench.attention.field import (
    UNTIL,
    Field,
    TrueCause,
    counted,
    do_remedy,
    left_alone,
    outcome_of,
    still_hours,
)
from bench.attention.lists import Listed, Ranked, remedy_in_field
from bench.attention.watch import Watch, Watched, fork_watched
from bench.forecast.simulated_group import START, moment_of
from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.world.respondents import settle_group

ACTIONS_A_DAY = 10
WORKING_HOURS = range(9, 18)
WATCHED_HOURS = (0, 3, 6, 9, 14, 20)  # outside working hours
EDITS = ("cpi", "cpi_limit", "extend", "loi", "qualifications", "quotas")  # forms of the product
WAITS = 24 * HOUR  # until a line on which something was done comes back


@dataclass(slots=True)
class Opened:
    """A line that appeared on a list, and what it was about in truth."""

    line: Listed
    person: str
    at: int
    causes: tuple[TrueCause, ...]


@dataclass(slots=True)
class Interruption:
    """Critical lines that appeared together: one message to one person."""

    person: str
    at: int
    groups: list[str]
    right: int  # of these groups: would have lost completes, or stood still


class Branch:
    """One world in which the managers follow one list; groups not acted on are the twin's."""

    def __init__(self, watch: Watch, ranked: Ranked, world: Field) -> None:
        self._watch, self._ranked, self._world = watch, ranked, world
        self.own: dict[str, Watched] = {}
        self.done: dict[tuple[str, str], int] = {}
        self.actions = Counter[tuple[str, int]]()  # by person and day
        self.open: dict[tuple[str, str], Opened] = {}
        self.opened: list[Opened] = []
        self.listed: dict[str, int] = {}  # since when a group with a true cause was listed
        self.interruptions: list[Interruption] = []
        self.mornings: list[tuple[int, int]] = []  # items and groups in field of a person at 9:00

    def look(self, at: int, *, judged: bool) -> None:
        """Live on, read the list, and in working hours do what it says."""
        for one in self.own.values():
            settle_group(one.group, at)
        if judged:
            self._watch.judge(self.own.values(), at)
        groups = [self.own.get(key, one) for key, one in self._watch.groups.items()]
        lines = self._ranked(groups, at)
        if judged:
            self._note(lines, at)
        if _is_working(at):
            to_do = [line for line in lines if at - self.done.get(line[:2], 0) >= WAITS]
            by_person = self._by_person(to_do)
            if _hour(at) == WORKING_HOURS[0]:
                self._note_morning(by_person, groups)
            for person, theirs in by_person.items():
                self._act(person, theirs, at)

    def rescued(self) -> int:
        """Completes more than in the twin, of groups whose end date lies in these two weeks."""
        return sum(
            outcome_of(one.group) - outcome_of(self._world.groups[key])
            for key, one in self.own.items()
            if one.group.planned[1] <= UNTIL
        )

    @property
    def people(self) -> list[str]:
        """The managers, by their ids."""
        return sorted({group.project_manager_id for group in self._world.groups.values()})

    def _note_morning(self, by_person: dict[str, list[Listed]], groups: Iterable[Watched]) -> None:
        in_field = Counter(
            one.group.project_manager_id for one in groups if one.group.status in ("live", "paused")
        )
        self.mornings += [
            (len(by_person.get(person, ())), in_field[person]) for person in self.people
        ]

    def _by_person(self, lines: Iterable[Listed]) -> dict[str, list[Listed]]:
        found: dict[str, list[Listed]] = {}
        for line in lines:
            person = self._world.groups[line.group].project_manager_id
            found.setdefault(person, []).append(line)
        return found

    def _act(self, person: str, lines: Sequence[Listed], at: int) -> None:
        for line in lines:
            today = person, at // DAY
            if self.actions[today] >= ACTIONS_A_DAY:
                return
            self.actions[today] += 1
            self._do(line, at)

    def _do(self, line: Listed, at: int) -> None:
        """Do it to the group, and where it heals a shared cause to all that share it."""
        remedy = remedy_in_field(line.remedy)
        self.done[line[:2]] = at
        self._do_one(line.group, remedy, at)
        if remedy == "signing_key":
            for cause in self._world.causes_of.get(line.group, ()):
                for key in cause.groups:
                    if key != line.group and cause.began <= at:
                        self.done[key, line.remedy] = at
                        self._do_one(key, remedy, at)

    def _do_one(self, key: str, remedy: str, at: int) -> None:
        if key not in self.own:
            self.own[key] = fork_watched(self._watch.groups[key])
        do_remedy(self.own[key].group, remedy, at)
        if remedy in EDITS:
            self.own[key].changed_at = moment_of(at)

    def _note(self, lines: Sequence[Listed], at: int) -> None:
        """Keep which lines are new, and which of them interrupt somebody."""
        now = {line[:2]: line for line in lines}
        for line in lines:
            if self._causes(line.group, at):
                self.listed.setdefault(line.group, at)
        critical: dict[str, list[str]] = {}
        for key, line in now.items():
            person = self._world.groups[line.group].project_manager_id
            before = self.open.get(key)
            if line.critical and not (before and before.line.critical):
                critical.setdefault(person, []).append(line.group)
            if before is None:
                self.opened.append(Opened(line, person, at, self._causes(line.group, at)))
                self.open[key] = self.opened[-1]
            elif line.critical and not before.line.critical:
                before.line = line
        self.open = {key: one for key, one in self.open.items() if key in now}
        for person, keys in critical.items():
            right = sum(self._is_right(key, at) for key in keys)
            self.interruptions.append(Interruption(person, at, keys, right))

    def _causes(self, key: str, at: int) -> tuple[TrueCause, ...]:
        """What is wrong with a group by now."""
        return tuple(c for c in self._world.causes_of.get(key, ()) if c.began <= at)

    def _is_right(self, key: str, at: int) -> bool:
        """Whether a group would have cost 5 % of its goal, or stood still for six hours."""
        group = self.own[key].group if key in self.own else self._world.groups[key]
        lost = group.filling_goal - counted(left_alone(group))
        return lost >= 0.05 * group.filling_goal or still_hours(group, at) >= 6


def _hour(at: int) -> int:
    return datetime.fromtimestamp(at / 1000, UTC).hour


def _is_working(at: int) -> bool:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.weekday() < 5 and moment.hour in WORKING_HOURS


def looks() -> Iterator[int]:
    """The moments at which the product reads and judges."""
    for at in range(START, UNTIL, HOUR):
        if _is_working(at) or _hour(at) in WATCHED_HOURS:
            yield at


class Life(NamedTuple):
    """A world that was lived through once for each list, beside its twin."""

    world: Field
    branches: dict[str, Branch]


def live(seed: int, lists: dict[str, Ranked], *, judged: Sequence[str], **size: int) -> Life:
    """Live through a world; judged: the lists that need the product's incidents."""
    world = Field(seed, **size)
    watch = Watch(world.groups.values())
    branches = {name: Branch(watch, ranked, world) for name, ranked in lists.items()}
    for at in looks():
        world.settle(at)
        if judged:
            watch.look(at)
        for name, branch in branches.items():
            if name in judged or _is_working(at):
                branch.look(at, judged=name in judged)
    return Life(world, branches)
