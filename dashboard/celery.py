"""The Celery application: beat wakes due work, workers pull it."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from celery import Celery, bootsteps
from celery.signals import task_prerun
from django.db import close_old_connections


class BeatWatch(bootsteps.StartStopStep):
    """Ends a worker whose embedded beat died: Celery would go on without one, and wake nothing.

    Whoever started the worker starts both again.
    """

    requires = ("celery.worker.components:Beat",)
    stopping = False

    def start(self, worker: Any) -> None:
        """Wait for the end of the beat, if there is one inside."""
        if worker.beat is not None:
            threading.Thread(target=self._watch, args=(worker.beat,), daemon=True).start()

    def stop(self, _worker: Any) -> None:
        """The worker ends the beat itself."""
        self.stopping = True

    def _watch(self, beat: Any) -> None:
        beat.join()
        if not self.stopping:
            os.kill(os.getpid(), signal.SIGTERM)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
app = Celery("dashboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["dashboard"])
app.steps["worker"].add(BeatWatch)


@task_prerun.connect
def _leave_broken_connections(**_: Any) -> None:
    """A thread keeps its database connection from task to task, but not one that broke."""
    close_old_connections()
