"""An account's webhook at the exchange: registered, given another secret, removed.

The address of an account stays the same. A secret is changed by a second webhook to the same
address, and the first is removed only when the second's secret is stored: at no moment are the
deliveries of both refused, and events that come twice are stored once.
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

# Fills of quotas and sessions come with every respondent; the list of groups shows their sum for
# one request per hundred groups. They are taken where somebody subscribed to them elsewhere.
EVENTS = ["target-group-updated"]
EARLIER_SECRET_FOR = timedelta(hours=1)
CHECK_EVERY = timedelta(hours=6)
AT_MOST = 100  # webhooks a round; the rest is asked in the next


def register_webhook(
    *, account: ExchangeAccount, client: ExchangeClient, root: str, now: datetime
) -> Webhook:
    """Have the exchange tell an account's events to the address below `root` (scheme, host, path).

    The address answers "later" from before the exchange knows it until its secret is stored.
    Nothing more is told to the one before.
    """
    known = Webhook.objects.filter(account=account).first()
    key = known.key if known else secrets.token_urlsafe(32)
    before = known.url if known else ""
    hook, _ = Webhook.objects.update_or_create(
        account=account, defaults={"key": key, "url": _address(root, key)}
    )
    _subscribe(hook, client, now)
    if before not in ("", hook.url):
        _unsubscribe(client, before, keep="")
    return hook


def rotate_secret(*, hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """Another secret; what was signed with the present one is taken for an hour more."""
    hook.earlier_secret, hook.earlier_until = hook.secret, now + EARLIER_SECRET_FOR
    _subscribe(hook, client, now)


def remove_webhook(*, hook: Webhook, client: ExchangeClient) -> None:
    """Have nothing more told; the address is gone with it."""
    _unsubscribe(client, hook.url, keep="")
    hook.delete()


def register_again(*, hook: Webhook, client: ExchangeClient, now: datetime) -> Webhook:
    """Have the exchange tell events to the same address as before; raises ExchangeError."""
    root = hook.url.removesuffix(reverse("webhook", args=[hook.key]))
    return register_webhook(account=hook.account, client=client, root=root, now=now)


def check_due(*, clock: Callable[[], datetime]) -> int:
    """Ask the exchange whether it still tells us events; the number of webhooks asked about.

    Nothing is said by a webhook that somebody removed at the exchange. What cannot be asked now is
    asked in the next round.
    """
    before = clock() - CHECK_EVERY
    due = Webhook.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=before), account__polling=True
    ).exclude(exchange_id="")
    asked = 0
    for hook in due.select_related("account").order_by("checked_at")[:AT_MOST]:
        claimed = Webhook.objects.filter(pk=hook.pk, checked_at=hook.checked_at)
        if claimed.update(checked_at=clock()):
            asked += 1
            check(hook=hook, client=clients.client_for(hook.account), now=clock())
    return asked


def check(*, hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """Note whether the exchange still tells an account's events to its address, and if not, why."""
    try:
        why = _why_lost(hook, client)
    except ExchangeError:
        return
    rows = Webhook.objects.filter(pk=hook.pk, exchange_id=hook.exchange_id)
    if not why:
        rows.exclude(lost_at=None).update(lost_at=None, lost_because="")
        return
    rows.filter(lost_at=None).update(lost_at=now)
    rows.update(lost_because=why)


def _why_lost(hook: Webhook, client: ExchangeClient) -> str:
    """Why a webhook tells us nothing, as a sentence; empty where it does."""
    try:
        held = client.get_webhook(webhook_id=hook.exchange_id).value
    except NotFound:
        return "It was removed at the exchange."
    if held.url is not None and hook.key not in held.url:
        host = urlsplit(held.url).hostname or "another address"
        return f"The exchange now tells its events to {host[:100]}."
    if held.events and not set(EVENTS) <= set(held.events):
        return "The exchange no longer tells changes of target groups by it."
    return ""


def _address(root: str, key: str) -> str:
    return root.rstrip("/") + reverse("webhook", args=[key])


def _subscribe(hook: Webhook, client: ExchangeClient, now: datetime) -> None:
    """A new webhook to this address, then no other: strays of lost answers go too."""
    made = client.create_webhook(url=hook.url, events=EVENTS)
    hook.exchange_id, hook.secret, hook.registered_at = made.id, made.secret, now
    hook.checked_at, hook.lost_at, hook.lost_because = now, None, ""
    hook.save()
    _unsubscribe(client, hook.url, keep=made.id)


def _unsubscribe(client: ExchangeClient, url: str, *, keep: str) -> None:
    """Remove every webhook to this address but one; those that are gone already are well gone."""
    listing = iterate_pages(lambda after: _page(client, after))
    ours = [one.id for one in listing if one.url == url and one.id != keep]
    for webhook_id in ours:
        try:
            etag = client.get_webhook(webhook_id=webhook_id).etag
            client.delete_webhook(webhook_id=webhook_id, etag=etag)
        except NotFound:
            continue
    if not listing.complete:
        raise ExchangeError(listing.reason)


def _page(client: ExchangeClient, after: str | None) -> Page[shapes.WebhookShape]:
    """One page; the list has no cursor, the next page begins after the last id."""
    page = client.get_webhooks(start_after=after)
    return msgspec.structs.replace(page, next_cursor=page.items[-1].id if page.items else None)
