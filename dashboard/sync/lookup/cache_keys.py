"""Keys of the shared cache for what an account's exchange answered."""

from __future__ import annotations

import hashlib
import json

from dashboard.fielding.models import ExchangeAccount


def cache_key(prefix: str, account: ExchangeAccount, *question: object) -> str:
    """Return the key of an answer: another address or account id is another exchange."""
    text = json.dumps([account.pk, account.base_url, account.exchange_id, *question])
    return f"{prefix}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
