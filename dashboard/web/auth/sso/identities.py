"""Identities of the provider: whose they are, and how they are linked and removed."""

from __future__ import annotations

import time

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from dashboard.fielding.models import User
from dashboard.web.auth.permissions import current_user
from dashboard.web.auth.sso.claims import Identity, same_address

SSO = "sso"  # the one provider, as tables and addresses call it


def rows_of(user: User) -> QuerySet[SocialAccount]:
    """Return the identities linked to this person, oldest first."""
    rows: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user)
    return rows.order_by("date_joined", "pk")


def find_identity(identity: Identity) -> SocialAccount | None:
    """Return the linked identity, or None."""
    rows = SocialAccount.objects.select_related("user")
    return rows.filter(provider=SSO, uid=identity.subject).first()


def same_issuer(row: SocialAccount, identity: Identity) -> bool:
    """Whether both have the same issuer; the oldest rows do not record one."""
    issuer = row.extra_data.get("issuer")
    return issuer is None or issuer == identity.issuer


def record_use(row: SocialAccount, identity: Identity) -> None:
    """Record the address that the provider names today, and that the identity was used."""
    row.extra_data = _stored_identity(identity.issuer, identity.address)
    row.save()


def address_of(row: SocialAccount) -> str:
    """Return the last address from the provider; earlier releases stored it in three places."""
    stored = row.extra_data
    places = [stored, stored.get("userinfo"), stored.get("id_token")]
    addresses = [place.get("email") for place in places if isinstance(place, dict)]
    return next((address for address in addresses if isinstance(address, str)), "")


def find_person(address: str) -> User | None:
    """Return the active person with this address, or None."""
    user = User.objects.filter(email__iexact=address, is_active=True).first() if address else None
    return user if user and same_address(user.email, address) else None


def may_link_unasked(user: User) -> bool:
    """Whether a verified address is enough to link: only at a person's first single sign-on.

    A provider can reassign an address, and a person who removed an identity wants no other.
    """
    return user.joins_by_address and not rows_of(user).exists()


def link_identity(user: User, *, issuer: str, subject: str, address: str, unasked: bool) -> bool:
    """Link this identity to the account; return False if that is no longer allowed."""
    try:
        with transaction.atomic():
            locked = User.objects.select_for_update().get(pk=user.pk)
            if unasked and not may_link_unasked(locked):
                return False
            SocialAccount.objects.create(
                user=locked, provider=SSO, uid=subject, extra_data=_stored_identity(issuer, address)
            )
    except IntegrityError:  # it was linked at the same moment
        return False
    return True


@transaction.atomic
def remove_identity(user: User, pk: int) -> bool:
    """Remove an identity and stop linking by address; return whether it existed."""
    removed, _ = rows_of(user).filter(pk=pk).delete()
    if removed:
        User.objects.filter(pk=user.pk).update(joins_by_address=False)
    return bool(removed)


def missing_proof(request: HttpRequest) -> str | None:
    """Return the page that asks for the missing proof: the password, then the second factor.

    Needs a person with a password. The sign-in itself does not count, since an abandoned session
    has that, too.
    """
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, current_user(request))
    methods = {
        record["method"]
        for record in records
        if record.get("reauthenticated") and record["at"] > since
    }
    if "password" not in methods:
        return "account_reauthenticate"
    if is_mfa_enabled(current_user(request)) and "mfa" not in methods:
        return "mfa_reauthenticate"
    return None


def _stored_identity(issuer: str, address: str) -> dict[str, str]:
    return {"issuer": issuer, "email": address}
