"""One seeded story: groups in trouble, workers that die at any statement, a mail server in moods.

Each worker is a process of its own, and dies as by SIGKILL; on PostgreSQL some of them lose their
connection instead, as when the database starts again. The clock is the story's.
"""

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from random import Random
from typing import Any

from aiosmtpd.controller import Controller
from django.core.mail import get_connection
from django.db import OperationalError, connection, connections
from django.db.models import Count

from dashboard.alerts import deliver, detect
from dashboard.fielding.models import Cycle, Incident, Mail, Notice, Project, TargetGroup
from tests import make

SMTP = "django.core.mail.backends.smtp.EmailBackend"
PATIENCE = 0.25  # seconds that a worker waits for the mail server
MOODS = ("ok", "ok", "ok", "451 to whom", "451 after data", "takes and hangs up", "slow", "down")
STEPS = 10
CALM = (1, 3, 7, 12, 20, 40, 60, 120)  # minutes after the last fault
MONDAY = make.NOW.replace(day=23, hour=8, minute=1)
MINUTE = timedelta(minutes=1)


class Server:
    """A mail server in the mood of the moment, that counts what it took."""

    def __init__(self) -> None:
        self.mood = "ok"
        self.refused: set[str] = set()
        self.taken: Counter[str] = Counter()
        self.unheard: Counter[str] = Counter()  # taken, and the answer was lost

    async def handle_RCPT(  # noqa: N802
        self,
        server: Any,  # noqa: ARG002
        session: Any,  # noqa: ARG002
        envelope: Any,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """Refused for good, for now, or taken."""
        if address in self.refused:
            return "550 no such user"
        if self.mood == "451 to whom":
            return "451 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: Any,
        session: Any,  # noqa: ARG002
        envelope: Any,
    ) -> str:
        """Taken, unless the mood says otherwise; not always said."""
        if self.mood == "451 after data":
            return "451 try again"
        name = message_from_bytes(envelope.content)["Message-ID"]
        self.taken[name] += 1
        if self.mood == "takes and hangs up":
            self.unheard[name] += 1
            server.transport.abort()
        if self.mood == "slow":
            self.unheard[name] += 1
            await asyncio.sleep(PATIENCE * 1.5)
        return "250 taken"


def stories(seeds: list[int]) -> dict[str, int]:
    """All of them, one after the other."""
    server, told = Server(), Counter[str]()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        for seed in seeds:
            told.update(Story(seed, server, port).told())
    finally:
        controller.stop()
    return {name: told[name] for name in _NAMES}


_NAMES = ("lost", "notices_twice", "mails_repeated_without_cause", "mails", "deaths", "repeats")


class Story:
    """One account with three groups, two people and a dozen rounds in which anything may happen."""

    def __init__(self, seed: int, server: Server, port: int) -> None:
        self.chance, self.server, self.port = Random(seed), server, port  # noqa: S311
        self.now, self.deaths = make.NOW, 0
        self.account = make.account(polling=True)
        self.project: Project = make.project(self.account)
        self.people = [make.person("editor", self.account, date_joined=make.NOW) for _ in "ab"]
        self.groups = [make.group(self.project, last_complete_at=self.now) for _ in range(3)]
        server.taken.clear()
        server.unheard.clear()
        server.refused = {self.people[0].email} if self.chance.random() < 0.1 else set()

    def told(self) -> dict[str, int]:
        """Tell it to the end, and count."""
        for _ in range(STEPS):
            self.now += MINUTE * self.chance.choice((1, 2, 5, 6, 15))
            self._trouble()
            self._round(faulty=True)
        self.server.mood, end = "ok", self.now
        for minutes in CALM:
            self.now = end + MINUTE * minutes
            self._round(faulty=False)
        for minutes in (0, 6, 12):  # the digest, and what it could have left behind
            self.now = MONDAY + MINUTE * minutes
            self._round(faulty=False)
        return self._counted()

    def _trouble(self) -> None:
        for group in self.groups:
            changed: dict[str, Any] = {"last_complete_at": self.now}
            if self.chance.random() < 0.4:
                paused = self.chance.random() < 0.5
                changed |= {"status": "paused" if paused else "live"}
                changed |= {"status_changed_by": "system_user", "status_reason": "low_epc"}
                changed |= {"drop_off_rate": self.chance.choice((0.1, 0.45))}
            TargetGroup.objects.filter(pk=group.pk).update(**changed)

    def _round(self, *, faulty: bool) -> None:
        """A cycle, and one or two workers that see to it."""
        complete = not faulty or self.chance.random() < 0.9
        Project.objects.filter(pk=self.project.pk).update(read_at=self.now)
        cycle = make.cycle(self.project, self.now, complete=complete, listed=complete)
        if not faulty:
            self._work(cycle, self.now, self.port)
            return
        self.server.mood = self.chance.choice(MOODS)
        workers = [self._worker(cycle) for _ in range(self.chance.choice((1, 1, 2)))]
        for pid in workers:
            _, status = os.waitpid(pid, 0)
            self.deaths += status != 0

    def _worker(self, cycle: Cycle) -> int:
        """A worker in a process of its own, that may die at a statement."""
        dies_at = self.chance.randrange(1, 90) if self.chance.random() < 0.7 else 0
        cut, seed = self.chance.random() < 0.4, self.chance.random()
        port = 1 if self.server.mood == "down" else self.port
        connections.close_all()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            if dies_at:
                connection.execute_wrappers.append(Reaper(dies_at, cut=cut))
            self.chance = Random(seed)  # noqa: S311
            self._work(cycle, self.now, port)
            code = 0
        except OperationalError:
            pass
        finally:
            os._exit(code)

    def _work(self, cycle: Cycle, now: datetime, port: int) -> None:
        def connect() -> Any:
            return get_connection(SMTP, host="127.0.0.1", port=port, timeout=PATIENCE)

        detect.after_cycle(cycle=cycle, now=now)
        detect.by_time(now=now)
        deliver.compose(now=now)
        deliver.send_due(now=now, connect=connect, rng=self.chance)

    def _counted(self) -> dict[str, int]:
        mails = list(Mail.objects.filter(recipient__in=self.people))
        notices = Notice.objects.filter(recipient__in=self.people)
        fired = Incident.objects.filter(account=self.account, fired_at__isnull=False)
        taken, unheard = self.server.taken, self.server.unheard
        told_by_now = notices.filter(created_at__lt=MONDAY)  # later ones wait for the next digest
        lost = told_by_now.filter(mail=None, skipped="").count()
        lost += sum(1 for one in fired.annotate(n=Count("notices")) if not one.n)
        lost += sum(
            1
            for mail in mails
            if mail.state != Mail.State.DEAD
            and not (mail.state == Mail.State.SENT and taken[mail.message_id])
        )
        twice = notices.filter(kind="fire").values("incident", "recipient").annotate(n=Count("pk"))
        repeats = sum(taken.values()) - len(taken)
        without = sum(max(0, n - 1 - unheard[name]) for name, n in taken.items())
        strange = sum(1 for name in taken if name not in {mail.message_id for mail in mails})
        return {
            "lost": lost,
            "notices_twice": twice.filter(n__gt=1).count(),
            "mails_repeated_without_cause": max(0, without - self.deaths) + strange,
            "mails": len(mails),
            "deaths": self.deaths,
            "repeats": repeats,
        }


class Reaper:
    """Ends the process at a statement, or the connection under it."""

    def __init__(self, at: int, *, cut: bool) -> None:
        self.left, self.cut = at, cut and connection.vendor == "postgresql"

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.left -= 1
        if self.left == 0:
            if not self.cut:
                os.kill(os.getpid(), signal.SIGKILL)
            with connections["default"].connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return execute(sql, params, many, context)
