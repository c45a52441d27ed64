"""Faults on demand: which request is hit is drawn from a seed, what happens to it from the kind."""

import gzip
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from email.utils import formatdate
from fnmatch import fnmatchcase
from random import Random

import msgspec

from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import SimulatedAnswer

HTML = b"<html><body><h1>Bad gateway</h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One fault that is switched on.

    `rate` is the share of matching requests that it hits, `count` how many it hits before it
    is over, `value` a number of seconds or a variant, `group` limits it to paths with this id.
    """

    kind: str
    rate: float = 1.0
    operation: str = "*"
    seed: int = 1
    count: int | None = None
    value: str = ""
    group: str = ""
    hits: int = 0
    chance: Random = field(default_factory=Random, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind}; known are {', '.join(sorted(KINDS))}")
        self.chance = Random(self.seed)

    def strikes(self, operation: str, path: str) -> bool:
        """Whether this request is hit; each hit counts."""
        if self.count is not None and self.hits >= self.count:
            return False
        if not fnmatchcase(operation, self.operation) or self.group not in path:
            return False
        if self.chance.random() >= self.rate:
            return False
        self.hits += 1
        return True

    def seconds(self, default: float) -> float:
        """The value as a number of seconds."""
        return float(self.value) if self.value else default

    def shown(self) -> Json:
        """The fault as the control address shows it."""
        return {k: v for k, v in asdict(self).items() if k != "chance"}


def parse_faults(spec: str) -> list[Fault]:
    """Faults of a text such as `http_429:rate=0.1,value=2;slow:operation=get_list*,value=3`."""
    return [fault_of(_words(part)) for part in spec.split(";") if part.strip()]


def fault_of(values: Json) -> Fault:
    """A fault from its fields; ValueError names what is wrong."""
    known = {f.name for f in fields(Fault)} - {"hits", "chance"}
    if unknown := set(values) - known:
        raise ValueError(f"unknown field of a fault: {', '.join(sorted(unknown))}")
    typed = dict(values)
    for name, kind in (("rate", float), ("seed", int), ("count", int)):
        if typed.get(name) is not None:
            typed[name] = kind(typed[name])
    if "value" in typed:
        typed["value"] = str(typed["value"])
    return Fault(**typed)


def _words(part: str) -> Json:
    kind, _, rest = part.strip().partition(":")
    pairs = (pair.partition("=") for pair in rest.split(",") if pair)
    return {"kind": kind} | {name.strip(): value.strip() for name, _, value in pairs}


def answer_instead(fault: Fault, now: float) -> SimulatedAnswer | None:
    """The answer that this fault gives in place of the operation; None if it gives none."""
    if not fault.kind.startswith("http_"):
        return None
    status = int(fault.kind.removeprefix("http_"))
    if status == 429:
        body = {"object": "too_many_requests_problem_details", "details": "too many requests"}
        return _error(status, body, {"Retry-After": _retry_after(fault.value or "1", now)})
    if status == 301:
        return SimulatedAnswer(301, b"", {"Location": fault.value or "/v1/accounts"})
    if status == 502:
        return SimulatedAnswer(502, HTML, {"Content-Type": "text/html"})
    return _error(status, {"object": "simulated_error", "detail": f"simulated {status}"}, {})


def _retry_after(value: str, now: float) -> str:
    if value.startswith("date"):
        ahead = float(value.removeprefix("date") or 2)
        return formatdate(now + ahead, usegmt=True)
    return {"past": formatdate(now - 3600, usegmt=True), "garbage": "soon"}.get(value, value)


def _error(status: int, body: Json, headers: dict[str, str]) -> SimulatedAnswer:
    return SimulatedAnswer(
        status, msgspec.json.encode(body), {"Content-Type": "application/json"} | headers
    )


def spoiled_answer(
    fault: Fault, answer: SimulatedAnswer, earlier: SimulatedAnswer | None
) -> SimulatedAnswer:
    """The operation's answer as this fault spoils it."""
    if fault.kind in _BYTES:
        return _BYTES[fault.kind](fault, answer)
    if fault.kind == "stale":
        return earlier or answer
    if fault.kind in _BODIES and answer.status < 300 and answer.body:
        body = msgspec.json.decode(answer.body)
        _BODIES[fault.kind](fault, body)
        return SimulatedAnswer(answer.status, msgspec.json.encode(body), answer.headers)
    return answer


def _cut(_fault: Fault, answer: SimulatedAnswer) -> SimulatedAnswer:
    return SimulatedAnswer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)


def _html(_fault: Fault, _answer: SimulatedAnswer) -> SimulatedAnswer:
    return SimulatedAnswer(200, HTML, {"Content-Type": "text/html"})


def _bomb(fault: Fault, answer: SimulatedAnswer) -> SimulatedAnswer:
    megabytes = int(fault.seconds(200))
    squeezed = gzip.compress(b" " * (1 << 20) * megabytes, 6)
    return SimulatedAnswer(200, squeezed, answer.headers | {"Content-Encoding": "gzip"})


_NO_TEXT = {"emoji": rb"\ud83d", "utf8": b"\xe2\x82", "nul": rb"\u0000"}
_NAME = re.compile(rb'("name":"[^"\\]*)"')


def _bad_text(fault: Fault, answer: SimulatedAnswer) -> SimulatedAnswer:
    """Ends the first name of an answer in half an emoji, a cut letter or a NUL."""
    bad = _NO_TEXT[fault.value or "emoji"]
    body = _NAME.sub(lambda name: name[1] + bad + b'"', answer.body, count=1)
    return SimulatedAnswer(answer.status, body, answer.headers)


def _packed(fault: Fault, answer: SimulatedAnswer) -> SimulatedAnswer:
    """Packs an answer in a way that is right and rare: `members`, `bom`, or a name of gzip."""
    body, half = answer.body, len(answer.body) // 2
    if fault.value == "bom":
        return SimulatedAnswer(answer.status, b"\xef\xbb\xbf" + body, answer.headers)
    parts = [body[:half], body[half:]] if fault.value == "members" else [body]
    name = "gzip" if fault.value == "members" else fault.value or "GZIP"
    headers = answer.headers | {"Content-Encoding": name}
    return SimulatedAnswer(answer.status, b"".join(map(gzip.compress, parts)), headers)


def _skewed(fault: Fault, answer: SimulatedAnswer) -> SimulatedAnswer:
    """The server adds a date only where there is none; the skew travels in a header of ours."""
    return SimulatedAnswer(
        answer.status, answer.body, answer.headers | {"x-skew": fault.value or "600"}
    )


def _items(body: object) -> list[Json]:
    """The objects of the list that an answer carries, or the answer itself."""
    if isinstance(body, dict):
        for value in body.values():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return value
        return [body]
    return []


def _wrong_shape(fault: Fault, body: object) -> None:
    for item in _items(body)[:1]:
        item[fault.value or _longest(item)] = {"not": ["what", "was", "promised"]}


def _null_field(fault: Fault, body: object) -> None:
    for item in _items(body)[:1]:
        item[fault.value or _longest(item)] = None


def _missing_field(fault: Fault, body: object) -> None:
    for item in _items(body)[:1]:
        item.pop(fault.value or _longest(item), None)


def _longest(item: Json) -> str:
    """The field that weighs most in an item: its statistics, most often."""
    return max(item, key=lambda name: len(str(item[name])))


def _unknown_enum(fault: Fault, body: object) -> None:
    for item in _items(body)[:1]:
        for name in ("status", "filling_strategy", "pricing_model", "object"):
            if name in item:
                item[name] = fault.value or "hibernating"
        for change in item.get("changes", [])[:1]:
            change["object"] = fault.value or "mood_change"


def _unknown_field(_fault: Fault, body: object) -> None:
    for item in _items(body):
        item["field_of_tomorrow"] = {"value": 42}


def _repeat_cursor(_fault: Fault, body: object) -> None:
    if isinstance(body, dict):
        body["has_more"], body["next_cursor"] = True, "QUJD"


def _endless(_fault: Fault, body: object) -> None:
    if isinstance(body, dict):
        body |= {name: [] for name, value in body.items() if isinstance(value, list)}
        body["has_more"] = True
        body["next_cursor"] = f"ZW1wdHk{id(body) % 100_000}"


def _missing_group(fault: Fault, body: object) -> None:
    items = _items(body)
    if isinstance(body, dict) and items and items[0] is not body:
        removed = [i for i in items if i.get("id") == fault.value] if fault.value else items[:1]
        for item in removed:
            items.remove(item)


_Body = Callable[[Fault, object], None]
_BODIES: dict[str, _Body] = {
    "wrong_shape": _wrong_shape,
    "null_field": _null_field,
    "missing_field": _missing_field,
    "unknown_enum": _unknown_enum,
    "unknown_field": _unknown_field,
    "repeat_cursor": _repeat_cursor,
    "endless": _endless,
    "missing_group": _missing_group,
}
_BYTES: dict[str, Callable[[Fault, SimulatedAnswer], SimulatedAnswer]] = {
    "truncated": _cut,
    "html": _html,
    "bomb": _bomb,
    "skew": _skewed,
    "bad_text": _bad_text,
    "packed": _packed,
}
PLAYED = ("reset", "lost_answer", "hang", "trickle", "slow", "short_body")
KINDS = {
    *(f"http_{s}" for s in (301, 400, 401, 403, 404, 405, 412, 422, 429, 500, 502, 503, 504)),
    *_BODIES,
    *_BYTES,
    *PLAYED,
    "stale",
}
