"""Verify the `Cint-Signature` header of a webhook delivery."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

_SECONDS = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class Signature(NamedTuple):
    """The parts of the header: when it was signed (Unix seconds), and each `v1` signature."""

    at: int
    signed: list[str]


def read_signature(header: str) -> Signature | None:
    """The parts of `t=…,v1=…`; None for anything else. Parts with other names are ignored."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signed = [value.lower() for name, _, value in parts if name == "v1" and _HEX.fullmatch(value)]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or not signed:
        return None
    return Signature(int(times[0]), signed)


def sign_body(secret: str, body: bytes, at: int) -> str:
    """HMAC-SHA256 over the timestamp, a dot and the raw body, in hex; the secret is text."""
    return hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()


def reason_to_refuse(
    header: str, body: bytes, *, secrets: Iterable[str], now: float, tolerance: float
) -> str:
    """Why a delivery is refused, in a word or two; empty if it is genuine and fresh.

    `now`: Unix seconds. A signature may be `tolerance` seconds old, or as much ahead.
    """
    if not header:
        return "no signature"
    signature = read_signature(header)
    if signature is None:
        return "unreadable signature"
    expected = [sign_body(secret, body, signature.at) for secret in secrets]
    # Every pair is compared, so that the duration reveals nothing.
    genuine = [hmac.compare_digest(sent, own) for sent in signature.signed for own in expected]
    if not any(genuine):
        return "wrong signature"
    if abs(now - signature.at) > tolerance:
        return "old signature" if signature.at < now else "signature from the future"
    return ""
