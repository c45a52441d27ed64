"""ETags and idempotency keys: what must hold before a change is made."""

from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    stale_refusal,
)
from dashboard.simulator.world.world import World


def if_match(ask: SimulatedRequest, version: int, *, required: bool = True) -> None:
    """Refuse unless `If-Match` names this version: 400 if it is missing, 412 if it is another."""
    etag = ask.headers.get("if-match")
    if etag is None:
        if required:
            raise bad_request("If-Match is missing", [("If-Match", "is required")])
        return
    if etag.strip() not in ("*", f'W/"{version}"', f'"{version}"'):
        raise stale_refusal()


def remembered_answer(
    world: World, ask: SimulatedRequest, operation: str
) -> SimulatedAnswer | None:
    """The answer that this idempotency key got before; 400 if the key is missing or too long."""
    key = ask.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 255:
        raise bad_request(
            "the idempotency key is missing", [("idempotency-key", "must have 1 to 255 characters")]
        )
    return world.remembered.get((operation, f"{ask.path}#{key}"))


def remember_answer(
    world: World, ask: SimulatedRequest, operation: str, answer: SimulatedAnswer
) -> SimulatedAnswer:
    """Keep an answer for the next request with the same idempotency key."""
    world.remembered[operation, f"{ask.path}#{ask.headers['idempotency-key']}"] = answer
    return answer
