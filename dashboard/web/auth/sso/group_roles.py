"""Roles by the groups of the identity provider, as OIDC_ROLES maps them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from dashboard.fielding import people
from dashboard.fielding.models import AuditKind, ExchangeAccount, Membership, User
from dashboard.web.auth import audit
from dashboard.web.auth.sso.claims import Identity

log = logging.getLogger(__name__)
_RANK = {role: rank for rank, role in enumerate(Membership.Role.values)}


def mapped_groups(identity: Identity) -> list[str] | None:
    """Return the person's groups that OIDC_ROLES names; None if groups decide nothing.

    So it is without OIDC_ROLES, or if the provider's list is unusable or too long to be sent.
    """
    if not settings.OIDC_ROLES:
        return None
    if identity.groups is None:
        log.warning(
            "single sign-on: the claim %s lists no groups that can be read; roles stay as they are",
            settings.OIDC_GROUPS_CLAIM,
        )
        return None
    return sorted(identity.groups & {group for group, _, _ in settings.OIDC_ROLES})


def roles_of_groups(groups: Iterable[str]) -> dict[int, str]:
    """Return the highest role on each connection, by its id, that these groups give."""
    accounts = {row.name: row.pk for row in ExchangeAccount.objects.only("pk", "name")}
    roles: dict[int, str] = {}
    held = set(groups)
    for group, role, name in settings.OIDC_ROLES:
        if name and name not in accounts:
            log.warning("OIDC_ROLES names a connection that does not exist: %s", name)
        if group not in held:
            continue
        for pk in [accounts[name]] if name in accounts else [] if name else accounts.values():
            roles[pk] = max(roles.get(pk, role), role, key=lambda each: _RANK[each])
    return roles


def apply_groups(request: HttpRequest, user: User, groups: list[str] | None) -> None:
    """Grant and withdraw roles as these groups say; None changes nothing."""
    if groups is not None:
        people.follow_groups(
            user=user,
            roles=roles_of_groups(groups),
            origin=audit.origin_of(request, user),
            now=timezone.now(),
        )


def create_person(
    request: HttpRequest, identity: Identity, groups: list[str] | None
) -> User | None:
    """Create the user account of somebody whose groups give a role; None without one.

    None, too, if somebody has the address, even with other letters that a database treats as equal.
    """
    taken = User.objects.filter(email__iexact=identity.address).exists()
    if taken or not groups or not roles_of_groups(groups):
        return None
    try:
        with transaction.atomic():
            user = people.create_without_password(email=identity.address, full_name=identity.name)
            audit.record(request, AuditKind.PERSON_ADDED, person=user, subject=user)
    except IntegrityError:  # created by another sign-in of theirs at the same moment
        return User.objects.filter(email=identity.address, is_active=True).first()
    return user
