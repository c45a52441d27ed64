"""`manage.py run`: all of Fieldwatch on one machine, with a simulated exchange to look at."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

import dashboard
from dashboard.fielding.models import ExchangeAccount, User
from dashboard.management import alive, demo
from dashboard.management.embedded_redis import redis_command
from dashboard.management.static_files import collect_if_changed
from dashboard.management.supervisor import Child, Supervisor, die_with_parent, only_one


class Command(BaseCommand):
    """Starts every process, says when the dashboard answers, and stops them all again."""

    help = "Run all of Fieldwatch on one machine: with a simulated exchange, or with your own."

    def get_version(self) -> str:
        """The release, which `--version` prints."""
        return dashboard.__version__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add a flag for make, and one for people who have connections of their own."""
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started it ends"
        )
        parser.add_argument(
            "--without-demo",
            action="store_true",
            help="no simulated exchange and no demo people: your own connections alone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, wait until ready, watch, stop."""
        if options["with_parent"]:
            die_with_parent()
        home = settings.HOME
        os.umask(0o077)  # what is stored here, and by every child, is its owner's alone
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "log").mkdir(exist_ok=True)
        _close(home)
        command = "make run" if options["with_parent"] else shlex.join([sys.executable, *sys.argv])
        port = _port(command)
        if settings.PRODUCTION and not options["without_demo"]:
            raise CommandError(
                "everybody knows the demo's passwords: it does not run with FIELDWATCH_PRODUCTION=1"
            )
        with only_one(home / "run.lock", command=command):
            os.environ.setdefault("FIELDWATCH_URL", f"http://127.0.0.1:{port}")
            os.environ["PYTHONUNBUFFERED"] = "1"
            call_command("migrate", interactive=False, verbosity=0)
            collect_if_changed()
            simulator, words = ([], _own()) if options["without_demo"] else _demo(home)
            children = _children(home, port, simulator)
            said = f"Fieldwatch is ready: http://127.0.0.1:{port}/  {words}"
            supervisor = Supervisor(children, log=self.stderr.write)
            supervisor.run(answers=_answers, on_ready=lambda: self._say(said))

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _close(home: Path) -> None:
    """Close what earlier releases left readable to others; the folder itself stays as it is."""
    for name in (
        "log",
        "mail",
        "simulator.state",
        *(path.name for path in home.glob("*.sqlite3*")),
    ):
        path = home / name
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(path.stat().st_mode & 0o700)


def _port(command: str) -> int:
    """The web port; CommandError with another port to try where it is taken."""
    port: int = settings.PORT
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise CommandError(
                f"port {port} is taken by another program; choose one: PORT={port + 1} {command}"
            ) from exc
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _demo(home: Path) -> tuple[list[Child], str]:
    """The process of the simulated exchange, and the line that says who signs in."""
    port = _free_port()
    hosts = [*settings.EXCHANGE_ALLOWED_HOSTS, f"127.0.0.1:{port}"]
    settings.EXCHANGE_ALLOWED_HOSTS = hosts
    os.environ["EXCHANGE_ALLOWED_HOSTS"] = ",".join(hosts)
    demo.ensure_demo(base_url=f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "dashboard.simulator", "--port", str(port)]
    command += ["--state", str(home / "simulator.state")]
    return [Child("simulator", command, home / "log")], "sign in: demo / demo"


def _own() -> str:
    """The line that says what to do first without a demo; CommandError in a demo's database."""
    if User.objects.filter(username__in=[name for name, *_ in demo.PEOPLE]).exists():
        raise CommandError(
            "this database holds the demo, whose passwords everybody knows; give your own "
            "connections a state folder of their own: FIELDWATCH_HOME=/some/folder"
        )
    if not ExchangeAccount.objects.exists():
        return "no connection yet: manage.py exchange add, then manage.py person add"
    if not User.objects.exists():
        return "nobody can sign in yet: manage.py person add"
    return "sign in as one of your people"


def _children(home: Path, port: int, before: list[Child]) -> list[Child]:
    """The processes, in the order of their start; they stop in the reverse order."""
    python = sys.executable
    worker = [python, "-m", "dashboard.management.worker", "--beat"]
    worker += ["--schedule", str(home / "beat-schedule")]
    web = [python, "-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{port}"]
    web += ["--workers", "2", "--threads", "4", "--preload", "--graceful-timeout", "10"]
    children = [
        *before,
        Child("web", web, home / "log"),
        Child("worker", worker, home / "log"),
    ]
    redis = redis_command()
    return [Child("redis", redis, home / "log"), *children] if redis else children


def _answers() -> bool:
    """Whether the dashboard answers now."""
    return alive.main() == 0
