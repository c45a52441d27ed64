"""One client of the exchange per connection and process, shared by its threads."""

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
from dashboard.exchange.limits.gate import Gate, GatePolicy, LocalGate
from dashboard.exchange.limits.redis_gate import RedisGate
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync import scheduling

_clients: dict[int, tuple[tuple[object, ...], ExchangeClient]] = {}
_creating = threading.Lock()


def client_for(account: ExchangeAccount) -> ExchangeClient:
    """The client of this connection; a new one after the connection's settings changed."""
    key = _settings_key(account)
    cached = _clients.get(account.pk)
    if cached and cached[0] == key:
        return cached[1]
    with _creating:
        cached = _clients.get(account.pk)
        if cached is None or cached[0] != key:
            cached = (key, _create_client(account))
            _clients[account.pk] = cached
    return cached[1]


def reason_to_refuse_url(url: str) -> str:
    """Why no request may go to this address, as a clause; empty if it is allowed."""
    try:
        AllowedHosts(settings.EXCHANGE_ALLOWED_HOSTS).check(url)
    except HostRefused as exc:
        return str(exc)
    return ""


def _settings_key(account: ExchangeAccount) -> tuple[object, ...]:
    """Everything that a client is built from; a client with another key is out of date."""
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


def _auth_of(account: ExchangeAccount) -> Auth:
    if account.auth == ExchangeAccount.Auth.API_KEY:
        return ApiKey(account.secret)
    return ClientCredentials(
        token_url=account.token_url,
        client_id=account.client_id,
        client_secret=account.secret,
        audience=account.audience,
    )


def trial_client(account: ExchangeAccount) -> ExchangeClient:
    """A client of its own for settings that are not stored yet; close it afterwards.

    It shares no gate: failures with wrong settings must not pause the requests of the right ones.
    """
    policy = GatePolicy(requests_per_minute=scheduling.request_budget(account))
    return _build_client(account, LocalGate(policy))


def _create_client(account: ExchangeAccount) -> ExchangeClient:
    gate = RedisGate(
        redis_gate.connect_redis(settings.REDIS_URL),
        account=f"{account.exchange_id}@{urlsplit(account.base_url).netloc}",
        policy=GatePolicy(requests_per_minute=scheduling.request_budget(account)),
        processes=settings.PROCESSES,
    )
    return _build_client(account, gate)


def _build_client(account: ExchangeAccount, gate: Gate) -> ExchangeClient:
    logs.hide_secrets(account.secret)
    return ExchangeClient(
        account_id=account.exchange_id,
        base_url=account.base_url,
        auth=_auth_of(account),
        api_version=account.api_version,
        gate=gate,
        allowed_hosts=settings.EXCHANGE_ALLOWED_HOSTS,
        re_entry_path=settings.EXCHANGE_RE_ENTRY_PATH,
        timeout=settings.EXCHANGE_TIMEOUT_SECONDS,
        ca_file=settings.EXCHANGE_CA_FILE,
    )
