"""One seed: a field of some groups, people who change prices, workers, and everything going wrong.

The faults end after some hours; then all must come right by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from celery import Task
from django.conf import settings
from django.core.cache import cache
from django.db.utils import DatabaseError

from bench.simulate.checks import Checks
from bench.simulate.database import Tables
from bench.simulate.machine import Actor, Death, Machine, Process
from bench.simulate.network import (
    Arrived,
    ExchangeWire,
    Lie,
    Receiver,
    SimulatedMailServer,
    Weather,
)
from dashboard import tasks
from dashboard.alerts.channels import outbox as messages
from dashboard.alerts.channels import schedule
from dashboard.celery import app
from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.models import (
    Channel,
    ExchangeAccount,
    MailPreferences,
    Membership,
    Project,
    TargetGroup,
    User,
)
from dashboard.simulator.server import control
from dashboard.simulator.server.faults import Fault
from dashboard.simulator.server.lag import Lag
from dashboard.simulator.server.run import Options, make_exchange
from dashboard.sync.connections import clients
from dashboard.sync.edits import send

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday
ADDRESS = "http://127.0.0.1:1/v1"
WORKERS = 3
BEAT = timedelta(minutes=60)  # about
LOST_HINTS = 0.6  # of the messages that a beat brings, where the broker is bad
CALM = (10, 10)  # minutes between the beats after the last fault
POLL_SECONDS = 1800
DAY = timedelta(days=1)
SPOILED = (  # answers that are not what the contract says
    "wrong_shape",
    "null_field",
    "missing_field",
    "unknown_enum",
    "unknown_field",
    "truncated",
    "html",
    "bad_text",
    "packed",
    "missing_group",
)
REFUSED = ("http_429", "http_500", "http_502", "http_503", "http_504")
# Nowhere else: where a group is refused by its id, two lists without it say that it is gone.
REFUSED_THERE = {"http_400": "update_*", "http_403": "get_target_group_performance"}
EVENTS = ("stall", "heal", "pause", "pause", "status", "hide", "show", "completes", "price", "move")


class Wrong(Exception):
    """Something that must hold does not: the seed, the step, and what."""


class Told(NamedTuple):
    """How a story went."""

    seed: int
    digest: str
    steps: int
    field_days: float
    counts: dict[str, int]


def prepare(tables: Tables) -> None:
    """Fill the tables with what every story begins with: a connection, people, a channel."""
    account = ExchangeAccount.objects.create(
        name="field",
        exchange_id="101",
        base_url=ADDRESS,
        auth=ExchangeAccount.Auth.API_KEY,
        secret="key",
        requests_per_minute=0,
        poll_seconds=POLL_SECONDS,
        due_at=START,
        created_at=START,
    )
    now = MailPreferences.Now
    people = (("pm", "editor", now.EVERYTHING), ("head", "administrator", now.CRITICAL))
    for name, role, wanted in people:
        user = User.objects.create(
            username=name, email=f"{name}@example.com", date_joined=START, time_zone="Europe/Berlin"
        )
        Membership.objects.create(user=user, account=account, role=role)
        MailPreferences.objects.create(user=user, now=wanted, recoveries_now=True)
    Channel.objects.create(
        account=account,
        name="#fieldwork",
        service=Channel.Service.WEBHOOK,
        address="https://127.0.0.1/hook",
        address_hint="127.0.0.1",
        signing_key="key",
        sends=Channel.Sends.ALL,
        quiet_from="00:00",
        quiet_until="00:00",
        quiet_days="",
        created_at=START,
    )
    tables.keep()


class Story:
    """A world, its installation and its people, by one seed."""

    def __init__(
        self, seed: int, tables: Tables, *, hours: float, lie: Lie = Lie.NONE, show: bool = False
    ) -> None:
        """`hours`: of faults, before the calm."""
        self.seed, self.tables, self.hours, self.lie = seed, tables, hours, lie
        self.machine = Machine(seed, START, show=show)
        self.arrived = Arrived()
        self.weather, self.mail, self.posts = Weather(), Weather(), Weather()
        self.checks = Checks(self.arrived)
        self.queue: list[tuple[str, list[Any]]] = []  # messages of the broker: task and arguments
        self.later: list[tuple[datetime, str, list[Any]]] = []
        self.workers = [Process(f"worker {n}") for n in range(WORKERS)]
        self.busy: set[str] = set()
        self.counts = {"edits": 0, "deaths": 0, "database": 0, "tasks": 0, "events": 0}
        self.deadly = self.unsound = self.forgetful = 0.0
        self.changes = self.clicks = 0

    def tell(self) -> Told:
        """Live through it; Wrong if something that must hold does not."""
        machine, chance = self.machine, self.machine.chance
        self.tables.restore()
        cache.clear()
        self.tables.database.machine = machine
        machine.on_end, machine.idle = self._judge, self._hand_out
        with machine.switched_on():
            self._open()
            live_seconds = 0.0
            end = START + timedelta(hours=self.hours)
            self._worsen()
            while machine.now < end:
                self._beat()
                wait = BEAT * chance.choice((0.1, 0.5, 1.0, 2.4))
                for _ in range(chance.randrange(4)):
                    self._somebody(wait)
                live_seconds += self._live() * wait.total_seconds()
                machine.run_until(machine.now + wait)
            self._calm_down()
        if wrong := next(self.checks.at_the_end(calm_since=end, now=machine.now), ""):
            raise self._wrong(wrong)
        self.counts["mails"] = len(self.arrived.mails)
        self.counts["messages"] = len(self.arrived.messages)
        self.counts["changes"] = len(self.arrived.changes)
        days = live_seconds / DAY.total_seconds()
        return Told(self.seed, machine.digest, machine.steps, days, self.counts)

    def _open(self) -> None:
        """The exchange behind a wire, and the faults that it has by this seed."""
        chance = self.machine.chance
        projects = chance.choice((1, 1, 2))
        options = Options(
            seed=self.seed,
            projects=projects,
            groups=chance.choice((2, 4, 8 // projects)),  # a dozen at most: one thread reads them
            history_days=1.0,
            world=chance.choice(("troubled", "team")),
        )
        self.exchange = make_exchange(options, wall=self.machine.time)
        self.wire = ExchangeWire(self.machine, self.exchange, self.weather, self.arrived)
        self.wire.look()
        self.account = ExchangeAccount.objects.get()
        for process in self.workers:
            self._connect(process)
        SimulatedMailServer.machine = self.machine
        SimulatedMailServer.weather, SimulatedMailServer.arrived = self.mail, self.arrived
        self.receiver = Receiver(self.machine, self.posts, self.arrived)
        self.wire.lie = self.receiver.lie = SimulatedMailServer.lie = self.lie

    def _connect(self, process: Process) -> None:
        """Give a process its client of the exchange, as `clients.client_for` would."""
        machine = self.machine
        client = ExchangeClient(
            account_id="101",
            auth=ApiKey("key"),
            base_url=ADDRESS,
            gate=LocalGate(GatePolicy(), clock=machine, chance=machine.chance),
            allowed_hosts=["127.0.0.1:*"],
            clock=machine,
            chance=machine.chance,
            http=self.wire,
        )
        process.clients[self.account.pk] = (clients._settings_key(self.account), client)

    def _worsen(self) -> None:
        """What goes wrong in this story, and how often."""
        chance = self.machine.chance

        def perhaps(most: float) -> float:
            return chance.choice((0.0, 0.0, most / 4, most))

        for weather in (self.weather, self.mail, self.posts):
            for name in ("refused", "lost", "unanswered", "hangs"):
                setattr(weather, name, perhaps(0.1))
        self.mail.said_no, self.posts.said_no = perhaps(0.3), perhaps(0.3)
        self.deadly, self.unsound = perhaps(0.3), perhaps(0.2)
        self.forgetful = LOST_HINTS
        kinds = chance.sample([*SPOILED, *REFUSED, *REFUSED_THERE], chance.choice((0, 1, 2)))
        for number, kind in enumerate(kinds):
            where = REFUSED_THERE.get(kind, "*")
            fault = Fault(kind, rate=0.15, operation=where, seed=self.seed + number)
            self.exchange.faults.append(fault)
        if chance.random() < 0.25:
            control.open_chronicle(self.exchange, [], {})
            self.exchange.lag = Lag(0.0, chance.choice((5.0, 60.0, 180.0)), seed=self.seed)

    def _calm_down(self) -> None:
        """End all faults, and let the installation come right."""
        for weather in (self.weather, self.mail, self.posts):
            weather.clear_up()
        self.exchange.faults.clear()
        self.exchange.lag = None
        self.deadly = self.unsound = self.forgetful = 0.0
        for group in self.exchange.world.groups.values():
            group.hidden = False
        self.machine.run_until(self.machine.now + timedelta(minutes=5))
        for minutes in CALM:
            Project.objects.update(due_at=self.machine.now)
            self._beat()
            self.machine.run_until(self.machine.now + timedelta(minutes=minutes))

    def _live(self) -> int:
        return sum(group.status == "live" for group in self.exchange.world.groups.values())

    def _beat(self) -> None:
        """What beat does: one message, which the broker may lose."""
        self.queue.append((tasks.wake.name, []))

    def _publish(self, name: str, arguments: list[Any], countdown: float = 0.0) -> None:
        """Put a message into the broker, which may lose it: the tables say what is due."""
        if self.machine.chance.random() < self.forgetful:
            return
        message = (name, json.loads(json.dumps(arguments)))
        if countdown > 0:
            process = Process("broker")
            actor = Actor(f"countdown of {name}", process)
            self.machine.start(actor, lambda: self.queue.append(message), after=countdown)
        else:
            self.queue.append(message)

    def _hand_out(self) -> None:
        """Let free workers take messages, in any order."""
        chance = self.machine.chance
        while self.queue and (free := [w for w in self.workers if w.name not in self.busy]):
            name, arguments = self.queue.pop(chance.randrange(len(self.queue)))
            self._work(chance.choice(free), name, arguments)

    def _work(self, process: Process, name: str, arguments: list[Any]) -> None:
        self.counts["tasks"] += 1
        actor = self._actor(f"{process.name} {name.rpartition('.')[2]}", process)
        task = self._deliver_messages if name == tasks.deliver_messages.name else app.tasks[name]
        self.busy.add(process.name)

        def work() -> None:
            task(*arguments)

        self.machine.start(actor, work)

    def _actor(self, name: str, process: Process) -> Actor:
        """Somebody who may die, or whose database may fail, at some point of the work."""
        chance = self.machine.chance
        actor = Actor(name, process)
        if chance.random() < self.deadly:
            actor.dies_in = round(2 ** chance.uniform(0, 7))
        elif chance.random() < self.unsound:
            actor.fails_in = round(2 ** chance.uniform(0, 7))
        return actor

    def _deliver_messages(self) -> None:
        """The task of this name, with the receiver of this story in place of a socket."""
        schedule.compose_due_messages(now=self.machine.now)
        messages.send_due_messages(
            now=self.machine.now, limit=tasks.BATCH_SIZE, post=self.receiver.post
        )

    def _somebody(self, within: timedelta) -> None:
        """A person changes a price or a name here, or something happens at the exchange."""
        chance, machine = self.machine.chance, self.machine
        after = chance.uniform(0, within.total_seconds())
        if chance.random() < 0.5:
            self._edit(after)
            return
        event = chance.choice(EVENTS)
        group = chance.choice(list(self.exchange.world.groups.values()))
        actor = Actor(f"Cint {event}", Process("Cint"))
        machine.start(actor, lambda: self._happen(event, group.id), after=after)

    def _edit(self, after: float) -> None:
        """Somebody opens the form of a price or of details and sends it, at times twice."""
        chance = self.machine.chance
        self.clicks += 1
        token = f"click {self.clicks}"
        times = chance.choice((1, 1, 2))
        seen: dict[str, Any] = {}
        for number in range(times):
            process = Process(f"web {self.clicks}.{number}")
            self._connect(process)
            actor = self._actor(f"{process.name} edits", process)
            self.machine.start(
                actor,
                lambda: self._send(token, seen),
                after=after + number * chance.uniform(0.0, 2.0),
            )

    def _send(self, token: str, form: dict[str, Any]) -> None:
        chance = self.machine.chance
        if not form:
            groups = TargetGroup.objects.filter(status__in=("live", "paused"))
            group = chance.choice(list(groups.select_related("account", "project")) or [None])
            if group is None:
                return
            self.changes += 1
            change = {"name": f"Renamed {self.changes}"}
            if group.pricing_model == "dynamic" and chance.random() < 0.6:
                change = {"value": f"{chance.randrange(2, 9)}.{1000 + self.changes}"}
            kind = "cpi" if "value" in change else "details"
            form |= {"group": group, "change": change, "kind": kind}
        group, kind = form["group"], form["kind"]
        clock = lambda: self.machine.now  # noqa: E731
        with suppress(ExchangeError, send.EditInProgress):
            if "seen" not in form:
                form["seen"] = send.read_current_value(group=group, kind=kind, clock=clock)
            self.counts["edits"] += 1
            send.send_edit(
                group=group,
                kind=kind,
                seen=form["seen"],
                wanted=form["seen"] | form["change"],
                by=User.objects.get(username="pm"),
                token=token,
                clock=clock,
                wait=self.machine.sleep,
            )

    def _happen(self, event: str, group_id: str) -> None:
        """Something happens to a group at the exchange."""
        world, chance = self.exchange.world, self.machine.chance
        group, at = world.groups[group_id], world.clock.now()
        world.settle(at)
        self.counts["events"] += 1
        self.machine.note(f"{event} {group_id}")
        body: dict[str, Any] = {}
        if event == "pause":
            if group.status != "live":
                return
            body = {"reason_code": chance.choice(("low_epc", "high_median_loi"))}
        elif event == "status":
            if group.status not in ("live", "paused"):
                return
            body = {"status": "live" if group.status == "paused" else "paused"}
        elif event == "completes":
            body = {"add": chance.randrange(1, 9)}
        elif event in ("hide", "show"):
            event, body = "hide", {"hidden": event == "hide"}
        elif event == "move":
            body = {"project_id": chance.choice([p.id for p in world.projects_of(101)])}
        elif event == "price":
            group.cpi = Decimal(chance.randrange(100, 900)) / 100
            event = "heal"
        control.act(self.exchange, group, event, body, at)
        self.wire.look()

    def _judge(self, actor: Actor) -> None:
        """An actor has ended: what it left must be in order."""
        if left := self.tables.settle(actor):
            raise self._wrong(f"{actor.name}: {left}")
        self.busy.discard(actor.process.name)
        error, actor.error = actor.error, None
        if isinstance(error, Death):
            self.counts["deaths"] += 1
            self._restart(actor)
        elif actor.had_database_error and isinstance(error, DatabaseError | None):
            self.counts["database"] += 1
        elif error is not None:
            raise self._wrong(f"{actor.name} broke: {error!r}") from error
        if wrong := next(self.checks.after_step(), ""):
            raise self._wrong(f"after {actor.name}: {wrong}")

    def _restart(self, actor: Actor) -> None:
        """Another process takes the place of one that was killed."""
        if actor.process in self.workers:
            fresh = Process(actor.process.name)
            self.workers[self.workers.index(actor.process)] = fresh
            self._connect(fresh)

    def _wrong(self, what: str) -> Wrong:
        now, steps = self.machine.now, self.machine.steps
        return Wrong(f"seed {self.seed}, step {steps}, {now:%d %H:%M:%S}: {what}")


def publish_into(story: Story) -> Callable[..., None]:
    """How tasks are published while a story is told."""

    def apply_async(
        task: Task[Any, Any],
        args: tuple[Any, ...] = (),
        _kwargs: object = None,
        *,
        countdown: float = 0.0,
        **_: object,
    ) -> None:
        story.machine.pass_point(f"publish {task.name}")
        story._publish(task.name, list(args), countdown)

    return apply_async


def tell(
    seed: int, tables: Tables, *, hours: float, lie: Lie = Lie.NONE, show: bool = False
) -> Told:
    """Tell the story of a seed; Wrong if something that must hold does not."""
    story = Story(seed, tables, hours=hours, lie=lie, show=show)
    app.Task.apply_async = publish_into(story)  # type: ignore[assignment,method-assign]
    settings.BEAT_SECONDS = BEAT.total_seconds()
    settings.EMAIL_BACKEND = "bench.simulate.network.SimulatedMailServer"
    return story.tell()
