"""The machine of a simulated installation: one clock, one source of chance, many processes.

Everything runs in one thread. What runs in a process of the installation is an `Actor`, a
greenlet; actors give way to one another at their passing points: statements outside of
transactions, requests, and waits. A seed decides who goes on, who dies where, and all random bytes.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from unittest import mock

import time_machine
from greenlet import getcurrent, greenlet

from dashboard.alerts import downtime, heartbeat
from dashboard.sync.connections import clients

GIVES_WAY = 0.3  # how often an actor lets another one go on at a passing point


class Death(BaseException):
    """The process of an actor was killed: nothing more of it runs."""


@dataclass
class Process:
    """What one process of the installation remembers."""

    name: str
    clients: dict[int, Any] = field(default_factory=dict)  # Any: as the product keeps them
    recorded: dict[str, datetime] = field(default_factory=dict)
    alive: dict[str, Any] = field(default_factory=dict)

    def enter(self) -> None:
        """Put its memory in the place of that of the process that ran before."""
        clients._clients = self.clients
        heartbeat._recorded = self.recorded
        downtime._alive = self.alive


@dataclass
class Actor:
    """Work in a process: a task of a worker, or a request that a person made."""

    name: str
    process: Process
    dies_in: int = 0  # passing points and statements until its process is killed; 0: never
    fails_in: int = 0  # and until the database fails it once
    is_dead: bool = False
    had_database_error: bool = False
    error: BaseException | None = None
    greenlet: greenlet | None = None


class Machine:
    """Clock, chance and actors; it is the `Clock` of the exchange's client as well."""

    def __init__(self, seed: int, start: datetime, *, show: bool = False) -> None:
        self.chance = Random(seed)  # noqa: S311
        self.began = self._seconds = start.timestamp()
        self._entropy = Random(f"entropy {seed}")  # noqa: S311
        self._sleeping: list[tuple[float, int, Actor]] = []
        self._ready: list[Actor] = []
        self._numbers = 0
        self._traveller: Any = None  # Any: time-machine does not export the type
        self._show, self._digest, self.steps = show, hashlib.sha256(), 0
        self.actor: Actor | None = None
        self.on_end: Callable[[Actor], None] = lambda _: None
        self.idle: Callable[[], None] = lambda: None

    @property
    def now(self) -> datetime:
        """The moment, UTC."""
        return datetime.fromtimestamp(self._seconds, UTC)

    def time(self) -> float:
        """Seconds since 1970."""
        return self._seconds

    def monotonic(self) -> float:
        """Seconds since the machine was switched on."""
        return self._seconds - self.began

    def sleep(self, seconds: float) -> None:
        """Let others go on for so long; outside of actors, only the clock moves."""
        if self.actor is None:
            self._set(self._seconds + seconds)
            return
        self._wait_until(self._seconds + seconds)

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """Put its clock and its random bytes in the place of those of the real machine."""
        randbytes = self._entropy.randbytes
        random.seed(self._entropy.random())
        with (
            time_machine.travel(self.now, tick=False) as self._traveller,
            mock.patch.object(time, "monotonic", self.monotonic),
            mock.patch.object(os, "urandom", randbytes),
            mock.patch.object(random, "_urandom", randbytes),
        ):
            yield

    def note(self, line: str) -> None:
        """Add a line to the record of the run."""
        self.steps += 1
        who = self.actor.name if self.actor else "machine"
        self._digest.update(f"{self.steps} {self._seconds} {who}: {line}".encode())
        if self._show:
            print(f"{self.steps} {self.now:%d %H:%M:%S.%f} {who}: {line}", flush=True)

    @property
    def digest(self) -> str:
        """What tells the record of one run from that of another."""
        return self._digest.hexdigest()[:16]

    def start(self, actor: Actor, work: Callable[[], object], *, after: float = 0.0) -> None:
        """Let an actor begin in so many seconds."""

        def run() -> None:
            try:
                work()
            except (Exception, Death) as exc:
                actor.error = exc

        actor.greenlet = greenlet(run)
        self._numbers += 1
        if after > 0:
            heapq.heappush(self._sleeping, (self._seconds + after, self._numbers, actor))
        else:
            self._ready.append(actor)

    def run_until(self, end: datetime) -> None:
        """Let actors go on until nobody has anything to do before `end`, then set the clock."""
        while True:
            self.idle()
            if self._ready:
                self._go_on(self._ready.pop(self.chance.randrange(len(self._ready))))
            elif self._sleeping and self._sleeping[0][0] <= end.timestamp():
                at, _, actor = heapq.heappop(self._sleeping)
                self._set(at)
                self._ready.append(actor)
            else:
                break
        self._set(max(self._seconds, end.timestamp()))

    def pass_point(self, what: str) -> None:
        """A point at which an actor may be killed, and may let another one go on."""
        actor = self.actor
        if actor is None:
            return
        self._live_on(actor)
        self.note(what)
        if self._ready and self.chance.random() < GIVES_WAY:
            self._ready.append(actor)
            self._give_way(actor)
        self._live_on(actor)

    def count_statement(self) -> None:
        """A point at which an actor may be killed, but nobody else can go on."""
        if self.actor is not None:
            self._live_on(self.actor)

    def _live_on(self, actor: Actor) -> None:
        """Raise Death if it is dead, or dies now."""
        if actor.dies_in and not actor.is_dead:
            actor.dies_in -= 1
            actor.is_dead = actor.dies_in == 0
        if actor.is_dead:
            raise Death

    def _wait_until(self, moment: float) -> None:
        actor = self.actor
        assert actor is not None
        self._live_on(actor)
        self._numbers += 1
        heapq.heappush(self._sleeping, (moment, self._numbers, actor))
        self._give_way(actor)
        self._live_on(actor)

    def _give_way(self, actor: Actor) -> None:
        parent = getcurrent().parent
        assert parent is not None
        parent.switch()
        assert self.actor is actor

    def _go_on(self, actor: Actor) -> None:
        assert actor.greenlet is not None
        self.actor = actor
        actor.process.enter()
        actor.greenlet.switch()
        self.actor = None
        if actor.greenlet.dead:
            self.on_end(actor)

    def _set(self, seconds: float) -> None:
        if seconds != self._seconds:
            self._seconds = seconds
            self._traveller.move_to(self.now)
