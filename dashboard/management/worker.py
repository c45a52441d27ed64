"""`python -m dashboard.management.worker [--beat]`: a worker that takes little memory.

It works as `celery -A dashboard worker --pool threads` does, but loads neither Celery's other
commands nor the pages, which Celery's Django checks would import.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from argparse import ArgumentParser

import django

_M_ARENA_MAX = -8


def main() -> int:
    """Run a worker until it is stopped; return the exit code of Celery's worker."""
    _limit_arenas()
    os.environ.update(DJANGO_SETTINGS_MODULE="dashboard.settings.worker", CELERY_SKIP_CHECKS="1")
    django.setup()
    from django.conf import settings  # noqa: PLC0415  after the choice of settings

    from dashboard.celery import app  # noqa: PLC0415

    parser = ArgumentParser(prog="python -m dashboard.management.worker", description=main.__doc__)
    parser.add_argument("--beat", action="store_true", help="run the beat inside, as a thread")
    parser.add_argument("--schedule", help="the file in which the beat stores its last runs")
    parser.add_argument("--concurrency", type=int, default=settings.WORKER_THREADS)
    arguments = parser.parse_args()
    app.set_default()
    worker = app.Worker(
        hostname=f"{os.getpid()}@{socket.gethostname()}",
        pool_cls="threads",
        concurrency=arguments.concurrency,
        without_gossip=True,
        without_mingle=True,
        beat_thread=arguments.beat,
        schedule_filename=arguments.schedule,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _limit_arenas() -> None:
    """Let threads share heaps: glibc would keep one per thread with its freed memory."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


if __name__ == "__main__":
    sys.exit(main())
