"""How the quotas of a question fill: people fall into cells by shares that are not the goals' own.

Counts follow from the total alone, so a group needs no memory of its cells: people come by the
shares until a cell is full, and from then on only for the others.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import exp

from dashboard.simulator.catalogue.seeded_random import normal_deviate, uniform_draws

AGES = ((18, 34, 30), (35, 54, 42), (55, 65, 28))  # from, to, share in percent
GENDERS = (("1", 50), ("2", 50))  # option, share in percent
SCATTER = 0.3  # sd of the log of a share over its goal's
RARE_IN = 0.35  # groups in which one cell of the first question trickles
RARE = (0.3, 0.6)  # its people over those that its goal needs


@lru_cache(maxsize=4096)
def usual_goals(goal: int) -> tuple[tuple[int, ...], ...]:
    """The quotas by age and gender of a group with this goal."""
    return tuple(
        tuple(split_total(goal, [float(share) for *_, share in cells])) for cells in (AGES, GENDERS)
    )


def split_total(total: int, weights: Sequence[float]) -> list[int]:
    """Whole parts of a total by weight, which add up to it."""
    whole = sum(weights) or 1.0
    exact = [total * w / whole for w in weights]
    parts = [int(e) for e in exact]
    by_rest = sorted(range(len(exact)), key=lambda i: parts[i] - exact[i])
    for index in by_rest[: total - sum(parts)]:
        parts[index] += 1
    return parts


@lru_cache(maxsize=65536)
def cell_shares(
    seed: int, question: int, goals: tuple[int, ...]
) -> tuple[tuple[float, ...], float]:
    """The share of people (0–1) who fall into each cell of a question, and the total at which its
    first cell is full."""
    shares = []
    for cell, goal in enumerate(goals):
        u = uniform_draws(seed ^ 0xCE11, 1 + question * 1000 + cell)
        shares.append(goal * exp(SCATTER * max(-2.0, min(2.0, normal_deviate(u[0])))))
    u = uniform_draws(seed ^ 0xCE11, 0)
    if question == 0 and u[0] < RARE_IN and len(goals) > 1:
        shares[int(u[1] * len(goals))] *= RARE[0] + u[2] * (RARE[1] - RARE[0])
    whole = sum(shares) or 1.0
    parts = tuple(share / whole for share in shares)
    return parts, min((g / p for g, p in zip(goals, parts, strict=True) if p), default=0.0)


def fill_cells(
    goals: Sequence[float], shares: Sequence[float], total: float
) -> tuple[list[float], float]:
    """The count of each cell at a total, and the share of people who still find an open cell.

    Beyond the sum of the goals all are let in again, by the shares: nothing stops such a group.
    """
    beyond = total - sum(goals)
    if beyond >= 0:
        return [g + s * beyond for g, s in zip(goals, shares, strict=True)], 1.0
    order = sorted(range(len(goals)), key=lambda n: goals[n] / shares[n] if shares[n] else 1e18)
    counts = [float(goal) for goal in goals]
    left, is_open = total, 1.0
    for place, cell in enumerate(order):
        came = left / is_open if is_open > 0 else 0.0  # if none of the rest fills
        if shares[cell] * came < goals[cell]:
            for other in order[place:]:
                counts[other] = shares[other] * came
            break
        left -= goals[cell]
        is_open -= shares[cell]
    return counts, max(is_open, 0.0)
