"""Answers that the contract allows, made from its schemas by a seeded random source.

`full`: every member present and plausible, as a healthy exchange answers. Otherwise optional
members come and go, nulls where allowed, texts are wild.
"""

import random
from typing import Any

from tests.contract.operations import Operation, Schema, resolve

DATES = ("2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00.1234567+02:00")
WILD = ("", "x", "ÅÄÖ \u202e\u0000", "<script>", "=1+1", "🙂" * 5, "9" * 40, "NaN", "null", "\r\n")
PATTERNS = {
    "^[0-9A-Z]{26}$": "01J{:023d}",
    "^[a-z]{2}$": "us",
    "^[a-z]{3}$": "eng",
    r"^[a-zA-Z0-9\-_ ]*$": "ref-{}",
    "^([a-z]*_)*([a-z]*)$": "some_object",
    "^Validation error.*?$": "Validation error",
}
FORMATS = {
    "uuid": "5F2504E0-4F89-41D3-9A0C-0305E82C3301",
    "ulid": "01J00000000000000000000000",
    "ULID": "01J00000000000000000000000",
    "duration": "PT1H",
    "uri": "https://survey.example/x?a=1",
    "url": "https://hook.example/x",
    "base64": "Zm9v",
}


class Answers:
    """A source of answers; the same seed gives the same ones."""

    def __init__(self, seed: int, *, full: bool) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._full = full

    def of(self, operation: Operation) -> tuple[int, Any]:
        """A status of success and its body, None where the contract has none."""
        statuses = [s for s in operation.spec["responses"] if s.startswith("2")]
        answer = resolve(operation.spec["responses"][statuses[0]])
        content = answer.get("content", {}).get("application/json")
        return int(statuses[0]), None if content is None else self.value(content["schema"])

    def value(self, schema: Schema, name: str = "") -> Any:
        """A value that `schema` allows."""
        schema = resolve(schema)
        if schema.get("nullable") and self._chance(0.2):
            return None
        if "allOf" in schema:
            return self._all_of(schema, name)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                variants = schema[choice]
                return self.value(
                    variants[0] if self._full else self._random.choice(variants), name
                )
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return self._typed(schema, name)

    def _chance(self, share: float) -> bool:
        return not self._full and self._random.random() < share

    def _all_of(self, schema: Schema, name: str) -> Any:
        parts = [resolve(part) for part in schema["allOf"]]
        if any(set(part) == {"nullable"} for part in parts):
            if self._chance(0.3):
                return None
            parts = [part for part in parts if set(part) != {"nullable"}]
        values = [self.value(part, name) for part in parts]
        if all(isinstance(value, dict) for value in values):
            return {key: each for value in values for key, each in value.items()}
        return values[-1]

    def _typed(self, schema: Schema, name: str) -> Any:
        match schema.get("type", "object"):
            case "object":
                return self._object(schema)
            case "array":
                least = schema.get("minItems", 0)
                most = schema.get("maxItems", least + 3)
                count = self._random.randint(max(least, min(1, most)), min(most, least + 3))
                return [self.value(schema.get("items", {})) for _ in range(count)]
            case "boolean":
                return self._random.random() < 0.5
            case "integer":
                return self._integer(schema)
            case "number":
                return self._number(schema)
        return self._text(schema, name)

    def _object(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", [])
        kept = {
            name: self.value(inner, name)
            for name, inner in schema.get("properties", {}).items()
            if name in required or not self._chance(0.3)
        }
        return kept | ({"unknown_member": [1, {"a": None}]} if self._chance(0.2) else {})

    def _integer(self, schema: Schema) -> int:
        least, most = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
        ends = [least, most] if self._full else [least, most, least]
        return int(self._random.choice([*ends, self._random.randint(least, most)]))

    def _number(self, schema: Schema) -> float:
        if "int" in schema.get("format", ""):
            return self._integer(schema)
        least, most = schema.get("minimum", 0), schema.get("maximum", 1000)
        return round(self._random.uniform(least, most), 2)

    def _text(self, schema: Schema, name: str) -> str:
        if schema.get("format") == "date-time" or name.endswith("_at"):
            return self._random.choice(DATES)
        if schema.get("pattern") in PATTERNS:
            return PATTERNS[schema["pattern"]].format(self._random.randrange(10**20))
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if name == "value" and not self._chance(0.2):
            return f"{self._random.uniform(0, 200):.4f}"
        if self._full:
            return "plausible text"[: schema.get("maxLength", 100)]
        return self._random.choice(WILD)
