"""Creates an exchange from options and serves it until it is stopped."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dashboard.simulator.api.routes import find_route
from dashboard.simulator.catalogue.clock import SECOND, SimulatedClock
from dashboard.simulator.server import control, faults
from dashboard.simulator.server.exchange import SimulatedExchange
from dashboard.simulator.server.http import Door
from dashboard.simulator.server.journal import Journal, ask_of
from dashboard.simulator.server.webhook_deliveries import Deliverer
from dashboard.simulator.world.messages import Refusal
from dashboard.simulator.world.world import World, WorldOrigin


@dataclass(frozen=True)
class Options:
    """The command line's options; `speed` None keeps the speed of the state file."""

    host: str = "127.0.0.1"
    port: int = 0
    projects: int = 4
    groups: int = 100
    seed: int = 1
    speed: float | None = None
    history_days: float = 14
    client_id: str | None = None
    client_secret: str | None = None
    state: Path | None = None
    faults: str = ""
    world: str = "troubled"


def make_exchange(options: Options, *, wall: Callable[[], float] = time.time) -> SimulatedExchange:
    """Return an exchange; a state file continues its earlier world."""
    journal = Journal(options.state)
    now = wall()
    lines = journal.lines
    if lines:
        first = lines[0]
        origin = WorldOrigin(**first["origin"])
    else:
        origin = WorldOrigin(
            seed=options.seed,
            projects=options.projects,
            groups=options.groups,
            history_days=options.history_days,
            at=int(now * SECOND),
            kind=options.world,
        )
        speed = 1.0 if options.speed is None else options.speed
        first = {
            "wall": now,
            "speed": speed,
            "origin": {f: getattr(origin, f) for f in WorldOrigin.__slots__},
        }
        journal.write("origin", **first)
    clock = SimulatedClock(wall, float(first["wall"]), origin.at, float(first["speed"]))
    exchange = SimulatedExchange(
        World(origin, clock),
        journal,
        options.client_id,
        options.client_secret,
        faults.parse_faults(options.faults),
    )
    for line in lines[1:]:
        _repeat(exchange, line)
    if options.speed is not None and options.speed != clock.speed:
        clock.move(speed=options.speed)
        journal.write("clock", wall=clock.anchor_wall, field=clock.anchor, speed=clock.speed)
    exchange.world.edits.clear()
    exchange.world.settle(clock.now())
    return exchange


def _repeat(exchange: SimulatedExchange, line: dict[str, object]) -> None:
    """Repeat the change of a journal line at its moment."""
    world = exchange.world
    if line["kind"] == "clock":
        clock = world.clock
        clock.anchor, clock.anchor_wall = int(str(line["field"])), float(str(line["wall"]))
        clock.speed = float(str(line["speed"]))
    elif line["kind"] == "force":
        body, at = line["body"], int(str(line["at"]))
        group = world.groups[str(line["group"])]
        world.catch_up(at)
        world.clock.latest = at
        if isinstance(body, dict):
            control.act(exchange, group, str(line["event"]), body, at)
    elif line["kind"] == "request":
        ask = ask_of(line)
        route, ask.params = find_route(ask.method, ask.path)
        world.clock.latest = ask.now
        try:
            exchange.perform(route, ask)
        except Refusal as refusal:
            raise RuntimeError(f"the state file does not fit: {line}") from refusal


async def serve_exchange(
    exchange: SimulatedExchange,
    options: Options,
    *,
    stop: asyncio.Event,
    ready: Callable[[int], None],
) -> None:
    """Answer requests until `stop` is set; advance the world every second."""
    exchange.deliverer = deliverer = Deliverer(exchange.world)
    door = Door()
    await door.listen(exchange, options.host, options.port)
    ready(door.port)
    living = asyncio.create_task(_live(exchange))
    await stop.wait()
    living.cancel()
    deliverer.stop()
    await door.shut()
    exchange.journal.close()


async def _live(exchange: SimulatedExchange) -> None:
    while True:
        await asyncio.sleep(1)
        exchange.world.settle(exchange.world.clock.now())
        exchange.announce()
