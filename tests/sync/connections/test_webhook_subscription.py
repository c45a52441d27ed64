"""An account's webhook on the exchange: registered, rotated, checked and removed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync.webhooks import subscription
from tests import factories
from tests.factories import NOW
from tests.fakes.canned_exchange import Exchange
from tests.fakes.client import client_of

pytestmark = pytest.mark.django_db
EVENTS = ["target-group-updated"]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


class Webhooks:
    """The webhooks of an exchange, listed in pages of two."""

    def __init__(self, *urls: str) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.deleted: list[tuple[str, str | None]] = []
        self.repeats = False
        self.gone: set[str] = set()  # listed still, and not there any more
        for url in urls:
            self.add(url)

    def add(self, url: str, **fields: Any) -> dict[str, Any]:
        name = f"w{len(self.held) + len(self.deleted) + 1}"
        self.held[name] = {"id": name, "url": url, "events": EVENTS} | fields
        return self.held[name]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.partition("/webhooks")[2].lstrip("/")
        if request.method == "POST":
            created = self.add(**httpx.Response(200, content=request.content).json())
            return httpx.Response(201, json=created | {"secret": f"secret of {created['id']}"})
        if not name:
            after = "" if self.repeats else request.url.params.get("start_after", "")
            rest = [row for key, row in self.held.items() if key > after]
            more = self.repeats or len(rest) > 2
            return httpx.Response(200, json={"webhooks": rest[:2], "has_more": more})
        if name not in self.held or name in self.gone:
            return httpx.Response(404, json={})
        if request.method == "DELETE":
            del self.held[name]
            self.deleted.append((name, request.headers.get("If-Match")))
            return httpx.Response(204)
        return httpx.Response(200, json=self.held[name], headers={"ETag": f"of {name}"})

    def client(self) -> ExchangeClient:
        return client_of(self)


def register(account: ExchangeAccount, exchange: Webhooks, root: str = "https://we/") -> Webhook:
    return subscription.register_webhook(
        account=account, client=exchange.client(), root=root, now=NOW
    )


def test_a_webhook_is_registered_and_every_other_for_its_address_is_removed() -> None:
    account, exchange = factories.account(), Webhooks("https://a", "https://b", "https://c")
    first = register(account, exchange)
    first.refresh_from_db()
    assert first.url.startswith("https://we/")
    assert first.url.endswith(f"/{first.key}/")
    assert (first.exchange_id, first.secret, first.registered_at, first.checked_at) == (
        "w4",
        "secret of w4",
        NOW,
        NOW,
    )
    again = register(account, exchange)
    assert (again.pk, again.key, again.url, again.exchange_id) == (
        first.pk,
        first.key,
        first.url,
        "w5",
    )
    assert exchange.deleted == [("w4", "of w4")]
    assert [row["url"] for row in exchange.held.values()] == [
        "https://a",
        "https://b",
        "https://c",
        first.url,
    ]


def test_a_webhook_that_moves_keeps_its_key_and_leaves_nothing_at_its_earlier_address() -> None:
    account, exchange = factories.account(), Webhooks()
    before = register(account, exchange)
    after = register(account, exchange, "https://elsewhere")
    assert after.url == before.url.replace("https://we/", "https://elsewhere/")
    assert [row["url"] for row in exchange.held.values()] == [after.url]
    again = subscription.register_again(hook=after, client=exchange.client(), now=NOW)
    assert again.url == after.url
    assert [row["id"] for row in exchange.held.values()] == ["w3"]


def test_the_secret_before_a_rotation_is_good_for_an_hour() -> None:
    exchange = Webhooks()
    hook = register(factories.account(), exchange)
    subscription.rotate_secret(hook=hook, client=exchange.client(), now=NOW + SECOND)
    hook.refresh_from_db()
    assert (hook.secret, hook.earlier_secret, hook.earlier_until, hook.registered_at) == (
        "secret of w2",
        "secret of w1",
        NOW + SECOND + HOUR,
        NOW + SECOND,
    )
    assert exchange.deleted == [("w1", "of w1")]


def test_a_webhook_is_removed_with_all_that_were_made_for_its_address() -> None:
    exchange = Webhooks("https://a")
    hook = register(factories.account(), exchange)
    exchange.add(hook.url)
    exchange.add(hook.url)
    subscription.remove_webhook(hook=hook, client=exchange.client())
    assert [row["url"] for row in exchange.held.values()] == ["https://a"]
    assert not Webhook.objects.exists()


def test_what_is_gone_already_keeps_none_of_the_others() -> None:
    exchange = Webhooks()
    hook = register(factories.account(), exchange)
    exchange.gone = {exchange.add(hook.url)["id"]}
    exchange.add(hook.url)
    subscription.remove_webhook(hook=hook, client=exchange.client())
    assert {row["id"] for row in exchange.held.values()} == exchange.gone


def test_a_webhook_stays_here_while_the_exchange_does_not_list_its_own_whole() -> None:
    exchange = Webhooks()
    hook = register(factories.account(), exchange)
    exchange.repeats = True
    with pytest.raises(ExchangeError, match="repeats a page"):
        subscription.remove_webhook(hook=hook, client=exchange.client())
    assert Webhook.objects.exists()
    assert exchange.held == {}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({}, ""),
        ({"url": None}, ""),
        ({"events": []}, ""),
        ({"events": [*EVENTS, "session-updated"]}, ""),
        ({"events": ["session-updated"]},
         "It is no longer subscribed to changes of target groups."),
        ({"url": "https://thief.example/x"}, "Cint now sends its events to thief.example."),
        ({"url": "nowhere"}, "Cint now sends its events to another address."),
        (None, "It was removed on Cint."),
    ],
)  # fmt: skip
def test_a_webhook_that_no_longer_delivers_to_us_says_why(
    held: dict[str, Any] | None, why: str
) -> None:
    exchange = Webhooks()
    hook = register(factories.account(), exchange)
    if held is None:
        exchange.held.clear()
    else:
        exchange.held["w1"] |= held
    for later in (HOUR, 2 * HOUR):
        subscription.check_webhook(hook=hook, client=exchange.client(), now=NOW + later)
        hook.refresh_from_db()
        assert (hook.lost_because, hook.lost_at) == (why, NOW + HOUR if why else None)
    if not why:
        return
    exchange.held["w1"] = {"id": "w1", "url": hook.url, "events": EVENTS}
    subscription.check_webhook(hook=hook, client=exchange.client(), now=NOW + 3 * HOUR)
    hook.refresh_from_db()
    assert (hook.lost_because, hook.lost_at) == ("", None)


def test_webhooks_are_checked_every_six_hours_by_one_worker(
    account: ExchangeAccount, exchange: Exchange
) -> None:
    def add(name: str, checked: timedelta | None, **fields: Any) -> Webhook:
        own = {"base_url": account.base_url, "requests_per_minute": 0}
        return Webhook.objects.create(
            account=factories.account(**own, polling=fields.pop("polling", True)),
            key=name,
            exchange_id=fields.pop("exchange_id", name),
            checked_at=None if checked is None else NOW - checked,
        )

    add("recent", 6 * HOUR)
    add("paused", 7 * HOUR, polling=False)
    add("unregistered", None, exchange_id="")
    due = [add("old", 6 * HOUR + SECOND), add("older", 9 * HOUR), add("new", None)]
    exchange.on("GET", "/webhooks/", lambda: (404, {}))
    assert subscription.check_due(clock=lambda: NOW) == 3
    for hook in due:
        hook.refresh_from_db()
        assert (hook.checked_at, hook.lost_because) == (NOW, "It was removed on Cint.")
    assert len(exchange.log) == 3
    assert subscription.check_due(clock=lambda: NOW) == 0
