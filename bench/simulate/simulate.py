"""How fast simulated field days pass, and whether a seed is the same story each time."""

from __future__ import annotations

from bench.shared.figure import Figure
from bench.simulate.stories import migrated_tables, tell_stories

SEEDS = range(1, 41)
AGAIN = range(1, 6)
HOURS = 24.0


def figures() -> list[Figure]:
    """Forty stories of a day of faults each, and five of them again in another process."""
    with migrated_tables() as tables:
        stories = tell_stories(SEEDS, tables, hours=HOURS)
        again = tell_stories(AGAIN, tables, hours=HOURS)
    pace = stories["field_days"] / stories["cpu_seconds"] * 60
    others = sum(
        stories["digests"].get(seed) != again["digests"].get(seed) for seed in again["digests"]
    )
    wrong = len(stories["wrong"])
    note = ", ".join(f"{count:,} {name}" for name, count in stories["counts"].items())
    return [
        Figure("simulated_field_days_a_cpu_minute", pace, "≥ 200", pace >= 200, note),
        Figure("simulated_stories_gone_wrong", wrong, "0", not wrong, "; ".join(stories["wrong"])),
        Figure("simulated_seeds_with_another_story", others, "0", not others),
    ]
