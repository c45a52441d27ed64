"""Pages of lists by cursor: stable while rows are added, and bound to who asked for what.

A list is in the order of its keys, so a cursor is the last key of a page. It is signed, together
with the person and the filters, so that it opens nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from dashboard.web.api.problems import refuse_parameter
from dashboard.web.auth.permissions import current_user

Row = TypeVar("Row", bound=Model)
_SIGNER = Signer(salt="dashboard.web.api.cursor")


def rows_after(
    request: HttpRequest,
    rows: QuerySet[Row],
    cursor: str | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> tuple[list[Row], str | None]:
    """Return the rows of a page, and the cursor of the next one; None on the last.

    ApiRefused for a cursor that is not of this list.
    """
    if cursor:
        key = _read_cursor(request, cursor)
        rows = rows.filter(pk__lt=key) if newest_first else rows.filter(pk__gt=key)
    ordered = rows.order_by("-pk" if newest_first else "pk")
    page = list(ordered[: limit + 1])
    return page[:limit], _next_cursor(request, page, limit)


def _next_cursor(request: HttpRequest, page: Sequence[Model], limit: int) -> str | None:
    """Return the cursor behind a page that was read with one row more than its limit."""
    if len(page) <= limit:
        return None
    return _SIGNER.sign_object([_list_of(request), page[limit - 1].pk])


def _read_cursor(request: HttpRequest, cursor: str) -> int:
    """Return the last key of the page before."""
    try:
        of_list, key = _SIGNER.unsign_object(cursor)
    except (BadSignature, ValueError, TypeError):
        of_list, key = None, 0
    if of_list != _list_of(request):
        raise refuse_parameter(
            "cursor",
            "It is not a cursor of this list with these filters. Begin without one.",
            status=409,
        )
    return int(key)


def _list_of(request: HttpRequest) -> list[object]:
    """Return what a cursor is bound to: the person, the list and its filters."""
    filters = sorted(
        [name, value] for name, value in request.GET.items() if name not in ("cursor", "limit")
    )
    return [current_user(request).pk, request.path, filters]
