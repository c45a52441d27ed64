"""Requests, answers and refusals, without the bytes of HTTP."""

import uuid
from dataclasses import dataclass, field

import msgspec

from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.seeded_random import uuid_of
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import Actor

Headers = dict[str, str]
PERSON = "x-person"  # a header of the simulator: the id of a user who acts at the exchange itself


@dataclass(slots=True)
class SimulatedAnswer:
    """A status, a body in bytes and the headers beyond the usual ones."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=dict)


class Refusal(Exception):
    """The exchange says no: a status, a kind, a sentence and the fields at fault."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        invalid: list[tuple[str, str]] | None = None,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.invalid, self.headers = invalid, headers or {}

    def answer(self) -> SimulatedAnswer:
        """The refusal as the contract's Error."""
        body: Json = {"id": str(uuid.uuid4()), "object": self.kind, "detail": self.detail}
        if self.invalid is not None:
            body["invalid_params"] = [{"name": n, "reason": r} for n, r in self.invalid]
        if self.status == 429:
            body = {"object": "too_many_requests_problem_details", "details": self.detail}
        return json_answer(body, status=self.status, headers=self.headers)


@dataclass(slots=True)
class SimulatedRequest:
    """A request with the moment at which it counts; header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Headers
    body: bytes
    now: int
    params: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> int:
        return int(self.params["account_id"])

    @property
    def is_person(self) -> bool:
        """Whether a person at the exchange asks, not the service client."""
        return PERSON in self.headers

    @property
    def actor(self) -> Actor:
        """Who asks, as the changelog names it: the account's service client, or a person."""
        client = ACCOUNTS[self.account_id].service_clients[0].id
        return Actor("las_user", self.headers.get(PERSON, client))

    def json(self) -> object:
        """The decoded body; refused with 400 if it is not JSON, None if there is none."""
        if not self.body:
            return None
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as exc:
            raise bad_request("the body is not JSON", [("body", "must be JSON")]) from exc

    def query_value(self, name: str) -> str | None:
        """The last value of a query parameter, None where it is missing."""
        values = self.query.get(name)
        return values[-1] if values else None


def json_answer(
    body: object, *, status: int = 200, headers: Headers | None = None
) -> SimulatedAnswer:
    """An answer with a JSON body."""
    return SimulatedAnswer(
        status, msgspec.json.encode(body), {"Content-Type": "application/json", **(headers or {})}
    )


def empty_answer(status: int = 204, headers: Headers | None = None) -> SimulatedAnswer:
    """An answer without a body."""
    return SimulatedAnswer(status, b"", headers or {})


def etag_header(version: int) -> Headers:
    """The ETag header of a version."""
    return {"ETag": f'W/"{version}"'}


def bad_request(detail: str, invalid: list[tuple[str, str]] | None = None) -> Refusal:
    """400 with the fields at fault."""
    return Refusal(400, "bad_request_error", detail, invalid)


def not_found(name: str) -> Refusal:
    """404 for something that is not there, or not for this account."""
    return Refusal(404, "not_found_error", f"{name} was not found")


def wrong_state(detail: str) -> Refusal:
    """422 for an action that the state does not allow."""
    return Refusal(422, "invalid_state_error", detail)


def stale_refusal() -> Refusal:
    """412: the resource was changed since it was read."""
    return Refusal(412, "precondition_failed_error", "the resource has another version by now")


def trace_headers(ask: SimulatedRequest) -> Headers:
    """Trace headers that follow from the request, as the contract has them on many answers."""
    number = uuid_of(ask.now, ask.path).replace("-", "")
    return {"traceparent": f"00-{number}-{number[:16]}-01", "tracestate": "sim=1"}
