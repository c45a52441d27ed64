"""`manage.py run`: all of Fieldwatch on one machine, with a simulated exchange to look at."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

import dashboard
from dashboard.fielding import setup
from dashboard.fielding.models import User
from dashboard.management import alive, demo
from dashboard.management.embedded_redis import redis_command
from dashboard.management.static_files import collect_if_changed
from dashboard.management.supervisor import Child, Supervisor, die_with_parent, only_one

# What the simulated exchange holds; a state folder keeps the world that it began with.
TEAM_WORLD = ["--world", "team", "--projects", "10", "--groups", "40"]
TROUBLED_WORLD = ["--world", "troubled", "--projects", "4", "--groups", "100"]


class Command(BaseCommand):
    """Starts every process, prints when the dashboard is ready, and stops them all again."""

    help = "Run all of Fieldwatch on one machine: with a simulated exchange, or with your own."

    def get_version(self) -> str:
        """The release, which `--version` prints."""
        return dashboard.__version__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a flag for make, and one for runs without the demo."""
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started it ends"
        )
        parser.add_argument(
            "--without-demo",
            action="store_true",
            help="only your own connections: no simulated exchange, no demo people; without this "
            "flag the same where the database has connections or people of its own",
        )
        parser.add_argument(
            "--troubled",
            action="store_true",
            help="a demo in which most groups have a problem; for a new state folder",
        )

    def handle(self, *args: object, **options: object) -> None:
        """Start, wait until ready, watch, stop."""
        if options["with_parent"]:
            die_with_parent()
        home = settings.HOME
        os.umask(0o077)  # files of this process and its children are for their owner only
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "log").mkdir(exist_ok=True)
        _restrict_permissions(home)
        command = "make run" if options["with_parent"] else shlex.join([sys.executable, *sys.argv])
        port = _check_port(command)
        if settings.PRODUCTION and not options["without_demo"]:
            raise CommandError(
                "the demo's passwords are public: it does not run with FIELDWATCH_PRODUCTION=1"
            )
        with only_one(home / "run.lock", command=command):
            os.environ.setdefault("FIELDWATCH_URL", f"http://127.0.0.1:{port}")
            os.environ["PYTHONUNBUFFERED"] = "1"
            call_command("migrate", interactive=False, verbosity=0)
            collect_if_changed()
            demo.mark_earlier_demo()
            if options["without_demo"] or demo.has_own_data():
                simulator, hint = _start_own(troubled=bool(options["troubled"]))
            else:
                simulator, hint = _start_demo(home, troubled=bool(options["troubled"]))
            children = _list_children(home, port, simulator)
            ready = f"Fieldwatch is ready: http://127.0.0.1:{port}/  {hint}"
            if code := _make_setup_code():
                invitation = f"http://127.0.0.1:{port}/setup/  one-time code: {code}"
                ready = f"To connect your exchange account: {invitation}\n{ready}"
            supervisor = Supervisor(children, log=self.stderr.write)
            supervisor.run(answers=_is_answering, on_ready=lambda: self._print(ready))

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _restrict_permissions(home: Path) -> None:
    """Remove the permissions of others that earlier releases left on these files."""
    for name in (
        "log",
        "mail",
        "simulator.state",
        *(path.name for path in home.glob("*.sqlite3*")),
    ):
        path = home / name
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(path.stat().st_mode & 0o700)


def _check_port(command: str) -> int:
    """Return the web port. Raises CommandError if another program uses it."""
    port: int = settings.PORT
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise CommandError(
                f"port {port} is in use; choose another: PORT={port + 1} {command}"
            ) from exc
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_demo(home: Path, *, troubled: bool) -> tuple[list[Child], str]:
    """Return the process of the simulated exchange, and how to sign in."""
    port = _free_port()
    hosts = [*settings.EXCHANGE_ALLOWED_HOSTS, f"127.0.0.1:{port}"]
    settings.EXCHANGE_ALLOWED_HOSTS = hosts
    os.environ["EXCHANGE_ALLOWED_HOSTS"] = ",".join(hosts)
    demo.ensure_demo(base_url=f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "dashboard.simulator", "--port", str(port)]
    command += ["--state", str(home / "simulator.state")]
    command += TROUBLED_WORLD if troubled else TEAM_WORLD
    return [Child("simulator", command, home / "log")], "sign in: demo / demo"


def _make_setup_code() -> str:
    """Return a new one-time code; empty if there is an administrator, or nobody has a password."""
    if settings.SSO_ONLY or setup.has_administrator():
        return ""
    return setup.create_setup_code(now=timezone.now())


def _start_own(*, troubled: bool) -> tuple[list[Child], str]:
    """Return no process and what to do first. Raises CommandError where a demo is meant."""
    if troubled:
        raise CommandError(
            "--troubled is a demo, and this database has connections or people of its own; use "
            "another state folder: FIELDWATCH_HOME=/some/folder"
        )
    return [], _first_step()


def _first_step() -> str:
    """Return what to do first without a demo. Raises CommandError in a demo's database."""
    if User.objects.filter(username__in=[name for name, *_ in demo.PEOPLE]).exists():
        raise CommandError(
            "this database belongs to the demo, whose passwords are public; use another state "
            "folder for your own connections: FIELDWATCH_HOME=/some/folder"
        )
    if not setup.has_administrator():
        return "set it up in the browser, with the one-time code, or: manage.py exchange add"
    return "sign in as one of your people"


def _list_children(home: Path, port: int, first: list[Child]) -> list[Child]:
    """Return the processes in the order of their start; they stop in reverse."""
    python = sys.executable
    worker = [python, "-m", "dashboard.management.worker", "--beat"]
    worker += ["--schedule", str(home / "beat-schedule")]
    web = [python, "-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{port}"]
    web += ["--config", str(settings.BASE_DIR / "gunicorn.conf.py"), "--preload"]
    web += ["--workers", "2", "--threads", "4", "--graceful-timeout", "10"]
    children = [
        *first,
        Child("web", web, home / "log"),
        Child("worker", worker, home / "log"),
    ]
    redis = redis_command()
    return [Child("redis", redis, home / "log"), *children] if redis else children


def _is_answering() -> bool:
    """Whether the dashboard answers now."""
    return alive.main() == 0
