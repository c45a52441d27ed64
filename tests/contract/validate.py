"""Checks requests and answers against the exchange's contract, with OpenAPI 3.0 rules.

Three readings make the published schemas usable: a bare `{"nullable": true}` inside `allOf`
means that null is allowed; an object without properties inside `oneOf` means an empty object;
variants of `oneOf` may overlap (a quota with and without goals), so one match is enough.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from tests.contract.operations import (
    CONTRACT,
    VERSION,
    Operation,
    Schema,
    operation_at,
    operations,
    resolve,
)

__all__ = [
    "VERSION",
    "ContractError",
    "operation_at",
    "operations",
    "undeclared",
    "validate_request",
    "validate_response",
]

Query = Mapping[str, str | Sequence[str]]


class ContractError(AssertionError):
    """A request or an answer that the contract does not allow; the message lists every reason."""


def validate_response(operation_id: str, status: int, body: object) -> None:
    """Raise ContractError unless the contract allows this status with this decoded body.

    The body is None where there was none.
    """
    responses = operations()[operation_id].spec["responses"]
    if str(status) not in responses:
        raise ContractError(f"{operation_id}: status {status} is not in the contract")
    schema = _json_schema(resolve(responses[str(status)]))
    if schema is None:
        if body not in (None, "", b""):
            raise ContractError(f"{operation_id}: {status} has a body: {body!r:.200}")
        return
    _raise(f"{operation_id} {status}", _errors(schema, body))


def validate_request(
    operation_id: str,
    *,
    path: str,
    method: str | None = None,
    query: Query | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> None:
    """Raise ContractError unless the contract allows this request."""
    operation = operations()[operation_id]
    reasons = []
    if method is not None and method.upper() != operation.method:
        reasons.append(f"method {method} instead of {operation.method}")
    match = operation.pattern.match(urlsplit(path).path.removeprefix("/v1"))
    if match is None:
        raise ContractError(f"{operation_id}: {path} is not {operation.template}")
    given: dict[str, dict[str, str | Sequence[str]]] = {
        "path": {k: unquote(v) for k, v in match.groupdict().items()},
        "query": dict(query or {}),
        "header": {k.lower(): v for k, v in (headers or {}).items()},
    }
    reasons += _parameter_errors(operation, given)
    reasons += _body_errors(operation, body)
    _raise(f"{operation_id} request", iter(reasons))


def undeclared(schema_of: str, status: int, body: object) -> list[str]:
    """Fields of an answer that the contract does not name: typing mistakes, most often."""
    schema = _json_schema(resolve(operations()[schema_of].spec["responses"][str(status)]))
    return list(_undeclared(schema or {}, body, ""))


def _json_schema(holder: Schema) -> Schema | None:
    content = holder.get("content", {}).get("application/json")
    return None if content is None else content["schema"]


def _raise(what: str, reasons: Iterator[str]) -> None:
    if found := list(reasons):
        raise ContractError(f"{what}: " + "; ".join(found[:8]))


def _body_errors(operation: Operation, body: object) -> list[str]:
    declared = operation.spec.get("requestBody")
    if declared is None:
        return [] if body is None else ["a body where none is taken"]
    declared = resolve(declared)
    if body is None:
        return ["the body is missing"] if declared.get("required") else []
    schema = _json_schema(declared)
    return [] if schema is None else list(_errors(schema, body))


def _parameter_errors(
    operation: Operation, given: dict[str, dict[str, str | Sequence[str]]]
) -> list[str]:
    reasons = []
    names = {p["name"] for p in operation.parameters if p["in"] == "query"}
    reasons += [f"unknown query parameter {n}" for n in given["query"] if n not in names]
    for parameter in operation.parameters:
        name, place = parameter["name"], parameter["in"]
        raw = given[place].get(name.lower() if place == "header" else name)
        if raw is None:
            if parameter.get("required"):
                reasons.append(f"{place} {name} is missing")
            continue
        schema = parameter.get("schema", {})
        reasons += [f"{place} {name}: {r}" for r in _errors(schema, _typed(schema, raw))]
    return reasons


def _typed(schema: Schema, raw: str | Sequence[str]) -> object:
    """A path, query or header text as the JSON value that its schema speaks of."""
    schema = resolve(schema)
    kind = schema.get("type")
    if kind == "array":
        many = [raw] if isinstance(raw, str) else list(raw)
        return [_typed(schema.get("items", {}), one) for one in many]
    if not isinstance(raw, str):
        return list(raw)
    if kind in ("integer", "number"):
        try:
            return int(raw) if kind == "integer" else float(raw)
        except ValueError:
            return raw
    if kind == "boolean":
        return {"true": True, "false": False}.get(raw, raw)
    return raw


def _errors(schema: Schema, value: object) -> Iterator[str]:
    validator = _Validator(_readable(schema), format_checker=_formats())
    for error in sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.path))):
        yield _said(error)


def _said(error: ValidationError) -> str:
    """One line for an error, with the deepest reason of a choice that failed."""
    where = "/".join(map(str, error.absolute_path)) or "body"
    if error.context:
        deepest = max(error.context, key=lambda e: len(e.absolute_path))
        return f"{where}: no variant fits ({_said(deepest)})"
    return f"{where}: {error.message:.300}"


@cache
def _component(name: str) -> Schema:
    """A schema of the contract, read as the module's docstring says; references stay lazy."""
    return _readable(CONTRACT["components"]["schemas"][name])


def _readable(schema: Schema) -> Schema:
    rewritten: Schema = _rewrite(schema)
    return rewritten


def _rewrite(node: Any) -> Any:
    if isinstance(node, list):
        return [_rewrite(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _rewrite(value) for key, value in node.items()}
    if "allOf" in node and {"nullable": True} in node["allOf"]:
        rest = [part for part in node.pop("allOf") if part != {"nullable": True}]
        return {**node, "anyOf": [{"enum": [None]}, {"allOf": rest}]}
    if node.get("nullable") and "allOf" in node:
        whole = {"allOf": node.pop("allOf")}
        return {**node, "anyOf": [{"enum": [None]}, whole]}
    if "oneOf" in node:
        variants = [
            {**v, "maxProperties": 0} if v.get("properties") == {} else v for v in node.pop("oneOf")
        ]
        node["anyOf"] = [*variants, {"enum": [None]}] if node.get("nullable") else variants
    return node


def _ref(validator: Any, ref: str, instance: object, _schema: Schema) -> Iterator[ValidationError]:
    yield from validator.descend(instance, _component(ref.rsplit("/", 1)[1]))


def _multiple_of(
    _validator: Any, step: float, instance: object, _schema: Schema
) -> Iterator[ValidationError]:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if Decimal(str(instance)) % Decimal(str(step)):
        yield ValidationError(f"{instance} is not a multiple of {step}")


def _enum(
    _validator: Any, allowed: list[object], instance: object, schema: Schema
) -> Iterator[ValidationError]:
    if instance is None and schema.get("nullable"):
        return
    if not any(
        instance == a and isinstance(instance, bool) == isinstance(a, bool) for a in allowed
    ):
        yield ValidationError(f"{instance!r} is none of {allowed!r:.200}")


_Validator: Any = extend(OAS30Validator, {"$ref": _ref, "multipleOf": _multiple_of, "enum": _enum})

_DURATION = re.compile(r"^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$")
_PATTERNS = {
    "ulid": re.compile(r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
    "ULID": re.compile(r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
    "duration": _DURATION,
    "etag": re.compile(r'^(\*|(W/)?"[^"]*")$'),
    "uri": re.compile(r"^[a-z][a-z0-9+.-]*://\S+$", re.IGNORECASE),
    "url": re.compile(r"^https?://\S+$", re.IGNORECASE),
}


@cache
def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checkers = dict(oas30_format_checker.checkers)
    for name, pattern in _PATTERNS.items():
        checker.checks(name)(lambda v, p=pattern: not isinstance(v, str) or bool(p.match(v)))
    checker.checks("base64")(_is_base64)
    return checker


def _is_base64(value: object) -> bool:
    try:
        return not isinstance(value, str) or bool(base64.b64decode(value, validate=True))
    except binascii.Error:
        return False


def _undeclared(schema: Schema, value: object, where: str) -> Iterator[str]:
    if isinstance(value, list):
        items = [s["items"] for s in _parts(schema) if "items" in s]
        for index, one in enumerate(value):
            yield from _undeclared({"allOf": items}, one, f"{where}/{index}")
    if not isinstance(value, dict):
        return
    parts = list(_parts(schema))
    if any(part.get("additionalProperties") is True for part in parts):
        return
    for name, inner in value.items():
        named = [part["properties"][name] for part in parts if name in part.get("properties", {})]
        if not named:
            yield f"{where}/{name}"
        else:
            yield from _undeclared({"allOf": named}, inner, f"{where}/{name}")


def _parts(schema: Schema) -> Iterator[Schema]:
    """The schema and everything that it is composed of, references followed."""
    schema = resolve(schema)
    yield schema
    for key in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(key, []):
            yield from _parts(part)
