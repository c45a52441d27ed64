"""ETags: a client that has the present state gets 304 before anything is put into JSON.

They are weak, since the same state can be compressed differently. `read_at` is not part of them, as
on pages: the header Read-At has the time of the oldest numbers, also of a 304. Figures that depend
on the time are given anew at least every quarter of an hour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

import dashboard
from dashboard.fielding.figures.today import quarter_hour
from dashboard.fielding.models import Membership
from dashboard.web.api.access import token_of
from dashboard.web.api.values import ApiModel
from dashboard.web.auth.permissions import current_user
from dashboard.web.formatting.numbers import iso_moment


def etag_of(request: HttpRequest, *versions: object) -> str:
    """Return the ETag of an answer: release, person, scopes, address, and `versions`."""
    user = current_user(request)
    state = (
        dashboard.__version__,
        user.pk,
        user.time_zone,
        sorted(token_of(request).scopes),
        request.get_full_path(),
        *versions,
    )
    return f'W/"{hashlib.blake2b(repr(state).encode(), digest_size=12).hexdigest()}"'


def etag_of_accounts(request: HttpRequest) -> tuple[str, datetime | None]:
    """Return the ETag of what follows from the projects of the person's accounts, and its age.

    One query.
    """
    own = Membership.objects.filter(user=current_user(request)).with_version_token()
    rows: list[Any] = list(own.order_by("pk"))  # Any: Django types no annotations
    states = [(row.account_id, row.stamp) for row in rows]
    read_at = min((row.oldest for row in rows if row.oldest), default=None)
    return etag_of(request, states, quarter_hour(datetime.now(UTC))), read_at


def etag_of_rows(request: HttpRequest, rows: Iterable[object]) -> str:
    """Return the ETag of rows as they were read."""
    return etag_of(request, list(rows))


def not_modified(
    request: HttpRequest, etag: str, read_at: datetime | None = None
) -> HttpResponse | None:
    """Return 304 if the client has this state; else None."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in known and etag.removeprefix("W/") not in {
        tag.removeprefix("W/") for tag in known
    }:
        return None
    return _with_headers(HttpResponseNotModified(), etag, read_at)


def json_answer(model: ApiModel, etag: str, read_at: datetime | None = None) -> HttpResponse:
    """Return an answer as JSON, with its ETag and the time of its oldest numbers."""
    response = HttpResponse(model.model_dump_json(), content_type="application/json")
    return _with_headers(response, etag, read_at)


def _with_headers(response: HttpResponse, etag: str, read_at: datetime | None) -> HttpResponse:
    response["ETag"] = etag
    if read_at:
        response["Read-At"] = iso_moment(read_at)
    return response
