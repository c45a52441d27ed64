"""One seeded story: groups in trouble, workers that die, a mail server in moods.

Each worker is a process of its own. The clock is the story's.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from django.core.mail import get_connection
from django.db import DatabaseError, connection, connections
from django.db.models import Count

from bench.faults.crash_points import REACHED, REFUSAL, STEPS, Death, Step
from bench.shared.mail_server import MOODS, PATIENCE, Server, listening
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Cycle, Incident, Mail, Notice, Project, TargetGroup, User
from tests import factories
from tests.fakes.alert_scenario import RHYTHM
from tests.resilience.servers import PostgreSQL

SMTP = "django.core.mail.backends.smtp.EmailBackend"
ROUNDS, LONGEST, AIMS = 10, 40, 3
CALM = (1, 3, 7, 12, 20, 40, 60, 120)  # minutes after the last fault
MONDAY = factories.NOW.replace(day=23, hour=8, minute=1)
MINUTE = timedelta(minutes=1)
WRONG = ("lost", "notices_twice", "mails_repeated_without_cause")


def stories(seeds: list[int], restarts: dict[str, Any] | None = None) -> dict[str, Any]:
    """All of them, one after the other; `restarts` says where the database's cluster is."""
    told, steps = Counter[str](), set[Step]()
    cluster = PostgreSQL.at(**restarts) if restarts else None
    with listening() as server:
        for seed in seeds:
            found = Story(seed, server, cluster).told()
            told.update(found)
            steps |= reached()
            if wrong := {name: found[name] for name in WRONG if found[name]}:
                print(f"seed {seed}: {wrong}", file=sys.stderr)
    never = [step.name for step in STEPS if step not in steps]
    return {name: told[name] for name in (*WRONG, "mails", "deaths", "repeats")} | {"never": never}


def reached() -> set[Step]:
    """The steps at which a worker of the story has died."""
    return {step for number, step in enumerate(STEPS) if REACHED[number]}


class Story:
    """One account with three groups, two people and a dozen rounds in which anything may happen."""

    def __init__(self, seed: int, server: Server, cluster: PostgreSQL | None) -> None:
        self.chance, self.server, self.cluster = Random(seed), server, cluster  # noqa: S311
        first = seed // 2 * AIMS  # every other seed is on another database
        self.aims = [STEPS[number % len(STEPS)] for number in range(first, first + AIMS)]
        REACHED[:] = bytes(len(STEPS))
        self.now, self.deaths, self.without_cause = factories.NOW, 0, 0
        self.account = factories.account(polling=True, created_at=factories.NOW)
        self.project: Project = factories.project(self.account)
        self.people = [
            factories.person("editor", self.account, date_joined=factories.NOW, password=None)
            for _ in "ab"
        ]
        soon = {"ends_at": factories.NOW + timedelta(hours=70), "insight": {"rhythm": RHYTHM}}
        self.groups = [
            factories.group(self.project, last_complete_at=self.now, **soon) for _ in range(3)
        ]
        refuses = REFUSAL in self.aims or self.chance.random() < 0.1
        server.begin({self.people[0].email} if refuses else set())

    def told(self) -> dict[str, int]:
        """Tell it to the end, and count."""
        for number in range(LONGEST):
            if number >= ROUNDS and not self._aims_left():
                break
            self.now += MINUTE * self.chance.choice((1, 2, 5, 6, 15))
            self._trouble()
            with self._watched():
                self._faulty()
        self.server.mood, end = "ok", self.now
        later = [end + MINUTE * minutes for minutes in CALM]
        later += [MONDAY + MINUTE * n for n in (0, 6, 12)]  # the digest, and what it left behind
        for self.now in later:
            with self._watched():
                self._work(self._cycle(complete=True), self.server.port)
        return self._counted()

    def _trouble(self) -> None:
        """Groups pause, resume, lose people; who was refused asks for mail again."""
        if REFUSAL in self._aims_left():
            User.objects.filter(pk=self.people[0].pk).update(email_refused="")
        for group in self.groups:
            changed: dict[str, Any] = {"last_complete_at": self.now}
            if self.chance.random() < 0.4:
                paused = self.chance.random() < 0.5
                changed |= {"status": "paused" if paused else "live"}
                changed |= {"status_changed_by": "system_user", "status_reason": "low_epc"}
                changed |= {"drop_off_rate": self.chance.choice((0.1, 0.45))}
            TargetGroup.objects.filter(pk=group.pk).update(**changed)

    def _faulty(self) -> None:
        """A cycle, and one or two workers that see to it and may die of it."""
        cycle = self._cycle(complete=self.chance.random() < 0.85)
        self.server.mood = self.chance.choice(MOODS)
        workers = [self._worker(cycle) for _ in range(self.chance.choice((1, 1, 2)))]
        for pid in workers:
            _, status = os.waitpid(pid, 0)
            self.deaths += status != 0

    def _cycle(self, *, complete: bool) -> Cycle:
        if complete:
            Project.objects.filter(pk=self.project.pk).update(read_at=self.now)
        return factories.cycle(self.project, self.now, complete=complete, listed=complete)

    def _worker(self, cycle: Cycle) -> int:
        """A worker in a process of its own, that may die at a statement; its id."""
        death = self._death()
        seed, port = self.chance.random(), 1 if self.server.mood == "down" else self.server.port
        connections.close_all()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            if death:
                connection.execute_wrappers.append(death)
            self.chance = Random(seed)  # noqa: S311
            self._work(cycle, port)
            code = 0
        except DatabaseError:
            pass
        finally:
            os._exit(code)

    def _death(self) -> Death | None:
        """Most die: at a step of the story's own until all are reached, then anywhere."""
        if self.chance.random() < 0.25:
            return None
        left = self._aims_left()
        return Death(self.chance, self.chance.choice(left) if left else None, self.cluster)

    def _aims_left(self) -> list[Step]:
        return [step for step in self.aims if step not in reached()]

    def _work(self, cycle: Cycle, port: int) -> None:
        """What workers do with a cycle, and by the clock."""
        patience = PATIENCE if self.server.mood == "takes and is slow" else 30

        def connect() -> Any:
            return get_connection(SMTP, host="127.0.0.1", port=port, timeout=patience)

        detect.after_cycle(cycle=cycle, now=self.now)
        detect.evaluate_by_time(now=self.now)
        detect.check_accounts(now=self.now)
        outbox.compose_due_mails(now=self.now)
        outbox.send_due(now=self.now, connect=connect, rng=self.chance)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Hold each mail that the server took in a round against what is known of it then."""
        taken, unheard = self.server.taken.copy(), self.server.unheard.copy()
        sent = set(self._mails(state=Mail.State.SENT))
        yield
        known = set(self._mails())
        heard = set(self._mails(state=Mail.State.SENT))
        died_with = set(self._mails(leased_until__gt=self.now))
        for name, times in (self.server.taken - taken).items():
            lost = name in died_with or bool(self.server.unheard[name] - unheard[name])
            self.without_cause += times - 1
            self.without_cause += name in sent or name not in known
            self.without_cause += not lost and name not in heard

    def _mails(self, **which: Any) -> list[str]:
        mine = Mail.objects.filter(recipient__in=self.people, **which)
        return list(mine.values_list("message_id", flat=True))

    def _counted(self) -> dict[str, int]:
        mails = list(Mail.objects.filter(recipient__in=self.people))
        notices = Notice.objects.filter(recipient__in=self.people)
        fired = Incident.objects.filter(account=self.account, fired_at__isnull=False)
        taken = self.server.taken
        told_by_now = notices.filter(created_at__lt=MONDAY)  # later ones wait for the next digest
        lost = told_by_now.filter(mail=None, skipped="").count()
        lost += fired.annotate(notice_count=Count("notices")).filter(notice_count=0).count()
        lost += sum(
            1
            for mail in mails
            if mail.state != Mail.State.DEAD
            and not (mail.state == Mail.State.SENT and taken[mail.message_id])
        )
        same = ("incident", "recipient", "kind", "sequence")
        twice = notices.values(*same).annotate(n=Count("pk")).filter(n__gt=1)
        fires = notices.filter(kind="fire", incident__severity=Incident.Severity.CRITICAL)
        twice_told = fires.values("incident", "recipient").annotate(n=Count("pk")).filter(n__gt=1)
        refused = User.objects.filter(email__in=self.server.refused, email_refused="")
        if refused and any(m.address in self.server.refused for m in mails):
            lost += 1  # its owner is not told why nothing comes
        return {
            "lost": lost,
            "notices_twice": twice.count() + twice_told.count(),
            "mails_repeated_without_cause": self.without_cause,
            "mails": len(mails),
            "deaths": self.deaths,
            "repeats": sum(taken.values()) - len(taken),
        }
