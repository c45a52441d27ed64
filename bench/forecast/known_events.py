"""What the forecast gains from knowing public holidays, and loses by changes that move nothing.

Run by `python -m bench known_events`. On the real fields: whether people answer less on public
holidays, and the loss of a forecast that takes half of each holiday out as it does a pause, over
the loss of one that does not. A change of pacing or of a supplier's price may move the rate or not:
so the loss with one change somewhere in the last three days that moved nothing, over without.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.forecast.backtest import below, pinball, replay
from bench.forecast.fields.chance import Floats
from bench.forecast.fields.generated_fields import PROCESSES, Field, field
from bench.forecast.fields.real_fields import HOUR, Cut, RealField, panel_cuts, real_fields
from bench.shared.figure import Figure

DAY = timedelta(days=1)
HALF = timedelta(hours=14.5)  # until then half of a day's people have come
NEAR, FEWEST_NEAR = 2, 2  # working days on each side of a holiday, and how many must be there
LONGEST_AGO = 72  # hours
FIRST_SEED, FIELDS = 5000, 60  # of each process
_EASTER = ("2025-04-18", "2025-04-21", "2025-05-01", "2025-05-29")
HOLIDAYS = {  # public holidays within the real fields, by time zone
    "Europe/Zurich": _EASTER,
    "Europe/Berlin": _EASTER,
    "Europe/Paris": ("2025-04-21", "2025-05-01", "2025-05-08", "2025-05-29"),
    "Europe/Rome": ("2025-04-21", "2025-04-25", "2025-05-01", "2025-06-02"),
    "Europe/Warsaw": ("2025-04-21", "2025-05-01", "2025-05-03"),
    "Europe/Moscow": ("2025-11-04",),
    "America/New_York": ("2021-01-18", "2020-11-11", "2021-11-11", "2022-02-21", "2024-10-14"),
}


def figures() -> list[Figure]:
    """The size of holidays, what knowing them gains, and what idle changes cost."""
    logs = [log for real in real_fields() if real.is_panel for log in _holiday_logs(real)]
    error = float(np.std(logs) / np.sqrt(len(logs)))
    size = float(np.exp(np.mean(logs)))
    cuts = panel_cuts()
    plain, knowing = [cut.field for cut in cuts], [_knowing_holidays(cut) for cut in cuts]
    with_one = [n for n, one in enumerate(knowing) if len(one.pauses) > len(plain[n].pauses)]
    usual, told = _losses(plain), _losses(knowing)
    made = [field(process, FIRST_SEED + n) for process in PROCESSES for n in range(FIELDS)]
    gain = float(told[with_one].mean() / usual[with_one].mean())
    return [
        Figure("holiday_completes", size, "<=1", size <= 1, f"{len(logs)} days, log ± {error:.2f}"),
        below("real_pinball_knowing_holidays", gain, 1.0, f"{len(with_one)} cuts with a holiday"),
        below("made_pinball_idle_changes", _idle_cost(made), 1.02, f"{len(made)} made-up fields"),
        below("real_pinball_idle_changes", _idle_cost(plain), 1.02, f"{len(plain)} cuts"),
    ]


def _holiday_logs(real: RealField) -> list[float]:
    """The log of each working day's completes that is a holiday, over those of days around it."""
    zone, totals = ZoneInfo(real.zone), dict[date, float]()
    hours = dict[date, int]()
    for hour, count in enumerate(real.hourly.tolist()):
        day = (real.start + hour * HOUR).astimezone(zone).date()
        totals[day], hours[day] = totals.get(day, 0.0) + count, hours.get(day, 0) + 1
    days = [day for day in sorted(totals) if hours[day] >= 23 and day.weekday() < 5]
    free = {date.fromisoformat(day) for day in HOLIDAYS.get(real.zone, ())}
    logs = []
    for place, day in enumerate(days):
        near = days[max(0, place - NEAR) : place] + days[place + 1 : place + 1 + NEAR]
        usual = [np.log(totals[other] + 0.5) for other in near if other not in free]
        if day in free and len(usual) >= FEWEST_NEAR:
            logs.append(float(np.log(totals[day] + 0.5) - np.mean(usual)))
    return logs


def _knowing_holidays(cut: Cut) -> Field:
    """The field with half of each holiday within it taken out."""
    zone, pauses = ZoneInfo(cut.real.zone), list(cut.field.pauses)
    for day in HOLIDAYS.get(cut.real.zone, ()):
        begins = datetime.fromisoformat(day).replace(tzinfo=zone)
        if cut.field.starts_at < begins and begins + DAY < cut.field.ends_at:
            pauses.append((begins, begins + HALF))
    return replace(cut.field, pauses=tuple(pauses))


def _idle_cost(fields: Sequence[Field]) -> float:
    """The loss with a change that moved nothing over the loss without."""
    rng = np.random.default_rng(1)
    without = [replace(one, turns=()) for one in fields]
    changed = [
        replace(one, turns=(one.now - float(rng.uniform(3, LONGEST_AGO)) * HOUR,)) for one in fields
    ]
    return float(_losses(changed).mean() / _losses(without).mean())


def _losses(fields: Sequence[Field]) -> Floats:
    return np.array(
        [
            pinball(row.quantiles, row.field.truth) / row.field.goal
            for row in replay(fields, with_changes=True)
        ]
    )
