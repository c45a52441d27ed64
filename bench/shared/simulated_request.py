"""A request of the product's client as the simulated exchange takes it, without a socket."""

from urllib.parse import parse_qs

import httpx

from dashboard.simulator.world.messages import SimulatedRequest


def simulated_request(request: httpx.Request, *, now: int) -> SimulatedRequest:
    """Return the request; `now`: milliseconds of the field's clock at which it counts."""
    query = parse_qs(request.url.query.decode(), keep_blank_values=True)
    headers = dict(request.headers.items())
    return SimulatedRequest(request.method, request.url.path, query, headers, request.read(), now)
