"""Render pages once before the web server forks, so that its processes share the memory.

Templates, URL patterns and the interpreter's caches are created with the first pages. Created
before the fork they exist once, and the first visitor does not wait for them.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

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
    """Render the most visited pages and roll back what that writes.

    Without a database, tables or people nothing is rendered, and the server starts anyway.
    """
    _loaded = get_resolver().url_patterns  # loads the code of every page
    try:
        with transaction.atomic():
            for page in _pages_to_render():
                _render(page)
            transaction.set_rollback(True)
    except Exception as exc:  # the server must start whatever a page does
        log.warning("pages were not rendered before the start: %s", exc)
    finally:
        connections.close_all()
    gc.collect()
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()


def _pages_to_render() -> Iterator[tuple[str, User]]:
    """Return the lists, a project and a group with its chart, with a person who may see them."""
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


def _render(page: tuple[str, User]) -> None:
    path, user = page
    environ: dict[str, object] = {
        "REQUEST_METHOD": "GET",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
    }
    request: HttpRequest = WSGIRequest(environ | {"PATH_INFO": path, "wsgi.input": BytesIO()})
    request.user, request.session = user, SessionBase()
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    match = resolve(path)
    request.resolver_match = match
    match.func(request, *match.args, **match.kwargs)
