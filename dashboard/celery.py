"""The Celery application: beat wakes due work, workers pull it."""

import gc
import os
from typing import Any

from celery import Celery, bootsteps
from celery.beat import EmbeddedService
from celery.signals import task_prerun, worker_ready
from django.db import close_old_connections


class BeatThread(bootsteps.StartStopStep):
    """A beat inside a worker, as a thread: Celery's own `--beat` is a process of 60 MB more."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, beat_thread: bool = False, **options: Any) -> None:
        """Enabled by the worker's `--beat`."""
        super().__init__(parent, **options)
        self.enabled = beat_thread

    def create(self, parent: Any) -> Any:
        """The beat, started and stopped with the worker."""
        schedule = (
            {"schedule_filename": parent.schedule_filename} if parent.schedule_filename else {}
        )
        return EmbeddedService(parent.app, thread=True, **schedule)


# Objects made before the collector looks: with ten times as many a worker grew by 1 MB a round.
YOUNG = 10_000

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
app = Celery("dashboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["dashboard"])
app.steps["worker"].add(BeatThread)


@task_prerun.connect
def _leave_broken_connections(**_: Any) -> None:
    """A thread keeps its database connection from task to task, but not one that broke."""
    close_old_connections()


@worker_ready.connect
def collect_less(**_: Any) -> None:
    """Look for cycles of garbage rarely, and not at all in what the start has loaded.

    A round makes a great many objects that are no cycles: looking for them costs a tenth of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
