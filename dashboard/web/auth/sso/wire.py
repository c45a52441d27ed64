"""One request to the identity provider, bounded in time and size; its answer is a JSON object."""

from __future__ import annotations

import ssl
import threading
import time
from functools import lru_cache
from typing import Any

import httpx
import msgspec

LARGEST = 1024 * 1024  # bytes


class ProviderAway(Exception):
    """The provider is out of reach, or its answer is of no use; the text is for the log."""


def fetch_object(
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    patience: float,
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object that the provider answers with, `patience` seconds at most.

    Raises `ProviderAway` for everything else. No redirect is followed.
    """
    result: list[tuple[int, bytes] | Exception] = []
    try:
        request = httpx.Request(method, url, data=form, headers=headers)
    except (httpx.InvalidURL, ValueError) as exc:  # what the provider named cannot be sent
        raise ProviderAway(f"{method} cannot be sent: {exc}") from exc

    def ask() -> None:
        try:
            result.append(_ask(request, patience))
        except Exception as exc:
            result.append(exc)

    # A thread, because the client bounds each wait for a byte, and a provider that sends one
    # every few seconds would hold the page for hours.
    thread = threading.Thread(target=ask, name="single sign-on", daemon=True)
    thread.start()
    thread.join(patience)
    where = f"{method} {request.url.copy_with(query=None)}"
    if not result:
        raise ProviderAway(f"no whole answer after {patience:.1f} s from {where}")
    answer = result[0]
    if isinstance(answer, httpx.HTTPError):
        raise ProviderAway(f"{type(answer).__name__} {answer} at {where}") from answer
    if isinstance(answer, Exception):
        raise answer
    status, body = answer
    try:
        return status, msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ProviderAway(f"status {status} and no JSON object from {where}") from exc


def _ask(request: httpx.Request, patience: float) -> tuple[int, bytes]:
    """The status and the whole body."""
    until, body = time.monotonic() + patience, bytearray()
    with httpx.Client(verify=_tls(), timeout=patience) as client:
        response = client.send(request, stream=True)
        try:
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST or time.monotonic() > until:
                    raise httpx.ReadError("too long")
        finally:
            response.close()
    return response.status_code, bytes(body)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the store of authorities takes a tenth of a second."""
    return httpx.create_ssl_context()
