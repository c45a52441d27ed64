"""Permissions: each view declares its rule, and finds only objects that the person may see.

An object of somebody else is 404, like one that does not exist. What a role does not allow is not
offered, and answered with 403 if requested anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Membership, User
from dashboard.fielding.queries.page_frame import page_frame_annotations

View = Callable[..., HttpResponseBase]
AnyView = TypeVar("AnyView", bound=View)


# Any: a membership with annotations, or a named row of them; Django types neither.
FrameRow = Any


def _with_frame(rows: QuerySet[Membership]) -> Any:
    return rows.annotate(**page_frame_annotations())


# Saves 1.3 to 2.0 ms of a group's page, as of every other.
_MEMBERSHIPS = CompiledQuery(
    lambda: _with_frame(Membership.objects.filter(user=Param("user"))).select_related("account")
)
# Saves 1.1 to 1.5 ms of a refresh that changes nothing, which takes 5.
_FRAME_ROWS: CompiledQuery[FrameRow] = CompiledQuery(
    lambda: _with_frame(Membership.objects.filter(user=Param("user"))).values_list(
        *page_frame_annotations(), named=True
    )
)


class Permission(StrEnum):
    """Who may request a URL."""

    OPEN = "everybody, signed in or not"
    TOKEN = "who sends a token of a person; a session does not count"  # noqa: S105
    SIGNED_IN = "everybody who is signed in; they see what is theirs"
    CONNECTOR = "administrators of any account, and the first administrator"
    MEMBER = "members of the object's account"
    EDITOR = "editors and administrators of the object's account"
    ADMINISTRATOR = "administrators of the object's account"


WITHOUT_SESSION = (Permission.OPEN, Permission.TOKEN)


def requires(rule: Permission) -> Callable[[AnyView], AnyView]:
    """Declare who may request a view; tests check every URL and method against it."""

    def declare(view: AnyView) -> AnyView:
        view.rule = rule  # type: ignore[attr-defined]
        return login_not_required(view) if rule in WITHOUT_SESSION else view

    return declare


def current_user(request: HttpRequest) -> User:
    """Return the signed-in person; the middleware admits nobody else."""
    return cast("User", request.user)


def memberships_of(request: HttpRequest) -> dict[int, Membership]:
    """Return the person's memberships by account; queried once per request."""
    rows: dict[int, Membership] | None = getattr(request, "_memberships", None)
    if rows is None:
        rows = _keep_on_request(request, _MEMBERSHIPS(user=current_user(request).pk))
    return rows


def read_frame_alone(request: HttpRequest) -> None:
    """Load only what the page frame shows, for a request that probably needs no roles."""
    request._in_frame = _FRAME_ROWS(user=current_user(request).pk)  # type: ignore[attr-defined]


def shown_in_frame(request: HttpRequest) -> list[FrameRow]:
    """Return what the page frame shows, a row per account."""
    alone: list[FrameRow] | None = getattr(request, "_in_frame", None)
    return list(memberships_of(request).values()) if alone is None else alone


def account_version_tokens(request: HttpRequest) -> tuple[list[str], datetime | None]:
    """Return a version token per account, and the time of the oldest numbers.

    Part of the query for memberships.
    """
    own = Membership.objects.filter(user=current_user(request))
    rows = _keep_on_request(request, _with_frame(own).with_version_token()).values()
    ages = [row.oldest for row in rows if row.oldest]  # type: ignore[attr-defined]
    tokens = [f"{row.account_id}:{row.stamp}:{row.account.health}" for row in rows]  # type: ignore[attr-defined]
    return tokens, min(ages, default=None)


def _keep_on_request(request: HttpRequest, rows: Iterable[Membership]) -> dict[int, Membership]:
    by_account = {row.account_id: row for row in rows}
    request._memberships = by_account  # type: ignore[attr-defined]
    return by_account


def exchange_ids(request: HttpRequest) -> dict[int, str]:
    """Return the person's exchange user id by account; empty if not linked."""
    return {pk: row.exchange_user_id for pk, row in memberships_of(request).items()}


def may_edit(request: HttpRequest, account_id: int) -> bool:
    """Whether the person may change fieldwork on this account."""
    membership = memberships_of(request).get(account_id)
    return membership is not None and membership.may_edit


def require_editor(request: HttpRequest, account_id: int) -> None:
    """Raise 403 for a viewer."""
    if not may_edit(request, account_id):
        raise PermissionDenied("Only editors and administrators may change this.")


def administered_accounts(request: HttpRequest) -> list[int]:
    """Return the accounts that the person administers."""
    return [pk for pk, row in memberships_of(request).items() if row.may_administer]


def may_add_connections(request: HttpRequest) -> bool:
    """Whether the person may add a connection; the people of the demo may not."""
    rows = memberships_of(request).values()
    administers = any(row.may_administer and not row.account.is_demo for row in rows)
    return administers or current_user(request).may_add_connections


def require_connector(request: HttpRequest) -> None:
    """Raise 403 for somebody who may not add connections."""
    if not may_add_connections(request):
        raise PermissionDenied("Only administrators may add connections.")


def require_administrator(request: HttpRequest, account_id: int) -> None:
    """Raise 404 for a non-member, 403 for a member who is not an administrator."""
    membership = memberships_of(request).get(account_id)
    if membership is None:
        raise Http404
    if not membership.may_administer:
        raise PermissionDenied("Only administrators of the account may see this.")
