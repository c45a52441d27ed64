"""The head of a page is sent while its body is made, so that the browser reads scripts meanwhile.

Only to a browser that opens the page. Whatever else asks gets it whole, and so does who is to be
told something: a message counts as read by headers, which go before the body.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

log = logging.getLogger(__name__)
Context = Mapping[str, Any]


def can_stream(request: HttpRequest) -> bool:
    """Whether this request is answered in two parts."""
    opens = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
    return opens and not len(get_messages(request))


def stream_page(
    request: HttpRequest, template: str, known: Context, rest: Callable[[], Context]
) -> StreamingHttpResponse:
    """A page whose head is rendered from what is known, its body from the rest as well."""
    get_token(request)  # the cookie of the body's forms goes with the headers, too
    return StreamingHttpResponse(_parts(request, template, known, rest))


def _parts(
    request: HttpRequest, template: str, known: Context, rest: Callable[[], Context]
) -> Iterator[str]:
    """Once the head is out, a fault can no longer change the status: the page says it instead."""
    yield render_to_string(template, {**known, "part": "head"}, request)
    try:
        body = render_to_string(template, {**known, **rest(), "part": "body"}, request)
    except Exception:
        log.exception("a page broke after its head was sent")
        body = render_to_string("errors/broken.html", {"part": "body"})
    yield body
