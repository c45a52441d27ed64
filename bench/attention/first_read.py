"""How many mails a person gets when an account full of open problems is connected."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from bench.shared.environment import SQLITE, run, stage

SEED, PROJECTS, GROUPS = 1, 2, 108
HOUR, ROUNDS = 10, 4  # connected on a Monday morning, outside quiet hours; looked at for two hours


def mails_after_connecting() -> tuple[int, int]:
    """The mails to who gets the most of them, and how many problems were open."""
    with stage(SQLITE) as given:
        found: dict[str, int] = run(
            "bench.attention.first_read:connect", given, SEED, PROJECTS, GROUPS
        )
    return found["mails"], found["items"]


def connect(seed: int, projects: int, groups: int) -> dict[str, Any]:
    """Connect an account whose first read finds everything at once, and live on."""
    from bench.faults.simulated_life import Life  # noqa: PLC0415  the tables need settings first
    from dashboard.fielding.models import ExchangeAccount, Item, Mail, User  # noqa: PLC0415

    life = Life(seed=seed, projects=projects, groups=groups)
    life.now += timedelta(hours=HOUR)
    ExchangeAccount.objects.update(first_pull_completed_at=None, created_at=life.now)
    User.objects.update(date_joined=life.now)  # the digest of the day is over
    life.live(ROUNDS)
    people = Counter(Mail.objects.values_list("recipient__username", flat=True))
    return {"mails": max(people.values(), default=0), "items": Item.objects.open().count()}
