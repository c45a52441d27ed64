"""Whose an outside identity is: which person it opens, how it is joined, and how it is removed."""

from __future__ import annotations

import time
from typing import Any

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
    """The identities that open this person's account, the oldest first."""
    rows: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user)
    return rows.order_by("date_joined", "pk")


def known(identity: Identity) -> SocialAccount | None:
    """The identity as it was joined, if it was."""
    rows = SocialAccount.objects.select_related("user")
    return rows.filter(provider=SSO, uid=identity.subject).first()


def same_issuer(row: SocialAccount, identity: Identity) -> bool:
    """Whether both come from one provider; the oldest rows do not say where theirs comes from."""
    told = row.extra_data.get("issuer")
    return told is None or told == identity.issuer


def note_use(row: SocialAccount, identity: Identity) -> None:
    """Keep the address that the provider names today, and that the identity was used."""
    row.extra_data = _kept(identity.issuer, identity.address)
    row.save()


def address_of(row: SocialAccount) -> str:
    """The address that the provider named last; earlier releases kept it in one of three places."""
    kept = row.extra_data
    places = [kept, kept.get("userinfo"), kept.get("id_token")]
    found = [place.get("email") for place in places if isinstance(place, dict)]
    return next((address for address in found if isinstance(address, str)), "")


def by_address(address: str) -> User | None:
    """The person who signs in here under this address."""
    user = User.objects.filter(email__iexact=address, is_active=True).first() if address else None
    return user if user and same_address(user.email, address) else None


def may_join_unasked(user: User) -> bool:
    """Whether a verified address is enough: at a person's first single sign-on, and never again.

    An address can be given to somebody else by its provider, and who removed an identity wants
    no other in its place.
    """
    return user.joins_by_address and not rows_of(user).exists()


def join(user: User, *, issuer: str, subject: str, address: str, unasked: bool) -> bool:
    """Let this identity open the account from now on; False where that is not to be (any more)."""
    try:
        with transaction.atomic():
            locked = User.objects.select_for_update().get(pk=user.pk)
            if unasked and not may_join_unasked(locked):
                return False
            SocialAccount.objects.create(
                user=locked, provider=SSO, uid=subject, extra_data=_kept(issuer, address)
            )
    except IntegrityError:  # somebody joined it at the same moment
        return False
    return True


@transaction.atomic
def remove(user: User, pk: int) -> bool:
    """End an identity of this person; whether it was there. None is joined again unasked."""
    removed, _ = rows_of(user).filter(pk=pk).delete()
    if removed:
        User.objects.filter(pk=user.pk).update(joins_by_address=False)
    return bool(removed)


def missing_proof(request: HttpRequest) -> str | None:
    """The page that asks for what was not given lately: the password, then the second factor.

    Needs a person with a password. What was given to sign in does not count: a session that was
    left open has that, too.
    """
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, current_user(request))
    given = {one["method"] for one in records if one.get("reauthenticated") and one["at"] > since}
    if "password" not in given:
        return "account_reauthenticate"
    if is_mfa_enabled(current_user(request)) and "mfa" not in given:
        return "mfa_reauthenticate"
    return None


def _kept(issuer: str, address: str) -> dict[str, Any]:
    return {"issuer": issuer, "email": address}
