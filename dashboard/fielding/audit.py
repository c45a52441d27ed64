"""Write the audit log; say who acts when nobody is signed in."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.fielding.domain.json import Json
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount, User

HIDDEN = "[hidden]"
MAX_TEXT = 500
MAX_ITEMS = 100
_SECRET = re.compile(r"(?i)secret|password|passwd|token|api_?key|cookie|authorization|^code$")
# Columns of a connection with credentials: a change of one is named, but not shown.
CREDENTIALS = frozenset({"secret", "auth", "token_url", "client_id", "audience"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts, and from where."""

    source: str
    person: User | None = None
    name: str = ""  # who acts, if it is no Fieldwatch user
    address: str = ""
    browser: str = ""


SYSTEM = Origin(AuditEvent.Source.SYSTEM, name="Fieldwatch")


def command_line() -> Origin:
    """Return the user of the machine who runs a command of `manage.py`."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user can be without a name
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
    details: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Add a row, in the transaction of the change it records, so that both are stored or neither.

    subject: the person affected; target: what is affected, as text. Details with the name of a
    secret are hidden, long texts are cut.
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
        details={name: _as_json(name, value) for name, value in (details or {}).items()},
    )


def name_of(user: User) -> str:
    """Return a person's full name and username, as the log stores them."""
    full_name, username = str(user), one_line(user.username)
    return (full_name if full_name == username else f"{full_name} ({username})")[:320]


def _as_json(name: str, value: object) -> Json:
    """Return a detail as JSON, with secrets hidden."""
    if _SECRET.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _as_json(str(key), item) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_json(name, item) for item in list(value)[:MAX_ITEMS]]
    if value is None or isinstance(value, bool | int | float):
        return value
    return one_line(str(value))[:MAX_TEXT]
