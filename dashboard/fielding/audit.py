"""Writing the audit log: the one function, and who acts where nobody is signed in."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount, User

HIDDEN = "[hidden]"
LONGEST_TEXT = 500
MOST_ITEMS = 100
_SECRET = re.compile(r"(?i)secret|password|passwd|token|api_?key|cookie|authorization|^code$")
# Columns of a connection that hold a credential: a change of one is named, never shown.
CREDENTIALS = frozenset({"secret", "auth", "token_url", "client_id", "audience"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts, and from where."""

    source: str
    person: User | None = None
    name: str = ""  # who acts, where it is no person of ours
    address: str = ""
    browser: str = ""


SYSTEM = Origin(AuditEvent.Source.SYSTEM, name="Fieldwatch")


def command_line() -> Origin:
    """Whoever runs a command of `manage.py`, by the name that the machine knows them by."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        name = "unknown"
    return Origin(AuditEvent.Source.COMMAND, name=f"{name} on the command line")


def record(
    *,
    kind: AuditKind,
    origin: Origin,
    now: datetime,
    account: ExchangeAccount | None = None,
    subject: User | None = None,
    target: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Add a row; in the transaction of what it records, so that neither is without the other.

    `subject`: the person to whom it is done; `target`: what it is done to, in words. Details that
    are named as secrets are hidden, long texts are cut.
    """
    return AuditEvent.objects.create(
        at=now,
        kind=kind.value,
        source=origin.source,
        person_id=origin.person.pk if origin.person else None,
        person_name=name_of(origin.person) if origin.person else one_line(origin.name)[:320],
        address=origin.address[:45],
        browser=one_line(origin.browser)[:300],
        account_id=account.pk if account else None,
        account_name=one_line(account.name)[:100] if account else "",
        subject_id=subject.pk if subject else None,
        subject_name=name_of(subject) if subject else "",
        target=one_line(target)[:300],
        details={name: _fit(name, value) for name, value in (details or {}).items()},
    )


def name_of(user: User) -> str:
    """A person as the log keeps them: what they are called, and their sign-in name."""
    shown = str(user)
    name = one_line(user.username)
    return (shown if shown == name else f"{shown} ({name})")[:320]


def _fit(name: str, value: Any) -> Any:
    """A detail as JSON can hold it and anybody may read it."""
    if _SECRET.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _fit(str(key), item) for key, item in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_fit(name, item) for item in list(value)[:MOST_ITEMS]]
    if value is None or isinstance(value, bool | int | float):
        return value
    return one_line(str(value))[:LONGEST_TEXT]
