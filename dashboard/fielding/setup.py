"""The first administrator of an installation, who proves with a one-time code to be its operator.

Whoever reads the terminal of `manage.py run` or `manage.py setup` has the code. It works once, and
no longer once somebody administers a connection of their own. The demo of `manage.py run`, whose
passwords are public, does not count, and is left behind by its first real administrator.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from dashboard.fielding import audit, people
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import AuditKind, ExchangeAccount, Membership, SetupCode, User

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that are easily confused
_GROUPS, _GROUP_LENGTH = 7, 4  # 140 bits


class SetupRefused(Exception):
    """The first administrator cannot be made; the message is for the person."""


def is_setup_open() -> bool:
    """Whether nobody administers this installation yet and a code waits to be used."""
    return SetupCode.objects.filter(used_at=None).exists() and not has_administrator()


def has_administrator() -> bool:
    """Whether somebody who can sign in administers a connection of their own, or may add one."""
    owners = Membership.objects.filter(
        role=Membership.Role.ADMINISTRATOR, user__is_active=True, account__is_demo=False
    )
    founders = User.objects.filter(may_add_connections=True, is_active=True)
    return owners.exists() or founders.exists()


def create_setup_code(*, now: datetime) -> str:
    """Return a new code, such as `7KQF-M2ZD-94HX-RT3B-…`, and store its hash; earlier ones end.

    Raises SetupRefused if there is an administrator.
    """
    if has_administrator():
        raise SetupRefused("Fieldwatch has an administrator, who can add connections and people.")
    code = "-".join(
        "".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
    )
    with transaction.atomic():
        SetupCode.objects.all().delete()
        SetupCode.objects.create(code_hash=_hash_code(code), created_at=now)
    return code


def is_setup_code(typed: str) -> bool:
    """Whether this is the present code; takes as long for a wrong one as for the right one."""
    stored = SetupCode.objects.filter(used_at=None).values_list("code_hash", flat=True).first()
    return hmac.compare_digest(_hash_code(typed), stored or "") and stored is not None


def create_first_administrator(*, user: User, code: str, origin: Origin, now: datetime) -> User:
    """Store the first administrator, use up the code, and delete the people of the demo.

    They administer the connections that commands have added so far.

    `user`: not stored yet, with its password. Raises SetupRefused.
    """
    with transaction.atomic():
        codes = SetupCode.objects.filter(used_at=None, code_hash=_hash_code(code))
        if not codes.update(used_at=now) or has_administrator():
            raise SetupRefused("This code no longer works: Fieldwatch has been set up already.")
        user.may_add_connections = True
        user.save()
        by = Origin(origin.source, user, address=origin.address, browser=origin.browser)
        audit.record(
            kind=AuditKind.PERSON_ADDED,
            origin=by,
            now=now,
            subject=user,
            details={"first administrator": True},
        )
        for account in ExchangeAccount.objects.filter(is_demo=False, removed_at=None):
            role = Membership.Role.ADMINISTRATOR
            people.set_role(user=user, account=account, role=role, origin=by, now=now)
        _delete_demo_people()
    return user


def _delete_demo_people() -> None:
    """Delete the people of the demo, whose passwords are public, with their sessions."""
    elsewhere = Membership.objects.filter(user=OuterRef("pk"), account__is_demo=False)
    demo = Membership.objects.filter(user=OuterRef("pk"), account__is_demo=True)
    for user in User.objects.filter(Exists(demo), ~Exists(elsewhere)):
        people.end_sessions(user)
        user.delete()


def demo_accounts() -> list[ExchangeAccount]:
    """The connections of the demo that were not removed yet."""
    return list(ExchangeAccount.objects.filter(is_demo=True, removed_at=None))


def _hash_code(code: str) -> str:
    """The SHA-256 of a code, however it was typed: in any case, with or without its hyphens."""
    return hashlib.sha256(re.sub(r"[^A-Z0-9]", "", code.upper()).encode()).hexdigest()
