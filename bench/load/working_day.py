"""Half an hour of a working day at a company, as its people and its servers see it.

Fifty people on two web processes, two workers, two thousand groups of a simulated exchange that
fails now and then, PostgreSQL (or SQLite) and Redis. Told are the answers that nobody should see,
how old the numbers of live groups were, and whether any process grew.
"""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bench.load.simulated_people import PEOPLE, Person, Said
from bench.pages.pages import _until_up
from bench.shared.environment import POSTGRESQL, SQLITE, Environment, missing, run, stage
from bench.shared.figure import Figure
from bench.shared.processes import pss, running, worker
from dashboard.simulator.harness import Simulator
from tests.end_to_end.product import free_port

MINUTES = 30.0
PROJECTS, GROUPS = 20, 100
FILLED_WITHIN = 20 * 60.0  # seconds; a first pull without a budget, on a busy machine
POLL_SECONDS, BUDGET = 300, 600  # the defaults of the settings
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("http_500", {"rate": 0.01}),
    ("http_502", {"rate": 0.005}),
    ("http_429", {"rate": 0.002, "value": "2"}),
    ("reset", {"rate": 0.005}),
    ("truncated", {"rate": 0.002}),
    ("slow", {"rate": 0.01, "value": "3"}),
    ("lost_answer", {"rate": 0.2, "operation": "update_*"}),
)


def figures(minutes: float = MINUTES) -> Iterator[Figure]:
    """What was shown, how fresh it was, and what it took."""
    engine = SQLITE if missing(POSTGRESQL) else POSTGRESQL
    field = Simulator(process=True, projects=PROJECTS, groups=GROUPS, history_days=2)
    with field, stage(engine) as given, company(given) as (port, pids):
        sessions = run("bench.load.simulated_people:fill", given, f"{field.base_url}/v1")
        run("bench.load.working_day:filled", given, FILLED_WITHIN)
        for seed, (kind, how) in enumerate(FAULTS):
            field.fault(kind, seed=seed, **how)
        said, ages, sizes = day(given, port, pids, sessions, minutes * 60)
        struck = sum(fault["hits"] for fault in field.control("GET", "faults")["faults"])
    wrong = [one for one in said if one.wrong]
    note = f"{len(said)} answers to {PEOPLE} people in {minutes:.0f} min, {engine}; "
    note += f"{struck} faults; 95 % within {_p95([one.seconds for one in said]):.2f} s"
    shown = {f"{one.status} {one.path}" for one in wrong}
    note += f"; shown: {', '.join(sorted(shown)[:5])}" if wrong else ""
    yield Figure("load_errors_shown", len(wrong), "0", not wrong, note)
    share = _p95(ages) / POLL_SECONDS
    note = f"95 % of the looks at projects in the field under {_p95(ages):.0f} s"
    yield Figure("load_freshness_p95_over_interval", share, "<=1.2", share <= 1.2, note)
    for name, line in sizes.items():
        yield _flat(name, line)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _flat(name: str, sizes: list[float]) -> Figure:
    """The last quarter beside the second: the first is warm-up."""
    quarter = max(1, len(sizes) // 4)
    warm = statistics.median(sizes[quarter : 2 * quarter] or sizes)
    end = statistics.median(sizes[-quarter:])
    growth, note = end / warm - 1, f"{warm:.0f} MB after the warm-up, {end:.0f} MB at the end"
    return Figure(f"load_memory_growth_{name}", growth, "<0.05", growth < 0.05, note)


@contextmanager
def company(given: Environment) -> Iterator[tuple[int, dict[str, int]]]:
    """The three kinds of process, as the README starts them: the web port, and process ids."""
    port = free_port()
    run("bench.load.working_day:prepare", given)
    web = ("-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2")
    schedule = f"{given['FIELDWATCH_HOME']}/beat"
    with (
        running(*web, "--threads", "4", "--preload", given=given) as serving,
        worker(given) as one,
        worker(given) as two,
        running("-m", "celery", "-A", "dashboard", "beat", "--schedule", schedule, given=given),
    ):
        _until_up(f"http://127.0.0.1:{port}/healthz")
        yield port, {"web": serving, "worker_one": one, "worker_two": two}


def prepare() -> None:
    """Static files, as for a release."""
    from django.core.management import call_command  # noqa: PLC0415

    call_command("collectstatic", interactive=False, verbosity=0)


def filled(within: float) -> None:
    """Wait for the end of the first pull, then give the account the budget of a real one."""
    from dashboard.fielding.models import ExchangeAccount  # noqa: PLC0415

    until = time.monotonic() + within
    while ExchangeAccount.objects.filter(first_pull_completed_at=None).exists():
        if time.monotonic() > until:
            raise TimeoutError("the first pull does not end")
        time.sleep(1)
    ExchangeAccount.objects.update(requests_per_minute=BUDGET, poll_seconds=POLL_SECONDS)


def day(
    given: Environment, port: int, pids: dict[str, int], sessions: list[str], seconds: float
) -> tuple[list[Said], list[float], dict[str, list[float]]]:
    """Everybody works; every answer, the ages of what they saw, and each process's sizes."""
    over = threading.Event()
    sizes: dict[str, list[float]] = {name: [] for name in pids}
    people = [Person(port, session, number, over) for number, session in enumerate(sessions)]
    with ThreadPoolExecutor(len(people) + 1) as pool:
        looks = pool.submit(run, "bench.load.working_day:ages", given, seconds)
        days = [pool.submit(person.work) for person in people]
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                time.sleep(min(15.0, seconds / 20))
                for name, pid in pids.items():
                    sizes[name].append(pss(pid))
        finally:
            over.set()
        said = [one for each in days for one in each.result()]
        return said, looks.result(), sizes


def ages(seconds: float) -> list[float]:
    """The age of the numbers of every project in the field, looked at every two seconds."""
    from django.utils import timezone  # noqa: PLC0415

    from dashboard.fielding.models import Project  # noqa: PLC0415

    found: list[float] = []
    live: Any = Project.objects.filter(missing_since=None, target_groups__status="live").distinct()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        now = timezone.now()
        read = live.values_list("read_at", flat=True)
        found += [round((now - at).total_seconds(), 1) for at in read if at]
        time.sleep(2)
    return found
