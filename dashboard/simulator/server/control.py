"""The control address: time, faults and forced events, for tests and the demo."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dashboard.simulator.catalogue.clock import read_stamp, rfc3339_stamp
from dashboard.simulator.catalogue.seeded_random import ulid_at
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.projects import project_status
from dashboard.simulator.server.faults import fault_of
from dashboard.simulator.server.interruptions import interruption_of
from dashboard.simulator.server.lag import Chronicle, lag_of
from dashboard.simulator.server.truth import market_truth, settings
from dashboard.simulator.server.webhook_deliveries import Manner, cloud_event
from dashboard.simulator.world import rules
from dashboard.simulator.world.changes import log_changes
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import MARKETPLACE, SYSTEM, SimulatedGroup, Trouble
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    not_found,
)
from dashboard.simulator.world.moves import move_group
from dashboard.simulator.world.respondents import draw_next, settle_and_cut
from dashboard.simulator.world.world import World

if TYPE_CHECKING:
    from dashboard.simulator.server.exchange import SimulatedExchange


def handle_control(exchange: "SimulatedExchange", ask: SimulatedRequest) -> SimulatedAnswer:
    """Answer a request below `/_control`; a change is a POST or DELETE with a JSON body."""
    steps = ask.path.removeprefix("/_control").strip("/").split("/")
    body = ask.json() or {}
    if ask.method == "GET":
        reader = _READERS.get(steps[0])
        if reader is None:
            raise not_found("the control address")
        return json_answer(reader(exchange, steps[1:]))
    if not isinstance(body, dict):
        raise bad_request("the body must be an object")
    writer = _WRITERS.get(f"{ask.method} {steps[0]}")
    if writer is None:
        raise not_found("the control address")
    try:
        return json_answer(writer(exchange, steps[1:], body))
    except (KeyError, ValueError, TypeError, IndexError) as exc:
        raise bad_request(f"{type(exc).__name__}: {exc}") from exc


def read_clock(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """The field's time and speed."""
    clock = exchange.world.clock
    return {"now": rfc3339_stamp(clock.now()), "ms": clock.now(), "speed": clock.speed}


def move_clock(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """`now` (date-time), `advance` (seconds) and `speed`, any of them."""
    clock = exchange.world.clock
    to = read_stamp(body["now"]) if "now" in body else None
    if "advance" in body:
        to = clock.now() + round(float(body["advance"]) * 1000)
    clock.move(to=to, speed=float(body["speed"]) if "speed" in body else None)
    exchange.journal.write("clock", wall=clock.anchor_wall, field=clock.anchor, speed=clock.speed)
    exchange.world.settle(clock.now())
    return read_clock(exchange, [])


def read_faults(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """The faults that are on, with their hits."""
    return {"faults": [fault.shown() for fault in exchange.faults]}


def add_faults(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """Switch on one fault, or several under `faults`."""
    exchange.faults += [fault_of(fault) for fault in body.get("faults", [body])]
    return read_faults(exchange, [])


def clear_faults(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Switch off all faults."""
    exchange.faults.clear()
    exchange.earlier.clear()
    return read_faults(exchange, [])


def read_requests(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """How often each operation was asked for."""
    counts = exchange.world.requests
    return {"total": counts.total(), "operations": dict(counts)}


def read_edits(exchange: "SimulatedExchange", steps: list[str]) -> Json:
    """What was asked to change, accepted or not; below a group's id only its own."""
    edits = exchange.world.edits
    if steps:
        edits = [edit for edit in edits if edit["target_group_id"] == steps[0]]
    return {"edits": edits}


def forget_counts(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Reset the counts of requests and edits."""
    exchange.world.requests.clear()
    exchange.world.edits.clear()
    return {"total": 0}


def read_groups(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """Every group with its project and state."""
    world = exchange.world
    now = world.clock.now()
    world.settle(now)
    groups = [
        {
            "id": g.id,
            "human_readable_id": g.human_id,
            "account_id": g.account_id,
            "project_id": g.project_id,
            "project_status": project_status(world.projects[g.project_id]),
            "status": g.status,
            "pricing_model": g.pricing_model,
            "currency_code": g.currency,
            "cpi": f"{g.cpi:f}",
            "completes": figures_of_group(g, now).counts.completes,
            "goal": g.filling_goal,
            "fielding_run_id": g.run.id if g.run else None,
            "trouble": g.trouble.kind if g.trouble else None,
        }
        for g in world.groups.values()
    ]
    return {"groups": groups}


def force_event(exchange: "SimulatedExchange", steps: list[str], body: Json) -> Json:
    """POST groups/{id}/{event}: make something happen to a group now."""
    group = exchange.world.groups.get(steps[0])
    if group is None:
        raise not_found("the group")
    at = exchange.world.clock.now()
    exchange.world.catch_up(at)
    act(exchange, group, steps[1], body, at)
    exchange.journal.write("force", at=at, group=group.id, event=steps[1], body=body)
    return {"id": group.id, "status": group.status, "completes": group.tally.counts.completes}


def act(
    exchange: "SimulatedExchange", group: SimulatedGroup, event: str, body: Json, at: int
) -> None:
    """Make an event happen to a group, and note it where a chronicle is kept."""
    enact_event(exchange.world, group, event, body, at)
    if exchange.chronicle is not None:
        exchange.chronicle.note({"by": "control", "event": event})


def enact_event(world: World, group: SimulatedGroup, event: str, body: Json, at: int) -> None:
    """Make an event happen to a group; KeyError if there is no such event.

    `move` puts it into another project (`project_id`).
    """
    act = _EVENTS[event] if event != "move" else None
    settle_and_cut(group, at)
    if act is None:
        move_group(world, group, project_id=str(body["project_id"]), at=at, by=SYSTEM)
    else:
        act(group, at, body)
    group.version += 1
    draw_next(group, at)


def _trouble(group: SimulatedGroup, at: int, body: Json) -> None:
    kind = body.get("kind", "stall")
    group.trouble = Trouble(kind, at) if kind in rules.TROUBLES else None


def _heal(group: SimulatedGroup, _at: int, _body: Json) -> None:
    group.trouble = None


def _pause(group: SimulatedGroup, at: int, body: Json) -> None:
    rules.change_status(group, "paused", at=at, by=MARKETPLACE, reason=body.get("reason_code"))


def _status(group: SimulatedGroup, at: int, body: Json) -> None:
    rules.change_status(group, body["status"], at=at, by=SYSTEM, reason=body.get("reason_code"))


def _completes(group: SimulatedGroup, at: int, body: Json) -> None:
    group.tally.move(int(body["add"]), at=at, cpi=group.cpi)


def _hide(group: SimulatedGroup, _at: int, body: Json) -> None:
    group.hidden = bool(body.get("hidden", True))


def _temper(group: SimulatedGroup, _at: int, body: Json) -> None:
    """`loi_seconds`, `incidence_rate`, `drop_off`, `entrants_an_hour`, from now on."""
    temper = group.temper
    temper.loi_seconds = int(body.get("loi_seconds", temper.loi_seconds))
    temper.incidence = float(body.get("incidence_rate", temper.incidence))
    temper.drop = float(body.get("drop_off", temper.drop))
    temper.entrants_an_hour = float(body.get("entrants_an_hour", temper.entrants_an_hour))


def _links(group: SimulatedGroup, _at: int, body: Json) -> None:
    """`left`: so many unused survey links, from now on."""
    group.links_total = group.tally.counts.prescreens + int(body["left"])


def _change(group: SimulatedGroup, at: int, body: Json) -> None:
    log_changes(group, body["changes"], at=at, by=SYSTEM)


_EVENTS: dict[str, Callable[[SimulatedGroup, int, Json], None]] = {
    "trouble": _trouble,
    "stall": lambda group, at, _body: _trouble(group, at, {"kind": "stall"}),
    "heal": _heal,
    "pause": _pause,
    "status": _status,
    "completes": _completes,
    "reconcile": lambda group, at, body: _completes(group, at, {"add": -int(body["count"])}),
    "hide": _hide,
    "temper": _temper,
    "links": _links,
    "log": _change,
}


def switch_re_entry(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """`re_entry`: 200 serves the address, 404 or 405 refuses it; 403 also in drafts.

    `unique_codes`: 200 serves the survey links to the accounts that have them; 403 (as for an
    account without), 404 or 405 refuses them to all. `what_if`: the same of feasibility of launched
    groups. `reconciliation`: 403 refuses the groups with completes that can be reconciled.
    `cpi_digits`: prices are rounded to so many digits; null does not round.
    """
    world = exchange.world
    world.re_entry_status = int(body.get("re_entry", world.re_entry_status))
    world.unique_codes_status = int(body.get("unique_codes", world.unique_codes_status))
    world.what_if_status = int(body.get("what_if", world.what_if_status))
    world.reconciliation_status = int(body.get("reconciliation", world.reconciliation_status))
    digits = body.get("cpi_digits", world.cpi_digits)
    world.cpi_digits = None if digits is None else int(digits)
    return {
        "re_entry": world.re_entry_status,
        "unique_codes": world.unique_codes_status,
        "what_if": world.what_if_status,
        "reconciliation": world.reconciliation_status,
        "cpi_digits": world.cpi_digits,
    }


def read_lag(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """How far reads are behind, null where they are not."""
    return {"lag": None if exchange.lag is None else exchange.lag.shown()}


def set_lag(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """Let reads lag: `low` and `high`, or `replicas` (seconds); `operations`, `spared`, `seed`."""
    lag = lag_of(body)
    open_chronicle(exchange, [], {})
    exchange.lag = lag
    return read_lag(exchange, [])


def end_lag(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Let reads see the present."""
    exchange.lag = None
    return read_lag(exchange, [])


def open_chronicle(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Keep what every group is set to after each change, from now on."""
    if exchange.chronicle is None:
        exchange.world.settle(exchange.world.clock.now())
        exchange.chronicle = Chronicle(exchange.world)
    return {"groups": len(exchange.chronicle.entries)}


def close_chronicle(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Forget the states of the past, and with them the lag."""
    exchange.chronicle = exchange.lag = None
    return {"groups": 0}


def read_chronicle(exchange: "SimulatedExchange", steps: list[str]) -> Json:
    """The states of a group (`chronicle/{id}`) since the chronicle was opened."""
    if exchange.chronicle is None:
        raise not_found("the chronicle")
    exchange.chronicle.note({"by": "exchange"})
    return {"states": exchange.chronicle.shown(steps[0])}


def read_truth(exchange: "SimulatedExchange", steps: list[str]) -> Json:
    """What a group (`truth/{id}`) is set to now, and how its market responds to a price."""
    group = exchange.world.groups.get(steps[0])
    if group is None:
        raise not_found("the group")
    exchange.world.settle(exchange.world.clock.now())
    now = exchange.world.clock.now()
    return {
        "settings": settings(group),
        "run": group.run.id if group.run else None,
        "market": market_truth(group, now),
    }


def read_deliveries(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """Return the number of unfinished webhook deliveries."""
    return {"pending": len(exchange.deliverer.tasks) if exchange.deliverer else 0}


def read_violations(exchange: "SimulatedExchange", _steps: list[str]) -> Json:
    """Return the requests that were refused as violations of the contract."""
    return {"violations": exchange.world.violations}


def interrupt_requests(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """Run a person's request just before one of the client is answered; see `Interruption`."""
    exchange.interruptions.append(interruption_of(body))
    return {"waiting": len(exchange.interruptions)}


def forget_interruptions(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Drop all interruptions."""
    exchange.interruptions.clear()
    return {"waiting": 0}


def revoke_tokens(exchange: "SimulatedExchange", _steps: list[str], _body: Json) -> Json:
    """Revoke every token."""
    exchange.tokens.clear()
    return {"tokens": 0}


def deliver_again(exchange: "SimulatedExchange", _steps: list[str], body: Json) -> Json:
    """Send the `last` changes of a group (`target_group_id`) again.

    `delay` and `age` (of the signature) are seconds, `times` repeats, `reversed` puts the newest
    first, `bad_signature` signs with another secret; `kind` with `data` sends that event instead.
    """
    deliverer = exchange.deliverer
    if deliverer is None:
        raise ValueError("nothing is delivered before the exchange is served")
    secret = "not the secret" if body.get("bad_signature") else None
    manner = Manner(
        float(body.get("delay", 0)), int(body.get("times", 1)), secret, float(body.get("age", 0))
    )
    at = exchange.world.clock.now()
    if "kind" in body:
        event = cloud_event(body["kind"], ulid_at(at, body["kind"]), body.get("data", {}), at)
        hooks = [h for h in exchange.world.webhooks.values() if body["kind"] in h.events]
        for hook in hooks:
            deliverer.send(hook, body["kind"], event, manner)
        return {"sent": len(hooks)}
    group = exchange.world.groups[body["target_group_id"]]
    batches = group.changelog[-int(body.get("last", 1)) :]
    if body.get("reversed"):
        batches = batches[::-1]
    sent = 0
    for place, batch in enumerate(batches):
        later = manner._replace(delay=manner.delay + place / 5)
        sent += deliverer.announce(group, batch, later)
    return {"sent": sent}


_READERS: dict[str, Callable[["SimulatedExchange", list[str]], Json]] = {
    "clock": read_clock,
    "faults": read_faults,
    "requests": read_requests,
    "edits": read_edits,
    "groups": read_groups,
    "lag": read_lag,
    "chronicle": read_chronicle,
    "truth": read_truth,
    "deliveries": read_deliveries,
    "violations": read_violations,
}
_WRITERS: dict[str, Callable[["SimulatedExchange", list[str], Json], Json]] = {
    "POST clock": move_clock,
    "POST faults": add_faults,
    "DELETE faults": clear_faults,
    "DELETE requests": forget_counts,
    "POST groups": force_event,
    "POST switches": switch_re_entry,
    "POST lag": set_lag,
    "DELETE lag": end_lag,
    "POST chronicle": open_chronicle,
    "DELETE chronicle": close_chronicle,
    "POST interruptions": interrupt_requests,
    "DELETE interruptions": forget_interruptions,
    "POST webhooks": deliver_again,
    "DELETE tokens": revoke_tokens,
}
