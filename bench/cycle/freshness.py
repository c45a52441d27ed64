"""How old the numbers of live groups are, with real workers, real Redis and a budget.

Two thousand live groups, a tenth of which has moved whenever a project is asked, two worker
processes with one beat, six hundred requests a minute. The best that the budget allows is a round
as long as its requests take at ten a second; measured is how near the workers come to it.
"""

import time

from bench.shared.canned_exchange import canned
from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from bench.shared.processes import worker

PROJECTS = 20
BUDGET = 600
WARM, MEASURED = 75.0, 120.0  # seconds
NAME, MOST = "freshness_p95_over_round", 1.2


def figures() -> list[Figure]:
    """The age that 95 % of the numbers stay under, beside the shortest round."""
    with canned() as exchange, stage(SQLITE) as given:
        run("bench.cycle.freshness:fill", given, exchange.base_url)
        exchange.keep_moving(share=10)
        schedule = f"{given['FIELDWATCH_HOME']}/beat"
        with (
            worker(given, "--beat", "--schedule", schedule),
            worker(given),
        ):
            time.sleep(WARM)
            exchange.log()
            p95, rounds = run("bench.cycle.freshness:watch", given, MEASURED)
            requests = len(exchange.log()) / rounds
    value = p95 / (requests / (BUDGET / 60))
    note = f"95 % of the ages under {p95:.0f} s; {requests:.0f} requests a round"
    return [
        Figure("freshness_p95_seconds", p95, ">0", p95 > 0, note),
        Figure(NAME, value, f"<={MOST}", value <= MOST),
    ]


def fill(base_url: str) -> None:
    """Two thousand groups that were read just now, read as often as the budget lets."""
    from django.utils import timezone  # noqa: PLC0415

    from bench.shared.seed_tables import fill as tables  # noqa: PLC0415
    from dashboard.fielding.models import ExchangeAccount  # noqa: PLC0415

    tables(base_url, PROJECTS, timezone.now().isoformat())
    ExchangeAccount.objects.update(requests_per_minute=BUDGET, poll_seconds=30)


def watch(seconds: float) -> tuple[float, float]:
    """The 95th percentile of the ages, looked at every second, and how many rounds were done."""
    from django.utils import timezone  # noqa: PLC0415

    from dashboard.fielding.models import Cycle, Project  # noqa: PLC0415

    ages: list[float] = []
    began = timezone.now()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        now = timezone.now()
        read = Project.objects.values_list("read_at", flat=True)
        ages += [(now - at).total_seconds() for at in read if at]
        time.sleep(1)
    done = Cycle.objects.filter(project__isnull=False, finished_at__gt=began).count()
    return sorted(ages)[int(len(ages) * 0.95)], done / PROJECTS
