"""How long it takes to add up 400 groups drawn together. Run by `python -m bench joint_sum`."""

import time

import numpy as np

from bench.forecast.backtest import below
from bench.shared.figure import Figure
from dashboard.fielding.figures.joint_sum import JointDraws
from dashboard.fielding.insight.at_end import GroupAtEnd

GROUPS, ROUNDS = 400, 15


def figures() -> list[Figure]:
    """The CPU of one sum with its shortfall, in milliseconds: the middle of some rounds."""
    groups = _groups()
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        draws = JointDraws(groups)
        draws.projected()
        draws.shortfall()
        spent.append(1000 * (time.process_time() - begin))
    note = f"{GROUPS} groups of one project in 7 countries"
    return [below("joint_sum_ms", float(np.median(spent)), 50, note)]


def _groups() -> list[GroupAtEnd]:
    chance = np.random.default_rng(1)
    groups = []
    for number in range(GROUPS):
        goal, share = float(chance.uniform(50, 900)), float(chance.uniform(0.1, 0.9))
        done, to_come = goal * share, goal * (1 - share) * float(chance.uniform(0.2, 1.6))
        low, middle, high = (done + to_come * factor for factor in (0.6, 1.0, 1.6))
        country = f"c{number % 7}"
        groups.append(GroupAtEnd(goal, done, low, middle, high, is_projected=True, country=country))
    return groups
