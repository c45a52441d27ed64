"""While the database takes no writes: pages are read, and changes are refused with a page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)
PG_READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction


def write_if_possible(write: Callable[[], object]) -> bool:
    """Run a write that a page can do without; return False where the database is read-only."""
    try:
        write()
    except DatabaseError as exc:
        if not is_refused_as_read_only(exc):
            raise
        log.warning("the database is read-only: a visit is not recorded")
        return False
    return True


def is_refused_as_read_only(exc: DatabaseError) -> bool:
    """Whether a statement failed because the database takes no writes now."""
    cause = exc.__cause__
    return getattr(cause, "sqlstate", "") == PG_READ_ONLY or "readonly database" in str(cause)


class RefuseChangesWhileReadOnly:
    """Answer 503 where a request had to write and the database takes no writes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on unchanged."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Return the page of a refused write; other errors go on."""
        if not isinstance(exc, DatabaseError) or not is_refused_as_read_only(exc):
            return None
        log.warning("the database is read-only: a request that writes was refused")
        response = render(request, "errors/read_only.html", status=503)
        response["Retry-After"] = "60"
        return response
