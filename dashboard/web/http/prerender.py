"""Pages are rendered once before the web server forks, so that its processes share what that makes.

Templates, patterns and what the interpreter notes on code that runs come with the first pages. Made
before the fork they are in memory once, and the first visitor waits for none of them.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections, transaction
from django.http import HttpRequest
from django.urls import get_resolver, resolve, reverse
from django_htmx.middleware import HtmxDetails

from dashboard.fielding.models import Membership, TargetGroup, User

LISTS = ("home", "projects", "groups", "activity", "spend")
log = logging.getLogger(__name__)


def prerender_pages() -> None:
    """Render the pages that are opened most; nothing that this writes is kept.

    Without a database, tables or people there is nothing to render, and the server starts all the
    same.
    """
    _loaded = get_resolver().url_patterns  # every page's code, whoever is there to see it
    try:
        with transaction.atomic():
            for asked in _paths():
                _render(asked)
            transaction.set_rollback(True)
    except Exception as exc:  # whatever a page does, the server must start
        log.warning("pages were not rendered before the start: %s", exc)
    finally:
        connections.close_all()
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()


def _paths() -> Iterator[tuple[str, User]]:
    """The lists, and a group with its chart, as a person who may see them."""
    member = Membership.objects.select_related("user").filter(user__is_active=True).first()
    if member is None:
        return
    for name in LISTS:
        yield reverse(name), member.user
    group = TargetGroup.objects.filter(account_id=member.account_id).first()
    if group:
        yield reverse("project", args=[group.project_id]), member.user
        yield reverse("group", args=[group.pk]), member.user
        yield reverse("chart", args=[group.pk]), member.user


def _render(asked: tuple[str, User]) -> None:
    path, user = asked
    of: Any = {"REQUEST_METHOD": "GET", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request: HttpRequest = WSGIRequest(of | {"PATH_INFO": path, "wsgi.input": BytesIO()})
    request.user, request.session = user, SessionBase()
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    match = resolve(path)
    request.resolver_match = match
    match.func(request, *match.args, **match.kwargs)
