"""A client of the exchange for each connection, made once a process and shared by its threads."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from django.conf import settings

from dashboard import logs
from dashboard.exchange.auth import ApiKey, Auth, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import HostRefused
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.limits import redis_gate
from dashboard.exchange.limits.gate import GatePolicy
from dashboard.exchange.limits.redis_gate import RedisGate
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync import scheduling

_clients: dict[int, tuple[tuple[object, ...], ExchangeClient]] = {}
_making = threading.Lock()


def client_for(account: ExchangeAccount) -> ExchangeClient:
    """The client of this connection; a new one where the connection was changed."""
    mark = _mark(account)
    known = _clients.get(account.pk)
    if known and known[0] == mark:
        return known[1]
    with _making:
        known = _clients.get(account.pk)
        if known is None or known[0] != mark:
            known = (mark, _make(account))
            _clients[account.pk] = known
    return known[1]


def reason_to_refuse_url(url: str) -> str:
    """Why this address may not be asked, as a clause; empty where it may."""
    try:
        AllowedHosts(settings.EXCHANGE_ALLOWED_HOSTS).check(url)
    except HostRefused as exc:
        return str(exc)
    return ""


def _mark(account: ExchangeAccount) -> tuple[object, ...]:
    return (
        account.base_url,
        account.exchange_id,
        account.api_version,
        account.auth,
        account.secret,
        account.token_url,
        account.client_id,
        account.audience,
        scheduling.request_budget(account),
    )


def _auth(account: ExchangeAccount) -> Auth:
    if account.auth == ExchangeAccount.Auth.API_KEY:
        return ApiKey(account.secret)
    return ClientCredentials(
        token_url=account.token_url,
        client_id=account.client_id,
        client_secret=account.secret,
        audience=account.audience,
    )


def _make(account: ExchangeAccount) -> ExchangeClient:
    logs.hide_secrets(account.secret)
    gate = RedisGate(
        redis_gate.connect_redis(settings.REDIS_URL),
        account=f"{account.exchange_id}@{urlsplit(account.base_url).netloc}",
        policy=GatePolicy(requests_per_minute=scheduling.request_budget(account)),
        processes=settings.PROCESSES,
    )
    return ExchangeClient(
        account_id=account.exchange_id,
        base_url=account.base_url,
        auth=_auth(account),
        api_version=account.api_version,
        gate=gate,
        allowed_hosts=settings.EXCHANGE_ALLOWED_HOSTS,
        re_entry_path=settings.EXCHANGE_RE_ENTRY_PATH,
        timeout=settings.EXCHANGE_TIMEOUT_SECONDS,
    )
