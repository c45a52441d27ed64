"""Webhooks: subscriptions, signatures and deliveries, well-behaved or not."""

import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.webhook_deliveries import signature_header
from tests.simulator.caller import Caller

Delivery = tuple[dict[str, Any], str, bytes]


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[Delivery]]]:
    """An address that takes deliveries, and those that it took."""
    taken: list[Delivery] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((json.loads(body), self.headers["Cint-Signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", taken
    server.shutdown()
    server.server_close()


def _wait(taken: list[Delivery], number: int) -> list[Delivery]:
    deadline = time.monotonic() + 5
    while len(taken) < number and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(taken) == number
    return taken


@pytest.fixture
def hook(caller: Caller, inbox: tuple[str, list[Delivery]]) -> Iterator[dict[str, Any]]:
    body = {"url": inbox[0], "events": ["target-group-updated"]}
    made = caller.post("/accounts/101/webhooks", body, expect=201)
    yield made
    caller.ask("DELETE", f"/accounts/101/webhooks/{made['id']}", expect=204)


def _genuine(delivery: Delivery, secret: str) -> bool:
    _event, header, body = delivery
    stamp, _, signed = header.removeprefix("t=").partition(",v1=")
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return hmac.compare_digest(wanted, signed)


def test_the_signature_is_the_published_one() -> None:
    secret = "FP7UPZpATKBcYJj4va95PYud+a3gCidRERiLO+9MoFE="
    signed = "6532d4777122acc32cd388763fc0c0ba8732698d09cf99eea086e5a86f8d3ebe"
    assert signature_header(secret, b'{"foo":"bar"}', 1732526080) == f"t=1732526080,v1={signed}"


def test_an_edit_is_told_in_a_signed_envelope(
    simulator: Simulator,
    caller: Caller,
    hook: dict[str, Any],
    inbox: tuple[str, list[Delivery]],
) -> None:
    group = simulator.groups(status="live", pricing_model="dynamic", currency_code="USD")[0]
    price = {"target_group_cpi": {"value": "6.66", "currency_code": "USD"}}
    caller.put(f"{caller.group_path(group)}/cost-per-interview", price)
    delivery = _wait(inbox[1], 1)[0]
    event = delivery[0]
    assert _genuine(delivery, hook["secret"])
    assert event["type"] == "com.cint.target-group.updated"
    assert event["data"]["target_group_id"] == group["id"]
    assert "old_value" not in event["data"]["changes"][0]
    history = caller.get(
        f"/accounts/101/webhooks/{hook['id']}/events-history",
        start_time="2020-01-01T00:00:00.000Z",
    )
    assert history["events"][0]["id"] == event["id"]


def test_deliveries_can_repeat_overtake_and_lie(
    simulator: Simulator, hook: dict[str, Any], inbox: tuple[str, list[Delivery]]
) -> None:
    group = simulator.groups(status="live")[0]
    told = {"target_group_id": group["id"]}
    simulator.control("POST", "webhooks", {**told, "times": 2})
    first, second = _wait(inbox[1], 2)
    assert first[0]["id"] == second[0]["id"]
    inbox[1].clear()
    simulator.control("POST", "webhooks", {**told, "last": 2, "reversed": True})
    later, earlier = _wait(inbox[1], 2)
    assert later[0]["time"] > earlier[0]["time"]
    inbox[1].clear()
    simulator.control("POST", "webhooks", {**told, "bad_signature": True})
    assert not _genuine(_wait(inbox[1], 1)[0], hook["secret"])
    inbox[1].clear()
    simulator.control("POST", "webhooks", {**told, "age": 7200})
    stamp = int(_wait(inbox[1], 1)[0][1].removeprefix("t=").split(",")[0])
    assert time.time() - stamp > 7000


def test_a_webhook_is_read_changed_and_given_another_secret(
    caller: Caller, hook: dict[str, Any]
) -> None:
    path = f"/accounts/101/webhooks/{hook['id']}"
    assert "secret" not in caller.get(path)
    tag = caller.headers["etag"]
    body = {"url": "https://hooks.example.com/a", "events": ["session-updated"]}
    assert caller.put(path, body, headers={"If-Match": tag})["events"] == ["session-updated"]
    caller.put(path, body, headers={"If-Match": tag}, expect=400)
    assert caller.post(f"{path}/regenerate-secret")["secret"] != hook["secret"]
    assert [h["id"] for h in caller.get("/accounts/101/webhooks")["webhooks"]] == [hook["id"]]
    caller.get("/accounts/101/webhooks-events")
    bad = {"url": "ftp://x", "events": ["moon-phase"]}
    refused = caller.post("/accounts/101/webhooks", bad, expect=400)
    assert {p["name"] for p in refused["invalid_params"]} == {"url", "events"}
