"""An account's webhook on the exchange: register it, rotate its secret, check it, remove it.

The address of an account stays the same. To rotate the secret, a second webhook is registered for
the same address, and the first is removed once the second's secret is stored: deliveries of one of
the two are accepted at any moment, and an event that comes twice is stored once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from django.db.models import Q
from django.urls import reverse

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Page
from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.exchange.pagination import iterate_pages
from dashboard.exchange.shapes import webhooks as shapes
from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync.connections import clients

# Quota and session events come with every respondent; the list of groups shows their sums in one
# request per hundred groups. They are accepted if someone subscribed to them on the exchange.
EVENTS = ["target-group-updated"]
EARLIER_SECRET_FOR = timedelta(hours=1)
CHECK_EVERY = timedelta(hours=6)
MAX_CHECKS = 100  # webhooks per call; the rest is checked by the next


def register_webhook(
    *, account: ExchangeAccount, client: ExchangeClient, root: str, now: datetime
) -> Webhook:
    """Have the exchange deliver an account's events to an address below `root` (scheme and host).

    Until the new secret is stored, the address answers 503. A webhook for an earlier address of
    the account is removed. Raises ExchangeError.
    """
    stored = Webhook.objects.filter(account=account).first()
    key = stored.key if stored else secrets.token_urlsafe(32)
    before = stored.url if stored else ""
    hook, _ = Webhook.objects.update_or_create(
        account=account, defaults={"key": key, "url": _address(root, key)}
    )
    _subscribe(hook, client, now)
    if before not in ("", hook.url):
        _unsubscribe(client, before, keep="")
    return hook


def rotate_secret(*, hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """Get another secret; deliveries signed with the present one are accepted for an hour."""
    hook.earlier_secret, hook.earlier_until = hook.secret, now + EARLIER_SECRET_FOR
    _subscribe(hook, client, now)


def remove_webhook(*, hook: Webhook, client: ExchangeClient) -> None:
    """Stop all deliveries and forget the address. Raises ExchangeError."""
    _unsubscribe(client, hook.url, keep="")
    hook.delete()


def register_again(*, hook: Webhook, client: ExchangeClient, now: datetime) -> Webhook:
    """Register the same address as before again; raises ExchangeError."""
    root = hook.url.removesuffix(reverse("webhook", args=[hook.key]))
    return register_webhook(account=hook.account, client=client, root=root, now=now)


def check_due(*, clock: Callable[[], datetime]) -> int:
    """Check whether the exchange still has our webhooks; return how many were checked.

    A webhook that someone removed on the exchange only falls silent. What cannot be checked now is
    checked by the next call.
    """
    before = clock() - CHECK_EVERY
    due = Webhook.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=before), account__polling=True
    ).exclude(exchange_id="")
    checked = 0
    for hook in due.select_related("account").order_by("checked_at")[:MAX_CHECKS]:
        claimed = Webhook.objects.filter(pk=hook.pk, checked_at=hook.checked_at)
        if claimed.update(checked_at=clock()):
            checked += 1
            check_webhook(hook=hook, client=clients.client_for(hook.account), now=clock())
    return checked


def check_webhook(*, hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """Store whether the exchange still delivers an account's events to its address; else why not.

    Changes nothing while the exchange cannot be asked.
    """
    try:
        why = _reason_lost(hook, client)
    except ExchangeError:
        return
    rows = Webhook.objects.filter(pk=hook.pk, exchange_id=hook.exchange_id)
    if not why:
        rows.exclude(lost_at=None).update(lost_at=None, lost_because="")
        return
    rows.filter(lost_at=None).update(lost_at=now)
    rows.update(lost_because=why)


def _reason_lost(hook: Webhook, client: ExchangeClient) -> str:
    """Why a webhook no longer delivers to us, as a sentence; empty if it does."""
    try:
        held = client.get_webhook(webhook_id=hook.exchange_id).value
    except NotFound:
        return "It was removed on Cint."
    if held.url is not None and hook.key not in held.url:
        host = urlsplit(held.url).hostname or "another address"
        return f"Cint now sends its events to {host[:100]}."
    if held.events and not set(EVENTS) <= set(held.events):
        return "It is no longer subscribed to changes of target groups."
    return ""


def _address(root: str, key: str) -> str:
    return root.rstrip("/") + reverse("webhook", args=[key])


def _subscribe(hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """Register this address, then remove every other webhook for it, lost answers included."""
    created = client.create_webhook(url=hook.url, events=EVENTS)
    hook.exchange_id, hook.secret, hook.registered_at = created.id, created.secret, now
    hook.checked_at, hook.lost_at, hook.lost_because = now, None, ""
    hook.save()
    _unsubscribe(client, hook.url, keep=created.id)


def _unsubscribe(client: ExchangeClient, url: str, *, keep: str) -> None:
    """Remove every webhook for this address except `keep`."""
    listing = iterate_pages(lambda after: _read_page(client, after))
    obsolete = [hook.id for hook in listing if hook.url == url and hook.id != keep]
    for webhook_id in obsolete:
        try:
            etag = client.get_webhook(webhook_id=webhook_id).etag
            client.delete_webhook(webhook_id=webhook_id, etag=etag)
        except NotFound:
            continue
    if not listing.complete:
        raise ExchangeError(listing.reason)


def _read_page(client: ExchangeClient, after: str | None) -> Page[shapes.WebhookShape]:
    """One page; the list has no cursor, so the next page starts after the last id."""
    page = client.get_webhooks(start_after=after)
    return msgspec.structs.replace(page, next_cursor=page.items[-1].id if page.items else None)
