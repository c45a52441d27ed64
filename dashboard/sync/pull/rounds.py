"""Run one piece of due work from claim to finish; nothing if another worker has it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from dashboard import logs
from dashboard.exchange.errors import HostRefused
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Cycle, ExchangeAccount, Project
from dashboard.sync import scheduling
from dashboard.sync.connections import clients
from dashboard.sync.pull.account import pull_account, refuse_account
from dashboard.sync.pull.project import pull_project

Clock = Callable[[], datetime]
Share = Callable[[ExchangeAccount], int | None]
log = logging.getLogger(__name__)
# Saves 1.0 to 1.2 ms of a round.
_WITH_ACCOUNT = CompiledQuery(
    lambda: Project.objects.select_related("account").filter(pk=Param("pk"))
)


def account_round(pk: int, *, clock: Clock, force: bool = False) -> Cycle | None:
    """Read an account's lists, if it is due and free."""
    token = scheduling.claim_row(ExchangeAccount, pk, now=clock(), force=force)
    if token is None:
        return None
    account = ExchangeAccount.objects.get(pk=pk)
    if scheduling.park_after_failures(account, now=clock()):
        return None
    with (
        _release_on_error(ExchangeAccount, pk, token, clock),
        logs.log_context(cycle=token[:12], account=account.name),
    ):
        try:
            client = clients.client_for(account)
        except HostRefused as exc:
            cycle = refuse_account(account=account, why=exc, token=token, clock=clock)
        else:
            cycle = pull_account(account=account, client=client, token=token, clock=clock)
        _log_round(cycle)
    return cycle


def project_round(
    pk: int, *, clock: Clock, force: bool = False, share: Share = scheduling.request_share
) -> Cycle | None:
    """Run one turn over a project and its groups, if it is due and free."""
    token = scheduling.claim_row(Project, pk, now=clock(), force=force)
    return None if token is None else _run_turn(pk, token, clock=clock, share=share)


def run_next_round(
    hinted: int, *, clock: Clock, share: Share = scheduling.request_share
) -> Cycle | None:
    """Run one turn over the most urgent project, which need not be the hinted one.

    If none can be claimed, the hinted one is tried: it may only have been locked for a moment.
    """
    claimed = scheduling.claim_next_project(now=clock())
    if claimed is None:
        return project_round(hinted, clock=clock, share=share)
    return _run_turn(*claimed, clock=clock, share=share)


def _run_turn(pk: int, token: str, *, clock: Clock, share: Share) -> Cycle | None:
    """One turn over a claimed project; None if it was parked, or its address is not allowed."""
    project = _WITH_ACCOUNT.first(pk=pk)
    if project is None or scheduling.park_after_failures(project, now=clock()):
        return None
    context = {"cycle": token[:12], "account": project.account.name, "project": project.exchange_id}
    with _release_on_error(Project, pk, token, clock), logs.log_context(**context):
        try:
            client = clients.client_for(project.account)
        except HostRefused as exc:  # the account's round says so on its pages
            log.warning("%s", exc)
            scheduling.release_row(Project, pk, token, now=clock())
            return None
        cycle = pull_project(
            project=project,
            client=client,
            token=token,
            clock=clock,
            share=share(project.account),
        )
        _log_round(cycle)
    return cycle


def _log_round(cycle: Cycle) -> None:
    """Log one line per round; a warning if something could not be read."""
    took = (cycle.finished_at - cycle.started_at).total_seconds() if cycle.finished_at else None
    level = logging.INFO if cycle.complete else logging.WARNING
    facts = {
        "complete": cycle.complete,
        "requests": cycle.requests,
        "groups_seen": cycle.groups_seen,
        "groups_written": cycle.groups_written,
        "groups_left": cycle.groups_left,
        "quarantined": cycle.quarantined,
        "seconds": took,
    }
    log.log(level, "; ".join(cycle.errors[:3]) or "round completed", extra={"of": facts})


@contextmanager
def _release_on_error(kind: scheduling.Kind, pk: int, token: str, clock: Clock) -> Iterator[None]:
    """Free the lease if an unexpected error ends the work; the error passes through."""
    try:
        yield
    except BaseException:
        scheduling.release_row(kind, pk, token, now=clock())
        raise
