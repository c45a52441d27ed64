"""Examine a connection for its form and its page: does it work, and if not, why."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError, Forbidden, MethodNotAllowed, NotFound
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import check, clients
from dashboard.sync.connections.diagnosis import (
    Diagnosis,
    diagnose_address,
    diagnose_clock,
    diagnose_error,
    diagnose_key,
)

FIRST_SECONDS = 8.0  # for the requests that show whether anything works


@dataclass(frozen=True)
class ConnectionReport:
    """What an examination found: what is wrong with the connection, and a line per check."""

    problems: list[Diagnosis] = field(default_factory=list)
    lines: list[check.CheckLine] = field(default_factory=list)
    is_complete: bool = True  # whether all checks were made in time

    @property
    def works(self) -> bool:
        """Whether Fieldwatch can use the connection."""
        return not self.problems and not any(line.spoils for line in self.lines)


def examine_settings(account: ExchangeAccount, *, seconds: float) -> ConnectionReport:
    """Examine settings that are not stored yet; `seconds`: when the last check may begin."""
    if problem := _problem_before_asking(account):
        return ConnectionReport([problem])
    client = clients.trial_client(account)
    try:
        return examine_client(client, account, seconds=seconds)
    finally:
        client.close()


def examine_connection(account: ExchangeAccount, *, seconds: float) -> ConnectionReport:
    """Examine a stored connection, within its request budget."""
    if problem := _problem_before_asking(account):
        return ConnectionReport([problem])
    return examine_client(clients.client_for(account), account, seconds=seconds)


def examine_client(
    client: ExchangeClient, account: ExchangeAccount, *, seconds: float
) -> ConnectionReport:
    """Ask whether anything works, then make every check; nothing is stored."""
    until = time.monotonic() + seconds
    if problems := find_problems(client, account):
        return ConnectionReport(problems)
    lines: list[check.CheckLine] = []
    for line in check.ConnectionCheck(client, account.exchange_id).lines():
        lines.append(line)
        if time.monotonic() > until:
            return ConnectionReport([], lines, is_complete=False)
    return ConnectionReport([], lines)


def find_problems(client: ExchangeClient, account: ExchangeAccount) -> list[Diagnosis]:
    """Return what keeps every page empty: address, credentials, account, clock."""
    problems = []
    with client.deadline(FIRST_SECONDS):
        if problem := _first_problem(client, account):
            problems.append(problem)
    if clock := diagnose_clock(client.clock_skew):
        problems.append(clock)
    return problems


def _problem_before_asking(account: ExchangeAccount) -> Diagnosis | None:
    addresses = {"base_url": account.base_url}
    if account.auth == ExchangeAccount.Auth.CLIENT_CREDENTIALS:
        addresses["token_url"] = account.token_url
    for name, url in addresses.items():
        if refusal := clients.reason_to_refuse_url(url):
            return diagnose_address(refusal, name)
    return diagnose_key(account.secret)


def _first_problem(client: ExchangeClient, account: ExchangeAccount) -> Diagnosis | None:
    """Ask for the accounts of the credentials, then for the projects of this one."""
    opened: list[str] | None
    try:
        opened = [row.id for row in client.get_user_accounts().items]
    except (Forbidden, NotFound, MethodNotAllowed):
        opened = None  # this list may be refused while the account opens
    except ExchangeError as exc:
        return diagnose_error(exc, account)
    try:
        client.list_account_projects()
    except ExchangeError as exc:
        return diagnose_error(exc, account, opened=opened)
    return None
