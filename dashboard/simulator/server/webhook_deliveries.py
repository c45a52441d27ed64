"""Webhook deliveries: changes become signed events, sent in order or out of order."""

import asyncio
import hmac
import urllib.error
import urllib.request
from hashlib import sha256
from typing import NamedTuple

import msgspec

from dashboard.simulator.catalogue.clock import rfc3339_stamp
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import ChangelogBatch, SimulatedGroup
from dashboard.simulator.world.world import SimulatedWebhook, World

_SENT_AS = {
    "target-group-updated": "com.cint.target-group.updated",
    "quota-fill-registered": "com.cint.quota-fill.registered",
    "session-updated": "com.cint.session.updated",
}
_TRIES = 3
_TIMEOUT = 5.0


class Manner(NamedTuple):
    """How to deliver: seconds of delay, how often, with another secret, an older signature."""

    delay: float = 0
    times: int = 1
    secret: str | None = None
    age: float = 0


PLAIN = Manner()


def signature_header(secret: str, body: bytes, at: int) -> str:
    """The `Cint-Signature` header of a body at a Unix second; the secret counts as text."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    return f"t={at},v1={signed}"


def cloud_event(kind: str, event_id: str, data: Json, at: int) -> Json:
    """A CloudEvents 1.0 envelope."""
    return {
        "id": event_id,
        "specversion": "1.0",
        "source": "https://api.cint.com/demand",
        "type": _SENT_AS[kind],
        "time": rfc3339_stamp(at),
        "datacontenttype": "application/json",
        "dataschema": f"https://api.cint.com/schemas/{kind}.json",
        "data": data,
    }


def update_data(group: SimulatedGroup, batch: ChangelogBatch) -> Json:
    """The data of a target group's update; old values and reasons stay in the changelog."""
    return {
        "id": batch.id,
        "account_id": group.account_id,
        "project_id": group.project_id,
        "target_group_id": group.id,
        "occurred_at": rfc3339_stamp(batch.at),
        "user": batch.actor.shown(),
        "changes": [{k: c[k] for k in ("object", "new_value") if k in c} for c in batch.changes],
    }


class Deliverer:
    """Turns new changelog entries into deliveries to every webhook that wants them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = {g.id: len(g.changelog) for g in world.groups.values()}
        self.tasks: set[asyncio.Task[None]] = set()

    def look(self) -> None:
        """Send new changelog entries; webhooks that are created later do not get them."""
        for group in self.world.groups.values():
            known = self.seen.get(group.id, 0)
            if len(group.changelog) > known:
                for batch in group.changelog[known:]:
                    self.announce(group, batch)
                self.seen[group.id] = len(group.changelog)

    def announce(self, group: SimulatedGroup, batch: ChangelogBatch, manner: Manner = PLAIN) -> int:
        """Send a batch of changes to every webhook of the account; return their number."""
        hooks = [
            hook
            for hook in self.world.webhooks.values()
            if hook.account_id == group.account_id and "target-group-updated" in hook.events
        ]
        for hook in hooks:
            event = cloud_event(
                "target-group-updated", batch.id, update_data(group, batch), batch.at
            )
            self.send(hook, "target-group-updated", event, manner)
        return len(hooks)

    def send(
        self,
        hook: SimulatedWebhook,
        kind: str,
        event: Json,
        manner: Manner = PLAIN,
    ) -> None:
        """Deliver an event in this manner, and note it in the webhook's history."""
        entry: Json = {
            "id": event["id"],
            "type": kind,
            "payload": event,
            "status": "pending",
            "created_at": rfc3339_stamp(self.world.clock.now()),
        }
        hook.history.append(entry)
        del hook.history[:-2000]
        body = msgspec.json.encode(event)
        signed_at = int(self.world.clock.wall() + manner.delay - manner.age)
        header = signature_header(manner.secret or hook.secret, body, signed_at)
        for _ in range(manner.times):
            task = asyncio.get_running_loop().create_task(
                _deliver(hook.url, body, header, entry, manner.delay)
            )
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def stop(self) -> None:
        """Cancel the deliveries that have not arrived."""
        for task in list(self.tasks):
            task.cancel()


async def _deliver(url: str, body: bytes, header: str, entry: Json, delay: float) -> None:
    """Try a few times, 1, 2 and 4 seconds apart; the entry says how it ended."""
    await asyncio.sleep(delay)
    entry["status"] = "delivering"
    for attempt in range(_TRIES):
        status = await asyncio.to_thread(_post, url, body, header)
        if 200 <= status < 300:
            entry["status"] = "delivered"
            return
        if 400 <= status < 500:
            entry["status"] = "bounced"
            return
        await asyncio.sleep(2**attempt)
    entry["status"] = "undelivered"


def _post(url: str, body: bytes, header: str) -> int:
    """Send one delivery; return its status, 0 without an answer."""
    headers = {"Content-Type": "application/cloudevents+json", "Cint-Signature": header}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0
