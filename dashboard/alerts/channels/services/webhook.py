"""A receiver of one's own: versioned JSON, with an HMAC-SHA256 over its time and its body."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

import msgspec

from dashboard.alerts.channels.message import ChannelMessage
from dashboard.alerts.channels.services.service_format import Payload, ServiceFormat

VERSION = 1
TIMESTAMP, SIGNATURE = "Fieldwatch-Timestamp", "Fieldwatch-Signature"


def sign_headers(body: bytes, *, key: str, now: datetime) -> dict[str, str]:
    """Return the headers of an attempt: its time in seconds since 1970, and what proves both."""
    timestamp = str(int(now.timestamp()))
    signed = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return {TIMESTAMP: timestamp, SIGNATURE: f"v1={signed.hexdigest()}"}


def _build(message: ChannelMessage, unanswered: bool) -> Payload:
    payload: Payload = msgspec.to_builtins(message)
    alerts = payload.pop("parts")
    return {"version": VERSION, "sent_again": unanswered} | payload | {"alerts": alerts}


FORMAT = ServiceFormat(
    hosts=(),
    example="https://…",
    path=re.compile(r".*"),
    build=_build,
    longest=256 * 1024,
)
