"""One piece of due work from claim to finish; nothing where somebody else has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db.models.query import QuerySet

from dashboard.fielding.models import Cycle, ExchangeAccount, Project
from dashboard.sync import accounts, connect, plan, pull

Clock = Callable[[], datetime]


def account_round(pk: int, *, clock: Clock, force: bool = False) -> Cycle | None:
    """Read an account's own lists, if it is due and free."""
    rows = ExchangeAccount.objects.all()
    token = plan.claim(rows, pk, now=clock(), force=force)
    if token is None:
        return None
    account = rows.get(pk=pk)
    if plan.set_aside(rows, account, now=clock()):
        return None
    with _giving_back(rows, pk, token, clock):
        client = connect.client_for(account)
        return accounts.pull_account(account=account, client=client, token=token, clock=clock)


def project_round(pk: int, *, clock: Clock, force: bool = False) -> Cycle | None:
    """Read a project and its groups, if it is due and free."""
    rows = Project.objects.all()
    token = plan.claim(rows, pk, now=clock(), force=force)
    if token is None:
        return None
    project = rows.select_related("account").get(pk=pk)
    if plan.set_aside(rows, project, now=clock()):
        return None
    with _giving_back(rows, pk, token, clock):
        client = connect.client_for(project.account)
        return pull.pull_project(project=project, client=client, token=token, clock=clock)


@contextmanager
def _giving_back(rows: QuerySet[Any], pk: int, token: str, clock: Clock) -> Iterator[None]:
    """Free the lease where a bug ends the work; the bug itself is for all to see."""
    try:
        yield
    except BaseException:
        plan.release(rows, pk, token, now=clock())
        raise
