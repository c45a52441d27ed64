"""Somebody else who is quicker: what a person does while a request waits for its answer."""

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

import msgspec

from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import PERSON, SimulatedRequest


@dataclass(slots=True)
class Interruption:
    """A person's own request, made once just before a request of the client is answered.

    It waits for an `operation` (a pattern) on a path with this `group`, after `skip` of them.
    """

    method: str
    path: str
    person: str
    body: object = None
    if_match: str = ""
    operation: str = "*"
    group: str = ""
    skip: int = 0

    def is_due(self, operation: str, path: str) -> bool:
        """Whether it happens before this request; a matching one that is skipped counts."""
        if not fnmatchcase(operation, self.operation) or self.group not in path:
            return False
        self.skip -= 1
        return self.skip < 0

    def ask(self, now: int) -> SimulatedRequest:
        """The person's request."""
        headers = {PERSON: self.person, "authorization": "person", "cint-api-version": "person"}
        if self.if_match:
            headers["if-match"] = self.if_match
        raw = b"" if self.body is None else msgspec.json.encode(self.body)
        return SimulatedRequest(self.method, self.path, {}, headers, raw, now)


def interruption_of(values: Json) -> Interruption:
    """An interruption from its fields; ValueError names what is wrong."""
    if unknown := set(values) - {f.name for f in fields(Interruption)}:
        raise ValueError(f"unknown field of an interruption: {', '.join(sorted(unknown))}")
    return Interruption(**values)
