"""`manage.py run`: all of Fieldwatch on one machine, with a simulated exchange to look at."""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from dashboard.management.demo import ensure_demo
from dashboard.management.embedded import redis_command
from dashboard.management.static import collect_if_changed
from dashboard.management.supervisor import Child, Supervisor, die_with_parent, only_one


class Command(BaseCommand):
    """Starts every process, says when the dashboard answers, and stops them all again."""

    help = "Run all of Fieldwatch on embedded defaults, with a simulated exchange."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One flag, for make."""
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started it ends"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, wait until ready, watch, stop."""
        if options["with_parent"]:
            die_with_parent()
        home = settings.HOME
        (home / "log").mkdir(parents=True, exist_ok=True)
        port = _port()
        with only_one(home / "run.lock"):
            exchange_port = _free_port()
            _share(port, exchange_port)
            call_command("migrate", interactive=False, verbosity=0)
            collect_if_changed()
            ensure_demo(base_url=f"http://127.0.0.1:{exchange_port}")
            supervisor = Supervisor(_children(home, port, exchange_port), log=self.stderr.write)
            supervisor.run(answers=lambda: _answers(port), on_ready=lambda: self._say_ready(port))

    def _say_ready(self, port: int) -> None:
        self.stdout.write(f"Fieldwatch is ready: http://127.0.0.1:{port}/  sign in: demo / demo")
        self.stdout.flush()


def _port() -> int:
    """The web port, free to use."""
    port: int = settings.PORT
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise CommandError(
                f"port {port} is taken by another program; choose one: PORT={port + 1} make run"
            ) from exc
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _share(port: int, exchange_port: int) -> None:
    """What the processes that are started must know beyond the environment they inherit."""
    hosts = [*settings.EXCHANGE_ALLOWED_HOSTS, f"127.0.0.1:{exchange_port}"]
    settings.EXCHANGE_ALLOWED_HOSTS = hosts
    os.environ["EXCHANGE_ALLOWED_HOSTS"] = ",".join(hosts)
    os.environ.setdefault("FIELDWATCH_URL", f"http://127.0.0.1:{port}")
    os.environ["PYTHONUNBUFFERED"] = "1"


def _children(home: Path, port: int, exchange_port: int) -> list[Child]:
    """The processes, in the order of their start; they stop in the reverse order."""
    python = sys.executable
    simulator = [python, "-m", "dashboard.simulator", "--port", str(exchange_port)]
    simulator += ["--state", str(home / "simulator.state")]
    worker = [
        python,
        "-m",
        "celery",
        "-A",
        "dashboard",
        "worker",
        "--beat-thread",
        "--pool",
        "threads",
    ]
    worker += ["--concurrency", str(settings.WORKER_THREADS), "--loglevel", "WARNING"]
    worker += ["--schedule", str(home / "beat-schedule"), "--without-gossip", "--without-mingle"]
    web = [python, "-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{port}"]
    web += ["--workers", "2", "--threads", "4", "--preload", "--graceful-timeout", "10"]
    children = [
        Child("simulator", simulator, home / "log"),
        Child("web", web, home / "log"),
        Child("worker", worker, home / "log"),
    ]
    redis = redis_command()
    return [Child("redis", redis, home / "log"), *children] if redis else children


def _answers(port: int) -> bool:
    """Whether the dashboard answers now."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
