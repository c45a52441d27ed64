"""One, four and sixteen real worker processes on one PostgreSQL that keeps 100,000 groups.

A hundred projects of a hundred live groups are due at once, a tenth of their groups has moved;
nine times as many groups only lie beside them in the same tables. What counts is the CPU that a
group takes, of workers and database together: how much dearer it is when many workers ask for the
same due work, write into the same tables and wait for the same cores.
"""

import os
import time
from contextlib import ExitStack
from pathlib import Path

from bench.shared.canned_exchange import canned
from bench.shared.environment import POSTGRESQL, backends, missing, on_cpu, run, stage
from bench.shared.figure import Figure, skipped
from bench.shared.processes import worker

PROJECTS, COPIES = 100, 9
CROWDS = (1, 4, 16)  # worker processes
THREADS = 2  # of each: sixteen with eight would want more connections than PostgreSQL allows
APART = 10_000_000  # between the keys of one copy and of the next
LONGEST, DEARER = 600.0, 1.3
COPIED = ("project", "targetgroup", "completesday", "groupsheet", "reading")


def figures() -> list[Figure]:
    """CPU of a group with one worker, and how much more with many; each with its pace."""
    names = ["workers_1_cpu_ms_per_group"]
    names += [f"workers_{many}_cpu_over_1" for many in CROWDS[1:]]
    if reason := missing(POSTGRESQL):
        return [skipped(name, "", reason) for name in names]
    settings = {"WORKER_THREADS": f"{THREADS}", "BEAT_SECONDS": "1", "POLL_SECONDS": "3600"}
    with canned() as exchange, stage(POSTGRESQL, **settings) as given:
        stored = run("bench.load.worker_scaling:fill", given, exchange.base_url)
        found = []
        for turn, many in enumerate(CROWDS, 1):
            with ExitStack() as crowd:
                schedule = f"{given['FIELDWATCH_HOME']}/beat"
                more = [("--beat", "--schedule", schedule)] + [()] * (many - 1)
                pids = [crowd.enter_context(worker(given, *each)) for each in more]
                found.append(
                    run("bench.load.worker_scaling:read_all", given, exchange.root, turn, pids)
                )
    groups = PROJECTS * 100
    alone, _, _ = found[0]
    told = []
    for name, many, (cpu, took, rounds) in zip(names, CROWDS, found, strict=True):
        value, goal = (cpu / groups * 1e3, ">0") if many == 1 else (cpu / alone, f"<={DEARER}")
        note = f"{groups / took:.0f} groups a second, {rounds:.0f} rounds, {stored:,} stored"
        told.append(Figure(name, value, goal, value > 0 if many == 1 else value <= DEARER, note))
    return told


def fill(base_url: str) -> int:
    """The groups that are read, and the others beside them; how many there are."""
    from django.apps import apps  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from bench.shared.seed_tables import fill as tables  # noqa: PLC0415
    from dashboard.fielding.models import Project, TargetGroup  # noqa: PLC0415

    tables(base_url, PROJECTS, timezone.now().isoformat())
    Project.objects.update(due_at=None)
    with connection.cursor() as cursor:
        for table in COPIED:
            model = apps.get_model("fielding", table)
            columns = [field.column for field in model._meta.concrete_fields]
            quoted = ", ".join(f'"{column}"' for column in columns)
            for copy in range(1, COPIES + 1):
                taken = ", ".join(_copied(column, copy) for column in columns)
                cursor.execute(
                    f"INSERT INTO {model._meta.db_table} ({quoted}) "  # noqa: S608  our own names
                    f"SELECT {taken} FROM {model._meta.db_table} WHERE {columns[0]} < {APART}"
                )
        cursor.execute("VACUUM ANALYZE")
    return TargetGroup.objects.count()


def _copied(column: str, copy: int) -> str:
    """A column of a copied row: other keys, another id on the exchange."""
    if column in ("id", "group_id", "project_id"):
        return f'"{column}" + {copy * APART}'
    return (
        f"overlay(exchange_id placing '{copy}' from 3)"
        if column == "exchange_id"
        else f'"{column}"'
    )


def read_all(root: str, turn: int, pids: list[int]) -> tuple[float, float, int]:
    """Make a hundred projects due; the CPU seconds until all are read, the time, the rounds."""
    from django.utils import timezone  # noqa: PLC0415

    from bench.shared.canned_exchange import Canned  # noqa: PLC0415
    from dashboard.celery import app  # noqa: PLC0415
    from dashboard.fielding.models import Cycle, Project, TargetGroup  # noqa: PLC0415

    _wait_for(lambda: len(app.control.ping(timeout=3) or []) == len(pids))
    time.sleep(5)  # what they do first is done
    now = timezone.now()
    mine = Project.objects.filter(pk__lt=APART)
    TargetGroup.objects.filter(pk__lt=APART).update(completes_read_at=now)
    mine.update(overviews_at=now, details_at=now)
    Canned(root).move(share=10, turn=turn, now=now)
    before, began = _spent(pids), time.monotonic()
    mine.update(due_at=now, urgency=1)
    _wait_for(lambda: not mine.filter(read_at__lt=now).exists())
    took, after = time.monotonic() - began, _spent(pids)
    mine.update(due_at=None)
    cycles = Cycle.objects.filter(started_at__gte=now, project__isnull=False)
    assert not cycles.filter(complete=False).exists()
    cpu = sum(after[pid] - before.get(pid, 0.0) for pid in after)
    return cpu, took, cycles.count()


def _spent(pids: list[int]) -> dict[int, float]:
    """CPU seconds so far of each worker, threads that have ended included, and of each backend."""
    stats = {pid: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids}
    ticks = os.sysconf("SC_CLK_TCK")
    workers = {pid: (int(stat[11]) + int(stat[12])) / ticks for pid, stat in stats.items()}
    return workers | {pid: on_cpu(pid) for pid in backends()}


def _wait_for(done):
    until = time.monotonic() + LONGEST
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("the workers read nothing")
        time.sleep(0.2)
