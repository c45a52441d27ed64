"""Two weeks of the simulated field under the rules as they ship: how often each fires, and whether
the same life opens the same incidents again.
"""

import sys
from collections import Counter
from datetime import datetime
from typing import Any

from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure

SEED, PROJECTS, GROUPS, DAYS = 1, 2, 35, 14
HOURS_A_WEEK = 168
FIRED_AT = 8  # column of an incident


def figures() -> list[Figure]:
    """What differs between two lives, and how much one group in the field is told of in a week."""
    once, again = (lived() for _ in range(2))
    differ = sum(
        (Counter(map(str, once["incidents"])) - Counter(map(str, again["incidents"]))).values()
    )
    differ += abs(len(once["incidents"]) - len(again["incidents"]))
    weeks = once["live_hours"] / HOURS_A_WEEK * (DAYS - 1) / DAYS
    fired = Counter(one[0] for one in once["incidents"] if _is_later(one, once["began"]))
    for rule, number in fired.most_common():
        print(f"{rule}: {number / weeks:.2f} a live group and week", file=sys.stderr)
    told, most = sum(fired.values()) / weeks, mails_a_day(once)
    note = f"{len(once['incidents'])} incidents in {DAYS} days"
    return [
        Figure("alert_replay_differs", differ, "<=0", differ == 0, note),
        Figure("alert_firings_a_live_group_week", told, "<=3", told <= 3, "after the first day"),
        Figure("alert_mails_a_person_and_day", most, "<=12", most <= 12, "nobody acknowledges any"),
    ]


def lived() -> dict[str, Any]:
    """One life."""
    with stage(SQLITE) as given:
        found: dict[str, Any] = run(
            "bench.faults.simulated_life:life", given, SEED, PROJECTS, GROUPS, DAYS
        )
    return found


def mails_a_day(life: dict[str, Any]) -> float:
    """Mails to who gets the most of them, digests included."""
    return max(Counter(who for who, *_ in life["mails"]).values()) / DAYS


def _is_later(incident: list[Any], began: str) -> bool:
    """Whether it fired after the first day, on which a new connection tells what it finds."""
    fired = incident[FIRED_AT]
    return bool(fired) and (datetime.fromisoformat(fired) - datetime.fromisoformat(began)).days >= 1
