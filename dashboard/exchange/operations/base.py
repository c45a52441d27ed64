"""The base of every operation: its address, its body, and the shape of its answer."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from dashboard.exchange.decode import Page, Whole, decode_body, decode_page, decode_whole
from dashboard.exchange.errors import BadAnswer
from dashboard.exchange.http.answer import HttpAnswer
from dashboard.exchange.http.transport import Transport
from dashboard.exchange.shapes.base import rfc3339

__all__ = ["JobRef", "OperationsBase", "path_segment", "query_string", "rfc3339"]

T = TypeVar("T")
QueryValue = str | int | bool | datetime | list[str] | None

_bodies = msgspec.json.Encoder(decimal_format="number")


class JobRef(Struct, frozen=True, kw_only=True):
    """A job that was accepted: its id, and the address at which it can be read."""

    id: str
    location: str


def path_segment(value: str) -> str:
    """`value` as one segment of a path; ValueError if it would change the path."""
    if value in {"", ".", ".."}:
        raise ValueError("An id is required")
    return quote(value, safe="")


def query_string(values: Mapping[str, QueryValue]) -> str:
    """`?a=1&b=x&b=y` of the values that are not None; empty without any."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, list):
            pairs.extend((name, item) for item in value)
        elif value is not None:
            pairs.append((name, _query_text(value)))
    return f"?{urlencode(pairs)}" if pairs else ""


def _query_text(value: str | int | bool | datetime) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return rfc3339(value) if isinstance(value, datetime) else str(value)


class OperationsBase:
    """The base of every area: knows the account and the transport."""

    def __init__(self, transport: Transport, *, account_id: str) -> None:
        self._transport = transport
        self._account = f"/accounts/{path_segment(account_id)}"
        self._projects = f"/demand{self._account}/projects"

    def _project(self, project_id: str) -> str:
        return f"{self._projects}/{path_segment(project_id)}"

    def _group(self, project_id: str, target_group_id: str) -> str:
        project = self._project(project_id)
        return f"{project}/target-groups/{path_segment(target_group_id)}"

    def _read(self, operation: str, target: str, shape: type[T]) -> T:
        answer = self._transport.send(operation, "GET", target)
        return self._decode(operation, answer, shape)

    def _read_whole(self, operation: str, target: str, shape: type[T]) -> Whole[T]:
        """An object that is sent back whole, as its shape and as it came."""
        answer = self._transport.send(operation, "GET", target)
        try:
            return decode_whole(
                answer.body,
                shape,
                etag=answer.headers.get("etag"),
                note=partial(self._transport.note, operation),
            )
        except BadAnswer as exc:
            exc.operation = operation
            raise

    def _list(self, operation: str, target: str, name: str, item: type[T]) -> Page[T]:
        answer = self._transport.send(operation, "GET", target)
        try:
            return decode_page(
                answer.body, name, item, note=partial(self._transport.note, operation)
            )
        except BadAnswer as exc:
            exc.operation = operation
            raise

    def _compute(self, operation: str, target: str, body: object, shape: type[T]) -> T:
        """A POST that changes nothing: it may be repeated."""
        answer = self._transport.send(operation, "POST", target, content=_bodies.encode(body))
        return self._decode(operation, answer, shape)

    def _write(
        self,
        operation: str,
        method: str,
        target: str,
        body: object = None,
        *,
        etag: str | None = None,
        idempotency_key: str | None = None,
    ) -> HttpAnswer:
        """A write: repeated with its idempotency key only, otherwise sent once."""
        headers: dict[str, str] = {}
        if etag is not None:
            headers["If-Match"] = etag
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._transport.send(
            operation,
            method,
            target,
            headers=headers,
            content=None if body is None else _bodies.encode(body),
            write=True,
            repeatable=idempotency_key is not None,
        )

    def _decode(
        self, operation: str, answer: HttpAnswer, shape: type[T], *, written: bool = False
    ) -> T:
        """The answer as `shape`; an unreadable one after a write leaves the outcome unknown."""
        try:
            note = None if written else partial(self._transport.note, operation)
            return decode_body(answer.body, shape, note=note)
        except BadAnswer as exc:
            exc.operation, exc.outcome_unknown = operation, written
            raise

    def _job(self, operation: str, answer: HttpAnswer) -> JobRef:
        location = answer.headers.get("location", "")
        job_id = location.split("?")[0].rstrip("/").rpartition("/")[2]
        if not job_id:
            raise BadAnswer(
                "Cint accepted the job but gave no address to follow it",
                operation=operation,
                outcome_unknown=True,
            )
        return JobRef(id=job_id, location=location)
