"""Which function answers which method and path; a trie, so that 80 routes cost as much as one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from dashboard.simulator.world.messages import Refusal, SimulatedAnswer, SimulatedRequest, not_found
from dashboard.simulator.world.world import World

Handler = Callable[[World, SimulatedRequest], SimulatedAnswer]


class Route(NamedTuple):
    """An operation: its id in the contract, and what answers it."""

    operation_id: str
    method: str
    template: str
    handler: Handler

    @property
    def changes(self) -> bool:
        """Whether a success of it must be remembered over a restart."""
        reading = ("calculate_", "compute_", "suggest_")
        return self.method != "GET" and not self.operation_id.startswith(reading)


ROUTES: dict[str, Route] = {}


@dataclass(slots=True)
class _Node:
    """A step of the trie: the steps below it ("{}" takes any), and what answers here by method."""

    below: dict[str, "_Node"] = field(default_factory=dict)
    methods: dict[str, Route] = field(default_factory=dict)


_TREE = _Node()


def route(operation_id: str, method: str, template: str) -> Callable[[Handler], Handler]:
    """Register the function that answers an operation."""

    def register(handler: Handler) -> Handler:
        new = Route(operation_id, method, template, handler)
        ROUTES[operation_id] = new
        node = _TREE
        for step in template.strip("/").split("/"):
            node = node.below.setdefault("{}" if step[0] == "{" else step, _Node())
        node.methods[method] = new
        return handler

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a request and its path parameters; 404 or 405 refuses."""
    steps = path.strip("/").split("/")
    if steps[0] == "v1":
        steps = steps[1:]
    node = _TREE
    for step in steps:
        below = node.below.get(step) or node.below.get("{}")
        if below is None or not step:
            raise not_found("the address")
        node = below
    if not node.methods:
        raise not_found("the address")
    if method not in node.methods:
        raise Refusal(405, "method_not_allowed_error", f"{method} is not offered here")
    chosen = node.methods[method]
    names = chosen.template.strip("/").split("/")
    params = {n[1:-1]: s for n, s in zip(names, steps, strict=True) if n[0] == "{"}
    return chosen, params
