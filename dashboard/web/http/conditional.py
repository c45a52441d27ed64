"""Live refresh: an unchanged page is answered with 304 before anything is rendered.

The mark is made from versions in the tables, the person and the address. Ages are drawn in the
browser, so that they are no part of it; a 304 carries when the numbers were read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from dashboard.fielding.models.querysets.rows import ProjectQuerySet, TargetGroupQuerySet
from dashboard.web.auth.permissions import current_user, read_frame_alone
from dashboard.web.formatting.numbers import iso_moment
from dashboard.web.http import alert_status, streaming

Answer = TypeVar("Answer", bound=HttpResponseBase)


def page_etag(request: HttpRequest, *versions: object) -> str:
    """The ETag of a page for this person, address and state of the tables, with its frame.

    And with the health of the accounts: pages say so.
    """
    now = timezone.now()
    told = (alert_status.stalled_alerts(request, now=now), alert_status.off(request, now=now))
    return mark_of_part(
        request,
        alert_status.bell_counts(request),
        told,
        alert_status.account_health(request),
        *versions,
    )


def mark_of_part(request: HttpRequest, *versions: object) -> str:
    """The same of what has no frame, such as a chart."""
    user = current_user(request)
    seen = (user.pk, user.time_zone, request.get_full_path(), *versions)
    return f'"{hashlib.blake2b(repr(seen).encode(), digest_size=12).hexdigest()}"'


def not_modified(request: HttpRequest, etag: str, read_at: datetime | None) -> HttpResponse | None:
    """A 304 if a refresh already shows this state."""
    if request.headers.get("If-None-Match") != etag or not request.headers.get("HX-Request"):
        return None
    response = HttpResponseNotModified()
    return _stamp(response, etag, read_at)


def not_modified_early(
    request: HttpRequest, rows: ProjectQuerySet | TargetGroupQuerySet
) -> HttpResponse | None:
    """A 304 to a refresh from the least that can be read: whether this one object changed."""
    if "If-None-Match" not in request.headers or "HX-Request" not in request.headers:
        return None
    found: list[Any] = list(rows.visible_to(current_user(request)).version_rows())
    if not found:
        return None
    version, version_token, read_at = found[0]
    read_frame_alone(request)
    return not_modified(request, page_etag(request, version, version_token), read_at)


def render_page(
    request: HttpRequest,
    name: str,
    context: dict[str, object],
    *,
    etag: str,
    read_at: datetime | None,
) -> HttpResponse:
    """The whole page, or only its live part for htmx: `name.html` and `name_live.html`."""
    part = bool(request.headers.get("HX-Request"))
    template = f"{name}_live.html" if part else f"{name}.html"
    context |= {"etag": etag, "read_at": read_at}
    response = render(request, template, context)
    if part:  # the frame's own marks are swapped along with the page's live part
        response.write(render_to_string("partials/frame.html", {"swap": True}, request))
    return _stamp(response, etag, read_at)


def streamed_page(
    request: HttpRequest,
    name: str,
    known: Mapping[str, object],
    rest: Callable[[], dict[str, object]],
    *,
    etag: str,
    read_at: datetime | None,
) -> HttpResponseBase:
    """The same; to a browser that opens the page its head, from what is known, before the rest."""
    if not streaming.can_stream(request):
        return render_page(request, name, {**known, **rest()}, etag=etag, read_at=read_at)
    known = {**known, "etag": etag, "read_at": read_at}
    return _stamp(streaming.stream_page(request, f"{name}.html", known, rest), etag, read_at)


def _stamp(response: Answer, etag: str, read_at: datetime | None) -> Answer:
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    if read_at:
        response["Read-At"] = iso_moment(read_at)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response
