"""`python -m dashboard.simulator`: run only the simulated exchange."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import dashboard
from dashboard.simulator.server.faults import parse_faults
from dashboard.simulator.server.run import Options, make_exchange, serve_exchange


def read_options(arguments: list[str]) -> Options:
    """Return the options of a command line; it ends the process where one is wrong."""
    parser = argparse.ArgumentParser(prog="dashboard.simulator", description=__doc__)
    parser.add_argument("--version", action="version", version=dashboard.__version__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--projects", type=int, default=4)
    parser.add_argument("--groups", type=int, default=100, help="in each project")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, help="simulated seconds per second; default 1")
    parser.add_argument("--history-days", type=float, default=14)
    parser.add_argument(
        "--world",
        choices=("troubled", "team", "calm"),
        default="troubled",
        help="every trouble there is, an ordinary team's field, or one without troubles",
    )
    parser.add_argument("--client-id")
    parser.add_argument("--client-secret")
    parser.add_argument("--state", type=Path, help="file that keeps the world over restarts")
    parser.add_argument("--faults", default="", help="kind:rate=0.1,operation=get_*;kind:…")
    options = parser.parse_args(arguments)
    if (options.client_id is None) != (options.client_secret is None):
        parser.error("--client-id and --client-secret belong together")
    try:
        parse_faults(options.faults)
    except (ValueError, TypeError) as exc:
        parser.error(f"--faults: {exc}")
    return Options(**vars(options))


async def _main(options: Options) -> None:
    exchange = make_exchange(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready(port: int) -> None:
        print(f"simulator ready: http://{options.host}:{port} account 101", flush=True)

    await serve_exchange(exchange, options, stop=stop, ready=ready)


if __name__ == "__main__":
    asyncio.run(_main(read_options(sys.argv[1:])))
