"""Twenty thousand simulated stories; `SIMULATED_SEEDS=500` tells fewer."""

from __future__ import annotations

import os

from bench.shared.figure import Figure
from bench.simulate.stories import migrated_tables, tell_side_by_side

SEEDS = int(os.environ.get("SIMULATED_SEEDS", "20000"))
HOURS = 4.0


def figures() -> list[Figure]:
    """How many stories ended with something that must not be; each names its seed and step."""
    with migrated_tables() as tables:
        told = tell_side_by_side(range(1, SEEDS + 1), tables, hours=HOURS)
    wrong = [line for each in told for line in each["wrong"]]
    days = sum(each["field_days"] for each in told)
    steps = sum(each["steps"] for each in told)
    note = "; ".join(wrong[:20]) or f"{days:,.0f} field days, {steps:,} steps"
    return [Figure(f"simulated_stories_gone_wrong_of_{SEEDS}", len(wrong), "0", not wrong, note)]
