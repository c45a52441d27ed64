"""`manage.py pull NAME`: one whole cycle now, in the foreground, without Celery."""

from __future__ import annotations

import json
import logging
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.alerts.incidents import detect
from dashboard.fielding.models import Cycle, ExchangeAccount, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.pull import first_pull, rounds

WAIT_SECONDS = 100
LINE_SECONDS = 5.0  # between lines of progress
COMPLETE, INCOMPLETE, NOTHING = 0, 3, 1


class Command(BaseCommand):
    """Reads everything of one connection and prints one JSON line."""

    help = "Sync a connection now: its projects, their groups, and what changed."
    _next_line = 0.0

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the connection's name."""
        parser.add_argument("name")

    def handle(self, *args: object, **options: object) -> None:
        """Pull, print, exit: 0 complete, 3 incomplete, 1 nothing could be read."""
        account = ExchangeAccount.objects.filter(name=options["name"]).first()
        if account is None:
            known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"no connection is named {options['name']} (connections: {known})")
        if self.stderr.isatty():  # who watches sees the progress; a line a round is for logs
            logging.getLogger("dashboard.sync.pull.rounds").setLevel(logging.WARNING)
        started = time.monotonic()
        cycles = self._rounds(account)
        result = round_summary(account.name, cycles, seconds=time.monotonic() - started)
        self.stdout.write(json.dumps(result))
        sys.stdout.flush()
        if not any(cycle and cycle.listed for cycle in cycles):
            raise SystemExit(NOTHING)
        raise SystemExit(COMPLETE if result["complete"] else INCOMPLETE)

    def _rounds(self, account: ExchangeAccount) -> list[Cycle | None]:
        """Read the account's own lists, then every project in them."""
        own = _when_free(lambda: rounds.account_round(account.pk, clock=timezone.now, force=True))
        account.refresh_from_db(fields=["health"])
        if own is None or account.health != ExchangeAccount.Health.FRESH:
            return [own]
        cycles: list[Cycle | None] = [own]
        scheduling.clear_backoff(TargetGroup.objects.filter(account=account), now=timezone.now())
        projects = account.projects.filter(missing_since=None).order_by("pk")
        keys = list(projects.values_list("pk", flat=True))
        for done, pk in enumerate(keys, 1):
            cycles.append(self._pull_project(pk, account))
            self._show_progress(f"{done} of {len(keys)} projects", end=done == len(keys))
        return cycles

    def _pull_project(self, pk: int, account: ExchangeAccount) -> Cycle | None:
        """Read a project until no group is left; return its turns as one cycle."""
        total: Cycle | None = None
        while True:
            cycle = _when_free(lambda: rounds.project_round(pk, clock=timezone.now, force=True))
            if cycle is None:
                return None
            detect.after_cycle(cycle=cycle, now=timezone.now())
            total = _add_cycles(total, cycle) if total else cycle
            if not cycle.groups_left or not cycle.listed:
                return total
            self._show_progress(
                str(first_pull.first_pull_progress(account) or f"{cycle.groups_left} groups left")
            )

    def _show_progress(self, text: str, *, end: bool = False) -> None:
        """Rewrite one line on a terminal; elsewhere write a line every few seconds."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{text}", style_func=str, ending="\n" if end else "")
        elif end or time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            self.stderr.write(text, style_func=str)  # progress is no error: not in red


def _add_cycles(before: Cycle, after: Cycle) -> Cycle:
    """Return two turns as one: costs summed, the state of the later one."""
    after.requests += before.requests
    after.groups_written += before.groups_written
    after.quarantined += before.quarantined
    after.errors = [*before.errors, *after.errors]
    after.complete = after.complete and before.complete
    return after


def _when_free(work_once: Callable[[], Cycle | None]) -> Cycle | None:
    """Run the work; wait up to WAIT_SECONDS while a worker holds the connection."""
    until = time.monotonic() + WAIT_SECONDS
    while (cycle := work_once()) is None and time.monotonic() < until:
        time.sleep(0.5)
    return cycle


def round_summary(name: str, cycles: list[Cycle | None], *, seconds: float) -> dict[str, object]:
    """Return the JSON line of these rounds; None stands for a round that a worker held."""
    done = [cycle for cycle in cycles if cycle is not None]
    projects = [cycle for cycle in done if cycle.project_id is not None]
    errors = [error for cycle in done for error in cycle.errors]
    if len(done) < len(cycles):
        errors.append("A worker was busy with this connection the whole time.")
    return {
        "exchange": name,
        "complete": len(done) == len(cycles) and all(cycle.complete for cycle in done),
        "projects": len(projects),
        "groups_seen": sum(cycle.groups_seen for cycle in projects),
        "groups_written": sum(cycle.groups_written for cycle in projects),
        "requests": sum(cycle.requests for cycle in done),
        "quarantined": sum(cycle.quarantined for cycle in done),
        "errors": errors,
        "seconds": round(seconds, 3),
    }
