"""The contract's operations: where each lives and what it declares."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Schema = dict[str, Any]

CONTRACT: Schema = json.loads(Path(__file__).with_name("contract.json").read_text())
VERSION = "2025-12-18"
METHODS = ("get", "post", "put", "delete", "patch")


@dataclass(frozen=True)
class Operation:
    """One operation of the contract: where it lives and what it says."""

    id: str
    method: str
    template: str
    parameters: tuple[Schema, ...]
    spec: Schema

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template) + "$")


def resolve(node: Schema) -> Schema:
    """The node itself, or what its `$ref` points at."""
    while "$ref" in node:
        target: Any = CONTRACT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the contract by its operationId."""
    found = {}
    for template, item in CONTRACT["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if spec := item.get(method):
                declared = tuple(resolve(p) for p in [*shared, *spec.get("parameters", [])])
                found[spec["operationId"]] = Operation(
                    spec["operationId"], method.upper(), template, declared, spec
                )
    return found


def operation_at(method: str, path: str) -> Operation | None:
    """The operation that a method and a path (with or without `/v1`) address."""
    bare = urlsplit(path).path.removeprefix("/v1")
    for operation in operations().values():
        if operation.method == method.upper() and operation.pattern.match(bare):
            return operation
    return None
