"""What a list of problems is worth to the managers who work through it, in simulated worlds.

Run by `python -m bench attention [--seeds 1 2 …]`. Each world is 400 groups of four managers over
two weeks, with troubles whose causes are known, beside a twin in which nobody does anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from bench.attention.first_read import mails_after_connecting  # noqa: E402  tables need settings
from bench.attention.life import live  # noqa: E402
from bench.attention.lists import (  # noqa: E402
    Oracle,
    ProductItems,
    Ranked,
    incident_list,
    straight_line,
)
from bench.attention.score import (  # noqa: E402
    BEFORE,
    LINE,
    ORACLE,
    PRODUCT,
    Score,
    add_scores,
    figures_of_score,
    score_life,
)
from bench.shared.figure import Figure  # noqa: E402

SEEDS = tuple(range(1, 21))


def figures(seeds: Sequence[int] = SEEDS) -> list[Figure]:
    """The figures over all worlds; one line a world goes to the standard error."""
    scores = []
    workers = min(len(seeds), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for seed, score in zip(seeds, pool.map(score_of_world, seeds), strict=True):
            scores.append(score)
            print(f"world {seed}: {score}", file=sys.stderr, flush=True)
    found = figures_of_score(add_scores(scores), worlds=len(scores))
    mails, problems = mails_after_connecting()
    note = f"to one person, with {problems} open problems"
    return [*found, Figure("attention_mails_after_connecting", mails, "<=1", mails <= 1, note)]


def score_of_world(seed: int, **size: int) -> Score:
    """Live through one world with each list."""
    lists: dict[str, Ranked] = {
        ORACLE: Oracle(),
        LINE: straight_line,
        BEFORE: incident_list,
        PRODUCT: ProductItems(),
    }
    return score_life(live(seed, lists, judged=(BEFORE, PRODUCT), **size))
