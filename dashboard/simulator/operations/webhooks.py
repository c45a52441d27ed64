"""Webhooks: subscriptions, their secrets, and what was delivered."""

import base64
from hashlib import blake2b

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.preconditions import if_match
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import read_stamp, rfc3339_stamp
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    empty_answer,
    etag_header,
    json_answer,
    not_found,
)
from dashboard.simulator.world.world import SimulatedWebhook, World

_HOOKS = "/accounts/{account_id}/webhooks"
_HOOK = f"{_HOOKS}/{{webhook_id}}"
EVENTS = ("target-group-updated", "quota-fill-registered", "session-updated")


def _shown(hook: SimulatedWebhook, *, secret: bool = False) -> Json:
    body: Json = {
        "id": hook.id,
        "url": hook.url,
        "events": hook.events,
        "created_at": rfc3339_stamp(hook.created_at),
        "updated_at": rfc3339_stamp(hook.updated_at),
    }
    return body | ({"secret": hook.secret} if secret else {})


def _secret(world: World) -> str:
    """A new secret; the same after a restart that repeats what was done."""
    world.ids_created += 1
    text = f"{world.origin.seed}/{world.origin.at}/secret/{world.ids_created}".encode()
    return base64.b64encode(blake2b(text, digest_size=32).digest()).decode()


def _hook(world: World, ask: SimulatedRequest) -> SimulatedWebhook:
    hook = world.webhooks.get(ask.params["webhook_id"])
    if hook is None or hook.account_id != ask.account_id:
        raise not_found("the webhook")
    return hook


def _check_version(ask: SimulatedRequest, hook: SimulatedWebhook) -> None:
    """An old version is refused with 400: the contract has no 412 here."""
    try:
        if_match(ask, hook.version, required=False)
    except Refusal as refusal:
        raise bad_request(refusal.detail, [("If-Match", "names an old version")]) from refusal


def _url(check: ValueCheck, *, required: bool) -> str | None:
    value = check.get("url", required=required)
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        check.fault("url", "must be an http or https address")
        return None
    return value


def _events(check: ValueCheck, *, required: bool) -> list[str] | None:
    value = check.get("events", required=required)
    if value is None:
        return None
    if not isinstance(value, list) or not value or set(map(str, value)) - set(EVENTS):
        check.fault("events", f"must be some of {', '.join(EVENTS)}")
        return None
    return list(value)


@route("get_webhook_events", "GET", "/accounts/{account_id}/webhooks-events")
def get_webhook_events(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Kinds of events that can be subscribed to."""
    return json_answer({"events": list(EVENTS)})


@route("get_webhooks", "GET", _HOOKS)
def get_webhooks(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The account's webhooks, without their secrets."""
    hooks = [h for h in world.webhooks.values() if h.account_id == ask.account_id]
    page, more, _cursor = cut_page(ask, hooks, lambda h: h.id, size=page_size(ask))
    return json_answer({"webhooks": [_shown(h) for h in page], "has_more": more})


@route("create_webhook", "POST", _HOOKS)
def create_webhook(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A new webhook; its secret is sent only here and when it is renewed."""
    check = ValueCheck.of_request(ask)
    url, events = _url(check, required=True), _events(check, required=True)
    check.done()
    hook = SimulatedWebhook(
        id=world.new_id(ask.now),
        account_id=ask.account_id,
        url=url or "",
        events=events or [],
        secret=_secret(world),
        created_at=ask.now,
        updated_at=ask.now,
    )
    world.webhooks[hook.id] = hook
    return json_answer(_shown(hook, secret=True), status=201)


@route("get_webhook", "GET", _HOOK)
def get_webhook(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A webhook with its ETag."""
    hook = _hook(world, ask)
    return json_answer(_shown(hook), headers=etag_header(hook.version))


@route("update_webhook", "PUT", _HOOK)
def update_webhook(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Change the address or the events of a webhook."""
    hook = _hook(world, ask)
    _check_version(ask, hook)
    check = ValueCheck.of_request(ask)
    url, events = _url(check, required=False), _events(check, required=False)
    check.done()
    hook.url, hook.events = url or hook.url, events or hook.events
    hook.version += 1
    hook.updated_at = ask.now
    return json_answer(_shown(hook), headers=etag_header(hook.version))


@route("delete_webhook", "DELETE", _HOOK)
def delete_webhook(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """End a subscription."""
    hook = _hook(world, ask)
    _check_version(ask, hook)
    del world.webhooks[hook.id]
    return empty_answer(204)


@route("regenerate_webhook_secret", "POST", f"{_HOOK}/regenerate-secret")
def regenerate_webhook_secret(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A new secret; the old one signs nothing more."""
    hook = _hook(world, ask)
    hook.secret = _secret(world)
    hook.version += 1
    hook.updated_at = ask.now
    return json_answer(_shown(hook, secret=True))


@route("list_webhook_events_history", "GET", f"{_HOOK}/events-history")
def list_webhook_events_history(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """What was sent to a webhook since this process began, by state, kind and time."""
    hook = _hook(world, ask)
    try:
        start = read_stamp(ask.query_value("start_time") or "")
        end = read_stamp(ask.query_value("end_time") or rfc3339_stamp(ask.now))
    except ValueError as exc:
        raise bad_request(
            "the times are unreadable", [("start_time", "must be an RFC 3339 date-time")]
        ) from exc
    states, kinds = ask.query.get("delivery_status", []), ask.query.get("type", [])
    events = [
        event
        for event in hook.history
        if start <= read_stamp(event["created_at"]) <= end
        and (not states or event["status"] in states)
        and (not kinds or event["type"] in kinds)
    ]
    if ask.query_value("created_at_sort_order") == "desc":
        events.reverse()
    page, _more, cursor = cut_page(ask, events, lambda e: str(e["id"]), size=page_size(ask))
    return json_answer({"events": list(page), "next_cursor": cursor})
