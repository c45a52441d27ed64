"""What something that a person asked for waits for, since when, and until when if that is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.http import HttpRequest

from dashboard.alerts import downtime
from dashboard.fielding.models import ExchangeAccount, Mail, Project
from dashboard.sync import scheduling
from dashboard.web.auth.permissions import shown_in_frame


class WaitsFor(StrEnum):
    """What is waited for."""

    WORKER = "worker"  # none runs, or all are busy
    REQUESTS = "requests"  # the request limit of the connection lets others go first
    QUIET = "quiet"  # the exchange asked Fieldwatch to wait
    RETRY = "retry"  # the last attempt failed; the next one is planned
    CINT = "cint"  # the exchange has it, and does not show the result yet


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A wait. `next_at`: the next attempt; `until`: the end at the latest, if it is known."""

    waits_for: WaitsFor
    since: datetime
    why: str = ""
    next_at: datetime | None = None
    until: datetime | None = None
    worked_at: datetime | None = None  # of a wait for a worker: when one did anything last
    is_busy: bool = False  # of a wait for a worker: workers run, with other work


@dataclass(frozen=True, slots=True)
class Workers:
    """What is known of the workers: when one of them did anything last; None for never."""

    worked_at: datetime | None
    now: datetime

    @property
    def are_silent(self) -> bool:
        """Whether workers ran and stopped."""
        return self.worked_at is not None and self.now - self.worked_at > downtime.SILENT

    def wait(self, due_at: datetime | None, *, asked_at: datetime) -> OpenWait | None:
        """Return the wait for a worker of work that is due then; None if it waits for none."""
        since = due_at if scheduling.is_overdue(due_at, now=self.now) else None
        if since is None and self.are_silent and self.worked_at:
            since = max(asked_at, self.worked_at)
        if since is None:
            return None
        is_busy = self.worked_at is not None and not self.are_silent
        return OpenWait(WaitsFor.WORKER, since, worked_at=self.worked_at, is_busy=is_busy)


def known_workers(request: HttpRequest, *, now: datetime) -> Workers:
    """Return what the page's frame knows of the workers; it costs no query."""
    rows = shown_in_frame(request)
    return Workers(rows[0].worked_at if rows else None, now)


def refresh_wait(project: Project, workers: Workers) -> OpenWait | None:
    """Return what the reading of a project waits for; None unless a person opened its page."""
    due_at, now = project.due_at, workers.now
    is_late = scheduling.is_refresh_overdue(due_at, project.urgency, now=now)
    if due_at is None or not is_late or not project.account.polling or project.missing_since:
        return None
    is_held = project.leased_until is not None and project.leased_until >= now
    if workers.are_silent or (is_held and project.lease == scheduling.QUEUED):
        return workers.wait(due_at, asked_at=due_at)
    if is_held and not project.lease:
        return OpenWait(WaitsFor.RETRY, due_at, why=project.error, next_at=project.leased_until)
    if not is_held and scheduling.request_budget(project.account):
        return OpenWait(WaitsFor.REQUESTS, due_at)
    return None if is_held else workers.wait(due_at, asked_at=due_at)


def first_sync_wait(account: ExchangeAccount, workers: Workers) -> OpenWait | None:
    """Return the wait for a worker of a connection's first sync; None while it goes on."""
    due_at, now = account.due_at, workers.now
    is_read = account.read_at is not None
    if is_read and workers.are_silent:
        return workers.wait(None, asked_at=account.created_at)
    if is_read or due_at is None or not account.polling:
        return None
    is_claimed = account.lease not in ("", scheduling.QUEUED)
    if is_claimed and account.leased_until and account.leased_until >= now:
        return None
    return workers.wait(due_at, asked_at=due_at)


def mail_wait(mail: Mail, workers: Workers) -> OpenWait | None:
    """Return what an email or message waits for; None if it is sent, given up or being sent."""
    is_claimed = mail.leased_until is not None and mail.leased_until > workers.now
    if mail.state != Mail.State.WAITING or is_claimed:
        return None
    if wait := workers.wait(mail.next_try_at, asked_at=mail.created_at):
        return wait
    if not mail.error:
        return None
    return OpenWait(WaitsFor.RETRY, mail.created_at, why=mail.error, next_at=mail.next_try_at)


def mails_with_waits(mails: Iterable[Mail], workers: Workers) -> list[tuple[Mail, OpenWait | None]]:
    """Return each email or message with what it waits for."""
    return [(mail, mail_wait(mail, workers)) for mail in mails]


def join_waits(waits: Iterable[OpenWait]) -> list[OpenWait]:
    """Return each kind of wait once, from its earliest beginning to its latest end."""
    joined: dict[tuple[WaitsFor, str], OpenWait] = {}
    for wait in waits:
        key = (wait.waits_for, wait.why)
        joined[key] = _joined(joined[key], wait) if key in joined else wait
    return list(joined.values())


def _joined(first: OpenWait, second: OpenWait) -> OpenWait:
    ends = (first.until, second.until)
    attempts = [at for at in (first.next_at, second.next_at) if at]
    return OpenWait(
        first.waits_for,
        min(first.since, second.since),
        why=first.why,
        next_at=min(attempts, default=None),
        until=None if None in ends else max(end for end in ends if end),
        worked_at=first.worked_at,
        is_busy=first.is_busy,
    )
