"""Groups with and without a change at a known moment: how often the effect verdict is right."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.effects.effect import Group, SettingChange, effect_of_change

START = datetime(2026, 2, 2, 6, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Warsaw")


def verdict(seed: int, *, ratio: float) -> str | None:
    """The verdict on a group whose rate is multiplied at a moment; None if too few completes.

    Dispersion 1 to 1.5 by batches, 4 to 15 days before, 1 to 7 after, at least 60 completes on
    each side of the change as the windows see it.
    """
    rng = np.random.default_rng([seed, int(ratio * 100)])
    hours = np.arange(int(rng.integers(4 * 24, 15 * 24)) + int(rng.integers(24, 7 * 24)))
    at = int(rng.uniform(0.5, 0.85) * hours.size)
    local = [(START + timedelta(hours=int(h), minutes=30)).astimezone(ZONE) for h in hours]
    wave = np.array([1 + 0.9 * np.sin((p.hour - 9) / 24 * 2 * np.pi) for p in local])
    wave *= np.where([p.weekday() >= 5 for p in local], rng.uniform(0.6, 1.2), 1.0)
    rate = wave * np.exp(rng.uniform(np.log(10), np.log(150))) / 24
    rate[at:] *= ratio
    batch = rng.uniform(1.0, 1.28)  # variance over mean up to 1.5
    arrivals = rng.poisson(rate / batch)
    total = np.cumsum(arrivals + rng.poisson(arrivals * (batch - 1)))
    week = 7 * 24
    sides = total[at - 1] - total[max(0, at - week) - 1 or 0], total[-1] - total[at - 1]
    if min(sides) < 60:
        return None
    stamps = [START + timedelta(hours=int(h) + 1) for h in hours]
    group = Group([(s, float(c)) for s, c in zip(stamps, total, strict=True)], ZONE)
    seen = effect_of_change(SettingChange(stamps[at - 1], "strategy"), group, now=stamps[-1])
    return seen.completes_an_hour.verdict


def rates(number: int) -> tuple[float, float]:
    """False alarms on groups without a change; detection of a doubling. Both 0–1."""
    calm = [seen for seed in range(number) if (seen := verdict(seed, ratio=1.0))]
    doubled = [seen for seed in range(number) if (seen := verdict(seed, ratio=2.0))]
    alarms = sum(seen in ("raised", "lowered") for seen in calm) / len(calm)
    return alarms, sum(seen == "raised" for seen in doubled) / len(doubled)
