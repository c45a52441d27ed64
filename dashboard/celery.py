"""The Celery application: beat wakes due work, workers pull it."""

import gc
import logging
import os
import uuid
from typing import Any

from celery import Celery, bootsteps
from celery.beat import EmbeddedService
from celery.signals import setup_logging, task_prerun, worker_ready
from django.conf import settings
from django.db import close_old_connections
from kombu.transport.redis import Channel
from kombu.transport.virtual.base import Message

log = logging.getLogger(__name__)
NOWHERE = {"exchange": "", "routing_key": ""}


class RedisMessage(Message):
    """A message from Redis; the worker drops one that nobody can read.

    Kombu would raise out of the worker and put the message back, for the next one to end as well.
    """

    def __init__(self, payload: Any, channel: Any = None, **options: object) -> None:
        """Read a message as it was found."""
        try:
            super().__init__(payload, channel=channel, **options)
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("dropped a message in Redis that cannot be read")
            found = {"delivery_tag": uuid.uuid4().hex, "delivery_info": NOWHERE}
            super().__init__({"properties": found}, channel=channel, **options)
        self.body: str | None = self.body or ""  # Celery measures it


Channel.Message = RedisMessage


# Any: Celery passes its own worker and consumer here, which its stubs do not describe.
class BeatThread(bootsteps.StartStopStep):
    """A beat as a thread of a worker; Celery's own `--beat` is another process of 60 MB."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, beat_thread: bool = False, **options: object) -> None:
        """Enable the step where the worker was started with `--beat`."""
        super().__init__(parent, **options)
        self.enabled = beat_thread

    def create(self, parent: Any) -> Any:
        """Return the beat, which starts and stops with the worker."""
        schedule = (
            {"schedule_filename": parent.schedule_filename} if parent.schedule_filename else {}
        )
        return EmbeddedService(parent.app, thread=True, **schedule)


# New objects before a collection: with a tenth of this, collecting took a fifth of a round's CPU.
YOUNG_OBJECTS = 100_000
COLLECT_EVERY_SECONDS = 60.0
MARK_EVERY_SECONDS = 10.0

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
app = Celery("dashboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["dashboard"])
app.steps["worker"].add(BeatThread)


@task_prerun.connect
def _close_broken_connections(**_: object) -> None:
    """Close a thread's database connection only if it is broken or too old."""
    close_old_connections()


@worker_ready.connect
def collect_less(sender: Any = None, **_: object) -> None:
    """Collect garbage rarely, and never among the objects loaded at the start.

    A round makes many objects and few cycles, so frequent collections cost a tenth of its CPU.
    A few cycles hold large answers: a worker therefore collects once a minute in any case.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    if sender:
        settings.WORKER_MARK.touch()
        sender.timer.call_repeatedly(COLLECT_EVERY_SECONDS, gc.collect)
        sender.timer.call_repeatedly(MARK_EVERY_SECONDS, settings.WORKER_MARK.touch)


@setup_logging.connect
def _keep_logging(**_: object) -> None:
    """Leave logging as the settings have it: Celery would set the root logger's level itself."""
