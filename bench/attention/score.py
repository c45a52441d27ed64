"""The figures of a list: what it rescued, what it foresaw, and how much it asked of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median

import numpy as np

from bench.attention.field import UNTIL, Field, TrueCause, counted, left_alone
from bench.attention.life import Branch, Interruption, Life, Opened, looks
from bench.shared.figure import Figure
from dashboard.simulator.catalogue.clock import DAY, HOUR

SHORT = 0.05  # of the goal: from here on a group ended short
AHEAD = 48 * HOUR  # before its end, by when a group that ends short is to be listed
TO_SEE = 6 * HOUR  # before that its cause must have begun, to be foreseeable
GROUPS = 60  # of a person, for which the items at 9:00 are told
ORACLE, LINE, BEFORE, PRODUCT = "oracle", "straight_line", "incident_list", "product"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    part: float
    whole: float

    def __add__(self, other: Share) -> Share:
        return Share(self.part + other.part, self.whole + other.whole)

    @property
    def value(self) -> float:
        """The share; 1 of nothing."""
        return self.part / self.whole if self.whole else 1.0


NOTHING = Share(0, 0)


@dataclass(slots=True)
class Score:
    """What is counted in one world, or in several together."""

    rescued: Counter[str] = field(default_factory=Counter)  # completes, by list
    actions: Counter[str] = field(default_factory=Counter)  # of all managers, by list
    right: Share = NOTHING  # groups that interrupted somebody, and rightly
    foreseen: Share = NOTHING  # groups that end short, and were listed in time
    interruptions: list[int] = field(default_factory=list)  # by person and working day
    mornings: list[float] = field(default_factory=list)  # items of a person at 9:00
    causes: Share = NOTHING  # items by causes; those of a shared cause count once
    critical: Share = NOTHING  # critical items of all
    stray: int = 0  # items without a true cause

    def __str__(self) -> str:
        rescued = ", ".join(f"{name} {number:,}" for name, number in self.rescued.items())
        return f"completes rescued: {rescued}; {self.critical.whole:.0f} items"


def score_life(life: Life) -> Score:
    """Score a world that was lived through."""
    branch = life.branches[PRODUCT]
    told = branch.interruptions
    return Score(
        rescued=Counter({name: one.rescued() for name, one in life.branches.items()}),
        actions=Counter({name: one.actions.total() for name, one in life.branches.items()}),
        right=Share(sum(one.right for one in told), sum(len(one.groups) for one in told)),
        foreseen=foreseen_groups(life.world, branch.listed),
        interruptions=interruptions_a_day(told, branch.people),
        mornings=mornings_of(branch),
        causes=items_by_cause(branch.opened),
        critical=Share(sum(one.line.critical for one in branch.opened), len(branch.opened)),
        stray=sum(not one.causes for one in branch.opened),
    )


def foreseen_groups(world: Field, listed: Mapping[str, int]) -> Share:
    """The groups that end short in the twin and could be foreseen, and those that were listed.

    listed: since when a group was on the list while it had a true cause.
    """
    foreseeable = [
        key for key, causes in world.causes_of.items() if _is_foreseeable(world, key, causes)
    ]
    in_time = sum(
        listed.get(key, UNTIL) <= world.groups[key].planned[1] - AHEAD for key in foreseeable
    )
    return Share(in_time, len(foreseeable))


def _is_foreseeable(world: Field, key: str, causes: Iterable[TrueCause]) -> bool:
    group = world.groups[key]
    end = group.planned[1]
    if end > UNTIL or min(cause.began for cause in causes) > end - AHEAD - TO_SEE:
        return False
    return group.filling_goal - counted(left_alone(group)) > SHORT * group.filling_goal


def interruptions_a_day(told: Iterable[Interruption], people: Iterable[str]) -> list[int]:
    """How often each person was interrupted on each working day, the days off before included."""
    days = sorted({at // DAY for at in looks() if (at // DAY + 3) % 7 < 5})
    counts = Counter[tuple[str, int]]()
    for one in told:
        day = next((day for day in days if day >= one.at // DAY), days[-1])
        counts[one.person, day] += 1
    return [counts[person, day] for person in people for day in days]


def mornings_of(branch: Branch) -> list[float]:
    """The items of each person at 9:00, as if the person had 60 groups in field."""
    return [items * GROUPS / groups for items, groups in branch.mornings if groups]


def items_by_cause(opened: Iterable[Opened]) -> Share:
    """The problems that have a true cause, by the number of these; a shared cause has each once.

    Decisions, such as whether to extend a group that ended short, are none.
    """
    remedies: dict[TrueCause, set[str]] = {}
    for one in opened:
        for cause in one.causes:
            if not one.line.decision:
                remedies.setdefault(cause, set()).add(one.line.remedy)
    return Share(sum(len(found) for found in remedies.values()), len(remedies))


def add_scores(scores: Iterable[Score]) -> Score:
    """Return the scores of several worlds together."""
    total = Score()
    for one in scores:
        total.rescued.update(one.rescued)
        total.actions.update(one.actions)
        total.right += one.right
        total.foreseen += one.foreseen
        total.interruptions += one.interruptions
        total.mornings += one.mornings
        total.causes += one.causes
        total.critical += one.critical
        total.stray += one.stray
    return total


def figures_of_score(score: Score, *, worlds: int) -> list[Figure]:
    """The figures with their goals."""
    best, told = score.rescued[ORACLE], score.interruptions or [0]
    rescued = {
        name: (Share(score.rescued[name], best).value, f"{score.actions[name]:,} actions")
        for name in (PRODUCT, LINE, BEFORE)
    }
    oracle = f"{worlds} worlds; oracle {best:,} completes, {score.actions[ORACLE]:,} actions"
    ours, actions = rescued[PRODUCT]
    right, foreseen = score.right, score.foreseen
    groups = f"of {foreseen.whole:.0f} groups that end short"
    stray = f"{score.stray} of {score.critical.whole:.0f} items have no true cause"
    return [
        at_least("attention_rescued", ours, 0.9, f"{actions}; {oracle}"),
        Figure("attention_rescued_straight_line", *shown(rescued[LINE])),
        Figure("attention_rescued_incident_list", *shown(rescued[BEFORE])),
        at_least("attention_precision", right.value, 0.9, f"of {right.whole:.0f} groups told"),
        at_least("attention_recall", foreseen.value, 0.9, groups),
        at_most("attention_interruptions_mean", fmean(told), 2, "a person and working day"),
        at_most("attention_interruptions_p95", float(np.quantile(told, 0.95)), 5, ""),
        at_most("attention_items_at_nine", median(score.mornings or [0]), 8, "median, 60 groups"),
        at_most("attention_items_a_cause", score.causes.value, 1.2, stray),
        at_most("attention_critical_share", score.critical.value, 0.1, ""),
    ]


def shown(measured: tuple[float, str]) -> tuple[float, str, bool, str]:
    """A figure that is shown beside ours, without a goal of its own."""
    value, note = measured
    return value, "shown", True, note


def at_least(name: str, value: float, goal: float, note: str) -> Figure:
    """A figure that is to reach its goal."""
    return Figure(name, value, f">={goal:g}", value >= goal, note)


def at_most(name: str, value: float, goal: float, note: str) -> Figure:
    """A figure that is not to exceed its goal."""
    return Figure(name, value, f"<={goal:g}", value <= goal, note)
