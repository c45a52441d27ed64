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


# Objects made before the collector looks: a tenth as many cost a fifth of a round's CPU.
YOUNG = 100_000
EVERY = 60.0  # seconds between looks at whatever it was

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
def collect_less(sender: Any = None, **_: Any) -> None:
    """Look for cycles of garbage rarely, and not at all in what the start has loaded.

    A round makes a great many objects that are no cycles: looking for them costs a tenth of it.
    A few that hold large answers may be garbage too, so a worker looks once a minute in any case.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
    if sender:
        sender.timer.call_repeatedly(EVERY, gc.collect)
