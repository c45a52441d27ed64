"""`python -m dashboard.management.worker [--beat]`: a worker that takes little memory.

It does what `celery -A dashboard worker --pool threads` does, without what that loads beyond:
Celery's other commands with their shell, and the pages, which its Django checks would import.
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
    """Work until told to stop; the exit code of Celery's worker."""
    _share_arenas()
    os.environ.update(DJANGO_SETTINGS_MODULE="dashboard.settings.worker", CELERY_SKIP_CHECKS="1")
    django.setup()
    from django.conf import settings  # noqa: PLC0415  after the choice of settings

    from dashboard.celery import app  # noqa: PLC0415

    parser = ArgumentParser(prog="python -m dashboard.management.worker", description=main.__doc__)
    parser.add_argument("--beat", action="store_true", help="run the beat inside, as a thread")
    parser.add_argument("--schedule", help="where the beat keeps what it did last")
    parser.add_argument("--concurrency", type=int, default=settings.WORKER_THREADS)
    given = parser.parse_args()
    app.set_default()
    worker = app.Worker(
        hostname=f"{os.getpid()}@{socket.gethostname()}",
        pool_cls="threads",
        concurrency=given.concurrency,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        beat_thread=given.beat,
        schedule_filename=given.schedule,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _share_arenas() -> None:
    """Two heaps for all threads: glibc would make one for each and keep what it freed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


if __name__ == "__main__":
    sys.exit(main())
