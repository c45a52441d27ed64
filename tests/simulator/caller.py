"""A caller that holds every request and every answer against the contract."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from dashboard.simulator.harness import Simulator
from tests.contract.validate import (
    VERSION,
    operation_at,
    undeclared,
    validate_request,
    validate_response,
)

KEY = {"Authorization": "Bearer test", "Cint-API-Version": VERSION}


class Caller:
    """Asks a simulated exchange; answers with the decoded body, the status is checked."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.http = httpx.Client(base_url=simulator.base_url, headers=KEY, timeout=20)
        self.headers: httpx.Headers = httpx.Headers()
        self.used: set[str] = set()

    def group_path(self, group: dict[str, Any]) -> str:
        """The address of a group that the control address told of."""
        return (
            f"/demand/accounts/{group['account_id']}/projects/{group['project_id']}"
            f"/target-groups/{group['id']}"
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        expect: int = 200,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Any:
        """The decoded answer; the request must be valid where a success is expected."""
        operation = operation_at(method, path)
        sent = {**KEY, **(headers or {})}
        words = {k: v if isinstance(v, list) else str(v) for k, v in query.items()}
        if operation is not None and expect < 400:
            validate_request(
                operation.id, path=path, method=method, query=words, headers=sent, body=body
            )
        answer = self.http.request(method, path, json=body, headers=headers, params=words)
        decoded = json.loads(answer.content) if answer.content else None
        assert answer.status_code == expect, (method, path, answer.status_code, decoded)
        if operation is not None:
            self.used.add(operation.id)
            validate_response(operation.id, answer.status_code, decoded)
            if decoded is not None:
                assert undeclared(operation.id, answer.status_code, decoded) == []
        self.headers = answer.headers
        return decoded

    def get(self, path: str, **more: Any) -> Any:
        """GET."""
        return self.ask("GET", path, **more)

    def put(self, path: str, body: Any, **more: Any) -> Any:
        """PUT with a JSON body."""
        return self.ask("PUT", path, body=body, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST with a JSON body or none."""
        return self.ask("POST", path, body=body, **more)

    def wait_for_job(self, location: str) -> Any:
        """The report of a job once it has ended; the field's clock jumps ahead for it."""
        path = urlsplit(location).path
        assert self.get(path)["status"] == "Processing"
        self.simulator.advance(seconds=5)
        return self.get(path)
