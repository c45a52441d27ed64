"""An exchange that keeps whole objects of one group exactly as they are sent, over real HTTP.

What a request leaves out is gone, as the contract has it; what it adds is kept, whatever it is.
Every request is checked against the contract.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.contract import validate
from tests.fakes.canned_exchange import Exchange, Reply

Json = dict[str, Any]
RE_ENTRY = "re-entry-configuration"
_NAMES = {
    "": "draft",
    "/details": "details",
    "/fielding-assistant-assignment": "assistant",
    f"/{RE_ENTRY}": "re_entry",
    "/fielding-runs/run-1": "run",
}


@dataclass
class WholeExchange(Exchange):
    """`held`: objects by kind, as they are answered. `puts`: every request that was taken.

    `overtaken`: each called once instead of taking a PUT, as somebody else who is faster: 412.
    `late`: answers that are given first, of a copy that lags behind.
    """

    held: dict[str, Json] = field(default_factory=dict)
    puts: list[tuple[str, Json]] = field(default_factory=list)
    overtaken: list[Callable[[], object]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    late: dict[str, list[Json]] = field(default_factory=dict)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """One of the whole objects, or whatever any exchange answers."""
        found = re.fullmatch(r"/demand/accounts/101/projects/\w+/target-groups/\w+(/.*)?", path)
        name = _NAMES.get((found[1] or "") if found else "?")
        if method == "GET" and name in self.held:
            self.log.append((method, path))
            return 200, self.late[name].pop() if self.late.get(name) else self.held[name]
        if method == "GET" and found and found[1] == "/fielding-runs":
            return 200, {"data": [self.held["run"]], "has_more": False}
        if method != "PUT" or name not in self.held:
            return super().reply(method, path, body)
        self.log.append((method, path))
        return self._put(name, path, body)

    def _put(self, name: str, path: str, body: Json) -> Reply:
        self._check(path, body)
        if self.overtaken:
            self.overtaken.pop()()
            return 412, {"object": "precondition_failed_error", "detail": "it was changed"}
        self.puts.append((name, copy.deepcopy(body)))
        self.keep(name, body)
        if name in ("draft", "assistant"):
            return 204, ""
        return 200, {"id": "run-1"} if name == "run" else self.held[name]

    def _check(self, path: str, body: Json) -> None:
        if path.endswith(RE_ENTRY):
            return
        operation = validate.operation_at("PUT", path)
        assert operation is not None
        try:
            headers = {"Cint-API-Version": validate.VERSION, "If-Match": 'W/"1"'}
            validate.validate_request(
                operation.id, path=path, method="PUT", headers=headers, body=body
            )
        except validate.ContractError as exc:
            self.wrong.append(str(exc))

    def keep(self, name: str, body: Json) -> None:
        """An object as a request has it."""
        self.held[name] = kept(name, body)


def kept(name: str, body: Json) -> Json:
    """How an object is answered that was sent so."""
    make = {"draft": draft, "details": details, "run": run}.get(name, copy.deepcopy)
    return make(body)


def draft(body: Json) -> Json:
    """The answer with a draft that was sent so."""
    answer = {name: value for name, value in copy.deepcopy(body).items() if value is not None}
    pricing = (answer["fielding_assistant_assignment"].get("pricing") or {}).get("type")
    answer |= {
        "human_readable_id": "T000001",
        "pricing_model": "rate_card" if pricing == "rate_card" else "dynamic",
        "created_at": "2026-11-06T09:00:00.000Z",
        "links": {"test_client_survey": "https://example.com/try"},
        "business_unit_id": int(answer["business_unit_id"]),
        "allocations": _allocations(answer["allocations"]),
    }
    for name in ("cost_per_interview", "client_cost_per_interview_note"):
        if name in answer:
            answer[name]["currency_scale"] = 2
    if profiling := answer.get("profiling"):
        for number, profile in enumerate(profiling["profiles"]):
            _profile(profile, number, answer["completes_goal"])
    return answer


def _allocations(shares: Json) -> Json:
    opened, private = (shares.pop(f"{name}_exchange_allocations") for name in ("open", "private"))
    for part in (opened, private):
        part["blocked_suppliers"] = _suppliers(part.pop("blocked_supplier_ids"))
    opened["exchange_suppliers"] = _suppliers(["11", "12"])
    for group in opened["groups"]:
        group["suppliers"] = _suppliers(group["suppliers"])
    for group in private["groups"]:
        group["supplier"] = _suppliers([group.pop("supplier_id")])[0]
    return shares | {
        "open_exchange_allocations": opened,
        "private_exchange_allocations": private,
    }


def _suppliers(ids: list[str]) -> list[Json]:
    return [{"id": int(one), "name": f"Supplier {one}"} for one in ids]


def _profile(profile: Json, number: int, goal: int) -> None:
    profile |= {"id": f"profile-{number}", "description": "Who?"}
    profile.setdefault("name", f"Profile {number}")
    for place, target in enumerate(profile["targets"]):
        target |= {"id": f"target-{number}-{place}", "text": f"Answer {place}"}
        target.pop("object", None)
        for condition in target["conditions"]:
            condition["condition_name"] = "A name"
        if quota := target.get("quota"):
            share = quota.get("completes_goal_percentage")
            many = quota.get("completes_goal", 0) if share is None else int(goal * share / 100)
            quota |= {"quota_nominal": many, "completes_goal": many}
            quota.setdefault("completes_goal_percentage", 0)


def details(body: Json) -> Json:
    """The answer with details that were sent so."""
    answer = {name: value for name, value in copy.deepcopy(body).items() if value is not None}
    if note := answer.get("client_cost_per_interview_note"):
        note["currency_scale"] = 2
    return answer | {
        "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "human_readable_id": "T000001",
        "account_name": "Research",
        "business_unit_id": "7",
        "study_type_code": "adhoc",
        "industry_code": "other",
        "locale": "ger_de",
        "completes_goal": 200,
        "collects_pii": False,
        "created_at": "2026-11-06T09:00:00.000Z",
        "links": {"test_screener": "https://example.com/try"},
    }


def run(body: Json) -> Json:
    """The answer with a run that was sent so."""
    return copy.deepcopy(body) | {"id": "run-1", "status": "live", "version": 1}
