"""Compress pages and chart data with gzip where the browser takes it.

Against guessing secrets from the length of compressed pages (BREACH), Django masks the token of
forms in each response and its middleware varies the length by up to 100 bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from gzip import GzipFile
from io import BytesIO
from typing import cast

from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils.cache import patch_vary_headers

LEVEL = 5
HTML = "text/html"


class CompressPages(GZipMiddleware):
    """Django's middleware, but each part of a streamed page is sent when it is ready."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the response, compressed if that helps; files are sent as they are."""
        if isinstance(response, FileResponse):
            return response
        is_page = response.headers.get("Content-Type", "").startswith(HTML)
        if not is_page or not isinstance(response, StreamingHttpResponse):
            return super().process_response(request, response)
        patch_vary_headers(response, ("Accept-Encoding",))
        if not re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
            return response
        parts = cast("Iterable[bytes]", response.streaming_content)
        response.streaming_content = compress_parts(parts, secrets.randbelow(100))
        response.headers["Content-Encoding"] = "gzip"
        if etag := response.headers.get("ETag", ""):
            response.headers["ETag"] = f"W/{etag.removeprefix('W/')}"
        return response


def compress_parts(parts: Iterable[bytes], padding: int) -> Iterator[bytes]:
    """Return the parts as one gzip file that can be read up to the end of each of them.

    padding: so many bytes more, as a file name, which no browser shows.
    """
    written = BytesIO()
    with GzipFile("a" * padding, "wb", LEVEL, written, mtime=0) as file:
        for part in parts:
            file.write(part)
            file.flush()
            yield _taken(written)
    yield _taken(written)


def _taken(written: BytesIO) -> bytes:
    """Return what was written and empty it."""
    data = written.getvalue()
    written.seek(0)
    written.truncate()
    return data
