"""Loads the product once and forks real workers, beats and web servers from itself, on command.

A forked process runs the product as it is; two things are different, and both live here alone. Its
clock is ahead by what the control file says, so that nobody waits for a lease in real time. And it
kills itself at the step that the control file names: before or after a certain SQL statement,
request to the exchange, or publication.

Commands are lines of JSON on stdin, answers lines of JSON on stdout.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

import celery.apps.worker
import celery.bin.celery
import celery.concurrency.thread  # noqa: F401  loaded before the fork, as the two above
import django
import httpx
from celery.signals import after_task_publish, before_task_publish
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.signals import connection_created
from django.utils import timezone
from gunicorn.app.wsgiapp import WSGIApplication

from dashboard.celery import app
from dashboard.exchange.http.connections import Wire

PLAIN = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WORKER = ["worker", "--pool", "threads", "--concurrency", "4", "--without-gossip"]
WORKER += ["--without-mingle", "--loglevel", "WARNING"]


class Control:
    """What the control file says now: how far the clock is ahead, and where to die."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_at = 0
        self.ahead = 0.0
        self.die: dict[str, Any] = {}
        self.seen = 0

    def look(self) -> None:
        """Read the file again if it was written since."""
        with contextlib.suppress(OSError, ValueError):
            written = self.path.stat().st_mtime_ns
            if written != self.read_at:
                said = json.loads(self.path.read_text())
                self.ahead, self.die, self.seen = said["ahead"], said.get("die") or {}, 0
                self.read_at = written

    def passes(self, kind: str, when: str, words: str) -> None:
        """Die here if this is the step."""
        self.look()
        die = self.die
        if not die or die["kind"] != kind or die.get("when", "before") != when:
            return
        if re.search(die["words"], words, re.S):
            self.seen += 1
            if self.seen >= die.get("nth", 1):
                os.kill(os.getpid(), signal.SIGKILL)


def armed(control: Control) -> None:
    """Give this process its clock and its steps."""
    real_now, real_send = timezone.now, Wire.handle_request

    def now() -> Any:
        control.look()
        return real_now() + timedelta(seconds=control.ahead)

    def send(wire: Wire, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        control.passes("http", "before", target)
        answer = real_send(wire, request)
        control.passes("http", "after", target)
        return answer

    def statement(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        control.passes("sql", "before", sql)
        done = execute(sql, *rest)
        control.passes("sql", "after", sql)
        return done

    def connected(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(statement)

    timezone.now = now
    Wire.handle_request = send  # type: ignore[assignment,method-assign]
    connection_created.connect(connected, weak=False)
    before_task_publish.connect(
        lambda sender, **_: control.passes("publish", "before", sender), weak=False
    )
    after_task_publish.connect(
        lambda sender, **_: control.passes("publish", "after", sender), weak=False
    )


def run(what: str, given: dict[str, Any]) -> None:
    """Be one of the product's processes until killed."""
    if what == "worker":
        app.worker_main(WORKER + given.get("args", []))
    elif what == "beat":
        app.start(["beat", "--schedule", given["schedule"], "--loglevel", "WARNING"])
    elif what == "web":
        sys.argv = ["gunicorn", "dashboard.wsgi", "--bind", given["bind"], "--threads", "2"]
        WSGIApplication("%(prog)s").run()
    elif what == "migrate":
        from dashboard.management.demo import ensure_demo  # noqa: PLC0415  needs the apps

        call_command("migrate", verbosity=0)
        account = ensure_demo(base_url=given["base_url"])
        type(account).objects.update(poll_seconds=300)
    else:
        raise ValueError(what)


def supervise() -> None:
    """Go on in a child; whenever one falls another takes its place, as every company starts them.

    Celery falls where Redis goes away in the midst of a hint: its transport then asks a connection
    that it has just closed.
    """
    while pid := os.fork():
        os.waitpid(pid, 0)
        time.sleep(1)


def start(what: str, given: dict[str, Any], home: Path) -> int:
    """Fork a process in a session of its own; its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        log = os.open(home / f"{what}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDONLY) if number == 0 else log, number)
        options = connections.settings["default"].setdefault("OPTIONS", {})
        options.update(given.get("database", {}))
        faulthandler.register(signal.SIGUSR1)
        if given.get("supervised"):
            supervise()
        armed(Control(home / "control.json"))
        run(what, given)
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int, seconds: float) -> int | None:
    """The exit status of a process, negative for a signal; None if it is still there."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.005)


def main() -> None:
    """Obey until stdin ends, then leave no process behind."""
    home = Path(os.environ["FIELDWATCH_HOME"])
    django.setup()
    settings.STORAGES = settings.STORAGES | {"staticfiles": PLAIN}
    app.loader.import_default_modules()
    children: set[int] = set()
    for line in sys.stdin:
        said = json.loads(line)
        if "start" in said:
            answer: Any = start(said.pop("start"), said, home)
            children.add(answer)
        elif "setting" in said:
            answer = getattr(settings, said["setting"])
        else:
            answer = wait(said["wait"], said["seconds"])
            if answer is not None:
                children.discard(said["wait"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
