"""Who else is at the exchange: a person who edits there, and the webhooks that tell of it."""

from __future__ import annotations

import json
import queue
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.harness import Simulator
from tests.contract.validate import ContractError, operations, validate_request

Delivery = tuple[dict[str, str], bytes]
COLLEAGUE = ACCOUNTS[101].users[3].id
_SHUT_OUT = [
    {"entity_type": "RID", "entity_ids": ["r-1", "r-2"]},
    {"entity_type": "CID", "entity_ids": ["c-9"]},
]
_EXCLUSIONS = [
    {"type": "project", "id": "01KB00000000000000000000P1", "duration": "P2W"},
    {"type": "target-group", "id": "01KB00000000000000000000T1", "duration": "P3M"},
]
_DETAILS = {
    "name": "name",
    "project_manager_id": "project_manager_id",
    "expected_length_of_interview_minutes": "loi_minutes",
    "expected_incidence_rate": "incidence_rate",
    "industry_lockout_code": "lockout_code",
    "live_url": "live_url",
    "test_url": "test_url",
}


def objections(operation: str, ask: Any) -> list[str]:
    """What the contract has against a request; nothing for operations that it does not name."""
    if operation not in operations():
        return []
    query = {k: v[0] if len(v) == 1 else v for k, v in ask.query.items()}
    try:
        validate_request(
            operation,
            path=ask.path,
            method=ask.method,
            query=query,
            headers=ask.headers,
            body=json.loads(ask.body) if ask.body else None,
        )
    except ContractError as exc:
        return [str(exc)]
    return []


@contextmanager
def letterbox() -> Iterator[tuple[str, queue.Queue[Delivery]]]:
    """An address for webhooks, and what arrived there."""
    arrived: queue.Queue[Delivery] = queue.Queue()

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", arrived
    finally:
        server.shutdown()
        server.server_close()


def ask(simulator: Simulator, method: str, path: str, body: Any) -> Any:
    """The answer to a request of the service client, outside the product."""
    headers = {
        "Authorization": "Bearer key",
        "Cint-API-Version": "2025-12-18",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(  # noqa: S310
        f"{simulator.base_url}/v1{path}",
        data=json.dumps(body).encode(),
        method=method,
        headers=headers,
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def address(row: dict[str, Any]) -> str:
    """The path of a group."""
    return (
        f"/demand/accounts/{row['account_id']}/projects/{row['project_id']}"
        f"/target-groups/{row['id']}"
    )


def interfere(simulator: Simulator, row: dict[str, Any], chance: Random) -> str:
    """A person changes something of a launched group at the exchange itself; what."""
    truth, path = simulator.truth(row["id"]), address(row)
    subject = chance.choice(("price", "strategy", "details", "details", "goal", "run"))
    if subject == "price" and row["pricing_model"] == "dynamic":
        value = f"{chance.randrange(2, 9)}.{chance.randrange(10, 99)}"
        money = {"value": value, "currency_code": row["currency_code"]}
        simulator.act(COLLEAGUE, "PUT", f"{path}/cost-per-interview", {"target_group_cpi": money})
    elif subject == "strategy":
        body = {"filling_strategy": chance.choice(("automated", "prescreens", "completes"))}
        simulator.act(COLLEAGUE, "PUT", f"{path}/filling-strategy", body)
    elif subject == "goal":
        goal = {"completes_goal": truth["filling_goal"] + chance.randrange(5, 40)}
        simulator.act(COLLEAGUE, "PUT", f"{path}/profiles/completes-goal", goal)
    elif subject == "run" and row["status"] in ("live", "paused"):
        action = "pause" if row["status"] == "live" else "resume"
        simulator.act(COLLEAGUE, "POST", f"{path}/fielding-runs/{row['fielding_run_id']}/{action}")
    elif truth["live_url"] and truth["test_url"]:
        simulator.act(COLLEAGUE, "PUT", f"{path}/details", other_details(truth, chance))
    return subject


def other_details(truth: dict[str, Any], chance: Random) -> dict[str, Any]:
    """All details of a group with one of them changed."""
    body = {name: truth[key] for name, key in _DETAILS.items()}
    if truth["reference"]:
        body["target_group_customer_reference_number"] = truth["reference"]
    number = chance.randrange(100_000)
    name, value = chance.choice(
        (
            ("name", f"Renamed {number} at Cint"),
            ("live_url", f"https://elsewhere.example.com/{number}"),
            ("target_group_customer_reference_number", f"EX-{number}"),
            ("expected_length_of_interview_minutes", chance.randrange(5, 30)),
        )
    )
    return body | {name: value}


def rich_draft(number: int, now: datetime) -> dict[str, Any]:
    """A draft with all that a form does not show: lists, named quotas, suppliers, modules."""
    ages = [
        {
            "conditions": [{"object": "range", "question_id": 42, "min": low, "max": high}],
            "quota": {"completes_goal": 60, "name": f"Aged {low}+"},
        }
        for low, high in ((18, 39), (40, 65))
    ]
    genders = [
        {
            "conditions": [{"object": "selection", "question_id": 43, "option": option}],
            "quota": {"completes_goal": 60},
        }
        for option in ("1", "2")
    ]
    form = "%Y-%m-%dT%H:%M:%S.000Z"
    return {
        "name": f"Draft {number} of the trial",
        "business_unit_id": "1001",
        "locale": "eng_us",
        "collects_pii": bool(number % 2),
        "project_manager_id": ACCOUNTS[101].users[number % 3].id,
        "fielding_specification": {
            "start_at": (now + timedelta(days=2)).strftime(form),
            "end_at": (now + timedelta(days=12)).strftime(form),
        },
        "completes_goal": 120,
        "expected_length_of_interview_minutes": 12,
        "expected_incidence_rate": 0.6,
        "live_url": f"https://surveys.example.com/s/{number}?RID=[%RID%]",
        "test_url": f"https://surveys.example.com/t/{number}?RID=[%RID%]",
        "cost_per_interview": {"value": "3.1250", "currency_code": "USD"},
        "target_group_customer_reference_number": f"PO-{number}",
        "exclusion": {"enabled": True, "list": _SHUT_OUT[: number % 3]},
        "respondent_activity_exclusions": _EXCLUSIONS[: 1 + number % 2],
        "fielding_assistant_assignment": {
            "pacing": {"type": "linear", "increment_interval": "P2D"},
            "quota_overlay": {"prevent_overfill": True, "balance_fill": False},
        },
        "profiling": {
            "profile_adjustment_type": "nominal",
            "profiles": [
                {"object": "regular", "name": "Age", "quotas_enabled": True, "targets": ages},
                {"object": "regular", "name": "Sex", "quotas_enabled": True, "targets": genders},
            ],
        },
        "allocations": {
            "open_exchange_allocations": {
                "blocked_supplier_ids": ["411"],
                "exchange_min_percentage": 0,
                "exchange_max_percentage": 100,
                "groups": [
                    {
                        "group_name": "Preferred",
                        "min_percentage": 10,
                        "max_percentage": 60,
                        "suppliers": ["418", "420"],
                    }
                ],
            }
        },
    }
