"""One simulated exchange: who may ask, what is answered, what is remembered, what goes wrong."""

import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from dashboard.simulator import operations
from dashboard.simulator.api.routes import Route, find_route
from dashboard.simulator.server import control
from dashboard.simulator.server.faults import PLAYED, Fault, answer_instead, spoiled_answer
from dashboard.simulator.server.interruptions import Interruption
from dashboard.simulator.server.journal import Journal
from dashboard.simulator.server.lag import Chronicle, Lag
from dashboard.simulator.server.webhook_deliveries import Deliverer
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
)
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.world import World, known_account

__all__ = ["Played", "SimulatedExchange", "operations"]


@dataclass(slots=True)
class Played:
    """An answer, and the fault that the server plays on the socket while giving it."""

    answer: SimulatedAnswer
    fault: Fault | None = None


@dataclass
class SimulatedExchange:
    """A world behind its doors."""

    world: World
    journal: Journal
    client_id: str | None = None
    client_secret: str | None = None
    faults: list[Fault] = field(default_factory=list)
    tokens: dict[str, float] = field(default_factory=dict)
    earlier: dict[str, SimulatedAnswer] = field(default_factory=dict)
    deliverer: Deliverer | None = None
    lag: Lag | None = None
    chronicle: Chronicle | None = None
    interruptions: list[Interruption] = field(default_factory=list)
    inspect: Callable[[str, SimulatedRequest], list[str]] | None = None

    def respond(self, ask: SimulatedRequest) -> Played:
        """The answer to a request; never raises for anything that a client can send."""
        try:
            if ask.path.startswith("/_control"):
                return Played(self._control(ask))
            if ask.path.removeprefix("/v1") == "/oauth/token":
                return Played(self._token(ask))
            return self._api(ask)
        except Refusal as refusal:
            return Played(refusal.answer())
        except Exception:  # the client must see a 500 rather than silence; the cause goes to stderr
            traceback.print_exc()
            return Played(Refusal(500, "internal_error", "the simulator failed").answer())

    def _api(self, ask: SimulatedRequest) -> Played:
        try:
            route, ask.params = find_route(ask.method, ask.path)
        except Refusal:
            self._admit(ask)
            raise
        if ask.is_person:  # a person at the exchange itself: faults hit only the client
            return Played(self._answer(route, ask))
        name = route.operation_id
        self.world.requests[name] += 1
        self._interrupt(name, ask.path)
        fault = next((f for f in self.faults if f.strikes(name, ask.path)), None)
        if fault is not None:
            if (answer := answer_instead(fault, self.world.clock.wall())) is not None:
                return Played(answer)
            if fault.kind in ("reset", "hang"):
                return Played(SimulatedAnswer(200), fault)
            if fault.kind in ("repeat_cursor", "endless"):
                ask.query.pop("start_after", None)
        answer = self._answer(route, ask)
        if fault is None:
            if any(f.kind == "stale" for f in self.faults):
                self.earlier[ask.path] = answer
            return Played(answer)
        answer = spoiled_answer(fault, answer, self.earlier.get(ask.path))
        return Played(answer, fault if fault.kind in PLAYED else None)

    def _answer(self, route: Route, ask: SimulatedRequest) -> SimulatedAnswer:
        try:
            self._admit(ask)
            self._examine(route, ask)
            answer = self.perform(route, ask)
        except Refusal as refusal:
            answer = refusal.answer()
        if ask.method != "GET":
            self._log_edit(route, ask, answer.status)
            if route.changes and answer.status < 300:
                self.journal.write_request(ask)
                self.announce()
        return answer

    def announce(self) -> None:
        """Send new changes to webhooks, once the exchange is being served."""
        if self.deliverer is not None:
            self.deliverer.look()

    def perform(self, route: Route, ask: SimulatedRequest) -> SimulatedAnswer:
        """Return the operation's own answer to an admitted request."""
        self.world.catch_up(ask.now)
        if self.chronicle is None:
            return route.handler(self.world, ask)
        return self._perform_on_record(self.chronicle, route, ask)

    def _perform_on_record(
        self, chronicle: Chronicle, route: Route, ask: SimulatedRequest
    ) -> SimulatedAnswer:
        """Answer a read as far behind as the lag is; note what a write changed, and why."""
        if group := self.world.groups.get(ask.params.get("target_group_id", "")):
            settle_group(group, ask.now)
        chronicle.note({"by": "exchange"})
        if not route.changes:
            behind = self.lag.draw(route.operation_id) if self.lag and not ask.is_person else 0
            return route.handler(chronicle.past(behind) if behind else self.world, ask)
        answer = route.handler(self.world, ask)
        cause = {"operation": route.operation_id, "body": ask.body.decode(errors="replace")}
        chronicle.note({"by": "person" if ask.is_person else "client", **cause})
        return answer

    def _interrupt(self, operation: str, path: str) -> None:
        """Run the interruptions that are due before this request."""
        for interruption in [i for i in self.interruptions if i.is_due(operation, path)]:
            self.interruptions.remove(interruption)
            self.respond(interruption.ask(self.world.clock.now()))

    def _examine(self, route: Route, ask: SimulatedRequest) -> None:
        """Refuse what the contract does not allow, if `inspect` is set."""
        if self.inspect is None or ask.is_person:
            return
        if reasons := self.inspect(route.operation_id, ask):
            violation = {"operation": route.operation_id, "path": ask.path, "reasons": reasons}
            self.world.violations.append(violation | {"body": ask.body.decode(errors="replace")})
            raise bad_request("the contract does not allow this", [("body", r) for r in reasons])

    def _log_edit(self, route: Route, ask: SimulatedRequest, status: int) -> None:
        self.world.edits.append(
            {
                "operation": route.operation_id,
                "method": ask.method,
                "path": ask.path,
                "target_group_id": ask.params.get("target_group_id"),
                "body": ask.body.decode(errors="replace"),
                "status": status,
                "at": ask.now,
                "by": "person" if ask.is_person else "client",
                "key": ask.headers.get("idempotency-key", ""),
            }
        )
        del self.world.edits[:-5000]

    def _admit(self, ask: SimulatedRequest) -> None:
        """Refuse who has no credentials (401), no version (400) or no business here (403)."""
        token = ask.headers.get("authorization", "").removeprefix("Bearer ").strip()
        needs_token = self.client_id is not None
        if not token or (needs_token and self.tokens.get(token, 0) < self.world.clock.wall()):
            raise Refusal(401, "unauthorized_error", "the credentials are missing or not valid")
        if not ask.headers.get("cint-api-version"):
            raise bad_request("the API version is missing", [("Cint-API-Version", "is required")])
        account = ask.params.get("account_id")
        if account is not None and not known_account(account):
            raise Refusal(403, "forbidden_error", "the account is not yours")

    def _token(self, ask: SimulatedRequest) -> SimulatedAnswer:
        """A token for client credentials, valid for a day of real time."""
        if ask.method != "POST":
            raise Refusal(405, "method_not_allowed_error", "tokens are made with POST")
        body = ask.json()
        if not isinstance(body, dict) or body.get("grant_type") != "client_credentials":
            raise bad_request("the grant type must be client_credentials")
        expected = (self.client_id, self.client_secret)
        if self.client_id and (body.get("client_id"), body.get("client_secret")) != expected:
            raise Refusal(401, "unauthorized_error", "the client is unknown")
        token = secrets.token_urlsafe(32)
        self.tokens[token] = self.world.clock.wall() + 86_400
        return json_answer(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 86_400,
                "scope": body.get("lucid_scopes", ""),
            }
        )

    def _control(self, ask: SimulatedRequest) -> SimulatedAnswer:
        answer = control.handle_control(self, ask)
        self.announce()
        return answer
