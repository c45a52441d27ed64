"""Send the head of a page and its menu while the rest is made, so that the browser can begin.

It loads the scripts, shows the menu, and draws the chart whose figure is in the head.

Only for a browser that opens the page. Other requests get it whole, and so does a person with
pending messages: a cookie marks them as read, and headers are sent before the body.

What it gains is measured in docs/scale.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from django.contrib.messages import get_messages
from django.http import HttpRequest, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

log = logging.getLogger(__name__)
Context = Mapping[str, object]


def can_stream(request: HttpRequest) -> bool:
    """Whether the response to this request can be sent in two parts."""
    is_page_load = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
    return is_page_load and not len(get_messages(request))


def stream_page(
    request: HttpRequest, template: str, head: Context, rest: Callable[[], Context]
) -> StreamingHttpResponse:
    """Return a page whose head and menu are rendered from `head`, the rest also from `rest()`."""
    get_token(request)  # the cookie of the forms must be sent with the headers
    return StreamingHttpResponse(_render_parts(request, template, head, rest))


def _render_parts(
    request: HttpRequest, template: str, head: Context, rest: Callable[[], Context]
) -> Iterator[str]:
    """Render both parts; an error in the second can no longer change the status."""
    yield render_to_string(template, {**head, "part": "head"}, request)
    try:
        body = render_to_string(template, {**head, **rest(), "part": "body"}, request)
    except Exception:
        log.exception("a page broke after its head was sent")
        body = render_to_string("errors/broken.html", {"part": "body"})
    yield body
