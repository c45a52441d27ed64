"""One piece of due work from claim to finish; nothing where somebody else has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from dashboard.fielding.models import Cycle, ExchangeAccount, Project
from dashboard.sync import accounts, connect, plan, pull

log = logging.getLogger(__name__)
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
    client = connect.client_for(project.account)
    return pull.pull_project(project=project, client=client, token=token, clock=clock)
