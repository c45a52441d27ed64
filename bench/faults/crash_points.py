"""Where a worker dies that detects and delivers: the marked steps, or any statement at all."""

import mmap
import os
import re
import signal
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from django.db import connection, connections

from tests.resilience.servers import PostgreSQL


class Step(NamedTuple):
    """Before or after the first statement with these words."""

    name: str
    words: str
    after: bool = False


_LEASE = re.escape('UPDATE "fielding_mail" SET "leased_until" = %s')
_MARK = re.escape('UPDATE "fielding_mail" SET "leased_until" = NULL')
_BIND = 'UPDATE "fielding_notice" SET "mail_id" = '
REFUSAL = Step("an address is about to be refused", 'UPDATE "fielding_user" SET "email_refused"')
STEPS = (
    Step("nothing is judged", '^SELECT .* FROM "fielding_incident"'),
    Step("an incident is not yet written", 'INTO "fielding_incident"'),
    Step("an incident is written, nobody is told", 'INTO "fielding_notice"'),
    Step("who is told is written, nothing committed", 'INTO "fielding_notice"', after=True),
    Step("an incident is about to move on", 'UPDATE "fielding_incident"'),
    Step("an incident moved on, not committed", 'UPDATE "fielding_incident"', after=True),
    Step("no mail is frozen", 'INTO "fielding_mail"'),
    Step("a mail is frozen, its notices are free", _BIND),
    Step("a mail has its notices, not committed", _BIND, after=True),
    Step("a mail is not yet leased", _LEASE),
    Step("a mail is leased, not handed over", _LEASE, after=True),
    Step("a mail is handed over, not marked", _MARK),
    Step("a mail is marked", _MARK, after=True),
    REFUSAL,
)
ANYWHERE = 90  # statements of a round, about
REACHED = mmap.mmap(-1, len(STEPS))  # steps at which one died; shared with those who are forked


class Death:
    """How a worker ends: at a marked step or any statement; by SIGKILL, or with its database."""

    def __init__(self, chance: Random, aim: Step | None, restarts: PostgreSQL | None) -> None:
        self.step = aim
        self.left = chance.randrange(1, ANYWHERE)
        self.how, self.restarts = "killed", restarts
        if connection.vendor == "postgresql":
            self.how = chance.choice(("killed", "killed", "cut"))
            if restarts and chance.random() < 0.05:
                self.how = "restarted"

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        now, after = self._is_now(sql), self.step is not None and self.step.after
        if now and not after:
            self.strike()
        done = execute(sql, params, many, context)
        if now and after:
            self.strike()
        return done

    def _is_now(self, sql: str) -> bool:
        if self.step:
            return bool(re.search(self.step.words, sql, re.S))
        self.left -= 1
        return self.left == 0

    def strike(self) -> None:
        """End the process, or the connection under it."""
        if self.step:
            REACHED[STEPS.index(self.step)] = 1
        self.step, self.left = None, 0  # once
        if self.how == "restarted" and self.restarts:
            self.restarts.stop()
            self.restarts.start()
        elif self.how == "cut":
            with connections["default"].connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        else:
            os.kill(os.getpid(), signal.SIGKILL)
