"""An exchange for tests of jobs: what it says of a job and what it holds are set apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.canned_exchange import Exchange, Reply, group_row

Answer = Callable[["JobsExchange", list[str]], Reply]


def accepted(exchange: JobsExchange, _groups: list[str]) -> Reply:
    """201 with the address of the job."""
    return 201, "", {"Location": f"/jobs/J{len(exchange.sent)}"}


def report(
    status: str = "Completed",
    *,
    done: Iterable[str] = (),
    failed: Iterable[str] = (),
    why: str = "not now",
) -> dict[str, Any]:
    """A job as the exchange tells it."""
    updated = [{"target_group_id": name} for name in done]
    reason = {"code": "state", "description": why}
    refused = [{"target_group_id": name, "failure_reason": reason} for name in failed]
    return {
        "job_id": "J1",
        "status": status,
        "updated_target_groups": {"data": updated, "has_more": False},
        "failed_target_groups": {"data": refused, "has_more": False},
    }


@dataclass
class JobsExchange(Exchange):
    """Answers to a job, to its polling and to the list, each set by hand."""

    create: Answer = accepted
    poll: Callable[[], Reply] = field(default=lambda: (200, report()))
    sent: list[dict[str, Any]] = field(default_factory=list)
    listed: list[list[str]] = field(default_factory=list)  # short ids of each list request
    hidden: set[str] = field(default_factory=set)
    is_listing: Callable[[], Reply | None] = field(default=lambda: None)

    def holds(self, names: Iterable[str], **fields: Any) -> None:
        """What the exchange shows of groups, from now on."""
        chosen = set(names)
        for rows in self.groups.values():
            for row in rows:
                if row["id"] in chosen:
                    row.update(fields)

    def add(self, project: str, name: str, number: int, **fields: Any) -> None:
        """One more group."""
        row = group_row(number) | {"id": name} | fields
        self.groups.setdefault(project, []).append(row)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        address = urlsplit(path)
        if "/batch-jobs/" in address.path:
            self.log.append((method, path))
            if method == "GET":
                return self.poll()
            self.sent.append(body)
            return self.create(self, body["target_group_ids"])
        if method == "GET" and address.path.endswith("/target-groups"):
            self.log.append((method, path))
            return self._list(address.path.split("/")[-2], parse_qs(address.query))
        if method == "GET" and address.path.startswith("/demand/target-groups/"):
            self.log.append((method, path))
            return self._alone(address.path.split("/")[-2])
        return super().reply(method, path, body)

    def _list(self, project: str, asked: dict[str, list[str]]) -> Reply:
        if instead := self.is_listing():
            return instead
        short = asked.get("human_readable_ids", [])
        self.listed.append(short)
        rows = [
            row
            for row in self.groups.get(project, [])
            if row["id"] not in self.hidden and (not short or row["human_readable_id"] in short)
        ]
        return 200, {"target_groups": rows, "url": "", "has_more": False}

    def _alone(self, name: str) -> Reply:
        rows = [row for rows in self.groups.values() for row in rows if row["id"] == name]
        if not rows:
            return 404, {"object": "not_found_error", "detail": "no such thing"}
        progress = rows[0]["statistics"]["progress"]["value"]
        return 200, {
            "account_id": 101,
            "project_id": "P",
            "target_group_id": name,
            "target_group_name": rows[0]["name"],
            "progress": progress,
            "status": rows[0]["status"],
        }
