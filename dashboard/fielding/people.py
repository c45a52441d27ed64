"""Change permissions: roles, leavers, lost second factors. One administrator always remains.

Each function is one transaction. It first locks the connections concerned in the order of their
ids, so that two administrators who demote each other at the same time are serialised: the second
finds that nobody would be left. On SQLite transactions are serialised anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dashboard.fielding import audit, erasure
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import (
    AccessToken,
    AuditKind,
    ExchangeAccount,
    Mail,
    Membership,
    Notice,
    User,
)
from dashboard.fielding.models.alerts import ACCOUNT_CLOSED

ROLE = Membership.Role


class PersonRefused(Exception):
    """The change is not allowed for this person; the message is for the user."""


class LastAdministrator(PersonRefused):
    """The change would leave a connection without an administrator who can sign in."""

    def __init__(self, account: ExchangeAccount) -> None:
        super().__init__(
            f"This is the last administrator of {account.name}. Make someone else an administrator "
            "first."
        )


class NotTheirs(PersonRefused):
    """The administrator lacks one of the person's connections, or is the person."""


def set_role(
    *,
    user: User,
    account: ExchangeAccount,
    role: str,
    origin: Origin,
    now: datetime,
    exchange_user_id: str | None = None,
) -> Membership:
    """Set a person's role on a connection; LastAdministrator if it would have none left.

    From then on the groups of the identity provider no longer decide it.
    """
    with transaction.atomic():
        _lock([account.pk])
        known = Membership.objects.filter(user=user, account=account).first()
        if known and role != ROLE.ADMINISTRATOR:
            _keep_an_administrator(known)
        columns: dict[str, object] = {"role": role, "by_groups": False}
        if exchange_user_id is not None:
            columns["exchange_user_id"] = exchange_user_id
        membership, _ = Membership.objects.update_or_create(
            user=user, account=account, defaults=columns
        )
        audit.record(
            kind=AuditKind.ROLE_CHANGED,
            origin=origin,
            now=now,
            account=account,
            subject=user,
            details={"from": known.role if known else None, "to": role},
        )
    return membership


def follow_groups(*, user: User, roles: Mapping[int, str], origin: Origin, now: datetime) -> None:
    """Grant and withdraw roles as the identity provider's groups say.

    roles: by id of the connection. A role that somebody set by hand stays, and so does that of a
    connection's last administrator, with a row in the audit log.
    """
    with transaction.atomic():
        followed = set(user.memberships.filter(by_groups=True).values_list("account_id", flat=True))
        _lock(followed | set(roles))
        accounts = ExchangeAccount.objects.filter(pk__in=followed | set(roles)).order_by("pk")
        current = {
            row.account_id: row for row in user.memberships.select_related("account", "user")
        }
        for account in accounts:
            known, role = current.get(account.pk), roles.get(account.pk)
            if known is None and role:
                Membership.objects.create(user=user, account=account, role=role, by_groups=True)
                changed = _role_details(None, role)
                _record(AuditKind.ROLE_CHANGED, user, origin, now, account=account, **changed)
            elif known and known.by_groups and known.role != role:
                _follow_group(known, role, origin, now)


def _follow_group(known: Membership, role: str | None, origin: Origin, now: datetime) -> None:
    """Change or remove a membership that groups decide, unless nobody would be left."""
    user, account, changed = known.user, known.account, _role_details(known.role, role)
    try:
        _keep_an_administrator(known)
    except LastAdministrator:
        _record(AuditKind.ROLE_KEPT, user, origin, now, account=account, **changed)
        return
    if role:
        known.role = role
        known.save(update_fields=["role"])
    else:
        known.delete()
    kind = AuditKind.ROLE_CHANGED if role else AuditKind.MEMBER_REMOVED
    _record(kind, user, origin, now, account=account, **changed)


def _role_details(before: str | None, after: str | None) -> dict[str, object]:
    return {"from": before, "to": after, "by": "groups of single sign-on"}


def let_groups_decide(*, membership: Membership, origin: Origin, now: datetime) -> None:
    """Let the provider's groups decide this role from the person's next single sign-on on."""
    with transaction.atomic():
        if Membership.objects.filter(pk=membership.pk, by_groups=False).update(by_groups=True):
            _record(
                AuditKind.ROLE_SOURCE_CHANGED,
                membership.user,
                origin,
                now,
                account=membership.account,
            )


def create_without_password(*, email: str, full_name: str) -> User:
    """Create a person who has no password; the username is the address, numbered if taken."""
    first, _, last = full_name.strip().partition(" ")
    user = User(username=_free_name(email), email=email, first_name=first, last_name=last)
    user.set_unusable_password()
    user.save()
    return user


def _free_name(email: str) -> str:
    """Return the address as a username, with a number if the name is taken."""
    name, number = email[:150], 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{email[:140]} {number}"
    return name


def remove_member(*, membership: Membership, origin: Origin, now: datetime) -> None:
    """Remove a person from a connection; LastAdministrator if it would have none left."""
    with transaction.atomic():
        _lock([membership.account_id])
        current = Membership.objects.select_related("user", "account").filter(pk=membership.pk)
        row = current.first()
        if row is None:
            return
        _keep_an_administrator(row)
        row.delete()
        audit.record(
            kind=AuditKind.MEMBER_REMOVED,
            origin=origin,
            now=now,
            account=row.account,
            subject=row.user,
            details={"from": row.role},
        )


def require_full_administrator(*, by: User, user: User) -> None:
    """Raise NotTheirs unless `by` administers all the person's connections and is another."""
    if by.pk == user.pk:
        raise NotTheirs("This is your own user account: another administrator has to do it.")
    administered = Membership.objects.filter(
        user=by, account=OuterRef("account"), role=ROLE.ADMINISTRATOR, user__is_active=True
    )
    memberships = Membership.objects.filter(user=user)
    if not memberships.exists() or memberships.exclude(Exists(administered)).exists():
        raise NotTheirs(
            f"{user} also has access to a connection that you do not administer, so you cannot do "
            "this. You can remove them from your connection."
        )


def reset_factor(*, user: User, origin: Origin, now: datetime) -> bool:
    """Reset two-factor authentication and end the person's sessions; False if it was not set up."""
    with transaction.atomic():
        user = _lock_person(user, origin)
        if user.closed_at:
            raise PersonRefused("This user account is closed. Reopen it first.")
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if not removed:
            return False
        sessions = end_sessions(user)
        _record(AuditKind.FACTOR_RESET, user, origin, now, sessions=sessions)
    return True


def sign_out(*, user: User, origin: Origin, now: datetime) -> bool:
    """End the person's sessions on every device, and half a sign-in; False if there were none.

    The row in the audit log is what ends half a sign-in, so it is written in any case.
    """
    with transaction.atomic():
        user = _lock_person(user, origin)
        sessions = end_sessions(user)
        _record(AuditKind.SESSIONS_ENDED, user, origin, now, sessions=sessions)
    return sessions > 0


def close(*, user: User, origin: Origin, now: datetime) -> bool:
    """Close the user account of a leaver; False if it was closed already.

    Sessions, single sign-on identities, tokens, links in mails and mail end immediately. The
    password and all reset links become invalid. Roles stay in case the user account is reopened.
    """
    with transaction.atomic():
        user = _lock_person(user, origin)
        if user.closed_at:
            return False
        if not user.is_active:
            raise PersonRefused("This address only receives email; nobody can sign in with it.")
        for membership in user.memberships.select_related("account"):
            _keep_an_administrator(membership)
        sessions = _end_everything(user, now)
        user.is_active, user.closed_at = False, now
        user.set_unusable_password()
        user.save(update_fields=["is_active", "closed_at", "password"])
        _record(AuditKind.PERSON_CLOSED, user, origin, now, sessions=sessions)
    return True


def reopen(*, user: User, origin: Origin, now: datetime) -> bool:
    """Reopen a closed user account; False if it is open.

    It has no password: an invitation lets the person set one. Two-factor authentication is kept.
    """
    with transaction.atomic():
        user = _lock_person(user, origin)
        if user.deleted_at:
            raise PersonRefused("This person has been deleted.")
        if not user.closed_at:
            return False
        user.is_active, user.closed_at = True, None
        user.save(update_fields=["is_active", "closed_at"])
        _record(AuditKind.PERSON_REOPENED, user, origin, now)
    return True


def delete(*, user: User, origin: Origin, now: datetime) -> None:
    """Delete a person's name, address and everything that is theirs; keep an anonymous row.

    Their edits, notes, incidents and rules refer to that row; the audit log keeps the name. What
    the exchange says about its own users stays.
    """
    with transaction.atomic():
        user = _lock_person(user, origin)
        if user.deleted_at:
            raise PersonRefused("This person has been deleted.")
        memberships = list(user.memberships.select_related("account"))
        for membership in memberships:
            _keep_an_administrator(membership)
        _end_everything(user, now)
        for membership in memberships:  # one row for the log of each connection
            _record(AuditKind.PERSON_DELETED, user, origin, now, account=membership.account)
        if not memberships:
            _record(AuditKind.PERSON_DELETED, user, origin, now)
        erasure.delete_own_rows(user)
        name = str(user)
        _anonymise(user, now)
        erasure.replace_name(name, new=str(user))


def end_sessions(user: User) -> int:
    """End every session of a person; return how many there were."""
    rows = list(UserSession.objects.filter(user=user))
    for row in rows:
        row.end()
    return len(rows)


def _end_everything(user: User, now: datetime) -> int:
    """End sessions, identities and tokens, give up waiting mail; return the number of ended
    sessions.
    """
    AccessToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    SocialAccount.objects.filter(user=user).delete()
    to_them = Q(recipient=user) | Q(channel__owner=user)
    waiting = Mail.objects.filter(to_them, state=Mail.State.WAITING)
    waiting.update(state=Mail.State.DEAD, error=ACCOUNT_CLOSED, sealed="", leased_until=None)
    unsent = Notice.objects.filter(to_them, mail__isnull=True, skipped="")
    unsent.update(skipped="account closed")
    return end_sessions(user)


def _anonymise(user: User, now: datetime) -> None:
    """Remove personal data from the row of a person; rows that refer to it stay."""
    user.username, user.email = f"deleted-{user.pk}", f"deleted-{user.pk}@deleted.invalid"
    user.first_name, user.last_name = "Deleted person", str(user.pk)
    user.is_active, user.is_staff, user.is_superuser = False, False, False
    user.closed_at, user.deleted_at = user.closed_at or now, now
    user.time_zone, user.theme, user.email_refused = "UTC", User.Theme.AUTO, ""
    user.last_login = user.seen_at = user.last_visit_at = None
    user.set_unusable_password()
    user.save()


def _lock(account_ids: Iterable[int]) -> None:
    """Serialise changes of roles on these connections."""
    rows = ExchangeAccount.objects.select_for_update(no_key=True).filter(pk__in=account_ids)
    list(rows.order_by("pk").values_list("pk", flat=True))


def _lock_person(user: User, origin: Origin) -> User:
    """Return the person's present row, locked together with all their connections.

    NotTheirs if the acting person does not administer all of them.
    """
    known = set(user.memberships.values_list("account_id", flat=True))
    _lock(known)
    row: User = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if set(row.memberships.values_list("account_id", flat=True)) - known:
        raise PersonRefused("This person was just added to a connection. Please try again.")
    if origin.person:
        require_full_administrator(by=origin.person, user=row)
    return row


def _keep_an_administrator(leaving: Membership) -> None:
    """Raise LastAdministrator if no other administrator of the connection can sign in."""
    if not leaving.may_administer or not leaving.user.is_active:
        return
    if not administrators_of(leaving.account_id).exclude(pk=leaving.pk).exists():
        raise LastAdministrator(leaving.account)


def administrators_of(account_id: int) -> QuerySet[Membership]:
    """Return the administrators of a connection who can sign in."""
    return Membership.objects.filter(
        account_id=account_id, role=ROLE.ADMINISTRATOR, user__is_active=True
    )


def _record(
    kind: AuditKind,
    user: User,
    origin: Origin,
    now: datetime,
    *,
    account: ExchangeAccount | None = None,
    **details: object,
) -> None:
    audit.record(kind=kind, origin=origin, now=now, account=account, subject=user, details=details)
