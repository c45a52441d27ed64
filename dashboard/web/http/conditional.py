"""Live refresh: an unchanged page is answered with 304 before anything is rendered.

The ETag covers table versions, the person and the URL. The browser computes ages, so they are not
part of it; a 304 carries the time when the numbers were read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from dashboard.fielding.models.querysets.rows import ProjectQuerySet, TargetGroupQuerySet
from dashboard.sync import scheduling
from dashboard.web.auth.permissions import current_user, read_frame_alone
from dashboard.web.formatting.numbers import iso_moment
from dashboard.web.http import alert_status, streaming

Answer = TypeVar("Answer", bound=HttpResponseBase)


def page_etag(request: HttpRequest, *versions: object) -> str:
    """Return the ETag of a page: person, URL, `versions`, the page frame and account health."""
    now = timezone.now()
    alert_state = (
        alert_status.stalled_alerts(request, now=now),
        alert_status.downtime_notice(request, now=now),
    )
    return partial_etag(
        request,
        alert_status.bell_counts(request),
        alert_state,
        alert_status.account_health(request),
        *versions,
    )


def late_work(
    due_at: datetime | None, urgency: int, check_due_at: datetime | None
) -> tuple[bool, bool]:
    """Return whether a refresh that the page asked for is late, and a check of its edits."""
    now = timezone.now()
    return (
        scheduling.is_refresh_overdue(due_at, urgency, now=now),
        scheduling.is_overdue(check_due_at, now=now),
    )


def partial_etag(request: HttpRequest, *versions: object) -> str:
    """Return the ETag of a response without page frame, such as a chart."""
    user = current_user(request)
    state = (user.pk, user.time_zone, request.get_full_path(), *versions)
    return f'"{hashlib.blake2b(repr(state).encode(), digest_size=12).hexdigest()}"'


def not_modified(request: HttpRequest, etag: str, read_at: datetime | None) -> HttpResponse | None:
    """Return 304 if a refresh already shows this state; else None."""
    known = request.headers.get("If-None-Match", "").removeprefix("W/")  # a compressed page is weak
    if known != etag or not request.headers.get("HX-Request"):
        return None
    response = HttpResponseNotModified()
    return _add_headers(response, etag, read_at)


def not_modified_early(
    request: HttpRequest, rows: ProjectQuerySet | TargetGroupQuerySet
) -> HttpResponse | None:
    """Return 304 to a refresh if this object has not changed, from one small query; else None."""
    if "If-None-Match" not in request.headers or "HX-Request" not in request.headers:
        return None
    mark = next(iter(rows.visible_to(current_user(request)).version_rows()), None)
    if mark is None:
        return None
    version, version_token, read_at, due_at, urgency, check_due_at = mark
    read_frame_alone(request)
    late = late_work(due_at, urgency, check_due_at)
    return not_modified(request, page_etag(request, version, version_token, *late), read_at)


def render_page(
    request: HttpRequest,
    name: str,
    context: dict[str, object],
    *,
    etag: str,
    read_at: datetime | None,
) -> HttpResponse:
    """Render the whole page `name.html`, or its live part `name_live.html` for htmx."""
    is_partial = bool(request.headers.get("HX-Request"))
    template = f"{name}_live.html" if is_partial else f"{name}.html"
    context |= {"etag": etag, "read_at": read_at}
    response = render(request, template, context)
    if is_partial:  # the alert status of the frame is swapped together with the live part
        response.write(render_to_string("partials/frame.html", {"swap": True}, request))
    return _add_headers(response, etag, read_at)


def streamed_page(
    request: HttpRequest,
    name: str,
    head: Mapping[str, object],
    rest: Callable[[], dict[str, object]],
    *,
    etag: str,
    read_at: datetime | None,
) -> HttpResponseBase:
    """Render a page; a browser that opens it gets its head before the rest is computed."""
    if not streaming.can_stream(request):
        return render_page(request, name, {**head, **rest()}, etag=etag, read_at=read_at)
    head = {**head, "etag": etag, "read_at": read_at}
    return _add_headers(streaming.stream_page(request, f"{name}.html", head, rest), etag, read_at)


def _add_headers(response: Answer, etag: str, read_at: datetime | None) -> Answer:
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    if read_at:
        response["Read-At"] = iso_moment(read_at)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response
