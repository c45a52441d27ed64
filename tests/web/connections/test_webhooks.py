"""The simulated exchange tells its changes to the running server, over HTTP."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.base import Money
from dashboard.exchange.webhook_signature import sign_body
from dashboard.fielding.models import (
    ExchangeAccount,
    Project,
    TargetGroup,
    Webhook,
    WebhookEvent,
    WebhookRefusal,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import clients
from dashboard.sync.webhooks import delivery, subscription
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(groups=12, history_days=1, speed=0) as one:
        yield one


@pytest.fixture
def add(simulator: Simulator, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`exchange add told …`; what it said to people."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    monkeypatch.setenv("KEY", "key")

    def run(webhook: str) -> str:
        said = io.StringIO()
        words = ["add", "told", "--account-id", "101", "--api-key-env", "KEY"]
        words += ["--base-url", f"{simulator.base_url}/v1", "--webhook", webhook]
        call_command("exchange", *words, stderr=said, stdout=io.StringIO())
        return said.getvalue()

    return run


def change(*words: str) -> None:
    call_command("exchange", "change", "told", *words, stderr=io.StringIO(), stdout=io.StringIO())


@pytest.fixture
def hook(
    add: Callable[..., str], live_server: LiveServer, simulator: Simulator
) -> Iterator[Webhook]:
    """A connection whose webhook leads to the running server, and its first live group read."""
    add(live_server.url)
    ExchangeAccount.objects.update(requests_per_minute=0)
    one = Webhook.objects.select_related("account").get()
    group = simulator.groups(status="live")[0]
    project = factories.project(one.account, exchange_id=group["project_id"], read_at=None)
    factories.group(project, exchange_id=group["id"])
    yield one
    if Webhook.objects.exists():
        verb("remove")


def verb(action: str, **options: Any) -> str:
    said = io.StringIO()
    call_command("exchange", "webhook", "told", action, stdout=said, stderr=said, **options)
    return said.getvalue()


def wait_for(what: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.02)


def wait_for_deliveries(hook: Webhook, count: int) -> None:
    wait_for(lambda: delivered(hook) == count)


def tell(simulator: Simulator, **manner: Any) -> int:
    """Deliver the last change of the first live group in some manner; how many went out."""
    group = TargetGroup.objects.get().exchange_id
    sent = simulator.control("POST", "webhooks", {"target_group_id": group, **manner})["sent"]
    return int(sent) * int(manner.get("times", 1))


def delivered(hook: Webhook) -> int:
    """How many deliveries the exchange has seen taken. Tests have them come one by one: threads of
    their server share a connection to SQLite in memory, those of the product do not.
    """
    history = ask_exchange(hook, "GET", "/events-history?start_time=2020-01-01T00:00:00.000Z")
    return sum(event["status"] == "delivered" for event in history["events"])


def ask_exchange(hook: Webhook, method: str, path: str = "", body: Any = None) -> Any:
    """Ask the exchange what the client does not: about a webhook's deliveries, and changing it."""
    address = f"{hook.account.base_url}/accounts/{hook.account.exchange_id}/webhooks"
    answer = httpx.request(
        method,
        f"{address}/{hook.exchange_id}{path}",
        headers={
            "Authorization": hook.account.secret,
            "Cint-API-Version": hook.account.api_version,
        },
        json=body,
    )
    return answer.raise_for_status().json()


def refused() -> dict[str, int]:
    return dict(WebhookRefusal.objects.values_list("reason", "times"))


def events() -> int:
    return WebhookEvent.objects.count()


def registered() -> list[str]:
    """Addresses that the exchange tells, one a webhook."""
    client = clients.client_for(ExchangeAccount.objects.get())
    return [str(one.url) for one in client.get_webhooks().items]


def ask(hook: Webhook) -> ExchangeClient:
    return clients.client_for(hook.account)


def test_a_change_at_the_exchange_makes_its_group_due_here(
    hook: Webhook, simulator: Simulator
) -> None:
    Project.objects.update(due_at=None)
    group = TargetGroup.objects.get()
    simulator.force(group.exchange_id, "log", changes=[{"object": "target_group_name_change"}])
    # In memory this thread shares the server's connection, and sees what it did not commit yet.
    wait_for(lambda: Project.objects.get().due_at is not None)
    group.refresh_from_db()
    assert group.webhook_changed_at is not None
    assert WebhookEvent.objects.get().target_group == group.exchange_id


def test_a_change_that_is_told_three_times_is_one_event(
    hook: Webhook, simulator: Simulator
) -> None:
    for times in (1, 2, 3):
        tell(simulator)
        wait_for_deliveries(hook, times)
    assert events() == 1
    assert refused() == {}


def test_forged_and_old_deliveries_are_refused_and_counted(
    hook: Webhook, simulator: Simulator
) -> None:
    tell(simulator, bad_signature=True)
    wait_for(lambda: refused() == {"wrong signature": 1})
    tell(simulator, age=3600)
    wait_for(lambda: refused() == {"wrong signature": 1, "old signature": 1})
    assert events() == 0


def test_what_was_recorded_and_is_sent_again_later_is_refused(
    hook: Webhook, client: Client, settings: Any
) -> None:
    body = b'{"id": "one"}'
    at = int(time.time()) - settings.WEBHOOK_TOLERANCE_SECONDS - 5
    header = f"t={at},v1={sign_body(hook.secret, body, at)}"
    answer = client.post(path(hook), body, "application/json", headers={"Cint-Signature": header})
    assert answer.status_code == 401


def test_events_that_overtake_one_another_both_count_and_the_poll_decides(
    hook: Webhook, simulator: Simulator
) -> None:
    group = simulator.groups(status="live", pricing_model="dynamic")[0]
    TargetGroup.objects.update(exchange_id=group["id"])
    for told, price in enumerate(("3.01", "3.02"), 1):
        simulator.advance(seconds=1)
        ask(hook).update_cost_per_interview(
            project_id=group["project_id"],
            target_group_id=group["id"],
            cpi=Money(value=Decimal(price), currency_code=group["currency_code"]),
        )
        wait_for_deliveries(hook, told)
    tell(simulator, last=2, reversed=True)
    wait_for_deliveries(hook, 4)
    assert events() == 2
    call_command_pull()
    assert f"{TargetGroup.objects.get(exchange_id=group['id']).cpi:.2f}" == "3.02"


def call_command_pull() -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("pull", "told", stdout=io.StringIO())
    assert ended.value.code == 0


def path(hook: Webhook) -> str:
    return f"/webhooks/{hook.key}/"


def test_an_unknown_key_leads_nowhere(hook: Webhook, client: Client) -> None:
    assert client.post("/webhooks/guess/", b"{}", "application/json").status_code == 404


def test_a_browser_is_not_let_in(hook: Webhook, client: Client) -> None:
    assert client.get(path(hook)).status_code == 405


def test_a_body_beyond_256_kib_is_not_read(hook: Webhook, client: Client) -> None:
    largest = b" " * (256 * 1024)
    assert client.post(path(hook), largest, "application/json").status_code == 401
    assert client.post(path(hook), largest + b" ", "application/json").status_code == 413
    assert refused()["too large"] == 1


@pytest.mark.parametrize(
    ("length", "status"),
    [("9" * 9, 413), ("9" * 30, 413), ("9" * 5000, 413), ("", 401), ("many", 400), ("-1", 400)],
)
def test_a_length_that_is_no_number_breaks_nothing(
    client: Client, length: str, status: int
) -> None:
    account = factories.account()
    Webhook.objects.create(account=account, key="k", secret="s")
    answer = client.post("/webhooks/k/", b"{}", "application/json", CONTENT_LENGTH=length)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "true",
        "[]",
        "1",
        '"text"',
        "{}",
        '{"id": true}',
        '{"id": null}',
        '{"id": 0}',
        '{"id": {}, "type": "t"}',
        '{"id": "", "type": "t"}',
        '{"id": "e", "type": true}',
    ],
)
def test_a_signed_delivery_that_is_no_event_is_refused(client: Client, body: str) -> None:
    Webhook.objects.create(account=factories.account(), key="k", secret="s")
    now = int(time.time())
    header = f"t={now},v1={sign_body('s', body.encode(), now)}"
    answer = client.post(
        "/webhooks/k/", body.encode(), "application/json", headers={"cint-signature": header}
    )
    assert answer.status_code == 400
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("value", ["true", "false", "null", "[]", "{}", "1.5", '["g"]'])
def test_an_id_in_an_event_that_is_none_is_none(client: Client, value: str) -> None:
    Webhook.objects.create(account=factories.account(), key="k", secret="s")
    body = '{"id": "e", "type": "t", "data": {"target_group_id": %s, "project_id": %s}}'
    sent, now = (body % (value, value)).encode(), int(time.time())
    header = f"t={now},v1={sign_body('s', sent, now)}"
    answer = client.post(
        "/webhooks/k/", sent, "application/json", headers={"cint-signature": header}
    )
    assert answer.status_code == 204
    assert WebhookEvent.objects.get().target_group == ""


def test_a_delivery_needs_no_form_of_ours(hook: Webhook) -> None:
    strict = Client(enforce_csrf_checks=True)
    body, at = b'{"id": "one"}', int(time.time())
    header = {"Cint-Signature": f"t={at},v1={sign_body(hook.secret, body, at)}"}
    assert strict.post(path(hook), body, "application/json", headers=header).status_code == 204


def test_a_rotation_leaves_one_webhook_and_takes_both_secrets(
    hook: Webhook, simulator: Simulator
) -> None:
    before = hook.secret
    verb("rotate")
    hook.refresh_from_db()
    assert hook.secret not in ("", before)
    assert hook.earlier_secret == before
    assert registered() == [hook.url]
    tell(simulator)
    wait_for(lambda: events() == 1)
    assert refused() == {}


def test_a_change_of_the_address_leaves_no_webhook_at_the_old_one(hook: Webhook) -> None:
    before = hook.url
    change("--webhook", "http://127.0.0.1:9")
    hook.refresh_from_db()
    assert hook.url.startswith("http://127.0.0.1:9/webhooks/")
    assert registered() == [hook.url] != [before]


def test_an_account_whose_webhook_is_registered_keeps_its_id(hook: Webhook) -> None:
    Project.objects.all().delete()
    with pytest.raises(CommandError, match="exchange webhook told remove"):
        change("--account-id", "102")


def test_a_webhook_that_is_removed_is_gone_on_both_sides(
    hook: Webhook, simulator: Simulator, client: Client
) -> None:
    assert "Removed" in verb("remove")
    assert registered() == []
    assert client.post(path(hook), b"{}", "application/json").status_code == 404
    with pytest.raises(CommandError, match="has no webhook"):
        verb("rotate")


def test_a_registration_whose_answer_was_lost_leaves_no_stray(
    hook: Webhook, simulator: Simulator
) -> None:
    ask(hook).create_webhook(url=hook.url, events=["target-group-updated"])
    verb("rotate")
    assert registered() == [hook.url]


def test_the_command_shows_what_was_told_and_refused_without_the_secret(
    hook: Webhook, simulator: Simulator
) -> None:
    delivery.count_refused_delivery(
        account_id=hook.account_id, reason="old signature", now=hook.registered_at or factories.NOW
    )
    shown = verb("show")
    assert hook.url in shown
    assert "1 old signature" in shown
    assert hook.secret not in shown


def test_a_connection_whose_webhook_is_refused_is_added_all_the_same(
    add: Callable[..., str], simulator: Simulator
) -> None:
    simulator.fault("http_403", operation="create_webhook")
    try:
        said = add("https://fieldwatch.example.com")
    finally:
        simulator.clear_faults()
    assert ExchangeAccount.objects.filter(name="told").exists()
    assert "by polling" in said
    assert Webhook.objects.get().secret == ""


def _check(hook: Webhook, *, hours: float) -> Webhook:
    """Let so much time go by, and do the round that asks about webhooks."""
    hook.refresh_from_db()
    assert hook.registered_at is not None
    at = hook.registered_at + timedelta(hours=hours)
    subscription.check_due(clock=lambda: at)
    hook.refresh_from_db()
    return hook


def _remove(hook: Webhook) -> None:
    ask(hook).delete_webhook(webhook_id=hook.exchange_id)


def _lead_elsewhere(hook: Webhook) -> None:
    elsewhere, events = "https://elsewhere.example/", ["target-group-updated"]
    ask_exchange(hook, "PUT", body={"url": elsewhere, "events": events})


def _tell_less(hook: Webhook) -> None:
    events = ["session-updated"]
    ask_exchange(hook, "PUT", body={"url": hook.url, "events": events})


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (_remove, "removed on Cint"),
        (_lead_elsewhere, "elsewhere.example"),
        (_tell_less, "no longer subscribed to changes of target groups"),
    ],
)
def test_a_webhook_that_is_lost_is_noticed_within_a_day_and_registered_again_by_a_click(
    hook: Webhook, client: Client, lose: Callable[[Webhook], None], why: str
) -> None:
    assert _check(hook, hours=7).lost_at is None
    lose(hook)
    assert _check(hook, hours=24).lost_at is not None
    assert why in hook.lost_because
    assert "lost" in verb("show")
    client.force_login(factories.person("administrator", hook.account))
    page = client.get(f"/connections/{hook.account_id}/").content.decode()
    assert "Cint no longer sends changes." in page
    assert "Webhook lost" in client.get("/connections/").content.decode()
    address = hook.url
    said = client.post(f"/connections/{hook.account_id}/webhook/", follow=True).content.decode()
    assert "Webhook registered. Cint sends changes again" in said
    assert "Cint no longer sends changes." not in said
    hook.refresh_from_db()
    assert (hook.lost_at, hook.url) == (None, address)
    assert address in registered()


def test_a_webhook_is_asked_about_every_six_hours_and_no_more_often(
    hook: Webhook, simulator: Simulator
) -> None:
    _remove(hook)
    assert _check(hook, hours=5).lost_at is None
    assert _check(hook, hours=7).lost_at is not None


@pytest.mark.parametrize("fault", ["http_403", "http_500", "truncated", "html"])
def test_a_webhook_that_cannot_be_asked_about_is_not_called_lost(
    hook: Webhook, simulator: Simulator, fault: str
) -> None:
    simulator.fault(fault, operation="get_webhook")
    try:
        assert _check(hook, hours=7).lost_at is None
    finally:
        simulator.clear_faults()


def test_a_webhook_that_is_there_again_is_not_lost_any_more(
    hook: Webhook, simulator: Simulator
) -> None:
    simulator.fault("http_404", operation="get_webhook", count=1)
    assert _check(hook, hours=7).lost_at is not None
    simulator.clear_faults()
    assert _check(hook, hours=14).lost_at is None


def test_an_exchange_that_refuses_to_register_again_is_told_in_words(
    hook: Webhook, simulator: Simulator, client: Client
) -> None:
    client.force_login(factories.person("administrator", hook.account))
    simulator.fault("http_403", operation="create_webhook")
    try:
        said = client.post(f"/connections/{hook.account_id}/webhook/", follow=True)
    finally:
        simulator.clear_faults()
    assert "The webhook could not be registered" in said.content.decode()


@pytest.mark.parametrize(
    "url", ["fieldwatch.example.com", "ftp://x.example", "https://", "https://x?y"]
)
def test_an_address_that_nobody_can_reach_is_refused_before_anything_is_stored(
    add: Callable[..., str], url: str
) -> None:
    with pytest.raises(CommandError, match="at which Cint reaches Fieldwatch"):
        add(url)
    assert not ExchangeAccount.objects.exists()


def test_the_secret_is_encrypted_in_the_table(hook: Webhook) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM fielding_webhook")
        assert hook.secret not in cursor.fetchone()[0]
