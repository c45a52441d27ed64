"""One request to the identity provider, or another service of sign-in, bounded in time and size."""

from __future__ import annotations

import threading
import time

import httpx
import msgspec

from dashboard.alerts.certificates import describe_certificate_error
from dashboard.network.tls import shared_tls

LARGEST = 1024 * 1024  # bytes


class ProviderAway(Exception):
    """The provider is unreachable, or its answer is unusable; the text is for the log."""


def fetch_object(
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    patience: float,
) -> tuple[int, dict[str, object]]:
    """Return status and JSON object of the provider's answer, within `patience` seconds.

    Raises `ProviderAway` for anything else. Redirects are not followed.
    """
    status, body = fetch_bytes(method, url, form=form, headers=headers, patience=patience)
    try:
        return status, msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        target = f"{method} {url.partition('?')[0]}"
        raise ProviderAway(f"status {status} and no JSON object from {target}") from exc


def fetch_bytes(
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    patience: float,
) -> tuple[int, bytes]:
    """Return status and body of an answer, within `patience` seconds; else `ProviderAway`."""
    result: list[tuple[int, bytes] | Exception] = []
    try:
        request = httpx.Request(method, url, data=form, headers=headers)
    except (httpx.InvalidURL, ValueError) as exc:  # the provider named an invalid URL
        raise ProviderAway(f"{method} cannot be sent: {exc}") from exc

    def ask() -> None:
        try:
            result.append(_send(request, patience))
        except Exception as exc:
            result.append(exc)

    # A thread, since the client's timeout covers each read only: a provider that sends a byte
    # every few seconds would block the page for hours.
    thread = threading.Thread(target=ask, name="single sign-on", daemon=True)
    thread.start()
    thread.join(patience)
    target = f"{method} {request.url.copy_with(query=None)}"
    if not result:
        raise ProviderAway(f"no whole answer after {patience:.1f} s from {target}")
    answer = result[0]
    if isinstance(answer, httpx.HTTPError):
        reason = describe_certificate_error(answer, request.url.host)
        reason = reason or f"{type(answer).__name__} {answer}"
        raise ProviderAway(f"{reason} at {target}") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def _send(request: httpx.Request, patience: float) -> tuple[int, bytes]:
    """Return the status and the whole body."""
    until, body = time.monotonic() + patience, bytearray()
    with httpx.Client(verify=shared_tls(), timeout=patience) as client:
        response = client.send(request, stream=True)
        try:
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST or time.monotonic() > until:
                    raise httpx.ReadError("too long")
        finally:
            response.close()
    return response.status_code, bytes(body)
