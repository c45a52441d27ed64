"""One seeded story of a channel: groups in trouble, workers that die, a service in moods.

Each worker is a process of its own. The clock is the story's.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.models import Count

from bench.faults.crash_points import STEPS, Death
from dashboard.alerts.channels import outbox, schedule
from dashboard.alerts.channels.post import send_post
from dashboard.alerts.incidents import detect
from dashboard.fielding.models import Channel, Cycle, Incident, Mail, Notice, Project, TargetGroup
from tests import factories
from tests.fakes.alert_scenario import RHYTHM
from tests.fakes.channel_receiver import (
    KEY,
    MOODS,
    SERVICES,
    ChannelReceiver,
    receiving,
    says_again,
)

ROUNDS, PATIENCE = 9, 0.25  # seconds that a worker waits for a slow service
CALM = (6, 7, 13, 20, 40, 60)  # minutes after the last fault
MINUTE = timedelta(minutes=1)
KILLED = ("before the post", "after the post")
DELIVERY = [step for step in STEPS if "mail" in step.name or "told" in step.name]
WRONG = ("lost", "intents_twice", "repeated_unsaid")


def tell_stories(seeds: Sequence[int]) -> dict[str, dict[str, int]]:
    """Tell one after the other."""
    counts: dict[str, Counter[str]] = {service: Counter() for service in SERVICES}
    with receiving() as receiver:
        settings.CHANNEL_ALLOWED_HOSTS = [f"127.0.0.1:{receiver.port}"]
        receiver.slow_seconds = PATIENCE * 2
        for seed in seeds:
            service = SERVICES[seed % len(SERVICES)]
            result = Story(seed, service, receiver).play()
            counts[service].update(result)
            if wrong := {name: result[name] for name in WRONG if result[name]}:
                print(f"seed {seed}, {service}: {wrong}", file=sys.stderr)
    return {service: dict(count) for service, count in counts.items()}


class Story:
    """A channel, two groups in trouble, and workers that die or meet a bad service."""

    def __init__(self, seed: int, service: str, receiver: ChannelReceiver) -> None:
        self.chance, self.receiver = Random(seed), receiver  # noqa: S311
        self.now, self.counts = factories.NOW, Counter[str]()
        self.account = factories.account(created_at=factories.NOW)
        self.project: Project = factories.project(self.account)
        soon = {"ends_at": self.now + timedelta(hours=70), "insight": {"rhythm": RHYTHM}}
        self.groups = [
            factories.group(self.project, last_complete_at=self.now, **soon) for _ in range(3)
        ]
        self.channel = Channel.objects.create(
            account=self.account,
            name="#fieldwork",
            service=service,
            address=receiver.address(service),
            address_hint="127.0.0.1",
            signing_key=KEY,
            sends=Channel.Sends.ALL,
            quiet_from="00:00",
            quiet_until="00:00",
            quiet_days="",
            created_at=self.now,
        )
        receiver.mood = "ok"
        receiver.taken.clear()

    def play(self) -> Counter[str]:
        """Play it to the end, and count."""
        for _ in range(ROUNDS):
            self.now += MINUTE * self.chance.choice((1, 2, 6, 15))
            self._trouble()
            self._faulty()
        self.receiver.mood, end = "ok", self.now
        for minutes in CALM:
            self.now = end + MINUTE * minutes
            self._work(self._cycle(), "")
        counts = self._count()
        self.account.delete()  # the next story has the tables for itself
        return counts

    def _trouble(self) -> None:
        """A live group pauses, or a paused one goes on."""
        group = self.chance.choice(self.groups)
        paused = TargetGroup.objects.filter(pk=group.pk, status="live").exists()
        changed = {"status": "paused" if paused else "live", "last_complete_at": self.now}
        changed |= {"status_changed_by": "system_user", "status_reason": "low_epc"}
        TargetGroup.objects.filter(pk=group.pk).update(**changed)

    def _cycle(self) -> Cycle:
        Project.objects.filter(pk=self.project.pk).update(read_at=self.now)
        return factories.cycle(self.project, self.now)

    def _faulty(self) -> None:
        """A worker in a process of its own that may die, and a service in some mood."""
        self.receiver.mood = self.chance.choice(MOODS)
        cycle = self._cycle()
        killed = self.chance.choice(("", "", *KILLED, "at a statement"))
        death = None
        if killed == "at a statement":
            step = self.chance.choice([None, *DELIVERY])
            death = Death(self.chance, step, None)
        seed = self.chance.random()
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                if death:
                    connection.execute_wrappers.append(death)
                self.chance = Random(seed)  # noqa: S311
                self._work(cycle, killed)
                code = 0
            except DatabaseError:
                pass
            finally:
                os._exit(code)
        died = os.waitpid(pid, 0)[1] != 0
        self.counts["deaths"] += died
        self.counts["faults"] += died + (self.receiver.mood != "ok")

    def _work(self, cycle: Cycle, killed: str) -> None:
        """What workers do with a cycle, and by the clock."""

        def post(*args: Any, **options: Any) -> Any:
            if killed == KILLED[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return partial(send_post, seconds=PATIENCE)(*args, **options)
            finally:
                if killed == KILLED[1]:
                    os.kill(os.getpid(), signal.SIGKILL)

        detect.after_cycle(cycle=cycle, now=self.now)
        detect.evaluate_by_time(now=self.now)
        schedule.compose_due_messages(now=self.now)
        outbox.send_due_messages(now=self.now, rng=self.chance, post=post)

    def _count(self) -> Counter[str]:
        notices = Notice.objects.filter(channel=self.channel)
        mails = list(Mail.objects.filter(channel=self.channel))
        copies = Counter(received.message_id for received in self.receiver.taken)
        unsaid = Counter(
            received.message_id for received in self.receiver.taken if not says_again(received)
        )
        fired = Incident.objects.filter(account=self.account, fired_at__isnull=False)
        unnoticed = fired.annotate(n=Count("notices")).filter(n=0).count()
        # Those of the last round wait for the minute in which alerts gather.
        waiting = notices.filter(mail=None, skipped="", in_digest=False, created_at__lt=self.now)
        lost = unnoticed + waiting.count()
        lost += sum(mail.state != Mail.State.SENT or not copies[mail.message_id] for mail in mails)
        same = ("incident", "kind", "sequence")
        twice = notices.values(*same).annotate(n=Count("pk")).filter(n__gt=1).count()
        twice += len(set(copies) - {mail.message_id for mail in mails})
        self.counts.update(
            lost=lost,
            intents_twice=twice,
            repeated_unsaid=sum(number - 1 for number in unsaid.values() if number > 1),
            messages=len(mails),
            said_again=sum(copies.values()) - len(copies),
        )
        return self.counts
